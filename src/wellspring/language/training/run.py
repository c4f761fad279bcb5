"""The whole training: what is drawn in each epoch, the encoder, its export, and how all parts are combined."""

import math
import random
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from wellspring.language.corpus import Text
from wellspring.language.encoder import Encoder
from wellspring.language.fold import fold
from wellspring.language.light import Light
from wellspring.language.model import Seen, Settings, uncounted
from wellspring.language.reader import read
from wellspring.language.schemas import EMOTIONS
from wellspring.language.training import calibrate
from wellspring.language.training.examples import Example, authored, licensed

HELD: Final = 12
"""Of a hundred voices, those that no model learns from: on them the parts are combined and thresholds chosen."""
MODERATE: Final = 0.05
HIGH: Final = 0.01
ORDINARY: Final = 0.002
_ENOUGH: Final = 50  # texts of a language with a known emotion, to say how much each model counts in it
EPOCHS: Final = 3
_DRAWN: Final = {"goemotions": 8_000, "xed_en": 2_500, "xed_fr": 1_500, "brighter_eng": 1_200}
Tell = Callable[[str], None]


def held(group: str) -> bool:
    """Whether this voice is kept from training. A voice keeps its side for ever."""
    return zlib.crc32(group.encode()) % 100 < HELD


def learned(texts: Iterable[Text]) -> list[Text]:
    """Return the texts that models learn from."""
    return [text for text in texts if text.kind != "feedback" and not held(text.group)]


def withheld(texts: Iterable[Text]) -> list[Text]:
    """Return the texts for combining and choosing thresholds."""
    return [text for text in texts if text.kind != "feedback" and held(text.group)]


def ordinary(path: Path | None) -> tuple[dict[str, list[Example]], list[str]]:
    """Return the emotion data to learn from, by source, and 5 % of its English texts that are kept aside.

    Without a file there are none.
    """
    kept: dict[str, list[Example]] = {}
    aside: list[str] = []
    if path is None:
        return kept, aside
    for example in licensed(path):
        if zlib.crc32(example.text.encode()) % 100 < 95:
            kept.setdefault(example.source, []).append(example)
        elif example.lang == "en":
            aside.append(example.text)
    return kept, aside


def draws(texts: Sequence[Text], emotion_data: Path) -> list[Callable[[random.Random], list[Example]]]:
    """Return the epochs: all that we wrote, and another part of the emotion data each time."""
    own = list(authored(learned(texts)))
    feelings = [e for e in own if e.source == "emotion"]
    kept, _ = ordinary(emotion_data)

    def draw(chance: random.Random) -> list[Example]:
        drawn = [e for source, count in _DRAWN.items() for e in _some(chance, kept.get(source, []), count)]
        return [*own, *feelings, *drawn]

    return [draw] * EPOCHS


def _some(chance: random.Random, examples: list[Example], count: int) -> list[Example]:
    return chance.sample(examples, min(count, len(examples)))


class Felt(msgspec.Struct):
    """Texts of one language with a known emotion: the encoder's logits, the light model's shares, the truth."""

    logits: list[list[float]] = []
    light: list[Sequence[float]] = []
    truth: list[int] = []


def seen(text: str, light: Light, encoder: Encoder) -> tuple[Seen, list[float], Sequence[float]]:
    """Return what the parts say of a text, the encoder's emotion logits, and the light model's emotions."""
    reading = read(text)
    folded = fold(text).text
    lit = light.score(folded)
    scores = encoder.score(folded)
    gravest = max([scores.whole, *scores.parts])
    return Seen(reading.tier, uncounted(reading), lit.crisis, scores.whole, gravest), scores.emotions, lit.emotions


def combine(
    texts: Sequence[Text], emotion_data: Path | None, folder: Path, version: str, tell: Tell = print
) -> Settings:
    """Fit `combine.json` in a folder that holds `light.npz` and the encoder."""
    light, encoder = Light(folder / "light.npz"), Encoder(folder)
    cases: list[calibrate.Case] = []
    felt: dict[str, Felt] = {}
    for text in withheld(texts):
        found, emotions, lightly = seen(text.text, light, encoder)
        if text.kind == "emotion" and text.emotion:
            here = felt.setdefault(text.lang, Felt())
            here.logits.append(emotions)
            here.light.append(lightly)
            here.truth.append(EMOTIONS.index(text.emotion))
        elif text.label:
            cases.append(calibrate.Case(found, danger=text.label == "d", ordinary=False))
    _, aside = ordinary(emotion_data)
    quiet = [text for text in aside if not read(text).hits]
    weight = 0.25 * len(cases) / max(len(quiet), 1)
    cases += [
        calibrate.Case(seen(text, light, encoder)[0], danger=False, ordinary=True, weight=weight) for text in quiet
    ]
    tell(f"combining on {len(cases)} texts, {sum(len(one.truth) for one in felt.values())} for emotions")
    english = felt.get("en", Felt())
    scale = calibrate.temperature(english.logits, english.truth) if english.truth else 1.0
    shares = {"moderate": MODERATE, "high": HIGH, "ordinary": ORDINARY}
    settings = Settings(
        version=version,
        full=calibrate.combined(cases, full=True, **shares),
        light=calibrate.combined(cases, full=False, **shares),
        emotion_temperature=scale,
        emotion_shares={
            lang: calibrate.share(one.logits, one.light, one.truth, scale)
            for lang, one in felt.items()
            if len(one.truth) >= _ENOUGH
        },
        part_scale=1.0,
        part_bias=-0.5,
    )
    calibrate.write(settings, folder)
    tell(msgspec.json.encode(settings.full).decode())
    return settings


def train_encoder(
    texts: Sequence[Text],
    emotion_data: Path,
    body: Path,
    out: Path,
    tell: Tell = print,
    *,
    start: Path | None = None,
    limit_s: float = math.inf,
) -> None:
    """Train and export the encoder into `out` (`encoder.onnx`, `tokenizer.json`). Needs the training extra.

    `start` is the checkpoint folder of an earlier run to go on from; the schedule ends after `limit_s` seconds.
    """
    from wellspring.language.training import encoder, export  # noqa: PLC0415  torch comes with the extra only

    net = encoder.fit(body, draws(texts, emotion_data), tell=tell, start=start, limit_s=limit_s)
    encoder.save(net, out / "checkpoint")
    export.encoder(net, body, out)
