"""Curves between models, symmetries, descent at the edge of stability, minima of a plane."""

import copy
import itertools

import numpy as np
import pytest
import torch
from torch import nn

from dlhelpers import landscapes, training
from dlhelpers.data import toy
from dlhelpers.models.mlp import mlp

CE = nn.CrossEntropyLoss()
MOONS = toy.moons(80, noise=0.15, seed=0)


def net(seed=0, activation="tanh", sizes=(2, 8, 8, 2)):
    return mlp(list(sizes), activation, seed=seed)


def trained(seed):
    model = net(seed)
    training.fit(model, MOONS, CE, optimizer=torch.optim.Adam(model.parameters(), 0.03), epochs=40, batch=20,
                 progress=False)
    return model


@pytest.fixture(scope="module")
def ends():
    return trained(0), trained(1)


def outputs(model):
    with torch.no_grad():
        return model.eval()(MOONS[0])


def value(model):
    return float(CE(outputs(model), MOONS[1]))


def flat(model):
    return nn.utils.parameters_to_vector(model.parameters()).detach().double()


# -- curves -----------------------------------------------------------------------------

@pytest.mark.parametrize("kind, bends", [("bezier", 1), ("bezier", 2), ("polyline", 1)])
def test_a_bent_curve_stays_low_where_the_line_rises(ends, kind, bends):
    t = np.linspace(0, 1, 21)
    before = [flat(model) for model in ends]
    straight = landscapes.line(ends[0], CE, MOONS, landscapes.between(*ends), a=t).values
    curve = landscapes.connect(*ends, CE, MOONS, kind=kind, bends=bends, steps=300, eta=0.02, seed=0)
    along = curve.losses(CE, MOONS, t)
    assert straight.max() > 2 * max(straight[0], straight[-1])       # a barrier there is
    assert along.max() < 1.05 * max(straight[0], straight[-1])
    np.testing.assert_allclose(along[[0, -1]], straight[[0, -1]], rtol=1e-5)
    assert len(curve.models) == bends + 2 and len(curve.history) == 300
    assert all(torch.equal(flat(model), old) for model, old in zip(ends, before, strict=True))


@pytest.mark.parametrize("kind, right", [
    ("bezier", lambda t, p, q, r: (1 - t) ** 2 * p + 2 * t * (1 - t) * q + t**2 * r),
    ("polyline", lambda t, p, q, r: 2 * (t * q + (0.5 - t) * p) if t <= 0.5 else 2 * ((t - 0.5) * r + (1 - t) * q)),
])
def test_the_points_of_a_curve(kind, right):
    models = net(0), net(1), net(2)
    curve = landscapes.Curve(models, kind, np.zeros(1))
    for t in (0.0, 0.2, 0.5, 0.9, 1.0):
        expected = right(t, *(flat(model) for model in models))
        torch.testing.assert_close(flat(curve.model(t)), expected, rtol=1e-6, atol=1e-6)
        assert curve.losses(CE, MOONS, [t])[0] == pytest.approx(value(curve.model(t)), rel=1e-5)


def test_a_curve_is_repeatable_and_takes_batches(ends):
    first, again = (landscapes.connect(*ends, CE, MOONS, steps=5, batch=10, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.history, again.history)
    assert not np.array_equal(first.history, landscapes.connect(*ends, CE, MOONS, steps=5, batch=10, seed=4).history)


def test_the_plane_through_three_models():
    models = net(0), net(1), net(2)
    plane = landscapes.plane_through(*models)
    A, B = (torch.cat([p.reshape(-1) for p in d]).double() for d in plane.directions)
    assert float(A @ A) == pytest.approx(1, rel=1e-5) and float(A @ B) == pytest.approx(0, abs=1e-5)
    for (a, b), model in zip(plane.path, models, strict=True):
        torch.testing.assert_close(flat(models[0]) + a * A + b * B, flat(model), rtol=1e-4, atol=1e-5)
    found = landscapes.losses_at(models[0], CE, MOONS, plane.directions, plane.path)
    np.testing.assert_allclose(found, [value(model) for model in models], rtol=1e-5)
    assert plane.explained[:2].sum() == pytest.approx(1)


# -- symmetries -------------------------------------------------------------------------

@pytest.mark.parametrize("layer, factors", [(0, 4.0), (1, [2.0, 0.5] * 4), (0, torch.full((8,), 0.1))])
def test_rescaling_leaves_the_function_and_changes_the_curvature(layer, factors):
    model = net(activation="relu")
    other = landscapes.rescaled(model, factors, layer=layer)
    torch.testing.assert_close(outputs(other), outputs(model), rtol=1e-5, atol=1e-5)
    sharp = [landscapes.top_eigenvalues(m, CE, MOONS, steps=40).top[0] for m in (model, other)]
    assert abs(sharp[1] / sharp[0] - 1) > 0.1 and not torch.equal(flat(model), flat(other))


def test_surfaces_after_a_rescaling():
    model = net(activation="relu")
    # One factor for the layer: filter-normalised steps scale with it, and the surface is the same ...
    plane = landscapes.random_plane(model, seed=0)
    whole = landscapes.rescaled(model, 4.0)
    same = landscapes.surface(whole, CE, MOONS, landscapes.random_plane(whole, seed=0), points=7).values
    original = landscapes.surface(model, CE, MOONS, plane, points=7).values
    np.testing.assert_allclose(same, original, rtol=1e-3)
    # ... but not with a factor for each unit, for the outgoing weights of many units are one filter.
    units = landscapes.rescaled(model, [4.0, 0.25] * 4)
    mixed = landscapes.surface(units, CE, MOONS, landscapes.random_plane(units, seed=0), points=7).values
    assert np.abs(mixed / original - 1).max() > 0.1


def test_units_may_change_places():
    model = net()
    order = [3, 1, 0, 2, 7, 6, 5, 4]
    shuffled = landscapes.permuted(landscapes.permuted(model, order), order[::-1], layer=1)
    torch.testing.assert_close(outputs(shuffled), outputs(model), rtol=1e-5, atol=1e-6)
    assert torch.equal(landscapes.permuted(model, order)[0].weight, model[0].weight[order])
    barrier = landscapes.line(model, CE, MOONS, landscapes.between(model, shuffled), a=[0, 0.5, 1]).values
    assert barrier[1] > barrier[0] + 0.01
    torch.testing.assert_close(flat(landscapes.matched(shuffled, model)), flat(model))


def test_matching_brings_models_nearer():
    model, target = net(5), net(6)
    near = landscapes.matched(model, target)
    torch.testing.assert_close(outputs(near), outputs(model), rtol=1e-5, atol=1e-6)
    assert (flat(near) - flat(target)).norm() < (flat(model) - flat(target)).norm()
    one = net(5, sizes=(2, 4, 2)), net(6, sizes=(2, 4, 2))
    # One hidden layer: the best of all 24 orders.
    orders = itertools.permutations(range(4))
    best = min(float((flat(landscapes.permuted(one[0], order)) - flat(one[1])).norm()) for order in orders)
    assert float((flat(landscapes.matched(*one)) - flat(one[1])).norm()) == pytest.approx(best, rel=1e-6)


# -- the edge of stability --------------------------------------------------------------

def test_descent_is_plain_descent_and_the_sharpness_is_the_hessians():
    model, eta = net(), 0.4
    plain, losses = copy.deepcopy(model), []
    for _ in range(12):
        step = CE(plain(MOONS[0]), MOONS[1])
        losses.append(float(step.detach()))
        plain.zero_grad()
        step.backward()
        with torch.no_grad():
            for p in plain.parameters():
                p -= eta * p.grad
    found = landscapes.descend(model, CE, MOONS, eta=eta, T=12, every=5, chunk=30, products=100, tol=1e-5)
    np.testing.assert_allclose(found.losses[:-1], losses, rtol=1e-4)
    torch.testing.assert_close(flat(found.model), flat(plain), rtol=1e-3, atol=1e-4)
    assert found.steps.tolist() == [0, 5, 10, 12] and found.edge == 5.0 and torch.equal(flat(model), flat(net()))
    for at, where in ((0, model), (-1, found.model)):
        exact = torch.linalg.eigvalsh(landscapes.hessian(where, CE, MOONS))[-1]
        assert found.sharpness[at] == pytest.approx(float(exact), rel=1e-3)


def test_sharpness_of_a_quadratic_at_the_edge():
    # L = (w x)^2: curvature 2 x^2 = 8 everywhere; stable below 2 / eta.
    line = nn.Linear(1, 1, bias=False)
    data = torch.full((4, 1), 2.0), torch.zeros(4, 1)
    below = landscapes.descend(line, nn.MSELoss(), data, eta=0.24, T=20, every=20)
    above = landscapes.descend(line, nn.MSELoss(), data, eta=0.26, T=20, every=20)
    assert below.losses[-1] < below.losses[0] and above.losses[-1] > above.losses[0]
    np.testing.assert_allclose([*below.sharpness, *above.sharpness], 8, rtol=1e-5)
    assert above.edge < 8 < below.edge


def test_a_log_for_fit_finds_a_new_sharpest_direction():
    log = landscapes.SharpnessLog(nn.MSELoss(), (torch.eye(2), torch.zeros(2, 2)), tol=1e-6)
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    for scale in ([3.0, 1.0], [1.0, 3.0]):
        with torch.no_grad():
            model[0].weight.copy_(torch.diag(torch.tensor(scale)))
            model[1].weight.zero_()
        log.record(model, len(log.steps))
    # The mean over four numbers of (scale v)^2 has curvature 2 scale^2 / 4; the old direction's is 0.5 by then.
    assert log.values == pytest.approx([4.5, 4.5], rel=1e-3)
    training.fit(net(), MOONS, CE, eta=0.1, epochs=4, batch=20, progress=False,
                 on_epoch=(every := landscapes.SharpnessLog(CE, MOONS, every=2)))
    assert len(every.steps) == 2 and all(step % 2 == 0 for step in every.steps)


# -- minima -----------------------------------------------------------------------------

class Hills(nn.Module):
    """Two parameters and any function of them."""

    def __init__(self, function):
        super().__init__()
        self.at, self.function = nn.Parameter(torch.zeros(2)), function

    def forward(self, x):
        return self.function(*self.at) + 0 * x


HILLS = {
    "well": (lambda a, b: (a - 0.13) ** 2 + 2 * (b + 0.31) ** 2, [(0.13, -0.31)], []),
    "kink": (lambda a, b: (a - 0.13).abs() + 2 * (b + 0.31).abs(), [(0.13, -0.31)], []),
    "two wells": (lambda a, b: (a**2 - 0.3) ** 2 + (b - 0.05) ** 2 + 0.02 * a,
                  [(a, 0.05) for a in np.roots([4, 0, -1.2, 0.02])[[0, 1]]], []),
    "slope": (lambda a, b: a + (b - 0.11) ** 2, [], [(-1.0, 0.11)]),
}


@pytest.mark.parametrize("case", HILLS)
def test_minima_are_found_between_the_points_of_the_grid(case):
    function, inner, rim = HILLS[case]
    model = Hills(function)
    directions = [[torch.tensor([1.0, 0.0])], [torch.tensor([0.0, 1.0])]]
    data = torch.zeros(3, 1), torch.zeros(3, 1)
    loss = lambda out, y: (out - y).mean()  # noqa: E731
    grid = landscapes.surface(model, loss, data, directions, points=21)
    found = landscapes.minima(model, loss, data, directions, grid)
    np.testing.assert_allclose(sorted((m.a, m.b) for m in found if not m.rim), sorted(inner) or np.zeros((0,)),
                               atol=2e-3)
    np.testing.assert_allclose([(m.a, m.b) for m in found if m.rim], rim or np.zeros((0,)), atol=2e-3)
    assert [m.value for m in found] == sorted(m.value for m in found)
    assert all(m.value <= grid.values.min() + 1e-7 for m in found[:1])


# -- refusals ---------------------------------------------------------------------------

@pytest.mark.parametrize("error, name, bad", [
    (ValueError, "kind", lambda: landscapes.connect(net(0), net(1), CE, MOONS, kind="arc")),
    (ValueError, "bends", lambda: landscapes.connect(net(0), net(1), CE, MOONS, bends=0)),
    (ValueError, "batch", lambda: landscapes.connect(net(0), net(1), CE, MOONS, batch=81)),
    (ValueError, "end must have the shapes", lambda: landscapes.connect(net(0), net(1, sizes=(2, 8, 9, 2)), CE, MOONS)),
    (ValueError, "running statistics",
     lambda: landscapes.connect(*[nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))] * 2, CE, MOONS)),
    (ValueError, "t must lie in",
     lambda: landscapes.Curve((net(0), net(1)), "bezier", np.zeros(1)).weights([0.5, 1.2])),
    (ValueError, "span no plane", lambda: landscapes.plane_through(net(0), net(0), net(0))),
    (ValueError, "factors must be positive", lambda: landscapes.rescaled(net(activation="relu"), -1.0)),
    (ValueError, "factors must be one number or 8", lambda: landscapes.rescaled(net(activation="relu"), [1.0, 2.0])),
    (ValueError, "model must be an nn.Sequential of linear layers and ReLU", lambda: landscapes.rescaled(net(), 2.0)),
    (ValueError, "layer", lambda: landscapes.rescaled(net(activation="relu"), 2.0, layer=2)),
    (ValueError, "hidden layer", lambda: landscapes.permuted(nn.Sequential(nn.Linear(2, 2)), [0, 1])),
    (ValueError, "order", lambda: landscapes.permuted(net(), [0] * 8)),
    (ValueError, "target must have the shapes", lambda: landscapes.matched(net(), net(sizes=(2, 8, 9, 2)))),
    (ValueError, "eta", lambda: landscapes.descend(net(), CE, MOONS, eta=-1, T=3)),
    (ValueError, "T must", lambda: landscapes.descend(net(), CE, MOONS, eta=1, T=0)),
    (ValueError, "every", lambda: landscapes.SharpnessLog(CE, MOONS, every=0)),
    (TypeError, "surface must be a Surface",
     lambda: landscapes.minima(net(), CE, MOONS, landscapes.random_plane(net()), np.zeros((5, 5)))),
    (ValueError, "start must not be zero",
     lambda: landscapes.top_eigenvalues(net(), CE, MOONS, start=[torch.zeros_like(p) for p in net().parameters()])),
])
def test_bad_arguments_are_refused_by_name(error, name, bad):
    with pytest.raises(error, match=name):
        bad()
