"""Loss surfaces: ours against the package loss-landscapes, and against a bare forward pass a point.

    python benchmarks/landscape.py [--json] [--threads N] [--repeats N] [--only CASE]

Same model, same directions, same data, same grid; before anything is timed the values are
compared, and the script stops if they differ by more than 1e-5.

- ``loss-landscapes``: ``planar_interpolation`` of version 3.0.6 (extra ``bench``).  It walks
  the grid in a zigzag and takes its values one step later on even rows than on odd ones;
  the comparison looks our values up where it took them.
- ``bare``: the model's own forward pass and the loss on all data, once for every grid
  point, without changing a parameter: what evaluating point by point costs at least.
- ``matrix products``: the CNN's multiply-adds, 1.2 G a point, as square products of 512 x 512
  matrices at the machine's speed; on one thread ours may take 1.3 times as long.
- ``torch alone``: for the small nets our own path without the compiled kernel.

The kernel is compiled before the clock starts; what its first use in a process costs is printed.

The trainings are short: what a surface costs does not depend on the weights.
"""

from __future__ import annotations

import copy
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from _report import Report, interleaved, parser
from torch import nn

from dlhelpers import data, landscapes, training
from dlhelpers.models.mlp import mlp

TOLERANCE = 1e-5
#: (case, points a side, least ratio to loss-landscapes).
BARS = {"MLP 784-256-10": 8.0, "MLP 2-16-16-2 relu": 8.0, "MLP 2-16-16-2 tanh": 7.0, "CNN": 2.5}
#: Multiply-adds of the CNN for one image: three convolutions and the read-out.
CNN_PRODUCTS = 14**2 * 32 * 9 + 7**2 * 32 * 288 + 4**2 * 32 * 288 + 512 * 10
#: On one thread the CNN's surface may take so many times the time of its bare products.
CNN_ALLOWED = 1.3


def cnn() -> nn.Module:
    """The lecture's network of three convolutions and a linear read-out: 23 946 parameters."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return nn.Sequential(nn.Conv2d(1, 32, 3, stride=2, padding=1), nn.ReLU(),
                             nn.Conv2d(32, 32, 3, stride=2, padding=1), nn.ReLU(),
                             nn.Conv2d(32, 32, 3, stride=2, padding=1), nn.ReLU(),
                             nn.Flatten(), nn.Linear(512, 10))


def cases() -> dict[str, tuple[nn.Module, training.Data, int]]:
    """Case -> (model, data, points a side)."""
    digits = data.digits("bundled")
    X, y = torch.cat([digits.X_train, digits.X_test]), torch.cat([digits.y_train, digits.y_test])
    moons = data.toy.moons(400, noise=0.1, seed=0)
    return {"MLP 784-256-10": (mlp([784, 256, 10], seed=0), (X, y), 21),
            "MLP 2-16-16-2 relu": (mlp([2, 16, 16, 2], seed=0), moons, 101),
            "MLP 2-16-16-2 tanh": (mlp([2, 16, 16, 2], "tanh", seed=0), moons, 101),
            "CNN": (cnn(), (X.reshape(-1, 1, 28, 28), y), 11)}


class Contest:
    """One case: a model in the middle of a plane of ``points`` x ``points``."""

    def __init__(self, model: nn.Module, pair: training.Data, points: int, radius: float = 0.5) -> None:
        training.fit(model, pair, nn.CrossEntropyLoss(), eta=0.1, epochs=2, batch=50, progress=False)
        self.model, self.pair, self.points, self.loss = model, pair, points, nn.CrossEntropyLoss()
        self.directions = landscapes.random_plane(model, seed=0)
        # The peer takes steps of 2 radius / points from the corner (-radius, -radius).
        self.axis = -radius + 2 * radius * np.arange(points + 1) / points
        first, second = self.directions
        self.corner = self._moved([-radius * (a + b) for a, b in zip(first, second, strict=True)])
        steps = [[2 * radius * d for d in end] for end in self.directions]
        self.ends = [self._moved([-radius * (a + b) + d for a, b, d in zip(first, second, step, strict=True)])
                     for step in steps]

    def _moved(self, by: list[torch.Tensor]) -> nn.Module:
        moved = copy.deepcopy(self.model)
        with torch.no_grad():
            for p, d in zip(moved.parameters(), by, strict=True):
                p.add_(d)
        return moved

    def surface(self, more: int = 0, method: str = "auto") -> landscapes.Surface:
        """Our surface; rows follow the second direction."""
        return landscapes.surface(self.model, self.loss, self.pair, self.directions, a=self.axis[:self.points],
                                  b=self.axis[:self.points + more], method=method)

    def ours(self) -> None:
        """The surface as a user gets it."""
        self.surface()

    def peer(self) -> np.ndarray:
        """Theirs; rows follow the first direction."""
        import loss_landscapes
        from loss_landscapes.metrics import Loss

        return loss_landscapes.planar_interpolation(self.corner, *self.ends, Loss(self.loss, *self.pair),
                                                    steps=self.points, deepcopy_model=True)

    def bare(self) -> None:
        """Forward passes and losses alone."""
        X, y = self.pair
        with torch.no_grad():
            for _ in range(self.points**2):
                self.loss(self.model(X), y).item()

    def difference(self) -> float:
        """Largest difference of the two surfaces, relative to losses above one."""
        theirs, wider = self.peer(), self.surface(more=1).values
        taken = np.stack([wider[1 - i % 2:self.points + 1 - i % 2, i] for i in range(self.points)])
        return float((np.abs(theirs - taken) / np.maximum(1, np.abs(taken))).max())


def products(multiply_adds: float) -> float:
    """Seconds that so many multiply-adds take as products of 512 x 512 matrices, after a warm-up."""
    a, b = torch.randn(512, 512), torch.randn(512, 512)
    out = torch.empty(512, 512)
    best = float("inf")
    for _ in range(30):
        started = time.perf_counter()
        torch.mm(a, b, out=out)
        best = min(best, time.perf_counter() - started)
    return best * multiply_adds / 512**3


def main() -> int:
    """Compare the values, time the contestants, print; returns how many bars were missed."""
    options = parser(__doc__ or "")
    options.add_argument("--threads", type=int, default=1, help="threads for torch and for ours")
    options.add_argument("--only", choices=sorted(BARS), help="the case to run")
    chosen = options.parse_args()
    torch.set_num_threads(chosen.threads)
    report = Report(f"loss surfaces, {chosen.threads} threads", chosen.json)
    for name, (model, pair, points) in cases().items():
        if chosen.only not in (None, name):
            continue
        contest = Contest(model, pair, points)
        started = time.perf_counter()
        method = contest.surface().method
        first = time.perf_counter() - started
        difference = contest.difference()
        if not difference <= TOLERANCE:
            sys.exit(f"{name}: the two surfaces differ by {difference:.2e}, more than {TOLERANCE:g}")
        contestants: dict[str, Callable[[], object]] = {"ours": contest.ours, "loss-landscapes": contest.peer,
                                                        "bare": contest.bare}
        if method == "compiled":
            contestants["torch alone"] = lambda contest=contest: contest.surface(method="fused")  # type: ignore[misc]
        speed = float("inf")
        if name == "CNN":
            speed = products(points**2 * len(pair[0]) * CNN_PRODUCTS)
        best = interleaved(contestants, repeats=chosen.repeats, warm_up=0)
        report.add(name, best["ours"], "loss-landscapes", best["loss-landscapes"], bar=BARS[name],
                   note=f"{points} x {points}, {method}, values agree within {difference:.0e}; "
                        f"the first took {first:.2f} s")
        for peer in contestants.keys() - {"ours", "loss-landscapes"}:
            report.add(name, best["ours"], peer, best[peer])
        if name == "CNN":
            speed = min(speed, products(points**2 * len(pair[0]) * CNN_PRODUCTS))
            report.add(name, best["ours"], "matrix products", speed,
                       bar=1 / CNN_ALLOWED if chosen.threads == 1 else None)
    return report.finish()


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
