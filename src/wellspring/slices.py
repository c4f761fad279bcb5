"""The one list of slices: the program, the worker and the command line are built from it."""

from collections.abc import Callable
from typing import Any, Final

import psycopg

from wellspring.checkins import jobs as checkins_jobs
from wellspring.checkins import routes as checkins_routes
from wellspring.checkins import tables as checkins_tables
from wellspring.identity import routes as identity_routes
from wellspring.identity import tables as identity_tables
from wellspring.interventions import routes as interventions_routes
from wellspring.interventions import seed as interventions_seed
from wellspring.interventions import tables as interventions_tables
from wellspring.safety import paging as safety_jobs
from wellspring.safety import routes as safety_routes
from wellspring.safety import tables as safety_tables

ROUTES: Final[list[Any]] = [
    *identity_routes.ROUTES,
    *safety_routes.ROUTES,
    *interventions_routes.ROUTES,
    *checkins_routes.ROUTES,
]
"""Every route of every slice."""

TABLES: Final = [identity_tables, safety_tables, interventions_tables, checkins_tables]
"""Modules that declare tables."""

JOBS: Final = [safety_jobs, checkins_jobs]
"""Modules that register jobs."""

SEEDS: Final[list[Callable[["psycopg.Connection[tuple[object, ...]]"], None]]] = [interventions_seed.seed]
"""Reference data, written by the owner after migrations; each may run again."""


def seed(owner_url: str) -> None:
    """Write all reference data."""
    with psycopg.connect(owner_url) as conn:
        for write in SEEDS:
            write(conn)
