"""Rank and singular values of MNIST's design matrix [1, X], 60 000 x 785.

An orthogonal factorisation A = QR comes first: R is only 785 x 785 and has the
same singular values, and nothing is squared, as it would be in A^T A.  float64 by nature,
therefore numpy on the CPU.

    python -m dlhelpers fetch mnist && python data/runs/02_mnist_rank.py
"""

import time

import numpy as np

from dlhelpers import data, runs


def main() -> None:
    started = time.perf_counter()
    images = data.digits("mnist").X_train.numpy().astype(np.float64)
    design = np.column_stack([np.ones(len(images)), images])
    singular = np.linalg.svd(np.linalg.qr(design, mode="r"), compute_uv=False)
    tolerance = singular[0] * max(design.shape) * np.finfo(float).eps  # numpy's matrix_rank
    lit = np.count_nonzero(images, axis=0)  # in how many images
    rare = images[:, (lit > 0) & (lit <= 2)]
    rare = rare[rare.any(1)]  # the few images in which they are lit
    runs.save("02_mnist_rank", {
        "rank": int((singular > tolerance).sum()), "columns": design.shape[1], "singular_values": singular,
        "dark_pixels": int((lit == 0).sum()), "tolerance": tolerance,
        "lit": lit, "rare": rare,
    }, command="python data/runs/02_mnist_rank.py", seed=0, seconds=time.perf_counter() - started)


if __name__ == "__main__":
    main()
