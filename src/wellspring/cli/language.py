"""`wellspring language …`: training, judging, using and describing the models that read texts."""

import importlib
import math
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
import typer

from wellspring.cli import console, language_corrections
from wellspring.cli.errors import CorpusWrong, FileRefused, ModelsMissing, NoTrainingExtra
from wellspring.cli.files import filled, refused_when_full
from wellspring.cli.language_models import opened, refuse_no_encoder
from wellspring.cli.options import Json
from wellspring.language import card as cards
from wellspring.language import corpus, scoring
from wellspring.language.model import MODELS, sha256
from wellspring.language.reader import read as read_by_rules
from wellspring.language.report import FEWEST, Report, compared, evaluated
from wellspring.language.schemas import Reading

app = typer.Typer(no_args_is_help=True)
app.command("corrections")(language_corrections.corrections)

_TRAINING: Final = "wellspring.language.training"
_TRAINED: Final = {"light": ("light.npz",), "encoder": ("encoder.onnx", "tokenizer.json")}
_Folder = Annotated[Path | None, typer.Option("--models", help="A folder with models of your own.")]
_Emotion = Annotated[Path | None, typer.Option("--emotion-data", help="A parquet file: text, label, source.")]
_Light = Annotated[bool, typer.Option("--light", help="Rules and the light model only, without the encoder.")]


@app.callback()
def _group() -> None:
    """The models that read what people write."""


class Reader:
    """What reads texts for a command: models of a folder, the shipped ones, or rules alone where there are none."""

    def __init__(self, folder: Path | None, *, light: bool = False) -> None:
        self.models = opened(folder)
        self._full = self.models is not None and self.models.has_encoder and not light
        if self.models is None:
            console.err.print("No models are installed: this is what the rules alone say.")
        elif self._full:
            refuse_no_encoder(self.models)

    def __call__(self, text: str, lang: str | None = None) -> Reading:
        """Read one text."""
        if self.models is None:
            return read_by_rules(text, hint=lang)
        by = self.models.fully if self._full else self.models.lightly
        return by(text, lang, feedback=True)


@app.command()
def score(
    source: Annotated[Path | None, typer.Argument(help="JSON lines; without it, standard input.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where to write; without it, standard output.")] = None,
    models: _Folder = None,
    *,
    light: _Light = False,
) -> None:
    """Judge texts: lines of {"id", "text"} in, a line for each out, in the same order."""
    _refuse_same(source, out)
    reader = Reader(models, light=light)
    with _bytes_from(source) as lines, _bytes_to(out) as written:
        for answer in scoring.scored(lines, reader):
            written.write(msgspec.json.encode(answer) + b"\n")
            written.flush()


def _refuse_same(source: Path | None, out: Path | None) -> None:
    """Raise FileRefused where writing would empty what is to be read."""
    if source is not None and out is not None and source.exists() and out.exists() and out.samefile(source):
        raise FileRefused(f"{out}: this is the file that is read.")


@contextmanager
def _bytes_from(path: Path | None) -> Generator[Any]:
    if path is None:
        yield sys.stdin.buffer
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise CorpusWrong(f"{path}: {error.strerror}.") from error
    with file:
        yield file


@contextmanager
def _bytes_to(path: Path | None) -> Generator[Any]:
    if path is None:
        with refused_when_full("standard output"):
            yield sys.stdout.buffer
        return
    try:
        file = path.open("wb")
    except OSError as error:
        raise FileRefused(f"{path}: {error.strerror}.") from error
    with refused_when_full(path), file:
        yield file


def _texts(data: Path | None) -> list[corpus.Text]:
    """Return the texts of a file or folder; without one, the sealed set."""
    try:
        found = corpus.shipped(sealed=True) if data is None else corpus.load(data)
    except (OSError, UnicodeDecodeError, corpus.BadCorpus) as error:
        raise CorpusWrong(str(error)) from error
    if not found:
        raise CorpusWrong(f"{data}: there are no texts in it.")
    return found


def _part(name: str) -> Any:
    """Import a module of training. Raises NoTrainingExtra."""
    try:
        return importlib.import_module(f"{_TRAINING}.{name}")
    except ModuleNotFoundError as error:
        raise NoTrainingExtra(f"Missing: {error.name}.") from error


def _ordinary(path: Path) -> list[corpus.Text]:
    return list(_of_shared_data(path, _part("ordinary").aside))


def _of_shared_data(path: Path, read: Callable[[Path], Any]) -> Any:
    """Return what a function reads in the emotion data. Raises CorpusWrong, NoTrainingExtra."""
    try:
        return read(path)
    except ModuleNotFoundError as error:
        raise NoTrainingExtra(f"Missing: {error.name}.") from error
    except (OSError, ValueError) as error:
        raise CorpusWrong(f"{path}: {error}") from error


@app.command()
def evaluate(
    data: Annotated[Path | None, typer.Option(help="Labelled texts; without it, the sealed set.")] = None,
    models: Annotated[
        list[Path] | None, typer.Option(help="A folder with models of your own; again for newer ones.")
    ] = None,
    emotion_data: _Emotion = None,
    *,
    held: Annotated[
        bool,
        typer.Option("--held", help="Of --data, only voices that `train` with the same --data kept from learning."),
    ] = False,
    light: _Light = False,
    json: Json = False,
) -> None:
    """Say how well the shipped models read labelled texts and, beside them, those of each --models.

    Each change is from the models to the left, on the same texts: where its interval holds 0 no difference is shown.
    """
    texts = _to_compare_on(data, held=held, own=bool(models))
    readers = {"shipped": Reader(None, light=light)}
    for folder in models or ():
        name = folder.name if folder.name not in ("", *readers) else str(folder.absolute())
        readers[name] = Reader(folder, light=light)
    sets = [(f"{len(texts)} texts", _beside(texts, readers))]
    if emotion_data is not None:
        others = _ordinary(emotion_data)
        sets.append((f"{len(others)} ordinary texts of the shared data", _beside(others, readers)))
    if json:
        console.as_json({title: dict(found) for title, found in sets})
        return
    for title, found in sets:
        if not any(report.lines for _, report in found):
            console.err.print(f"{title}: too few for any figure; each needs {FEWEST} of its kind.")
        console.say(f"# {title}\n\n{_versions(found)}\n\n{cards.sections(found)}\n")


def _to_compare_on(data: Path | None, *, held: bool, own: bool) -> list[corpus.Text]:
    texts = _texts(data)
    if data is None and held:
        raise CorpusWrong("--held is for --data: nothing of the sealed set was learned.")
    if held:
        run = _part("run")
        texts = [text for text in texts if run.held(text.group)]
        if not texts:
            raise CorpusWrong(f"{data}: no voice in it is one of those that are kept from learning.")
    elif data is not None and own:
        console.err.print("Models look better than they are on texts that they learned from: --held leaves those out.")
    return texts


def _beside(texts: list[corpus.Text], readers: dict[str, Reader]) -> list[tuple[str, Report]]:
    return list(zip(readers, compared(texts, readers.values()), strict=True))


def _versions(reports: list[tuple[str, Report]]) -> str:
    return "\n".join(f"{name}: {' '.join(f'{k} {v}' for k, v in r.versions.items())}" for name, r in reports)


@app.command()
def card(
    out: Annotated[Path | None, typer.Option(help="Where to write; without it, standard output.")] = None,
    models: _Folder = None,
    emotion_data: _Emotion = None,
) -> None:
    """Write the model card as Markdown, with scores worked out now on the sealed set."""
    reader = Reader(models)
    if reader.models is None:
        raise ModelsMissing("There is nothing to describe.")
    if out is not None:  # before minutes of reading, not after them
        _refuse_unwritable(out)
    report = evaluated(_texts(None), reader)
    others = []
    if emotion_data is not None:
        others.append(("Ordinary texts of other people", evaluated(_ordinary(emotion_data), reader)))
    held = _part("run").held
    if feedback := [text for text in corpus.shipped() if text.kind == "feedback" and held(text.group)]:
        others.append(("Feedback (voices held out in training)", evaluated(feedback, reader)))
    meta = reader.models.light.meta
    text = cards.card(report, others, reader.models.folder, meta.trained_on, meta.figures)
    if out is None:
        console.say(text)
    else:
        with _bytes_to(out) as written:
            written.write(text.encode())


@app.command()
def train(
    out: Annotated[Path, typer.Option(help="The folder for the models.")],
    data: Annotated[Path | None, typer.Option(help="Texts of your own: corpus files or JSON lines.")] = None,
    emotion_data: _Emotion = None,
    body: Annotated[Path | None, typer.Option(help="The folder of all-MiniLM-L6-v2, for the encoder.")] = None,
    only: Annotated[Literal["light", "encoder"] | None, typer.Option(help="Train one of the two.")] = None,
    start: Annotated[Path | None, typer.Option(help="A `checkpoint` folder, or one of models, to go on from.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="The most minutes the encoder learns.")] = None,
    taught: Annotated[Path | None, typer.Option(help="What `language teach` wrote, for the encoder.")] = None,
) -> None:
    """Train on the corpus and on texts of your own; then compare with `evaluate --models` before you switch."""
    run, makes = _part("run"), _part("light")
    if only != "light" and (body is None or emotion_data is None):
        raise CorpusWrong("The encoder needs --body and --emotion-data; --only light does without.")
    _refuse_no_checkpoint(start, "encoder.pt", "encoder.onnx")
    said = _said(taught) if taught else None
    texts = _to_learn(data)
    if body is not None and only != "light":
        _refuse_no_body(body)
    with filled(out) as made:  # a folder in use stays as it is until everything is there
        _fill(made, out, () if only is None else _TRAINED["encoder" if only == "light" else "light"])
        if emotion_data is None:
            console.err.print("Without --emotion-data, thresholds rest on the corpus alone: expect more false alarms.")
        kept = _of_shared_data(emotion_data, run.ordinary)[0] if emotion_data is not None else {}
        shared = [example for examples in kept.values() for example in examples]
        if only != "encoder":
            meta = makes.train([text for text in texts if not run.held(text.group)], shared, made, console.err.print)
            console.say(f"light model {meta.version}: {meta.figures}")
        if only != "light":
            limit_s, keep = math.inf if minutes is None else 60 * minutes, out / "checkpoint"
            tell = console.err.print
            run.train_encoder(texts, emotion_data, body, made, tell, keep=keep, start=start, limit_s=limit_s, said=said)
        run.combine(texts, emotion_data, made, sha256(made / "encoder.onnx")[:8], console.err.print)
    console.say(f"Compare before you switch: wellspring language evaluate --models {out}")
    if data is not None:
        console.say(f"and on texts of yours that were kept aside: --models {out} --data {data} --held")


@app.command()
def teach(
    out: Annotated[Path, typer.Option(help="The file to write: a JSON line for each text.")],
    body: Annotated[Path, typer.Option(help="The folder of a larger body, such as all-mpnet-base-v2.")],
    emotion_data: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="A parquet file: text, label, source.")
    ],
    data: Annotated[Path | None, typer.Option(help="Texts of your own: corpus files or JSON lines.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="The most minutes the larger body learns.")] = None,
    start: Annotated[Path | None, typer.Option(help="A folder that --keep filled, to go on from.")] = None,
    keep: Annotated[Path | None, typer.Option(help="A folder for the larger body's weights.")] = None,
) -> None:
    """Fine-tune a larger body and write what it says of many texts, for `train --taught`. It does not ship."""
    _refuse_no_body(body)
    _refuse_no_checkpoint(start, "encoder.pt")
    run, _ = _part("run"), _part("teacher")
    texts = _to_learn(data)
    if keep is not None:  # before an hour of learning, not after it
        _make(keep)
    _refuse_unwritable(out)
    _of_shared_data(emotion_data, _part("examples").rows)
    limit_s = math.inf if minutes is None else 60 * minutes
    count = run.teach(texts, emotion_data, body, out, console.err.print, limit_s=limit_s, start=start, keep=keep)
    console.say(f"{out}: what the teacher says of {count} texts")


def _refuse_no_body(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise ModelsMissing(f"{folder}: there is no config.json in it.")


def _refuse_no_checkpoint(start: Path | None, *names: str) -> None:
    if start is not None and not any((start / name).is_file() for name in names):
        raise ModelsMissing(f"{start}: there is no {' or '.join(names)} in it.")


def _refuse_unwritable(path: Path) -> None:
    is_new = not path.exists()
    try:
        path.open("ab").close()
    except OSError as error:
        raise FileRefused(f"{path}: {error.strerror}.") from error
    if is_new:  # what is stopped before it writes leaves nothing
        path.unlink()


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileRefused(f"{folder}: {error.strerror}.") from error


def _said(path: Path) -> Any:
    try:
        return _part("taught").load(path)
    except (OSError, ValueError) as error:
        raise CorpusWrong(f"{path}: {error}") from error


def _to_learn(data: Path | None) -> list[corpus.Text]:
    try:
        texts = corpus.shipped()
    except FileNotFoundError as error:
        raise CorpusWrong("This installation came without its corpus.") from error
    own = _without_sealed(_texts(data)) if data else []
    return [*texts, *(msgspec.structs.replace(text, of_people=True) for text in own)]


def _fill(made: Path, out: Path, names: Sequence[str]) -> None:
    """Copy what is not trained from an earlier training in the same folder or from the shipped models."""
    for name in names:
        found = next((path for path in (out / name, MODELS / name) if path.is_file()), None)
        if found is None:
            raise ModelsMissing(f"{name} is not trained and did not come with this installation.")
        (made / name).write_bytes(found.read_bytes())


def _without_sealed(texts: list[corpus.Text]) -> list[corpus.Text]:
    """Leave out what stands in the sealed set: models must not learn what they are tested on."""
    sealed = {corpus.plain(text.text) for text in corpus.shipped(sealed=True)}
    kept = [text for text in texts if corpus.plain(text.text) not in sealed]
    if len(kept) < len(texts):
        console.err.print(f"{len(texts) - len(kept)} texts are in the sealed set and were left out.")
    return kept
