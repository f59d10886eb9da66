"""Make torch know the pretend device: tensors made on it, generators, checkpoints, and ``runtime``'s choice."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import torch
import torch.utils.backend_registration
from torch import Tensor
from torch.utils._pytree import tree_map_only

from pretend.tensor import (
    NAME,
    DeviceGenerator,
    PretendTensor,
    compute,
    operations,
    rebuild,
    refuse_cpu_generator,
    refuse_wide,
    wanted_on,
)

_Generator = torch._C.Generator
_load = torch.load
_registered: list[Any] = []


_pending: list[BaseException] = []
_probe = functools.partial(abs, 0)
_run_backward = torch.autograd.graph._engine_run_backward


class Guard(torch._C._acc.DeviceGuard):
    """What torch's engine asks for the device's streams."""

    def type_(self) -> Any:
        # The engine also asks while it leaves backward with an error.  Python calls cannot succeed with
        # an error pending, and torch would abort: so it is put aside, for _backward to raise.
        try:
            _probe()
        except SystemError as error:
            if error.__cause__ is not None:
                _pending.append(error.__cause__)
        return torch._C._autograd.DeviceType.PrivateUse1


def _backward(*args: Any, **kwargs: Any) -> Any:
    """torch's entry to backward: counted, and it raises the error that the guard put aside."""
    operations["backward"] += 1
    try:
        return _run_backward(*args, **kwargs)
    except SystemError:
        if not _pending:
            raise
        error = _pending.pop()
    raise error


class Module:
    """What torch looks up as ``torch.pretend``.  The device draws from the CPU's global generator."""

    def is_initialized(self) -> bool:
        return True

    def is_available(self) -> bool:
        return True

    def current_device(self) -> int:
        return 0

    def device_count(self) -> int:
        return 1

    def _is_in_bad_fork(self) -> bool:
        return False

    def manual_seed_all(self, seed: int) -> None:
        """torch.manual_seed has seeded the CPU's generator already."""

    def get_rng_state(self, device: Any = None) -> Tensor:
        return torch.get_rng_state()

    def set_rng_state(self, state: Tensor, device: Any = None) -> None:
        torch.set_rng_state(state)

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.float16, torch.bfloat16]

    def synchronize(self, device: Any = None) -> None:
        """Nothing runs ahead."""

    def empty_cache(self) -> None:
        """Nothing is cached."""


def _factories() -> Iterator[tuple[str, Any]]:
    """Operations that make a tensor from none: ``empty``, ``rand``, ``arange`` and so on."""
    for full in torch._C._dispatch_get_all_op_names():
        if not full.startswith("aten::") or torch._C._dispatch_has_kernel_for_dispatch_key(
                full, "CompositeImplicitAutograd"):
            continue
        name, _, overload = full.removeprefix("aten::").partition(".")
        with contextlib.suppress(AttributeError, RuntimeError):
            op = getattr(getattr(torch.ops.aten, name), overload or "default")
            given = op._schema.arguments
            if (any(a.name == "device" for a in given) and not any("Tensor" in str(a.type) for a in given)
                    and [str(r.type) for r in op._schema.returns] == ["Tensor"]):
                yield full, op


def _factory(op: Any) -> Any:
    if op is torch.ops.aten._efficientzerotensor.default:
        op = torch.ops.aten.zeros.default  # forward-mode's zeros without memory: kernels cannot read them

    def make(*args: Any, **kwargs: Any) -> Tensor:
        dtype = kwargs.get("dtype") or (torch.get_default_dtype() if "empty" in str(op) else None)
        if dtype is not None:
            refuse_wide(dtype)
        if kwargs.get("generator") is not None:
            refuse_cpu_generator(kwargs["generator"])
        operations[op._schema.name.removeprefix("aten::")] += 1
        kwargs.pop("pin_memory", None)
        return PretendTensor(op(*args, **{**kwargs, "device": "cpu"}))
    return make


def _whole(name: str) -> Any:
    """An operation that torch would take apart, computed as one (without derivatives)."""
    packet, _, overload = name.partition(".")
    operation = getattr(getattr(torch.ops.aten, packet), overload or "default")
    return lambda *args, **kwargs: compute(operation, args, kwargs)


def _copy_from(source: Tensor, target: Tensor, non_blocking: bool = False) -> Tensor:
    """``torch.tensor(values, device=…)`` arrives here without passing ``__torch_dispatch__``."""
    return compute(torch.ops.aten.copy_.default, (target, source, non_blocking), {})


def register() -> torch.device:
    """Make torch know the device; once a process, for good."""
    if not _registered:
        torch.utils.backend_registration._setup_privateuseone_for_python_backend(
            NAME, backend_module=Module(), device_guard=Guard())
        library = torch.library.Library("aten", "IMPL")
        for name, op in _factories():
            library.impl(name.removeprefix("aten::"), _factory(op), "PrivateUse1")
        library.impl("_copy_from", _copy_from, "PrivateUse1")
        for name in ("quantile", "quantile.scalar"):  # composed of a change of shape in place, which we cannot follow
            library.impl(name, _whole(name), "PrivateUse1")
        torch.serialization.add_safe_globals([rebuild])
        _registered.append(library)  # it lives as long as it is held
    return torch.device(NAME)


class _AnyGenerator(type):
    def __call__(cls, device: Any = "cpu") -> Any:
        return DeviceGenerator() if torch.device(device).type == NAME else _Generator(device=device)

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, _Generator)


class _GeneratorOnAnyDevice(metaclass=_AnyGenerator):
    pass


def _load_anywhere(file: Any, map_location: Any = None, **options: Any) -> Any:
    """``torch.load`` that knows the pretend device as a place for storages."""
    there = isinstance(map_location, (str, torch.device)) and torch.device(map_location).type == NAME
    wanted_on.append("cpu" if there else map_location)
    try:
        found = _load(file, map_location="cpu" if there else map_location, **options)
    finally:
        wanted_on.pop()
    return tree_map_only(Tensor, lambda t: t.to(map_location), found) if there else found


@contextlib.contextmanager
def pretending() -> Iterator[torch.device]:
    """The device is there, and ``runtime.start()`` and ``runtime.choose_device()`` give it."""
    from dlhelpers import runtime

    device, choose = register(), runtime.choose_device

    @functools.wraps(choose)
    def choose_device(wanted: Any = None) -> torch.device:
        return device if wanted is None or str(wanted).split(":")[0] == NAME else choose(wanted)

    with contextlib.ExitStack() as undo:
        for owner, name, ours in (
                (torch.autograd, "_engine_run_backward", _backward),
                (torch.autograd.graph, "_engine_run_backward", _backward),
                (torch, "Generator", _GeneratorOnAnyDevice), (torch, "load", _load_anywhere),
                (runtime, "choose_device", choose_device)):
            undo.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, ours)
        # module.to(device) keeps each parameter's identity, as it does between cpu and cuda.
        undo.callback(torch.__future__.set_swap_module_params_on_conversion,
                      torch.__future__.get_swap_module_params_on_conversion())
        torch.__future__.set_swap_module_params_on_conversion(True)
        # In one thread, so that whoever watches this thread's operations sees those of backward too.
        undo.enter_context(torch.autograd.set_multithreading_enabled(False))
        yield device
