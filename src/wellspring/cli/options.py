"""Options that several commands take, and the settings they become."""

import os
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from wellspring.cli.errors import SettingsWrong
from wellspring.kernel.settings import Settings

Data = Annotated[Path | None, typer.Option(help="The folder that holds everything. WELLSPRING_DATA.")]
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="WELLSPRING_PORT; 0 chooses a free one.")]
Host = Annotated[str | None, typer.Option(help="The address to listen on. WELLSPRING_HOST.")]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON, for scripts.")]


def settings_from(
    data: Path | None = None, port: int | None = None, host: str | None = None, environment: str | None = None
) -> Settings:
    """Return the settings of this command: options, then files, then the environment. Raises SettingsWrong."""
    given = {"data": data, "port": port, "host": host, "environment": environment}
    for name, value in given.items():
        if value is not None:
            os.environ[f"WELLSPRING_{name.upper()}"] = str(value)
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SettingsWrong(f"{name}: {first['msg']}.") from error
    except OSError as error:
        raise SettingsWrong(f"{error.filename}: {error.strerror}.") from error
