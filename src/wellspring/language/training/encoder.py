# pyright: basic, reportMissingImports=false
"""Fine-tune a body end to end with heads for crisis, emotions, Plutchik's eight and sentiment (needs torch).

What ships is a small body, MiniLM. It can be taught by a larger one that was fine-tuned on the same texts
(`teacher.py`): beside what is known of a text it then learns what the larger one says of it.
"""

import json
import math
import random
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional
from transformers import AutoModel

from wellspring.language.schemas import EMOTIONS, PLUTCHIK
from wellspring.language.training import checkpoint, feelings
from wellspring.language.training.examples import Example, Said

TOKENS: Final = 512
_BATCH_TOKENS: Final = 768
_DROP: Final = 0.1
_READ: Final = 48  # texts of a batch that is only read
_ASKED: Final = 3  # rows of the head of crisis
_TAUGHT: Final = 1.0  # how much what a teacher says counts beside what is known


class Net(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """The body and four heads over means of token vectors: of the whole text and of each of its sentences."""

    def __init__(self, body: Path) -> None:
        super().__init__()
        self.body = AutoModel.from_pretrained(str(body))
        self.drop = nn.Dropout(_DROP)
        width: int = self.body.config.hidden_size
        self.crisis = nn.Linear(width, _ASKED)  # danger, the matter mentioned at all, somebody else in danger
        self.emotions = nn.Linear(width, len(EMOTIONS))
        self.plutchik = nn.Linear(width, len(PLUTCHIK))
        self.sentiment = nn.Linear(width, 1)

    def forward(self, ids: Any, mask: Any, pool: Any) -> tuple[Any, Any, Any, Any]:
        """Take ids and mask [B,T] and pool [B,S,T]; return logits [B,S,3], [B,S,12], [B,S,8] and tones [B,S]."""
        hidden = self.body(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        rows = self.drop(torch.bmm(pool, hidden))
        tone = torch.tanh(self.sentiment(rows)).squeeze(-1)
        return self.crisis(rows), self.emotions(rows), self.plutchik(rows), tone


def noisy(text: str, spans: list[Any], chance: random.Random) -> str:
    """Return the text as a hurried writer might have typed it; with spans, only changes that keep its length."""
    kind = chance.random()
    if kind > 0.25 or len(text) < 8:
        return text
    if kind < 0.08 and not spans:
        return text.replace("'", "")
    if kind < 0.14 and not spans:
        return re.sub(r"[.,;!?]", "", text)
    letters = list(text)
    for _ in range(max(1, len(letters) // 60)):
        at = chance.randrange(1, len(letters) - 1)
        if letters[at].isalpha() and letters[at + 1].isalpha():
            letters[at], letters[at + 1] = letters[at + 1], letters[at]
    return "".join(letters)


class Batch:
    """Examples as tensors; a target that nobody knows has weight 0. `said` is what a teacher says of their texts."""

    def __init__(
        self,
        examples: list[Example],
        tokenizer: Tokenizer,
        chance: random.Random | None = None,
        said: Mapping[str, Said] | None = None,
    ) -> None:
        coded = []
        for e in examples:
            text = noisy(e.text, e.spans, chance) if chance else e.text
            coded.append(tokenizer.encode(text))
        length = max(len(c.ids) for c in coded)
        rows = 1 + max(len(e.spans) for e in examples)
        count = len(examples)
        self.ids = torch.zeros(count, length, dtype=torch.long)
        self.mask = torch.zeros(count, length, dtype=torch.long)
        self.pool = torch.zeros(count, rows, length)
        self.crisis = torch.zeros(count, rows, _ASKED)
        self.crisis_weight = torch.zeros(count, rows, _ASKED)
        self.emotions = torch.zeros(count, len(EMOTIONS))
        self.plutchik = torch.zeros(count, len(PLUTCHIK))
        self.tone = torch.zeros(count)
        self.known = torch.zeros(count, 3)
        for n, (e, c) in enumerate(zip(examples, coded, strict=True)):
            size = len(c.ids)
            self.ids[n, :size] = torch.tensor(c.ids)
            self.mask[n, :size] = 1
            self.pool[n, 0, :size] = 1 / size
            if e.crisis is not None:
                self.crisis[n, 0] = torch.tensor([e.crisis, e.about or 0.0, e.another or 0.0])
                self.crisis_weight[n, 0] = e.weight
                self.crisis_weight[n, 0, 2] *= e.another is not None
            self._spans(n, e, c.offsets)
            if e.emotions is not None:
                self.emotions[n], self.known[n, 0] = torch.tensor(e.emotions), 1
            if e.plutchik is not None:
                self.plutchik[n], self.known[n, 1] = torch.tensor(e.plutchik), 1
            if e.sentiment is not None:
                self.tone[n], self.known[n, 2] = e.sentiment, 1
        self.taught = Taught([(said or {}).get(e.text) for e in examples], rows)

    def _spans(self, n: int, example: Example, offsets: list[tuple[int, int]]) -> None:
        for row, (start, end, danger, about) in enumerate(example.spans, 1):
            inside = [i for i, (a, b) in enumerate(offsets) if b > a and a >= start and b <= end]
            if inside:
                self.pool[n, row, inside] = 1 / len(inside)
                self.crisis[n, row, :2] = torch.tensor([danger, about])
                self.crisis_weight[n, row, :2] = 0.5


class Taught:
    """What a teacher says of the texts of a batch; of texts it never read, weight 0."""

    def __init__(self, said: list[Said | None], rows: int) -> None:
        self.crisis = torch.zeros(len(said), rows, _ASKED)
        self.weight = torch.zeros(len(said), rows, _ASKED)
        for n, one in enumerate(said):
            if one is not None:
                size, asked = min(len(one), rows), len(one[0])
                self.crisis[n, :size, :asked] = torch.tensor(one[:size])
                self.weight[n, :size, :asked], self.weight[n, 0, :asked] = 0.5, 1


def batches(
    examples: list[Example],
    tokenizer: Tokenizer,
    chance: random.Random,
    said: Mapping[str, Said] | None = None,
) -> Iterator[Batch]:
    """Yield batches of like length, in random order."""
    order = sorted(range(len(examples)), key=lambda i: len(examples[i].text) + chance.random() * 20)
    groups: list[list[int]] = [[]]
    for i in order:
        tokens = min(len(examples[i].text) // 4 + 4, TOKENS)
        if groups[-1] and (len(groups[-1]) + 1) * tokens > _BATCH_TOKENS:
            groups.append([])
        groups[-1].append(i)
    chance.shuffle(groups)
    for group in groups:
        yield Batch([examples[i] for i in group], tokenizer, chance, said)


def loss_of(net: Net, batch: Batch, weights: Any) -> Any:
    """Return the sum of the heads' losses, each a mean over what is known."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        crisis, emotions, plutchik, tone = net(batch.ids, batch.mask, batch.pool)
    crisis, emotions, plutchik, tone = (part.float() for part in (crisis, emotions, plutchik, tone))
    smooth = batch.crisis * 0.94 + 0.03
    each = functional.binary_cross_entropy_with_logits(crisis, smooth, reduction="none")
    danger = (each * batch.crisis_weight).sum() / len(batch.ids)
    logs = functional.log_softmax(emotions[:, 0], -1)
    emotion = -(batch.emotions * weights * logs).sum(-1) * batch.known[:, 0]
    eight = functional.binary_cross_entropy_with_logits(plutchik[:, 0], batch.plutchik, reduction="none").mean(-1)
    tones = functional.mse_loss(tone[:, 0], batch.tone, reduction="none")
    other = emotion + 0.5 * eight * batch.known[:, 1] + 0.5 * tones * batch.known[:, 2]
    taught = functional.binary_cross_entropy_with_logits(crisis, batch.taught.crisis, reduction="none")
    danger = danger + _TAUGHT * (taught * batch.taught.weight).sum() / len(batch.ids)
    return 2.0 * danger + other.sum() / len(batch.ids)


def _groups(net: Net, rate: float, frozen: int) -> list[dict[str, Any]]:
    """Lower layers learn more slowly, so that what they know of language stays; the `frozen` lowest not at all.

    A body that keeps layers fixed keeps its embeddings and its table of relative places fixed too.
    """
    layers: int = net.body.config.num_hidden_layers
    groups: dict[float, list[Any]] = {}
    for name, weight in net.named_parameters():
        layer = re.search(r"layer\.(\d+)\.", name)
        depth = layers - 1 - int(layer[1]) if layer else layers if "embeddings" in name else 0
        below = depth >= layers - frozen or "relative_attention" in name
        if frozen and name.startswith("body") and below:
            weight.requires_grad = False
            continue
        scale = rate * 0.8 ** (depth * 6 / layers) if name.startswith("body") else rate * 10
        groups.setdefault(scale, []).append(weight)
    return [{"params": weights, "lr": scale} for scale, weights in groups.items()]


def class_weights(examples: list[Example]) -> Any:
    """Return a weight for each of the twelve: rare ones count more, by the square root."""
    sums = torch.tensor([e.emotions for e in examples if e.emotions]).sum(0) + 1
    weights = (sums.mean() / sums).sqrt().clamp(0.5, 2.5)
    return weights / (weights * sums).sum() * sums.sum()


def tokenizer_of(body: Path) -> Tokenizer:
    """Return the body's tokenizer, cutting at 512 tokens, without padding."""
    tokenizer = Tokenizer.from_file(str(body / "tokenizer.json"))
    tokenizer.enable_truncation(TOKENS)
    tokenizer.no_padding()
    return tokenizer


def fit(
    body: Path,
    epochs: list[Callable[[random.Random], list[Example]]],
    *,
    seed: int = 7,
    rate: float = 1e-4,
    tell: Callable[[str], None] = print,
    limit_s: float = math.inf,
    start: Path | None = None,
    said: Mapping[str, Said] | None = None,
    frozen: int = 0,
) -> Net:
    """Train over the epochs given, each a function that draws its examples; keeps a moving mean of the weights.

    `limit_s` ends the schedule early in wall-clock seconds: the learning rate reaches 0 there. `start` is a folder
    with an earlier checkpoint, or models that ship, to go on from. `said` is what a teacher says, by text; the
    `frozen` lowest layers stay.
    """
    torch.manual_seed(seed)
    chance = random.Random(seed)  # noqa: S311  no secret depends on it
    net, tokenizer = Net(body), tokenizer_of(body)
    if start is not None:
        net.load_state_dict({**net.state_dict(), **_before(net, start)})
    drawn = [draw(chance) for draw in epochs]
    weights = class_weights(drawn[0])
    total = sum(sum(min(len(e.text) // 4 + 4, TOKENS) for e in examples) for examples in drawn)
    optimizer = torch.optim.AdamW(_groups(net, rate, frozen), weight_decay=0.01)
    base = [group["lr"] for group in optimizer.param_groups]
    mean = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.99))
    began, done, step, smooth = time.monotonic(), 0, 0, 0.0
    net.train()
    for examples in drawn:
        for batch in batches(examples, tokenizer, chance, said):
            share = max(done / total, (time.monotonic() - began) / limit_s)
            if share >= 1:
                break
            for group, most in zip(optimizer.param_groups, base, strict=True):
                group["lr"] = most * min(1.0, share / 0.06) * (1 - share)
            loss = loss_of(net, batch, weights)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            mean.update_parameters(net)
            done += int(batch.mask.sum())
            step += 1
            now = float(loss.detach())
            smooth = now if step == 1 else 0.98 * smooth + 0.02 * now
            if step % 100 == 0:
                tell(f"step {step}, {100 * share:.0f} %, loss {smooth:.3f}, {time.monotonic() - began:.0f} s")
    best: Net = mean.module
    best.eval()
    return best


def meet(net: Net, start: Path) -> None:
    """Go back half of the way to the checkpoint `start`: both ends together are right more often than the later one."""
    now = net.state_dict()
    net.load_state_dict({**now, **{name: before.lerp(now[name], 0.5) for name, before in _before(net, start).items()}})


def _before(net: Net, start: Path) -> dict[str, Any]:
    """Return the weights of `start`; rows of a head that it did not have yet are those of `net`."""
    found, now = checkpoint.weights(start), net.state_dict()
    return {name: torch.cat([value, now[name][len(value) :]]) for name, value in found.items()}


def settle_emotions(net: Net, body: Path, examples: Iterable[Example]) -> None:
    """Fit the head of emotions to all examples whose emotions are known, with the body as it is (`feelings.py`)."""
    known = sorted((e for e in examples if e.emotions is not None), key=lambda e: len(e.text))
    tokenizer, rows = tokenizer_of(body), list[Any]()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        for start in range(0, len(known), _READ):
            batch = Batch(known[start : start + _READ], tokenizer)
            hidden = net.body(input_ids=batch.ids, attention_mask=batch.mask).last_hidden_state.float()
            rows.append((batch.pool[:, 0, None].float() @ hidden)[:, 0].float())
    counts = [feelings.AUTHORED if e.source == "emotion" else 1.0 for e in known]
    weights, bias = feelings.fit(
        torch.cat(rows).numpy(),
        np.array([e.emotions for e in known], np.float32),
        np.array(counts, np.float32),
        net.emotions.weight.detach().numpy(),
        net.emotions.bias.detach().numpy(),
    )
    with torch.no_grad():
        net.emotions.weight.copy_(torch.from_numpy(weights))
        net.emotions.bias.copy_(torch.from_numpy(bias))


def save(net: Net, folder: Path) -> None:
    """Keep the weights for export (a checkpoint of training, not what ships)."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(net.state_dict(), folder / "encoder.pt")
    (folder / "training.json").write_text(json.dumps({"saved": int(time.time())}))
