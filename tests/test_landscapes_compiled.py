"""The compiled path: its elementary functions over all of float32, its losses against float64, its threads."""

import copy
import os
import subprocess
import sys

import numba
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dlhelpers import files, landscapes
from dlhelpers.data import toy
from dlhelpers.landscapes import compiled, kernels
from dlhelpers.models.mlp import mlp

MOONS = toy.moons(70, noise=0.1, seed=0)
CE = nn.CrossEntropyLoss()


def of_all(function, x):
    @numba.njit
    def run(x):
        y = np.empty_like(x)
        for i in range(x.size):
            y[i] = function(x[i])
        return y

    return run(x)


def every(low, high, stride):
    """Every stride-th float32 number from low to high, both at least 0, and high's neighbours."""
    bits = np.arange(np.float32(low).view(np.int32), np.float32(high).view(np.int32) + 1, stride, dtype=np.int32)
    near = np.nextafter(np.float32([low, high, high, 1, 1, 2]), np.float32([1, 0, 1e30, 0, 2, 0]))
    return np.concatenate([bits.view(np.float32), near, [np.float32(low), np.float32(high)]])


# A stride of 1 was tried too, over all numbers of the range: the limits are what it found, rounded up.
@pytest.mark.parametrize("name, x, right, limit", [
    ("tanh", every(1e-30, 100, 997), np.tanh, 3.4e-7),
    ("exp", np.concatenate([every(1e-30, 88.2, 997), -every(1e-30, 87.2, 997)]), np.exp, 8e-8),
    ("log1p", every(1e-30, 1e6, 997), np.log1p, 2.3e-7),
    ("sigmoid", np.concatenate([every(1e-30, 80, 997), -every(1e-30, 80, 997)]),
     lambda x: 1 / (1 + np.exp(-x)), 1.6e-7),
])
def test_elementary_functions_are_exact_to_rounding(name, x, right, limit):
    exact = right(x.astype(float))
    found = of_all(getattr(kernels, name), x)
    assert np.abs(found / exact - 1).max() <= limit
    if name == "tanh":
        np.testing.assert_array_equal(of_all(kernels.tanh, -x), -found)
        assert np.abs(found).max() <= 1 + 1.2e-7


def test_no_number_is_hidden():
    x = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30], np.float32)
    assert np.isnan([of_all(f, x)[0] for f in (kernels.tanh, kernels.exp, kernels.relu, kernels.sigmoid)]).all()
    np.testing.assert_allclose(of_all(kernels.tanh, x)[1:], [1, -1, 1, -1], rtol=2e-7)
    np.testing.assert_array_equal(of_all(kernels.relu, x)[1:], [np.inf, 0, np.float32(1e30), 0])


NETS = {
    "relu": lambda: mlp([2, 16, 16, 2], "relu", seed=0),
    "tanh": lambda: mlp([2, 16, 16, 2], "tanh", seed=0),
    "sigmoid, odd": lambda: mlp([2, 7, 5, 3], "sigmoid", seed=0),
    "silu, no bias": lambda: nn.Sequential(nn.Linear(2, 9, bias=False), nn.SiLU(), nn.Linear(9, 4, bias=False)),
    "one unit": lambda: mlp([2, 1, 2], "tanh", seed=0),
    "linear": lambda: mlp([2, 3], seed=0),
    "two in a row": lambda: nn.Sequential(nn.Flatten(), nn.Linear(2, 6), nn.Linear(6, 5), nn.Dropout(), nn.Tanh(),
                                          nn.Linear(5, 3)),
    "activated outputs": lambda: nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 3), nn.ReLU()),
}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("loss", ["cross-entropy", "squared"])
@pytest.mark.parametrize("net", NETS)
def test_losses_are_those_of_float64_to_one_in_a_million(net, loss, threads, monkeypatch):
    monkeypatch.setattr(compiled, "MOVED", 500)
    model = NETS[net]()
    K = model(MOONS[0][:1]).shape[1]
    y = MOONS[1] if loss == "cross-entropy" else F.one_hot(MOONS[1], K).float()
    function = CE if loss == "cross-entropy" else nn.MSELoss()
    plane = landscapes.random_plane(model, seed=4, one_dimensional=True)
    grid = {"radius": 2.0, "points": 9}
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        found = landscapes.surface(model, function, (MOONS[0], y), plane, method="compiled", **grid)
    finally:
        torch.set_num_threads(before)
    exact = np.empty((9, 9))
    for i, v in enumerate(found.b):
        for j, u in enumerate(found.a):
            moved = copy.deepcopy(model).eval().double()
            with torch.no_grad():
                for p, d, e in zip(moved.parameters(), *plane, strict=True):
                    p.add_(u * d.double() + v * e.double())
                exact[i, j] = function(moved(MOONS[0].double()), y if loss == "cross-entropy" else y.double())
    assert found.method == "compiled"
    np.testing.assert_allclose(found.values, exact, rtol=1e-6, atol=2e-8)


def test_small_losses_keep_their_digits():
    # log(1 + 1e-9) is 1e-9, although 1 + 1e-9 is 1 in float32.
    model = mlp([2, 3], seed=0)
    with torch.no_grad():
        model[0].weight.zero_()
        model[0].bias.copy_(torch.tensor([20.0, 0.0, -3.0]))
    data = MOONS[0], torch.zeros(70, dtype=torch.int64)
    found = landscapes.losses_at(model, CE, data, landscapes.random_plane(model), [[0.0, 0.0]], method="compiled")
    assert found[0] == pytest.approx(np.log1p(np.exp(-20) + np.exp(-23)), rel=1e-6)


def test_threads_and_pieces_change_nothing(monkeypatch):
    model, plane = mlp([2, 8, 2], "tanh", seed=0), landscapes.random_plane(mlp([2, 8, 2], seed=0))
    whole = landscapes.surface(model, CE, MOONS, plane, points=7, method="compiled").values
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        threaded = landscapes.surface(model, CE, MOONS, plane, points=7, method="compiled").values
        np.testing.assert_array_equal(threaded, whole)
    finally:
        torch.set_num_threads(before)
    monkeypatch.setattr(compiled, "BLOCK", 16)
    np.testing.assert_allclose(landscapes.surface(model, CE, MOONS, plane, points=7, method="compiled").values, whole,
                               rtol=1e-6)


def test_divergence_is_seen():
    model = mlp([2, 4, 2], "relu", seed=0)
    found = landscapes.surface(model, CE, MOONS, landscapes.random_plane(model), a=[0, 1e-3, 1e30], b=[0, 1e-3],
                               method="compiled")
    assert np.isfinite(found.values[:, :2]).all() and not np.isfinite(found.values[:, 2]).any()


def test_auto_takes_it_where_it_is_worth_the_compiling(monkeypatch):
    model, plane = mlp([2, 8, 2], "tanh", seed=0), landscapes.random_plane(mlp([2, 8, 2], seed=0))
    assert landscapes.surface(model, CE, MOONS, plane, points=5).method == "fused"
    monkeypatch.setattr(compiled, "WORTH", 25 * 70 * 8)
    assert landscapes.surface(model, CE, MOONS, plane, points=5).method == "compiled"
    assert landscapes.surface(model, CE, MOONS, plane, points=4).method == "fused"
    assert landscapes.surface(model.double(), CE, (MOONS[0].double(), MOONS[1]), plane, points=5).method == "fused"
    gelu = nn.Sequential(nn.Linear(2, 8), nn.GELU(), nn.Linear(8, 2))
    assert landscapes.surface(gelu, CE, MOONS, landscapes.random_plane(gelu), points=5).method == "fused"
    monkeypatch.setattr(compiled, "kernel", lambda: None)       # numba missing
    assert landscapes.surface(mlp([2, 8, 2], seed=0), CE, MOONS, plane, points=5).method == "fused"


PROGRAM = """
import sys, numba.core.caching as caching
if sys.argv[1] == "nowhere":
    def refuse(self):
        raise OSError(30, "Read-only file system")
    caching._CacheLocator.ensure_cache_path = refuse
import numba, numpy as np
from dlhelpers.landscapes import kernels
print(kernels.tanh(np.float32(20)), "NullCache" not in type(kernels.tanh._cache).__name__)
"""


@pytest.mark.parametrize("where", ["nowhere", "folder"])
def test_it_works_where_nothing_can_be_written(where, tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(files.ROOT)}
    done = subprocess.run([sys.executable, "-c", PROGRAM, where], capture_output=True, text=True, env=environment)
    assert done.stdout.split() == ["1.0", str(where == "folder")], done.stderr
    assert bool(list(tmp_path.rglob("*.nbi"))) == (where == "folder")


def test_numba_is_imported_only_where_it_is_used():
    code = ("import sys; from dlhelpers import landscapes; print('numba' in sys.modules, "
            "'scipy.optimize' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
