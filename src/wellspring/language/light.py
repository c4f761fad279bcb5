"""The light model: hashed words and parts of words, one linear head for each question, int8 weights, numpy only."""

import zipfile
import zlib
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from wellspring.language import hashing
from wellspring.language.schemas import EMOTIONS, PLUTCHIK, Feedback, Urgency
from wellspring.language.segments import segments

NAME: Final = "light.npz"
URGENCIES: Final[tuple[Urgency, ...]] = ("low", "medium", "high")
STRETCH: Final = 450
"""Characters, some eighty words, whose danger is weighed together: words without order are outweighed by the ordinary
day around them. Chosen on voices kept from training; the encoder, which sees the order, reads all at once."""
_KNOWN: Final = 8192  # words whose sums are remembered, about 5 MB

Floats = NDArray[np.float32]


class Combination(msgspec.Struct, frozen=True):
    """How the logits of the whole text and of its segments become one: weights of whole, highest, log count, rest."""

    whole: float = 0.5
    highest: float = 0.5
    count: float = 0.0
    bias: float = 0.0


class Meta(msgspec.Struct, frozen=True):
    """What an `.npz` says of itself. `topics` name the columns after the fixed ones; slopes and biases calibrate.

    `figures` were measured on voices held out while it was trained.
    """

    version: str
    topics: tuple[str, ...] = ()
    crisis: Combination = Combination()
    part: tuple[float, float] = (1.0, 0.0)  # slope and bias of one segment's logit
    emotions: float = 1.0  # slope (an inverse temperature)
    plutchik: tuple[tuple[float, float], ...] = ()
    topic: tuple[tuple[float, float], ...] = ()
    urgency: float = 1.0
    trained_on: dict[str, int] = {}
    figures: dict[str, float | None] = {}


class Scores(msgspec.Struct, frozen=True):
    """What the light model says of one folded text, calibrated.

    `crisis` is the logit of danger in the gravest stretch, `parts` the probabilities of the text's segments, `spans`
    their half-open ranges. `emotions` sum to 1; `sentiment` runs from -1 to 1; `topics` maps each topic to its
    probability and `urgencies` are shares of low, medium and high.
    """

    crisis: float
    parts: list[float]
    spans: list[tuple[int, int]]
    emotions: list[float]
    plutchik: list[float]
    sentiment: float
    topics: dict[str, float]
    urgencies: list[float]


def sigmoid(x: Any) -> Any:
    """Return 1 / (1 + exp(-x)), safe for any size of x."""
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def softmax(x: Floats) -> Floats:
    """Return shares that sum to 1."""
    grown: Floats = np.exp(x - x.max())
    shares: Floats = grown / grown.sum()
    return shares


class _Word(msgspec.Struct, frozen=True):
    """A plain word with what it adds by itself: its own row, the sum of its runs' rows, how many runs it has."""

    number: int
    own: Floats
    runs: Floats
    count: int


class Light:
    """Weights and calibration; threads may share one, what it remembers of words is only ever right.

    Raises FileNotFoundError without the file and ValueError when it is not such a model.
    """

    def __init__(self, path: Path) -> None:
        try:
            with np.load(path, allow_pickle=False) as stored:
                self._weights: NDArray[np.int8] = stored["weights"]
                self._scales: Floats = stored["scales"]
                self._bias: Floats = stored["bias"]
                self.meta = msgspec.json.decode(str(stored["meta"]), type=Meta)
        except (zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:  # cut short, or parts of it lost
            raise ValueError(f"{path.name}: {error}") from error
        columns = 1 + len(EMOTIONS) + len(PLUTCHIK) + 1 + len(self.meta.topics) + len(URGENCIES)
        if self._weights.shape != (hashing.BUCKETS, columns) or self._weights.dtype != np.int8:
            raise ValueError(f"{path.name}: weights of shape {self._weights.shape}")
        self._words: dict[str, tuple[_Word, ...]] = {}
        self._plutchik = np.array(self.meta.plutchik or [(1.0, 0.0)] * len(PLUTCHIK), np.float32)
        self._topics = np.array(self.meta.topic, np.float32).reshape(-1, 2)

    @property
    def version(self) -> str:
        """Name the weights."""
        return self.meta.version

    def score(self, text: str) -> Scores:
        """Score a folded text, whole and by its segments; a text without words gets what nothing is known of."""
        spans = segments(text) or [(0, len(text))]
        rows = self.logits(text, spans)
        whole, parts = rows[0], rows[1:, 0]
        groups = _stretches(spans)
        if len(groups) == 1:
            crisis = self._together(float(whole[0]), parts)
        else:
            each = [(self.logits(text, spans[a:b])[0, 0], parts[a:b]) for a, b in groups]
            crisis = max(self._together(float(all_of), inside) for all_of, inside in each)
        slope, bias = self.meta.part
        first, second = 1 + len(EMOTIONS), 1 + len(EMOTIONS) + len(PLUTCHIK)
        topics = whole[second + 1 : second + 1 + len(self.meta.topics)] * self._topics[:, 0] + self._topics[:, 1]
        return Scores(
            crisis=crisis,
            parts=[float(p) for p in sigmoid(slope * parts + bias)],
            spans=spans,
            emotions=softmax(whole[1:first] * np.float32(self.meta.emotions)).tolist(),
            plutchik=sigmoid(whole[first:second] * self._plutchik[:, 0] + self._plutchik[:, 1]).tolist(),
            sentiment=float(np.clip(whole[second], -1.0, 1.0)),
            topics=dict(zip(self.meta.topics, sigmoid(topics).tolist(), strict=True)),
            urgencies=softmax(whole[-len(URGENCIES) :] * np.float32(self.meta.urgency)).tolist(),
        )

    def _together(self, whole: float, parts: Floats) -> float:
        """Return the logit of danger in one stretch from that of its words at once and those of its segments."""
        how = self.meta.crisis
        highest, count = float(parts.max()), float(np.log(len(parts)))
        return how.whole * whole + how.highest * highest + how.count * count + how.bias

    def logits(self, text: str, spans: list[tuple[int, int]]) -> Floats:
        """Return a row of raw scores for the whole text and one for each span."""
        words, sizes = list[_Word](), list[int]()
        for start, end in spans:
            before = len(words)
            for token in hashing.tokens(text, start, end):
                words += self._words.get(token) or self._learnt(token)
            sizes.append(len(words) - before)
        rows = np.tile(self._bias, (1 + len(spans), 1))
        if not words:
            return rows
        numbers = np.array([word.number for word in words], np.uint32)
        own = np.stack([word.own for word in words])
        inside = np.stack([word.runs for word in words])
        counts = np.array([word.count for word in words])
        near = self._weights[hashing.neighbours(numbers)] * self._scales
        far = self._weights[hashing.neighbours_but_one(numbers)] * self._scales
        self._add(rows[0], 0, len(words), (own, near, far, inside), counts)
        place = 0
        for row, size in zip(rows[1:], sizes, strict=True):
            self._add(row, place, place + size, (own, near, far, inside), counts)
            place += size
        return rows

    @staticmethod
    def _add(row: Floats, start: int, end: int, parts: tuple[Floats, ...], counts: NDArray[np.int64]) -> None:
        """Add to a row what words [start, end) weigh, block by block."""
        own, near, far, inside = parts
        blocks = ((own, end, end - start), (near, end - 1, end - start - 1), (far, end - 2, end - start - 2))
        for block, stop, size in (*blocks, (inside, end, int(counts[start:end].sum()))):
            if size > 0:
                row += block[start:stop].sum(0) / np.float32(size**0.5)

    def _learnt(self, token: str) -> tuple[_Word, ...]:
        found = tuple(self._word(word) for word in hashing.words_of(token))
        if len(self._words) >= _KNOWN:
            self._words.clear()
        self._words[token] = found
        return found

    def _word(self, word: str) -> _Word:
        number, runs = hashing.number(word), hashing.runs(word)
        own = self._weights[number % hashing.BUCKETS] * self._scales
        inside = self._weights[runs].sum(0, dtype=np.int32).astype(np.float32) * self._scales
        return _Word(number, own, inside, len(runs))


def _stretches(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return half-open ranges of segments that stand together, each at most STRETCH characters or one segment."""
    found = [(0, 1)]
    for index in range(1, len(spans)):
        first, _ = found[-1]
        if spans[index][1] - spans[first][0] > STRETCH:
            found.append((index, index + 1))
        else:
            found[-1] = (first, index + 1)
    return found


def feedback_of(scores: Scores, least: float = 0.5) -> Feedback:
    """Return what a piece of feedback is about and how soon somebody should look."""
    topics = sorted((name for name, p in scores.topics.items() if p >= least), key=lambda name: -scores.topics[name])
    low, medium, high = scores.urgencies
    score = 0.5 * medium + high
    urgency = URGENCIES[max(range(3), key=lambda i: (low, medium, high)[i])]
    return Feedback(tuple(topics), urgency, round(score, 4))
