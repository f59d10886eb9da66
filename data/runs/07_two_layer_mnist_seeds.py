"""Record how much demo code 3 varies from seed to seed: five seeds, 21 epochs each, on MNIST.

    python data/runs/07_two_layer_mnist_seeds.py

About 6 s an epoch on two cores.  Stopped, the same command continues where it was.
"""

from __future__ import annotations

import _demo
import numpy as np
import torch

from dlhelpers import runs, training
from dlhelpers.models.mlp import count_parameters, mlp

NAME = "07_two_layer_mnist_seeds"
COMMAND = f"python data/runs/{NAME}.py"
SEEDS = [1, 2, 3, 4, 5]
EPOCHS = 21


def main() -> None:
    """Train, or continue training, all seeds, and store the run."""
    train_data, test_data = _demo.mnist()
    histories, full, seconds = [], [], 0.0
    for seed in SEEDS:
        model = mlp([784, 1024, 10], "relu", seed=seed)
        history = _demo.train(model, train_data, test_data, epochs=EPOCHS, seed=seed,
                              checkpoint=runs.partial(f"{NAME}_{seed}"), checkpoint_every=5)
        if history.epochs < EPOCHS:
            return
        histories.append(history)
        full.append(training.evaluate(model, *train_data, torch.nn.MSELoss()))
        seconds += history.seconds
        print(f"seed {seed}: {history.train_loss[-1]:.5f}, whole training set {full[-1]:.5f}", flush=True)
    runs.save(NAME, {"train_loss": np.stack([h.train_loss for h in histories]),
                     "test_loss": np.stack([h.validation_loss for h in histories]),
                     "full_train_loss": np.array(full)},
              command=COMMAND, seed=SEEDS, seconds=seconds, model="784-1024-10 ReLU",
              parameters=count_parameters(model), eta=0.01, batch=200, batches=300, epochs=EPOCHS,
              threads=torch.get_num_threads())


if __name__ == "__main__":
    main()
