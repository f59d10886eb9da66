"""Checkpoints of a training run that survive a killed process.

A checkpoint is written under a temporary name and renamed when it is whole
(:func:`dlhelpers.files.atomic`), and read back with ``weights_only=True``: it can
hold tensors, numbers, strings, lists and dictionaries, but no code.
"""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dlhelpers import checks, files

#: Stored in every checkpoint, so that another file is not mistaken for one.
FORMAT = "dlhelpers training checkpoint 1"


def save(path: str | os.PathLike[str], content: dict[str, Any]) -> Path:
    """Write a whole checkpoint or none of it.

    :param path: where to; an older file there is replaced in one step.
    :param content: tensors, numbers, strings, and lists and dictionaries of them.
    :returns: the path.
    :raises TypeError: if one is of another kind.
    """
    checks.instance(path, "path", (str, os.PathLike))
    checks.instance(content, "content", dict)
    with files.atomic(path) as temporary:
        torch.save({"format": FORMAT, **content}, temporary)
    return Path(path)


def load(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a checkpoint back.

    :param path: where it was written.
    :returns: its content, with tensors on the CPU.
    :raises FileNotFoundError: when there is none.
    :raises ValueError: naming the file, when it is damaged or something else.
    """
    path = Path(checks.instance(path, "path", (str, os.PathLike)))
    if not path.exists():
        raise FileNotFoundError(f"there is no checkpoint {path}")
    if path.is_dir():
        raise ValueError(f"checkpoint {path} is a folder, a file is needed")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except PermissionError:
        raise
    except (RuntimeError, EOFError, OSError, pickle.UnpicklingError, ValueError, KeyError) as error:
        raise ValueError(f"checkpoint {path} is damaged or not a checkpoint; "
                         f"delete it to start again ({type(error).__name__})") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f"checkpoint {path} was not written by dlhelpers.training; "
                         "delete it or choose another name")
    return content


def restore_model(model: nn.Module, state: dict[str, torch.Tensor], path: str | os.PathLike[str]) -> None:
    """Load stored weights into a model of the same shape.

    :param model: any torch module.
    :param state: a ``state_dict``.
    :param path: where it is from, for the message.
    :raises ValueError: naming the first tensor that is missing, left over, or of
        another shape; the model is then left as it was.
    """
    own = model.state_dict()
    for name, tensor in own.items():
        if name not in state:
            raise ValueError(f"checkpoint {path} is of another model: it has no {name!r}")
        if tuple(state[name].shape) != tuple(tensor.shape):
            raise ValueError(f"checkpoint {path} is of another model: {name!r} has shape "
                             f"{tuple(state[name].shape)} there and {tuple(tensor.shape)} here")
    left_over = [name for name in state if name not in own]
    if left_over:
        raise ValueError(f"checkpoint {path} is of another model: it also holds {left_over[0]!r}")
    model.load_state_dict(state)


def compare_settings(stored: dict[str, Any], wanted: dict[str, Any],
                     path: str | os.PathLike[str]) -> None:
    """Refuse to continue a run under other settings than it was started with.

    :param stored: settings of the checkpoint.
    :param wanted: settings of the run.
    :param path: where they are from, for the message.
    :raises ValueError: naming the first setting that differs.
    """
    for name, value in wanted.items():
        if stored.get(name) != value:
            raise ValueError(f"{name} is {value!r}, but checkpoint {path} was made with "
                             f"{stored.get(name)!r}; delete the file to start again")


def random_state(device: torch.device) -> dict[str, torch.Tensor]:
    """State of torch's global generators that drive dropout on a device.

    :param device: the device.
    :returns: the states, by device type.
    """
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        state["mps"] = torch.mps.get_rng_state()
    return state


def restore_random_state(state: dict[str, torch.Tensor], device: torch.device) -> None:
    """Undo what happened to torch's global generators since :func:`random_state`.

    :param state: what it returned.
    :param device: the same device.
    """
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)
    elif device.type == "mps" and "mps" in state:
        torch.mps.set_rng_state(state["mps"])


def seed_random_state(seed: int, device: torch.device) -> None:
    """Seed the global generators that drive dropout on a device, and no others.

    :param seed: zero or positive.
    :param device: the device.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)
