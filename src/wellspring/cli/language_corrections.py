"""`wellspring language corrections`: what people said about readings, for training, as far as each of them agreed."""

import asyncio
from pathlib import Path
from typing import IO, Annotated

import msgspec
import typer
from msgspec import Struct

from wellspring.checkins.corrections import examples
from wellspring.cli import console, parts
from wellspring.cli.files import new_file
from wellspring.cli.given import settings_from
from wellspring.cli.options import Data, Json
from wellspring.cli.owner import owner_url
from wellspring.kernel import keys
from wellspring.kernel.settings import Settings


class Written(Struct, frozen=True):
    """How many corrections were written, of how many people, and how many came with their text."""

    file: str
    corrections: int
    people: int
    with_text: int


def corrections(
    out: Annotated[Path, typer.Option(help="A new file for the corrections, one JSON object a line.")],
    data: Data = None,
    *,
    json: Json = False,
) -> None:
    """Write the corrections of people who agree to that, with an audit row for each person.

    A line holds the answer, the emotion that the person names and what the model had said; the text only if that person
    agreed to it too. Lines carry no name, but texts may: keep the file like a journal, and delete it after training.
    """
    settings = settings_from(data)
    with new_file(out) as file, owner_url(settings) as url:
        written = asyncio.run(_write(settings, url, file, out))
    if json:
        console.as_json(written)
    else:
        console.say(
            f"{written.corrections} corrections of {written.people} people, {written.with_text} with their text: {out}"
        )


async def _write(settings: Settings, url: str, file: IO[bytes], out: Path) -> Written:
    count = people = texts = 0
    async with parts.opened(settings, keys.load(settings), url) as made:
        async for found in examples(made.db, made.keys):
            file.writelines(msgspec.json.encode(example) + b"\n" for example in found)
            people += 1
            count += len(found)
            texts += sum(example.text is not None for example in found)
    return Written(str(out), count, people, texts)
