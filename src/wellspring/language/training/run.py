"""The whole training: what is drawn in each epoch, the encoder, its export, and how all parts are combined."""

import math
import random
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Final

import msgspec

from wellspring.language.corpus import Text
from wellspring.language.encoder import Encoder, Scores
from wellspring.language.fold import fold
from wellspring.language.light import Light
from wellspring.language.model import FITTED, Seen, Settings, parts_of, sha256, uncounted
from wellspring.language.reader import read
from wellspring.language.repeats import fewer
from wellspring.language.schemas import EMOTIONS
from wellspring.language.training import calibrate, taught
from wellspring.language.training.examples import Example, Said, another_of, authored, licensed
from wellspring.language.training.within import lines_within

HELD: Final = 12
"""Of a hundred voices, those that no model learns from: on them the parts are combined and thresholds chosen."""
MODERATE: Final = 0.065
HIGH: Final = 0.01
ORDINARY: Final = 0.0013
ANOTHER: Final = 0.015
"""Of our texts about nobody else in danger, how many a model may take for one; of ordinary ones of others, ORDINARY."""
_ENOUGH: Final = 50  # texts of a language with a known emotion, to say how much each model counts in it
EPOCHS: Final = 3
_DRAWN: Final = {"goemotions": 15_000, "xed_en": 2_500, "xed_fr": 1_500, "brighter_eng": 1_200}
_LABELLED: Final = {"goemotions": 6_000, "xed_en": 1_200, "brighter_eng": 600}
_BESIDE: Final = 3_000
_WITHIN: Final = 4_000
_TURNED: Final = 0.3  # what a side of a contrast pair counts beside other texts: life holds few that mislead so
_HELD_WITHIN, _MADE = 600, 0.3  # lines within days that the combination is fitted to as well, and what each counts
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


def ordinary(path: Path | None) -> tuple[dict[str, list[Example]], list[Example]]:
    """Return the emotion data to learn from, by source, and 5 % of its English texts that are kept aside.

    Without a file there are none.
    """
    kept: dict[str, list[Example]] = {}
    aside: list[Example] = []
    if path is None:
        return kept, aside
    for example in licensed(path):
        if zlib.crc32(example.text.encode()) % 100 < 95:
            kept.setdefault(example.source, []).append(example)
        elif example.lang == "en":
            aside.append(example)
    return kept, aside


def draws(
    texts: Sequence[Text], emotion_data: Path, said: Mapping[str, Said] | None = None
) -> list[Callable[[random.Random], list[Example]]]:
    """Return the epochs: all that we wrote, and other lines within days and another part of the emotion data each time.

    With a teacher, half of that part is of what it has read, and what only it has read comes in too.
    """
    own = list(authored(learned(texts)))
    feelings = [e for e in own if e.source == "emotion"]
    kept, _ = ordinary(emotion_data)
    read_by = {source: [e for e in examples if e.text in said] for source, examples in kept.items()} if said else {}
    known = {e.text for part in (authored(texts), *kept.values()) for e in part}  # of held voices too: never learned
    only = [Example(text, "taught") for text in said or {} if text not in known]

    def draw(chance: random.Random) -> list[Example]:
        drawn = [*only]
        for source, count in _DRAWN.items():
            first = _some(chance, read_by.get(source, []), count // 2)
            drawn += [*first, *_some(chance, kept.get(source, []), count - len(first))]
        return [*own, *feelings, *drawn, *lines_within(own, _WITHIN, chance)]

    return [draw] * EPOCHS


def _some(chance: random.Random, examples: list[Example], count: int) -> list[Example]:
    return chance.sample(examples, min(count, len(examples)))


class Felt(msgspec.Struct):
    """Texts of one language with a known emotion: the encoder's logits, the light model's shares, the truth."""

    logits: list[list[float]] = []
    light: list[Sequence[float]] = []
    truth: list[int] = []
    weights: list[float] = []

    def add(self, logits: list[float], light: Sequence[float], truth: int, weight: float) -> None:
        """Add one text."""
        self.logits.append(logits)
        self.light.append(light)
        self.truth.append(truth)
        self.weights.append(weight)


def seen(text: str, light: Light, encoder: Encoder) -> tuple[Seen, Scores, Sequence[float]]:
    """Return what the parts say of a text, what the encoder says in all, and the light model's emotions."""
    reading = read(text)
    folded = fewer(fold(text)).text
    lit = light.score(folded)
    scores = encoder.score(folded)
    gravest = max([scores.whole, *scores.parts])
    found = Seen(reading.tier, uncounted(reading), lit.crisis, scores.whole, gravest, parts_of([lit]))
    return found, scores, lit.emotions


def _one_feeling(example: Example) -> bool:
    """Whether readers of many (GoEmotions: one short text, all labels) named exactly one of the twelve."""
    return example.source == "goemotions" and example.emotions is not None and 1.0 in example.emotions


def combine(
    texts: Sequence[Text], emotion_data: Path | None, folder: Path, version: str, tell: Tell = print
) -> Settings:
    """Fit `combine.json` in a folder that holds `light.npz` and the encoder, with its tokenizer."""
    light, encoder = Light(folder / "light.npz"), Encoder(folder)
    cases: list[calibrate.Case] = []
    felt: dict[str, Felt] = {}
    nobody: list[float] = []
    for text in withheld(texts):
        found, scores, lightly = seen(text.text, light, encoder)
        if text.kind == "emotion" and text.emotion:
            felt.setdefault(text.lang, Felt()).add(scores.emotions, lightly, EMOTIONS.index(text.emotion), 1.0)
        elif text.label:
            weight = _TURNED if text.kind == "pair" else 1.0
            cases.append(calibrate.Case(found, danger=text.label == "d", ordinary=False, weight=weight))
            nobody += [scores.another] if scores.another is not None and another_of(text) == 0 else []
    _, aside = ordinary(emotion_data)
    quiet = [example for example in aside if not read(example.text).hits]
    weight = 0.25 * len(cases) / max(len(quiet), 1)
    english = felt.setdefault("en", Felt())
    felt_by_others = max(len(english.truth), 1) / max(sum(_one_feeling(example) for example in quiet), 1)
    strangers: list[float] = []
    for example in quiet:
        found, scores, lightly = seen(example.text, light, encoder)
        cases.append(calibrate.Case(found, danger=False, ordinary=True, weight=weight))
        strangers += [] if scores.another is None else [scores.another]
        if example.emotions and _one_feeling(example):  # as much as ours together
            english.add(scores.emotions, lightly, example.emotions.index(1.0), felt_by_others)
    chance = random.Random(11)  # noqa: S311  no secret depends on it
    for example in lines_within([*authored(withheld(texts))], _HELD_WITHIN, chance):
        found, *_ = seen(example.text, light, encoder)
        cases.append(calibrate.Case(found, danger=example.crisis == 1, ordinary=False, weight=_MADE, made=True))
    tell(f"combining on {len(cases)} texts, {sum(len(one.truth) for one in felt.values())} for emotions")
    scale = calibrate.temperature(english.logits, english.truth, english.weights) if english.truth else 1.0
    shares = {"moderate": MODERATE, "high": HIGH, "ordinary": ORDINARY}
    settings = Settings(
        version=version,
        full=calibrate.combined(cases, full=True, **shares),
        light=calibrate.combined(cases, full=False, **shares),
        emotion_temperature=scale,
        emotion_shares={
            lang: calibrate.share(one.logits, one.light, one.truth, scale, one.weights)
            for lang, one in felt.items()
            if len(one.truth) >= _ENOUGH
        },
        part_scale=1.0,
        part_bias=-0.5,
        another=calibrate.least({ANOTHER: nobody, ORDINARY: strangers}),
        files={name: sha256(folder / name) for name in FITTED},
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
    keep: Path,
    start: Path | None = None,
    limit_s: float = math.inf,
    said: Mapping[str, Said] | None = None,
) -> None:
    """Train and export the encoder into `out` (`encoder.onnx`, `tokenizer.json`). Needs the training extra.

    Its weights are kept in the folder `keep`. `start` is such a folder of an earlier run, or one of models, to go on
    from: the weights become the mean of its and the new ones. The schedule ends after `limit_s` seconds. `said` is what
    a teacher says of texts.
    """
    from wellspring.language.training import encoder, export  # noqa: PLC0415  torch comes with the extra only

    net = encoder.fit(body, draws(texts, emotion_data, said), tell=tell, start=start, limit_s=limit_s, said=said)
    if start is not None:
        encoder.meet(net, start)
    tell("emotions: the head alone, on all that is known of them")
    encoder.settle_emotions(net, body, [*authored(learned(texts)), *chain(*ordinary(emotion_data)[0].values())])
    encoder.save(net, keep)
    export.encoder(net, body, out)


def teach(
    texts: Sequence[Text],
    emotion_data: Path,
    body: Path,
    out: Path,
    tell: Tell = print,
    *,
    limit_s: float = math.inf,
    start: Path | None = None,
    keep: Path | None = None,
) -> int:
    """Fine-tune a larger English body and write what it says to the file `out`; return of how many texts.

    Its weights are kept in the folder `keep`, and with `start` it goes on from such a folder.
    """
    from wellspring.language.training import encoder, teacher  # noqa: PLC0415  torch comes with the extra only

    english = [text for text in texts if text.lang == "en"]
    net = encoder.fit(
        body,
        draws(english, emotion_data),
        rate=teacher.RATE,
        frozen=teacher.FROZEN,
        tell=tell,
        limit_s=limit_s,
        start=start,
    )
    if keep is not None:
        encoder.save(net, keep)
    chance = random.Random(11)  # noqa: S311  no secret depends on it
    own = list(authored(learned(english)))
    kept, _ = ordinary(emotion_data)
    others = [e for source, count in _LABELLED.items() for e in _some(chance, kept.get(source, []), count)]
    return taught.write(out, teacher.say(net, body, [*own, *others, *taught.beside(own, others, _BESIDE, chance)]))
