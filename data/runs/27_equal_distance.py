"""Record supervision that goes on until its top layer is as far from the start as an adversary's (lecture 27).

    python data/runs/27_equal_distance.py

The runs of ``27_patterns_digits`` and ``27_patterns_mnist`` end after 3 000 steps, and there the adversary's
top layer has gone farther.  Here supervision, from the same start and over the same batches, is carried on
until ‖V - V₀‖ is what the adversary's was.  "wide": digits, m = 512, batches of 200, gradient descent at the
tenfold rate, and the distance is that of the recorded adversary.  "half": both kinds of training at m = 256
with batches of 100, on the digits and on MNIST, whose final top layers are also compared with surrogates.
Five seeds each.  Stopped, the same command continues.
"""

from __future__ import annotations

import time
from typing import Any

import _patterns
import numpy as np
import torch

from dlhelpers import files, runs
from dlhelpers.adversarial import point_statistics
from dlhelpers.adversarial.game import Game

NAME = "27_equal_distance"
SEEDS = [0, 1, 2, 3, 4]
STEPS, LONGEST, EVERY, DRAWS = 3_000, 15_000, 500, 199
#: setting -> (data, width, batch, optimiser); the first takes its goals from the record.
SETTINGS = {"wide digits": ("bundled", 512, 200, "sgd10"), "half digits": ("bundled", 256, 100, "sgd10"),
            "half MNIST": ("mnist", 256, 100, "sgd10")}


def carry(setting: str, X: torch.Tensor, Y: torch.Tensor, mode: str, seed: int, goal: float | None) -> dict[str, Any]:
    """One run, until its top layer is ``goal`` away from the start, or for STEPS steps if there is no goal.

    Returns a row every EVERY steps and at the end: step, distances of U and V, the three statistics of U and
    of V; and the final top layer (m, 10).
    """
    source, m, batch, optimizer = SETTINGS[setting]
    place = runs.partial(f"{NAME}_{setting.replace(' ', '_')}_{mode}_{seed}")
    game = Game(X, Y, m=m, optimizer=optimizer, adversary=_patterns.MODES[mode], batch=batch, seed=seed)
    out: dict[str, Any] = {"rows": [], "seconds": 0.0}
    if place.exists():
        stored = torch.load(place, weights_only=True, map_location="cpu")
        out = stored["out"]
        if "V" in out:
            return out
        game.load_state_dict(stored["game"])
    clock = last_saved = time.process_time()
    while True:
        t = game.step_count
        gone = [float((game.weights[name] - game.start[name]).norm()) for name in "UV"] if t % 25 == 0 else [0.0, 0.0]
        finished = t >= STEPS if goal is None else gone[1] >= goal or t >= LONGEST
        if (finished or t % EVERY == 0) and (not out["rows"] or out["rows"][-1][0] < t):
            clouds = game.weights["U"].cpu(), game.weights["V"].T.cpu()
            out["rows"].append([t, *gone, *(float(v) for cloud in clouds for v in point_statistics.measure(cloud))])
        if finished or (t % EVERY == 0 and time.process_time() - last_saved > 15):
            now = time.process_time()
            out["seconds"] += now - clock
            clock = last_saved = now
            if finished:
                out["V"] = game.weights["V"].T.cpu().clone()
            place.parent.mkdir(parents=True, exist_ok=True)
            with files.atomic(place) as temporary:
                torch.save({"out": out, "game": None if finished else game.state_dict()}, temporary)
        if finished:
            print(f"{setting} {mode} seed {seed}: {out['seconds']:.0f} s, {np.round(out['rows'][-1], 2)}", flush=True)
            return out
        game.step()


def surrogates(cloud: torch.Tensor) -> np.ndarray:
    """The Hopkins statistic of DRAWS surrogates."""
    maker = point_statistics.Surrogates(cloud.double().numpy())
    return np.array([point_statistics.hopkins(maker.draw(seed)) for seed in range(DRAWS)])


def main() -> None:
    """All settings, seed after seed, then the file."""
    torch.set_num_threads(1)
    began = time.process_time()
    recorded = runs.load("27_patterns_digits")
    ends = recorded["curves"][recorded.meta["optimizers"].index("sgd10"), 1, :, -1, 1]     # (seed,)
    arrays: dict[str, np.ndarray] = {}
    seconds = 0.0
    for setting, (source, *_) in SETTINGS.items():
        X, Y = _patterns.load(source)
        both: dict[str, list[dict[str, Any]]] = {mode: [] for mode in _patterns.MODES}
        for seed in SEEDS:
            goal = float(ends[seed])
            if setting != "wide digits":
                played = carry(setting, X, Y, "adversarial", seed, None)
                both["adversarial"].append(played)
                goal = played["rows"][-1][2]
            both["supervised"].append(carry(setting, X, Y, "supervised", seed, goal))
        for mode, found in both.items():
            if found:
                label = f"{setting} {mode}".replace(" ", "_")
                most = max(len(run["rows"]) for run in found)
                rows = np.full((len(SEEDS), most, len(found[0]["rows"][0])), np.nan, dtype=np.float32)
                for k, run in enumerate(found):
                    rows[k, :len(run["rows"])] = run["rows"]
                drawn = np.array([surrogates(run["V"]) for run in found])
                arrays |= {label: rows, f"{label}_end": np.array([run["rows"][-1] for run in found], dtype=np.float32),
                           f"{label}_surrogates": drawn.astype(np.float32)}
                seconds += sum(run["seconds"] for run in found)
    names = ["step", "move_U", "move_V", *(f"{s} {k}" for k in "UV" for s in point_statistics.STATISTICS)]
    print(runs.save(NAME, arrays, command=f"python data/runs/{NAME}.py", seed=SEEDS,
                    seconds=max(seconds, time.process_time() - began), settings=SETTINGS, modes=list(_patterns.MODES),
                    steps=STEPS, longest=LONGEST, columns=names, surrogate_draws=DRAWS, penalty=10.0))


if __name__ == "__main__":
    main()
