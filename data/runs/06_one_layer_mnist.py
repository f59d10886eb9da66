"""Record demo code 2: the net 784-10 on MNIST, three seeds, and its least-squares optimum.

    python data/runs/06_one_layer_mnist.py

Seeds 0, 1, 2 for 101 epochs, then seed 0 on to 1 001.  Stopped, the same command continues.
"""

from __future__ import annotations

import argparse

import _demo
import numpy as np
import torch

from dlhelpers import runs, training
from dlhelpers.models.mlp import count_parameters, mlp

NAME = "06_one_layer_mnist"
COMMAND = f"python data/runs/{NAME}.py"
SEEDS = [0, 1, 2]
SHORT = 101


def least_squares(train_data: training.Data, test_data: training.Data) -> dict[str, np.ndarray]:
    """The optimum of the same loss in closed form, in float64.

    Pixels that are constant over the training set make the normal equations singular;
    ``lstsq`` returns the solution of least norm.
    """
    def with_intercept(X: torch.Tensor) -> np.ndarray:
        return np.hstack([X.cpu().double().numpy(), np.ones((len(X), 1))])

    A, T = with_intercept(train_data[0]), train_data[1].cpu().double().numpy()
    # The 785 x 785 normal equations; directions below the cut-off hold constant pixels only.
    values, vectors = np.linalg.eigh(A.T @ A)
    keep = values > values.max() * 1e-12
    W = vectors[:, keep] @ ((vectors[:, keep].T @ (A.T @ T)) / values[keep, None])
    test, targets = with_intercept(test_data[0]) @ W, test_data[1].cpu().double().numpy()
    return {"optimum_train": np.mean((A @ W - T) ** 2), "optimum_test": np.mean((test - targets) ** 2),
            "optimum_accuracy": np.mean(test.argmax(1) == targets.argmax(1)),
            "optimum_image_outputs": test[_demo.IMAGE]}


def main() -> None:
    """Train, or continue training, and store the run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=1001, help="epochs of the long run, seed 0")
    epochs = parser.parse_args().epochs
    train_data, test_data = _demo.mnist()
    stored: dict[str, np.ndarray] = least_squares(train_data, test_data)
    print(f"optimum: train {stored['optimum_train']:.6f}, test {stored['optimum_test']:.6f}", flush=True)
    short, full, seconds = [], [], 0.0
    for seed in SEEDS:
        model = mlp([784, 10], seed=seed)
        history = _demo.train(model, train_data, test_data, epochs=SHORT, seed=seed,
                              checkpoint=runs.partial(f"{NAME}_seed{seed}"))
        short.append(_demo.arrays(history))
        full.append(training.evaluate(model, *train_data, torch.nn.MSELoss()))
        seconds += history.seconds
        print(f"seed {seed}: {history.train_loss[-1]:.5f}, whole training set {full[-1]:.5f}", flush=True)
    stored |= {f"short_{key}": np.stack([run[key] for run in short]) for key in short[0]}
    stored["short_full_train_loss"] = np.array(full)

    # Seed 0 again from its start: the first 101 epochs are the same ones, bit for bit.
    model = mlp([784, 10], seed=SEEDS[0])
    history = _demo.train(model, train_data, test_data, epochs=epochs, seed=SEEDS[0],
                          checkpoint=runs.partial(NAME), checkpoint_every=50)
    stored |= _demo.arrays(history)
    stored |= {"full_train_loss": np.array(training.evaluate(model, *train_data, torch.nn.MSELoss())),
               "confusion": _demo.confusion(model, test_data),
               "weight": model[0].weight.detach().cpu().numpy(), "bias": model[0].bias.detach().cpu().numpy()}
    print(history.reason)
    if history.epochs == epochs:
        runs.save(NAME, stored, command=COMMAND, seed=SEEDS, seconds=seconds + history.seconds, model="784-10",
                  parameters=count_parameters(model), eta=0.01, batch=200, batches=300, epochs=epochs,
                  short_epochs=SHORT, image=_demo.IMAGE, threads=torch.get_num_threads())


if __name__ == "__main__":
    main()
