# pyright: basic, reportMissingImports=false
"""The weights that a training goes on from: those of an earlier run, or those that ship, made float again."""

import re
from pathlib import Path
from typing import Any, Final

import onnx
import torch
from onnx import numpy_helper

_TABLES: Final = ("word", "position", "token_type")
_PRODUCT: Final = re.compile(r"^net/|/MatMul_quant$")


def weights(folder: Path) -> dict[str, Any]:
    """Return the weights by name: of `encoder.pt`, or of `encoder.onnx` without what no head looks at (the pooler).

    Raises FileNotFoundError where a folder holds neither.
    """
    kept = folder / "encoder.pt"
    if kept.is_file():
        found: dict[str, Any] = torch.load(kept, weights_only=True)
        return found
    return _of_graph(folder / "encoder.onnx")


def _of_graph(path: Path) -> dict[str, Any]:
    """Undo the int8 of a graph that `export.encoder` wrote: what it computes with, to the last bit of its scales."""
    graph = onnx.load(str(path)).graph
    stored = {one.name: numpy_helper.to_array(one) for one in graph.initializer}

    def float_again(name: str) -> Any:
        return (stored[f"{name}_quantized"].astype("f4") - stored[f"{name}_zero_point"].astype("f4")) * stored[
            f"{name}_scale"
        ]

    found = {name[4:]: value for name, value in stored.items() if re.match(r"net\..*\.(?:weight|bias)$", name)}
    for table in _TABLES:
        name = f"body.embeddings.{table}_embeddings.weight"
        found[name] = float_again(f"net.{name}")
    for node in graph.node:
        if node.op_type == "MatMulInteger":
            name = _PRODUCT.sub("", node.name.strip("/")).replace("/", ".")
            found[f"{name}.weight"] = float_again(node.input[1].removesuffix("_quantized")).T
    return {name: torch.tensor(value.copy()) for name, value in found.items()}
