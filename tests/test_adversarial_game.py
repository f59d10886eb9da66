"""Generator, critic and their training: against torch's layers, autograd and torch.optim."""

import math

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from dlhelpers.adversarial import two_layer
from dlhelpers.adversarial.game import OPTIMIZERS, Game

F64 = torch.float64


def small(m=30, n=12, d_in=7, d_out=4, seed=0):
    w = two_layer.initial(m, d_in, d_out, seed, F64)
    g = torch.Generator().manual_seed(seed + 77)
    X = two_layer.unit(torch.randn(n, d_in, generator=g, dtype=F64))
    return w, X, torch.randn(n, d_out, generator=g, dtype=F64)


def digits_like(n=300, seed=5):
    g = torch.Generator().manual_seed(seed)
    labels = torch.randint(3, (n,), generator=g)
    X = torch.randn(n, 6, generator=g) + 3 * torch.eye(6)[labels]
    return two_layer.unit(X), torch.eye(3)[labels]


def test_networks_are_torch_layers():
    w, X, Y = small()
    with torch.no_grad():
        layers = torch.nn.Sequential(torch.nn.Linear(7, 30, bias=False), torch.nn.ReLU(),
                                     torch.nn.Linear(30, 4, bias=False)).double()
        layers[0].weight.copy_(w["U"])
        layers[2].weight.copy_(w["V"])
        torch.testing.assert_close(two_layer.generate(w["U"], w["V"], X), layers(X) / math.sqrt(4 * 30))
        critic = torch.nn.functional.linear(torch.relu(Y @ w["W"].T), w["a"][None]) / math.sqrt(30 * 4)
        torch.testing.assert_close(two_layer.criticise(w["W"], w["a"], Y), critic[:, 0])


def test_reaction_and_diffusion_are_the_gradients_of_the_two_losses():
    w, X, Y = small()
    U, V = w["U"].requires_grad_(), w["V"].requires_grad_()
    supervised = 0.5 * (two_layer.generate(U, V, X) - Y).square().sum()
    score = two_layer.criticise(w["W"], w["a"], two_layer.generate(U, V, X)).sum()
    for terms, loss, sign in ((two_layer.reaction(U, V, X, Y), supervised, -1),
                              (two_layer.diffusion(U, V, w["W"], w["a"], X), score, 1)):
        for term, grad in zip(terms, torch.autograd.grad(loss, (U, V)), strict=True):
            torch.testing.assert_close(term, sign * grad, rtol=0, atol=1e-12)


def test_the_penalty_needs_no_double_backward():
    w, _, real = small()
    fake, mixed = real.flip(0) * 0.3, real * 0.7
    W, a = w["W"].requires_grad_(), w["a"].requires_grad_()
    point = mixed.clone().requires_grad_()
    slope, = torch.autograd.grad(two_layer.criticise(W, a, point).sum(), point, create_graph=True)
    loss = (two_layer.criticise(W, a, fake).mean() - two_layer.criticise(W, a, real).mean()
            + 10 * ((slope.norm(dim=1) - 1) ** 2).mean())
    expected = torch.autograd.grad(loss, (W, a))
    with torch.no_grad():
        torch.testing.assert_close(two_layer.critic_slope(W, a, mixed), slope)
        for got, right in zip(two_layer.critic_gradients(W, a, real, fake, mixed, 10.0), expected, strict=True):
            torch.testing.assert_close(got, right, rtol=0, atol=1e-12)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("adversary", [0.0, 1.0])
def test_a_game_is_what_torch_optim_does(optimizer, adversary):
    X, Y = digits_like()
    X, Y = X.double(), Y.double()
    game = Game(X, Y, m=16, optimizer=optimizer, adversary=adversary, batch=32, seed=3)
    U, V, W, a = (torch.nn.Parameter(game.start[k].clone()) for k in "UVWa")
    _, eta_G, eta_D = OPTIMIZERS[optimizer]
    make = (lambda p, eta: torch.optim.SGD(p, lr=eta)) if optimizer == "sgd" else (
        lambda p, eta: torch.optim.Adam(p, lr=eta, betas=(0.5, 0.9)))
    opt_G, opt_D = make([U, V], eta_G), make([W, a], eta_D)
    batches, mixing = torch.Generator().manual_seed(1_000_006), torch.Generator().manual_seed(2_000_006)
    for _ in range(5):
        rows = torch.randint(len(X), (32,), generator=batches)
        x, y = X[rows], Y[rows]
        if adversary:
            fake = two_layer.generate(U, V, x).detach()
            t = torch.rand(32, 1, generator=mixing, dtype=X.dtype)
            point = (t * y + (1 - t) * fake).requires_grad_()
            slope, = torch.autograd.grad(two_layer.criticise(W, a, point).sum(), point, create_graph=True)
            loss = (two_layer.criticise(W, a, fake) - two_layer.criticise(W, a, y)).mean()
            opt_D.zero_grad()
            (loss + 10 * ((slope.norm(dim=1) - 1) ** 2).mean()).backward()
            opt_D.step()
        out = two_layer.generate(U, V, x)
        opt_G.zero_grad()
        (0.5 * (out - y).square().sum(1).mean() - adversary * two_layer.criticise(W, a, out).mean()).backward()
        opt_G.step()
    game.run(5)
    for name, parameter in zip("UVWa", (U, V, W, a), strict=True):
        torch.testing.assert_close(game.weights[name], parameter.detach(), rtol=1e-9, atol=1e-10)


def test_supervision_and_adversary_share_start_and_batches():
    X, Y = digits_like()
    alone, played = (Game(X, Y, m=8, adversary=k, batch=16, seed=1) for k in (0.0, 1.0))
    alone.run(4), played.run(4)
    assert torch.equal(alone._batches.get_state(), played._batches.get_state())
    assert all(torch.equal(alone.start[k], played.start[k]) for k in "UVWa")
    assert torch.equal(alone.weights["W"], alone.start["W"]), "without adversary the critic rests"
    assert not torch.equal(alone.weights["U"], played.weights["U"])


def test_a_game_that_blows_up_says_so():
    X, Y = digits_like()
    with pytest.raises(FloatingPointError, match="blew up.*too large"):
        Game(X, Y, m=8, optimizer="sgd10", batch=16, penalty=1e3).run(200)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_checkpoint_goes_on_exactly(optimizer, tmp_path):
    X, Y = digits_like()
    whole = Game(X, Y, m=8, optimizer=optimizer, batch=16).run(9)
    first = Game(X, Y, m=8, optimizer=optimizer, batch=16).run(4)
    torch.save(first.state_dict(), tmp_path / "game.pt")
    second = Game(X, Y, m=8, optimizer=optimizer, batch=16)
    second.load_state_dict(torch.load(tmp_path / "game.pt", weights_only=True))
    second.run(5)
    assert second.step_count == 9
    for k in "UVWa":  # not to the last bit: matrix products round by the alignment of their memory
        torch.testing.assert_close(whole.weights[k], second.weights[k], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_save_run_load_goes_back(optimizer):
    X, Y = digits_like()
    game = Game(X, Y, m=8, optimizer=optimizer, batch=16)
    begin = game.state_dict()
    end = game.run(3).state_dict()
    assert end["steps"] == 3 and not torch.equal(end["weights"]["U"], game.start["U"])
    game.load_state_dict(begin)
    assert game.step_count == 0
    assert all(torch.equal(game.weights[k], game.start[k]) for k in "UVWa")
    game.run(3)
    for k in "UVWa":
        torch.testing.assert_close(game.weights[k], end["weights"][k])
    assert begin["steps"] == 0 and torch.equal(begin["weights"]["U"], game.start["U"]), "what is saved stays"


def test_a_checkpoint_of_another_size_is_refused():
    X, Y = digits_like()
    with pytest.raises(ValueError, match="U must have shape"):
        Game(X, Y, m=8).load_state_dict(Game(X, Y, m=9).state_dict())


class NoDoubles(TorchDispatchMode):
    """What Apple's GPUs refuse."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        assert not (isinstance(out, torch.Tensor) and out.dtype == torch.float64), f"{func} made a float64 tensor"
        return out


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_nothing_is_float64_on_the_device(optimizer):
    X, Y = digits_like()
    game = Game(X, Y, m=8, optimizer=optimizer, batch=16)
    with NoDoubles():
        two_layer.unit(X)
        game.run(2).measure(X, Y)
        two_layer.reaction(game.weights["U"], game.weights["V"], X, Y)
    with pytest.raises(AssertionError, match="float64"), NoDoubles():
        X.double()


def test_training_leaves_the_global_generator_alone():
    X, Y = digits_like()
    torch.manual_seed(0)
    before = torch.get_rng_state()
    Game(X, Y, m=8, batch=16).run(3)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("change, message", [
    ({"m": 0}, "m must be"), ({"optimizer": "rmsprop"}, "optimizer must be"),
    ({"adversary": -1.0}, "adversary must be"),
    ({"penalty": float("nan")}, "penalty must be"), ({"batch": 2.5}, "batch must be"), ({"seed": -1}, "seed must be")])
def test_a_game_refuses_nonsense(change, message):
    X, Y = digits_like(20)
    with pytest.raises((ValueError, TypeError), match=message):
        Game(X, Y, **{"m": 4, **change})


def test_shapes_that_do_not_fit_are_named():
    w, X, Y = small()
    with pytest.raises(ValueError, match="X must have shape"):
        two_layer.generate(w["U"], w["V"], X[:, :3])
    with pytest.raises(ValueError, match="Y must have shape"):
        two_layer.reaction(w["U"], w["V"], X, Y[:3])
    with pytest.raises(ValueError, match="zero row"):
        two_layer.unit(torch.zeros(2, 3))
    with pytest.raises(ValueError, match="Y must have shape"):
        Game(X, Y[:5])
