"""Convolution four ways, against torch's own: how the costs grow with the image, the kernel, the channels.

    python benchmarks/convolution.py [--json] [--threads N] [--repeats N] [--store]

``loops``, ``toeplitz``, ``im2col`` and ``fft`` are those of ``dlhelpers.models.convolutional``;
the peer is ``torch-conv``, ``torch.nn.functional.conv2d``.  Before anything is timed their
results are compared with it in float64, and the script stops if one differs by more than
1e-12 of the largest output.  Three sweeps, all with float32 and output sides like the image's:

- ``image``: one channel, a kernel of 3 x 3, images of growing side n;
- ``kernel``: one channel, 128 x 128 pixels, kernels of growing side k;
- ``channels``: 32 channels to 32, 32 x 32 pixels, kernels of growing side k.

A growth exponent is the slope of log seconds against log size over the last three sizes.
``--store`` keeps the table in ``data/runs/11_convolution_costs.npz``.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import torch
from _report import Report, interleaved, parser

from dlhelpers import runs
from dlhelpers.models import convolutional

WAYS = ("loops", "toeplitz", "im2col", "fft")
#: Sweep -> (sizes, channels, fixed side of image or kernel, largest size for each way).
SWEEPS = {
    "image": ((8, 16, 32, 64, 128, 256, 512), 1, 3, {"loops": 128, "toeplitz": 64}),
    "kernel": ((3, 5, 9, 17, 33, 65), 1, 128, {"toeplitz": 0, "im2col": 33}),
    "channels": ((3, 5, 9, 17, 33), 32, 32, {"loops": 0, "toeplitz": 0}),
}


def problem(sweep: str, size: int) -> tuple[torch.Tensor, torch.Tensor, int]:
    """One image, kernels and the padding of a sweep at a size."""
    _, channels, fixed, _ = SWEEPS[sweep]
    n, k = (size, fixed) if sweep == "image" else (fixed, size)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, channels, n, n, generator=generator)
    return x, torch.randn(channels, channels, k, k, generator=generator), k // 2


def check(sweep: str, size: int, ways: list[str]) -> None:
    """All ways give what torch gives, in float64 and relative to the largest output."""
    x, w, padding = problem(sweep, size)
    x, w = x.double(), w.double()
    right = convolutional.correlate(x, w, padding=padding)
    for way in ways:
        gap = (convolutional.correlate(x, w, padding=padding, method=way) - right).abs().max() / right.abs().max()
        if not gap < 1e-12:
            sys.exit(f"{way} differs from torch by {float(gap):.1e} of the largest output: {sweep}, {size}")


def exponent(sizes: np.ndarray, seconds: np.ndarray) -> float:
    """Slope in log-log axes over the last three sizes that were timed."""
    timed = np.isfinite(seconds)
    return float(np.polyfit(np.log(sizes[timed][-3:]), np.log(seconds[timed][-3:]), 1)[0])


def main() -> int:
    """Time all sweeps; returns how many bars were missed: there are none."""
    options = parser(__doc__)
    options.add_argument("--threads", type=int, default=1, help="threads of torch (default 1)")
    options.add_argument("--store", action="store_true", help="keep the table in data/runs")
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    # One thread's own time: what else the machine does meanwhile costs little.
    clock = time.process_time if args.threads == 1 else time.perf_counter
    started, stored = time.perf_counter(), {}
    report = Report(f"Convolution, {args.threads} thread(s), seconds for one image", args.json)
    for sweep, (sizes, _, _, limits) in SWEEPS.items():
        table = np.full((len(WAYS) + 1, len(sizes)), np.nan)
        for column, size in enumerate(sizes):
            ways = [way for way in WAYS if size <= limits.get(way, size)]
            if size <= 65:
                check(sweep, size, ways)
            x, w, padding = problem(sweep, size)

            def seconds(way: str, x: torch.Tensor = x, w: torch.Tensor = w, padding: int = padding) -> float:
                # Repeated until it takes a hundredth of a second: a clock's tick is no measure.
                begun, times = clock(), 0
                while times == 0 or clock() - begun < 0.01:
                    convolutional.correlate(x, w, padding=padding, method=way)
                    times += 1
                return (clock() - begun) / times

            times = interleaved({way: lambda way=way: seconds(way) for way in ("torch", *ways)}, args.repeats)
            table[:, column] = [times.get(way, np.nan) for way in (*WAYS, "torch")]
            for way in ways:
                report.add(f"{way}, {sweep} {size}", times[way], "torch-conv", times["torch"])
        stored[sweep], stored[f"{sweep}_sizes"] = table, np.array(sizes)
        for way, row in zip((*WAYS, "torch-conv"), table, strict=True):
            if np.isfinite(row).sum() >= 3:
                slope = exponent(np.array(sizes, float), row)
                found = {"case": f"growth of {way} with the {'image' if sweep == 'image' else 'kernel'}, {sweep}",
                         "exponent": round(slope, 3)}
                print(json.dumps(found) if args.json else f"{found['case']:44} size to the {slope:.2f}", flush=True)
    if args.store:
        where = runs.save("11_convolution_costs", stored, command="python benchmarks/convolution.py --store", seed=0,
                          seconds=time.perf_counter() - started, ways=[*WAYS, "torch"], repeats=args.repeats)
        print(f"stored in {where.name}", file=sys.stderr)
    return report.finish()


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
