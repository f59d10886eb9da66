"""Lecture 09: how far a signal gets through fifty layers, and its gradient back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dlhelpers.plotting import style
from dlhelpers.widgets import live

#: The slider ends here.
LARGEST = 3.0
DEPTH, BATCH, WIDTHS = 50, 32, (32, 64, 128)
LOW, HIGH = 1e-20, 1e18
#: Here φ(cz) = cφ(z), so that every layer can be scaled to size 1 before the next.
HOMOGENEOUS = ("ReLU", "identity")
#: name -> (function, its derivative from z and h, the scale σ_w at which signals survive).
ACTIVATIONS: dict[str, tuple[Callable, Callable, float]] = {
    "ReLU": (lambda z: np.maximum(z, 0), lambda z, h: (z > 0).astype(z.dtype), 2**0.5),
    "tanh": (np.tanh, lambda z, h: 1 - h * h, 1.0),
    "logistic": (lambda z: 1 / (1 + np.exp(-np.clip(z, -60, 60))), lambda z, h: h * (1 - h), 10.2),
    "identity": (lambda z: z, lambda z, h: np.ones_like(z), 1.0),
}


def _size(values: np.ndarray) -> float:
    """Root mean square, never 0."""
    flat = values.ravel()
    return max(float(np.sqrt(flat @ flat / flat.size)), 1e-30)


class SignalPropagationExplorer(live.Explorer):
    r"""Gaussian inputs through random layers, :math:`z_l = W_l h_{l-1}`, variance :math:`\sigma_w^2/m` a weight.

    Left: root mean square of z in each layer, measured and predicted by
    :math:`q_{l+1} = \sigma_w^2\,E[\phi(\sqrt{q_l}\,u)^2]`, and how much of it still differs
    from input to input.  Middle: the gradient on its way back, and
    :math:`\chi_l = \sigma_w^2\,E[\phi'(\sqrt{q_l}\,u)^2]`.  Right: histograms of h, for ReLU without its zeros.
    """

    title = "How far does the signal get?"
    alt = "The size of signal and gradient in every layer, measured and predicted, and histograms of activations"

    def __init__(self) -> None:
        self._nodes, weights = np.polynomial.hermite_e.hermegauss(61)
        self._weights = weights / weights.sum()
        self._drawn = 0
        self._draw_weights()
        self.live = live.LiveFigure(figsize=(11, 4.4), ncols=3, width_ratios=[1, 1, 0.8])
        forward, backward, shapes = self.live.axes
        move = self.live.moving
        self._rms = move(forward.plot([], [], color=style.BLUE, label="measured")[0])
        self._spread = move(forward.plot([], [], color=style.SKY, linewidth=1.6, label="differs between inputs")[0])
        self._predicted = move(forward.plot([], [], "--", color=style.INK, linewidth=1.4, label="predicted")[0])
        self._gradient = move(backward.plot([], [], color=style.VERMILION, label="measured")[0])
        self._predicted_gradient = move(backward.plot([], [], "--", color=style.INK, linewidth=1.4,
                                                      label="predicted")[0])
        self._edges = np.linspace(0, 1, 42)
        self._outlines = [move(shapes.plot([], [], color=color, linewidth=1.8)[0])
                          for color in (style.BLUE, style.GREEN, style.VERMILION)]
        self._labels = [move(shapes.text(0.0, k + 0.83, "", fontsize=11, color=line.get_color()))
                        for k, line in zip((2, 1, 0), self._outlines, strict=True)]
        self._verdict = move(forward.text(0.04, 0.05, "", transform=forward.transAxes, fontsize=14, fontweight="bold"))
        self._factor = move(backward.text(0.04, 0.05, "", transform=backward.transAxes, fontsize=12))
        for ax, title in ((forward, "signal: size of z"), (backward, "gradient, last layer = 1")):
            ax.set(yscale="log", ylim=(LOW, HIGH), xlim=(0, DEPTH + 1), xlabel="layer", title=title)
            ax.legend(loc="upper left", fontsize=11, labelspacing=0.25)
        shapes.set(xlim=(-0.02, 1.02), ylim=(0, 3.1), yticks=[], xticks=[0, 0.5, 1],
                   xticklabels=["least", "", "greatest"],
                   xlabel="activation h", title="histograms")
        shapes.grid(False)
        self.controls = {
            "sigma_w": live.slider("σ_w", 1.2, 0.5, LARGEST, 0.02),
            "activation": live.choice("activation", list(ACTIVATIONS), "ReLU", width="200px"),
            "depth": live.slider("depth", 50, 5, DEPTH, integer=True, width="250px"),
            "width": live.choice("width", list(WIDTHS), 128, width="150px"),
        }
        self.buttons = {"critical": live.button("Critical", "balance-scale", "the σ_w at which the signal survives"),
                        "weights": live.button("New weights", "random", "draw all weights anew")}
        self.connect()

    def _draw_weights(self) -> None:
        rng = np.random.default_rng(self._drawn)
        self._inputs = {m: rng.normal(size=(BATCH, m)).astype(np.float32) for m in WIDTHS}
        self._matrices = {m: (rng.normal(size=(DEPTH, m, m)) / m**0.5).astype(np.float32) for m in WIDTHS}
        self._targets = {m: rng.normal(size=(BATCH, m)).astype(np.float32) for m in WIDTHS}

    def predict(self, sigma_w: float, activation: str, depth: int) -> tuple[np.ndarray, np.ndarray]:
        """What the theory of wide layers says.

        :param sigma_w: standard deviation of a weight times the root of the width.
        :param activation: one of ``ACTIVATIONS``.
        :param depth: number of layers.
        :returns: root mean squares (depth,) of z, and of the gradient at z relative to the last layer.
        """
        phi, slope, _ = ACTIVATIONS[activation]
        q, chi = np.empty(depth), np.empty(depth)
        second_moment = 1.0
        for layer in range(depth):
            q[layer] = sigma_w**2 * second_moment
            z = np.sqrt(q[layer]) * self._nodes
            h = phi(z)
            # Symmetric nodes integrate ReLU exactly if the one at 0 counts half.
            derivative = np.where(z == 0, 0.5**0.5, slope(z, h)) if activation == "ReLU" else slope(z, h)
            second_moment = float(self._weights @ h**2)
            chi[layer] = sigma_w**2 * float(self._weights @ derivative**2)
        back = np.sqrt(np.append(np.cumprod(chi[:-1][::-1])[::-1], 1.0))
        return np.sqrt(q), back

    def update(self, sigma_w: float, activation: str, depth: int, width: int) -> None:
        phi, slope, _ = ACTIVATIONS[activation]
        matrices, s = self._matrices[width][:depth], np.float32(sigma_w)
        h, slopes, shown = self._inputs[width], [], []
        log_rms, log_spread, log_scale = np.zeros(depth), np.zeros(depth), 0.0
        watched = (0, (depth - 1) // 2, depth - 1)
        for layer, W in enumerate(matrices):
            z = (h @ W) * s
            size = _size(z)
            log_rms[layer] = log_scale + np.log10(size)
            # A few units are enough to see how inputs differ.
            log_spread[layer] = log_scale + np.log10(max(float(z[:, :16].std(0).mean()), 1e-30))
            if activation in HOMOGENEOUS:
                z, log_scale = z / np.float32(size), log_scale + np.log10(size)
            h = phi(z)
            slopes.append(slope(z, h))
            if layer in watched:
                shown.append(h.astype(np.float64) * 10.0**log_scale)
        # Scaled to size 1 in every layer, so that small numbers do not leave single precision.
        gradient, log_size = self._targets[width] * slopes[-1], np.zeros(depth)
        gradient = gradient / np.float32(_size(gradient))
        for layer in range(depth - 2, -1, -1):
            gradient = ((gradient @ matrices[layer + 1].T) * s) * slopes[layer]
            size = _size(gradient)
            log_size[layer] = log_size[layer + 1] + np.log10(size)
            gradient = gradient / np.float32(size)
        rms, spread = 10.0**log_rms, 10.0**log_spread
        layers = np.arange(1, depth + 1)
        predicted, predicted_back = self.predict(sigma_w, activation, depth)
        self._rms.set_data(layers, np.clip(rms, LOW, HIGH))
        self._spread.set_data(layers, np.clip(spread, LOW, HIGH))
        self._predicted.set_data(layers, np.clip(predicted, LOW, HIGH))
        self._gradient.set_data(layers, np.clip(10.0**log_size, LOW, HIGH))
        self._predicted_gradient.set_data(layers, np.clip(predicted_back, LOW, HIGH))
        outlines = zip(self._outlines, self._labels, shown, watched, strict=True)
        for k, (line, label, values, layer) in enumerate(outlines):
            least, greatest = float(values.min()), float(values.max())
            text = f"layer {layer + 1}:  {least:.2g} … {greatest:.2g}"
            if activation == "ReLU":  # the zeros would be one spike that hides the rest
                shown_values = values[values > 0]
                text = f"layer {layer + 1}:  {1 - shown_values.size / values.size:.0%} zeros, to {greatest:.2g}"
                values = shown_values
            counts, _ = np.histogram(values, bins=41, range=(least, greatest if greatest > least else least + 1))
            line.set_data(np.repeat(self._edges, 2)[1:-1], 2 - k + 0.75 * np.repeat(counts / max(counts.max(), 1), 2))
            label.set_text(text)
        ratio = rms[-1] / rms[0]
        self._verdict.set_text("it dies" if ratio < 0.03 else "it explodes" if ratio > 30 else "it survives")
        self._factor.set_text(f"first / last = {10.0**log_size[0]:.1e}")
        self._state = {"log10_signal": log_rms[-1], "log10_predicted": np.log10(predicted[-1]),
                       "log10_spread": log_spread[-1], "log10_gradient": log_size[0],
                       "log10_predicted_gradient": np.log10(predicted_back[0])}

    def press(self, name: str) -> None:
        if name == "critical":
            scale = ACTIVATIONS[self.controls["activation"].value][2]
            off = f"The critical scale of this activation is about {scale:g}, off the slider."
            self.note.value = "" if scale <= LARGEST else off
            self.set(sigma_w=min(scale, LARGEST))
        else:
            self._drawn += 1
            self._draw_weights()
            self.update(**self.values())

    def state(self) -> dict[str, float]:
        return {name: float(value) for name, value in self._state.items()}
