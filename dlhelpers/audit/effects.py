"""What a statement does when it runs: which objects it changes, which package functions it calls."""

from __future__ import annotations

import random
import sys
import types
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from dlhelpers import files

#: Package code that teaches nothing: changing it shows nothing about a claim.
_IGNORED = ("plotting", "claims", "checks", "files", "progress", "runs", "runtime", "audit", "notebooks", "commands")
_PACKAGE = str(files.ROOT / "dlhelpers")
_GENERATORS = ("Generator", "RandomState", "Random")
#: Stand for the global generators among the names.
GLOBAL_GENERATORS = ("<numpy>", "<torch>", "<random>")


def fingerprints(namespace: dict[str, Any]) -> dict[str, tuple[int, Any]]:
    """For every global name a value that changes when its object is changed in place.

    :param namespace: the notebook's globals.
    :returns: name -> (id, fingerprint), the global random generators under ``GLOBAL_GENERATORS``.
    """
    found = {name: (id(value), _fingerprint(value)) for name, value in namespace.items() if name[:2] != "__"}
    state: Any = np.random.get_state()  # noqa: NPY002 - the notebook may draw from it
    found["<numpy>"] = (0, (zlib.crc32(np.asarray(state[1]).tobytes()), state[2]))
    found["<random>"] = (0, hash(random.getstate()))
    torch = sys.modules.get("torch")
    if torch is not None:
        found["<torch>"] = (0, zlib.crc32(torch.get_rng_state().numpy().tobytes()))
    return found


def is_generator(value: Any) -> bool:
    """True for random number generators of numpy, torch and Python.

    :param value: any object.
    :returns: whether drawing from it changes what is drawn next.
    """
    return type(value).__name__ in _GENERATORS


def _fingerprint(value: Any, depth: int = 2) -> Any:
    if isinstance(value, (int, float, str, bytes)):
        return repr(value)[:100]
    if isinstance(value, (type(None), types.ModuleType, types.FunctionType, type)):
        return None
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "fiubc":
            return value.size
        flat = value.reshape(-1)[:: max(1, value.size // 4096)]
        return value.shape, zlib.crc32(np.ascontiguousarray(flat).tobytes())
    if hasattr(value, "_version") and hasattr(value, "untyped_storage"):
        return _versions(value)
    if hasattr(value, "bit_generator"):
        return repr(value.bit_generator.state)
    if type(value).__name__ == "Generator" and hasattr(value, "get_state"):
        return zlib.crc32(value.get_state().numpy().tobytes())
    if depth == 0:
        return id(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return len(value), [_fingerprint(v, depth - 1) for v in list(value)[:200]] if len(value) < 10_000 else None
    if isinstance(value, dict):
        return [(id(v), _fingerprint(v, depth - 1)) for v in list(value.values())[:200]]
    if hasattr(value, "parameters") and hasattr(value, "buffers"):
        return value.training, [_versions(p) for p in (*value.parameters(), *value.buffers())]
    if type(value).__module__.startswith(("matplotlib", "ipywidgets", "dlhelpers.audit")):
        return None
    names: Any = getattr(value, "__dict__", None) or getattr(type(value), "__slots__", ())
    parts = [(k, getattr(value, k, None)) for k in list(names)[:50]]
    return [(k, id(v), _fingerprint(v, depth - 1)) for k, v in parts]


def _versions(tensor: Any) -> Any:
    """What changes when a tensor, or the gradient that ``backward`` leaves with it, is written to."""
    grad = tensor.grad if tensor.is_leaf else None
    return tensor._version, None if grad is None else (id(grad), grad._version)


class Calls:
    """Which package functions run, from Python's trace hook: (file, qualified name)."""

    def __init__(self) -> None:
        self.current: set[tuple[str, str]] = set()
        self._known: dict[Any, tuple[str, str] | None] = {}

    def start(self) -> None:
        """Begin to watch."""
        self.current = set()
        sys.settrace(self._hook)

    def stop(self) -> set[tuple[str, str]]:
        """End; the functions called since ``start``."""
        sys.settrace(None)
        return self.current

    def _hook(self, frame: Any, event: str, argument: Any) -> None:
        code = frame.f_code
        if code in self._known:
            key = self._known[code]
        else:
            key = self._known[code] = _package_function(code)
        if key is not None:
            self.current.add(key)


def _package_function(code: Any) -> tuple[str, str] | None:
    if not code.co_filename.startswith(_PACKAGE):
        return None
    path = Path(code.co_filename).relative_to(_PACKAGE)
    name = code.co_qualname.split(".<locals>")[0]
    if path.parts[0].removesuffix(".py") in _IGNORED or name.startswith("<") or name.split(".")[-1] == "__repr__":
        return None
    return str(path), name
