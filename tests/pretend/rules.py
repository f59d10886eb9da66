"""What an operation may receive on the pretend device: torch's rules, and the gaps of mps.

The gaps come from torch's own table of native functions (``native_functions.yaml``, inside the
installed package): an operation without a kernel for MPS that is not composed of others is missing.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, NamedTuple

import torch

INDEXED = {"index.Tensor", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index.Tensor"}
SCALAR_VALUES = {"fill_.Tensor", "fill.Tensor", "masked_fill.Tensor", "masked_fill_.Tensor", "where.self",
                 "index_fill.int_Tensor", "index_fill_.int_Tensor"}
COPIES = {"copy_", "_copy_from", "_copy_from_and_resize"}
#: On mps these run on the CPU, with a warning (MPSFallback.mm).
FALLBACKS = {"embedding_renorm_", "linalg_svd", "linalg_svd.U", "_linalg_svd", "_linalg_svd.U", "col2im",
             "upsample_nearest3d.vec"}
#: mps takes other paths through recurrent layers, which torch chooses by the device's name.
OTHER_PATHS = {"_thnn_fused_lstm_cell", "_thnn_fused_lstm_cell_backward_impl", "_thnn_fused_gru_cell",
               "_thnn_fused_gru_cell_backward", "_fused_sdp_choice"}


class Rule(NamedTuple):
    """What one aten operation may receive."""

    name: str
    any_cpu: bool       # copies: CPU tensors of every shape
    scalar_cpu: bool    # CPU tensors without axes
    index_cpu: bool     # CPU tensors inside the list of indices
    writes: tuple[int, ...]  # positions of the arguments that it changes
    missing: bool       # no kernel on mps


@functools.cache
def rule(func: Any) -> Rule:
    """The rule of an aten overload."""
    name = func._schema.name.removeprefix("aten::")
    if func._schema.overload_name:
        name += "." + func._schema.overload_name
    indexed = name in INDEXED
    return Rule(
        name, any_cpu=name in COPIES,
        scalar_cpu=torch.Tag.pointwise in func.tags or name in SCALAR_VALUES or indexed,
        index_cpu=indexed,
        writes=tuple(i for i, a in enumerate(func._schema.arguments)
                     if a.alias_info is not None and a.alias_info.is_write and not a.kwarg_only),
        missing=func._schema.name.startswith("aten::") and not on_mps(name))


@functools.cache
def _table() -> dict[str, dict]:
    import torchgen
    import yaml

    path = Path(torchgen.__file__).parent / "packaged/ATen/native/native_functions.yaml"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return {entry["func"].split("(")[0]: entry for entry in yaml.load(path.read_text(encoding="utf-8"), Loader=loader)}


@functools.cache
def on_mps(name: str) -> bool:
    """Whether torch's table gives ``name`` (such as "add.Tensor") a kernel on mps, or composes it of others."""
    entry = _table().get(name)
    if entry is None or name in FALLBACKS or name in OTHER_PATHS:
        return True  # out variants that torch generates from one that is listed
    keys = {key for group in entry.get("dispatch", {}) for key in group.split(", ")}
    if "MPS" in keys or not keys and "structured_delegate" not in entry:
        return True
    if "structured_delegate" in entry:
        return on_mps(entry["structured_delegate"])
    if not any(key.startswith("Composite") for key in keys):
        return False
    out = name.split(".")[0] + ".out"  # linalg_lstsq is "composed", of a linalg_lstsq.out without MPS
    return name == out or "dispatch" not in _table().get(out, {}) or on_mps(out)
