# pyright: basic, reportMissingImports=false
"""Turn a trained encoder into what ships: an ONNX graph with int8 weights per channel, and its tokenizer."""

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any, Final

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn
from transformers import AutoModel

from wellspring.language.training.encoder import Net, tokenizer_of

OPSET: Final = 17


class _Heads(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """One text: ids and mask [1,T], pool [S,T] to logits of danger [S], emotions [S,12] and Plutchik's eight [S,8], the
    tone [S], and the logit of somebody else in danger [S]."""

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.net = net

    def forward(self, ids: Any, mask: Any, pool: Any) -> tuple[Any, Any, Any, Any, Any]:
        crisis, emotions, plutchik, tone = self.net(ids, mask, pool.unsqueeze(0))
        return crisis[0, :, 0], emotions[0], plutchik[0], tone[0], crisis[0, :, 2]


class _Vector(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """The untouched body's mean vector, of length 1: what memories are found by."""

    def __init__(self, body: Any) -> None:
        super().__init__()
        self.body = body

    def forward(self, ids: Any, mask: Any) -> Any:
        hidden = self.body(input_ids=ids, attention_mask=mask).last_hidden_state
        weight = mask.unsqueeze(-1).float()
        return nn.functional.normalize((hidden * weight).sum(1) / weight.sum(1), dim=-1)


def _graph(model: nn.Module, inputs: dict[str, Any], outputs: dict[str, dict[int, str]], path: Path) -> None:
    axes: dict[str, dict[int, str]] = {"input_ids": {1: "tokens"}, "attention_mask": {1: "tokens"}, **outputs}
    if "pool" in inputs:
        axes["pool"] = {0: "rows", 1: "tokens"}
    with tempfile.TemporaryDirectory() as folder:
        plain, ready = Path(folder) / "plain.onnx", Path(folder) / "ready.onnx"
        torch.onnx.export(
            model.eval(),
            tuple(inputs.values()),
            str(plain),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
        quant_pre_process(str(plain), str(ready), skip_symbolic_shape=True)
        quantize_dynamic(
            str(ready),
            str(path),
            per_channel=True,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["MatMul", "Gather"],
        )
    onnx.checker.check_model(str(path))


def encoder(net: Net, body: Path, out: Path) -> None:
    """Write `encoder.onnx` and `tokenizer.json` into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    net.body.set_attn_implementation("eager")
    ids = torch.tensor([[101, 1045, 2031, 2019, 2154, 1012, 1045, 102]])
    pool = torch.full((2, 8), 1 / 8)
    rows = {name: {0: "rows"} for name in ("crisis", "emotions", "plutchik", "sentiment", "another")}
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "pool": pool}
    _graph(_Heads(net), inputs, rows, out / "encoder.onnx")
    tokenizer_of(body).save(str(out / "tokenizer.json"), pretty=False)


def memory(body: Path, out: Path) -> None:
    """Write `memory.onnx`: the body as it came, for vectors that must not change when the encoder is trained again."""
    out.mkdir(parents=True, exist_ok=True)
    ids = torch.tensor([[101, 1045, 2031, 2019, 2154, 1012, 1045, 102]])
    frozen = AutoModel.from_pretrained(str(body), attn_implementation="eager")
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    _graph(_Vector(frozen), inputs, {"vector": {}}, out / "memory.onnx")


def manifest(folder: Path, about: dict[str, Any]) -> None:
    """Write `manifest.json`: every file with its sha256, and where it comes from."""
    files = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.suffix in {".onnx", ".npz"} or path.name == "tokenizer.json"
    }
    (folder / "manifest.json").write_text(json.dumps({**about, "sha256": files}, indent=2, sort_keys=True) + "\n")
