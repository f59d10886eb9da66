"""Dropout, batch normalisation, augmentation and initialisation against torch and theory."""

import math

import pytest
import torch
from torch import nn

from dlhelpers.models import layers
from dlhelpers.models.mlp import mlp


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_dropout_is_torchs():
    x = random(50, 40).float()
    for p in (0.0, 0.3, 0.9):
        torch.manual_seed(1)
        ours = layers.Dropout(p)(x)
        torch.manual_seed(1)
        torch.testing.assert_close(ours, nn.Dropout(p)(x))
        assert torch.equal(layers.Dropout(p).eval()(x), x)
    assert not list(layers.Dropout(0.5).parameters())


def test_dropout_passes_gradients_to_survivors_only():
    x = torch.ones(1000, requires_grad=True)
    torch.manual_seed(0)
    y = layers.Dropout(0.25)(x)
    y.sum().backward()
    assert sorted(set(x.grad.tolist())) == pytest.approx([0.0, 4 / 3])
    assert torch.equal(x.grad > 0, y > 0)


@pytest.mark.parametrize("momentum", [0.1, 0.5, None])
def test_batch_norm_is_torchs_in_both_modes(momentum):
    ours, theirs = (kind(5, momentum=momentum).double() for kind in (layers.BatchNorm1d, nn.BatchNorm1d))
    with torch.no_grad():
        for a, b in ((ours.gamma, theirs.weight), (ours.beta, theirs.bias)):
            a.copy_(random(5, seed=3))
            b.copy_(a)
    for step in range(4):
        z = (3 * random(8, 5, seed=step) + 2).requires_grad_()
        twin = z.detach().clone().requires_grad_()
        weights = random(8, 5, seed=50 + step)
        (ours(z) * weights).sum().backward()
        (theirs(twin) * weights).sum().backward()
        torch.testing.assert_close(z.grad, twin.grad)
    torch.testing.assert_close(ours.gamma.grad, theirs.weight.grad)
    torch.testing.assert_close(ours.beta.grad, theirs.bias.grad)
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    torch.testing.assert_close(ours.running_var, theirs.running_var)
    torch.testing.assert_close(ours.eval()(z), theirs.eval()(z))
    before = ours.running_mean.clone()
    ours(random(1, 5))
    assert torch.equal(ours.running_mean, before)
    assert ours.num_batches_tracked == theirs.num_batches_tracked == 4
    ours.reset_running_stats()
    theirs.reset_running_stats()
    names = ("running_mean", "running_var", "num_batches_tracked")
    assert all(torch.equal(getattr(ours, name), getattr(theirs, name)) for name in names)
    assert {name for name, _ in ours.named_buffers()} == {name for name, _ in theirs.named_buffers()} == set(names)


def test_augmentation_moves_by_whole_pixels_where_it_should(monkeypatch):
    images = torch.rand(3, 36, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(torch, "rand", lambda *shape, **_: torch.ones(*shape))
    moved = layers.RandomAffine(pixels=1, degrees=0)(images).view(3, 6, 6)
    torch.testing.assert_close(moved[:, :5, :5], images.view(3, 6, 6)[:, 1:, 1:], atol=1e-5, rtol=0)
    assert moved[:, 5].abs().max() < 1e-5
    turned = layers.RandomAffine(pixels=0, degrees=90)(images).view(3, 6, 6)
    # A positive angle turns anticlockwise, as rot90 does: the lower right corner goes to the upper right.
    torch.testing.assert_close(turned, images.view(3, 6, 6).rot90(1, (1, 2)), atol=1e-5, rtol=0)


def test_augmentation_follows_the_seed_and_rests_in_evaluation():
    images, layer = torch.rand(4, 49), layers.RandomAffine()
    results = []
    for _ in range(2):
        torch.manual_seed(5)
        results.append(layer(images))
    assert torch.equal(*results) and not torch.allclose(results[0], images)
    assert torch.equal(layer.eval()(images), images)


@pytest.mark.parametrize("scheme, variance", [("he", 2 / 300), ("xavier", 2 / 500), (1.5, 2.25 / 300), ("zero", 0.0)])
def test_variances(scheme, variance):
    before = torch.random.get_rng_state()
    model = layers.initialise(mlp([300, 200, 10], "relu", seed=0), scheme, seed=2)
    weight = model[0].weight.detach()
    # The variance of 60 000 normal numbers scatters by sqrt(2 / 60 000) of itself.
    assert float(weight.var()) == pytest.approx(variance, rel=4 * math.sqrt(2 / 60_000))
    assert all(bool((layer.bias == 0).all()) for layer in model if isinstance(layer, nn.Linear))
    assert torch.equal(torch.random.get_rng_state(), before)
    again = layers.initialise(mlp([300, 200, 10], "relu", seed=1), scheme, seed=2)
    assert torch.equal(weight, again[0].weight)


@pytest.mark.parametrize("make, error, match", [
    (lambda: layers.Dropout(1.0), ValueError, "p must"),
    (lambda: layers.Dropout("half"), TypeError, "p must"),
    (lambda: layers.BatchNorm1d(0), ValueError, "units"),
    (lambda: layers.BatchNorm1d(3, eps=0.0), ValueError, "eps"),
    (lambda: layers.BatchNorm1d(3, momentum=2.0), ValueError, "momentum"),
    (lambda: layers.BatchNorm1d(3)(torch.ones(1, 3)), ValueError, "at least 2 samples"),
    (lambda: layers.BatchNorm1d(3)(torch.ones(4, 2)), ValueError, "z must have shape"),
    (lambda: layers.RandomAffine(pixels=-1.0), ValueError, "pixels"),
    (lambda: layers.RandomAffine(degrees=200.0), ValueError, "degrees"),
    (lambda: layers.RandomAffine()(torch.ones(2, 50)), ValueError, "square"),
    (lambda: layers.initialise(mlp([2, 2], seed=0), "glorot"), ValueError, "scheme"),
    (lambda: layers.initialise(mlp([2, 2], seed=0), -1.0), ValueError, "scheme"),
    (lambda: layers.initialise(nn.ReLU(), "he"), ValueError, "no linear layers"),
    (lambda: layers.initialise("net", "he"), TypeError, "model"),
])
def test_bad_input_is_named(make, error, match):
    with pytest.raises(error, match=match):
        make()
