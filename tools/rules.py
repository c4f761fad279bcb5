"""Our own rules for this repository, each a small function; `python tools/rules.py` ends with 1 when one is broken."""

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from wellspring import slices
from wellspring.kernel import operations
from wellspring.kernel.policy import Access, Permission

MOST_LINES: Final = 400
MOST_IN_FUNCTION: Final = 60
_WITHOUT_README: Final = {"cli", "kernel", "migrations", "postgres", "web"}
# Put together here so that this file does not break its own rule.
_UNFINISHED: Final = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3]) + r")\b")
_REGISTRIES: Final = re.compile(
    "|".join(
        [
            "pypi" + r"\.org",
            "pythonhosted" + r"\.org",
            "npmjs" + r"\.",
            "proxy" + r"\.golang",
            "--(extra-)?" + "index-url ",
        ]
    )
)
_MACHINE: Final = re.compile(r"(?<![\w./-])(" + "|".join(["/ro" + "ot/", "/wo" + "rk/", "/ho" + "me/"]) + r")")
_PIN: Final = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^\s\\;]+)", re.MULTILINE | re.IGNORECASE)
_VERSION: Final = re.compile(r"^\d{14}$")

Complaints = Iterator[str]


def tracked(root: Path) -> list[Path]:
    """Return the files that git knows, and new ones that it does not ignore."""
    argv = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(argv, cwd=root, capture_output=True, text=True, check=True).stdout
    return sorted(path for name in listed.split("\0") if name and (path := root / name).is_file())


def sources(root: Path) -> list[Path]:
    """Return our own modules, the migrations aside."""
    found = (root / "src" / "wellspring").rglob("*.py")
    return sorted(path for path in found if "migrations/versions" not in path.as_posix())


def module_length(root: Path) -> Complaints:
    """No module is longer than 400 lines."""
    for path in sources(root):
        count = len(path.read_text(encoding="utf-8").splitlines())
        if count > MOST_LINES:
            yield f"{path.relative_to(root)}: {count} lines"


def function_length(root: Path) -> Complaints:
    """No function is longer than 60 lines."""
    for path in sources(root):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                count = (node.end_lineno or node.lineno) - node.lineno + 1
                if count > MOST_IN_FUNCTION:
                    yield f"{path.relative_to(root)}:{node.lineno}: {node.name} has {count} lines"


def broad_excepts(root: Path) -> Complaints:
    """`except Exception` says why beside it."""
    for path in sources(root):
        lines = path.read_text(encoding="utf-8").splitlines()
        for node in ast.walk(ast.parse("\n".join(lines))):
            if isinstance(node, ast.ExceptHandler) and _is_broad(node) and not _has_reason(lines[node.lineno - 1]):
                yield f"{path.relative_to(root)}:{node.lineno}: no reason beside it"


def _is_broad(node: ast.ExceptHandler) -> bool:
    """Tell whether everything is caught and nothing raised again."""
    if node.type is not None and not (
        isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}
    ):
        return False
    return not isinstance(node.body[-1], ast.Raise)


def _has_reason(line: str) -> bool:
    """Tell whether a comment holds more than a code for the linter."""
    _, found, comment = line.partition("#")
    words = re.sub(r"noqa:?\s*[A-Z0-9, ]*", "", comment)
    return bool(found) and len(words.split()) >= 2


def unfinished(root: Path) -> Complaints:
    """Nothing is left marked as unfinished."""
    yield from _lines(root, _UNFINISHED)


def addresses(root: Path) -> Complaints:
    """No file names a package registry or a folder of somebody's machine."""
    yield from _lines(root, _REGISTRIES)
    yield from _lines(root, _MACHINE)


def _lines(root: Path, pattern: re.Pattern[str]) -> Complaints:
    for path in tracked(root):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture
        for number, line in enumerate(text.splitlines(), 1):
            if len(line) < 5000 and (found := pattern.search(line)):
                yield f"{path.relative_to(root)}:{number}: {found[0]}"


def migrations(root: Path) -> Complaints:
    """The history is one line of versions that are timestamps, each file named after its own."""
    followers: dict[str, str] = {}
    for path in sorted((root / "src" / "wellspring" / "migrations" / "versions").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        names = dict(re.findall(r'^(revision|down_revision) = (?:"(\w+)"|None)$', text, re.MULTILINE))
        version, before = names.get("revision", ""), names.get("down_revision", "")
        if not _VERSION.match(version) or not path.name.startswith(f"{version}_"):
            yield f"{path.name}: version {version or 'missing'}"
        if before >= version:
            yield f"{path.name}: comes before what it follows"
        if before in followers:
            yield f"{path.name}: {followers[before]} follows {before or 'nothing'} too"
        followers[before] = path.name


def readmes(root: Path) -> Complaints:
    """Every slice says in a README what it owns and promises."""
    for folder in sorted((root / "src" / "wellspring").iterdir()):
        is_slice = (folder / "__init__.py").is_file() and folder.name not in _WITHOUT_README
        if is_slice and not (folder / "README.md").is_file():
            yield f"{folder.relative_to(root)}: no README.md"


def access(_: Path) -> Complaints:
    """Every route declares who may use it."""
    for handler in [*slices.ROUTES, *operations.ROUTES]:
        found = handler.opt.get("access")
        if not isinstance(found, Access | Permission) and not handler.opt.get("exempt"):
            yield f"{inspect.getmodule(handler.fn).__name__}.{handler.fn.__name__}"  # type: ignore[union-attr]


def permissions(_: Path) -> Complaints:
    """Permissions stand in alphabetical order, named after what they say."""
    values = [permission.value for permission in Permission]
    for before, after in zip(values, sorted(values), strict=True):
        if before != after:
            yield f"{before} stands where {after} should"
            return
    for permission in Permission:
        if permission.name != permission.value.replace(":", "_").upper():
            yield f"{permission.name} says {permission.value}"


def locks(root: Path) -> Complaints:
    """The lock for developing holds what running needs, at the same versions."""
    running, developing = (
        dict(_PIN.findall((root / "requirements" / f"{name}.txt").read_text(encoding="utf-8")))
        for name in ("runtime", "dev")
    )
    for name, version in running.items():
        if developing.get(name) != version:
            yield f"{name}: {version} to run, {developing.get(name)} to develop"


RULES: Final[tuple[Callable[[Path], Complaints], ...]] = (
    module_length,
    function_length,
    broad_excepts,
    unfinished,
    addresses,
    migrations,
    readmes,
    access,
    permissions,
    locks,
)


def main() -> int:
    """Print what is wrong; return the exit status."""
    root = Path(__file__).resolve().parent.parent
    wrong = [(rule, list(rule(root))) for rule in RULES]
    for rule, found in wrong:
        if found:
            print(f"{rule.__doc__}\n" + "\n".join(f"  {line}" for line in found))
    return 1 if any(found for _, found in wrong) else 0


if __name__ == "__main__":
    sys.exit(main())
