"""Generator, critic, Gram matrix, homogeneity: against autograd, closed forms, scipy and scikit-learn."""

import math

import numpy as np
import pytest
import torch

from dlhelpers.physics import adversarial_patterns as patterns
from dlhelpers.physics import gram, homogeneity

F64 = torch.float64


def small(m=30, n=12, d_in=7, d_out=4, seed=0):
    w = patterns.initial(m, d_in, d_out, seed, F64)
    g = torch.Generator().manual_seed(seed + 77)
    X = patterns.unit(torch.randn(n, d_in, generator=g, dtype=F64))
    return w, X, torch.randn(n, d_out, generator=g, dtype=F64)


def digits_like(n=300, seed=5):
    g = torch.Generator().manual_seed(seed)
    labels = torch.randint(3, (n,), generator=g)
    X = torch.randn(n, 6, generator=g) + 3 * torch.eye(6)[labels]
    return patterns.unit(X), torch.eye(3)[labels]


def test_networks_are_torch_layers():
    w, X, Y = small()
    with torch.no_grad():
        layers = torch.nn.Sequential(torch.nn.Linear(7, 30, bias=False), torch.nn.ReLU(),
                                     torch.nn.Linear(30, 4, bias=False)).double()
        layers[0].weight.copy_(w["U"])
        layers[2].weight.copy_(w["V"])
        torch.testing.assert_close(patterns.generate(w["U"], w["V"], X), layers(X) / math.sqrt(4 * 30))
        critic = torch.nn.functional.linear(torch.relu(Y @ w["W"].T), w["a"][None]) / math.sqrt(30 * 4)
        torch.testing.assert_close(patterns.criticise(w["W"], w["a"], Y), critic[:, 0])


def test_reaction_and_diffusion_are_the_gradients_of_the_two_losses():
    w, X, Y = small()
    U, V = w["U"].requires_grad_(), w["V"].requires_grad_()
    supervised = 0.5 * (patterns.generate(U, V, X) - Y).square().sum()
    score = patterns.criticise(w["W"], w["a"], patterns.generate(U, V, X)).sum()
    for terms, loss, sign in ((patterns.reaction(U, V, X, Y), supervised, -1),
                              (patterns.diffusion(U, V, w["W"], w["a"], X), score, 1)):
        for term, grad in zip(terms, torch.autograd.grad(loss, (U, V))):
            torch.testing.assert_close(term, sign * grad, rtol=0, atol=1e-12)


def test_the_penalty_needs_no_double_backward():
    w, _, real = small()
    fake, mixed = real.flip(0) * 0.3, real * 0.7
    W, a = w["W"].requires_grad_(), w["a"].requires_grad_()
    point = mixed.clone().requires_grad_()
    slope, = torch.autograd.grad(patterns.criticise(W, a, point).sum(), point, create_graph=True)
    loss = (patterns.criticise(W, a, fake).mean() - patterns.criticise(W, a, real).mean()
            + 10 * ((slope.norm(dim=1) - 1) ** 2).mean())
    expected = torch.autograd.grad(loss, (W, a))
    with torch.no_grad():
        torch.testing.assert_close(patterns.critic_slope(W, a, mixed), slope)
        for got, right in zip(patterns.critic_gradients(W, a, real, fake, mixed, 10.0), expected):
            torch.testing.assert_close(got, right, rtol=0, atol=1e-12)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("adversary", [0.0, 1.0])
def test_a_game_is_what_torch_optim_does(optimizer, adversary):
    X, Y = digits_like()
    X, Y = X.double(), Y.double()
    game = patterns.Game(X, Y, m=16, optimizer=optimizer, adversary=adversary, batch=32, seed=3)
    U, V, W, a = (torch.nn.Parameter(game.start[k].clone()) for k in "UVWa")
    _, eta_G, eta_D = patterns.OPTIMIZERS[optimizer]
    make = (lambda p, eta: torch.optim.SGD(p, lr=eta)) if optimizer == "sgd" else (
        lambda p, eta: torch.optim.Adam(p, lr=eta, betas=(0.5, 0.9)))
    opt_G, opt_D = make([U, V], eta_G), make([W, a], eta_D)
    batches, mixing = torch.Generator().manual_seed(1_000_006), torch.Generator().manual_seed(2_000_006)
    for _ in range(5):
        rows = torch.randint(len(X), (32,), generator=batches)
        x, y = X[rows], Y[rows]
        if adversary:
            fake = patterns.generate(U, V, x).detach()
            t = torch.rand(32, 1, generator=mixing, dtype=X.dtype)
            point = (t * y + (1 - t) * fake).requires_grad_()
            slope, = torch.autograd.grad(patterns.criticise(W, a, point).sum(), point, create_graph=True)
            loss = (patterns.criticise(W, a, fake) - patterns.criticise(W, a, y)).mean()
            opt_D.zero_grad()
            (loss + 10 * ((slope.norm(dim=1) - 1) ** 2).mean()).backward()
            opt_D.step()
        out = patterns.generate(U, V, x)
        opt_G.zero_grad()
        (0.5 * (out - y).square().sum(1).mean() - adversary * patterns.criticise(W, a, out).mean()).backward()
        opt_G.step()
    game.run(5)
    for name, parameter in zip("UVWa", (U, V, W, a)):
        torch.testing.assert_close(game.weights[name], parameter.detach(), rtol=1e-9, atol=1e-10)


def test_supervision_and_adversary_share_start_and_batches():
    X, Y = digits_like()
    alone, played = (patterns.Game(X, Y, m=8, adversary=k, batch=16, seed=1) for k in (0.0, 1.0))
    alone.run(4), played.run(4)
    assert torch.equal(alone._batches.get_state(), played._batches.get_state())
    assert all(torch.equal(alone.start[k], played.start[k]) for k in "UVWa")
    assert torch.equal(alone.weights["W"], alone.start["W"]), "without adversary the critic rests"
    assert not torch.equal(alone.weights["U"], played.weights["U"])


def test_a_game_that_blows_up_says_so():
    X, Y = digits_like()
    with pytest.raises(FloatingPointError, match="blew up.*too large"):
        patterns.Game(X, Y, m=8, optimizer="sgd10", batch=16, penalty=1e3).run(200)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_checkpoint_goes_on_exactly(optimizer, tmp_path):
    X, Y = digits_like()
    whole = patterns.Game(X, Y, m=8, optimizer=optimizer, batch=16).run(9)
    first = patterns.Game(X, Y, m=8, optimizer=optimizer, batch=16).run(4)
    torch.save(first.state_dict(), tmp_path / "game.pt")
    second = patterns.Game(X, Y, m=8, optimizer=optimizer, batch=16)
    second.load_state_dict(torch.load(tmp_path / "game.pt", weights_only=True))
    second.run(5)
    assert second.step_count == 9
    for k in "UVWa":  # not to the last bit: matrix products round by the alignment of their memory
        torch.testing.assert_close(whole.weights[k], second.weights[k], rtol=1e-4, atol=1e-5)


def test_training_leaves_the_global_generator_alone():
    X, Y = digits_like()
    torch.manual_seed(0)
    before = torch.get_rng_state()
    patterns.Game(X, Y, m=8, batch=16).run(3)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("change, message", [
    ({"m": 0}, "m must be"), ({"optimizer": "rmsprop"}, "optimizer must be"), ({"adversary": -1.0}, "adversary must be"),
    ({"penalty": float("nan")}, "penalty must be"), ({"batch": 2.5}, "batch must be"), ({"seed": -1}, "seed must be")])
def test_a_game_refuses_nonsense(change, message):
    X, Y = digits_like(20)
    with pytest.raises((ValueError, TypeError), match=message):
        patterns.Game(X, Y, **{"m": 4, **change})


def test_shapes_that_do_not_fit_are_named():
    w, X, Y = small()
    with pytest.raises(ValueError, match="X must have shape"):
        patterns.generate(w["U"], w["V"], X[:, :3])
    with pytest.raises(ValueError, match="Y must have shape"):
        patterns.reaction(w["U"], w["V"], X, Y[:3])
    with pytest.raises(ValueError, match="zero row"):
        patterns.unit(torch.zeros(2, 3))
    with pytest.raises(ValueError, match="Y must have shape"):
        patterns.Game(X, Y[:5])


def unit_rows(n=6, d=9, seed=1):
    X = np.random.default_rng(seed).standard_normal((n, d))
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def test_gram_limit_is_what_many_neurons_give():
    X = unit_rows()
    mean, error = gram.monte_carlo(X, 200_000, seed=2)
    # 36 entries: five standard errors are exceeded once in 50 000 experiments.
    assert (np.abs(mean - gram.gram_limit(X)) <= 5 * error + 1e-12).all()
    U = np.random.default_rng(4).standard_normal((400_000, 9))
    np.testing.assert_allclose(gram.gram(U, X), gram.gram_limit(X), atol=5e-3)


def test_gram_limit_by_hand():
    X = np.array([[1.0, 0.0], [0.0, 1.0], [math.sqrt(0.5), math.sqrt(0.5)]])
    expected = np.array([[0.5, 0, 0.375 * math.sqrt(0.5)], [0, 0.5, 0.375 * math.sqrt(0.5)],
                         [0.375 * math.sqrt(0.5), 0.375 * math.sqrt(0.5), 0.5]])
    np.testing.assert_allclose(gram.gram_limit(X), expected, atol=1e-12)
    assert np.linalg.eigvalsh(gram.gram_limit(np.array([[1.0, 0], [1.0, 0]])))[0] == pytest.approx(0, abs=1e-7)


def test_flow_is_autograd_descent():
    X, m, eta = unit_rows(4, 5), 20, 0.2
    y = np.array([1.0, -1, 1, 1])
    rng = np.random.default_rng(6)
    U = torch.tensor(rng.standard_normal((m, 5)), requires_grad=True)
    v = torch.tensor(rng.choice([-1.0, 1.0], m))
    draws = np.random.default_rng(9)
    w, a = draws.standard_normal(m), draws.standard_normal(m)
    start = U.detach().clone()
    for _ in range(10):
        z = torch.relu(torch.tensor(X) @ U.T) @ v / math.sqrt(m)
        score = (torch.relu(z[:, None] * torch.tensor(w)) @ torch.tensor(a)).sum() / math.sqrt(m)
        loss = 0.5 * (z - torch.tensor(y)).square().sum() - score
        step, = torch.autograd.grad(loss, U)
        with torch.no_grad():
            U -= eta * step
    found = gram.flow(X, y, m, time=2.0, eta=eta, seed=6, critic=(w, a))
    assert found.t[-1] == pytest.approx(2.0)
    assert found.moved[-1] == pytest.approx(float((U - start).detach().norm()), rel=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_theorems_along_a_flow(seed):
    X = unit_rows(6, 16, seed)
    y, m = np.random.default_rng(seed).choice([-1.0, 1.0], 6), 4096
    lambda0 = np.linalg.eigvalsh(gram.gram_limit(X))[0]
    run = gram.flow(X, y, m, time=15, eta=0.3, seed=seed)
    assert run.low.min() >= lambda0 / 2
    assert (run.residual <= run.residual[0] * np.exp(-lambda0 * run.t / 2) + 1e-12).all()
    assert run.farthest.max() <= gram.theorem1(6, m, run.residual[0], lambda0)
    rng = np.random.default_rng(100 + seed)
    w = rng.standard_normal(m)
    run = gram.flow(X, y, m, time=15, eta=0.3, seed=seed, critic=(0.5 * w / np.linalg.norm(w), rng.standard_normal(m)))
    mu = gram.critic_push(6, m, 0.5)
    limit = gram.theorem2(run.t, 6, m, run.residual[0], lambda0, run.high.max() / (lambda0 / 2), mu)
    assert run.push.max() <= mu and (run.farthest <= limit + 1e-12).all()


def test_theorem_2_without_push_is_theorem_1():
    assert gram.theorem2(1e6, 4, 100, 2.0, 0.3, 9.0, 0.0) == pytest.approx(gram.theorem1(4, 100, 2.0, 0.3))


@pytest.mark.parametrize("call, message", [
    (lambda: gram.gram_limit(np.ones((2, 2))), "norm 1"),
    (lambda: gram.flow(unit_rows(), np.ones(5), 8, time=1), "y must have shape"),
    (lambda: gram.flow(unit_rows(), np.ones(6), 8, time=1, eta=50.0), "eta must be below"),
    (lambda: gram.flow(unit_rows(), np.ones(6), 8, time=-1), "time must be"),
    (lambda: gram.theorem1(4, 10, 1.0, 0.0), "lambda0 must be"),
    (lambda: gram.critic_push(4, 10, 1.0, delta=1.0), "delta must"),
    (lambda: gram.monte_carlo(unit_rows(), 1), "samples must be"),
    (lambda: homogeneity.null(20, 3, 0), "samples must be"),
    (lambda: homogeneity.measure(np.ones((2, 3))), "at least 3"),
    (lambda: homogeneity.neighbour_spread(np.ones((5, 3))), "coincide"),
    (lambda: homogeneity.p_value(math.nan, np.ones(3)), "observed must be"),
    (lambda: homogeneity.marchenko_pastur_edges(0, 3), "m must be")])
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_nearest_neighbours_as_scikit_learn_finds_them():
    from sklearn.neighbors import NearestNeighbors

    P = np.random.default_rng(0).standard_normal((50, 6))
    distances = NearestNeighbors(n_neighbors=2).fit(P).kneighbors(P)[0][:, 1]
    np.testing.assert_allclose(homogeneity.nearest(P), distances, rtol=1e-9)
    assert homogeneity.neighbour_spread(P) == pytest.approx(distances.std() / distances.mean())


def test_statistics_ignore_shift_scale_and_rotation():
    rng = np.random.default_rng(1)
    P = rng.standard_normal((60, 5))
    turn = np.linalg.qr(rng.standard_normal((5, 5)))[0]
    np.testing.assert_allclose(homogeneity.measure(3.0 * P @ turn + 2.0), homogeneity.measure(P), rtol=1e-8)


def test_each_statistic_sees_its_own_pattern_and_not_chance():
    rng = np.random.default_rng(2)
    even = homogeneity.null(200, 10, 99, seed=3)
    clusters = rng.standard_normal((8, 10))[rng.integers(8, size=200)] * 2 + 0.3 * rng.standard_normal((200, 10))
    stretched = rng.standard_normal((200, 10)) * np.r_[4.0, np.ones(9)]
    assert homogeneity.p_value(homogeneity.hopkins(clusters), even[:, 1]) == 0.01
    crowded = rng.standard_normal((200, 10)) * np.where(np.arange(200) < 100, 0.2, 1.0)[:, None]
    assert homogeneity.p_value(homogeneity.neighbour_spread(crowded), even[:, 0]) == 0.01
    # A stretched cloud is seen by the spectrum, and left alone by the Hopkins statistic.
    assert homogeneity.p_value(homogeneity.hopkins(stretched), even[:, 1]) > 0.01
    assert homogeneity.p_value(homogeneity.spectral_excess(stretched), even[:, 2]) == 0.01


def test_fresh_clouds_are_significant_as_often_as_they_should_be():
    even, fresh = homogeneity.null(60, 8, 99, seed=4), homogeneity.null(60, 8, 200, seed=5)
    for k in range(3):
        rejected = np.mean([homogeneity.p_value(value, even[:, k]) <= 0.1 for value in fresh[:, k]])
        # 0.1 give or take four standard errors, of the 200 clouds and of the null's own 99.
        assert 0.1 - 0.147 < rejected < 0.1 + 0.147


@pytest.mark.parametrize("m, d", [(400, 100), (100, 400)])
def test_marchenko_pastur(m, d):
    low, high = homogeneity.marchenko_pastur_edges(m, d)
    x = np.linspace(low, high, 20_001)
    density = homogeneity.marchenko_pastur(x, m, d)
    assert np.trapezoid(density, x) == pytest.approx(1, abs=2e-3)
    values = homogeneity.eigenvalues(np.random.default_rng(0).standard_normal((m, d)))
    assert len(values) == min(m, d) and values.sum() == pytest.approx(d)
    # The largest of 100 eigenvalues leaves the edge by a few per cent at most (Tracy-Widom).
    assert values[0] == pytest.approx(high, rel=0.08)
    counts = np.histogram(values[values > 1e-9], bins=5, range=(low, high))[0] / min(m, d)
    expected = [np.trapezoid(homogeneity.marchenko_pastur(s, m, d), s)
                for s in (np.linspace(*e, 2001) for e in zip(np.linspace(low, high, 6)[:-1], np.linspace(low, high, 6)[1:]))]
    np.testing.assert_allclose(counts, expected, atol=0.06)


def test_p_value_counts():
    assert homogeneity.p_value(3.0, np.array([1.0, 2.0, 3.0, 4.0])) == pytest.approx(3 / 5)
    assert homogeneity.p_value(9.0, np.zeros(499)) == pytest.approx(0.002)
