"""Everything that looks at loss surfaces, on a pretend accelerator that knows no float64."""

import copy

import numpy as np
import pretend
import pytest
import torch
from torch import nn

from dlhelpers import landscapes
from dlhelpers.data import toy
from dlhelpers.models.layers import BatchNorm1d
from dlhelpers.models.mlp import mlp

CE = nn.CrossEntropyLoss(weight=torch.tensor([0.3, 1.0]), label_smoothing=0.1)
MOONS = toy.moons(40, noise=0.1, seed=0)
IMAGES = torch.randn(40, 1, 6, 6, generator=torch.Generator().manual_seed(0))


def net(seed=0, activation="relu"):
    return mlp([2, 6, 5, 2], activation, seed=seed)


def seeded(*layers):
    model = nn.Sequential(*layers)
    nn.utils.vector_to_parameters(torch.linspace(-1, 1, sum(p.numel() for p in model.parameters())).sin(),
                                  model.parameters())
    return model


def norm():
    return seeded(nn.Linear(2, 4), BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2))


def images():
    return seeded(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 2))


def surface(model, data, loss, **options):
    plane = landscapes.random_plane(model, seed=1)
    return landscapes.surface(model, loss, data, plane, points=5, chunk=15, **options).values


def lowest(model, data, loss):
    plane = landscapes.random_plane(model)
    grid = landscapes.surface(model, loss, data, plane, points=7)
    return np.array([m.value for m in landscapes.minima(model, loss, data, plane, grid)])


WORK = {
    "fused": lambda m, data, loss: surface(m(net), data, loss),
    "general": lambda m, data, loss: surface(m(net), data, loss, method="general"),
    "recompute": lambda m, data, loss: surface(m(norm), data, loss, batch_norm="recompute"),
    "own loss": lambda m, data, loss: surface(m(net), data, lambda out, y: loss(out, y) + out.mean() ** 2),
    "line": lambda m, data, loss: landscapes.line(
        m(net), loss, data, landscapes.between(m(net), m(lambda: net(1)))).values,
    "float64 direction": lambda m, data, loss: landscapes.line(
        m(net), loss, data, [torch.ones(p.shape).double() for p in net().parameters()]).values,
    "angle": lambda m, data, loss: np.array(landscapes.angle(*landscapes.random_plane(m(net)))),
    "eigenvalues": lambda m, data, loss: landscapes.top_eigenvalues(m(net), loss, data, k=2, steps=60).top,
    "hessian": lambda m, data, loss: landscapes.hessian(m(net), loss, data, chunk=9).cpu().numpy(),
    "descent": lambda m, data, loss: landscapes.descend(m(net), loss, data, eta=0.3, T=6, every=2).sharpness,
    "curve": lambda m, data, loss: landscapes.connect(m(net), m(lambda: net(1)), loss, data, steps=5, batch=9).losses(
        loss, data, [0.0, 0.3, 1.0]),
    "plane": lambda m, data, loss: landscapes.losses_at(
        m(net), loss, data, landscapes.plane_through(*(m(lambda s=s: net(s)) for s in range(3))).directions, np.eye(2)),
    "rescaled": lambda m, data, loss: surface(landscapes.rescaled(m(net), [2.0, 1.0, 3.0, 0.5, 1.0, 1.0]), data, loss),
    "matched": lambda m, data, loss: surface(landscapes.matched(m(net), m(lambda: net(1))), data, loss),
    "minima": lambda m, data, loss: lowest(m(net), data, loss),
    "convolution": lambda m, data, loss: surface(m(images), (IMAGES.to(data[1].device), data[1]), loss),
}


@pytest.mark.parametrize("name", WORK)
def test_the_device_gives_what_the_cpu_gives(name):
    expected = WORK[name](lambda build: build(), MOONS, copy.deepcopy(CE))
    with pretend.pretending() as device:
        data = tuple(t.to(device) for t in MOONS)
        found = WORK[name](lambda build: build().to(device), data, copy.deepcopy(CE).to(device))
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=1e-5)
