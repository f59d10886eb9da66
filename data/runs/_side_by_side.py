"""What lecture 04's two recorded races share: seven rules, and many nets that train side by side."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

from dlhelpers import runs
from dlhelpers.training import checkpoints

#: One memory for each parameter; a rule returns the move at a learning rate of 1.
Memory = dict[str, torch.Tensor]


def gd(g: torch.Tensor, m: Memory, t: int) -> torch.Tensor:
    return g


def momentum(g: torch.Tensor, m: Memory, t: int) -> torch.Tensor:
    m["v"] = 0.9 * m.get("v", 0) + g
    return m["v"]


def nesterov(g: torch.Tensor, m: Memory, t: int) -> torch.Tensor:
    return g + 0.9 * momentum(g, m, t)


def adagrad(g: torch.Tensor, m: Memory, t: int) -> torch.Tensor:
    m["s"] = m.get("s", 0) + g**2
    return g / (m["s"].sqrt() + 1e-10)


def adadelta(g: torch.Tensor, m: Memory, t: int) -> torch.Tensor:
    m["s"] = 0.9 * m.get("s", torch.zeros_like(g)) + 0.1 * g**2
    m.setdefault("u", torch.zeros_like(g))
    move = (m["u"] + 1e-6).sqrt() / (m["s"] + 1e-6).sqrt() * g
    m["u"] = 0.9 * m["u"] + 0.1 * move**2
    return move


def rmsprop(g: torch.Tensor, m: Memory, t: int) -> torch.Tensor:
    m["s"] = 0.99 * m.get("s", 0) + 0.01 * g**2
    return g / (m["s"].sqrt() + 1e-8)


def adam(g: torch.Tensor, m: Memory, t: int) -> torch.Tensor:
    m["v"] = 0.9 * m.get("v", 0) + 0.1 * g
    m["s"] = 0.999 * m.get("s", 0) + 0.001 * g**2
    return m["v"] / (1 - 0.9 ** (t + 1)) / ((m["s"] / (1 - 0.999 ** (t + 1))).sqrt() + 1e-8)


RULES: dict[str, Callable[[torch.Tensor, Memory, int], torch.Tensor]] = {
    "SGD": gd, "momentum": momentum, "Nesterov": nesterov, "Adagrad": adagrad, "Adadelta": adadelta,
    "RMSprop": rmsprop, "Adam": adam}


def together(rule: str, start: list[torch.Tensor], losses: Callable[[list[torch.Tensor], int], torch.Tensor],
             etas: torch.Tensor, T: int) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Train many nets: ``losses(params, t)`` gives one loss a net, ``etas`` (nets, 1, 1) one rate a net.

    Returns the parameters and the losses (T, nets), each taken before its step.
    """
    params, memories = [p.clone().requires_grad_() for p in start], [Memory() for _ in start]
    history = []
    for t in range(T):
        values = losses(params, t)
        slopes = torch.autograd.grad(values.sum(), params)
        history.append(values.detach())
        with torch.no_grad():
            for p, g, memory in zip(params, slopes, memories, strict=True):
                p -= etas * RULES[rule](g, memory, t)
    return [p.detach() for p in params], torch.stack(history)


def every_rule(name: str, train: Callable[[str], torch.Tensor]) -> tuple[list[Any], float]:
    """``train(rule)`` for all rules, continuing where a stopped run ended; the results and the seconds."""
    path = runs.partial(name)
    done = checkpoints.load(path)["done"] if path.exists() else {}
    for rule in RULES:
        if rule not in done:
            began = time.perf_counter()
            ends = train(rule).cpu().tolist()
            done[rule] = {"ends": ends, "seconds": time.perf_counter() - began}
            checkpoints.save(path, {"done": done})
            print(rule, f"{done[rule]['seconds']:.1f} s", flush=True)
    return [done[rule]["ends"] for rule in RULES], sum(entry["seconds"] for entry in done.values())
