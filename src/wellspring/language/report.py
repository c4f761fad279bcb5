"""How well readings of labelled texts went: figures with intervals, by category, length and language."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from wellspring.language import evaluation as ev
from wellspring.language.corpus import Text
from wellspring.language.evaluation import Interval
from wellspring.language.schemas import EKMAN, EMOTIONS, LEVELS, Level, Reading
from wellspring.language.scoring import Read

LENGTHS: Final = {"to 15 words": 15, "16 to 40 words": 40, "41 to 120 words": 120, "over 120 words": 10**9}
SIX: Final = tuple(dict.fromkeys(EKMAN.get(name, name) for name in EMOTIONS))
RATES: Final = (0.05, 0.02, 0.01)
_RAISED: Final = LEVELS.index("moderate")
FEWEST: Final = 5
"""Texts that a figure of its own needs."""


class Judged(msgspec.Struct, frozen=True):
    """A labelled text and how it was read; without a model `crisis` is the level as a number from 0 to 1."""

    text: Text
    level: Level
    crisis: float
    emotion: str | None = None
    ekman: str | None = None
    topics: tuple[str, ...] = ()
    urgency: str | None = None

    @property
    def danger(self) -> bool:
        """Whether its writer is in danger."""
        return self.text.label == "d"

    @property
    def raised(self) -> bool:
        """Whether it was raised above `mentioned`."""
        return LEVELS.index(self.level) >= _RAISED


class Line(msgspec.Struct, frozen=True):
    """One figure and the section it belongs to."""

    section: str
    name: str
    found: Interval


class Bin(msgspec.Struct, frozen=True):
    """Texts whose probability lies in one tenth: how many, the mean probability, the share in danger."""

    count: int
    probability: float
    danger: float


class Report(msgspec.Struct, frozen=True):
    """All figures of one set of models over one set of texts.

    `changes` say of each figure by how much it is more than that of the models before; both come from the same
    resamplings, so an interval without 0 shows a difference that two intervals beside each other may not show.
    """

    versions: dict[str, str]
    texts: int
    lines: list[Line]
    bins: list[Bin]
    changes: list[Line] = []


def judged(text: Text, reading: Reading) -> Judged:
    """Keep of a reading what is counted."""
    emotions, feedback = reading.emotions, reading.feedback
    return Judged(
        text,
        reading.level,
        LEVELS.index(reading.level) / (len(LEVELS) - 1) if reading.crisis is None else reading.crisis,
        max(EMOTIONS, key=lambda name: emotions.get(name, 0.0)) if emotions else None,
        _likeliest_of_six(emotions) if emotions else None,
        feedback.topics if feedback else (),
        feedback.urgency if feedback else None,
    )


def _likeliest_of_six(emotions: Mapping[str, float]) -> str:
    """Return the likeliest of Ekman's six and neutral: what the twelve that belong to it add up to."""
    sums = dict.fromkeys(SIX, 0.0)
    for name, share in emotions.items():
        sums[EKMAN.get(name, name)] += share
    return max(SIX, key=lambda name: sums[name])


def ekman_f1(said: NDArray[Any], truth: NDArray[Any]) -> float:
    """Return the mean F1 over Ekman's six and neutral.

    `said` are indices into SIX, `truth` sums of 2 to their power, since a text may have two labels.
    """
    found: list[float] = []
    for index in range(len(SIX)):
        named, meant = said == index, (truth >> index) & 1 == 1
        if meant.any():
            found.append(2 * float((named & meant).sum()) / float(named.sum() + meant.sum()))
    return float(np.mean(found)) if found else ev.NAN


def evaluated(texts: Sequence[Text], read: Read, *, resamples: int = 1000) -> Report:
    """Read every text and work out every figure that these texts allow."""
    return compared(texts, [read], resamples=resamples)[0]


def compared(texts: Sequence[Text], reads: Iterable[Read], *, resamples: int = 1000) -> list[Report]:
    """Read every text with each; every report but the first has its changes from the one before."""
    reports: list[Report] = []
    before: _Figures | None = None
    for read in reads:
        report, figures = _worked_out(texts, read, resamples)
        changes = [] if before is None else figures.changes(before)
        reports.append(msgspec.structs.replace(report, changes=changes))
        before = figures
    return reports


def _worked_out(texts: Sequence[Text], read: Read, resamples: int) -> tuple[Report, "_Figures"]:
    readings = [read(text.text, text.lang) for text in texts]
    rows = [judged(text, reading) for text, reading in zip(texts, readings, strict=True)]
    labelled = [row for row in rows if row.text.label is not None]
    figures = _Figures(resamples)
    figures.danger("danger", labelled)
    figures.pairs(labelled)
    _groups(figures, labelled)
    figures.feelings([row for row in rows if row.text.emotion and row.emotion])
    figures.feedback([row for row in rows if row.text.kind == "feedback" and row.urgency])
    return Report(readings[0].versions if readings else {}, len(texts), figures.lines(), bins(labelled)), figures


def bins(rows: Sequence[Judged], count: int = 10) -> list[Bin]:
    """Return tenths of the probability that hold any text."""
    groups: dict[int, list[Judged]] = {}
    for row in rows:
        groups.setdefault(min(int(row.crisis * count), count - 1), []).append(row)
    return [
        Bin(len(group), float(np.mean([r.crisis for r in group])), float(np.mean([r.danger for r in group])))
        for _, group in sorted(groups.items())
    ]


def _groups(figures: "_Figures", rows: Sequence[Judged]) -> None:
    for name in sorted({row.text.category or "" for row in rows if row.danger}):
        figures.add("found, by category", name, [r.raised for r in rows if r.danger and r.text.category == name])
    for label, what in (("m", "raised though only mentioned"), ("-", "raised though ordinary")):
        for name in sorted({row.text.category or "" for row in rows if row.text.label == label}):
            raised = [r.raised for r in rows if r.text.label == label and r.text.category == name]
            figures.add(what, name, raised)
    least = 0
    for name, most in LENGTHS.items():
        figures.danger(name, [row for row in rows if least < len(row.text.text.split()) <= most], brief=True)
        least = most
    for language in sorted({row.text.lang for row in rows}):
        figures.danger(f"language {language}", [row for row in rows if row.text.lang == language], brief=True)
    hands = sorted({row.text.hand for row in rows})
    for hand in hands if len(hands) > 1 else ():
        figures.danger(f"written by {hand}", [row for row in rows if row.text.hand == hand])


class _Figures:
    """Collects lines; leaves out what too few texts stand behind."""

    def __init__(self, resamples: int) -> None:
        self._found: dict[tuple[str, str], ev.Resampled] = {}
        self._resamples = resamples

    def lines(self) -> list[Line]:
        """Return every figure, in the order in which they were added."""
        return [Line(*name, found.interval()) for name, found in self._found.items()]

    def changes(self, before: "_Figures") -> list[Line]:
        """Return by how much each figure is more than that of other models over the same texts."""
        both = ((name, found, before._found.get(name)) for name, found in self._found.items())
        return [Line(*name, one.less(two).interval()) for name, one, two in both if two and two.count == one.count]

    def _put(self, section: str, name: str, figure: ev.Figure, *columns: Sequence[object]) -> None:
        if columns and len(columns[0]) >= FEWEST:
            found = ev.resampled(figure, *columns, resamples=self._resamples)
            if not np.isnan(found.value):
                self._found[section, name] = found

    def add(self, section: str, name: str, flags: Sequence[bool]) -> None:
        """Add a share."""
        self._put(section, name, ev.rate, flags)

    def danger(self, section: str, rows: Sequence[Judged], *, brief: bool = False) -> None:
        """Add what says how well danger is told from the rest."""
        scores, labels = [row.crisis for row in rows], [row.danger for row in rows]
        self._put(section, "AUC", ev.auc, scores, labels)
        for rate in () if brief else RATES:
            name = f"found at {rate:.0%} false alarms"
            self._put(section, name, lambda s, y, at=rate: ev.recall_at(s, y, at), scores, labels)
        self.add(section, "found (above mentioned)", [row.raised for row in rows if row.danger])
        calm = [row for row in rows if not row.danger]
        for what, some in (("without danger", calm), ("ordinary", [row for row in calm if row.text.label == "-"])):
            flags, none = [row.raised for row in some], [False] * len(some)
            self._put(section, f"false alarms per 1,000 {what}", ev.false_alarms_per_1000, flags, none)
        if not brief:
            self._put(section, "calibration error", ev.calibration_error, scores, labels)

    def pairs(self, rows: Iterable[Judged]) -> None:
        """Add the share of contrast pairs whose dangerous side scores higher."""
        sides: dict[str, dict[bool, float]] = {}
        for row in rows:
            if row.text.pair:
                sides.setdefault(row.text.pair, {})[row.danger] = row.crisis
        whole = [pair for pair in sides.values() if len(pair) == 2]
        self.add("danger", "contrast pairs in order", [pair[True] > pair[False] for pair in whole])

    def feelings(self, rows: Sequence[Judged]) -> None:
        """Add how often the likeliest of the twelve labels is the right one."""
        said, truth = [row.emotion for row in rows], [row.text.emotion for row in rows]
        self._put("emotions", "accuracy", ev.accuracy, said, truth)
        self._put("emotions", "macro-F1", ev.macro_f1, said, truth)
        six = [{EKMAN.get(n, n) for n in (r.text.emotion, r.text.second) if n} for r in rows]
        masks = [sum(1 << SIX.index(name) for name in names) for names in six]
        self._put("emotions", "Ekman macro-F1", ekman_f1, [SIX.index(r.ekman or "neutral") for r in rows], masks)
        self.add("emotions", "first or second label", [r.emotion in (r.text.emotion, r.text.second) for r in rows])

    def feedback(self, rows: Sequence[Judged]) -> None:
        """Add how often topics and urgency are right."""
        said, truth = [row.urgency for row in rows], [row.text.urgency for row in rows]
        self._put("feedback", "urgency, macro-F1", ev.macro_f1, said, truth)
        hits = [len(set(row.topics) & set(row.text.topics)) for row in rows]
        sizes = [len(row.topics) + len(row.text.topics) for row in rows]
        self._put("feedback", "topics, micro-F1", lambda h, n: float(2 * h.sum() / max(1, n.sum())), hits, sizes)
