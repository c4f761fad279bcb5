"""Everything on one machine: database, migrations, web processes, worker; started, watched and stopped together."""

import http.client
import logging.config
import os
import signal
import ssl
import sys
import threading
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from msgspec import Struct

from wellspring.cli import address, given, language_models, place, served, stdlog
from wellspring.cli.children import Child, stop_all
from wellspring.cli.errors import NotPrepared, NotReady
from wellspring.kernel import keys, logs
from wellspring.kernel.settings import Settings
from wellspring.postgres import Supervisor

_READY_SECONDS: Final = 60.0
_DEATHS_BEFORE_READY: Final = 3
_STOP_SECONDS: Final = 7.0  # the database's own fast shutdown comes after, and takes well under a second
_LOOK_EVERY: Final = 0.1
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
EMBEDDED: Final = "WELLSPRING_EMBEDDED"
"""Tells `prepare` that the database is our own and may have to be made first."""
DEMO: Final = "WELLSPRING_DEMO"
"""Tells `prepare` how many synthetic people to make, and in which form to print the sign-ins: `200 text`."""
log = logs.get("serve")


class Demo(Struct, frozen=True):
    """What a demo is filled with, and how its sign-ins are printed."""

    people: int
    json: bool


class StoppedError(Exception):
    """The program was told to stop while it was starting."""


class Stopping:
    """Whether somebody has asked this program to stop."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def listen(self) -> None:
        """Take SIGTERM, SIGINT and SIGHUP as the wish to stop."""
        for number in _SIGNALS:
            signal.signal(number, self._heard)

    def _heard(self, _: int, __: FrameType | None) -> None:
        self._asked.set()

    def check(self) -> None:
        """Raise StoppedError when asked; called between the steps of a start."""
        if self._asked.is_set():
            raise StoppedError

    def wait(self, seconds: float) -> bool:
        """Wait up to `seconds`; tell whether to stop."""
        return self._asked.wait(seconds)


def run(settings: Settings, *, demo_on_network: bool = False, demo: Demo | None = None) -> None:
    """Start everything, print `ready …`, and watch until told to stop. Raises Refusal or ClusterError."""
    stopping = Stopping()
    stopping.listen()
    logs.configure(settings.log_level)
    logging.config.dictConfig(stdlog.config())
    if odd := given.unknown():
        log.warning("settings_unknown", names=odd)
    address.refuse_unsafe(settings, demo_on_network=demo_on_network)
    address.refuse_broken_tls(settings)
    language_models.refuse_broken(settings)
    settings = settings.model_copy(update={"port": address.claim(settings.host, settings.port)})
    try:
        with _database(settings) as owner:
            stopping.check()
            _prepare(settings, owner, stopping, demo)
            _serve(settings, owner, stopping)
    except StoppedError:
        log.info("stopped_while_starting")


@contextmanager
def _database(settings: Settings) -> Generator[str]:
    """Yield the owner's address; an embedded server is started again whenever it dies."""
    given = place.given_url(settings)
    if given is not None:
        keys.load(settings)
        yield given
        return
    place.make_folder(settings)
    with Supervisor(place.cluster_folder(settings)) as cluster:
        yield cluster.dsn(place.DATABASE)


def _environment(settings: Settings, url: str) -> dict[str, str]:
    """Return the environment of our children: the database, and what we decided.

    A file would come before what we decided, and that of `DATABASE_URL` holds the owner's login.
    """
    named = {
        "DATABASE_URL": url,
        "WELLSPRING_DATA": str(settings.data.absolute()),
        "WELLSPRING_ENVIRONMENT": settings.environment,
        "WELLSPRING_HOST": settings.host,
        "WELLSPRING_PORT": str(settings.port),
    }
    files = {"WELLSPRING_DATABASE_URL_FILE", *(f"{name}_FILE" for name in named)}
    kept = {name: value for name, value in os.environ.items() if name not in files}
    return {**kept, **named}


def _prepare(settings: Settings, owner: str, stopping: Stopping, demo: Demo | None) -> None:
    """Run the preparation to its end, or end it when told to stop. Only this child gets the owner's login."""
    more = {} if demo is None else {DEMO: f"{demo.people} {'json' if demo.json else 'text'}"}
    embedded = {} if settings.database_url else {EMBEDDED: "1"}
    child = Child("prepare", "wellspring.cli.prepare", _environment(settings, owner) | more | embedded)
    child.start(output=sys.stdout.fileno())
    try:
        while (status := child.status()) is None:
            stopping.wait(_LOOK_EVERY / 5)
            stopping.check()
    finally:
        stop_all([child], _STOP_SECONDS)
    if status != 0:
        raise NotPrepared


def _serve(settings: Settings, owner: str, stopping: Stopping) -> None:
    environment = _environment(settings, place.without_login(owner)) | keys.pin(settings)
    children = [
        Child("web", "wellspring.cli.web", environment),
        Child("worker", "wellspring.cli.work", environment),
    ]
    try:
        for child in children:
            child.start()
        _await_ready(settings, children, stopping)
        with served.noted_site(settings):
            sys.stdout.write(f"ready {address.local_url(settings)}\n")
            sys.stdout.flush()
            while not stopping.wait(_LOOK_EVERY):
                for child in children:
                    child.tend()
    finally:
        stop_all(children, _STOP_SECONDS)


def _await_ready(settings: Settings, children: list[Child], stopping: Stopping) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not _answers(settings):
        for child in children:
            child.tend()
            if child.deaths >= _DEATHS_BEFORE_READY:
                raise NotReady(f"Its {child.name} process ended {child.deaths} times. The lines above say why.")
        if time.monotonic() > deadline:
            raise NotReady(f"{address.local_url(settings)}/readyz did not answer within {_READY_SECONDS:.0f} s.")
        stopping.wait(_LOOK_EVERY)
        stopping.check()


def _answers(settings: Settings) -> bool:
    """Ask our own process on this machine; its certificate is for the world's name of it, so it is not checked."""
    context = None
    if settings.tls_cert:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    request = urllib.request.Request(f"{address.local_url(settings)}/readyz")  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=2, context=context) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (OSError, http.client.HTTPException):
        return False
