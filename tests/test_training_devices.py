"""Training, evaluating and measuring on a device without float64, which refuses to mix with others."""

import numpy as np
import pretend
import torch
from torch import nn

from dlhelpers import metrics, training
from dlhelpers.models import layers
from dlhelpers.models.mlp import mlp
from dlhelpers.models.radial import RadialBasisNetwork

X = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
LABELS = (X[:, 0] > 0).long()


def trained(move=lambda thing: thing):
    net = nn.Sequential(nn.Linear(3, 8), layers.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 2))
    layers.initialise(net, "he", seed=1)
    x, y = move(X), move(LABELS)
    net = move(net)
    loss = nn.CrossEntropyLoss(weight=move(torch.tensor([1.0, 3.0])))
    history = training.fit(net, (x, y), loss, optimizer=torch.optim.Adam(net.parameters(), lr=0.01), epochs=3, batch=7,
                           clip=1.0, validation=(x[:9], y[:9]), metrics={"accuracy": metrics.accuracy},
                           stop=training.EarlyStopping(5))
    training.step(net, (x, y), loss, eta=0.1, clip=0.1)
    return history, training.accuracy(net, x, y), training.evaluate(net, x, y, loss, chunk=7), training.predict(net, x)


def test_a_whole_run_on_the_device():
    here = trained()
    with pretend.pretending() as device:
        there = trained(lambda t: t.to(device))
        assert there[3].device.type == device.type
    assert here[0] == there[0] and here[1:3] == there[1:3]
    assert torch.equal(here[3], there[3].cpu())


def test_a_radial_network_is_fitted_on_the_device():
    y = X[:, :1].sin()
    here = RadialBasisNetwork(X[:5].clone(), width=1.0).fit(X, y, ridge=0.1)
    with pretend.pretending() as device:
        net = RadialBasisNetwork(X[:5].clone(), width=1.0)
        net.to(device)
        net.fit(X.to(device), y.to(device), ridge=0.1)
    torch.testing.assert_close(net.output.weight.detach().cpu(), here.output.weight.detach())


def test_initialisation_and_metrics_on_the_device():
    net = mlp([3, 4, 2], seed=0)
    here = layers.initialise(mlp([3, 4, 2], seed=0), "he", seed=3)
    with pretend.pretending() as device:
        net.to(device)
        layers.initialise(net, "he", seed=3)
        there = X.to(device)
        got = [metrics.accuracy(there[:, :2], LABELS.to(device)), metrics.frechet(there, 2 * there),
               metrics.sliced_wasserstein(there, 2 * there), metrics.psnr(there, 2 * there),
               metrics.roc(there[:, 0], LABELS.to(device)).area, metrics.ssim(there, 2 * there, window=3)]
    assert torch.equal(net[0].weight.detach().cpu(), here[0].weight.detach())
    expected = [metrics.accuracy(X[:, :2], LABELS), metrics.frechet(X, 2 * X), metrics.sliced_wasserstein(X, 2 * X),
                metrics.psnr(X, 2 * X), metrics.roc(X[:, 0], LABELS).area, metrics.ssim(X, 2 * X, window=3)]
    np.testing.assert_array_equal(got, expected)
