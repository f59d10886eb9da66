"""Loss surfaces against moving the parameters by hand, curvature against the full matrix."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dlhelpers import landscapes, training
from dlhelpers.data import toy
from dlhelpers.models.mlp import mlp

CE = nn.CrossEntropyLoss()
MOONS = toy.moons(60, seed=0)


def net(activation="tanh", seed=0):
    return mlp([2, 8, 8, 2], activation, seed=seed)


def cnn():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(4, 5, 3, padding=1), nn.Tanh(), nn.Flatten(), nn.Linear(20, 3))


class Skip(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(2, 5), nn.Linear(5, 5)
        self.out = nn.Linear(5, 2)

    def forward(self, x):
        h = self.first(x)
        return self.out(h + torch.tanh(self.second(h)))


def normed():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 2))


def by_hand(model, loss, data, directions, a, b):
    moved = copy.deepcopy(model).eval()
    with torch.no_grad():
        for p, u, v in zip(moved.parameters(), *directions, strict=True):
            p.add_(a * u + b * v)
        return float(loss(moved(data[0]), data[1]))


def here(model):
    with torch.no_grad():
        return float(CE(model(MOONS[0]), MOONS[1]))


def images(n=23):
    rng = torch.Generator().manual_seed(0)
    return torch.randn(n, 1, 8, 8, generator=rng), torch.randint(3, (n,), generator=rng)


CASES = {
    "relu": (lambda: net("relu"), CE, MOONS, "fused"),
    "tanh": (net, F.cross_entropy, MOONS, "fused"),
    "no bias": (lambda: mlp([2, 8, 3], "sigmoid", bias=False, seed=1), CE, (MOONS[0], MOONS[1] + 1), "fused"),
    "squared": (net, nn.MSELoss(), (MOONS[0], F.one_hot(MOONS[1]).float()), "fused"),
    "own loss": (net, lambda out, y: F.cross_entropy(out, y) + out.square().mean(), MOONS, "fused"),
    "smoothed": (net, nn.CrossEntropyLoss(label_smoothing=0.1), MOONS, "fused"),
    "double": (lambda: net().double(), CE, (MOONS[0].double(), MOONS[1]), "fused"),
    "linear": (lambda: mlp([2, 2], seed=0), CE, MOONS, "fused"),
    "cnn": (cnn, CE, images(), "fused"),
    "skips": (Skip, CE, MOONS, "general"),
    "batch norm": (normed, CE, MOONS, "general"),
}


@pytest.mark.parametrize("chunk", [7, 1000])
@pytest.mark.parametrize("case", CASES)
def test_every_point_is_what_moving_by_hand_gives(case, chunk):
    build, loss, data, method = CASES[case]
    model = build()
    plane = landscapes.random_plane(model, seed=3, one_dimensional=True)
    a, b = [-0.7, 0.1, 0.9], [-1.0, 0.4]
    found = landscapes.surface(model, loss, data, plane, a=a, b=b, chunk=chunk)
    right = [[by_hand(model, loss, data, plane, u, v) for u in a] for v in b]
    np.testing.assert_allclose(found.values, right, rtol=2e-5, atol=1e-6)
    assert found.method == method
    general = landscapes.surface(model, loss, data, plane, a=a, b=b, chunk=chunk, method="general")
    np.testing.assert_allclose(found.values, general.values, rtol=2e-5, atol=1e-6)


def test_small_pieces_change_nothing(monkeypatch):
    plane = landscapes.random_plane(net(), seed=0)
    whole = landscapes.surface(net(), CE, MOONS, plane, points=9).values
    monkeypatch.setattr(landscapes.fused, "CACHE", 1)
    np.testing.assert_allclose(landscapes.surface(net(), CE, MOONS, plane, points=9).values, whole, rtol=1e-5)


@pytest.mark.parametrize("build", [lambda: mlp([2, 4, 4, 2], "relu", seed=0)[0], Skip, normed,
                                   lambda: nn.Sequential(nn.ReLU(), nn.Linear(2, 2))])
def test_what_is_supported(build):
    assert landscapes.supported(build()) == isinstance(build(), nn.Linear)


def test_shared_layers_and_hooks_take_the_general_path():
    shared = nn.Linear(2, 2)
    assert not landscapes.supported(nn.Sequential(shared, nn.Tanh(), shared))
    hooked = net()
    hooked[0].register_forward_hook(lambda *_: None)
    assert not landscapes.supported(hooked)


def test_many_directions_and_lines():
    model = net()
    three = [landscapes.random_direction(model, seed=k) for k in range(3)]
    found = landscapes.losses_at(model, CE, MOONS, three, [[0.1, -0.2, 0.3], [0, 0, 0]])
    moved = copy.deepcopy(model)
    nn.utils.vector_to_parameters(nn.utils.parameters_to_vector(landscapes.point(model, three, [0.1, -0.2, 0.3])),
                                  moved.parameters())
    assert found == pytest.approx([here(moved), here(model)], rel=1e-5)
    other = net(seed=5)
    way = landscapes.line(model, CE, MOONS, landscapes.between(model, other), a=[0, 1])
    assert way.values[1] == pytest.approx(here(other), rel=1e-5) and way.diverged == 0


# -- the model stays as it was ----------------------------------------------------------

def fingerprint(model):
    state = {k: v.clone() for k, v in model.state_dict().items()}
    parameters = list(model.parameters())
    return state, [m.training for m in model.modules()], [id(p) for p in parameters], [p.grad for p in parameters]


def assert_same(model, before):
    state, modes, identities, grads = fingerprint(model)
    assert all(torch.equal(state[k], v) for k, v in before[0].items())
    assert (modes, identities) == before[1:3] and all(g is None for g in grads)


@pytest.mark.parametrize("batch_norm", ["eval", "recompute"])
@pytest.mark.parametrize("build", [net, Skip, normed])
def test_the_model_is_left_alone(build, batch_norm):
    model = build()
    model[0].eval() if isinstance(model, nn.Sequential) else model.first.eval()      # mixed modes
    before, random_state = fingerprint(model), torch.get_rng_state()
    landscapes.surface(model, CE, MOONS, landscapes.random_plane(model), points=3, batch_norm=batch_norm, chunk=16)
    landscapes.top_eigenvalues(model, CE, MOONS, steps=4)
    assert_same(model, before)
    assert torch.equal(torch.get_rng_state(), random_state)


@pytest.mark.parametrize("batch_norm", ["eval", "recompute"])
@pytest.mark.parametrize("build", [net, normed])
def test_also_when_it_raises(build, batch_norm):
    model, calls = build(), []

    def fails_later(out, y):
        calls.append(1)
        if len(calls) > 3:
            raise RuntimeError("stop")
        return CE(out, y)

    before = fingerprint(model)
    with pytest.raises(RuntimeError, match="stop"):
        landscapes.surface(model, fails_later, MOONS, landscapes.random_plane(model), points=3, batch_norm=batch_norm)
    assert_same(model, before)


def test_recomputed_statistics_are_those_of_the_data():
    model = normed()
    plane = landscapes.random_plane(model, seed=0)
    found = landscapes.surface(model, CE, MOONS, plane, a=[0.5], b=[-0.5, 0.2], batch_norm="recompute", chunk=20).values
    for value, b in zip(found[:, 0], (-0.5, 0.2), strict=True):
        moved = copy.deepcopy(model)
        there = nn.utils.parameters_to_vector(landscapes.point(model, plane, [0.5, b]))
        nn.utils.vector_to_parameters(there, moved.parameters())
        torch.optim.swa_utils.update_bn(MOONS[0].split(20), moved)
        assert value == pytest.approx(here(moved.eval()), rel=1e-5)
    assert not np.allclose(found, landscapes.surface(model, CE, MOONS, plane, a=[0.5], b=[-0.5, 0.2]).values)


# -- directions -------------------------------------------------------------------------

def test_filter_normalisation_gives_each_filter_its_norm():
    model = cnn()
    for d, p in zip(landscapes.random_direction(model, seed=1), model.parameters(), strict=True):
        if p.ndim == 1:
            assert not d.any()
        else:
            torch.testing.assert_close(d.flatten(1).norm(dim=1), p.detach().flatten(1).norm(dim=1))
    for d, p in zip(landscapes.random_direction(model, seed=1, normalisation="layer"), model.parameters(), strict=True):
        assert p.ndim == 1 or float(d.norm()) == pytest.approx(float(p.detach().norm()), rel=1e-5)
    kept = landscapes.random_direction(model, seed=1, normalisation="none", one_dimensional=True)
    assert all(d.any() for d in kept)


def test_dead_filters_give_no_nan():
    model = net()
    with torch.no_grad():
        model[0].weight[2] = 0
    zero = landscapes.normalise([torch.zeros_like(p) for p in model.parameters()], model)
    assert not any(d.any() for d in zero)
    assert not landscapes.random_direction(model)[0][2].any()


def test_random_directions_are_nearly_orthogonal_and_seeded():
    model = mlp([50, 60, 10], seed=0)
    assert landscapes.angle(*landscapes.random_plane(model, seed=0)) == pytest.approx(90, abs=5 * 180 / math.pi / 60)
    first, again = (landscapes.random_direction(model, seed=4) for _ in range(2))
    assert all(torch.equal(u, v) for u, v in zip(first, again, strict=True))
    assert landscapes.angle(first, first) == pytest.approx(0, abs=1e-3)


# -- curvature --------------------------------------------------------------------------

def test_lanczos_finds_both_ends_of_the_full_spectrum():
    model, data = net().double(), (MOONS[0].double(), MOONS[1])
    H = landscapes.hessian(model, CE, data)
    torch.testing.assert_close(H, H.t(), atol=1e-12, rtol=0)
    exact = torch.linalg.eigvalsh(H).numpy()
    found = landscapes.top_eigenvalues(model, CE, data, k=3, steps=100, tol=1e-9)
    np.testing.assert_allclose(found.top, exact[::-1][:3], atol=1e-7)
    np.testing.assert_allclose(found.bottom, exact[:3], atol=1e-7)
    short = landscapes.top_eigenvalues(model, CE, data, steps=8)
    assert abs(short.top[0] - exact[-1]) <= short.top_errors[0] + 1e-12 and short.steps == 8


def test_hessian_vector_is_the_derivative_of_the_gradient():
    model, data = net().double(), (MOONS[0].double(), MOONS[1])
    rng = torch.Generator().manual_seed(0)
    v = torch.randn(sum(p.numel() for p in model.parameters()), dtype=torch.float64, generator=rng)

    def gradient(step):
        moved = copy.deepcopy(model)
        flat = nn.utils.parameters_to_vector(moved.parameters()).detach() + step * v
        nn.utils.vector_to_parameters(flat, moved.parameters())
        slopes = torch.autograd.grad(CE(moved(data[0]), data[1]), list(moved.parameters()))
        return torch.cat([g.reshape(-1) for g in slopes])

    right = (gradient(1e-5) - gradient(-1e-5)) / 2e-5
    torch.testing.assert_close(landscapes.hessian_vector(model, CE, data, v, chunk=17), right, atol=1e-7, rtol=1e-5)


def test_a_linear_loss_has_no_curvature():
    model = mlp([2, 1], seed=0)
    found = landscapes.top_eigenvalues(model, lambda out, y: out.mean(), MOONS, steps=5)
    assert found.top[0] == pytest.approx(0, abs=1e-12)


def test_the_share_of_negative_curvature():
    t = np.linspace(-1, 1, 21)
    a, b = np.meshgrid(t, t)
    assert landscapes.nonconvex_share(a**2 + b**2) == 0
    assert landscapes.nonconvex_share(a**2 - b**2) == 1
    assert landscapes.nonconvex_share(a**3 + b**2) == pytest.approx(0.5, abs=0.06)


def test_water_finds_the_minima():
    t = np.linspace(-1, 1, 41)
    a, b = np.meshgrid(t, t)
    assert landscapes.basins(a**2 + b**2) == (1, 1.0)
    count, share = landscapes.basins((a**2 - 0.25)**2 + 0.3 * b**2)      # a double well, its rim exactly in the middle
    assert count == 2 and share == pytest.approx(0.5, abs=0.03)


# -- trajectories -----------------------------------------------------------------------

def test_the_plane_of_a_trajectory_is_its_principal_one():
    model = net()
    trajectory = landscapes.Trajectory(model)
    training.fit(model, MOONS, CE, eta=0.3, epochs=6, batch=10, progress=False, on_epoch=trajectory)
    points = trajectory.vectors().double().numpy()
    singular = np.linalg.svd(points - points.mean(0), compute_uv=False)
    plane = trajectory.plane()
    assert len(trajectory) == 7 and plane.path.shape == (7, 2)
    np.testing.assert_allclose(plane.explained[:6], singular[:6]**2 / (singular**2).sum(), atol=1e-8)
    assert plane.path[-1] == pytest.approx([0, 0], abs=1e-9)
    assert landscapes.angle(*plane.directions) == pytest.approx(90, abs=1e-3)
    shift = torch.cat([d.reshape(-1) for d in plane.directions[0]]).double().numpy()
    np.testing.assert_allclose(plane.path[:, 0], (points - points[-1]) @ shift, atol=1e-5)
    assert torch.equal(trajectory.load(net(seed=9), 0)[0].weight, net()[0].weight)
    (low, high), _ = plane.limits()
    assert low < plane.path[:, 0].min() and high > plane.path[:, 0].max()


# -- refusals ---------------------------------------------------------------------------

def call(**changes):
    model = changes.pop("model", net())
    given = {"loss": CE, "data": MOONS, "points": 3} | changes
    given.setdefault("directions", landscapes.random_plane(net()))
    return landscapes.surface(model, given.pop("loss"), given.pop("data"), given.pop("directions"), **given)


def broken(value):
    model = net()
    with torch.no_grad():
        model[0].weight[0, 0] = value
    return model


WRONG_SHAPE = [torch.zeros(3)] * 6
BAD = {
    "model without parameters": (ValueError, "model must have parameters", {"model": nn.ReLU()}),
    "model is a function": (TypeError, "model", {"model": lambda x: x}),
    "model with NaN": (ValueError, "model must have finite", {"model": broken(float("nan"))}),
    "loss not callable": (TypeError, "loss", {"loss": 1.0}),
    "loss not averaged": (ValueError, "loss must average", {"loss": nn.CrossEntropyLoss(reduction="none")}),
    "loss not scalar": (ValueError, "loss must return one", {"loss": lambda out, y: out}),
    "loss a float": (TypeError, "loss must return a torch tensor", {"loss": lambda out, y: 1.0}),
    "loss NaN": (ValueError, "loss must be finite", {"loss": lambda out, y: out.sum() * float("nan")}),
    "data no pair": (TypeError, "data", {"data": MOONS[0]}),
    "data of unequal length": (ValueError, "data", {"data": (MOONS[0], MOONS[1][:5])}),
    "data empty": (ValueError, "data", {"data": (MOONS[0][:0], MOONS[1][:0])}),
    "data integer": (TypeError, "data: X must hold floating-point", {"data": (MOONS[0].long(), MOONS[1])}),
    "data infinite": (ValueError, "data: X must be finite", {"data": (MOONS[0] / 0, MOONS[1])}),
    "one direction": (ValueError, "directions", {"directions": [landscapes.random_direction(net())]}),
    "directions too short": (ValueError, r"directions\[0\]", {"directions": [WRONG_SHAPE[:2]] * 2}),
    "directions of another shape": (ValueError, r"directions\[0\]", {"directions": [WRONG_SHAPE] * 2}),
    "directions integer": (TypeError, r"directions\[0\]",
                           {"directions": [[p.detach().long() for p in net().parameters()]] * 2}),
    "directions NaN": (ValueError, r"directions\[0\]",
                       {"directions": [[p.detach() * float("nan") for p in net().parameters()]] * 2}),
    "directions arrays": (TypeError, r"directions\[0\]",
                          {"directions": [[p.detach().numpy() for p in net().parameters()]] * 2}),
    "radius zero": (ValueError, "radius", {"radius": 0}),
    "radius negative": (ValueError, "radius", {"radius": -1.0}),
    "radius text": (TypeError, "radius", {"radius": "1"}),
    "radius NaN": (ValueError, "radius", {"radius": float("nan")}),
    "radius beyond all numbers": (ValueError, "radius .* too large", {"radius": 1e30, "loss": nn.MSELoss(),
                                                                     "data": (MOONS[0], F.one_hot(MOONS[1]).float()),
                                                                     "model": net("relu")}),
    "points 1": (ValueError, "points", {"points": 1}),
    "points 2.5": (TypeError, "points", {"points": 2.5}),
    "a matrix": (ValueError, "a must", {"a": [[1.0]]}),
    "b empty": (ValueError, "b must", {"b": []}),
    "chunk 0": (ValueError, "chunk", {"chunk": 0}),
    "batch_norm unknown": (ValueError, "batch_norm", {"batch_norm": "train"}),
    "method unknown": (ValueError, "method", {"method": "fast"}),
    "method that cannot": (ValueError, "method 'fused'", {"method": "fused", "model": Skip(),
                                                          "directions": landscapes.random_plane(Skip())}),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_surfaces_are_refused_by_name(case):
    error, name, changes = BAD[case]
    with pytest.raises(error, match=name):
        call(**changes)


@pytest.mark.parametrize("error, name, bad", [
    (ValueError, "normalisation", lambda: landscapes.random_direction(net(), normalisation="rows")),
    (TypeError, "seed", lambda: landscapes.random_direction(net(), seed=1.5)),
    (ValueError, "end", lambda: landscapes.between(net(), mlp([2, 4, 4, 2], seed=0))),
    (ValueError, "at must", lambda: landscapes.point(net(), [landscapes.random_direction(net())], [1.0, 2.0])),
    (ValueError, "first and second", lambda: landscapes.angle([torch.zeros(2)], [torch.ones(2)])),
    (ValueError, "vector", lambda: landscapes.hessian_vector(net(), CE, MOONS, torch.ones(3))),
    (ValueError, "k must", lambda: landscapes.top_eigenvalues(net(), CE, MOONS, k=0)),
    (ValueError, "steps", lambda: landscapes.top_eigenvalues(net(), CE, MOONS, k=3, steps=2)),
    (ValueError, "tol", lambda: landscapes.top_eigenvalues(net(), CE, MOONS, tol=0)),
    (ValueError, "model must have at most",
     lambda: landscapes.hessian(mlp([100, 100, 2]), CE, (torch.ones(2, 100), torch.ones(2).long()))),
    (ValueError, "three recorded", lambda: landscapes.Trajectory(net()).plane()),
    (ValueError, "model must have the same", lambda: landscapes.Trajectory(net()).record(cnn())),
    (ValueError, "values", lambda: landscapes.nonconvex_share(np.ones((2, 5)))),
])
def test_bad_arguments_are_refused_by_name(error, name, bad):
    with pytest.raises(error, match=name):
        bad()


def test_divergence_is_reported_not_hidden():
    model, data = net("relu"), (MOONS[0], F.one_hot(MOONS[1]).float())
    plane = landscapes.random_plane(model)
    found = landscapes.surface(model, nn.MSELoss(), data, plane, a=[0, 1e-3, 1e20], b=[0, 1e-3])
    assert found.diverged == pytest.approx(1 / 3) and np.isfinite(found.shown(log=True)).all()
