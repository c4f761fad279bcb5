# pyright: basic, reportMissingImports=false
"""A larger body as a teacher: fine-tuned on the English texts, it says how much danger many texts hold.

The teacher does not ship: it is too large and too slow. It knows more of the language, so what it says of texts that
nobody labelled (ordinary ones of others, and stretches of ours put beside each other) carries more than labels do.
It is asked of danger only: of emotions, where labelled texts are many, it knew no more than the small one.
Distillation as in Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network" (2015).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import torch

from wellspring.language.training import encoder
from wellspring.language.training.examples import Example, Said

FROZEN: Final = 3
RATE: Final = 4e-5
_TOGETHER: Final = 16  # texts of like length that are read in one pass


def say(net: encoder.Net, body: Path, examples: Sequence[Example]) -> Iterator[tuple[str, Said]]:
    """Yield each text once with what the teacher says of it and of its sentences."""
    unique = list({e.text: e for e in examples}.values())
    order = sorted(range(len(unique)), key=lambda i: len(unique[i].text))
    tokenizer = encoder.tokenizer_of(body)
    for start in range(0, len(order), _TOGETHER):
        group = [unique[i] for i in order[start : start + _TOGETHER]]
        batch = encoder.Batch(group, tokenizer)
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            crisis = torch.sigmoid(net(batch.ids, batch.mask, batch.pool)[0].float())
        for n, e in enumerate(group):
            rows: Said = torch.round(crisis[n, : 1 + len(e.spans)], decimals=4).tolist()
            yield e.text, rows
