"""Surfaces of weighted means: every piece of the data counts as in one batch of all of it."""

import copy
import functools

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dlhelpers import landscapes
from dlhelpers.data import toy
from dlhelpers.landscapes import losses
from dlhelpers.models.layers import BatchNorm1d
from dlhelpers.models.mlp import mlp

X, MOONS = toy.moons(50, noise=0.2, seed=1)
RNG = torch.Generator().manual_seed(0)
#: Three classes; the second half of the samples is ignored but for a few, so that whole pieces are.
Y = torch.where(torch.arange(50) < 20, MOONS + 1, torch.where(torch.arange(50) % 9 == 0, 2, 0))
PROBABILITIES = torch.rand(50, 3, generator=RNG).softmax(1)
WEIGHT = torch.tensor([0.3, 2.0, 0.7])
AXES = [-0.8, 0.0, 0.5], [0.3, 1.1]

LOSSES = {
    "plain": (nn.CrossEntropyLoss(), Y),
    "weight": (nn.CrossEntropyLoss(weight=WEIGHT), Y),
    "ignored": (nn.CrossEntropyLoss(ignore_index=0), Y),
    "smoothed": (nn.CrossEntropyLoss(label_smoothing=0.2), Y),
    "all three": (nn.CrossEntropyLoss(weight=WEIGHT, ignore_index=0, label_smoothing=0.3), Y),
    "minus hundred": (F.cross_entropy, torch.where(Y == 0, -100, Y)),
    "probabilities": (nn.CrossEntropyLoss(), PROBABILITIES),
    "probabilities, weighted, smoothed": (nn.CrossEntropyLoss(weight=WEIGHT, label_smoothing=0.2), PROBABILITIES),
    "one-hot": (nn.CrossEntropyLoss(), F.one_hot(Y, 3).float()),
    "squared": (nn.MSELoss(), PROBABILITIES),
    "absolute": (nn.L1Loss(), PROBABILITIES),
    "logistic": (nn.BCEWithLogitsLoss(pos_weight=WEIGHT), PROBABILITIES),
    # Not known to be weighted: the trial must find out.
    "partial": (functools.partial(F.cross_entropy, weight=WEIGHT, ignore_index=0), Y),
    "own, weighted": (lambda out, y: F.cross_entropy(out, y, weight=WEIGHT), Y),
    "own, no mean": (lambda out, y: F.cross_entropy(out, y) + out.mean().square(), Y),
    "own, a sum": (lambda out, y: (out - y).square().sum(), PROBABILITIES),
    "own, a mean": (lambda out, y: F.cross_entropy(out, y) + out.square().mean(), Y),
}


class Skip(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.out = nn.Linear(2, 4), nn.Linear(4, 3)

    def forward(self, x):
        h = self.first(x)
        return self.out(h + h.tanh())


def seeded(build):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(3)
        return build()


def by_hand(model, loss, data, directions, a, b):
    """A plain loop: a copy of the model, moved, and torch's own loss of all samples at once, in float64."""
    values = []
    for v in b:
        for u in a:
            moved = copy.deepcopy(model).eval()
            with torch.no_grad():
                for p, d, e in zip(moved.parameters(), *directions, strict=True):
                    p.add_(u * d + v * e)
                values.append(float(loss(moved(data[0]), data[1])))
    return np.array(values).reshape(len(b), len(a))


@pytest.mark.parametrize("chunk", [7, 13, 1000])
@pytest.mark.parametrize("method", ["fused", "compiled", "general"])
@pytest.mark.parametrize("case", LOSSES)
def test_pieces_are_weighed_as_in_one_batch(case, method, chunk):
    loss, y = LOSSES[case]
    model = mlp([2, 6, 3], "tanh", seed=0)
    plane = landscapes.random_plane(model, seed=1, one_dimensional=True)
    if method == "compiled" and case in ("absolute", "logistic", "partial") or "own" in case and method == "compiled":
        with pytest.raises(ValueError, match="method 'compiled'"):
            landscapes.surface(model, loss, (X, y), plane, points=2, method=method)
        return
    found = landscapes.surface(model, loss, (X, y), plane, a=AXES[0], b=AXES[1], chunk=chunk, method=method)
    assert found.method == method
    np.testing.assert_allclose(found.values, by_hand(model, loss, (X, y), plane, *AXES), rtol=3e-6)


@pytest.mark.parametrize("case", ["plain", "all three", "own, weighted", "own, no mean"])
def test_two_classes_and_convolutions(case, monkeypatch):
    monkeypatch.setattr(landscapes.fused, "IMAGES", 6)
    loss, y = LOSSES[case]
    images = torch.randn(50, 1, 6, 6, generator=RNG)
    model = seeded(lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3)))
    plane = landscapes.random_plane(model, seed=1)
    found = landscapes.surface(model, loss, (images, y), plane, a=AXES[0], b=AXES[1], chunk=11)
    np.testing.assert_allclose(found.values, by_hand(model, loss, (images, y), plane, *AXES), rtol=3e-6)
    two = mlp([2, 5, 2], seed=0)
    soft = nn.CrossEntropyLoss(weight=torch.tensor([0.2, 1.5]), label_smoothing=0.1)
    for kind in (soft, nn.CrossEntropyLoss(ignore_index=1), nn.CrossEntropyLoss()):
        plane = landscapes.random_plane(two, seed=2)
        found = landscapes.surface(two, kind, (X, MOONS), plane, a=AXES[0], b=AXES[1], chunk=9)
        np.testing.assert_allclose(found.values, by_hand(two, kind, (X, MOONS), plane, *AXES), rtol=3e-6)


@pytest.mark.parametrize("case", ["weight", "ignored", "all three", "own, weighted"])
def test_curvature_does_not_depend_on_the_pieces(case):
    loss, y = LOSSES[case]
    model = mlp([2, 4, 3], "tanh", seed=0)
    parameters = dict(model.named_parameters())

    def of_all(flat):
        parts = flat.split([p.numel() for p in parameters.values()])
        state = {key: part.view_as(p) for (key, p), part in zip(parameters.items(), parts, strict=True)}
        return loss(torch.func.functional_call(model, state, (X,)), y)

    exact = torch.func.hessian(of_all)(nn.utils.parameters_to_vector(model.parameters()).detach())
    torch.testing.assert_close(landscapes.hessian(model, loss, (X, y), chunk=7), exact, rtol=1e-4, atol=1e-5)


def test_a_trial_is_not_deceived_by_outputs_that_are_all_alike():
    weighted = LOSSES["own, weighted"][0]
    assert not losses.additive(weighted, torch.zeros(50, 3), Y)
    assert losses.additive(lambda out, y: F.cross_entropy(out, y), torch.zeros(50, 3), Y)
    # Probabilities: noise would leave the loss's domain.
    assert losses.additive(nn.BCELoss(), PROBABILITIES, (PROBABILITIES > 0.3).float())


def test_labels_with_further_axes():
    model = nn.Sequential(nn.Conv1d(2, 3, 1))
    steps = torch.randn(10, 2, 4, generator=RNG)
    labels = torch.where(torch.rand(10, 4, generator=RNG) < 0.5, 0, torch.randint(3, (10, 4), generator=RNG))
    loss, plane = nn.CrossEntropyLoss(weight=WEIGHT, ignore_index=0), landscapes.random_plane(model, seed=0)
    found = landscapes.surface(model, loss, (steps, labels), plane, a=AXES[0], b=AXES[1], chunk=3)
    np.testing.assert_allclose(found.values, by_hand(model, loss, (steps, labels), plane, *AXES), rtol=3e-6)


def normed(kind):
    return seeded(lambda: nn.Sequential(nn.Linear(2, 6), kind(6), nn.Tanh(), nn.Linear(6, 3)))


@pytest.mark.parametrize("chunk", [10, 7])      # 50 = 7 * 7 + 1: the last piece alone has no variance
def test_our_batch_norm_is_measured_as_torchs(chunk):
    ours, torchs = normed(BatchNorm1d), normed(nn.BatchNorm1d)
    plane = landscapes.random_plane(ours, seed=0)
    found = {}
    for kind in ("recompute", "eval"):
        mine, theirs = (landscapes.surface(m, F.cross_entropy, (X, MOONS), plane, a=AXES[0], b=AXES[1], chunk=chunk,
                                           batch_norm=kind).values for m in (ours, torchs))
        np.testing.assert_allclose(mine, theirs, rtol=1e-5)
        found[kind] = mine
    assert not np.allclose(found["recompute"], found["eval"], rtol=1e-2)


def test_recomputed_statistics_weigh_samples():
    model, plane = normed(BatchNorm1d), landscapes.random_plane(normed(BatchNorm1d), seed=0)
    found = landscapes.surface(model, F.cross_entropy, (X, MOONS), plane, a=[0.4, 0.9], b=[0.2], chunk=20,
                               batch_norm="recompute")
    for u, value in zip([0.4, 0.9], found.values[0], strict=True):
        moved = copy.deepcopy(model).eval()
        with torch.no_grad():
            for p, new in zip(moved.parameters(), landscapes.point(model, plane, [u, 0.2]), strict=True):
                p.copy_(new)
            z = moved[0](X)
            moved[1].running_mean = z.mean(0)
            moved[1].running_var = sum(len(part) / 50 * part.var(0) for part in z.split(20))
            assert value == pytest.approx(float(F.cross_entropy(moved(X), MOONS)), rel=1e-5)


@pytest.mark.parametrize("error, name, bad", [
    (ValueError, "loss must average",
     lambda m, p: landscapes.surface(m, nn.CrossEntropyLoss(reduction="sum"), (X, Y), p)),
    (TypeError, "loss must be an instance", lambda m, p: landscapes.surface(m, nn.CrossEntropyLoss, (X, Y), p)),
    (ValueError, "loss must be finite", lambda m, p: landscapes.surface(m, nn.CrossEntropyLoss(ignore_index=1),
                                                                        (X, torch.ones_like(Y)), p)),
    (ValueError, "y is on meta, the model on cpu", lambda m, p: landscapes.surface(m, F.cross_entropy,
                                                                                   (X, Y.to("meta")), p)),
    (ValueError, "weight is on meta, data on cpu",
     lambda m, p: landscapes.surface(m, nn.CrossEntropyLoss(weight=WEIGHT.to("meta")), (X, Y), p)),
    (ValueError, "model must lie on one device",
     lambda m, p: landscapes.surface(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 3, device="meta")), F.cross_entropy,
                                     (X, Y), p)),
    (TypeError, "X has dtype torch.float64", lambda m, p: landscapes.surface(m, F.cross_entropy, (X.double(), Y), p)),
    (ValueError, "method 'compiled' needs an nn.Sequential",
     lambda m, p: landscapes.surface(Skip(), F.cross_entropy, (X, Y), p, method="compiled")),
])
def test_what_cannot_be_exact_is_refused_by_name(error, name, bad):
    model = mlp([2, 6, 3], "tanh", seed=0)
    plane = landscapes.random_plane(Skip() if "Sequential" in name else model)
    with pytest.raises(error, match=name):
        bad(model, plane)
