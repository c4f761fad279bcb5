"""The model card as Markdown: what the models are, how well they read, and what they must not be used for."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from wellspring.language.evaluation import Interval
from wellspring.language.model import MODELS, sha256
from wellspring.language.report import Line, Report

FILES: Final = ("encoder.onnx", "tokenizer.json", "light.npz", "combine.json", "memory.onnx")
_PER_1000: Final = "per 1,000"
_WEAKEST: Final = 6

_ABOUT: Final = """\
# Model card: reading what people write

Wellspring reads journals, messages and feedback so that somebody in danger is shown help at once and a responder is
called. Three parts read each text: rules with fixed phrases, a light linear model over hashed words, and a fine-tuned
MiniLM encoder. Rules come first; a model can raise a level and never lowers one, and alone it never says *critical*.

**No clinical validity is claimed.** A reading can say "danger" or "nothing found", never "safe"."""

_USES: Final = """\
## What it is for

To put texts in front of people sooner: help lines for the writer, a page for a responder, an order in a queue. A
person decides. Everybody can ask for help without any reading, and can switch the reading of feelings off.

## What it must not be used for

- To diagnose, to estimate a person's risk over days or weeks, or to decide about treatment, discharge or detention.
- To refuse, delay or end help because "nothing was found". People in danger may write nothing that shows it.
- To watch people who have not agreed to it: staff, pupils, tenants, customers, prisoners, asylum seekers.
- To discipline, insure, hire, police or advertise; to act on a person's words without a person having read them.
- On languages other than English and French: they are marked as not fully read."""

_DATA: Final = """\
## Data

- Texts written for this project by several hands: short texts, contrast pairs, long entries with labels by sentence,
  texts for each of the twelve emotions, feedback (English and French). No text tells a method; nobody in them is real.
- For emotions, and as ordinary texts: GoEmotions (Google; copy under Apache-2.0, data CC BY 4.0), XED (Helsinki-NLP,
  CC BY 4.0, English and French), BRIGHTER / SemEval-2025 task 11 (CC BY 4.0, English). The data are not shipped.
- Encoder body: all-MiniLM-L6-v2 (Apache-2.0), fine-tuned; for danger also taught by what all-mpnet-base-v2
  (Apache-2.0, not shipped), fine-tuned on the same texts, says of them and of mixtures of them. No forum
  posts of people in crisis were used: such sets have no licence.
- Three sealed sets, and nothing was tuned on any: the first was written before the models by somebody who did not see
  the rules; the others later, by hands that saw neither rules nor models nor other texts: the second in a mix like real
  use, the third (English) of short hard cases, as many of each kind.
- Plain words for the topics of feedback were chosen on two of its three hands. On the third, which nobody had read,
  they and the light model reach .52 (micro-F1) and get 38 of 41 urgencies right; figures for feedback are of all three.
- All these texts are composed, none was collected from people. Hands that compose share habits that people in crisis
  do not have, so expect less on real words than the figures below, and look at your own before you rely on them."""

_OWN: Final = """\
**These models were trained here** (`wellspring language train`), not by this project: {files}. What is said above of
texts and where they come from, and below of failures with a figure, is of the models that ship; only the tables are of
these. The next one says what the light model learned from: *own* are texts given with `--data`, which people may have
written."""

FAILURES: Final = """\
## Known failures

- Despair told as a long story without a plain sentence, irony, new slang, code words of a group.
- Sentences that turn on one small word: a negation far away, a quotation without marks, somebody else's words.
- Danger that is only in the past or only feared for somebody else may be raised; danger said as a joke may not be.
- Dialects, second-language writing and voices unlike those of the corpus; the corpus was written, not collected.
- Feelings that a text shows without naming them; *overwhelm*, *calm* and *hopeful* rest on authored texts alone.
- One line of danger in an ordinary day: of 260 plain ones 80 % were raised alone, 62 % in somebody else's day
  (2026.11.9). Texts of more than three parts are moderate from a lower probability on, so two texts at .55 may get
  different levels.
- Processors differ. Without VNNI instructions int8 arithmetic rounds otherwise: on 399 hard texts, under emulation, the
  ranking was as good (AUC .921, .922 with them), 1 text in 50 fell on the other side of a threshold, and for 1 in 10
  another emotion came first (measured before 2026.11.8 shipped)."""


def shown(found: Interval, name: str, *, signed: bool = False) -> str:
    """Return a figure with its interval, to the digits that it deserves; a change is `signed`."""
    form = f"{'+' if signed else ''}.{1 if _PER_1000 in name else 3}f"
    return f"{found.value:{form}} ({found.low:{form}} to {found.high:{form}})"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [" | ".join(row).join(("| ", " |")) for row in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines)


def sections(reports: Sequence[tuple[str, Report]]) -> str:
    """Return every figure, the reports side by side; behind each but the first, its change from the one before."""
    found: dict[str, dict[str, dict[str, Interval]]] = {}
    titles: list[str] = []
    for title, report in reports:
        change = f"{title}, change"
        titles += [title, change] if report.changes else [title]
        for column, lines in ((title, report.lines), (change, report.changes)):
            for line in lines:
                found.setdefault(line.section, {}).setdefault(line.name, {})[column] = line.found
    changes = {f"{title}, change" for title, report in reports if report.changes}
    parts: list[str] = []
    for section, names in found.items():
        rows: list[list[str]] = []
        for name, values in names.items():
            count = max(value.count for value in values.values())
            cells = [shown(values[title], name, signed=title in changes) if title in values else "" for title in titles]
            rows.append([name, str(count), *cells])
        parts.append(f"### {section[0].upper()}{section[1:]}\n\n" + table(["", "texts", *titles], rows))
    return "\n\n".join(parts)


def weakest(lines: Iterable[Line]) -> str:
    """Return the categories least found and most often raised wrongly, as sentences."""
    lines = list(lines)
    missed = sorted((one for one in lines if one.section.startswith("found, by")), key=lambda one: one.found.value)
    raised = sorted((one for one in lines if one.section.startswith("raised ")), key=lambda one: -one.found.value)
    said = [f"{one.name} ({one.found.value:.0%} of {one.found.count})" for one in missed[:_WEAKEST]]
    wrong = [f"{one.name} ({one.found.value:.0%} of {one.found.count})" for one in raised[:_WEAKEST]]
    found: list[str] = []
    if said:
        found.append("- Least found on these texts: " + ", ".join(said) + ".")
    if wrong:
        found.append("- Most often raised wrongly: " + ", ".join(wrong) + ".")
    return "\n".join(found)


def files(folder: Path) -> str:
    """Return the model files with size and checksum."""
    rows = [
        [name, f"{(folder / name).stat().st_size / 1e6:.1f} MB", f"`{sha256(folder / name)}`"]
        for name in FILES
        if (folder / name).is_file()
    ]
    return table(["file", "size", "sha256"], rows)


def own(folder: Path) -> str:
    """Return what must be said of models that did not ship, and nothing of those that did."""
    if folder.resolve() == MODELS.resolve():
        return ""
    return _OWN.format(files=", ".join(f"`{name}` {_whose(folder / name)}" for name in ("light.npz", "encoder.onnx")))


def _whose(path: Path) -> str:
    if not path.is_file():
        return "is missing"
    shipped = MODELS / path.name
    return "is the one that ships" if shipped.is_file() and sha256(path) == sha256(shipped) else "was trained here"


def training(counts: dict[str, int], figures: dict[str, float | None]) -> str:
    """Return what the light model learned from and how it did on voices held out meanwhile."""
    learned = table(
        ["texts that the light model learned from", "number"], [[name, str(number)] for name, number in counts.items()]
    )
    rows = [[name.replace("_", " "), "" if value is None else f"{value:.3f}"] for name, value in figures.items()]
    return f"{learned}\n\n{table(['light model alone, voices held out in training', 'figure'], rows)}"


def calibration(report: Report) -> str:
    """Return probability against frequency."""
    rows = [[f"{one.probability:.2f}", f"{one.danger:.2f}", str(one.count)] for one in report.bins]
    return table(["mean probability", "share in danger", "texts"], rows)


def card(
    report: Report,
    others: Sequence[tuple[str, Report]],
    folder: Path,
    counts: dict[str, int],
    trained: dict[str, float | None],
) -> str:
    """Return the whole card. `others` are reports over other texts, such as ordinary ones."""
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    extra = "\n\n".join(
        f"## {title}\n\n{report.texts} texts.\n\n{sections([(title, report)])}" for title, report in others
    )
    parts = [
        _ABOUT,
        f"Versions: {versions}.",
        _USES,
        _DATA,
        own(folder),
        training(counts, trained),
        f"## Scores on the sealed set\n\n{report.texts} texts; in brackets the range of 95 of 100 resamplings.",
        sections([("figure", report)]),
        "### Calibration\n\n" + calibration(report),
        extra,
        FAILURES,
        weakest(report.lines),
        "## Files\n\n" + files(folder),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def as_json(reports: Sequence[tuple[str, Report]]) -> bytes:
    """Return reports for a script."""
    return msgspec.json.encode(dict(reports))
