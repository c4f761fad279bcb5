"""Making, joining and leaving the embedded database."""

import asyncio
import os
import signal
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import psycopg
import pytest

from wellspring.postgres import Cluster, NoSuchToolError, binaries, hold, run_tool, tools

from .support import Program, alive, query, server_of, state, wait_for

_PROMISED = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "server_encoding": "UTF8",
    "data_checksums": "on",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "jit": "off",
    "shared_buffers": "128MB",
    "max_connections": "200",
    "password_encryption": "scram-sha-256",
    "log_statement": "none",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_min_messages": "log",
    "TimeZone": "UTC",
}


def test_the_tools_that_others_rely_on_are_there() -> None:
    wanted = {
        "initdb",
        "postgres",
        "psql",
        "pg_dump",
        "pg_restore",
        "pg_basebackup",
        "pgbench",
        "pg_verifybackup",
    }
    assert wanted <= set(tools())
    assert "pginstall18" in binaries().parts


def test_a_new_folder_becomes_a_database_and_nothing_runs_afterwards(fresh: Path) -> None:
    with hold(fresh) as cluster:
        pid = server_of(fresh)
        assert pid is not None
        assert query(cluster.dsn(), "select 40 + 2") == "42"
    assert server_of(fresh) is None
    assert not alive(pid)
    assert list(fresh.joinpath("run").iterdir()) == []


def test_asyncpg_reads_the_same_address(running: Cluster) -> None:
    async def ask(dsn: str) -> object:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval("select current_user")
        finally:
            await connection.close()

    assert asyncio.run(ask(running.dsn())) == "postgres"


def test_everything_is_private(running: Cluster) -> None:
    data = running.data
    for path in [data, *data.rglob("*")]:
        assert stat.S_IMODE(path.lstat().st_mode) & 0o077 == 0, path
    rules = (data / "cluster" / "pg_hba.conf").read_text().splitlines()
    methods = {line.split()[-1] for line in rules if line.strip() and not line.startswith("#")}
    assert methods == {"scram-sha-256"}
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(running.dsn(password="wrong"))
    assert running.password not in repr(running)


def test_settings_are_as_promised(running: Cluster) -> None:
    seen = {name: query(running.dsn(), f"show {name}") for name in _PROMISED}
    find = "select datlocprovider::text || datlocale from pg_database where datname = 'postgres'"
    provider = query(running.dsn(), find)
    assert seen == _PROMISED
    assert provider == "bC.UTF-8"


def test_alter_system_cannot_weaken_what_is_guarded(data: Path) -> None:
    with hold(data) as cluster, psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        connection.execute("alter system set fsync = off")
        connection.execute("alter system set log_statement = 'all'")
    with hold(data) as cluster:
        assert query(cluster.dsn(), "show fsync") == "on"
        assert query(cluster.dsn(), "show log_statement") == "none"


def test_a_warm_start_takes_less_than_a_second(data: Path) -> None:
    begun = time.perf_counter()
    with hold(data) as cluster:
        query(cluster.dsn(), "select 1")
        assert time.perf_counter() - begun < 1.0


def test_the_server_does_not_inherit_our_secrets(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WELLSPRING_KEY", "canary-in-the-environment")
    with hold(data):  # started here, under the changed environment
        environment = Path(f"/proc/{server_of(data)}/environ").read_bytes()
    assert b"PATH=" in environment
    assert b"canary" not in environment


def test_health_text_stays_out_of_the_log(data: Path) -> None:
    canary = "canary-words-from-a-journal"
    with hold(data) as cluster:
        for wrong in (f"select '{canary}'::int", f"select {canary.replace('-', '_')}"):
            with pytest.raises(psycopg.Error):
                query(cluster.dsn(), wrong)
        with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
            connection.execute("create table note (words text primary key)")
            connection.execute("insert into note values (%s)", [canary])
            with pytest.raises(psycopg.errors.UniqueViolation):
                connection.execute("insert into note values (%s)", [canary])
        _crash_a_backend_that_runs(cluster.dsn(), f"select pg_sleep(20), '{canary}'")
        wait_for(lambda: "terminated by signal" in _log(data))
    log = _log(data)
    assert "database system is ready" in log
    assert "canary" not in log


def _crash_a_backend_that_runs(dsn: str, sql: str) -> None:
    def run() -> None:
        with pytest.raises(psycopg.OperationalError):
            query(dsn, sql)

    victim = threading.Thread(target=run)
    victim.start()
    find = "select pid from pg_stat_activity where query like 'select pg_sleep%'"
    wait_for(lambda: query(dsn, find) != "")
    os.kill(int(query(dsn, find)), signal.SIGKILL)
    victim.join()


def _log(data: Path) -> str:
    return "".join(path.read_text() for path in sorted((data / "log").iterdir()))


def test_only_a_few_logs_are_kept(data: Path) -> None:
    for number in range(20):
        (data / "log" / f"postgres-20200101-0000{number:02}.log").touch()
    with hold(data):
        kept = sorted(path.name for path in (data / "log").glob("postgres-*.log"))
    assert len(kept) <= 7
    assert "postgres-20200101-000001.log" not in kept


@pytest.mark.slow
def test_two_programs_share_and_the_last_one_out_stops(data: Path, program: Callable[..., Program]) -> None:
    other = program(data)
    with hold(data) as cluster:
        assert server_of(data) == other.server
        assert other.leave() == 0
        assert query(cluster.dsn(), "select 1") == "1"
    assert server_of(data) is None


@pytest.mark.slow
def test_the_first_one_out_leaves_the_server_to_the_other(data: Path, program: Callable[..., Program]) -> None:
    with hold(data):
        other = program(data)
        pid = other.server
    assert server_of(data) == pid
    assert query(str(other.said["dsn"]), "select 1") == "1"
    assert other.leave() == 0
    assert server_of(data) is None


@pytest.mark.slow
def test_four_programs_that_start_at_once_make_one_database(fresh: Path, program: Callable[..., Program]) -> None:
    four = [program(fresh) for _ in range(4)]
    assert len({one.server for one in four}) == 1
    assert [query(str(one.said["dsn"]), "select 1") for one in four] == ["1"] * 4
    for one in four:
        assert server_of(fresh) is not None
        assert one.leave() == 0
    assert server_of(fresh) is None


def test_one_program_may_hold_twice(data: Path) -> None:
    with hold(data) as outer:
        with hold(data) as inner:
            assert inner == outer
        assert query(outer.dsn(), "select 1") == "1"
    assert server_of(data) is None


@pytest.mark.slow
def test_a_killed_program_leaves_a_server_that_the_next_one_adopts(data: Path, program: Callable[..., Program]) -> None:
    other = program(data)
    pid = other.server
    query(str(other.said["dsn"]), "create table kept as select 7 as n")
    other.kill()
    assert alive(pid)
    with hold(data) as cluster:
        assert server_of(data) == pid
        assert query(cluster.dsn(), "select n from kept") == "7"
    assert server_of(data) is None
    assert not alive(pid)


def test_a_forked_child_does_not_stop_the_server(data: Path) -> None:
    holder = hold(data)
    cluster = holder.__enter__()
    child = os.fork()
    if child == 0:
        try:
            holder.__exit__(None, None, None)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert query(cluster.dsn(), "select 1") == "1"
    holder.__exit__(None, None, None)
    assert server_of(data) is None


def test_the_tools_reach_the_database(running: Cluster, capfd: pytest.CaptureFixture[str], fresh: Path) -> None:
    assert run_tool(running, "psql", ["-Atc", "select 6 * 7"]) == 0
    assert capfd.readouterr().out == "42\n"
    assert run_tool(running, "psql", ["-Atc", "select wrong"]) == 1
    assert run_tool(running, "pg_dump", ["--schema-only", "postgres"]) == 0
    assert "PostgreSQL database dump" in capfd.readouterr().out
    assert run_tool(running, "pg_basebackup", ["-D", str(fresh.parent / "backup"), "--checkpoint=fast"]) == 0
    assert run_tool(running, "pg_ctl", ["status", "-D", str(running.data / "cluster")]) == 0
    assert "server is running" in capfd.readouterr().out
    with pytest.raises(NoSuchToolError, match="psql") as refusal:
        run_tool(running, "../psql", [])
    assert refusal.value.code == "no_such_tool"


def test_state_helper_knows_a_zombie() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    wait_for(lambda: state(child) == "Z")
    assert not alive(child)
    os.waitpid(child, 0)
