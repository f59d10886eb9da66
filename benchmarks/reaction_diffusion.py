"""Gray-Scott at 256 x 256, float32: the compiled loop against numpy with roll, torch conv2d and py-pde.

All start from the same fields, take the same steps (dt = 1, h = 1, periodic) and must end
with the same numbers, within rounding; one core.  Then the compiled loop from 128 x 128 to
1024 x 1024, and the GPU, also with many parameter pairs at once, if there is one.

    python benchmarks/reaction_diffusion.py [--json]
"""

# ruff: noqa: E402 (threads are set before numpy and torch are imported)

from __future__ import annotations

import functools
import importlib.util
import os

# One core for everybody; the libraries read this when they are imported.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import sys
import time
from collections.abc import Callable

import _report
import numpy as np
import torch

from dlhelpers.patterns import gray_scott
from dlhelpers.patterns.gray_scott import DU, DV

F, K = 0.0367, 0.0649
#: Growth of rounding over the compared steps, measured against float64: a few hundred units.
TOLERANCE = 2e-4
#: Least ratios; and least million cells a second.  The peers' times vary sevenfold between machines.
BARS, LEAST = {"numpy": 10.0, "py-pde inner loop": 10.0, "py-pde": 10.0}, 800


def by_numpy(u: np.ndarray, v: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """What most people write: ``np.roll`` four times for each field."""
    def lap(x: np.ndarray) -> np.ndarray:
        return np.roll(x, 1, 0) + np.roll(x, -1, 0) + np.roll(x, 1, 1) + np.roll(x, -1, 1) - 4 * x

    for _ in range(steps):
        uvv = u * v * v
        u, v = (u + np.float32(DU) * lap(u) - uvv + np.float32(F) * (1 - u),
                v + np.float32(DV) * lap(v) + uvv - np.float32(F + K) * v)
    return u, v


def by_conv2d(u: np.ndarray, v: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Both Laplacians as one grouped convolution over circular padding."""
    stencil = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])
    kernel = torch.stack([DU * stencil, DV * stencil])[:, None]
    x = torch.from_numpy(np.stack([u, v]))[None]
    with torch.no_grad():
        for _ in range(steps):
            padded = torch.nn.functional.pad(x, (1, 1, 1, 1), mode="circular")
            spread = torch.nn.functional.conv2d(padded, kernel, groups=2)
            a, b = x[:, :1], x[:, 1:]
            abb = a * b * b
            x = x + spread + torch.cat([F * (1 - a) - abb, abb - (F + K) * b], 1)
    return x[0, 0].numpy(), x[0, 1].numpy()


def pypde(u: np.ndarray, v: np.ndarray) -> dict[str, Callable[[int], tuple[np.ndarray, np.ndarray]]]:
    """py-pde two ways: ``solve`` as its manual shows, and the loop inside it, compiled beforehand.

    ``solve`` gets the numpy backend, the faster one here: with "numba", its default, each
    call compiles again for twenty seconds.  It computes in float64.
    """
    import pde

    grid = pde.CartesianGrid([[0, n] for n in u.shape], list(u.shape), periodic=True)
    equation = pde.PDE({"u": f"{DU} * laplace(u) - u * v**2 + {F} * (1 - u)",
                        "v": f"{DV} * laplace(v) + u * v**2 - {F + K} * v"})
    start = pde.FieldCollection([pde.ScalarField(grid, x, dtype=np.float32) for x in (u, v)])
    stepper = pde.EulerSolver(equation, backend="numba").make_stepper(start, dt=1.0)

    def solve(steps: int) -> tuple[np.ndarray, np.ndarray]:
        final = equation.solve(start, t_range=steps, dt=1.0, tracker=None, backend="numpy")
        return final[0].data, final[1].data

    def loop(steps: int) -> tuple[np.ndarray, np.ndarray]:
        state = start.copy()
        stepper(state, 0.0, float(steps))
        return state[0].data, state[1].data

    return {"py-pde": solve, "py-pde inner loop": loop}


def agree(fields: tuple[np.ndarray, np.ndarray], right: tuple[np.ndarray, np.ndarray], who: str) -> None:
    """Both fields within rounding, or the comparison would not be one of equal work."""
    gap = max(float(np.abs(a - b).max()) for a, b in zip(fields, right, strict=True))
    if not gap < TOLERANCE:
        raise SystemExit(f"{who} computes something else: largest difference {gap:g}")


def main() -> int:
    """Compare the fields, time the contestants, print; returns how many bars were missed."""
    options = _report.parser(__doc__)
    options.set_defaults(repeats=15)  # short runs: the best of many finds the machine at rest
    arguments = options.parse_args()
    torch.set_num_threads(1)
    report = _report.Report("reaction-diffusion", arguments.json)
    steps, n = 100, 256
    ours = gray_scott.solver(F, K, *gray_scott.seed_fields((n, n), spots=12)).run(20_000)
    # A grown pattern: around fresh seeds most values are too small for float32's full
    # precision, and processors handle those slowly, each program in its own measure.
    u, v = ours.u[0], ours.v[0]

    def by_ours(count: int = steps) -> tuple[np.ndarray, np.ndarray]:
        ours.put(u, v)
        ours.run(count)
        return ours.u[0], ours.v[0]

    peers = {"numpy": lambda: by_numpy(u, v, steps), "torch-conv": lambda: by_conv2d(u, v, steps)}
    if importlib.util.find_spec("pde"):
        peers |= {name: functools.partial(run, steps) for name, run in pypde(u, v).items()}
    right = by_ours()
    for name, peer in peers.items():
        agree(peer(), right, name)

    def ours_timed() -> float:
        ours.put(u, v)
        started = time.perf_counter()
        ours.run(10 * steps)  # ten times the work, for the clock
        return (time.perf_counter() - started) / 10

    best = _report.interleaved({"ours": ours_timed, **peers}, arguments.repeats)
    rate = n * n * steps / best["ours"] / 1e6
    for name in peers:
        report.add(f"Gray-Scott {n}", best["ours"], name, best[name], note=f"{rate:.0f} Mcell/s", bar=BARS.get(name))
    report.add(f"Gray-Scott {n}", best["ours"], f"{LEAST} Mcell/s", n * n * steps / (LEAST * 1e6), bar=1.0)

    sizes, seconds = np.array([128, 256, 512, 1024]), []
    for size in sizes:
        fields = gray_scott.seed_fields((size, size), spots=12)
        solver = gray_scott.solver(F, K, *fields)
        count = int(2e8 / size**2)
        timed = _report.interleaved({"ours": functools.partial(solver.run, count)}, arguments.repeats)
        seconds.append(timed["ours"] / count)
    exponent = np.polyfit(np.log(sizes.astype(float) ** 2), np.log(seconds), 1)[0]
    for size, spent in zip(sizes, seconds, strict=True):
        report.add(f"Gray-Scott step {size}", spent, "linear from 128", seconds[0] * (size / 128) ** 2,
                   note=f"{size**2 / spent / 1e6:.0f} Mcell/s, time ~ cells^{exponent:.2f}")

    if torch.cuda.is_available():
        for size, batch in ((256, 1), (256, 64), (1024, 1), (1024, 64)):
            fields = gray_scott.seed_fields((size, size), spots=12)
            pairs = {"F": np.full(batch, F), "k": np.full(batch, K)}
            gpu = gray_scott.solver(**pairs, u=fields[0], v=fields[1], backend="torch", device="cuda")
            cpu = gray_scott.solver(F, K, *fields)

            def on_gpu(gpu=gpu) -> None:
                gpu.run(200)
                torch.cuda.synchronize()

            spent = _report.interleaved({"gpu": on_gpu, "cpu": functools.partial(cpu.run, 200)}, arguments.repeats)
            report.add(f"Gray-Scott {size} x {batch} {torch.cuda.get_device_name()}", spent["gpu"] / 200, "one core",
                       batch * spent["cpu"] / 200, note=f"{batch * size**2 * 200 / spent['gpu'] / 1e6:.0f} Mcell/s")
    return report.finish()


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
