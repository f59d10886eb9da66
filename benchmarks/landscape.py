"""Loss surfaces: ours against the package loss-landscapes, and against a bare forward pass a point.

    python benchmarks/landscape.py [--json] [--threads N] [--repeats N]

Same model, same directions, same data, same grid; before anything is timed the values are
compared, and the script stops if they differ by more than 1e-5.

- ``loss-landscapes``: ``planar_interpolation`` of version 3.0.6 (extra ``bench``).  It walks
  the grid in a zigzag and takes its values one step later on even rows than on odd ones;
  the comparison looks our values up where it took them.
- ``bare``: the model's own forward pass and the loss on all data, once for every grid
  point, without changing a parameter: what evaluating point by point costs at least.

The trainings are short: what a surface costs does not depend on the weights.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from _report import Report, interleaved, parser
from dlhelpers import data, landscapes, training
from dlhelpers.models.mlp import mlp

TOLERANCE = 1e-5
#: (case, points a side, least ratio to loss-landscapes).
BARS = {"MLP 784-256-10": 10.0, "MLP 2-16-16-2 relu": 7.0, "MLP 2-16-16-2 tanh": 3.0, "CNN": 3.0}


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
        self.corner = self._moved([-radius * (a + b) for a, b in zip(first, second)])
        self.ends = [self._moved([-radius * (a + b) + 2 * radius * d for a, b, d in zip(first, second, end)])
                     for end in self.directions]

    def _moved(self, by: list[torch.Tensor]) -> nn.Module:
        moved = copy.deepcopy(self.model)
        with torch.no_grad():
            for p, d in zip(moved.parameters(), by):
                p.add_(d)
        return moved

    def ours(self, more: int = 0) -> np.ndarray:
        """Our surface; rows follow the second direction."""
        return landscapes.surface(self.model, self.loss, self.pair, self.directions, a=self.axis[:self.points],
                                  b=self.axis[:self.points + more]).values

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
        theirs, wider = self.peer(), self.ours(more=1)
        taken = np.stack([wider[1 - i % 2:self.points + 1 - i % 2, i] for i in range(self.points)])
        return float((np.abs(theirs - taken) / np.maximum(1, np.abs(taken))).max())


def main() -> None:
    """Compare the values, time the contestants, print."""
    options = parser(__doc__)
    options.add_argument("--threads", type=int, default=2, help="threads for torch")
    options.add_argument("--only", help="the case to run")
    chosen = options.parse_args()
    torch.set_num_threads(chosen.threads)
    report = Report(f"loss surfaces, {chosen.threads} threads", chosen.json)
    for name, (model, pair, points) in cases().items():
        if chosen.only not in (None, name):
            continue
        contest = Contest(model, pair, points)
        difference = contest.difference()
        if not difference <= TOLERANCE:
            sys.exit(f"{name}: the two surfaces differ by {difference:.2e}, more than {TOLERANCE:g}")
        contestants: dict[str, Callable[[], object]] = {"ours": contest.ours, "loss-landscapes": contest.peer,
                                                        "bare": contest.bare}
        best = interleaved(contestants, repeats=chosen.repeats)
        report.add(name, best["ours"], "loss-landscapes", best["loss-landscapes"], bar=BARS[name],
                   note=f"{points} x {points}, values agree within {difference:.0e}")
        report.add(name, best["ours"], "bare", best["bare"])
    report.print()


if __name__ == "__main__":
    main()
