"""Record the experiment at the paper's size: m = 1024 neurons, 23 000 steps, MNIST, one seed.

    python data/runs/27_full_size.py

Supervised and adversarial, with Adam.  Stopped, the same command continues.
"""

import _patterns

NAME = "27_full_size"

if __name__ == "__main__":
    print(_patterns.record(NAME, "mnist", m=1024, optimizers=["adam"], seeds=[0],
                           snapshots=[0, 30, 100, 300, 1000, 2000, 4000, 8000, 15000, 23000], every=200,
                           command=f"python data/runs/{NAME}.py", frames=[0, 1000, 4000, 23000], null_samples=199))
