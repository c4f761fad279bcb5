# pyright: basic, reportMissingImports=false
"""Train the light model and write it as one `.npz`: int8 weights, scales, biases and a description."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from wellspring.language.corpus import Text
from wellspring.language.light import NAME, Meta
from wellspring.language.training.crisis import crisis_head
from wellspring.language.training.examples import Example, authored
from wellspring.language.training.feedback import feedback_heads
from wellspring.language.training.heads import Tell, feeling_heads


def quantised(weights: Any) -> tuple[Any, Any]:
    """Return int8 weights and the scale of each column; a column's largest weight becomes 127."""
    scales = np.maximum(np.abs(weights).max(0), 1e-9) / 127
    return np.round(weights / scales).astype(np.int8), scales.astype(np.float32)


def train(texts: Sequence[Text], shared: Sequence[Example], out: Path, tell: Tell) -> Meta:
    """Fit every head and write `light.npz` into folder `out`; returns what the file says of itself.

    `texts` are the corpus without what is sealed or withheld, `shared` the examples of the licensed emotion data.
    """
    known = [*shared, *authored(text for text in texts if text.kind == "emotion")]
    crisis = crisis_head(texts, shared, tell)
    emotions, eight, tone = feeling_heads(known, tell)
    tell("feedback")
    names, topics, urgency = feedback_heads(texts)
    weights = np.column_stack(
        [crisis.weights, emotions.weights, eight.weights, tone.weights, topics.weights, urgency.weights]
    )
    bias = np.concatenate([[crisis.bias], emotions.bias, eight.bias, tone.bias, topics.bias, urgency.bias])
    small, scales = quantised(weights)
    figures = [crisis.figures, emotions.figures, topics.figures, urgency.figures]
    meta = Meta(
        version=hashlib.sha256(small.tobytes() + scales.tobytes() + bias.tobytes()).hexdigest()[:8],
        topics=names,
        crisis=crisis.combination,
        part=crisis.part,
        emotions=emotions.scale[0][0],
        plutchik=tuple(eight.scale),
        topic=tuple(topics.scale),
        urgency=urgency.scale[0][0],
        trained_on=dict(sorted(Counter(_described(text) for text in texts).items())) | _counted(shared),
        figures={name: round(value, 4) for found in figures for name, value in found.items()},
    )
    out.mkdir(parents=True, exist_ok=True)
    described = np.array(msgspec.json.encode(meta).decode())
    np.savez_compressed(out / NAME, weights=small, scales=scales, bias=bias.astype(np.float32), meta=described)
    return meta


def _described(text: Text) -> str:
    label = f" {text.label}" if text.label else ""
    return f"{'own ' if text.of_people else ''}{text.kind}{label} {text.lang}"


def _counted(shared: Sequence[Example]) -> dict[str, int]:
    return dict(sorted(Counter(example.source for example in shared).items()))
