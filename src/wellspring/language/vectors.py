"""Vectors of texts for finding memories again: the untouched MiniLM, so that training never moves what is stored."""

from pathlib import Path
from typing import Any, Final

import numpy as np

from wellspring.language.encoder import FIRST, LAST, Floats, open_session, open_tokenizer

TAG: Final = "all-MiniLM-L6-v2-int8"
"""Stored with every vector; vectors of different tags are never compared."""
WIDTH: Final = 384
WINDOW: Final = 254
"""Tokens of one pass; part of what the tag stands for, so it stays whatever the encoder reads at once."""


class Vectors:
    """A session over `memory.onnx`. English only. Raises FileNotFoundError when it is not there."""

    def __init__(self, folder: Path) -> None:
        self._session: Any = open_session(folder / "memory.onnx")
        self._tokenizer: Any = open_tokenizer(folder / "tokenizer.json")

    def embed(self, text: str) -> Floats:
        """Return a vector of 384 numbers and length 1: the mean over windows of a long text; zeros for an empty one."""
        ids = self._tokenizer.encode(text, add_special_tokens=False).ids
        total = np.zeros(WIDTH, np.float32)
        for start in range(0, len(ids), WINDOW):
            part = ids[start : start + WINDOW]
            tokens = np.array([[FIRST, *part, LAST]], np.int64)
            feed = {"input_ids": tokens, "attention_mask": np.ones_like(tokens)}
            total += len(part) * self._session.run(None, feed)[0][0]
        length = float(np.linalg.norm(total))
        return total / np.float32(length) if length else total
