# pyright: basic, reportMissingImports=false
"""The light model's features as sparse matrices (needs scipy)."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import sparse

from wellspring.language import hashing

_words_of = lru_cache(maxsize=200_000)(hashing.words_of)


def words(text: str) -> list[str]:
    """Return the plain words of a folded text."""
    return [word for token in hashing.tokens(text) for word in _words_of(token)]


def matrix(texts: Sequence[str]) -> Any:
    """Return folded texts as rows [texts, buckets], weighed as `Light` weighs them."""
    ends, columns, values = [0], [], []
    for text in texts:
        for block in hashing.blocks(words(text)):
            columns.append(block)
            values.append(np.full(len(block), max(1, len(block)) ** -0.5, np.float32))
        ends.append(len(columns))
    sizes = np.concatenate([[0], np.cumsum([len(block) for block in columns], dtype=int)])
    indices = np.concatenate([*columns, np.zeros(0, np.uint32)]).astype(np.int32)
    data = np.concatenate([*values, np.zeros(0, np.float32)])
    found = sparse.csr_matrix((data, indices, sizes[ends]), shape=(len(texts), hashing.BUCKETS))
    found.sum_duplicates()
    return found
