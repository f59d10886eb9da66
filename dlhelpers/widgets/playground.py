"""Lecture 07: a playground; choose data and a net, train it, watch every hidden unit."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import ipywidgets
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from dlhelpers import data, descent
from dlhelpers.plotting import style
from dlhelpers.widgets import live

REACH, SIDE = 1.35, 52
POINTS, STEPS = 200, 20
WIDTH, DEPTH, TILE = 6, 4, 26

Function = Callable[[np.ndarray], np.ndarray]


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * z))


#: Name -> (activation of z, its derivative from z and the activation a).
ACTIVATIONS: dict[str, tuple[Function, Callable[[np.ndarray, np.ndarray], np.ndarray]]] = {
    "tanh": (np.tanh, lambda z, a: 1 - a * a),
    "relu": (lambda z: np.maximum(z, 0), lambda z, a: (z > 0).astype(z.dtype)),
    "sigmoid": (_sigmoid, lambda z, a: a * (1 - a)),
    "gaussian": (lambda z: np.exp(-z * z), lambda z, a: -2 * z * a),
    "identity": (lambda z: z, lambda z, a: np.ones_like(z)),
}


def points(kind: str, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of two classes within about ±1.

    :param kind: "rings", "xor", "moons", "spirals" or "blobs".
    :param noise: standard deviation of what is added.
    :param seed: of the draw.
    :returns: points (POINTS, 2) and labels (POINTS,), 0 or 1.
    """
    make: Any = {"rings": data.toy.rings, "xor": data.toy.xor, "moons": data.toy.moons,
            "spirals": lambda **k: data.toy.spirals(turns=1.0, **k), "blobs": data.toy.blobs}[kind]
    spread = 0.35 + noise if kind == "blobs" else noise
    X, y = make(n=POINTS, noise=spread, seed=seed, **({"distance": 1.4} if kind == "blobs" else {}))
    X = X.double().numpy()
    return ((X - [0.5, 0.25]) / 1.4 if kind == "moons" else X), y.double().numpy()


class SmallNet:
    """A net of a few units for two inputs and two classes, trained by Adam on all points at once.

    Written in numpy: at this size a torch step spends its time between the operations.
    The loss is the mean cross-entropy of σ(output).

    :param sizes: widths of all layers, from 2 inputs to 1 output.
    :param activation: one of ``ACTIVATIONS``.
    :param seed: of the start.
    """

    def __init__(self, sizes: list[int], activation: str, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.activation, self.derivative = ACTIVATIONS[activation]
        shapes: list[tuple[int, ...]] = [*itertools.pairwise(sizes), *((b,) for b in sizes[1:])]
        ends = np.cumsum([math.prod(s) for s in shapes])
        #: All weights, then all biases; W and b are views of it.
        self.theta = np.zeros(ends[-1])
        parts = np.split(self.theta, ends[:-1])
        views = [v.reshape(s) for v, s in zip(parts, shapes, strict=True)]                  # (d_in, d_out), (d_out,)
        self.W, self.b = views[:len(sizes) - 1], views[len(sizes) - 1:]
        for W in self.W:
            W[:] = rng.normal(size=W.shape) * np.sqrt(1.5 / len(W))
        for b in self.b:
            b[:] = 0.3 * rng.normal(size=b.shape)
        self.b[-1][:] = 0
        self.steps, self._eta = 0, 0.0
        self._rule = descent.Adam(lambda _: self._eta)
        self._rule.begin(self.theta)

    def layers(self, X: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """All pre-activations and all activations.

        :param X: (n, 2) inputs.
        :returns: z and a of every layer; the last a is the output, (n, 1).
        """
        z, a = [], [X]
        for W, b in zip(self.W[:-1], self.b[:-1], strict=True):
            z.append(a[-1] @ W + b)
            a.append(self.activation(z[-1]))
        return z, [*a, a[-1] @ self.W[-1] + self.b[-1]]

    def gradients(self, X: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        """Backpropagation.

        :param X: (n, 2) points.
        :param y: (n,) labels 0 or 1.
        :returns: the gradients of all weights, then of all biases.
        """
        z, a = self.layers(X)
        delta = (_sigmoid(a[-1]) - y[:, None]) / len(y)
        gW, gb = [a[-2].T @ delta], [delta.sum(0)]
        for layer in range(len(z) - 1, -1, -1):
            delta = (delta @ self.W[layer + 1].T) * self.derivative(z[layer], a[layer + 1])
            gW.append(a[layer].T @ delta)
            gb.append(delta.sum(0))
        return gW[::-1] + gb[::-1]

    def train(self, X: np.ndarray, y: np.ndarray, eta: float, steps: int) -> None:
        """Steps of Adam, all points in each.

        :param X: (n, 2) points.
        :param y: (n,) labels 0 or 1.
        :param eta: learning rate.
        :param steps: how many.
        """
        self._eta = eta

        def gradient(_: np.ndarray) -> np.ndarray:
            return np.concatenate([g.reshape(-1) for g in self.gradients(X, y)])                     # (N,)

        for _ in range(steps):
            self.theta[:] = self._rule.step(self.steps, self.theta, gradient)
            self.steps += 1

    def loss(self, X: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        """Mean cross-entropy and accuracy.

        :param X: (n, 2) points.
        :param y: (n,) labels 0 or 1.
        :returns: both numbers.
        """
        output = self.layers(X)[1][-1][:, 0]
        return float(np.mean(np.logaddexp(0, output) - y * output)), float(np.mean((output > 0) == (y > 0.5)))


class PlaygroundExplorer(live.Explorer):
    """Left: points and the net's answer everywhere.  Middle: what each hidden unit answers.
    Right: the loss on the points it learns from and on others.

    Three ways to train: until it is stopped, forty steps, one step.  Any other choice but η starts a new net.
    """

    title = "Playground: choose data and a net, then train it"
    alt = "Points of two classes and a small net's answer everywhere; what each hidden unit answers; the loss by step"

    def __init__(self) -> None:
        ticks = np.linspace(-REACH, REACH, SIDE)
        self._grid = np.stack(np.meshgrid(ticks, ticks), -1).reshape(-1, 2)
        self._small = np.stack(np.meshgrid(*2 * [np.linspace(-REACH, REACH, TILE)]), -1).reshape(-1, 2)
        self._setting: tuple[Any, ...] = ()
        self._frame = self._seed = 0
        self.live = live.LiveFigure(figsize=(11.5, 4.4), ncols=3, width_ratios=[1, 0.72, 1])
        left, middle, right = self.live.axes
        two = LinearSegmentedColormap.from_list("classes", [style.VERMILION, "white", style.BLUE])
        move = self.live.moving
        window = {"extent": (-REACH, REACH, -REACH, REACH), "origin": "lower", "cmap": two, "interpolation": "nearest"}
        self._surface = move(left.imshow(np.zeros((SIDE, SIDE)), vmin=-0.15, vmax=1.15, **window))
        self._marks = [move(left.plot([], [], marker, color=color, markersize=6, markeredgecolor="white",
                                      markeredgewidth=0.7)[0])
                       for marker, color in (("s", style.VERMILION), ("o", style.BLUE))]
        left.set(xlabel="$x_1$", ylabel="$x_2$", title="the net's answer", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
        left.grid(False)
        rows, columns = WIDTH * (TILE + 2), DEPTH * (TILE + 2)
        self._sheet = np.full((rows, columns), np.nan)
        self._units = move(middle.imshow(self._sheet, cmap=two, vmin=-1.1, vmax=1.1, origin="upper",
                                         interpolation="nearest",
                                         extent=(0.5, DEPTH + 0.5, WIDTH + 0.5, 0.5)))
        middle.set(xlabel="hidden layer", ylabel="unit", title="its hidden units",
                   xticks=range(1, DEPTH + 1), yticks=range(1, WIDTH + 1))
        middle.grid(False)
        self._curves = [move(right.loglog([], [], color=color)[0]) for color in (style.MUTED, style.INK)]
        self._dots = [move(right.plot([], [], "o", color=color)[0]) for color in (style.MUTED, style.INK)]
        right.set(xlim=(10, 2e4), ylim=(3e-4, 12), xlabel="step", ylabel="cross-entropy", title="the loss")
        self._text = move(right.text(0.97, 0.98, "", transform=right.transAxes, ha="right", va="top", fontsize=12,
                                     linespacing=1.35))
        self.controls = {
            "points": live.choice("data", ["rings", "xor", "moons", "spirals", "blobs"], "rings", width="170px"),
            "activation": live.choice("activation", list(ACTIVATIONS), "tanh", width="200px"),
            "width": live.slider("width", 4, 1, WIDTH, integer=True, width="230px"),
            "depth": live.slider("hidden layers", 2, 0, DEPTH, integer=True, width="250px"),
            "noise": live.slider("noise", 0.1, 0.0, 0.5, 0.02, width="250px"),
            "eta": live.slider("η", 0.01, 0.001, 0.1, log=True, width="250px"),
            "frame": ipywidgets.Play(value=0, min=0, max=2000, interval=80, show_repeat=False,
                                     tooltip="train until it is stopped"),
        }
        self.buttons = {"train": live.button(f"{2 * STEPS} steps", "forward", f"train for {2 * STEPS} steps"),
                        "step": live.button("1 step", "step-forward", "train for one step"),
                        "reset": live.button("New net", "refresh", "forget what was learnt: new random weights")}
        self.connect()

    def update(self, points: str, activation: str, width: int, depth: int, noise: float, eta: float,
               frame: int) -> None:
        if (points, activation, width, depth, noise) != self._setting:
            self._setting = (points, activation, width, depth, noise)
            self._start()
        elif frame != self._frame:
            self._train(eta, STEPS)
        self._frame = frame
        self._draw(eta)

    def _start(self) -> None:
        kind, activation, width, depth, noise = self._setting
        self._net = SmallNet([2, *[width] * depth, 1], activation, self._seed)
        self._seen, self._unseen = points(kind, noise, 1), points(kind, noise, 2)
        self._history: list[tuple[float, float, float]] = []
        self._measure()
        for marks, label in zip(self._marks, (0, 1), strict=True):
            marks.set_data(*self._seen[0][self._seen[1] == label].T)

    def _train(self, eta: float, steps: int) -> None:
        self._net.train(*self._seen, eta, steps)
        self._measure()

    def _measure(self) -> None:
        self._loss, self._accuracy = self._net.loss(*self._seen)
        self._test_loss, self._test_accuracy = self._net.loss(*self._unseen)
        self._history.append((self._net.steps, self._loss, self._test_loss))

    def _draw(self, eta: float) -> None:
        self._surface.set_data(_sigmoid(self._net.layers(self._grid)[1][-1]).reshape(SIDE, SIDE))
        self._sheet[:] = np.nan
        for column, layer in enumerate(self._net.layers(self._small)[1][1:-1]):
            for row, unit in enumerate(layer.T):
                unit = unit.reshape(TILE, TILE)[::-1]
                top, start = 1 + row * (TILE + 2), 1 + column * (TILE + 2)
                self._sheet[top:top + TILE, start:start + TILE] = unit / max(float(np.abs(unit).max()), 1e-9)
        self._units.set_data(self._sheet)
        steps, *losses = np.array(self._history[-3000:]).T
        for curve, dot, loss in zip(self._curves, self._dots, losses[::-1], strict=True):
            shown = steps >= 10
            curve.set_data(steps[shown], np.maximum(loss[shown], 3e-4))
            dot.set_data([np.clip(steps[-1], 10, 2e4)], [np.clip(loss[-1], 3e-4, 3)])
        self._text.set_text(f"step {self._net.steps}, η = {eta:.3g}\ntrain {self._loss:.3f}, "
                            f"{100 * self._accuracy:.0f} % right\n"
                            f"test (grey) {self._test_loss:.3f}, {100 * self._test_accuracy:.0f} %")

    def press(self, name: str) -> None:
        eta = self.values()["eta"]
        if name == "reset":
            self._seed += 1
            self._start()
        else:
            self._train(eta, 1 if name == "step" else 2 * STEPS)
        self._draw(eta)

    def show(self) -> ipywidgets.Widget:
        """Choices above, then one row that trains."""
        shown = super().show()
        choices = [control for name, control in self.controls.items() if name != "frame"]
        row = ipywidgets.Layout(flex_flow="row wrap")
        training = [ipywidgets.HTML("<b>train:</b>"), self.controls["frame"], ipywidgets.Label("until stopped, or"),
                    self.buttons["train"], self.buttons["step"], ipywidgets.HTML("<b>start again:</b>"),
                    self.buttons["reset"]]
        shown.children = (shown.children[0], ipywidgets.HBox(choices, layout=row),
                          ipywidgets.HBox(training, layout=row),
                          *shown.children[2:])
        return shown

    def state(self) -> dict[str, float]:
        """Steps taken, loss and share right on the training points and on new ones."""
        return {"steps": float(self._net.steps), "loss": self._loss, "accuracy": self._accuracy,
                "test loss": self._test_loss, "test accuracy": self._test_accuracy}
