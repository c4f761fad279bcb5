"""`wellspring version`."""

import sys

import typer

from wellspring import __version__
from wellspring.cli import console
from wellspring.cli.options import Json

app = typer.Typer()


@app.command()
def version(*, json: Json = False) -> None:
    """Print the version."""
    if json:
        console.as_json({"wellspring": __version__, "python": sys.version.split()[0]})
    else:
        console.say(__version__)
