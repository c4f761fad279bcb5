"""The database as its owner sees it, for commands that run beside the program or without it."""

from collections.abc import Generator
from contextlib import contextmanager

import psycopg
import sqlalchemy.exc

from wellspring.cli import place
from wellspring.cli.errors import DatabaseAway
from wellspring.kernel.settings import Settings
from wellspring.migrations.bootstrap import ensure_database
from wellspring.postgres import Cluster, hold


@contextmanager
def owner_url(settings: Settings) -> Generator[str]:
    """Yield the owner's database address; starts or joins the embedded server for the length of the block.

    Raises ClusterError, DatabaseAway.
    """
    given = place.given_url(settings)
    try:
        if given is not None:
            yield given
            return
        with held_cluster(settings) as cluster:
            yield cluster.dsn(place.DATABASE)
    except (psycopg.OperationalError, sqlalchemy.exc.OperationalError) as error:
        cause = error.orig if isinstance(error, sqlalchemy.exc.OperationalError) else error
        raise DatabaseAway(str(cause).strip().splitlines()[0]) from error


@contextmanager
def held_cluster(settings: Settings) -> Generator[Cluster]:
    """Yield the embedded server itself, with its database made."""
    place.make_folder(settings)
    with hold(place.cluster_folder(settings)) as cluster:
        ensure_database(cluster.dsn(), place.DATABASE)
        yield cluster
