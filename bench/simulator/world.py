"""The world: 50 interventions in 6 categories, moments of 20 features, 200 people, noisy ratings, most of them missing.

What helps is a mean for each intervention and category, what each adds for each feature, and how much people differ:
altogether, in a category, in one intervention. The spreads and the noise were chosen so that the algorithms which the
program does not use come out near the figures of an earlier, independent simulation (see `bench/README.md`).
"""

from datetime import date
from typing import Final
from uuid import UUID, uuid5

import numpy as np
from numpy.random import default_rng

from wellspring.interventions.learning import features
from wellspring.interventions.learning.features import Floats
from wellspring.interventions.library import NAMESPACE, Facts, Intervention, Text
from wellspring.interventions.moment import Context
from wellspring.interventions.vocabulary import APPROACHES, EMOTIONS, PLACES, TIMES_OF_DAY

INTERVENTIONS: Final = 50
PEOPLE: Final = 200
ROUNDS: Final = 100
OFFERS: Final = 3
RATED: Final = 0.4
NOISE: Final = 0.12

ARM, CATEGORY = 0.038, 0.035
ARM_FEELING, CATEGORY_FEELING = 0.035, 0.035
ARM_OTHER, CATEGORY_OTHER = 0.022, 0.022
PERSON, PERSON_CATEGORY, PERSON_ARM = 0.056, 0.042, 0.049
ADHD, AUTISM = 0.25, 0.12


def _fact() -> Facts:
    """Facts that filter nothing and tell nothing: in this world only ratings do."""
    return Facts(
        version=1,
        reviewed=date(2026, 1, 1),
        sub_category="simulated",
        duration_seconds=60,
        effort_level="minimal",
        energy_required="minimal",
        target_emotions=("neutral",),
        sensory_intensity="low",
        requires_verbal=False,
        requires_movement=False,
        adhd_friendly=True,
        asd_friendly=True,
        contraindications=(),
        age_appropriate=("under-13", "13-17", "18+"),
        places=("anywhere",),
        crisis_safe=False,
        is_active=True,
        is_premium=False,
        media_type="text",
        evidence_source="simulated, not a study",
        evidence_strength="moderate",
    )


def library() -> list[Intervention]:
    """Return the simulated interventions, sorted by category as a shelf sorts them."""
    text = Text("Simulated", "A simulated intervention.", ("one step", "two steps", "three steps"))
    made = [
        Intervention(
            id=uuid5(NAMESPACE, f"simulated-{n}"),
            slug=f"simulated-{n}",
            therapeutic_approach=APPROACHES[n % len(APPROACHES)],
            facts=_fact(),
            places=PLACES,
            anywhere=True,
            texts={"en": text},
        )
        for n in range(INTERVENTIONS)
    ]
    return sorted(made, key=lambda item: APPROACHES.index(item.therapeutic_approach))


def person_id(person: int) -> UUID:
    """Return the id of a simulated person."""
    return UUID(int=person + 1)


class World:
    """Who feels what and when, and how good each intervention would be for them."""

    def __init__(self, seed: int) -> None:
        r = default_rng(seed)
        self.groups = np.array([APPROACHES.index(item.therapeutic_approach) for item in library()])
        size, kinds = (INTERVENTIONS, features.WIDTH), (len(APPROACHES), features.WIDTH)
        weights = (r.normal(size=kinds) * _spreads(CATEGORY, CATEGORY_FEELING, CATEGORY_OTHER))[self.groups]
        self._weights = weights + r.normal(size=size) * _spreads(ARM, ARM_FEELING, ARM_OTHER)
        self._personal = (
            r.normal(size=(PEOPLE, 1)) * PERSON
            + (r.normal(size=(PEOPLE, len(APPROACHES))) * PERSON_CATEGORY)[:, self.groups]
            + r.normal(size=(PEOPLE, INTERVENTIONS)) * PERSON_ARM
        )
        self._adhd, self._autism = r.random(PEOPLE) < ADHD, r.random(PEOPLE) < AUTISM
        self._ratings: list[list[float]] = [[] for _ in range(PEOPLE)]
        self._moments, self._answers = r.spawn(2)

    def moment(self, person: int) -> tuple[Context, Floats]:
        """Return a moment of somebody, as the program gets it and as 21 numbers (a one, then the 20 features)."""
        r = self._moments
        context = Context(
            mood=5,
            emotions={EMOTIONS[r.integers(len(EMOTIONS))]: 3},
            energy=int(r.integers(1, 11)),
            time_of_day=TIMES_OF_DAY[r.integers(len(TIMES_OF_DAY))],
            adhd=bool(self._adhd[person]),
            autism=bool(self._autism[person]),
            age="18+",
        )
        lately = self._ratings[person][-5:]
        x = features.vector(
            dict.fromkeys(context.emotions, 1.0),
            context.energy,
            context.time_of_day,
            float(np.mean(lately)) if lately else None,
            adhd=context.adhd,
            autism=context.autism,
        )
        return context, x

    def good(self, person: int, x: Floats) -> Floats:
        """Return how good each intervention would be (0..1), shape (INTERVENTIONS,)."""
        return np.clip(0.5 + self._weights @ x + self._personal[person], 0, 1)

    def answers(self) -> bool:
        """Tell whether an offer gets a rating."""
        return bool(self._answers.random() < RATED)

    def rate(self, person: int, good: float) -> int:
        """Return somebody's stars for something as good as this."""
        stars = int(np.clip(round(1 + 4 * (good + self._answers.normal() * NOISE)), 1, 5))
        self._ratings[person].append((stars - 1) / 4)
        return stars


def _spreads(constant: float, feeling: float, other: float) -> Floats:
    found = np.full(features.WIDTH, other)
    found[features.ONE], found[features.FEELINGS] = constant, feeling
    return found
