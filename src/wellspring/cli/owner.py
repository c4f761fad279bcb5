"""The database as its owner sees it, for commands that run beside the program or without it."""

from collections.abc import Generator
from contextlib import contextmanager

import psycopg
import sqlalchemy.exc

from wellspring.cli import place
from wellspring.cli.errors import DatabaseAway, NothingHere
from wellspring.kernel.settings import Settings
from wellspring.migrations.bootstrap import ensure_database
from wellspring.postgres import Cluster, hold


@contextmanager
def owner_url(settings: Settings, *, new: bool = False) -> Generator[str]:
    """Yield the owner's database address; starts or joins the embedded server for the length of the block.

    Raises ClusterError, DatabaseAway, KeysGone, and NothingHere unless a `new` database may be made.
    """
    given = place.given_url(settings)
    try:
        if given is not None:
            yield given
            return
        with held_cluster(settings, new=new) as cluster:
            yield cluster.dsn(place.DATABASE)
    except (psycopg.OperationalError, sqlalchemy.exc.OperationalError) as error:
        cause = error.orig if isinstance(error, sqlalchemy.exc.OperationalError) else error
        raise DatabaseAway(str(cause).strip().splitlines()[0]) from error


@contextmanager
def held_cluster(settings: Settings, *, new: bool = False) -> Generator[Cluster]:
    """Yield the embedded server itself, with its database made. Raises NothingHere unless it may be `new`.

    What looks into, saves or changes an installation must not answer for an empty one that it made itself.
    """
    folder = place.cluster_folder(settings)
    if not new and not folder.exists():
        raise NothingHere(f"{folder.parent}: name the right one with --data or WELLSPRING_DATA.")
    place.make_folder(settings)
    with hold(folder) as cluster:
        ensure_database(cluster.dsn(), place.DATABASE)
        yield cluster
