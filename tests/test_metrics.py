"""Metrics against scikit-learn, scipy, loops written out and closed forms."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import wasserstein_distance
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix, jaccard_score, roc_auc_score, roc_curve

from dlhelpers import metrics


def rng(seed=0):
    return np.random.default_rng(seed)


# ---------------------------------------------------------------- classes

@pytest.mark.parametrize("make", [np.asarray, torch.as_tensor], ids=["numpy", "torch"])
def test_accuracy_by_counting(make):
    scores, y = rng().normal(size=(30, 4)), rng(1).integers(0, 4, 30)
    by_hand = sum(int(max(range(4), key=lambda k: scores[i, k]) == y[i]) for i in range(30)) / 30
    assert metrics.accuracy(make(scores), make(y)) == by_hand
    assert metrics.accuracy(make(scores), make(np.eye(4)[y])) == by_hand
    assert metrics.accuracy(make(scores.argmax(1)), make(y)) == by_hand


def test_accuracy_of_sequences_leaves_padding_out():
    scores = torch.randn(5, 7, 3, generator=torch.Generator().manual_seed(0))
    y = torch.tensor(rng(2).integers(0, 3, (5, 7)))
    hits = [(int(scores[i, t].argmax()) == int(y[i, t]), int(y[i, t])) for i in range(5) for t in range(7)]
    assert metrics.accuracy(scores, y) == sum(h for h, _ in hits) / 35
    kept = [h for h, label in hits if label != 0]
    assert metrics.accuracy(scores, y, ignore_index=0) == sum(kept) / len(kept) != metrics.accuracy(scores, y)


def test_confusion_has_rows_predicted_and_columns_true():
    predicted, y = rng().integers(0, 4, 50), rng(1).integers(0, 4, 50)
    assert (metrics.confusion(predicted, y, 5) == confusion_matrix(y, predicted, labels=range(5)).T).all()


@pytest.mark.parametrize("ties", [False, True])
def test_roc_equals_scikit_learns_and_its_area_counts_pairs(ties):
    y, scores = rng().integers(0, 2, 60), rng(1).normal(size=60)
    scores = np.round(scores + y) if ties else scores + y
    ours = metrics.roc(torch.tensor(scores), torch.tensor(y))
    fpr, tpr, thresholds = roc_curve(y, scores, drop_intermediate=False)
    np.testing.assert_allclose(ours.false_positives, fpr)
    np.testing.assert_allclose(ours.true_positives, tpr)
    np.testing.assert_allclose(ours.thresholds, thresholds)
    pairs = [(p > q) + 0.5 * (p == q) for p in scores[y == 1] for q in scores[y == 0]]
    assert ours.area == pytest.approx(np.mean(pairs)) == pytest.approx(roc_auc_score(y, scores))


def test_calibration_of_two_classes_equals_scikit_learns():
    p = rng().random(300)
    y = (rng(1).random(300) < p**2).astype(int)
    ours = metrics.calibration(p, y, bins=8)
    share, mean = calibration_curve(y, p, n_bins=8)
    np.testing.assert_allclose(ours.accuracy[ours.counts > 0], share)
    np.testing.assert_allclose(ours.confidence[ours.counts > 0], mean)


def test_a_bin_holds_its_right_end():
    assert metrics.calibration([0.0, 0.5, 0.75, 1.0], [0, 0, 1, 1], bins=2).counts.tolist() == [2, 2]


def test_calibration_error_by_a_loop():
    p = rng().dirichlet([0.5] * 3, 200)
    y = rng(1).integers(0, 3, 200)
    bins = {}
    for row, label in zip(p, y, strict=True):
        bins.setdefault(min(math.ceil(row.max() * 5), 5), []).append((row.max(), row.argmax() == label))
    ece = sum(abs(sum(c for c, _ in b) - sum(h for _, h in b)) for b in bins.values()) / 200
    ours = metrics.calibration(torch.tensor(p), torch.tensor(y), bins=5)
    assert ours.ece == pytest.approx(ece) and ours.counts.sum() == 200
    assert np.isnan(ours.accuracy[0]) and ours.counts[0] == 0  # three classes: the largest is above 1/3
    assert metrics.calibration([0.2, 0.2, 0.2, 0.2, 0.2], [0, 0, 0, 1, 0], bins=5).ece == pytest.approx(0, abs=1e-12)


def test_iou_equals_jaccard_and_is_nan_for_absent_classes():
    predicted, y = rng().integers(0, 3, (2, 6, 6)), rng(1).integers(0, 3, (2, 6, 6))
    ours = metrics.iou(torch.tensor(predicted), y, 4)
    np.testing.assert_allclose(ours[:3], jaccard_score(y.ravel(), predicted.ravel(), average=None))
    assert np.isnan(ours[3])


# ---------------------------------------------------------------- pictures and text

def test_psnr_of_a_known_error():
    image = rng().random((3, 8, 8))
    assert metrics.psnr(image + 0.1, image) == pytest.approx(20.0)
    assert metrics.psnr(torch.tensor(image) * 255, image * 255 + 25.5, data_range=255) == pytest.approx(20.0)
    assert metrics.psnr(image, image) == math.inf


def test_ssim_by_a_loop_over_windows():
    a, b = rng().random((9, 12)), rng(1).random((9, 12))
    w = np.array([[math.exp(-((i - 2) ** 2 + (j - 2) ** 2) / (2 * 0.9**2)) for j in range(5)] for i in range(5)])
    w /= w.sum()
    values = []
    for i in range(9 - 4):
        for j in range(12 - 4):
            p, q = a[i:i + 5, j:j + 5], b[i:i + 5, j:j + 5]
            m, n = (w * p).sum(), (w * q).sum()
            vp, vq, c = (w * (p - m) ** 2).sum(), (w * (q - n) ** 2).sum(), (w * (p - m) * (q - n)).sum()
            values.append((2 * m * n + 4e-4) * (2 * c + 36e-4) / ((m**2 + n**2 + 4e-4) * (vp + vq + 36e-4)))
    assert metrics.ssim(a, b, window=5, sigma=0.9, data_range=2.0) == pytest.approx(np.mean(values), rel=1e-10)
    both = metrics.ssim(np.stack([a, a]), np.stack([b, a]), window=5)
    assert both == pytest.approx((1 + metrics.ssim(a, b, window=5)) / 2)


def test_bits_per_character_of_a_uniform_guess():
    assert metrics.bits_per_character(math.log(32)) == pytest.approx(5)
    assert metrics.bits_per_character(math.log(32), characters_per_token=2.5) == pytest.approx(2)


# ---------------------------------------------------------------- samples

def test_frechet_distance_where_the_covariances_commute():
    Z = rng().normal(size=(400, 3))
    Z = np.linalg.solve(np.linalg.cholesky(np.cov(Z.T)), (Z - Z.mean(0)).T).T  # mean 0, covariance 1, exactly
    turn = np.linalg.qr(rng(1).normal(size=(3, 3)))[0]
    A, B = Z * [1.0, 2.0, 3.0] @ turn, torch.tensor((Z * [2.0, 2.0, 0.5] + [3.0, 0.0, 4.0]) @ turn)
    assert metrics.frechet(A, B) == pytest.approx(25 + 1 + 0 + 2.5**2)
    assert metrics.frechet(A, A) == pytest.approx(0, abs=1e-9)


def test_frechet_distance_against_the_matrix_square_root():
    from scipy.linalg import sqrtm

    A, B = rng().normal(size=(50, 4)) @ rng(1).normal(size=(4, 4)), rng(2).normal(size=(60, 4))
    S, T = np.cov(A.T), np.cov(B.T)
    expected = ((A.mean(0) - B.mean(0)) ** 2).sum() + np.trace(S + T - 2 * sqrtm(S @ T).real)
    assert metrics.frechet(A, B) == pytest.approx(expected)


@pytest.mark.parametrize("m", [40, 27])
def test_sliced_wasserstein_on_a_line_is_scipys(m):
    a, b = rng().normal(size=40), rng(1).exponential(size=m)
    assert metrics.sliced_wasserstein(a[:, None], b[:, None], directions=3) == pytest.approx(wasserstein_distance(a, b))


def test_sliced_wasserstein_of_a_shift_is_its_mean_projection():
    A = rng().normal(size=(30, 2))
    # |cos| of a uniform angle has mean 2/π and standard deviation 0.31; four standard errors of 20 000.
    found = metrics.sliced_wasserstein(A, A + [5.0, 0.0], directions=20_000)
    assert found == pytest.approx(10 / math.pi, abs=5 * 0.31 * 4 / 141)
    assert metrics.sliced_wasserstein(A, torch.tensor(A).flip(0)) == pytest.approx(0, abs=1e-12)


# ---------------------------------------------------------------- bad input

S, L = np.ones((4, 3)), np.array([0, 1, 2, 1])


@pytest.mark.parametrize("call, error, match", [
    (lambda: metrics.accuracy(S, L[:3]), ValueError, "y must hold one label"),
    (lambda: metrics.accuracy(S, L.astype(float)), TypeError, "y must hold integer"),
    (lambda: metrics.accuracy(S[:, :1], L[:, None]), ValueError, "two or more classes"),
    (lambda: metrics.accuracy(S[:, 0], L), ValueError, "y_hat"),
    (lambda: metrics.accuracy(S, np.zeros(4, int), ignore_index=0), ValueError, "ignore_index"),
    (lambda: metrics.accuracy(S[:0], L[:0]), ValueError, "y_hat must not be empty"),
    (lambda: metrics.confusion(L, L[:3], 3), ValueError, "predicted must have as many"),
    (lambda: metrics.confusion(L, L, 2), ValueError, r"labels 0\.\.1"),
    (lambda: metrics.confusion(L, L, 1), ValueError, "K"),
    (lambda: metrics.roc(S[0], np.ones(3)), ValueError, "both classes"),
    (lambda: metrics.roc(S[0], [0, 1]), ValueError, "scores must have shape"),
    (lambda: metrics.calibration(2 * S, L), ValueError, "probabilities"),
    (lambda: metrics.calibration(S, L[:2]), ValueError, "one label"),
    (lambda: metrics.calibration(S, L, bins=0), ValueError, "bins"),
    (lambda: metrics.iou(L, L[:2], 3), ValueError, "predicted must have shape"),
    (lambda: metrics.psnr(S, S[:2]), ValueError, "image must have shape"),
    (lambda: metrics.psnr(S, S, data_range=0), ValueError, "data_range"),
    (lambda: metrics.ssim(S, S), ValueError, "window"), (lambda: metrics.ssim(S, S, window=2), ValueError, "window"),
    (lambda: metrics.ssim(S, S, window=3, sigma=-1), ValueError, "sigma"),
    (lambda: metrics.bits_per_character(-1.0), ValueError, "nats"),
    (lambda: metrics.bits_per_character(1.0, characters_per_token=0), ValueError, "characters_per_token"),
    (lambda: metrics.frechet(S, S[:, :2]), ValueError, "B must have shape"),
    (lambda: metrics.frechet(S[:1], S), ValueError, "at least 2"),
    (lambda: metrics.sliced_wasserstein(S, S[0]), ValueError, "B must have 2"),
    (lambda: metrics.sliced_wasserstein(S, S, directions=0), ValueError, "directions"),
])
def test_bad_input_is_named(call, error, match):
    with pytest.raises(error, match=match):
        call()
