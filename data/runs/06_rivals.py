"""Record five classifiers on ten splits of the shipped digits, each with the same search.

Least squares with ridge, softmax regression, a two-layer net, a random forest and a support
vector machine with a Gaussian kernel.  For each split each method tries four settings on 1 200
digits, takes the one that reads most of 300 others, is fitted again on all 1 500, and reads 297
that no one has seen.  Everything is small and runs on the CPU.

    python data/runs/06_rivals.py

A few minutes on one core.  Stopped, the same command continues after the last finished split.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from dlhelpers import data, files, runs, training
from dlhelpers.models import linear
from dlhelpers.models.mlp import mlp

NAME = "06_rivals"
SPLITS = 10
RIDGE, DECAY, RATES = (1e-3, 1e-2, 1e-1, 1.0), (1e-4, 1e-3, 1e-2, 1e-1), (3e-4, 1e-3, 3e-3, 1e-2)
FEATURES = (14, 28, 56, 112)
MACHINES = ((1.0, 1.0), (10.0, 0.5), (10.0, 1.0), (10.0, 2.0))  # C, and γ as a multiple of scikit-learn's "scale"
Predictor = Callable[[np.ndarray], np.ndarray]


def least_squares(X: np.ndarray, y: np.ndarray, setting: int, seed: int) -> Predictor:
    """One against the rest, with ridge."""
    return linear.one_versus_rest(X, y, l2=RIDGE[setting]).predict


def softmax(X: np.ndarray, y: np.ndarray, setting: int, seed: int) -> Predictor:
    """Softmax regression with a penalty."""
    return linear.softmax_regression(X, y, l2=DECAY[setting], steps=60).predict


def net(X: np.ndarray, y: np.ndarray, setting: int, seed: int) -> Predictor:
    """784-256-10, ReLU, cross-entropy, Adam, 40 epochs."""
    model = mlp([784, 256, 10], seed=seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATES[setting])
    training.fit(model, (torch.tensor(X), torch.tensor(y)), torch.nn.CrossEntropyLoss(), optimizer=optimizer,
                 epochs=40, batch=100, seed=seed, progress=False)
    return lambda points: training.predict(model, torch.tensor(points)).argmax(1).numpy()


def forest(X: np.ndarray, y: np.ndarray, setting: int, seed: int) -> Predictor:
    """100 trees; the settings are the numbers of pixels that a question may choose from."""
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(100, max_features=FEATURES[setting], random_state=seed).fit(X, y).predict


def machine(X: np.ndarray, y: np.ndarray, setting: int, seed: int) -> Predictor:
    """A support vector machine with a Gaussian kernel."""
    from sklearn.svm import SVC

    C, width = MACHINES[setting]
    return SVC(C=C, gamma=width / (X.shape[1] * X.var())).fit(X, y).predict


METHODS = {"least squares, ridge": least_squares, "softmax regression": softmax, "two-layer net": net,
           "random forest": forest, "support vector machine": machine}


def one_split(seed: int) -> dict[str, np.ndarray]:
    """Validation accuracy (method, setting), the chosen setting and the digits read (method,)."""
    digits = data.digits("bundled").numpy()
    X, y = np.vstack([digits.X_train, digits.X_test]), np.r_[digits.y_train, digits.y_test]
    order = np.random.default_rng(seed).permutation(len(y))
    train, validation, test = order[:1200], order[1200:1500], order[1500:]
    found = np.array([[(fit(X[train], y[train], k, seed)(X[validation]) == y[validation]).mean()
                       for k in range(4)] for fit in METHODS.values()])
    chosen, whole = found.argmax(1), order[:1500]
    correct = [int((fit(X[whole], y[whole], int(k), seed)(X[test]) == y[test]).sum())
               for fit, k in zip(METHODS.values(), chosen, strict=True)]
    return {"validation": found, "chosen": chosen, "correct": np.array(correct)}


def main() -> None:
    """Run what is missing, then store all of it."""
    parts: list[dict[str, Any]] = []
    for seed in range(SPLITS):
        kept = runs.partial(f"{NAME}_{seed}").with_suffix(".npz")
        if not kept.exists():
            started = time.perf_counter()
            result = one_split(seed)
            kept.parent.mkdir(parents=True, exist_ok=True)
            with files.atomic(kept) as temporary, open(temporary, "wb") as out:
                np.savez(out, seconds=time.perf_counter() - started, **result)
        with np.load(kept) as found:
            parts.append({key: found[key] for key in found.files})
        print(seed, parts[-1]["chosen"], parts[-1]["correct"], f"{float(parts[-1]['seconds']):.0f} s", flush=True)
    stored = {key: np.stack([part[key] for part in parts]) for key in ("validation", "chosen", "correct")}
    runs.save(NAME, stored, command=f"python data/runs/{NAME}.py", seed=list(range(SPLITS)),
              seconds=sum(float(part["seconds"]) for part in parts), methods=list(METHODS), unseen=297)


if __name__ == "__main__":
    main()
