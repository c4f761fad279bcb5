"""PostgreSQL's own tools, pointed at the embedded database."""

import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager

from wellspring.postgres.account import account_for, ourselves
from wellspring.postgres.binaries import tool_path
from wellspring.postgres.cluster import Cluster

# These programs refuse to run as root; they get the account of the server.
_REFUSE_ROOT = {
    "initdb",
    "pg_createsubscriber",
    "pg_ctl",
    "pg_resetwal",
    "pg_rewind",
    "pg_upgrade",
    "postgres",
}


def tool_environment(cluster: Cluster) -> dict[str, str]:
    """Return our environment with PGHOST, PGPORT, PGUSER and PGPASSWORD for the superuser of `cluster`."""
    return os.environ | {
        "PGHOST": cluster.host,
        "PGPORT": str(cluster.port),
        "PGUSER": cluster.superuser,
        "PGPASSWORD": cluster.password,
    }


def run_tool(cluster: Cluster, tool: str, args: list[str]) -> int:
    """Run psql, pg_dump, pg_basebackup or another tool on our own terminal; return its exit status.

    Raises NoSuchToolError.
    """
    argv = [str(tool_path(tool)), *args]
    account = account_for(cluster.data) if tool in _REFUSE_ROOT else ourselves()
    with _interrupts_left_to_the_tool():
        return account.call(argv, tool_environment(cluster))


@contextmanager
def _interrupts_left_to_the_tool() -> Generator[None]:
    """Ctrl-C in psql ends a query, not the program around it. Unlike SIG_IGN, a handler is not inherited."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
