r"""Numbers that say how good a prediction, a picture or a sample is.

Tensors on any device or numpy arrays come in; what is summed is moved to the CPU
first, in float64 (:func:`accuracy` counts on the device, in integers, so that
``fit`` can afford it every epoch).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from dlhelpers import checks


def accuracy(y_hat: Any, y: Any, *, ignore_index: int | None = None) -> float:
    r"""Fraction of predictions that are right; also a metric for ``training.fit``.

    .. math:: \frac1n \sum_i \mathbf 1\{\arg\max_k \hat y_{ik} = y_i\}

    :param y_hat: scores with the classes on the last axis, (n, K), or (n, T, V) for
        sequences; or predicted labels of the shape of y, in integers.
    :param y: integer labels, (n,) or (n, T); or one-hot rows, of the shape of the scores.
    :param ignore_index: label of entries that do not count, such as padding.
    :returns: a number in [0, 1]; entries of a sequence count alike.
    :raises TypeError: for labels that are no integers (a probability of class 1 is to be
        thresholded first).
    :raises ValueError: if the shapes do not fit, or no entry counts.
    """
    import torch

    predicted, labels = torch.as_tensor(y_hat), torch.as_tensor(y)
    checks.check_shape(predicted, "y_hat")
    shapes = f"y_hat {tuple(predicted.shape)} and y {tuple(labels.shape)}"
    if predicted.is_floating_point():
        if predicted.ndim < 2 or predicted.shape[-1] < 2:
            raise ValueError(f"y_hat must hold scores of two or more classes on its last axis, got {shapes}")
        predicted = predicted.argmax(-1)                       # (n, ..., K) -> (n, ...)
        if labels.ndim == predicted.ndim + 1 and labels.shape == torch.as_tensor(y_hat).shape:
            labels = labels.argmax(-1)                         # one-hot (n, ..., K) -> (n, ...)
    if labels.is_floating_point() or labels.is_complex():
        raise TypeError(f"y must hold integer labels or one-hot rows, got {labels.dtype}, {shapes}")
    if labels.shape != predicted.shape:
        raise ValueError(f"y must hold one label for each prediction, got {shapes}")
    right = predicted == labels
    counted = labels.numel()
    if ignore_index is not None:
        kept = labels != checks.integer(ignore_index, "ignore_index")
        right, counted = right & kept, int(kept.sum())
    if counted == 0:
        raise ValueError(f"y must hold a label other than ignore_index = {ignore_index}")
    return int(right.sum()) / counted


def confusion(predicted: Any, y: Any, K: int) -> np.ndarray:
    """How often class j was called i.

    :param predicted: labels 0..K-1, (n,).
    :param y: true labels 0..K-1, (n,).
    :param K: number of classes.
    :returns: counts (K, K), int64: rows are what was said, columns what was true.
    :raises ValueError: if the lengths differ, or a label is out of range.
    """
    checks.integer(K, "K", at_least=2)
    y = checks.labels(y, "y", K=K)
    predicted = checks.labels(predicted, "predicted", K=K)
    if len(predicted) != len(y):
        raise ValueError(f"predicted must have as many entries as y ({len(y)}), got {len(predicted)}")
    return np.bincount(predicted * K + y, minlength=K * K).reshape(K, K)  # (K said, K true)


class Roc(NamedTuple):
    """The curve of :func:`roc`, each (k,), and the ``area`` under it."""

    false_positives: np.ndarray
    true_positives: np.ndarray
    thresholds: np.ndarray
    area: float


def roc(scores: Any, y: Any) -> Roc:
    """Receiver operating characteristic: rates as the threshold falls from above all scores.

    The area is the probability that a random positive scores above a random negative,
    ties counting one half.

    :param scores: the higher the more class 1, (n,).
    :param y: labels 0 and 1, (n,), both present.
    :returns: :class:`Roc`: false and true positive rates where "1 if score >= threshold", from
        (0, 0) to (1, 1), one point for each different score and the first, threshold infinity.
    :raises ValueError: if the lengths differ or a class is missing.

    Source: T. Fawcett, An introduction to ROC analysis, 2006, algorithm 2.
    """
    y = checks.labels(y, "y", K=2)
    scores = checks.array(scores, "scores", shape=(len(y),))
    if y.min() == y.max():
        raise ValueError(f"y must hold both classes, got only {y[0]}")
    order = np.argsort(-scores, kind="stable")
    scores, y = scores[order], y[order]
    last = np.r_[np.nonzero(np.diff(scores))[0], len(y) - 1]   # the last of each run of equal scores
    true = np.r_[0, np.cumsum(y)[last]] / y.sum()
    false = np.r_[0, np.cumsum(1 - y)[last]] / (1 - y).sum()
    area = float((np.diff(false) * (true[1:] + true[:-1]) / 2).sum())
    return Roc(false, true, np.r_[np.inf, scores[last]], area)


class Calibration(NamedTuple):
    """Bins of :func:`calibration`: mean ``confidence``, ``accuracy`` and ``counts``, each (bins,), and ``ece``."""

    confidence: np.ndarray
    accuracy: np.ndarray
    counts: np.ndarray
    ece: float


def calibration(probabilities: Any, y: Any, *, bins: int = 10) -> Calibration:
    r"""Reliability: how often predictions of a given confidence are right.

    .. math:: \text{ECE} = \sum_b \frac{n_b}{n}\,\bigl|\text{acc}_b - \text{conf}_b\bigr|

    :param probabilities: (n, K), of which the largest of each row is the confidence in its
        class; or (n,), of class 1 (then "accuracy" is the share of class 1).
    :param y: labels, (n,).
    :param bins: equal intervals ((b-1)/bins, b/bins], the first with its left end.
    :returns: :class:`Calibration`; empty bins hold NaN and count 0.
    :raises ValueError: for numbers outside [0, 1], or shapes that do not fit.

    Source: C. Guo et al., On calibration of modern neural networks, ICML 2017, equation 3.
    """
    p = checks.array(probabilities, "probabilities").astype(np.float64)
    checks.integer(bins, "bins", at_least=1)
    if p.ndim > 2 or p.min() < 0 or p.max() > 1:
        raise ValueError(f"probabilities must be (n,) or (n, K) and lie in [0, 1], got shape {p.shape} "
                         f"and values from {p.min():g} to {p.max():g}")
    y = checks.labels(y, "y", K=p.shape[1] if p.ndim == 2 else 2)
    if len(y) != len(p):
        raise ValueError(f"y must have one label for each of the {len(p)} probabilities, got {len(y)}")
    right = (p.argmax(1) == y if p.ndim == 2 else y == 1).astype(np.float64)
    confidence = p.max(1) if p.ndim == 2 else p
    where = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], confidence, side="left")
    counts = np.bincount(where, minlength=bins)
    sums = [np.bincount(where, weights=v, minlength=bins) for v in (confidence, right)]
    mean = [np.divide(s, counts, out=np.full(bins, np.nan), where=counts > 0) for s in sums]
    return Calibration(mean[0], mean[1], counts, float(np.abs(sums[1] - sums[0]).sum() / len(y)))


def iou(predicted: Any, y: Any, K: int) -> np.ndarray:
    r"""Intersection over union of each class, :math:`|P_k \cap Y_k| / |P_k \cup Y_k|`.

    :param predicted: labels 0..K-1 of pixels, of any shape.
    :param y: true labels, of the same shape.
    :param K: number of classes.
    :returns: (K,); NaN for a class that is in neither.
    :raises ValueError: if the shapes differ or a label is out of range.

    Source: P. Jaccard, The distribution of the flora in the alpine zone, 1912.
    """
    predicted, y = checks.array(predicted, "predicted"), checks.array(y, "y")
    checks.check_shape(predicted, "predicted", shape=y.shape)
    table = confusion(predicted.ravel(), y.ravel(), K)
    both = np.diag(table)
    either = table.sum(0) + table.sum(1) - both
    return np.divide(both, either, out=np.full(K, np.nan), where=either > 0)


def psnr(image: Any, reference: Any, *, data_range: float = 1.0) -> float:
    r"""Peak signal to noise ratio, :math:`10 \log_{10}(R^2 / \text{MSE})`, in decibels.

    :param image: of any shape.
    :param reference: of the same shape.
    :param data_range: R, the distance from black to white.
    :returns: decibels; infinity for equal images.
    :raises ValueError: if the shapes differ.
    """
    a, b, data_range = _pair(image, reference, data_range)
    error = float(((a - b) ** 2).mean())
    return 10 * math.log10(data_range**2 / error) if error else math.inf


def ssim(image: Any, reference: Any, *, data_range: float = 1.0, window: int = 11, sigma: float = 1.5) -> float:
    r"""Structural similarity, the mean over all places of a Gaussian window inside the image.

    .. math:: \frac{(2\mu_a\mu_b + C_1)(2\sigma_{ab} + C_2)}{(\mu_a^2 + \mu_b^2 + C_1)(\sigma_a^2 + \sigma_b^2 + C_2)},
              \qquad C_1 = (0.01 R)^2,\ C_2 = (0.03 R)^2

    :param image: (..., height, width).
    :param reference: of the same shape.
    :param data_range: R, the distance from black to white.
    :param window: side of the window, in pixels; odd, and no larger than the image.
    :param sigma: standard deviation of the window's weights, in pixels.
    :returns: a number of at most 1, which only equal images reach; averaged over leading axes.
    :raises ValueError: if the shapes differ, or the window does not fit.

    Source: Z. Wang et al., Image quality assessment: from error visibility to structural
    similarity, IEEE Transactions on Image Processing 13, 2004, equation 13.
    """
    a, b, data_range = _pair(image, reference, data_range)
    if checks.integer(window, "window", at_least=1) % 2 == 0 or a.ndim < 2 or window > min(a.shape[-2:]):
        raise ValueError(f"window must be odd and fit into images (..., height, width), "
                         f"got {window} and shape {a.shape}")
    offset = np.arange(window) - window // 2
    weights = np.exp(-(offset**2) / (2 * checks.positive(sigma, "sigma") ** 2))
    weights /= weights.sum()

    def local(z: np.ndarray) -> np.ndarray:
        for axis in (-1, -2):                                   # the window is a product of two profiles
            # (..., places, window) @ (window,) -> (..., places)
            z = np.lib.stride_tricks.sliding_window_view(z, window, axis) @ weights
        return z

    mean_a, mean_b = local(a), local(b)
    var_a, var_b = local(a * a) - mean_a**2, local(b * b) - mean_b**2
    covariance = local(a * b) - mean_a * mean_b
    C1, C2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    ratio = ((2 * mean_a * mean_b + C1) * (2 * covariance + C2)
             / ((mean_a**2 + mean_b**2 + C1) * (var_a + var_b + C2)))
    return float(ratio.mean())


def _pair(image: Any, reference: Any, data_range: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Two images of one shape, as float64."""
    a, b = checks.array(image, "image").astype(np.float64), checks.array(reference, "reference").astype(np.float64)
    checks.check_shape(a, "image", shape=b.shape)
    return a, b, checks.positive(data_range, "data_range")


def bits_per_character(nats: float, *, characters_per_token: float = 1.0) -> float:
    r"""The code length that a language model gives a text, :math:`\text{nats} / (c \ln 2)`.

    :param nats: mean cross-entropy of a token, with the natural logarithm as in torch.
    :param characters_per_token: c, the mean length of a token in characters.
    :returns: bits a character.
    :raises ValueError: for a negative cross-entropy, or lengths that are not positive.

    Source: C. Shannon, Prediction and entropy of printed English, 1951.
    """
    length = checks.positive(characters_per_token, "characters_per_token")
    return checks.nonnegative(nats, "nats") / (length * math.log(2))


def frechet(A: Any, B: Any) -> float:
    r"""Fréchet distance, squared, between normal distributions fitted to two samples.

    .. math:: \|\mu_A - \mu_B\|^2 + \operatorname{tr}\bigl(\Sigma_A + \Sigma_B
              - 2(\Sigma_A^{1/2} \Sigma_B \Sigma_A^{1/2})^{1/2}\bigr)

    With features of an Inception network as samples this is the FID.

    :param A: one sample a row, (n, d), two at least.
    :param B: (m, d).
    :returns: the squared distance, in squared units of the samples.
    :raises ValueError: if the widths differ or a sample is alone.

    Source: D. Dowson and B. Landau, The Fréchet distance between multivariate normal
    distributions, 1982; M. Heusel et al., NeurIPS 2017 (FID).
    """
    A, B = _samples(A, B, at_least=2)
    (cov_A, cov_B) = (np.atleast_2d(np.cov(S, rowvar=False)) for S in (A, B))
    values, vectors = np.linalg.eigh(cov_A)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ cov_B @ root), 0)).sum()
    shift = ((A.mean(0) - B.mean(0)) ** 2).sum()
    return float(max(shift + np.trace(cov_A) + np.trace(cov_B) - 2 * cross, 0.0))


def sliced_wasserstein(A: Any, B: Any, *, directions: int = 128, seed: int = 0) -> float:
    r"""Mean Wasserstein-1 distance of two samples seen along random directions.

    .. math:: \frac1P \sum_{p=1}^P \int \bigl|F_{A\theta_p}(t) - F_{B\theta_p}(t)\bigr|\,dt, \qquad
              \|\theta_p\| = 1

    F are the distribution functions of the projections.

    :param A: one sample a row, (n, d).
    :param B: (m, d).
    :param directions: P.
    :param seed: for the directions, which are uniform on the sphere.
    :returns: the distance, in units of the samples; for d = 1 exactly Wasserstein-1.
    :raises ValueError: if the widths differ.

    Source: J. Rabin et al., Wasserstein barycenter and its application to texture mixing, 2011.
    """
    A, B = _samples(A, B)
    rng = np.random.default_rng(checks.integer(seed, "seed", at_least=0))
    theta = rng.normal(size=(A.shape[1], checks.integer(directions, "directions", at_least=1)))
    theta /= np.linalg.norm(theta, axis=0)
    a, b = np.sort(A @ theta, axis=0), np.sort(B @ theta, axis=0)
    if len(a) == len(b):                                        # then the sorted samples are coupled one to one
        return float(np.abs(a - b).mean())
    # Otherwise the quantile functions are compared between all of their steps.
    levels = np.unique(np.r_[np.arange(1, len(a) + 1) / len(a), np.arange(1, len(b) + 1) / len(b)])
    widths = np.diff(np.r_[0.0, levels])
    middle = levels - widths / 2
    gap = np.abs(a[(middle * len(a)).astype(int)] - b[(middle * len(b)).astype(int)])  # (levels, P)
    return float((widths[:, None] * gap).sum(0).mean())


def _samples(A: Any, B: Any, at_least: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Two samples of one width, as float64."""
    A, B = (checks.array(S, name, ndim=2).astype(np.float64) for S, name in ((A, "A"), (B, "B")))
    checks.check_shape(B, "B", shape=(None, A.shape[1]))
    if min(len(A), len(B)) < at_least:
        raise ValueError(f"A and B must hold at least {at_least} samples each, got {len(A)} and {len(B)}")
    return A, B
