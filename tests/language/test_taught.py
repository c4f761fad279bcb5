"""What a teacher is asked and what it said: put together from the texts, kept as lines, drawn by the learner."""

import random
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from wellspring.language.corpus import Text
from wellspring.language.training import run, taught
from wellspring.language.training.examples import Example, Said

SAID: Said = [[0.9, 0.95], [0.1, 0.2]]
OURS = [
    Example("I do not want to wake up again", "short", crisis=1.0),
    Example("The bus was late and so was I", "short", crisis=0.0),
    Example("A whole page that tells of one long day", "long", long=True, crisis=1.0),
]
OTHERS = [Example(" ".join(f"word{n}" for n in range(40)), "goemotions")]


def test_what_was_said_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "said.jsonl"
    assert taught.write(path, [("One text", SAID), ("Une « autre »\nligne", SAID)]) == 2
    assert taught.load(path) == {"One text": SAID, "Une « autre »\nligne": SAID}


def test_a_line_that_is_no_such_thing_is_named(tmp_path: Path) -> None:
    path = tmp_path / "said.jsonl"
    taught.write(path, [("One text", SAID)])
    with path.open("a") as file:
        file.write('{"text": 3}\n')
    with pytest.raises(ValueError, match="line 2"):
        taught.load(path)


def test_stretches_beside_each_other_have_no_label() -> None:
    made = taught.beside(OURS, OTHERS, 60, random.Random(3))
    assert len(made) == 60
    assert all(e.crisis is None and e.emotions is None and not e.spans for e in made)
    words = [e.text.split() for e in made]
    assert not any("page" in text for text in words), "long entries are not cut up"
    assert any("wake" in text for text in words)
    assert max(map(len, words)) <= 3 * 40
    assert any(0 < sum(word.startswith("word") for word in text) < 40 for text in words), "long texts are cut"
    assert taught.beside(OURS, OTHERS, 60, random.Random(3)) == made


def test_nothing_is_put_together_from_nothing() -> None:
    assert taught.beside(OURS, [], 5, random.Random(3)) == []


def test_the_learner_draws_what_only_the_teacher_read(monkeypatch: pytest.MonkeyPatch) -> None:
    data = [Example(f"ordinary {n}", "goemotions") for n in range(20_000)]
    monkeypatch.setattr(run, "ordinary", lambda path: ({"goemotions": data}, []))
    texts = [
        Text(
            id=voice, text=f"of {voice}", lang="en", kind="short", label="-", category="ordinary", voice=voice, hand="x"
        )
        for voice in "abcdefghijklmnopqrstuvwxyz"
    ]
    said = {text.text: SAID for text in texts} | {"put together.": SAID}
    said |= {f"ordinary {n}": SAID for n in range(100)}
    drawn = run.draws(texts, Path("unread"), said)[0](random.Random(3))
    assert run.withheld(texts)
    assert {e.text for e in drawn}.isdisjoint(text.text for text in run.withheld(texts))
    assert [e.text for e in drawn if e.source == "taught"] == ["put together."]
    assert sum(e.text in said for e in drawn if e.source == "goemotions") >= 100
    assert len(drawn) == len(run.draws(texts, Path("unread"))[0](random.Random(3))) + 1


def test_what_was_not_said_to_the_end_is_no_file(tmp_path: Path) -> None:
    """Half of what a teacher says would be learned from as if it were all."""

    def lines() -> Iterator[tuple[str, Said]]:
        yield "soup", [[0.1, 0.2]]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        taught.write(tmp_path / "said.jsonl", lines())
    assert not list(tmp_path.iterdir())


def test_what_people_wrote_is_for_this_account_alone(tmp_path: Path) -> None:
    """With `teach --data` the file holds texts of the operator's own."""
    path = tmp_path / "said.jsonl"
    path.touch(0o644)
    assert taught.write(path, [("soup", [[0.1, 0.2]])]) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
