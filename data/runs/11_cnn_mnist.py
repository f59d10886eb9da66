"""Record demo code 4: the net of three convolutions on MNIST, up to 1 001 epochs.

    python data/runs/11_cnn_mnist.py [--epochs 1001]

Some 10 s an epoch on one core.  What there is is stored after epochs 100, 200, 300, … and at
the end; stopped, the same command continues where it was.
"""

from __future__ import annotations

import argparse
import json

import _demo
import numpy as np
import torch
from torch import nn

from dlhelpers import files, runs, training
from dlhelpers.models.convolutional import three_layer
from dlhelpers.models.mlp import count_parameters

NAME = "11_cnn_mnist"
COMMAND = f"python data/runs/{NAME}.py"
SEED = 0
#: Epochs after which the error on the whole training set is measured, with fixed weights.
FULL = (0, 10, 30, *range(100, 1001, 100))


def main() -> None:
    """Train, or continue training, and store the run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=1001)
    epochs = parser.parse_args().epochs
    train_data, test_data = _demo.mnist()
    # The layout in which a CPU convolves 32 channels fastest: 10 s an epoch for 16.
    model = three_layer(seed=SEED).to(memory_format=torch.channels_last)
    side = runs.partial(NAME).with_suffix(".json")
    full = {int(k): v for k, v in json.loads(side.read_text(encoding="utf-8")).items()} if side.exists() else {}

    def store(history: training.History) -> None:
        done = sorted(e for e in full if e < history.epochs)
        weights = {name.replace(".", "_"): p.detach().contiguous().cpu().numpy()
                   for name, p in model.named_parameters()}
        runs.save(NAME, {**_demo.arrays(history), "full_epochs": np.array(done),
                         "full_train_loss": np.array([full[e] for e in done]),
                         "confusion": _demo.confusion(model, test_data), **weights},
                  command=COMMAND, seed=SEED, seconds=history.seconds, model="three convolutions, 512-10",
                  parameters=count_parameters(model), eta=0.01, batch=200, batches=300, epochs=history.epochs,
                  image=_demo.IMAGE, threads=torch.get_num_threads())

    def on_epoch(epoch: int, net: nn.Module, history: training.History) -> None:
        if epoch in FULL or epoch == epochs - 1:
            full[epoch] = training.evaluate(net, *train_data, nn.MSELoss())
            files.write_text(side, json.dumps(full))
            if epoch >= 100:
                store(history)
        if epoch % 10 == 0:
            print(f"epoch {epoch}: train {history.train_loss[-1]:.5f}, test {history.validation_loss[-1]:.5f}, "
                  f"accuracy {history.metrics['accuracy'][-1]:.4f}, {history.seconds:.0f} s", flush=True)

    history = _demo.train(model, train_data, test_data, epochs=epochs, seed=SEED, checkpoint=runs.partial(NAME),
                          checkpoint_every=5, on_epoch=on_epoch)
    print(history.reason)


if __name__ == "__main__":
    main()
