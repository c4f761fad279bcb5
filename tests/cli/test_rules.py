"""Each rule of the repository finds what it forbids, and nothing in the repository is found."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from tools import rules

from wellspring.kernel.policy import Access

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one module."""
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    write(tmp_path, "src/wellspring/garden/__init__.py", "x = 1\n")
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def long_function(lines: int) -> str:
    return "def f() -> None:\n" + "    f()\n" * (lines - 1)


@pytest.mark.parametrize(
    ("rule", "name", "allowed", "forbidden"),
    [
        (rules.module_length, "src/wellspring/garden/a.py", "x = 1\n" * 400, "x = 1\n" * 401),
        (rules.function_length, "src/wellspring/garden/a.py", long_function(60), long_function(61)),
        (
            rules.broad_excepts,
            "src/wellspring/garden/a.py",
            "try:\n    f()\nexcept Exception:  # noqa: BLE001 - a tick comes again\n    pass\n",
            "try:\n    f()\nexcept Exception:  # noqa: BLE001\n    pass\n",
        ),
        (
            rules.broad_excepts,
            "src/wellspring/garden/a.py",
            "try:\n    f()\nexcept BaseException:\n    g()\n    raise\n",
            "try:\n    f()\nexcept:\n    g()\n",
        ),
        (rules.unfinished, "docs/a.md", "All is done, todos too.\n", "TO" + "DO: the rest\n"),
        (rules.addresses, "docs/a.md", "See pypi.\n", "https://pypi" + ".org/simple\n"),
        (rules.addresses, "docs/a.md", "A path: src/root/x and ./home/x\n", "cd /ro" + "ot/x\n"),
        (rules.readmes, "src/wellspring/garden/README.md", "# Garden\n", ""),
        (
            rules.migrations,
            "src/wellspring/migrations/versions/20260101000001_a.py",
            'revision = "20260101000001"\ndown_revision = None\n',
            'revision = "abc"\ndown_revision = None\n',
        ),
    ],
)
def test_a_rule_tells_right_from_wrong(
    repository: Path, rule: Callable[[Path], rules.Complaints], name: str, allowed: str, forbidden: str
) -> None:
    write(repository, name, allowed)
    assert list(rule(repository)) == []
    write(repository, name, forbidden)
    if not forbidden:
        (repository / name).unlink()
    assert len(list(rule(repository))) == 1


def test_two_heads_are_found(repository: Path) -> None:
    folder = "src/wellspring/migrations/versions"
    for version in ("20260101000001", "20260101000002"):
        text = f'revision = "{version}"\ndown_revision = None\n'
        write(repository, f"{folder}/{version}_a.py", text)
    assert ["follows nothing too" in line for line in rules.migrations(repository)] == [True]


def test_a_history_that_turns_back_is_found(repository: Path) -> None:
    text = 'revision = "20260101000001"\ndown_revision = "20260101000002"\n'
    write(repository, "src/wellspring/migrations/versions/20260101000001_a.py", text)
    assert len(list(rules.migrations(repository))) == 1


def test_a_route_without_access_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = SimpleNamespace(opt={"access": Access.SELF}, fn=write)
    silent = SimpleNamespace(opt={}, fn=write)
    monkeypatch.setattr("tools.rules.slices.ROUTES", [declared, silent])
    assert list(rules.access(ROOT)) == [f"{__name__}.write"]


def test_permissions_out_of_order_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [SimpleNamespace(name="B_X", value="b:x"), SimpleNamespace(name="A_X", value="a:x")]
    monkeypatch.setattr("tools.rules.Permission", found)
    assert len(list(rules.permissions(ROOT))) == 1


def test_locks_that_disagree_are_found(repository: Path) -> None:
    write(repository, "requirements/runtime.txt", "a==1.0 \\\n    --hash=x\nb==2.0 ; python_version > '3'\n")
    write(repository, "requirements/dev.txt", "a==1.0\nb==2.1\nc==3\n")
    assert list(rules.locks(repository)) == ["b: 2.0 to run, 2.1 to develop"]


def test_ignored_files_are_not_looked_at(repository: Path) -> None:
    write(repository, ".gitignore", "data/\n")
    write(repository, "data/a.txt", "/ro" + "ot/x\n")
    assert list(rules.addresses(repository)) == []


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_repository_keeps_its_rules(rule: Callable[[Path], rules.Complaints]) -> None:
    assert list(rule(ROOT)) == []
