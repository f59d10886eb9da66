"""Explorer of lecture 27: recorded training, neuron by neuron, beside its statistic and its null.

Left and middle: the same neurons under supervision and with an adversary, embedded by
t-SNE.  Right: how far their homogeneity statistic, taken in weight space, lies from
fresh initialisations, for all seeds of the recorded run.
"""

from __future__ import annotations

import numpy as np

from dlhelpers import runs
from dlhelpers.plotting import style
from dlhelpers.widgets import live

LAYERS = {"hidden layer U": 0, "top layer V": 1}
LABELS = {"sgd": "gradient descent, η = 1", "sgd10": "gradient descent, η = 10", "adam": "Adam, η = 0.01"}
COLOURS = (style.BLUE, style.VERMILION)


def null_deviations(run: runs.Run) -> np.ndarray:
    """Statistics in standard deviations of their null.

    :param run: a recorded run with "statistics", "null_U" and "null_V".
    :returns: (optimiser, mode, seed, snapshot, layer, statistic).
    """
    mean = np.stack([run["null_U"].mean(0), run["null_V"].mean(0)])
    deviation = np.stack([run["null_U"].std(0), run["null_V"].std(0)])
    return (run["statistics"] - mean) / deviation


class PatternExplorer(live.Explorer):
    """Step through training; choose optimiser, layer and statistic.

    The run was recorded at some steps only: between two of them there is nothing to draw, so the slider jumps.
    """

    title = "The same neurons, supervised alone and with an adversary: ten recorded snapshots"
    alt = "Neurons of two trainings embedded in a plane, and their statistic against fresh starts by training step"

    def __init__(self, name: str = "27_patterns_digits") -> None:
        self.run = runs.load(name)
        self._z = null_deviations(self.run)
        film = self.run["film"].astype(np.float32)
        # Distances in a t-SNE picture have no unit: every frame fills its panel.
        self._film = film / np.abs(film).max((-2, -1), keepdims=True)
        self._steps = self.run["snapshots"]
        optimizers, statistics = self.run.meta["optimizers"], self.run.meta["statistic_names"]
        self.controls = {
            "snapshot": live.slider("recorded snapshot", len(self._steps) - 1, 0, len(self._steps) - 1, integer=True),
            "optimizer": live.choice("optimiser", [(LABELS[o], k) for k, o in enumerate(optimizers)],
                                     len(optimizers) - 1),
            "layer": live.choice("layer", list(LAYERS.items()), 1),
            "statistic": live.choice("statistic", [(s, k) for k, s in enumerate(statistics)], 1),
        }
        self.buttons = {"next": live.button("next", "step-forward", "the next snapshot; starts again at the end")}
        self.live = live.LiveFigure((11.0, 4.3), nrows=1, ncols=3, width_ratios=(1.0, 1.0, 1.15))
        self._draw()
        self.connect()

    def _draw(self) -> None:
        *clouds, curve = self.live.axes
        self._points, self._lines, self._marks = [], [], []
        with style.context():
            for ax, name, colour in zip(clouds, ("supervised", "with adversary"), COLOURS, strict=True):
                ax.set(xlim=(-1.05, 1.05), ylim=(-1.05, 1.05), aspect="equal", xticks=[], yticks=[])
                ax.set_title(name, color=colour)
                ax.grid(False)
                for side in ax.spines.values():
                    side.set_visible(False)
                points, = ax.plot([], [], "o", color=colour, markersize=3.6, alpha=0.8, markeredgewidth=0, zorder=3)
                self._points.append(points)
            curve.set_yscale("symlog", linthresh=4, linscale=1.2)
            curve.axhspan(-2, 2, color=style.GRID, zorder=0)
            curve.text(0.03, -5.2, "grey: fresh clouds, ± 2 s.d.", va="center", transform=curve.get_yaxis_transform(),
                       color=style.MUTED, fontsize=12)
            curve.set_xscale("symlog", linthresh=30)
            curve.set(xlim=(-4, self._steps[-1] * 1.3), ylim=(-8, 4e3), xlabel="training step",
                      ylabel="null standard deviations", title="the statistic, all seeds")
            curve.set_yticks([-4, -2, 0, 2, 4, 20, 100, 1000], ["−4", "−2", "0", "2", "4", "20", "100", "1000"])
            curve.set_xticks([0, 30, 100, 300, 1000, 3000], ["0", "30", "100", "300", "1000", "3000"])
            curve.minorticks_off()
            for colour in COLOURS:
                seeds = [curve.plot([], [], color=colour, linewidth=1.4, alpha=0.7, zorder=3)[0]
                         for _ in range(self._z.shape[2])]
                self._lines.append(seeds)
                mark, = curve.plot([], [], "o", color=colour, markersize=8, markeredgecolor="white", zorder=5)
                self._marks.append(mark)
            self._now = curve.axvline(0, color=style.MUTED, linewidth=1.2, linestyle=":", zorder=2)
            self._verdict = curve.text(0.03, 0.97, "", va="top", transform=curve.transAxes, zorder=6)
            self._title = clouds[0].text(0.02, 0.98, "", va="top", transform=clouds[0].transAxes, zorder=6)
        self.live.moving(*self._points, *self._lines[0], *self._lines[1], *self._marks, self._now, self._verdict,
                         self._title)

    def update(self, *, snapshot: int, optimizer: int, layer: int, statistic: int) -> None:
        """Show one snapshot of one setting."""
        step = int(self._steps[snapshot])
        for mode in (0, 1):
            self._points[mode].set_data(*self._film[optimizer, mode, layer, snapshot].T)
            z = self._z[optimizer, mode, :, :, layer, statistic]
            for line, seed in zip(self._lines[mode], z, strict=True):
                line.set_data(self._steps, seed)
            self._marks[mode].set_data(np.full(len(z), step), z[:, snapshot])
        self._now.set_xdata([step, step])
        medians = np.median(self._z[optimizer, :, :, snapshot, layer, statistic], axis=1)
        self._verdict.set_text(f"median of {self._z.shape[2]} seeds\nsupervised {medians[0]:+.1f}\n"
                               f"adversarial {medians[1]:+.1f}")
        self._title.set_text(f"step {step}")
        self._state = {"step": float(step), "supervised": float(medians[0]), "adversarial": float(medians[1])}

    def state(self) -> dict[str, float]:
        """The step shown and the two medians over seeds, in null standard deviations."""
        return dict(self._state)

    def press(self, name: str) -> None:
        """``next``: the next snapshot; after the last, the first."""
        slider = self.controls["snapshot"]
        self.set(snapshot=(slider.value + 1) % (slider.max + 1))
