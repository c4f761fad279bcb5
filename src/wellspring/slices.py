"""The one list of slices: the program, the worker and the command line are built from it."""

from typing import Any, Final

from wellspring.identity import routes as identity_routes
from wellspring.identity import tables as identity_tables

__all__ = ["ROUTES", "TABLE_MODULES"]

ROUTES: Final[list[Any]] = [*identity_routes.ROUTES]
TABLE_MODULES: Final = [identity_tables]
