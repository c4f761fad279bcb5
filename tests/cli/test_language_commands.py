"""`wellspring language corrections`: a new file, only what people agreed to, nothing left of a failed run."""

import json
import stat
from functools import partial
from pathlib import Path

import anyio
import pytest

from tests.cli.conftest import Run
from tests.support.models import install
from tests.support.people import Circle
from wellspring.cli.errors import FileRefused, FileThere
from wellspring.kernel.edge import Edge

pytestmark = pytest.mark.anyio


async def test_corrections_are_written_as_far_as_people_agreed(
    installed: Run, circle: Circle, parts: Edge, tmp_path: Path
) -> None:
    install(parts)
    for name, kinds in (("alice", ("corrections", "correction_texts")), ("ben", ("corrections",)), ("charlie", ())):
        person = await circle.member(name)
        made = await person.post("/v1/checkins", json={"mood_score": 4, "journal_text": f"Stuck, {name}. So stuck."})
        path = f"/v1/checkins/{made.json()['checkin']['id']}/reading/correction"
        assert (await person.post(path, json={"answer": "other", "emotion": "fear"})).status_code == 200
        for kind in kinds:
            await person.put(f"/v1/consents/{kind}", json={"given": True})
    out = tmp_path / "corrections.jsonl"
    call = partial(installed, "language", "corrections", "--out", str(out))
    answer = await anyio.to_thread.run_sync(lambda: call("--json"))
    assert answer.exit_code == 0, answer.exception
    assert json.loads(answer.stdout) == {"file": str(out), "corrections": 2, "people": 2, "with_text": 1}
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert sorted(line.get("text") or "" for line in lines) == ["", "Stuck, alice. So stuck."]
    assert {line["emotion"] for line in lines} == {"fear"}
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    again = await anyio.to_thread.run_sync(call)
    assert isinstance(again.exception, FileThere)
    assert len(out.read_text().splitlines()) == 2
    second = await anyio.to_thread.run_sync(
        partial(installed, "language", "corrections", "--out", str(tmp_path / "second.jsonl"))
    )
    assert second.stdout.startswith("2 corrections of 2 people, 1 with their text:")


async def test_a_file_that_cannot_be_written_is_named(installed: Run, tmp_path: Path) -> None:
    answer = await anyio.to_thread.run_sync(
        partial(installed, "language", "corrections", "--out", str(tmp_path / "nowhere" / "x.jsonl"))
    )
    assert isinstance(answer.exception, FileRefused)
    (tmp_path / "file").write_text("kept", "utf-8")
    answer = await anyio.to_thread.run_sync(
        partial(installed, "language", "corrections", "--out", str(tmp_path / "file" / "x.jsonl"))
    )
    assert isinstance(answer.exception, FileRefused)


def test_a_failed_run_leaves_no_file(run: Run, clean: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clean.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    clean.setenv("WELLSPRING_ENVIRONMENT", "test")
    out = tmp_path / "corrections.jsonl"
    answer = run("language", "corrections", "--out", str(out))
    assert answer.exception is not None
    assert not out.exists()
