"""The tensor of the pretend device, and how one operation on it is checked and computed."""

from __future__ import annotations

import weakref
from collections import Counter
from typing import Any, ClassVar

import torch
from torch import Tensor

from pretend import cells, rules

NAME = "pretend"
_DATA: Any = Tensor.data
WIDE = (torch.float64, torch.complex128)

#: How often each operation ran on the device; ``operations.clear()`` starts again.
operations: Counter[str] = Counter()


class PretendTensor(Tensor):
    """A tensor that claims to lie on the pretend device; ``inner`` holds its numbers on the CPU."""

    inner: Tensor  # type: ignore[assignment]
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @staticmethod
    def __new__(cls, inner: Tensor) -> PretendTensor:
        refuse_wide(inner.dtype)
        self = Tensor._make_wrapper_subclass(
            cls, inner.shape, strides=inner.stride(), storage_offset=inner.storage_offset(),
            dtype=inner.dtype, device=torch.device(NAME, 0))
        self.inner = inner
        return self

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        return compute(func, args, kwargs or {})

    def numpy(self, *, force: bool = False) -> Any:
        if force:
            return self.detach().cpu().numpy()
        raise TypeError(f"can't convert {NAME}:0 device type tensor to numpy. "
                        "Use Tensor.cpu() to copy the tensor to host memory first.")

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        return self.numpy()

    def tolist(self) -> Any:
        return self.detach().cpu().tolist()

    @property
    def data(self) -> Tensor:
        return _DATA.__get__(self)

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, PretendTensor):
            raise RuntimeError(f"incompatible tensor type: a tensor on {NAME}:0 was given data on {value.device}")
        _DATA.__set__(self, value)
        self.inner = value.inner

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return f"{repr(self.inner)[:-1]}, device='{NAME}:0')"

    def __deepcopy__(self, memo: dict) -> Tensor:
        if id(self) not in memo:
            if not self.is_leaf:
                raise RuntimeError("Only Tensors created explicitly by the user support the deepcopy protocol")
            memo[id(self)] = copy = _marked(PretendTensor(self.inner.clone()), self)
            if self.grad is not None:
                copy.grad = self.grad.__deepcopy__(memo)
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return rebuild, (self.inner.clone(), self.requires_grad, getattr(self, "_is_param", False))


def _marked(tensor: Tensor, like: Tensor) -> Tensor:
    tensor.requires_grad_(like.requires_grad)
    if getattr(like, "_is_param", False):
        tensor._is_param = True
    return tensor


def refuse_wide(dtype: torch.dtype) -> None:
    """TypeError for the types that mps lacks."""
    if dtype in WIDE:
        raise TypeError(f"Cannot convert a {NAME.upper()} Tensor to {dtype} dtype as the {NAME} framework "
                        "(like mps) doesn't support it. Use float32, or .cpu().double().")


# --- one operation -------------------------------------------------------------------------

def compute(func: Any, args: tuple, kwargs: dict) -> Any:
    """Check one operation, run it on the CPU, and give its results to the device."""
    rule = rules.rule(func)
    if rule.missing:
        raise NotImplementedError(f"The operator 'aten::{rule.name}' is not currently implemented for the MPS device "
                                  "(and so not for the pretend one); compute it on .cpu().")
    operations[rule.name] += 1
    owners: dict[int, PretendTensor] = {}
    inner_args = [_inner(value, rule, owners, index=rule.index_cpu and position == 1, write=position in rule.writes)
                  for position, value in enumerate(args)]
    inner_kwargs = {key: _inner(value, rule, owners, write=key == "out") for key, value in kwargs.items()}
    target = kwargs.get("device")
    stays = target is None or torch.device(target).type == NAME
    if stays and target is not None:
        inner_kwargs["device"] = "cpu"
    result = cells.KERNELS.get(rule.name, func)(*inner_args, **inner_kwargs)
    for owner in owners.values():
        if owner.shape != owner.inner.shape or owner.stride() != owner.inner.stride():
            raise NotImplementedError(f"the pretend device cannot change a tensor's shape in place ({rule.name})")
    if not stays or rule.any_cpu and not isinstance(args[0], PretendTensor):
        return result
    return _outer(result, owners)


def _inner(value: Any, rule: rules.Rule, owners: dict[int, PretendTensor],
           index: bool = False, write: bool = False) -> Any:
    """The CPU's stand-in for one argument; RuntimeError for a CPU tensor where torch wants the device."""
    if isinstance(value, PretendTensor):
        owners[id(value.inner)] = value
        return value.inner
    if isinstance(value, Tensor):
        if not (rule.any_cpu or index or rule.scalar_cpu and value.dim() == 0 and not write):
            raise RuntimeError(f"Expected all tensors to be on the same device, but found at least two devices, "
                               f"{NAME}:0 and {value.device}! (in {rule.name}, a CPU tensor of shape "
                               f"{tuple(value.shape)})")
        return value
    if isinstance(value, (list, tuple)):
        return type(value)([_inner(v, rule, owners, index, write) for v in value])
    if isinstance(value, torch._C.Generator):
        refuse_cpu_generator(value)
    return value


def _outer(value: Any, owners: dict[int, PretendTensor]) -> Any:
    """A result on the device: the caller's own tensor where it was changed in place."""
    if isinstance(value, PretendTensor):
        return value
    if isinstance(value, Tensor):
        return owners[id(value)] if id(value) in owners else PretendTensor(value)
    if isinstance(value, (list, tuple)):
        return type(value)([_outer(v, owners) for v in value])
    return value


def refuse_cpu_generator(generator: Any) -> None:
    """RuntimeError unless the generator was made on the device."""
    if all(generator._cdata != known._cdata for known in DeviceGenerator.alive):
        raise RuntimeError(f"Expected a '{NAME}' device type for generator but found 'cpu'")


# --- random numbers and checkpoints --------------------------------------------------------

class DeviceGenerator(torch._C.Generator):
    """What ``torch.Generator(device=…)`` gives on the pretend device."""

    # torch hands kernels another Python object of the same generator: known by its address.
    alive: ClassVar[weakref.WeakSet] = weakref.WeakSet()

    def __init__(self) -> None:
        self.alive.add(self)

    @property
    def device(self) -> torch.device:
        return torch.device(NAME, 0)


#: Where the ``torch.load`` in progress wants its tensors (None: where they were).
wanted_on: list[Any] = []


def rebuild(numbers: Tensor, requires_grad: bool, is_parameter: bool) -> Tensor:
    """A stored tensor of the device, where ``torch.load(map_location=…)`` wants it."""
    wanted = wanted_on[-1] if wanted_on and wanted_on[-1] is not None else NAME
    tensor = numbers if torch.device(wanted).type == "cpu" else PretendTensor(numbers)
    if is_parameter:
        return torch.nn.Parameter(tensor, requires_grad)
    return tensor.requires_grad_(requires_grad)
