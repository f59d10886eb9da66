"""Make data/digits.npz, the 28x28 handwritten digits that the project ships.

    python data/make_digits.py

Source: the 1 797 digits of 8x8 pixels that come with scikit-learn, which are the
test part of "Optical Recognition of Handwritten Digits" (UCI Machine Learning
Repository, Alpaydin and Kaynak, 1998, CC BY 4.0).  Each image is resampled to
28x28 by cubic convolution and stored in steps of 1/64.  The same versions of
NumPy and zlib give the same bytes; any version gives the same arrays.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from dlhelpers import files
from dlhelpers.data import drawing

TARGET = Path(__file__).resolve().with_name("digits.npz")
N_TEST = 297


def main() -> None:
    """Resample, split, store, and print the hash."""
    source = load_digits()
    X = drawing.enlarge(source.images).reshape(-1, 784)  # (n, 28, 28) -> (n, 784)
    y = source.target.astype(np.uint8)
    train, test = train_test_split(np.arange(len(y)), test_size=N_TEST, stratify=y, random_state=0)
    with files.atomic(TARGET) as temporary, open(temporary, "wb") as out:
        np.savez_compressed(out, X_train=X[train], y_train=y[train], X_test=X[test], y_test=y[test],
                            levels=np.uint8(drawing.LEVELS))
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes, sha256 {files.digest(TARGET)}")


if __name__ == "__main__":
    main()
