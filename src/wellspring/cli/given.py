"""The settings that a command was given."""

import os
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from wellspring.cli.errors import SettingsWrong
from wellspring.kernel.keys import PINNED
from wellspring.kernel.settings import Settings

OURS: Final = frozenset({PINNED, "WELLSPRING_DEMO", "WELLSPRING_EMBEDDED", "WELLSPRING_PARENT"})
"""What programs of ours tell each other; of these, operators set the first one alone."""


def variable_of(name: str) -> str:
    """Return the environment variable of a setting; one with a name of its own keeps it."""
    return f"WELLSPRING_{name.upper()}" if name in Settings.model_fields else name


def unknown() -> list[str]:
    """Return the variables that look like settings and are none: one that is misspelt is not obeyed."""
    known = {variable_of(name) for name in Settings.model_fields}
    known |= {f"{name}_FILE" for name in known} | OURS
    known.remove("WELLSPRING_DATABASE_URL")  # its name is DATABASE_URL
    return sorted(name for name in os.environ if name.startswith("WELLSPRING_") and name not in known)


def settings_from(
    data: Path | None = None, port: int | None = None, host: str | None = None, environment: str | None = None
) -> Settings:
    """Return the settings of this command: options, then files, then the environment. Raises SettingsWrong."""
    given = {"data": data, "port": port, "host": host, "environment": environment}
    for name, value in given.items():
        if value is not None:
            variable = f"WELLSPRING_{name.upper()}"
            os.environ[variable] = str(value)
            os.environ.pop(f"{variable}_FILE", None)
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        words = first["msg"].removeprefix("Value error, ")
        raise SettingsWrong(f"{variable_of(name)}: {words}.") from error
    except OSError as error:
        raise SettingsWrong(f"{error.filename}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SettingsWrong("A file that a WELLSPRING_…_FILE names holds no text in UTF-8.") from error
