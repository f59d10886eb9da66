"""Record how much the first 31 epochs of demo code 4 depend on the seed.

    python data/runs/11_cnn_seeds.py

Three more seeds beside that of ``11_cnn_mnist``, some six minutes of one core each; stopped, the same
command continues where it was.
"""

from __future__ import annotations

import _demo
import numpy as np
import torch

from dlhelpers import runs
from dlhelpers.models.convolutional import three_layer

NAME = "11_cnn_seeds"
SEEDS, EPOCHS = (1, 2, 3), 31


def main() -> None:
    """Train each seed, or continue, and store the errors of all."""
    train_data, test_data = _demo.mnist()
    errors, seconds = [], 0.0
    for seed in SEEDS:
        # The layout in which a CPU convolves 32 channels fastest.
        model = three_layer(seed=seed).to(memory_format=torch.channels_last)
        history = _demo.train(model, train_data, test_data, epochs=EPOCHS, seed=seed,
                              checkpoint=runs.partial(f"{NAME}_{seed}"), checkpoint_every=5)
        errors.append(history.train_loss)
        seconds += history.seconds
        print(f"seed {seed}: epoch 30 {history.train_loss[-1]:.5f}", flush=True)
    runs.save(NAME, {"train_loss": np.array(errors)}, command=f"python data/runs/{NAME}.py", seed=list(SEEDS),
              seconds=seconds, model="three convolutions, 512-10", eta=0.01, batch=200, batches=300, epochs=EPOCHS,
              threads=torch.get_num_threads())


if __name__ == "__main__":
    main()
