"""`python -m bench.simulator [--seeds N] [--json FILE]`: regret of each algorithm, and what a decision costs."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from time import thread_time
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.random import Generator, default_rng

from bench.simulator.others import Algorithm, BetaSampling, Firefly, Linear, Random
from bench.simulator.ours import Ours
from bench.simulator.world import OFFERS, PEOPLE, ROUNDS, World
from wellspring.interventions.choose import CURIOSITY
from wellspring.interventions.learning.features import Numbers
from wellspring.interventions.learning.sampling import first_k

Make = Callable[[Numbers, Generator], Algorithm]
OURS: Final = "ours"
BAR: Final = 0.30

ALGORITHMS: Final[dict[str, Make]] = {
    "random": Random,
    "source design, a state for each person": lambda groups, rng: Firefly(groups, rng, shared=False),
    "source design, one shared state": lambda groups, rng: Firefly(groups, rng, shared=True),
    "Beta sampling, for each person": lambda groups, rng: BetaSampling(groups, rng, shared=False),
    "Beta sampling, shared": lambda groups, rng: BetaSampling(groups, rng, shared=True),
    "LinUCB, pooled": lambda groups, rng: Linear(groups, rng, bound=1.0),
    "linear sampling, pooled": lambda groups, rng: Linear(groups, rng, curiosity=0.1),
    "ours without personal effects": lambda _, rng: Ours(rng, personal=False),
    "ours, curiosity 1 (textbook)": lambda _, rng: Ours(rng, curiosity=1.0),
    OURS: lambda _, rng: Ours(rng),
}


class Ran(Struct):
    """What one algorithm got in one world: how good its offers were in all, and what it took (CPU time, medians)."""

    good: float
    decide_us: float
    learn_us: float
    bytes_a_person: int


def play(make: Make, seed: int) -> Ran:
    """Play one world with one algorithm. The world's people and moments do not depend on the algorithm."""
    world = World(seed)
    algorithm = make(world.groups, default_rng(seed + 1_000_000))
    good, decide, learn = 0.0, list[float](), list[float]()
    for _ in range(ROUNDS):
        for person in range(PEOPLE):
            context, x = world.moment(person)
            values = world.good(person, x)
            start = thread_time()
            picks = algorithm.pick(person, context, x)
            decide.append(thread_time() - start)
            good += float(values[picks].sum())
            for arm in picks:
                if world.answers():
                    stars = world.rate(person, float(values[arm]))
                    start = thread_time()
                    algorithm.learn(person, arm, x, stars)
                    learn.append(thread_time() - start)
        algorithm.night()
    kept = algorithm.bytes_a_person() if isinstance(algorithm, Ours) else 0
    return Ran(good, 1e6 * float(np.median(decide)), 1e6 * float(np.median(learn)), kept)


def best(seed: int) -> float:
    """Return how good the offers of somebody are who knows how good everything is."""
    world, good = World(seed), 0.0
    for _ in range(ROUNDS):
        for person in range(PEOPLE):
            _, x = world.moment(person)
            values = world.good(person, x)
            good += float(values[first_k(values, world.groups, OFFERS)].sum())
    return good


def compare(seeds: int) -> dict[str, dict[str, float | list[float]]]:
    """Return the mean regret of each algorithm (oracle 0, random 1), world by world, and its costs."""
    regrets: dict[str, list[float]] = {name: [] for name in ALGORITHMS}
    costs: dict[str, list[Ran]] = {name: [] for name in ALGORITHMS}
    for seed in range(1, seeds + 1):
        oracle, chance = best(seed), play(Random, seed).good
        for name, make in ALGORITHMS.items():
            ran = play(make, seed)
            regrets[name].append((oracle - ran.good) / (oracle - chance))
            costs[name].append(ran)
            print(f"world {seed}  {name:40s} {regrets[name][-1]:.3f}", flush=True)
    return {
        name: {
            "regret": round(float(np.mean(regrets[name])), 3),
            "regrets": [round(one, 3) for one in regrets[name]],
            "decide_us": round(min(ran.decide_us for ran in costs[name]), 1),
            "learn_us": round(min(ran.learn_us for ran in costs[name]), 1),
            "bytes_a_person": max(ran.bytes_a_person for ran in costs[name]),
        }
        for name in ALGORITHMS
    }


def main() -> None:
    """Play the worlds and print the table; ends with 1 when ours is above its bar."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=1, help="worlds to play")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = compare(options.seeds)
    print(f"\n{'algorithm':40s} regret  µs to decide / learn  bytes a person   (curiosity {CURIOSITY})")
    for name, row in found.items():
        kept = row["bytes_a_person"] or ""
        print(f"{name:40s} {row['regret']:>6}  {row['decide_us']:>9} / {row['learn_us']:<8} {kept:>10}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    raise SystemExit(float(np.max(found[OURS]["regret"])) > BAR)


if __name__ == "__main__":
    main()
