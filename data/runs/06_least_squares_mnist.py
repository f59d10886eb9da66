"""Record linear and classical classifiers on MNIST.

One-versus-rest least squares with targets ±1, as lecture N does it (86.03 %), 3 against 8
with the same means, and the state of the art before deep learning: a random forest and
a support vector machine with a Gaussian kernel, both with scikit-learn's defaults.  All is
numpy and scikit-learn, therefore on the CPU.

    python data/runs/06_least_squares_mnist.py

The least squares take seconds, the forest a minute or two, the support vector machine
several minutes.  Stopped, the same command continues after the last finished part.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from dlhelpers import data, files, metrics, runs
from dlhelpers.models import linear

NAME = "06_least_squares_mnist"


def one_versus_rest(digits: data.Digits) -> dict[str, np.ndarray]:
    """All ten classes, and 3 against 8."""
    model = linear.one_versus_rest(digits.X_train, digits.y_train)
    predicted = model.predict(digits.X_test)
    pair_train, pair_test = (np.isin(y, (3, 8)) for y in (digits.y_train, digits.y_test))
    sign = np.where(digits.y_train[pair_train] == 3, 1.0, -1.0)
    w, b = linear.least_squares(digits.X_train[pair_train], sign)
    three = (digits.X_test[pair_test] @ w + b)[:, 0] > 0
    return {"confusion": metrics.confusion(predicted, digits.y_test, 10), "W": model.W.astype(np.float32),
            "b": model.b,
            "pair_correct": int((three == (digits.y_test[pair_test] == 3)).sum()),
            "pair_total": int(pair_test.sum())}


def forest(digits: data.Digits) -> dict[str, np.ndarray]:
    """100 trees."""
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(random_state=0).fit(digits.X_train, digits.y_train)
    return {"forest_correct": int((model.predict(digits.X_test) == digits.y_test).sum())}


def support_vectors(digits: data.Digits) -> dict[str, np.ndarray]:
    """Gaussian kernel, C = 1, width from the variance of the pixels."""
    from sklearn.svm import SVC

    model = SVC(cache_size=1000).fit(digits.X_train, digits.y_train)
    return {"svm_correct": int((model.predict(digits.X_test) == digits.y_test).sum()),
            "svm_support": int(model.n_support_.sum())}


def main() -> None:
    """Run what is missing, then store all of it."""
    digits = data.digits("mnist").numpy()
    parts: list[Callable[[data.Digits], dict[str, np.ndarray]]] = [one_versus_rest, forest, support_vectors]
    stored: dict[str, np.ndarray] = {}
    seconds = 0.0
    for part in parts:
        kept = runs.partial(f"{NAME}_{part.__name__}").with_suffix(".npz")
        if not kept.exists():
            started = time.perf_counter()
            result = part(digits)
            kept.parent.mkdir(parents=True, exist_ok=True)
            with files.atomic(kept) as temporary, open(temporary, "wb") as out:
                np.savez(out, seconds=time.perf_counter() - started, **result)
        with np.load(kept) as found:
            result = {key: found[key] for key in found.files}
        seconds += float(result.pop("seconds"))
        stored |= result
        print(part.__name__, {key: int(value) for key, value in result.items() if value.ndim == 0}, flush=True)
    runs.save(NAME, stored, command=f"python data/runs/{NAME}.py", seed=0, seconds=seconds,
              forest="100 trees", svm="RBF kernel, C=1, gamma=scale")


if __name__ == "__main__":
    main()
