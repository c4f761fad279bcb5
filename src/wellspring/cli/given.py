"""The settings that a command was given."""

import os
from pathlib import Path

from pydantic import ValidationError

from wellspring.cli.errors import SettingsWrong
from wellspring.kernel.settings import Settings


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
        raise SettingsWrong(f"{name}: {first['msg']}.") from error
    except OSError as error:
        raise SettingsWrong(f"{error.filename}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SettingsWrong("A file that a WELLSPRING_…_FILE names holds no text in UTF-8.") from error
