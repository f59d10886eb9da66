"""The solvers against each other, against exact solutions, and against what must be conserved."""

import warnings

import numpy as np
import pytest

from dlhelpers.patterns import gray_scott, kernels, turing
from dlhelpers.patterns import reaction_diffusion as rd
from dlhelpers.patterns import solver as solvers

EDGES = rd.BOUNDARIES
SEEDED = gray_scott.seed_fields((40, 52), seed=1, spots=3, size=8)


def still(u, v):
    return 0 * u, 0 * v


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("shape", [(9,), (5, 7)])
def test_the_laplacian_is_its_matrix(edge, shape):
    n = int(np.prod(shape))
    matrix = np.zeros((n, n))
    for i, cell in enumerate(np.ndindex(shape)):
        for axis in range(len(shape)):
            for move in (-1, 1):
                other = list(cell)
                other[axis] += move
                if edge == "no-flux" and not 0 <= other[axis] < shape[axis]:
                    continue
                other[axis] %= shape[axis]
                matrix[i, np.ravel_multi_index(other, shape)] += 1
                matrix[i, i] -= 1
    field = np.random.default_rng(0).normal(size=shape)
    assert np.allclose(rd.laplacian(field, 0.5, edge).ravel(), matrix @ field.ravel() / 0.25, atol=1e-12)


@pytest.mark.parametrize("edge", EDGES)
def test_a_wave_decays_as_the_scheme_says(edge):
    n, D, dt, steps = 24, 1.0, 0.1, 50
    k = (2 if edge == "periodic" else 1) * np.pi / n
    wave = np.cos(k * (np.arange(n) + 0.5))
    u, _ = rd.evolve(still, wave, wave, D, 0.0, dt=dt, steps=steps, boundary=edge)
    assert np.allclose(u, wave * (1 - dt * D * 4 * np.sin(k / 2) ** 2) ** steps, atol=1e-12)


@pytest.mark.parametrize("edge", EDGES)
def test_diffusion_conserves(edge):
    field = np.random.default_rng(0).random((20, 30))
    u, v = rd.evolve(still, field, field, 1.0, 0.3, dt=0.2, steps=300, boundary=edge)
    assert u.sum() == pytest.approx(field.sum(), rel=1e-12) and v.sum() == pytest.approx(field.sum(), rel=1e-12)
    assert u.min() >= field.min() and u.max() <= field.max()


@pytest.mark.parametrize("ndim", [1, 2])
def test_the_limit_on_both_sides(ndim):
    field = np.random.default_rng(0).random((16,) * ndim)
    limit = rd.largest_step(1.0, 1.0, ndim)
    below, above = (rd.evolve(still, field, field, 1.0, 0.0, dt=f * limit, steps=400, allow_unstable=True)[0]
                    for f in (0.99, 1.01))
    assert below.std() < 0.01 and above.std() > field.std()
    with pytest.raises(ValueError, match="dt must be at most"):
        rd.evolve(still, field, field, 1.0, 0.0, dt=1.01 * limit, steps=1)


@pytest.mark.parametrize("backend", ["numba", "numpy", "torch"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("edge", EDGES)
def test_every_backend_is_the_plain_reference(backend, dtype, edge):
    F, k = [0.0367, 0.03], [0.0649, 0.055]
    solver = gray_scott.solver(F, k, *SEEDED, boundary=edge, dtype=dtype, backend=backend).run(301)
    # Rounding of 301 steps; the fields are of order one.
    tolerance = 300 * np.finfo(dtype).eps
    for i in range(2):
        u, v = rd.evolve(gray_scott.kinetics(F[i], k[i]).reaction, *SEEDED, gray_scott.DU, gray_scott.DV, dt=1.0,
                         steps=301, boundary=edge)
        assert v.max() > 0.1, "a dead field proves nothing"
        assert np.abs(solver.u[i] - u).max() < tolerance and np.abs(solver.v[i] - v).max() < tolerance
    assert solver.v.dtype == dtype and solver.steps == 301


@pytest.mark.parametrize("backend", ["numba", "numpy", "torch"])
def test_schnakenberg_in_the_same_solver(backend):
    kinetics = turing.schnakenberg(0.1, 0.9)
    model = solvers.Parameters(rate_u=1.0, feed_u=0.1, decay_u=1.0, feed_v=0.9, Du=1.0, Dv=10.0)
    random = np.random.default_rng(0)
    u, v = (m + 0.01 * random.normal(size=(12, 16)) for m in kinetics.steady)
    np.testing.assert_allclose(model.reaction(u, v), kinetics.reaction(u, v), atol=1e-15)
    solver = solvers.Solver(model, u, v, dt=0.02, dtype="float64", backend=backend).run(400)
    right = rd.evolve(kinetics.reaction, u, v, 1.0, 10.0, dt=0.02, steps=400)
    assert np.allclose(solver.u[0], right[0], atol=1e-12) and np.allclose(solver.v[0], right[1], atol=1e-12)


def test_gray_scott_with_its_names_exchanged():
    F, k = 0.0367, 0.0649
    exchanged = solvers.Parameters(rate_u=1.0, feed_v=F, decay_v=F, decay_u=F + k, Dv=gray_scott.DU, Du=gray_scott.DV)
    named = gray_scott.solver(F, k, *SEEDED, dtype="float64").run(200)
    turned = solvers.Solver(exchanged, *SEEDED[::-1], dtype="float64").run(200)
    assert named.v.std() > 0.05, "a dead field proves nothing"
    np.testing.assert_allclose(turned.v, named.u, atol=1e-12)
    np.testing.assert_allclose(turned.u, named.v, atol=1e-12)


@pytest.mark.parametrize("backend", ["auto", "numba", "numpy", "torch"])
def test_a_device_that_is_not_there_is_refused(backend):
    with pytest.raises(ValueError, match="device must be one of cpu, cuda, mps, got 'nonsense'"):
        gray_scott.solver(0.0367, 0.0649, *SEEDED, backend=backend, device="nonsense")


def test_another_device_is_honoured_or_refused(monkeypatch):
    import torch

    from dlhelpers import runtime

    monkeypatch.setattr(runtime, "choose_device", lambda device: torch.device(device))
    assert solvers._choose("auto", "cuda", np.dtype("float32")) == ("torch", torch.device("cuda"))
    assert solvers._choose("torch", torch.device("cuda"), np.dtype("float64")) == ("torch", torch.device("cuda"))
    for backend in ("numba", "numpy"):
        with pytest.raises(ValueError, match=f"device must be 'cpu' for the backend '{backend}', got 'cuda'"):
            gray_scott.solver(0.0367, 0.0649, *SEEDED, backend=backend, device="cuda")
    with pytest.raises(ValueError, match="dtype must be 'float32' on mps"):
        gray_scott.solver(0.0367, 0.0649, *SEEDED, dtype="float64", device="mps")
    assert gray_scott.solver(0.0367, 0.0649, *SEEDED, device=torch.device("cpu")).backend == "numba"


def test_runs_can_be_cut_in_pieces_and_parameters_replaced():
    whole = gray_scott.solver(0.0367, 0.0649, *SEEDED).run(101)
    pieces = gray_scott.solver(0.05, 0.06, *SEEDED)
    pieces.parameters = gray_scott.parameters(0.0367, 0.0649)
    for steps in (0, 1, 33, 67):
        pieces.run(steps)
    assert np.array_equal(whole.u, pieces.u) and np.array_equal(whole.v, pieces.v)


def test_the_fields_given_are_not_changed():
    u, v = (x.copy() for x in SEEDED)
    gray_scott.solver(0.0367, 0.0649, u, v).run(5)
    rd.evolve(gray_scott.kinetics(0.03, 0.06).reaction, u, v, 0.2, 0.1, dt=1.0, steps=5)
    assert np.array_equal(u, SEEDED[0]) and np.array_equal(v, SEEDED[1])


def test_concentrations_stay_positive_and_spots_divide():
    solver = gray_scott.solver(0.0367, 0.0649, *gray_scott.seed_fields((96, 96), size=6)).run(3000)
    early = gray_scott.count_spots(solver.v[0])
    solver.run(3000)
    assert early >= 2 and gray_scott.count_spots(solver.v[0]) >= 2 * early
    assert solver.u.min() >= 0 and solver.v.min() >= 0


def test_pattern_of_the_predicted_width():
    kinetics, h, n = turing.schnakenberg(), 0.5, 512
    random = np.random.default_rng(4)
    start = [m + 0.01 * random.normal(size=n) for m in kinetics.steady]
    u, _ = rd.evolve(kinetics.reaction, *start, 1.0, 10.0, h=h, dt=0.01, steps=15_000)
    k = turing.fastest_wavenumber(kinetics.jacobian, 1.0, 10.0)
    assert u.std() > 0.1 and rd.peak_wavenumber(u, h) == pytest.approx(k, rel=0.1)


@pytest.mark.parametrize("ndim", [1, 2])
def test_the_spectrum_finds_a_wave(ndim):
    n, h = 64, 0.25
    x = np.arange(n) * h
    wave = np.cos(2 * np.pi * 5 / (n * h) * x)
    field = wave if ndim == 1 else wave[:, None] + 0 * wave
    assert rd.peak_wavenumber(field, h) == pytest.approx(2 * np.pi * 5 / (n * h), rel=1e-9)


@pytest.mark.parametrize("backend", ["numba", "numpy", "torch"])
def test_a_blow_up_stops_the_run_with_a_message(backend):
    wild = solvers.Parameters(feed_u=5.0, feed_v=5.0, rate_u=50.0)
    solver = solvers.Solver(wild, np.ones((4, 4)), np.ones((4, 4)), dt=1.0, backend=backend)
    with warnings.catch_warnings(), pytest.raises(FloatingPointError, match="blew up"):
        warnings.simplefilter("error")
        solver.run(3000)
    with pytest.raises(FloatingPointError, match="blew up.*smaller dt"):
        rd.evolve(lambda u, v: (u**3, 0 * v), np.ones(5), np.ones(5), 1.0, 1.0, dt=0.1, steps=900)


def test_without_numba_there_is_a_warning_and_numpy(monkeypatch):
    monkeypatch.setattr(kernels, "compiled", lambda: (None, "numba cannot be imported (test)"))
    with pytest.warns(RuntimeWarning, match="cannot be imported.*falling back to numpy"):
        solver = gray_scott.solver(0.0367, 0.0649, *SEEDED)
    assert solver.backend == "numpy" and np.isfinite(solver.run(3).v).all()
    with pytest.raises(RuntimeError, match="cannot be imported"):
        gray_scott.solver(0.0367, 0.0649, *SEEDED, backend="numba")


def test_a_cache_that_cannot_be_written_does_not_matter(monkeypatch):
    import numba

    real = numba.jit

    def picky(*args, cache=False, **kwargs):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return real(*args, cache=False, **kwargs)

    monkeypatch.setattr(numba, "jit", picky)
    kernel, reason = kernels.compiled.__wrapped__()
    assert kernel is not None and reason == ""


GOOD = {"u": np.ones((4, 5)), "v": np.ones((4, 5)), "dt": 0.1}


@pytest.mark.parametrize("change, error, match", [
    ({"dt": 3.0}, ValueError, r"dt must be at most h²/\(4D\) = 0.25"),
    ({"dt": 0.0}, ValueError, "dt must be a positive"),
    ({"h": -1.0}, ValueError, "h must be a positive"),
    ({"u": np.ones((2, 5)), "v": np.ones((2, 5))}, ValueError, "u must have at least 3 cells"),
    ({"u": np.ones(5)}, ValueError, "u must have shape"),
    ({"v": np.ones((4, 6))}, ValueError, "v must have shape"),
    ({"u": np.full((4, 5), np.nan)}, ValueError, "u must be finite"),
    ({"v": np.full((4, 5), 1j)}, TypeError, "v must hold real"),
    ({"boundary": "open"}, ValueError, "boundary must be one of"),
    ({"dtype": "float16"}, ValueError, "dtype must be one of"),
    ({"backend": "cupy"}, ValueError, "backend must be one of"),
    ({"parameters": solvers.Parameters(Du=-1.0)}, ValueError, "Du must be zero or positive"),
    ({"parameters": solvers.Parameters(rate_u=np.ones(3))}, ValueError, "rate_u must be one number or 1"),
    ({"parameters": solvers.Parameters(feed_u=np.nan)}, ValueError, "feed_u must be finite"),
    ({"parameters": {"Du": 1.0}}, TypeError, "parameters must be a Parameters"),
])
def test_bad_arguments_of_the_solver_are_named(change, error, match):
    given = {"parameters": solvers.Parameters(Du=1.0, Dv=0.5), **GOOD, **change}
    with pytest.raises(error, match=match):
        solvers.Solver(given.pop("parameters"), given.pop("u"), given.pop("v"), **given)


@pytest.mark.parametrize("call, error, match", [
    (lambda: rd.laplacian(np.ones(2)), ValueError, "at least 3 cells"),
    (lambda: rd.laplacian(np.ones((3, 3, 3))), ValueError, "1 or 2 dimensions"),
    (lambda: rd.laplacian(np.ones(5), 0.0), ValueError, "h must be"),
    (lambda: rd.laplacian(np.array([1, np.nan, 2])), ValueError, "field must be finite"),
    (lambda: rd.evolve(still, np.ones(5), np.ones(5), -1, 0, dt=0.1, steps=1), ValueError, "Du must be zero or"),
    (lambda: rd.evolve(still, np.ones(5), np.ones(6), 1, 0, dt=0.1, steps=1), ValueError, "v must have shape"),
    (lambda: rd.evolve(3, np.ones(5), np.ones(5), 1, 0, dt=0.1, steps=1), TypeError, "reaction must be a function"),
    (lambda: rd.evolve(still, np.ones(5), np.ones(5), 1, 0, dt=0.1, steps=1.5), TypeError, "steps must be an integer"),
    (lambda: rd.power_spectrum(np.ones((4, 5))), ValueError, "square"),
    (lambda: gray_scott.solver(-0.01, 0.06, *SEEDED), ValueError, "F must be zero or positive"),
    (lambda: gray_scott.solver(0.01, [-0.06, 0.05], *SEEDED), ValueError, "k must be zero or positive"),
    (lambda: gray_scott.seed_fields((2, 9)), ValueError, "shape must be at least 3"),
    (lambda: gray_scott.solver(0.03, 0.06, *SEEDED).run(-1), ValueError, "steps must be at least 0"),
])
def test_bad_arguments_are_named(call, error, match):
    with pytest.raises(error, match=match):
        call()
