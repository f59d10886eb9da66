"""Record the pattern experiment on MNIST: five seeds, two optimisers.

    python data/runs/27_patterns_mnist.py

Supervised and adversarial training from the same weights on the same batches, m = 512,
3 000 steps.  Stopped, the same command continues.
"""

import _patterns

NAME = "27_patterns_mnist"

if __name__ == "__main__":
    print(_patterns.record(NAME, "mnist", m=512, optimizers=["sgd10", "adam"], seeds=[0, 1, 2, 3, 4],
                           snapshots=[0, 30, 100, 200, 400, 700, 1100, 1600, 2300, 3000], every=50,
                           command=f"python data/runs/{NAME}.py", filmed=["adam"],
                           frames=[0, 3000]))
