"""Mail over SMTP, against a server that speaks the protocol on loopback."""

import asyncio
import socket
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from threading import Event, Thread
from typing import Any, TypeVar
from urllib.parse import quote

import pytest
from msgspec import structs
from pydantic import SecretStr

from tests.notify.server import FROM, SECRET, USER, Mood, authenticate, certificate, client, free_port, serving
from tests.notify.support import Desk, Owner
from tests.support.people import Person
from wellspring.kernel.settings import Settings
from wellspring.notify import jobs as delivering
from wellspring.notify.jobs import MOST_TRIES
from wellspring.notify.ports import Mail, MailError, NotTakenError, RecordingMail, RefusedError, UncertainError
from wellspring.notify.smtp import SmtpMail, SmtpServer, mail_port, parse

pytestmark = pytest.mark.anyio
T = TypeVar("T")
MAIL = Mail("01970000-0000-7000-8000-000000000001", "dana@example.org", "Un été ’’", "Quelqu’un à l’écoute.\n.\nFin\n")


def received(mood: Mood) -> EmailMessage:
    (envelope,) = mood.envelopes
    assert isinstance(envelope.content, bytes)
    found = message_from_bytes(envelope.content, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


async def test_a_message_arrives_as_it_was_written() -> None:
    mood = Mood()
    with serving(mood) as server:
        provider_id = await client(server).send(MAIL)
    message = received(mood)
    assert mood.envelopes[0].rcpt_tos == ["dana@example.org"]
    assert mood.envelopes[0].mail_from == "desk@wellspring.test"
    assert message["Subject"] == "Un été ’’"
    assert message["From"] == FROM
    assert message["To"] == "dana@example.org"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == provider_id == f"<{MAIL.key}@wellspring.test>"
    assert message.get_content().splitlines() == MAIL.text.splitlines()
    assert mood.envelopes[0].content.isascii()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("mood", "kind", "code"),
    [
        (Mood(rcpt="550 no such user"), RefusedError, "smtp_550"),
        (Mood(rcpt="451 try later"), NotTakenError, "smtp_451"),
        (Mood(rcpt="drop"), NotTakenError, "smtp_broken_off"),
        (Mood(data="554 looks like spam"), RefusedError, "smtp_554"),
        (Mood(data="452 disk full"), NotTakenError, "smtp_452"),
    ],
)
async def test_what_the_server_answers_is_believed(mood: Mood, kind: type[MailError], code: str) -> None:
    with serving(mood) as server, pytest.raises(kind) as failed:
        await client(server).send(MAIL)
    assert failed.value.code == code
    assert "dana" not in str(failed.value)


@pytest.mark.parametrize("mood", [Mood(hang=True), Mood(drop=True)], ids=["hangs", "breaks off"])
async def test_no_answer_after_the_data_is_uncertain(mood: Mood) -> None:
    with serving(mood) as server, pytest.raises(UncertainError):
        await client(server).send(MAIL)
    assert len(mood.envelopes) == 1


async def test_the_whole_time_ends_too() -> None:
    mood = Mood(hang=True)
    with serving(mood) as server, pytest.raises(UncertainError):
        await client(server, data_s=20.0, whole_s=0.5).send(MAIL)


async def test_a_server_that_is_down_took_nothing() -> None:
    began = time.monotonic()
    with pytest.raises(NotTakenError) as failed:
        await client(SmtpServer("127.0.0.1", free_port(), tls=False)).send(MAIL)
    assert failed.value.code == "smtp_unreachable"
    assert time.monotonic() - began < 2


async def test_a_server_that_never_greets_took_nothing() -> None:
    silent = await asyncio.start_server(lambda _, __: asyncio.sleep(0), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with silent:
        for patience in ({"step_s": 0.3}, {"whole_s": 0.3}):
            with pytest.raises(NotTakenError):
                await client(SmtpServer("127.0.0.1", port, tls=False), **patience).send(MAIL)


async def test_starttls_is_used_when_offered(tmp_path: Path) -> None:
    mood = Mood()
    with serving(mood, tls_context=certificate(tmp_path)) as server:
        await client(server).send(MAIL)
    assert mood.sessions[0].ssl is not None


async def test_tls_from_the_first_byte_and_a_password(tmp_path: Path) -> None:
    mood = Mood()
    options = {"authenticator": authenticate, "auth_require_tls": False}
    with serving(mood, ssl_context=certificate(tmp_path), **options) as server:
        await client(structs.replace(server, user=USER, password=SECRET)).send(MAIL)
    assert mood.sessions[0].authenticated


async def test_a_wrong_password_may_be_set_right(tmp_path: Path) -> None:
    with (
        serving(Mood(), authenticator=authenticate, tls_context=certificate(tmp_path)) as server,
        pytest.raises(NotTakenError) as failed,
    ):
        await client(structs.replace(server, user=USER, password="wrong")).send(MAIL)
    assert failed.value.code == "smtp_535"


async def test_a_password_never_crosses_a_network_in_the_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is on loopback here, so the check that exempts loopback is told otherwise."""
    monkeypatch.setattr(SmtpServer, "is_here", property(lambda _: False))
    mood = Mood()
    with (
        serving(mood, authenticator=authenticate, auth_require_tls=False) as server,
        pytest.raises(NotTakenError) as failed,
    ):
        await client(structs.replace(server, user=USER, password=SECRET)).send(MAIL)
    assert failed.value.code == "smtp_not_encrypted"
    assert mood.envelopes == []


async def test_a_certificate_nobody_vouches_for_is_refused_beyond_loopback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SmtpServer, "is_here", property(lambda _: False))
    mood = Mood()
    with serving(mood, tls_context=certificate(tmp_path)) as server, pytest.raises(NotTakenError):
        await client(server).send(MAIL)
    assert mood.envelopes == []


async def test_addresses_beyond_ascii() -> None:
    mail = structs.replace(MAIL, to="zoé@example.org")
    mood = Mood()
    with serving(mood, enable_SMTPUTF8=True) as server:
        await client(server).send(mail)
    assert mood.envelopes[0].rcpt_tos == ["zoé@example.org"]
    with serving(Mood(), enable_SMTPUTF8=False) as server, pytest.raises(RefusedError) as failed:
        await client(server).send(mail)
    assert failed.value.code == "smtp_no_utf8"


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.test", SmtpServer("mail.test", 587, tls=False, password="")),
        ("smtps://mail.test/", SmtpServer("mail.test", 465, tls=True, password="")),
        ("smtp://localhost:1025", SmtpServer("localhost", 1025, tls=False, password="")),
        (
            f"smtps://{quote(USER, safe='')}:{quote(SECRET, safe='')}@[::1]:2465",
            SmtpServer("::1", 2465, tls=True, user=USER, password=SECRET),
        ),
    ],
)
def test_addresses_of_servers(url: str, server: SmtpServer) -> None:
    assert parse(url) == server


@pytest.mark.parametrize(
    "url",
    ["", "mail.test", "http://mail.test", "smtp://", "smtp://x:secret@mail.test:port", "smtp://a/b", "smtp://a?b=c"],
)
def test_unusable_addresses_are_refused_without_their_secrets(url: str) -> None:
    with pytest.raises(ValueError, match="SMTP address") as failed:
        parse(url)
    assert "secret" not in str(failed.value)


@pytest.mark.parametrize(
    ("host", "here"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("10.0.0.1", False), ("mail.test", False)],
)
def test_which_server_is_this_machine(host: str, here: bool) -> None:
    assert SmtpServer(host, 25, tls=False).is_here is here


def test_the_port_that_the_operator_set_up() -> None:
    assert mail_port(Settings(environment="test")) is None
    made = mail_port(Settings(environment="test", smtp_url=SecretStr("smtp://localhost")))
    assert isinstance(made, SmtpMail)
    with pytest.raises(ValueError, match="no address"):
        mail_port(Settings(environment="test", smtp_url=SecretStr("smtp://localhost"), mail_from="Wellspring"))


async def test_from_the_queue_to_the_server_and_back(dana: Person, desk: Desk) -> None:
    refusing, mood = Mood(rcpt="550 no"), Mood()
    first, second, third = [await desk.queued(dana, f"page:1:{n}") for n in range(3)]
    with serving(mood) as server:
        await desk.deliver(dana, first, client(server))
    with serving(refusing) as server:
        await desk.deliver(dana, second, client(server))
    await desk.deliver(dana, third, client(server))
    assert desk.state(first) == ("sent", 1, None)
    assert desk.state(second) == ("failed", 1, "smtp_550")
    assert desk.state(third) == ("queued", 1, "smtp_unreachable")
    assert received(mood)["To"] == dana.email
    assert f"{desk.parts.settings.base_url}/desk" in received(mood).get_content()


async def test_a_hanging_server_leaves_it_unknown(dana: Person, desk: Desk) -> None:
    mood = Mood(hang=True)
    made = await desk.queued(dana)
    with serving(mood) as server:
        await desk.deliver(dana, made, client(server))
        await desk.deliver(dana, made, client(server))
    assert desk.state(made) == ("unknown", 1, "no_answer")
    assert len(mood.envelopes) == 1


async def cancelled(sending: Coroutine[Any, Any, T], silent: Event) -> T:
    """Break off once the server says nothing any more, as a worker does that stops."""
    task = asyncio.create_task(sending)
    assert await asyncio.to_thread(silent.wait, 10)
    await asyncio.sleep(0.1)
    task.cancel()
    return await task


@contextmanager
def silent_at(word: bytes) -> Iterator[tuple[SmtpServer, Event]]:
    """Serve one message and say nothing any more from `word` on; the greeting is the word that comes first."""
    answers = {b"EHLO": b"250 here", b"MAIL": b"250 ok", b"RCPT": b"250 ok", b"DATA": b"354 go on", b".": b"250 taken"}

    silent = Event()

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            conn, _ = listener.accept()
            with conn, conn.makefile("rb") as lines:
                if word == b"":
                    silent.set()
                else:
                    conn.sendall(b"220 here\r\n")
                for line in lines:
                    said = line.split()[0].upper() if line.split() else b""
                    if said == word:
                        silent.set()
                    elif not silent.is_set() and said in answers:
                        conn.sendall(answers[said] + b"\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield SmtpServer("127.0.0.1", listener.getsockname()[1], tls=False), silent


@pytest.mark.parametrize("word", [b"", b"EHLO", b"MAIL", b"RCPT"])
async def test_what_is_broken_off_before_it_was_offered_was_not_taken(word: bytes) -> None:
    with silent_at(word) as (server, silent), pytest.raises(NotTakenError, match="interrupted"):
        await cancelled(client(server).send(MAIL), silent)


@pytest.mark.parametrize("word", [b"DATA", b"."])
async def test_what_is_broken_off_after_it_was_offered_is_uncertain(word: bytes) -> None:
    with silent_at(word) as (server, silent), pytest.raises(UncertainError, match="interrupted"):
        await cancelled(client(server).send(MAIL), silent)


async def test_what_is_broken_off_at_the_goodbye_was_sent() -> None:
    with silent_at(b"QUIT") as (server, silent):
        assert MAIL.key in await cancelled(client(server).send(MAIL), silent)


@pytest.mark.parametrize("tries", [0, MOST_TRIES - 1])
async def test_a_worker_that_stops_before_the_message_was_offered_gives_it_back(
    dana: Person, desk: Desk, owner: Owner, tries: int
) -> None:
    made = await desk.queued(dana)
    owner.do("UPDATE notify.delivery SET tries = %s", tries)
    with silent_at(b"") as (server, silent):
        await cancelled(desk.deliver(dana, made, client(server)), silent)
    assert desk.state(made) == ("queued", tries + 1, "interrupted")
    assert desk.jobs(made) == [0.0, 0.0]
    mood = Mood()
    with serving(mood) as server:
        await desk.deliver(dana, made, client(server))
    assert desk.state(made)[0] == "sent"


async def test_a_worker_that_stops_while_it_writes_down_what_was_sent_writes_it_down(
    dana: Person, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await desk.queued(dana)
    write, writing = delivering._write, asyncio.Event()

    async def slowly(*args: Any) -> None:
        writing.set()
        await asyncio.sleep(0.2)
        await write(*args)

    monkeypatch.setattr(delivering, "_write", slowly)
    running = asyncio.create_task(desk.deliver(dana, made, RecordingMail()))
    await writing.wait()
    running.cancel()
    await running
    assert desk.state(made) == ("sent", 1, None)
