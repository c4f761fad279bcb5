"""`wellspring audit …`: proving that the audit trail is whole."""

import asyncio
import re
from typing import Annotated

import typer

from wellspring.cli import console, parts
from wellspring.cli.errors import SettingsWrong
from wellspring.cli.given import settings_from
from wellspring.cli.options import Data, Json
from wellspring.cli.owner import owner_url
from wellspring.kernel import keys, seal
from wellspring.kernel.seal import Verdict
from wellspring.kernel.settings import Settings

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """The audit trail."""


@app.command()
def verify(
    data: Data = None,
    head: Annotated[
        str | None, typer.Option(help="A head that an earlier run printed: proves nothing was cut.")
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Prove the chain over all audit rows; names the first broken one and ends with 1."""
    settings = settings_from(data)
    head = None if head is None else noted(head)
    with owner_url(settings) as url:
        verdict = asyncio.run(_verify(settings, url, head))
    if json:
        console.as_json(verdict)
    else:
        _show(verdict)
    raise typer.Exit(1 if verdict.first_broken else 0)


def noted(head: str) -> str:
    """Return a head as an earlier run printed it. Raises SettingsWrong: half of one would be compared with nothing."""
    found = head.strip().lower()
    if not re.fullmatch(r"(0|[1-9][0-9]*):[0-9a-f]{64}", found):
        raise SettingsWrong(f"--head {head!r} is none: hand back the number, the colon and the 64 digits after it.")
    return found


async def _verify(settings: Settings, url: str, head: str | None) -> Verdict:
    async with parts.opened(settings, keys.load(settings), url) as made:
        return await seal.verify(made.db, made.keys, head)


def _show(verdict: Verdict) -> None:
    console.say(f"{verdict.rows} rows, {verdict.links} links, {verdict.unsealed} not sealed yet. Head {verdict.head}")
    console.say(f"Broken: {verdict.first_broken}" if verdict.first_broken else "The chain is whole.")
