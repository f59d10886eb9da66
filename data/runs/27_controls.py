"""Record the controls of lecture 27: a null that keeps covariance and norms, and the Xavier setting.

    python data/runs/27_controls.py

First, two players in the standard parametrisation: Xavier weights, no factor in front, Adam with
rate 0.001, on MNIST averaged to 14×14 pixels, m = 256, 5 000 steps.  Second, the Adam runs of
``27_patterns_digits`` at half the width, m = 256, 3 000 steps.  Five seeds each, supervised and
adversarial.  The final clouds of all of them are compared with surrogates: clouds of the same mean,
covariance and norms.  Stopped, the same command continues.
"""

from __future__ import annotations

import time
from typing import Any

import _patterns
import numpy as np
import torch

from dlhelpers import files, runs
from dlhelpers.adversarial import point_statistics, two_layer
from dlhelpers.adversarial.game import Game

NAME = "27_controls"
SEEDS = [0, 1, 2, 3, 4]
SNAPSHOTS = [0, 500, 1500, 3000, 5000]
DRAWS = {"U": 99, "V": 999}


class Standard(Game):
    """The game in the standard parametrisation: f = Vσ(Ux), g = aᵀσ(Wy), Xavier weights, Adam 0.001.

    With c the factor of ``two_layer``, f(U, V) there is this f for V/c: so the package's
    gradients serve, at V/c and a/c, and the chain rule divides those in V and a by c.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in "UVWa":
            weight = self.weights[name]
            rows, columns = weight.shape if weight.ndim == 2 else (1, len(weight))
            weight *= (2 / (rows + columns)) ** 0.5
        self.start = {name: weight.clone() for name, weight in self.weights.items()}
        self.factor = two_layer.scale(self.m, self.Y.shape[1])
        for optimizer in (self._of_G, self._of_D):
            optimizer.param_groups[0]["lr"] = 0.001

    def step(self) -> None:
        """As in Game."""
        U, V, W, a = (self.weights[name] for name in "UVWa")
        c = self.factor
        rows = torch.randint(len(self.X), (self.batch,), generator=self._batches).to(self.X.device)
        X, Y = self.X[rows], self.Y[rows]
        self.step_count += 1
        h, f = two_layer.forward(U, V / c, X)
        signal = Y - f
        if self.adversary > 0:
            mix = torch.rand(self.batch, 1, generator=self._mixing, dtype=X.dtype).to(X.device)
            W.grad, to_a = two_layer.critic_gradients(W, a / c, Y, f, mix * Y + (1 - mix) * f, self.penalty)
            a.grad = to_a / c
            self._of_D.step()
            signal = signal + self.adversary * two_layer.critic_slope(W, a / c, f)
        U.grad, to_V = two_layer.pull_back(V / c, X, h, -signal / self.batch)
        V.grad = to_V / c
        self._of_G.step()

    def measure(self, X: torch.Tensor, Y: torch.Tensor) -> dict[str, float]:
        """As in Game; distances are those of these weights."""
        kept = dict(self.weights)
        moved = {f"move_{name}": float((kept[name] - self.start[name]).norm()) for name in "UV"}
        self.weights.update(V=kept["V"] / self.factor, a=kept["a"] / self.factor)
        result = super().measure(X, Y)
        self.weights.update(kept)
        return {**result, **moved}


def kept(key: str, make: Any) -> dict[str, Any]:
    """A part of the experiment: computed once, stored beside the checkpoints."""
    place = runs.partial(f"{NAME}_{key}")
    if not place.exists():
        clock = time.process_time()
        out = make()
        out["seconds"] = time.process_time() - clock
        place.parent.mkdir(parents=True, exist_ok=True)
        with files.atomic(place) as temporary:
            torch.save(out, temporary)
        print(f"{key}: {out['seconds']:.0f} s, {out.get('said', '')}", flush=True)
    return torch.load(place, weights_only=True)


def standard(X: torch.Tensor, Y: torch.Tensor, mode: str, seed: int) -> dict[str, Any]:
    """One run of the Xavier setting."""
    game = Standard(X, Y, m=256, optimizer="adam", adversary=_patterns.MODES[mode], seed=seed)
    curves, statistics = [], []
    for t in range(SNAPSHOTS[-1] + 1):
        if t % 100 == 0:
            curves.append(list(game.measure(X[:1000], Y[:1000]).values()))
        if t in SNAPSHOTS:
            U, V = game.weights["U"].cpu(), game.weights["V"].T.cpu()
            statistics.append([point_statistics.measure(U).tolist(), point_statistics.measure(V).tolist()])
        if t < SNAPSHOTS[-1]:
            game.step()
    return {"curves": curves, "statistics": statistics, "U": U.clone(), "V": V.clone(),
            "start": [float(game.start[k].norm()) for k in "UV"],
            "said": f"moved {np.round(curves[-1], 3)}, U {np.round(statistics[-1][0], 3)}"
                    f" V {np.round(statistics[-1][1], 3)}"}


def hopkins(points: torch.Tensor, mixing: torch.Tensor) -> float:
    """``point_statistics.hopkins`` in float32."""
    C = points - points.mean(0)
    near, squares = [], (C * C).sum(1)
    for probes, itself in ((mixing @ C, 0.0), (C, 1e9)):
        D = torch.addmm(squares[None], probes, C.T, alpha=-2) + (probes * probes).sum(1, keepdim=True)
        D.diagonal().add_(itself)
        near.append(float(D.amin(1).clamp_min(0).sqrt().double().sum()))
    return near[0] / (near[0] + near[1])


def surrogates(cloud: torch.Tensor, draws: int) -> dict[str, Any]:
    """The Hopkins statistic of a cloud and of its surrogates, and how well those keep the covariance."""
    m = len(cloud)
    points = cloud.double().numpy()
    mixing = torch.from_numpy(np.random.default_rng(0).standard_normal((m, m)) / np.sqrt(m)).float()
    maker = point_statistics.Surrogates(points.astype(np.float32))
    values = torch.tensor([hopkins(torch.from_numpy(maker.draw(seed)), mixing) for seed in range(draws)])
    observed, missed = point_statistics.hopkins(points), maker.missed(0)
    return {"observed": observed, "values": values, "missed": missed,
            "said": f"observed {observed:.4f}, surrogates {values.mean():.4f} ± {values.std():.4f}, "
                    f"covariance within {missed:.4f}"}


def main() -> None:
    """All parts, seed after seed, then the file."""
    torch.set_num_threads(1)
    small, Y = _patterns.load("mnist")
    small = small.reshape(-1, 14, 2, 14, 2).mean((2, 4)).reshape(len(small), -1)     # (n, 196)
    small = two_layer.unit(small)
    digits, targets = _patterns.load("bundled")
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for seed in SEEDS:
        for mode in _patterns.MODES:
            found["xavier", mode, seed] = kept(f"xavier_{mode}_{seed}",
                                               lambda: standard(small, Y, mode, seed))  # noqa: B023
    for seed in SEEDS:
        for mode in _patterns.MODES:
            found["adam", mode, seed] = _patterns.train(
                NAME, digits, targets, m=256, optimizer="adam", mode=mode, seed=seed, snapshots=[0, 3000], every=500,
                keep=False)
    for setting, mode, seed in list(found):
        run = found[setting, mode, seed]
        clouds = dict(zip("UV", run["kept"][-1], strict=True)) if setting == "adam" else run
        for layer in "UV":
            found[setting, mode, seed, layer] = kept(
                f"{setting}_{mode}_{seed}_{layer}", lambda: surrogates(clouds[layer], DRAWS[layer]))  # noqa: B023
    store(found)


def store(found: dict[tuple[Any, ...], dict[str, Any]]) -> None:
    """Pictures of seed 0, the fresh null of the Xavier clouds, and the file."""
    def grid(pick: Any) -> np.ndarray:
        return np.array([[pick(mode, seed) for seed in SEEDS] for mode in _patterns.MODES])

    def both(setting: str, what: str, layer: str) -> np.ndarray:
        return grid(lambda mode, seed: np.asarray(found[setting, mode, seed, layer][what])).astype(np.float32)

    pictures = [[_patterns.embed([found["xavier", mode, 0][layer].numpy()])[0] for layer in "UV"]
                for mode in _patterns.MODES]
    arrays = {f"xavier_{what}": grid(lambda mode, seed: found["xavier", mode, seed][what]).astype(np.float32)  # noqa: B023
              for what in ("curves", "statistics", "start")}
    arrays |= {f"adam_{what}": grid(lambda mode, seed: found["adam", mode, seed][what]).astype(np.float32)  # noqa: B023
               for what in ("curves", "statistics")}
    arrays |= {"xavier_film": np.array(pictures), "snapshots": np.array(SNAPSHOTS),
               "curve_steps": np.arange(0, SNAPSHOTS[-1] + 1, 100),
               "xavier_null_U": _patterns.null(256, 196, 499).astype(np.float32),
               "adam_null_U": _patterns.null(256, 784, 199).astype(np.float32),
               "null_V": _patterns.null(256, 10, 499).astype(np.float32)}
    for setting in ("xavier", "adam"):
        for layer in "UV":
            for what in ("observed", "missed", "values"):
                arrays[f"{setting}_{layer}_{what}"] = both(setting, what, layer)
    print(runs.save(NAME, arrays, command=f"python data/runs/{NAME}.py", seed=SEEDS,
                    seconds=sum(r["seconds"] for r in found.values()), modes=list(_patterns.MODES), batch=200,
                    penalty=10.0, xavier={"m": 256, "source": "mnist 14×14", "rate": 0.001},
                    adam={"m": 256, "source": "bundled", "rate": 0.01},
                    curve_names=["move_U", "move_V", "risk", "accuracy", "residual", "slope", "score_difference"],
                    statistic_names=list(point_statistics.STATISTICS)))


if __name__ == "__main__":
    main()
