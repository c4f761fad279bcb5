# pyright: basic, reportMissingImports=false
"""One linear layer over hashed words for several heads at once (needs torch)."""

from typing import Any, Final

import numpy as np
import torch
from torch.nn import functional

SEED: Final = 7
_BATCH: Final = 256
_FORGET: Final = 0.1  # share of features that each step does not see


def fit(features: Any, columns: int, loss: Any, *, epochs: int, rate: float, decay: float) -> tuple[Any, Any]:
    """Return weights [buckets, columns] and biases that make `loss` small; the same data give the same weights.

    `features` is a CSR matrix; `loss(logits, rows)` takes logits [batch, columns] and the rows they belong to.
    """
    torch.manual_seed(SEED)
    count = features.shape[0]
    layer = torch.nn.EmbeddingBag(features.shape[1], columns, mode="sum")
    bias = torch.nn.Parameter(torch.zeros(columns))
    torch.nn.init.zeros_(layer.weight)
    optimizer = torch.optim.Adam([*layer.parameters(), bias], lr=rate, betas=(0.9, 0.99))
    steps = epochs * -(-count // _BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(0.02, 1 - step / steps))
    for _ in range(epochs):
        for rows in np.array_split(torch.randperm(count).numpy(), -(-count // _BATCH)):
            part = features[rows]
            values = functional.dropout(torch.from_numpy(part.data), _FORGET)
            ends = torch.from_numpy(part.indptr[:-1].astype(np.int64))
            logits = layer(torch.from_numpy(part.indices.astype(np.int64)), ends, per_sample_weights=values) + bias
            optimizer.zero_grad()
            (loss(logits, torch.from_numpy(rows)) + decay * layer.weight.square().sum()).backward()
            optimizer.step()
            schedule.step()
    return layer.weight.detach().numpy().astype(float), bias.detach().numpy().astype(float)
