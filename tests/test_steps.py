"""One step, batches of several tensors, clipping, hooks, weights of losses and games, against loops written out."""

import functools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from dlhelpers import metrics, training
from dlhelpers.training import Player, fit, play, weights_of

G = torch.Generator().manual_seed(0)
X, Z = torch.randn(30, 3, generator=G), torch.randn(30, 2, generator=G)
Y = torch.randn(30, 2, generator=G)


class Two(nn.Module):
    """A model of two inputs."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 2), nn.Linear(2, 2)
        with torch.no_grad():
            for i, p in enumerate(self.parameters()):
                p.copy_(torch.linspace(-1, 1, p.numel()).view_as(p) * (i + 1))

    def forward(self, x, z):
        return torch.tanh(self.a(x)) + self.b(z)


def weights(model):
    return [p.detach().clone() for p in model.parameters()]


def by_hand(model, value, eta, clip=None):
    """The weights after one step, from gradients that autograd returns."""
    gradients = torch.autograd.grad(value, list(model.parameters()))
    norm = torch.cat([g.flatten() for g in gradients]).norm()
    factor = 1.0 if clip is None or norm <= clip else clip / norm
    return [p.detach() - eta * factor * g for p, g in zip(model.parameters(), gradients, strict=True)]


def same(model, expected):
    for p, q in zip(model.parameters(), expected, strict=True):
        torch.testing.assert_close(p.detach(), q, atol=1e-6, rtol=1e-5)


# ---------------------------------------------------------------- one step

@pytest.mark.parametrize("inputs", [(X, Z), [X, Z], {"z": Z, "x": X}], ids=["tuple", "list", "dictionary"])
@pytest.mark.parametrize("clip", [None, 0.1, 1e6])
def test_a_step_on_several_inputs(inputs, clip):
    model = Two()
    value = F.mse_loss(model(X, Z), Y)
    expected = by_hand(model, value, 0.2, clip)
    got = training.step(model, (inputs, Y), nn.MSELoss(), eta=0.2, clip=clip)
    assert got.item() == pytest.approx(value.item()) and not got.requires_grad
    same(model, expected)


def test_a_step_with_an_optimizer_is_the_optimizers():
    ours, theirs = Two(), Two()
    mine, other = (torch.optim.Adam(m.parameters(), lr=0.1) for m in (ours, theirs))
    for _ in range(3):
        training.step(ours, ((X, Z), Y), nn.MSELoss(), mine)
        other.zero_grad()
        nn.MSELoss()(theirs(X, Z), Y).backward()
        other.step()
    assert all(torch.equal(a, b) for a, b in zip(weights(ours), weights(theirs), strict=True))


def test_a_loss_on_a_mask():
    mask = torch.arange(30) % 3 == 0
    model = Two()
    expected = by_hand(model, F.mse_loss(model(X[mask], Z[mask]), Y[mask]), 0.2)
    training.step(model, ((X, Z), (Y, mask)), lambda y_hat, y: F.mse_loss(y_hat[y[1]], y[0][y[1]]), eta=0.2)
    same(model, expected)


def test_hooks_see_gradients_before_clipping_and_weights_after_the_step():
    model, seen = Two(), {}

    def before(m):
        seen["norm"] = torch.cat([p.grad.flatten() for p in m.parameters()]).norm().item()
        for p in m.parameters():
            p.grad.mul_(2)      # as an average over processes would change it

    value = F.mse_loss(model(X, Z), Y)
    plain = torch.cat([g.flatten() for g in torch.autograd.grad(value, list(model.parameters()))]).norm().item()
    value = F.mse_loss(model(X, Z), Y)
    expected = by_hand(model, 2 * value, 0.2, clip=1.5 * plain)
    training.step(model, ((X, Z), Y), nn.MSELoss(), eta=0.2, clip=1.5 * plain, before=before,
                  after=lambda m: seen.update(after=weights(m)))
    assert seen["norm"] == pytest.approx(plain, rel=1e-5)
    same(model, expected)
    assert all(torch.equal(a, b) for a, b in zip(seen["after"], weights(model), strict=True))


def test_update_descends_a_loss_of_any_origin():
    model = Two()
    expected = by_hand(model, sum((p**2).sum() for p in model.parameters()), 0.1)
    got = training.update(model, sum((p**2).sum() for p in model.parameters()), eta=0.1)
    same(model, expected)
    assert got.shape == () and not got.requires_grad


# ---------------------------------------------------------------- fit on several tensors

@pytest.mark.parametrize("wrap", [lambda x, z: (x, z), lambda x, z: {"x": x, "z": z}], ids=["tuple", "dictionary"])
def test_fit_on_several_inputs_is_the_loop_written_by_hand(wrap):
    ours, theirs = Two(), Two()
    history = fit(ours, (wrap(X, Z), Y), nn.MSELoss(), eta=0.1, clip=0.5, epochs=2, batch=7, seed=3,
                  validation=(wrap(X[:5], Z[:5]), Y[:5]), metrics={"worst": lambda y_hat, y: (y_hat - y).abs().max()})
    generator = torch.Generator().manual_seed(3)
    for _ in range(2):
        for rows in torch.randperm(30, generator=generator).split(7):
            stepped = by_hand(theirs, F.mse_loss(theirs(X[rows], Z[rows]), Y[rows]), 0.1, clip=0.5)
            with torch.no_grad():
                for p, q in zip(theirs.parameters(), stepped, strict=True):
                    p.copy_(q)
    same(ours, weights(theirs))
    assert history.validation_loss[-1] == pytest.approx(F.mse_loss(theirs(X[:5], Z[:5]), Y[:5]).item(), rel=1e-5)
    assert history.metrics["worst"][-1] == pytest.approx((theirs(X[:5], Z[:5]) - Y[:5]).abs().max().item(), rel=1e-5)
    torch.testing.assert_close(training.predict(ours, wrap(X, Z), chunk=4), ours(X, Z).detach())
    expected = F.mse_loss(ours(X, Z), Y).item()
    assert training.evaluate(ours, wrap(X, Z), Y, nn.MSELoss(), chunk=4) == pytest.approx(expected, rel=1e-5)


def test_several_targets_and_outputs():
    class Heads(Two):
        def forward(self, x, z):
            return self.a(x), self.b(z)

    model = Heads()
    loss = lambda y_hat, y: F.mse_loss(y_hat[0], y[0]) + F.mse_loss(y_hat[1], y[1])  # noqa: E731
    before = loss(model(X, Z), (Y, -Y)).item()
    history = fit(model, ((X, Z), (Y, -Y)), loss, eta=0.1, epochs=40, batch=30)
    assert history.train_loss[0] == pytest.approx(before, rel=1e-5) and history.train_loss[-1] < before / 2
    assert [part.shape for part in training.predict(model, (X, Z), chunk=7)] == [(30, 2), (30, 2)]


def test_masks_and_tokens_travel_along():
    class Masked(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.out = nn.Embedding(5, 4), nn.Linear(4, 2)

        def forward(self, tokens, mask):
            h = self.table(tokens) * mask[..., None]
            return self.out(h.sum(1) / mask.sum(1, keepdim=True))

    tokens, mask = torch.arange(60).view(20, 3) % 5, torch.ones(20, 3, dtype=torch.bool)
    mask[::2, 2] = False
    y = ((tokens == 0) & mask).any(1).long()
    history = fit(Masked(), ({"tokens": tokens, "mask": mask}, y), nn.CrossEntropyLoss(), eta=0.5, epochs=60,
                  batch=5, metrics={"accuracy": metrics.accuracy})
    assert history.metrics["accuracy"][-1] == 1.0


class Mean:
    """A metric that is fed in parts."""

    def reset(self):
        self.total, self.parts, self.n = 0.0, 0, 0

    def update(self, y_hat, y):
        self.total, self.parts, self.n = self.total + float((y_hat - y).abs().sum()), self.parts + 1, self.n + y.numel()

    def compute(self):
        return self.total / self.n


def test_a_metric_can_be_fed_in_parts():
    n, mean = 1200, Mean()
    x, y = torch.randn(n, 3, generator=G), torch.randn(n, 2, generator=G)
    model = nn.Linear(3, 2)
    history = fit(model, (x, y), nn.MSELoss(), eta=0.1, epochs=2, batch=400, metrics={"fed": mean, "whole": F.l1_loss})
    assert mean.parts == 3 and mean.n == 2 * n
    np.testing.assert_allclose(history.metrics["fed"], history.metrics["whole"], rtol=1e-6)


# ---------------------------------------------------------------- weights of losses

W = torch.tensor([0.2, 3.0, 1.0, 0.0])
LABELS = torch.randint(4, (60,), generator=G)
LABELS[:20] = 0                       # whole chunks that count for nothing where 0 is ignored
SEQUENCES = torch.randint(4, (60, 5), generator=G)
SEQUENCES[:13] = 0
SOFT = torch.rand(60, 4, generator=G)
CASES = {
    "plain": (nn.CrossEntropyLoss(), LABELS), "weight": (nn.CrossEntropyLoss(weight=W), LABELS),
    "ignored": (nn.CrossEntropyLoss(ignore_index=0), LABELS),
    "both": (nn.CrossEntropyLoss(weight=W, ignore_index=0), LABELS),
    "smoothed": (nn.CrossEntropyLoss(weight=W + 0.1, ignore_index=0, label_smoothing=0.3), LABELS),
    "sequences": (nn.CrossEntropyLoss(weight=W, ignore_index=0), SEQUENCES),
    "nll": (nn.NLLLoss(weight=W, ignore_index=1), LABELS),
    "function": (F.cross_entropy, torch.where(LABELS == 0, -100, LABELS)),
    "partial": (functools.partial(F.cross_entropy, weight=W, ignore_index=0), LABELS),
    "probabilities": (nn.CrossEntropyLoss(weight=W), SOFT),
    "elements": (nn.BCEWithLogitsLoss(weight=W, pos_weight=W), SOFT),
    "margin": (nn.MultiMarginLoss(weight=W), LABELS),
}


class Scores(nn.Module):
    """Scores (n, 4), or (n, 4, T) for sequences, of inputs of that size."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.5))

    def forward(self, x):
        return self.scale * x


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("chunk", [1, 7, 13, 59, 60, 100])
def test_evaluate_is_one_pass_over_everything(name, chunk):
    loss, y = CASES[name]
    x = torch.randn(60, 4, *y.shape[1:] if name == "sequences" else (), generator=torch.Generator().manual_seed(1))
    expected = loss(1.5 * x, y).item()
    assert training.evaluate(Scores(), x, y, loss, chunk=chunk) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_the_normaliser_joins_two_batches(name):
    loss, y = CASES[name]
    x = torch.randn(60, 4, *y.shape[1:] if name == "sequences" else (), generator=torch.Generator().manual_seed(2))
    whole, w = loss(x, y), weights_of(loss, y)
    parts = [loss(x[rows], y[rows]).double() * w[rows].sum() for rows in (slice(0, 25), slice(25, 60))]
    assert w.shape == (60,) and float(sum(parts) / w.sum()) == pytest.approx(whole.item(), rel=1e-5)


def test_the_mean_loss_of_an_epoch_weighs_batches_by_what_counts_and_leaves_empty_ones_out():
    x = torch.randn(60, 4, generator=torch.Generator().manual_seed(1))
    loss = nn.CrossEntropyLoss(weight=W, ignore_index=0)
    y = torch.where(torch.arange(60) < 55, 0, LABELS + 1).clamp(max=2)   # many batches of 4 hold nothing that counts
    model = Scores()
    history = fit(model, (x, y), loss, eta=1e-12, epochs=2, batch=4)      # the weights stay: one pass says the same
    np.testing.assert_allclose(history.train_loss, loss(1.5 * x, y).item(), rtol=1e-5)
    assert not history.diverged and torch.isfinite(model.scale)


def test_a_loss_can_say_its_own_weights():
    class Padded(nn.Module):
        ignore_index = 0

        def weights(self, y):
            return (y != 0).float()

        def forward(self, y_hat, y):
            return ((y_hat[:, 0] - y) ** 2)[y != 0].mean()

    x = torch.randn(60, 4, generator=torch.Generator().manual_seed(1))
    expected = Padded()(1.5 * x, LABELS).item()
    assert training.evaluate(Scores(), x, LABELS, Padded(), chunk=7) == pytest.approx(expected, rel=1e-5)


# ---------------------------------------------------------------- games

class Number(nn.Module):
    def __init__(self, start):
        super().__init__()
        self.x = nn.Parameter(torch.tensor(start, dtype=torch.float64))


@pytest.mark.parametrize("k", [1, 3])
def test_the_bilinear_game_turns_as_its_matrix_says(k):
    """min over x, max over y of x·y: each move is linear, so a round is a matrix."""
    y, x = Number(0.5), Number(1.0)
    history = play(Player(y, lambda batch: -x.x * y.x, eta=0.1), Player(x, lambda batch: x.x * y.x, eta=0.1),
                   draw=lambda: None, rounds=50, k=k)
    critic, generator = np.array([[1.0, 0.0], [0.1, 1.0]]), np.array([[1.0, -0.1], [0.0, 1.0]])   # on (x, y)
    end = np.linalg.matrix_power(generator @ np.linalg.matrix_power(critic, k), 50) @ [1.0, 0.5]
    np.testing.assert_allclose([x.x.item(), y.x.item()], end, rtol=1e-12)
    assert history.critic.shape == (50, k) and history.generator.shape == (50,)
    assert history.critic[0, 0] == -0.5 and not history.diverged


def test_a_wasserstein_game_is_the_loop_written_by_hand():
    """Fresh batches for each critic step, the last one for the generator, clipped critic weights, frozen opponents."""
    def nets():
        torch.manual_seed(3)
        return nn.Linear(2, 1), nn.Linear(2, 2)

    data = torch.randn(7, 9, 2, generator=torch.Generator().manual_seed(4))
    (D, g), (D2, g2) = nets(), nets()
    stream = iter(data)
    frozen = []

    def critic_loss(batch):
        frozen.append(any(p.requires_grad for p in g.parameters()))
        return D(g(batch)).mean() - D(batch + 3).mean()

    def cut(model):
        with torch.no_grad():
            for p in model.parameters():
                p.clamp_(-0.5, 0.5)

    play(Player(D, critic_loss, torch.optim.RMSprop(D.parameters(), lr=0.05), after=cut),
         Player(g, lambda batch: -D(g(batch)).mean(), torch.optim.RMSprop(g.parameters(), lr=0.05)),
         lambda: next(stream), rounds=3, k=2)
    opts = torch.optim.RMSprop(D2.parameters(), lr=0.05), torch.optim.RMSprop(g2.parameters(), lr=0.05)
    for r in range(3):
        for batch in data[2 * r:2 * r + 2]:
            opts[0].zero_grad()
            (D2(g2(batch).detach()).mean() - D2(batch + 3).mean()).backward()
            opts[0].step()
            cut(D2)
        opts[1].zero_grad()
        (-D2(g2(batch)).mean()).backward()
        opts[1].step()
    same(D, weights(D2))
    same(g, weights(g2))
    assert not any(frozen) and all(p.requires_grad for p in [*D.parameters(), *g.parameters()])


def test_a_game_ends_when_it_is_interrupted_or_blows_up():
    def stop(number):
        if number == 4:
            raise KeyboardInterrupt
    x, y = Number(1.0), Number(1.0)
    sides = Player(y, lambda b: -x.x * y.x, eta=0.1), Player(x, lambda b: x.x * y.x, eta=0.1)
    history = play(*sides, lambda: None, rounds=50, on_round=stop)
    assert history.interrupted and len(history.generator) == 5
    x, y = Number(1.0), Number(1.0)
    history = play(Player(y, lambda b: -x.x * y.x**3, eta=10.0), Player(x, lambda b: x.x**3 * y.x, eta=10.0),
                   lambda: None, rounds=1000)
    assert history.diverged and len(history.generator) == 100


@pytest.mark.parametrize("call, error, match", [
    (lambda: training.step(Two(), X, nn.MSELoss(), eta=0.1), TypeError, "batch must be a pair"),
    (lambda: training.step(Two(), ((X, Z), Y), nn.MSELoss()), TypeError, "optimizer or eta"),
    (lambda: training.step(Two(), ((X, Z), Y), nn.MSELoss(), eta=0.1, clip=-1), ValueError, "clip"),
    (lambda: training.step(Two(), ((X, Z), Y), nn.MSELoss(reduction="none"), eta=0.1), ValueError, "scalar"),
    (lambda: training.step(Two(), ((X, Z), Y), lambda a, b: 1.0, eta=0.1), TypeError, "tensor"),
    (lambda: training.update(Two(), torch.tensor(1.0), eta=0.1), ValueError, "does not depend"),
    (lambda: weights_of(nn.BCELoss(weight=torch.ones(60, 4)), SOFT), ValueError, "weight of shape"),
    (lambda: weights_of(nn.CrossEntropyLoss(weight=W, label_smoothing=0.1), LABELS), ValueError, "label_smoothing"),
    (lambda: training.evaluate(Scores(), torch.ones(60, 4), LABELS * 0, nn.CrossEntropyLoss(ignore_index=0)),
     ValueError, "counts"),
    (lambda: play(Two(), Two(), lambda: None, rounds=1), TypeError, "critic must be a Player"),
    (lambda: play(Player(Two(), print, eta=0.1), Player(Two(), print), lambda: None, rounds=1),
     TypeError, "optimizer or eta"),
    (lambda: play(Player(Two(), print, eta=0.1), Player(Two(), print, eta=0.1), None, rounds=1), TypeError, "draw"),
    (lambda: play(Player(Two(), print, eta=0.1), Player(Two(), print, eta=0.1), print, rounds=0), ValueError, "rounds"),
])
def test_bad_input_is_named(call, error, match):
    with pytest.raises(error, match=match):
        call()
