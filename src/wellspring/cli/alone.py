"""`wellspring web` and `worker` without options: started without Typer and Rich, in two thirds of the time."""

import importlib
import sys
from typing import Final

from wellspring.cli import address, language_models, place
from wellspring.cli.errors import NeedsDatabase, Refusal
from wellspring.cli.given import settings_from
from wellspring.kernel import keys
from wellspring.kernel.keys import KeysMissing
from wellspring.kernel.settings import Settings

MODULES: Final = {"web": "wellspring.cli.web", "worker": "wellspring.cli.work"}


def refuse(command: str, settings: Settings) -> None:
    """Raise a Refusal or KeysMissing when this process must not start like this."""
    if settings.database_url is None:
        raise NeedsDatabase
    if command == "web":
        address.refuse_unsafe(settings)
        address.refuse_broken_tls(settings)
    place.given_url(settings)
    keys.load(settings)
    language_models.refuse_broken(settings)


def run(command: str) -> None:
    """Run the web processes or the worker in this process, or say why not."""
    try:
        refuse(command, settings_from())
    except (Refusal, KeysMissing) as error:
        words = error.words() if isinstance(error, KeysMissing) else str(error)
        sys.stderr.write(f"wellspring: {words} [{error.code}]\n")
        sys.exit(1)
    importlib.import_module(MODULES[command]).main()
