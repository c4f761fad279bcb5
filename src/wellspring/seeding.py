"""Reference data of every slice, written by the owner after migrations. Web processes never load this module."""

from collections.abc import Callable
from typing import Final

import psycopg

from wellspring.interventions import seed as interventions_seed
from wellspring.privacy import texts as privacy_texts

SEEDS: Final[list[Callable[[psycopg.Connection[tuple[object, ...]]], None]]] = [
    interventions_seed.seed,
    privacy_texts.seed,
]
"""Each may run again."""


def seed(owner_url: str) -> None:
    """Write all reference data."""
    with psycopg.connect(owner_url) as conn:
        for write in SEEDS:
            write(conn)
