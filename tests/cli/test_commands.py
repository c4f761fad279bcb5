"""Commands that need no server."""

import json
import os
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.program import self_signed
from wellspring import __version__
from wellspring.cli import address, audit, checks_machine, given, place, serve
from wellspring.cli.commands import COMMANDS
from wellspring.cli.errors import (
    AddressRefused,
    CorpusWrong,
    DemoOnNetwork,
    FileRefused,
    NeedsDatabase,
    PlainText,
    PortTaken,
    SettingsWrong,
)
from wellspring.cli.given import settings_from
from wellspring.cli.web import server
from wellspring.kernel.keys import KeysMissing
from wellspring.kernel.settings import Settings


def test_every_command_explains_itself(run: Run) -> None:
    overview = run("--help")
    assert overview.exit_code == 0
    for name in COMMANDS:
        assert name in overview.output
        if name not in ("pg", "psql"):
            assert "Usage" in run(name, "--help").output


def test_version(run: Run) -> None:
    assert run("version").output.strip() == __version__
    assert json.loads(run("version", "--json").output)["wellspring"] == __version__


def test_an_unknown_command_is_refused(run: Run) -> None:
    assert run("fly").exit_code == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_needs_no_tls(host: str) -> None:
    address.refuse_unsafe(Settings(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "wellspring.example"])
def test_beyond_loopback_plain_text_is_refused(host: str) -> None:
    with pytest.raises(PlainText, match="TRUSTED_PROXY"):
        address.refuse_unsafe(Settings(host=host))
    with pytest.raises(PlainText):
        address.refuse_unsafe(Settings(host=host, tls_cert=Path("only-one-of-two")))
    address.refuse_unsafe(Settings(host=host, trusted_proxy="192.0.2.1"))
    address.refuse_unsafe(Settings(host=host, tls_cert=Path("a"), tls_key=Path("b")))


def test_the_demo_stays_on_this_machine() -> None:
    wide = Settings(host="0.0.0.0", environment="demo", trusted_proxy="192.0.2.1")
    with pytest.raises(DemoOnNetwork):
        address.refuse_unsafe(wide)
    address.refuse_unsafe(wide, demo_on_network=True)


def test_a_taken_port_is_noticed_even_when_its_holder_would_share_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "_PATIENCE", 0.0)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(PortTaken):
            address.claim("127.0.0.1", other.getsockname()[1])


def test_port_0_chooses_a_free_one() -> None:
    assert address.claim("127.0.0.1", 0) > 0


@pytest.mark.parametrize("host", ["192.0.2.7", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(AddressRefused):
        address.claim(host, 0)


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        (Settings(port=8123), "http://127.0.0.1:8123"),
        (Settings(port=8123, host="0.0.0.0"), "http://127.0.0.1:8123"),
        (Settings(port=8123, host="::"), "http://[::1]:8123"),
        (Settings(port=443, tls_cert=Path("a"), tls_key=Path("b")), "https://127.0.0.1:443"),
    ],
)
def test_the_ready_line_names_an_address_that_works_here(settings: Settings, url: str) -> None:
    assert address.local_url(settings) == url


@pytest.mark.parametrize("command", ["web", "worker"])
def test_apart_they_need_a_database(run: Run, command: str) -> None:
    assert isinstance(run(command).exception, NeedsDatabase)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("WELLSPRING_PORT", "many", "WELLSPRING_PORT: Input"),
        ("WELLSPRING_PUBLIC_URL", "care.example.org", "WELLSPRING_PUBLIC_URL: write https://care.example.org."),
        ("WELLSPRING_KEYS_FILE", "/no/such/file", "/no/such/file"),
        ("WELLSPRING_KEYS_FILE", sys.executable, "UTF-8"),
        ("DATABASE_URL", "db.example", "DATABASE_URL"),
        ("DATABASE_URL", "postgresql://db.example:many/x", "DATABASE_URL"),
    ],
)
def test_a_wrong_setting_is_named(run: Run, clean: pytest.MonkeyPatch, name: str, value: str, words: str) -> None:
    clean.setenv(name, value)
    found = run("doctor").exception
    assert isinstance(found, SettingsWrong)
    assert words in str(found)


def test_a_name_that_is_no_setting_is_found(clean: pytest.MonkeyPatch) -> None:
    for name in ("SMPT_URL", "DATABASE_URL", "PORT", "KEYS_FILE", "DATABASE_URL_FILE", "CURRENT_KEK", "PARENT"):
        clean.setenv(f"WELLSPRING_{name}", "x")
    assert given.unknown() == ["WELLSPRING_DATABASE_URL", "WELLSPRING_SMPT_URL"]
    found = checks_machine.CHECKS[-1].report(Settings.model_construct())
    assert (found.code, found.state) == ("WS009", "warning")
    assert found.words.endswith("WELLSPRING_DATABASE_URL, WELLSPRING_SMPT_URL.")


@pytest.mark.parametrize("command", ["serve", "web"])
def test_a_certificate_that_cannot_be_used_is_told_before_anything_starts(
    run: Run, clean: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    clean.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    clean.setattr(serve.Stopping, "listen", lambda _: None)  # signals of this process stay pytest's
    clean.setenv("WELLSPRING_TLS_CERT", "/no/such/cert")
    assert "one is missing" in str(run(command).exception)
    clean.setenv("WELLSPRING_TLS_KEY", "/no/such/key")
    found = run(command).exception
    assert isinstance(found, SettingsWrong)
    assert "/no/such/cert" in str(found)
    cert, key = self_signed(tmp_path)
    address.refuse_broken_tls(Settings(tls_cert=cert, tls_key=key))


@pytest.mark.parametrize("command", ["serve", "web", "worker", "create-admin erin@example.org"])
@pytest.mark.parametrize("keks", ['{"1": "b"}', '{"x": "YWJj"}', "{}"])
def test_keys_that_are_none_are_told_before_anything_is_made(
    run: Run, clean: pytest.MonkeyPatch, tmp_path: Path, command: str, keks: str
) -> None:
    clean.setattr(serve.Stopping, "listen", lambda _: None)
    clean.setenv("WELLSPRING_KEYS", f'{{"root": "YWJj", "keks": {keks}}}')
    if command in ("web", "worker"):
        clean.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    assert isinstance(run(*command.split(), input="a quiet lamp by the river\n").exception, KeysMissing)
    assert not (tmp_path / "data" / "postgres").exists()


@pytest.mark.parametrize("head", ["garbage", "1404", "1404:1f58", "007:" + "0" * 64])
def test_half_a_noted_head_is_compared_with_nothing_and_refused(run: Run, head: str) -> None:
    assert isinstance(run("audit", "verify", "--head", head).exception, SettingsWrong)
    assert audit.noted(f" 12:{'AB' * 32}\n") == f"12:{'ab' * 32}"


def test_texts_and_answers_that_cannot_be_opened_are_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "texts").write_text("")
    for source, out, kind in ((tmp_path, "out", CorpusWrong), (tmp_path / "texts", "no/such/out", FileRefused)):
        found = run("language", "score", str(source), "--out", str(tmp_path / out), "--light").exception
        assert isinstance(found, kind)
        assert str(tmp_path / out if kind is FileRefused else source) in str(found)


def test_an_empty_setting_is_one_that_is_not_set(clean: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "WELLSPRING_DATA", "WELLSPRING_SMTP_URL", "WELLSPRING_PORT"):
        clean.setenv(name, "")
    settings = settings_from()
    assert (settings.database_url, settings.data, settings.smtp_url, settings.port) == (None, Path("data"), None, 8000)


def test_children_do_not_get_the_owners_login() -> None:
    url = "postgresql://owner:secret@db.example:5433/wellspring?sslmode=require"
    assert place.without_login(url) == "postgresql://db.example:5433/wellspring?sslmode=require"
    embedded = "postgresql://postgres:secret@/wellspring?host=%2Frun&port=5432"
    assert place.without_login(embedded) == "postgresql:///wellspring?host=%2Frun&port=5432"
    inside = "postgresql://db.example/wellspring?user=owner&sslmode=require&password=secret&passfile=%2Fx"
    assert place.without_login(inside) == "postgresql://db.example/wellspring?sslmode=require"
    assert place.without_login("postgresql://db.example/x?user=owner") == "postgresql://db.example/x"


def test_children_do_not_get_the_owners_login_by_a_file_either(clean: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://owner:secret@db.example/wellspring")
    (tmp_path / "port").write_text("0")
    clean.setenv("DATABASE_URL_FILE", str(tmp_path / "url"))
    clean.setenv("WELLSPRING_PORT_FILE", str(tmp_path / "port"))
    settings = settings_from()
    url = place.given_url(settings)
    assert url is not None
    given = serve._environment(settings.model_copy(update={"port": 8123}), place.without_login(url))
    for name in set(os.environ) - set(given):
        clean.delenv(name)
    for name, value in given.items():
        clean.setenv(name, value)
    theirs = Settings()
    assert place.given_url(theirs) == "postgresql://db.example/wellspring"
    assert theirs.port == 8123


def test_an_option_comes_before_a_file(clean: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "port").write_text("9001")
    clean.setenv("WELLSPRING_PORT", "9000")
    clean.setenv("WELLSPRING_PORT_FILE", str(tmp_path / "port"))
    assert settings_from().port == 9001
    assert settings_from(port=9002).port == 9002


def test_the_web_server_is_bounded() -> None:
    made = server(Settings(web_processes=3))
    assert made.workers == 3
    assert made.http1_settings is not None
    assert made.http1_settings.header_read_timeout <= 10_000
    assert made.workers_kill_timeout is not None
    with pytest.raises((ssl.SSLError, OSError)):
        server(Settings(tls_cert=Path("/no/such/cert"), tls_key=Path("/no/such/key")))


def test_postgres_tools_are_named_when_one_is_unknown(run: Run, clean: pytest.MonkeyPatch) -> None:
    clean.setenv("DATABASE_URL", "postgresql://localhost/x")
    found = run("pg", "pg_fly").exception
    assert "pg_dump" in str(found)


@pytest.mark.parametrize("command", ["web", "worker"])
def test_processes_refuse_in_the_same_words_without_what_only_commands_need(command: str) -> None:
    """Without options they take the short way, whose refusals scripts read like all others."""
    script = (
        "import sys\nfrom wellspring.cli import main\n"
        f"sys.argv = ['wellspring', {command!r}]\n"
        "try:\n    main()\nfinally:\n    print('typer' in sys.modules, 'rich' in sys.modules)\n"
    )
    clean = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    done = subprocess.run([sys.executable, "-c", script], env=clean, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.split()) == (1, ["False", "False"])
    assert done.stderr == (
        "wellspring: This command runs apart from `serve` and needs DATABASE_URL. [database_url_missing]\n"
    )
