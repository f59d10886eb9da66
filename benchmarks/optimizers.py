"""Optimisers: lecture N's 100 000 steps on Rosenbrock, and our from-scratch steps against torch.optim.

    python benchmarks/optimizers.py [--json]

``descend`` is the compiled loop (compiled before the clock starts; its first call, which
compiles, is printed apart), ``iterate`` the numpy loop that works on any objective.  The
ratios with ``torch.optim`` are for information: there autograd finds the gradient, here it
is a formula.  The bar is lecture N's run in under 2 s.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from _report import Report, interleaved, parser

from dlhelpers import descent, objectives

N_STEPS, STEPS, BAR_S = 100_000, 1000, 2.0
START = (0.2, -0.2)


def torch_steps(kind: Callable[..., torch.optim.Optimizer], steps: int, **constants: float) -> None:
    """``steps`` of one of torch's optimisers on Rosenbrock, gradient from autograd."""
    theta = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimiser = kind([theta], **constants)
    for _ in range(steps):
        optimiser.zero_grad()
        ((1 - theta[0]) ** 2 + 100 * (theta[1] - theta[0] ** 2) ** 2).backward()
        optimiser.step()


def main() -> None:
    """Time, print, and fail if lecture N's run takes two seconds."""
    options = parser(__doc__ or "").parse_args()
    torch.set_num_threads(1)
    began = time.perf_counter()
    descent.descend("Rosenbrock", START, descent.Adam(0.01), 10)
    compiling = time.perf_counter() - began
    report = Report("optimisers", options.json)
    rosenbrock = objectives.Rosenbrock()
    fixed = descent.Momentum(0.001, 0.0)
    times = interleaved({
        "ours": lambda: descent.descend("Rosenbrock", START, fixed, N_STEPS),
        "peer": lambda: descent.iterate(rosenbrock, START, fixed, N_STEPS),
    }, repeats=min(options.repeats, 3), warm_up=0)
    n_run = times["ours"]
    report.add("Rosenbrock 100 000 steps", n_run, "iterate", times["peer"],
               note=f"must stay under {BAR_S:g} s; first call compiles, {compiling:.1f} s")
    for name, rule, kind, constants in (
            ("momentum", descent.Momentum(1e-3), torch.optim.SGD, {"lr": 1e-3, "momentum": 0.9}),
            ("Adagrad", descent.Adagrad(0.1), torch.optim.Adagrad, {"lr": 0.1}),
            ("Adadelta", descent.Adadelta(), torch.optim.Adadelta, {}),
            ("RMSprop", descent.RMSprop(0.01), torch.optim.RMSprop, {"lr": 0.01}),
            ("Adam", descent.Adam(0.01), torch.optim.Adam, {"lr": 0.01})):
        times = interleaved({
            "ours": lambda rule=rule: descent.iterate(rosenbrock, START, rule, STEPS),
            "peer": lambda kind=kind, constants=constants: torch_steps(kind, STEPS, **constants),
        }, repeats=min(options.repeats, 3), warm_up=0)
        report.add(f"{name}, 1000 steps", times["ours"], "torch.optim", times["peer"], note="for information")
    if n_run >= BAR_S:
        raise SystemExit(f"lecture N's run took {n_run:.2f} s, over {BAR_S:g} s")


if __name__ == "__main__":
    main()
