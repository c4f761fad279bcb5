"""The head of emotions, fitted once more on all that is known."""

import numpy as np

from wellspring.language.training import feelings

WIDTH, KINDS = 16, 4
TRUE = np.random.default_rng(1).normal(size=(WIDTH, KINDS)).astype(np.float32)
NONE = np.zeros((KINDS, WIDTH), np.float32), np.zeros(KINDS, np.float32)


def drawn(count: int, seed: int) -> tuple[feelings.Floats, feelings.Floats]:
    """Rows and the feeling that follows from them, the first one most often; a tenth of the labels is wrong."""
    chance = np.random.default_rng(seed)
    rows = chance.normal(size=(count, WIDTH)).astype(np.float32)
    kinds = (rows @ TRUE + np.array([2.0, 0, 0, -1])).argmax(1)
    kinds = np.where(chance.random(count) < 0.1, chance.integers(0, KINDS, count), kinds)
    return rows, np.eye(KINDS, dtype=np.float32)[kinds]


def loss(head: tuple[feelings.Floats, feelings.Floats], rows: feelings.Floats, shares: feelings.Floats) -> float:
    logits = rows @ head[0].T + head[1]
    logs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    return float(-(shares * logs).sum(1).mean())


def test_a_head_learns_what_follows_from_the_rows() -> None:
    rows, shares = drawn(4000, 2)
    weights, bias = feelings.fit(rows, shares, np.ones(4000, np.float32), *NONE)
    assert weights.shape == (KINDS, WIDTH)
    assert bias.shape == (KINDS,)
    fresh, truth = drawn(2000, 3)
    right = (fresh @ weights.T + bias).argmax(1) == truth.argmax(1)
    assert right.mean() > 0.85
    assert loss((weights, bias), fresh, truth) < 0.6 * loss(NONE, fresh, truth)


def test_what_a_text_counts_is_as_if_it_were_there_so_often() -> None:
    rows, shares = drawn(300, 4)
    often = np.concatenate([rows, rows[:100], rows[:100]]), np.concatenate([shares, shares[:100], shares[:100]])
    counts = np.where(np.arange(300) < 100, 3.0, 1.0).astype(np.float32)
    for one, other in zip(
        feelings.fit(rows, shares, counts, *NONE),
        feelings.fit(*often, np.ones(500, np.float32), *NONE),
        strict=True,
    ):
        assert np.abs(one - other).max() < 1e-3


def test_a_head_that_is_right_already_hardly_moves() -> None:
    rows, shares = drawn(4000, 2)
    first = feelings.fit(rows, shares, np.ones(4000, np.float32), *NONE)
    again = feelings.fit(rows, shares, np.ones(4000, np.float32), *first)
    assert abs(loss(again, rows, shares) - loss(first, rows, shares)) < 0.01
