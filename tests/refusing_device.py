"""A device that this machine does not have, played by the CPU: no float64 there, no mixing with other devices.

Inside ``with refusing():`` tensors and modules moved ``.to(DEVICE)`` behave like those of an
accelerator without double precision: arithmetic that yields float64 is a TypeError, arithmetic
together with a CPU tensor (other than a scalar) a RuntimeError, and ``.numpy()`` asks for ``.cpu()``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.overrides import TorchFunctionMode

#: Any type that no code of ours treats specially.
DEVICE = torch.device("meta")
CROSSING = {"copy_", "cpu", "to", "set_", "is_floating_point", "__get__", "__set__", "as_subclass"}


class There(torch.Tensor):
    """A tensor on that device."""


def _tensors(thing):
    if isinstance(thing, torch.Tensor):
        yield thing
    elif isinstance(thing, (list, tuple)):
        for part in thing:
            yield from _tensors(part)
    elif isinstance(thing, dict):
        yield from _tensors(list(thing.values()))


def _check(result, name):
    for tensor in _tensors(result):
        if isinstance(tensor, There) and tensor.dtype == torch.float64:
            raise TypeError(f"{name}: the device has no float64")
    return result


def _moved(tensor, there):
    with torch._C.DisableTorchFunctionSubclass():
        if there and tensor.dtype == torch.float64:
            raise TypeError("the device has no float64")
        return tensor.as_subclass(There if there else torch.Tensor)


class _Refusing(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", str(func))
        first = args[0] if args else None
        if name == "__get__" and func == torch.Tensor.device.__get__:
            return DEVICE if isinstance(first, There) else torch.device("cpu")
        if name == "__get__" and func == torch.Tensor.grad.__get__ and isinstance(first, There):
            grad = func(*args)  # the engine that fills it knows nothing of subclasses
            return None if grad is None else _moved(grad, True)
        if name == "cpu":
            return _moved(first, False)
        if name == "numpy" and isinstance(first, There):
            raise TypeError("can't convert a tensor of this device to numpy; use .cpu() first")
        target = kwargs.pop("device", None)
        if name == "to":
            rest = []
            for a in args[1:]:
                if isinstance(a, torch.Tensor):
                    target, a = DEVICE if isinstance(a, There) else torch.device("cpu"), a.dtype
                if isinstance(a, torch.device):
                    target = a
                elif isinstance(a, torch.dtype):
                    rest.append(a)
            there = isinstance(first, There) if target is None else torch.device(target).type == DEVICE.type
            kwargs.pop("non_blocking", None)
            kwargs = {key: value for key, value in kwargs.items() if value is not None}
            plain = func(_moved(first, False), *rest, **kwargs) if rest or kwargs else _moved(first, False)
            return _moved(plain, there)
        inputs = list(_tensors([args, kwargs]))
        there = any(isinstance(t, There) for t in inputs)
        if there and name not in CROSSING:
            strangers = [t for t in inputs if not isinstance(t, There) and t.ndim]
            if strangers:
                raise RuntimeError(f"{name}: tensors on different devices")
        result = func(*args, **kwargs)
        if target is not None and torch.device(target).type == DEVICE.type:
            result = _moved(result, True)
        return _check(result, name)


@contextmanager
def refusing() -> Iterator[torch.device]:
    """The device, for as long as it exists."""
    with _Refusing():
        yield DEVICE
