"""Models made up for tests: weights drawn by chance, no encoder."""

from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from wellspring.language import hashing
from wellspring.language.light import NAME, Combination, Meta
from wellspring.language.model import Combined, Settings, Thresholds, Weights
from wellspring.language.schemas import EMOTIONS, PLUTCHIK

TOPICS = ("food", "waiting_time")
COLUMNS = 1 + len(EMOTIONS) + len(PLUTCHIK) + 1 + len(TOPICS) + 3
META = Meta(
    "t1",
    TOPICS,
    Combination(whole=0.4, highest=0.3, count=-0.2, bias=0.1),
    (1.1, -0.3),
    0.8,
    topic=((1.0, 0.0), (2.0, -0.5)),
    urgency=1.2,
    trained_on={"short d en": 7},
    figures={"crisis_auc": 0.5},
)


def write(path: Path, weights: NDArray[np.int8] | None = None, meta: Meta = META) -> Path:
    """Write a light model and return its path."""
    if weights is None:
        weights = np.random.default_rng(5).integers(-127, 128, (hashing.BUCKETS, COLUMNS)).astype(np.int8)
    scales = np.linspace(0.005, 0.02, weights.shape[1]).astype(np.float32)
    bias = np.linspace(-0.5, 0.5, weights.shape[1]).astype(np.float32)
    described = np.array(msgspec.json.encode(meta).decode())
    np.savez_compressed(path, weights=weights, scales=scales, bias=bias, meta=described)
    return path


def folder(path: Path) -> Path:
    """Write models that read by rules and the light model into a folder and return it."""
    path.mkdir(parents=True, exist_ok=True)
    write(path / NAME)
    part = Combined(Weights(-1.0, (1.0, 1.0, 2.0), -1.0, 0.5), Thresholds(0.6, 0.8, 0.03, 0.01))
    (path / "combine.json").write_bytes(msgspec.json.encode(Settings("t2", part, part, 1.0, {"en": 0.5}, 1.0, 0.0)))
    return path
