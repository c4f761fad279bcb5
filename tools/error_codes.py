"""Writes docs/reference/errors.md from the code; with `--check` it only tells whether the page is current."""

import ast
import importlib
import pkgutil
import sys
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from typing import Final, get_args

import wellspring
from wellspring.cli.errors import Refusal
from wellspring.kernel.errors import Problem
from wellspring.postgres import ClusterError
from wellspring.safety.protocol import Refusal as Step

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "reference" / "errors.md"
_SKIPPED: Final = (
    "wellspring.migrations.versions",
    "wellspring.migrations.env",
    "wellspring.__main__",
    "wellspring.language.training.",  # its packages come with an extra
)
_AT_START: Final = ("wellspring.kernel.keys", "wellspring.migrations.")

_HEAD: Final = """# Error codes

This page is written by `tools/error_codes.py` from the code: do not edit it.

Every error of the API is an RFC 9457 problem (`application/problem+json`) with `title`, `status`, `code` and
`request_id`, and `detail` or `errors` where there is more to say. Rely on `code`: it never changes its meaning.
Words may. No error shows a stack, a statement or what a person wrote.

## Problems of the API
"""
_FIELDS: Final = """
## Codes of fields

A problem about what was sent lists `errors`, each with the `path` of the field in the body (`emotions[0].intensity`),
a `code` and a `message`. Pages say the same codes in the person's language.
"""
_COMMANDS: Final = """
## Said by the command line

These end a command with status 1 and their code in brackets on standard error; no answer of the API carries them.
"""


def load() -> None:
    """Import every module, so that every kind of error is known."""
    for found in pkgutil.walk_packages(wellspring.__path__, "wellspring."):
        if not found.name.startswith(_SKIPPED):
            importlib.import_module(found.name)


def kinds(base: type[Exception]) -> Iterator[type[Exception]]:
    """Yield every class below `base`."""
    for kind in base.__subclasses__():
        yield kind
        yield from kinds(kind)


def _first(kind: type[Exception]) -> str:
    return cleandoc(kind.__doc__ or "").splitlines()[0]


def _of_api(kind: type[Problem]) -> bool:
    return kind.status != Problem.status or (not kind.__module__.startswith(_AT_START) and "status" in vars(kind))


def problems() -> Iterator[str]:
    """Yield the rows of the API's problems, by status and code."""
    found = [kind for kind in kinds(Problem) if issubclass(kind, Problem) and _of_api(kind)]
    yield "| status | code | words |"
    yield "| --- | --- | --- |"
    for status, code, words in sorted({(kind.status, kind.code, kind.title()) for kind in found}):
        yield f"| {status} | `{code}` | {words} |"


def commands() -> Iterator[str]:
    """Yield the rows of what only the command line says, by code."""
    known = [*kinds(Refusal), *kinds(ClusterError)]
    known += [kind for kind in kinds(Problem) if issubclass(kind, Problem) and not _of_api(kind)]
    said = {(str(vars(kind)["code"]), _first(kind)) for kind in known if "code" in vars(kind)}
    yield "| code | words |"
    yield "| --- | --- |"
    for code, words in sorted(said):
        yield f"| `{code}` | {words} |"


def _strings(nodes: list[ast.expr]) -> list[str]:
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def _in_module(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield code and message of each field error that a module makes with constant words."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            said = _strings(node.args[1:])
            if name in {"of", "FieldError"} and len(node.args) == 3 and len(said) == 2:
                yield said[0], said[1]
        if isinstance(node, ast.FunctionDef) and node.name == "_kind":
            yield from _of_validation(node)


def _of_validation(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """Yield what the kernel makes of a message of the schema library; words with a value in them are left out."""
    for node in ast.walk(function):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            said = _strings(node.value.elts[:2])
            yield said[0], said[1] if len(said) == 2 else "Says what was expected."


def fields() -> Iterator[str]:
    """Yield the rows of field codes."""
    said = {code: ["Choose an outcome that fits this step."] for code in get_args(Step) if code.startswith("outcome_")}
    for path in sorted((ROOT / "src" / "wellspring").rglob("*.py")):
        for code, words in _in_module(ast.parse(path.read_text(encoding="utf-8"))):
            if words not in said.setdefault(code, []):
                said[code].append(words)
    yield "| code | words |"
    yield "| --- | --- |"
    for code in sorted(said):
        yield f"| `{code}` | {' / '.join(said[code])} |"


def text() -> str:
    """Return the page."""
    load()
    parts = [_HEAD, *problems(), _FIELDS, *fields(), _COMMANDS, *commands(), ""]
    return "\n".join(parts)


def main(arguments: list[str]) -> int:
    """Write the page, or with `--check` compare it; return the exit status."""
    wanted = text()
    if "--check" not in arguments:
        PAGE.write_text(wanted, encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == wanted:
        return 0
    print(f"{PAGE.relative_to(ROOT)} is not current: run python tools/error_codes.py")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
