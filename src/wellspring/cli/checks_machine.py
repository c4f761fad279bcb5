"""Checks of the machine, the data folder and the settings; they need no database."""

import shutil
import smtplib
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from wellspring.cli import address, given, language_models, place
from wellspring.cli.checks import OK, Check, Finding, failed, skipped, warning
from wellspring.cli.errors import Refusal
from wellspring.kernel import keys
from wellspring.kernel.errors import Problem
from wellspring.kernel.settings import Settings
from wellspring.safety import resources

_OLDEST_PYTHON: Final = (3, 11)
_FOR_OTHERS: Final = 0o077
_OTHERS_MAY_READ: Final = 0o066
_LITTLE: Final = 1 << 30
_TOO_LITTLE: Final = 200 << 20
_SMTP_SECONDS: Final = 5


def _python(_: Settings) -> Finding:
    if sys.version_info < _OLDEST_PYTHON:
        return failed(f"This is Python {sys.version.split()[0]}. Use 3.11 or newer.")
    return Finding("ok", sys.version.split()[0])


def _folder(settings: Settings) -> Finding:
    path = settings.data.absolute()
    if not path.exists():
        return skipped(f"{path} will be made at the first start.")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & _OTHERS_MAY_READ:
        return failed(f"{path} has mode {mode:04o}. Other accounts can read its names: chmod go-rw it.")
    return Finding("ok", str(path))


def _key_file(settings: Settings) -> Finding:
    if settings.keys is not None:
        return _parses(settings, "WELLSPRING_KEYS")
    path = keys.path_of(settings)
    if not path.exists():
        if place.cluster_folder(settings).exists():
            return failed(f"{path} is not there, and the database is: put it back from your backup.")
        return skipped(f"{path} will be made at the first start.")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & _FOR_OTHERS:
        return failed(f"{path} has mode {mode:04o}. Other accounts can read or change the keys: chmod 600 it.")
    return _parses(settings, str(path))


def _parses(settings: Settings, where: str) -> Finding:
    try:
        keys.load(settings)
    except (Problem, ValueError) as error:
        return failed(f"{where}: {error}")
    return Finding("ok", where)


def _smtp(settings: Settings) -> Finding:
    if settings.smtp_url is None:
        return skipped("WELLSPRING_SMTP_URL is not set: messages stay in the outbox, marked as not sent.")
    parts = urlsplit(settings.smtp_url.get_secret_value())
    kind = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
    port = parts.port or (465 if parts.scheme == "smtps" else 587)
    try:
        with kind(parts.hostname or "", port, timeout=_SMTP_SECONDS) as mail:
            mail.noop()
    except (OSError, smtplib.SMTPException) as error:
        return failed(f"{parts.hostname}:{port} does not answer: {error}.")
    return Finding("ok", f"{parts.hostname}:{port}")


def _crisis_resources(_: Settings) -> Finding:
    stale = resources.stale(datetime.now(UTC))
    if not stale:
        return OK
    countries = sorted({item.resource.country for item in stale})
    return warning(f"{len(stale)} crisis lines were not verified lately ({', '.join(countries)}).")


def _models(settings: Settings) -> Finding:
    try:
        models = language_models.opened(settings.models)
    except Refusal as stop:
        return failed(str(stop))
    if models is None:
        return warning("No language models, or damaged ones, came with this installation: the rules alone read texts.")
    if not models.has_encoder:
        return warning(f"{models.settings.version} has no encoder: texts are read by rules and the light model.")
    try:
        language_models.refuse_no_encoder(models)
    except Refusal as stop:
        return failed(str(stop))
    return Finding("ok", models.settings.version)


def _disk(settings: Settings) -> Finding:
    free = shutil.disk_usage(_nearest(settings.data.absolute())).free
    words = f"{free / (1 << 30):.1f} GiB free"
    if free < _TOO_LITTLE:
        return failed(f"{words}. The database stops when the disk is full.")
    return warning(words) if free < _LITTLE else Finding("ok", words)


def _nearest(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _reach(settings: Settings) -> Finding:
    try:
        address.refuse_unsafe(settings)
    except Refusal as stop:
        return failed(str(stop))
    return _certificate(settings) or _public(settings)


def _certificate(settings: Settings) -> Finding | None:
    try:
        address.refuse_broken_tls(settings)
    except Refusal as stop:
        return failed(str(stop))
    return None


def _public(settings: Settings) -> Finding:
    if settings.environment != "production":
        return OK
    parts = urlsplit(settings.public_url)
    if not settings.public_url:
        return warning("WELLSPRING_PUBLIC_URL is not set: links in messages will lead to this machine only.")
    if parts.scheme != "https" and not address.is_loopback(parts.hostname or ""):
        return failed(f"{settings.public_url} is not https: cookies and words would travel in plain text.")
    return Finding("ok", settings.public_url)


def _names(_: Settings) -> Finding:
    odd = given.unknown()
    return warning(f"These are no settings and change nothing: {', '.join(odd)}.") if odd else OK


CHECKS: Final = (
    Check("WS001", "Python", _python),
    Check("WS002", "Data folder", _folder),
    Check("WS003", "Keys", _key_file),
    Check("WS004", "Disk space", _disk),
    Check("WS005", "Address and TLS", _reach),
    Check("WS006", "Mail server", _smtp),
    Check("WS007", "Crisis lines", _crisis_resources),
    Check("WS008", "Language models", _models),
    Check("WS009", "Names of settings", _names),
)
