"""The fine-tuned encoder at run time: onnxruntime and a tokenizer, one thread, no torch, no pickle."""

import math
from bisect import bisect_right
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from wellspring.language.segments import segments

WINDOW: Final = 510
"""Tokens of one forward pass, without the two at its ends: all that the body has places for. What a long text says in
one place changes what it means in another; in stretches of 450 characters it was read much worse (on held voices)."""
TOKENS: Final = 6_000
"""Tokens of one text at most: more than 20,000 characters of English or French hold. Of longer texts, and of scripts
that take a token for each character, both ends are read."""
_WITHOUT_OTHERS: Final = 4  # results of a graph that does not say whether somebody else is in danger
FIRST, LAST = 101, 102  # the tokens that open and close a pass

Floats = NDArray[np.float32]
_Window = list[tuple[int, int]]  # segments of one pass, as ranges of tokens


class Scores(msgspec.Struct, frozen=True):
    """What the encoder says of one folded text, before calibration.

    `whole` and `parts` are logits of danger, `spans` the half-open ranges that `parts` belong to. `emotions` (12) and
    `plutchik` (8) are logits, `sentiment` runs from -1 to 1; all three are means over the windows by their length.
    `others` are logits that somebody else is in danger, of each of `spans`, and `another` is that of the gravest whole
    window; None and empty of models that do not say.
    """

    whole: float
    parts: list[float]
    spans: list[tuple[int, int]]
    emotions: list[float]
    plutchik: list[float]
    sentiment: float
    another: float | None = None
    others: list[float] = []


def open_session(path: Path) -> Any:
    """Open a graph with one thread and without an arena that never shrinks. Raises FileNotFoundError."""
    if not path.is_file():
        raise FileNotFoundError(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def open_tokenizer(path: Path) -> Any:
    """Open a tokenizer that neither cuts nor pads. Raises FileNotFoundError."""
    if not path.is_file():
        raise FileNotFoundError(path)
    tokenizer: Any = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


class Encoder:
    """A session over `encoder.onnx` and its `tokenizer.json`. Raises OSError when they are not there."""

    def __init__(self, folder: Path) -> None:
        self._session: Any = open_session(folder / "encoder.onnx")
        self._tokenizer: Any = open_tokenizer(folder / "tokenizer.json")

    def score(self, text: str) -> Scores:
        """Score a folded text, whole and by its segments. An empty text has no parts and logits of 0."""
        coded = self._tokenizer.encode(text, add_special_tokens=False)
        ids, offsets = coded.ids, coded.offsets
        windows = _within(_windows([end for _, end in segments(text)], offsets))
        spans: list[tuple[int, int]] = []
        wholes, parts, tones, sizes = [], list[float](), list[Floats](), list[int]()
        another, others = list[float](), list[float]()
        for groups in windows:
            first, last = groups[0][0], groups[-1][1]
            out = self._run(ids[first:last], [(a - first, b - first) for a, b in groups])
            wholes.append(float(out[0][0]))
            parts += _of_parts(out[0])
            spans += [(offsets[a][0], offsets[b - 1][1]) for a, b in groups]
            tones.append(np.concatenate([out[1][0], out[2][0], out[3][:1]]))
            sizes.append(last - first)
            if len(out) > _WITHOUT_OTHERS:
                another.append(float(out[_WITHOUT_OTHERS][0]))
                others += _of_parts(out[_WITHOUT_OTHERS])
        if not tones:
            return Scores(0.0, [], [], [0.0] * 12, [0.0] * 8, 0.0)
        mean = np.average(np.stack(tones), axis=0, weights=sizes)
        values = [float(value) for value in mean]
        return Scores(
            max(wholes), parts, spans, values[:12], values[12:20], values[20], max(another, default=None), others
        )

    def _run(self, ids: list[int], groups: list[tuple[int, int]]) -> list[Floats]:
        """One pass: row 0 pools everything, the others a segment each (none when there is only one)."""
        size = len(ids) + 2
        tokens = np.empty((1, size), np.int64)
        tokens[0, 0], tokens[0, 1:-1], tokens[0, -1] = FIRST, ids, LAST
        rows = groups if len(groups) > 1 else []
        pool = np.zeros((1 + len(rows), size), np.float32)
        pool[0] = 1 / size
        for row, (start, end) in enumerate(rows, 1):
            pool[row, start + 1 : end + 1] = 1 / (end - start)
        feed = {"input_ids": tokens, "attention_mask": np.ones((1, size), np.int64), "pool": pool}
        found: list[Floats] = self._session.run(None, feed)
        return found


def _of_parts(rows: Floats) -> list[float]:
    """Return the values of the parts of a pass; of a single part, that of the whole."""
    return [float(value) for value in rows[1:]] or [float(rows[0])]


def _windows(ends: list[int], offsets: list[tuple[int, int]]) -> list[_Window]:
    """Group segments, as token ranges, into as few passes of at most WINDOW tokens as it takes, of like length."""
    even = len(offsets) / max(1, math.ceil(len(offsets) / WINDOW))
    groups: list[tuple[int, int]] = []
    start = token = 0
    for end in ends:
        while token < len(offsets) and offsets[token][1] <= end:
            token += 1
        while start < token:
            stop = min(token, start + WINDOW)
            groups.append((start, stop))
            start = stop
    if start < len(offsets):
        groups.append((start, min(len(offsets), start + WINDOW)))
    windows: list[_Window] = []
    for group in groups:
        first = windows[-1][0][0] if windows else 0
        if not windows or group[1] - first > WINDOW or group[0] - first >= even:
            windows.append([])
        windows[-1].append(group)
    return windows


def _within(windows: list[_Window]) -> list[_Window]:
    """Return all passes, or of too many those at both ends."""
    if sum(map(_size, windows)) <= TOKENS:
        return windows
    return [*_leading(windows), *reversed(_leading(windows[::-1]))]


def _leading(windows: list[_Window]) -> list[_Window]:
    return windows[: bisect_right(list(accumulate(map(_size, windows))), TOKENS // 2)]


def _size(window: _Window) -> int:
    return window[-1][1] - window[0][0]
