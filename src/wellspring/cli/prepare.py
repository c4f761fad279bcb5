"""Makes a database ready before anything is served (`python -m wellspring.cli.prepare`, started by `serve`).

A process of its own: it carries the migrations, the slices and perhaps the demo, and gives that memory back.
"""

import os
import sys

import psycopg
from sqlalchemy.exc import DBAPIError

from wellspring import seeding
from wellspring.cli import console, demo, place, synthetic, tether
from wellspring.cli.errors import Refusal
from wellspring.cli.serve import DEMO, EMBEDDED
from wellspring.kernel import keys, logs
from wellspring.kernel.errors import Problem
from wellspring.kernel.settings import Settings
from wellspring.migrations import bootstrap


def prepare(settings: Settings) -> None:
    """Make database and roles, migrate, write reference data, and fill the demo when that is what runs."""
    url = place.given_url(settings) or ""
    if os.environ.get(EMBEDDED):
        bootstrap.ensure_database(bootstrap.with_database(url, "postgres"), place.DATABASE)
    ring = keys.load(settings)
    bootstrap.prepare(url, ring)
    synthetic.refuse_demo_data(settings, url)
    seeding.seed(url)
    wanted = os.environ.get(DEMO)
    if wanted:
        people, _, form = wanted.partition(" ")
        demo.show(demo.ensure(settings, ring, url, int(people)), json=form == "json")


def _first_line(error: BaseException | None) -> str:
    return str(error).strip().splitlines()[0]


def main() -> None:
    """Prepare, or say why not."""
    tether.tie_if_child()
    settings = Settings()
    logs.configure(settings.log_level)
    try:
        prepare(settings)
    except (Refusal, Problem) as error:
        console.complain(error.code, console.words_of(error))
        sys.exit(1)
    except psycopg.OperationalError as error:
        console.complain("database_unavailable", _first_line(error))
        sys.exit(1)
    except (psycopg.Error, DBAPIError) as error:
        said = error.orig if isinstance(error, DBAPIError) else error
        words = f"PostgreSQL refused to make the database ready: {_first_line(said)}."
        if isinstance(said, psycopg.errors.InsufficientPrivilege):
            words += " The login of DATABASE_URL must own the database and may create roles (CREATEROLE)."
        console.complain("database_refused", words)
        sys.exit(1)


if __name__ == "__main__":
    main()
