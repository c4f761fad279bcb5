"""Speaking to the person, or the script, at the terminal. Progress and words go to stderr, results to stdout."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from wellspring.kernel.errors import Problem

err = Console(stderr=True, highlight=False, soft_wrap=True)
out = Console(highlight=False, soft_wrap=True)

Advance = Callable[[int, int], None]
"""Called with how much is done and how much there is in all."""


def say(words: str) -> None:
    """Print a result as it stands."""
    out.print(words, markup=False)


def as_json(value: object) -> None:
    """Print a result for a script."""
    sys.stdout.write(msgspec.json.encode(value, enc_hook=str).decode() + "\n")


def words_of(error: Exception) -> str:
    """Return what an error says at the terminal: a Problem's own text may be the detail alone."""
    return error.words() if isinstance(error, Problem) else str(error)


def complain(code: str, words: str) -> None:
    """Say what went wrong, with its stable code."""
    err.print(f"wellspring: {words} [{code}]", markup=False)


@contextmanager
def progress(words: str) -> Generator[Advance]:
    """Show a bar while the block runs; on something that is no terminal, only the words."""
    if not err.is_terminal:
        err.print(words)
        yield lambda _done, _total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err) as bar:
        task = bar.add_task(words, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
