"""The texts that the models learn from and are tested on, all written for this project.

`corpus/README.md` describes the format. Operators may add texts of their own in the same format or as JSON lines.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Literal, get_args

import msgspec

from wellspring.language.schemas import EMOTIONS, Urgency

Kind = Literal["short", "pair", "long", "emotion", "feedback"]
Label = Literal["d", "m", "-"]
"""d: the writer is in danger now; m: danger is mentioned, but not as the writer's own now; -: none of it."""

FOLDER: Final = Path(__file__).with_name("corpus")
SEALED: Final = "sealed"
CATEGORIES: Final = {
    label: frozenset(names.split())
    for label, names in {
        "d": "explicit plan means goodbye euphemism passive attempt self_harm burden hopeless_danger",
        "m": "negated past third_person quoted question fiction idiom recovery news",
        "-": "grief stress depression anxiety anger loneliness illness relationship work school money addiction trauma "
        "eating insomnia parenting ordinary happy advice humour gaming sport other",
    }.items()
}
_WORD: Final = re.compile(r"[\w']+")
_VALUE: Final = re.compile(r"(?<=Invalid enum value) .*(?= - at `\$)", re.DOTALL)  # what msgspec repeats of a line
_MOST_JSON: Final = 100_000  # characters of one line


class BadCorpus(ValueError):
    """A line that does not keep to the format; says file and line, and never a value: it may be what somebody wrote."""


class Sentence(msgspec.Struct, frozen=True):
    """One labelled sentence: `text[start:end]` of its entry."""

    start: int
    end: int
    label: Label


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """One text with what is known about it.

    `hand` is the folder it came from, one for each writer. Both sides of a contrast pair share `pair`. Texts written
    for emotions or feedback have no `label`; `emotion` and `second` are two of the twelve labels.
    `of_people`: nobody wrote it for this project, so without a label it is not known whether its writer is in danger.
    """

    id: str
    text: str
    lang: str = "en"
    kind: Kind = "short"
    label: Label | None = None
    category: str | None = None
    person: str = ""
    tense: str = ""
    target: str = ""
    voice: str = ""
    place: str = ""
    emotion: str | None = None
    second: str | None = None
    topics: tuple[str, ...] = ()
    urgency: Urgency | None = None
    sentences: tuple[Sentence, ...] = ()
    pair: str | None = None
    hand: str = ""
    of_people: bool = False

    @property
    def group(self) -> str:
        """What must not be split between training and testing: the same voice of the same hand."""
        return f"{self.hand}/{self.voice or self.pair or self.id}"


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    """One JSON line of an operator's own data, or one that `wellspring language corrections` wrote.

    A correction has an `answer`, and a `text` only where its writer agreed to that.
    """

    text: str | None = None
    lang: str = "en"
    label: Label | None = None
    category: str | None = None
    voice: str = ""
    place: str = ""
    emotion: str | None = None
    second: str | None = None
    topics: tuple[str, ...] = ()
    urgency: Urgency | None = None
    answer: str | None = None
    writer: str = ""
    language: str | None = None

    @property
    def teaches_nothing(self) -> bool:
        """Whether this is a correction without a text or a feeling, or in a language that no model reads."""
        unread = self.language == "other"
        return self.answer is not None and (self.text is None or self.emotion is None or unread)


def identity(text: str) -> str:
    """Return a short name of a text that stays the same wherever it stands."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def plain(text: str) -> str:
    """Return the bare words of a text, to find the same text twice."""
    return " ".join(_WORD.findall(text.lower().replace("’", "'")))


def shipped(*, sealed: bool = False) -> list[Text]:
    """Return the texts that ship: those for training, or the sealed ones, which nothing is ever tuned on.

    Raises FileNotFoundError where an installation has left them out.
    """
    if not FOLDER.is_dir():
        raise FileNotFoundError(FOLDER)
    if sealed:
        return load(FOLDER / SEALED)
    folders = sorted(path for path in FOLDER.iterdir() if path.is_dir() and path.name != SEALED)
    return [text for folder in folders for text in load(folder)]


def load(path: Path) -> list[Text]:
    """Return the texts of a `.txt` or `.jsonl` file, or of all such files under a folder. Raises BadCorpus."""
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.suffix in {".txt", ".jsonl"})
        return [text for file in files for text in _file(file, file.parent.name)]
    return list(_file(path, path.stem))


def _file(path: Path, hand: str) -> Iterator[Text]:
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise BadCorpus(f"{path.name}:{line}: this is no UTF-8") from error
    if path.suffix == ".txt":
        return parse(lines, path.name, hand)
    return _json_lines(lines, path.name, hand)


def _json_lines(lines: Iterable[str], name: str, hand: str) -> Iterator[Text]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line, type=_Line)
        except msgspec.DecodeError as error:
            raise BadCorpus(f"{name}:{number}: {_VALUE.sub('', str(error))}") from error
        if not row.teaches_nothing:
            yield _checked(_given(row, hand), f"{name}:{number}")


def _given(row: _Line, hand: str) -> Text:
    kind: Kind = "emotion" if row.emotion else "feedback" if row.topics or row.urgency else "short"
    text = row.text or ""
    return Text(
        id=identity(text),
        text=text,
        lang=row.language if row.language in ("en", "fr") else row.lang,
        kind=kind,
        label=row.label,
        category=row.category,
        voice=row.voice or row.writer,
        place=row.place,
        emotion=row.emotion,
        second=row.second,
        topics=row.topics,
        urgency=row.urgency,
        hand=hand,
        of_people=True,
    )


def parse(lines: Iterable[str], name: str, hand: str = "") -> Iterator[Text]:
    """Yield the texts of one file's lines. Raises BadCorpus with `name` and the line's number."""
    reader = _Reader(name, hand)
    for number, line in enumerate(lines, 1):
        yield from reader.line(line.rstrip("\r"), f"{name}:{number}")
    yield from reader.end()


class _Reader:
    """Goes through the lines of one file; remembers the header and what is not finished yet."""

    def __init__(self, name: str, hand: str) -> None:
        self.name = name
        self.hand = hand
        self.head: dict[str, str] | None = None
        self.where = f"{name}:1"
        self.parts: list[tuple[str, Label]] = []  # of a long entry: what joins it to the last one + sentence
        self.gap = ""
        self.plus: str | None = None

    def line(self, line: str, where: str) -> Iterator[Text]:
        if line.startswith("# "):
            yield from self.end()
            self.head = dict(word.split("=", 1) for word in line[2:].split() if "=" in word)
            self.where = where
            if self.head.get("kind") not in get_args(Kind):
                raise BadCorpus(f"{where}: a header without one of the kinds {', '.join(get_args(Kind))}")
        elif line.strip():
            if self.head is None:
                raise BadCorpus(f"{where}: text before the first header")
            yield from self._text(self.head, line.rstrip(), where)

    def _text(self, head: dict[str, str], line: str, where: str) -> Iterator[Text]:
        match head["kind"]:
            case "long":
                self._sentence(line, where)
            case "pair":
                yield from self._side(head, line, where)
            case _:
                yield self._made(line.strip(), where, {})

    def _sentence(self, line: str, where: str) -> None:
        if line.strip() == "/":
            self.gap = "\n\n"
        elif line[:2] in {"d ", "m ", "- "} and line[2:].strip():
            label: Label = "d" if line[0] == "d" else "m" if line[0] == "m" else "-"
            self.parts.append(((self.gap if self.parts else "") + line[2:].strip(), label))
            self.gap = " "
        else:
            raise BadCorpus(f"{where}: a sentence without its label")

    def _side(self, head: dict[str, str], line: str, where: str) -> Iterator[Text]:
        sign, text = line[:2], line[2:].strip()
        if sign not in {"+ ", "- "} or not text or (sign == "- ") != (self.plus is not None):
            raise BadCorpus(f"{where}: a pair is a line with + and then one with -")
        if sign == "+ ":
            self.plus = identity(text)
            as_danger = {"label": "d", "category": head.get("plus", ""), "person": "1", "tense": "now"}
            yield self._made(text, where, {**as_danger, "target": "self", "pair": self.plus})
        else:
            yield self._made(text, where, {"pair": self.plus or ""})
            self.plus = None

    def end(self) -> Iterator[Text]:
        """Yield the long entry that ends here."""
        if self.plus is not None:
            raise BadCorpus(f"{self.where}: a pair without its second line")
        if self.head is None or self.head["kind"] != "long":
            return
        if not self.parts:
            raise BadCorpus(f"{self.where}: an entry without sentences")
        text, sentences = "", list[Sentence]()
        for part, label in self.parts:
            text += part
            sentences.append(Sentence(len(text) - len(part.lstrip()), len(text), label))
        yield self._made(text, self.where, {}, tuple(sentences))
        self.parts, self.gap = [], ""

    def _made(self, text: str, where: str, own: dict[str, str], sentences: tuple[Sentence, ...] = ()) -> Text:
        fields = {**(self.head or {}), **own}
        known = {name: value for name, value in fields.items() if name in Text.__struct_fields__ and name != "topics"}
        topics = tuple(filter(None, fields.get("topics", "").split(",")))
        raw = {"id": identity(text), "text": text, "hand": self.hand, "topics": topics, "sentences": sentences, **known}
        try:
            return _checked(msgspec.convert(raw, Text, from_attributes=True), where)
        except msgspec.ValidationError as error:
            raise BadCorpus(f"{where}: {_VALUE.sub('', str(error))}") from error


def _checked(text: Text, where: str) -> Text:
    """Return the text as it is, or raise BadCorpus when what is said of it cannot be."""
    if not text.text.strip() or len(text.text) > _MOST_JSON:
        raise BadCorpus(f"{where}: a text is empty or too long")
    if text.kind in {"short", "pair", "long"} and text.label is None:
        raise BadCorpus(f"{where}: no label")
    if text.label and text.category and text.category not in CATEGORIES[text.label]:
        raise BadCorpus(f"{where}: this category does not go with label {text.label}")
    for emotion in (text.emotion, text.second):
        if emotion is not None and emotion not in EMOTIONS:
            raise BadCorpus(f"{where}: an emotion is none of {', '.join(EMOTIONS)}")
    return text
