"""Options that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[Path | None, typer.Option(help="The folder that holds everything. WELLSPRING_DATA.")]
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="WELLSPRING_PORT; 0 chooses a free one.")]
Host = Annotated[str | None, typer.Option(help="The address to listen on. WELLSPRING_HOST.")]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON, for scripts.")]
