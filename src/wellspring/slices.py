"""The one list of slices: the program, the worker and the command line are built from it."""

from typing import Any, Final

from wellspring.admin import jobs as admin_jobs
from wellspring.admin import pages as admin_pages
from wellspring.admin import routes as admin_routes
from wellspring.checkins import jobs as checkins_jobs
from wellspring.checkins import pages as checkins_pages
from wellspring.checkins import reading_routes as checkins_reading
from wellspring.checkins import routes as checkins_routes
from wellspring.checkins import tables as checkins_tables
from wellspring.identity import account_pages, forgotten_pages, leave_out_pages
from wellspring.identity import jobs as identity_jobs
from wellspring.identity import pages as identity_pages
from wellspring.identity import routes as identity_routes
from wellspring.identity import tables as identity_tables
from wellspring.interventions import jobs as interventions_jobs
from wellspring.interventions import learned_pages
from wellspring.interventions import pages as interventions_pages
from wellspring.interventions import routes as interventions_routes
from wellspring.interventions import tables as interventions_tables
from wellspring.notify import account as notify_account
from wellspring.notify import jobs as notify_jobs
from wellspring.notify import pages as notify_pages
from wellspring.notify import routes as notify_routes
from wellspring.notify import tables as notify_tables
from wellspring.privacy import closing as privacy_closing
from wellspring.privacy import consents as privacy_events
from wellspring.privacy import kept as privacy_jobs
from wellspring.privacy import leaving as privacy_leaving
from wellspring.privacy import leaving_pages as privacy_leaving_pages
from wellspring.privacy import leaving_routes as privacy_leaving_routes
from wellspring.privacy import looks as privacy_looks
from wellspring.privacy import own_copies as privacy_copies
from wellspring.privacy import pages as privacy_pages
from wellspring.privacy import routes as privacy_routes
from wellspring.privacy import tables as privacy_tables
from wellspring.safety import notes as safety_notes
from wellspring.safety import pages as safety_pages
from wellspring.safety import paging as safety_jobs
from wellspring.safety import routes as safety_routes
from wellspring.safety import tables as safety_tables
from wellspring.web import routes as web_pages

ROUTES: Final[list[Any]] = [
    *identity_routes.ROUTES,
    *privacy_routes.ROUTES,
    *privacy_looks.ROUTES,
    *privacy_leaving_routes.ROUTES,
    *notify_routes.ROUTES,
    *safety_routes.ROUTES,
    *interventions_routes.ROUTES,
    *checkins_routes.ROUTES,
    *checkins_reading.ROUTES,
    *admin_routes.ROUTES,
    *identity_pages.PAGES,
    *account_pages.PAGES,
    *forgotten_pages.PAGES,
    *leave_out_pages.PAGES,
    *privacy_pages.PAGES,
    *privacy_leaving_pages.PAGES,
    *notify_pages.PAGES,
    *safety_pages.PAGES,
    *interventions_pages.PAGES,
    *learned_pages.PAGES,
    *checkins_pages.PAGES,
    *admin_pages.PAGES,
    *web_pages.PAGES,
]
"""Every route and page of every slice."""

TABLES: Final = [identity_tables, privacy_tables, notify_tables, safety_tables, interventions_tables, checkins_tables]
"""Modules that declare tables."""

JOBS: Final = [
    identity_jobs,
    notify_account,
    notify_jobs,
    safety_jobs,
    safety_notes,
    interventions_jobs,
    checkins_jobs,
    admin_jobs,
    privacy_events,
    privacy_closing,
    privacy_jobs,
    privacy_leaving,
    privacy_copies,
]
"""Modules that register jobs and handlers of events."""
