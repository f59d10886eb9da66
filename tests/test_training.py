"""training against loops written out by hand, killed processes, and bad input."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
import torch
from torch import nn

from dlhelpers import metrics, runs, training
from dlhelpers.training import EarlyStopping, batches_of_epoch, checkpoints, fit


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def net(*layers, seed=0):
    layers = layers or (lambda: nn.Linear(3, 4), nn.Tanh, lambda: nn.Linear(4, 2))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return nn.Sequential(*[layer() for layer in layers])


X = torch.randn(50, 3, generator=generator(1))
Y = torch.stack([X.sum(1), X[:, 0] * X[:, 1]], 1)
LABELS = (X[:, 0] > 0).long()
MSE = nn.MSELoss()
BASE = {"eta": 0.1, "epochs": 3, "batch": 8}


def weights(model):
    return [p.detach().clone() for p in model.state_dict().values()]


def same(a, b):
    return all(torch.equal(p, q) for p, q in zip(weights(a), weights(b), strict=True))


def by_hand(model, optimizer, epochs, batch, seed=0):
    g, means = generator(seed), []
    for _ in range(epochs):
        order, total = torch.randperm(len(X), generator=g), 0.0
        for start in range(0, len(X), batch):
            rows = order[start:start + batch]
            value = MSE(model(X[rows]), Y[rows])
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            total += value.item() * len(rows)
        means.append(total / len(X))
    return means


# ---------------------------------------------------------------- the loop itself

@pytest.mark.parametrize("make", [None, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
                                  lambda p: torch.optim.Adam(p, lr=0.01)], ids=["eta", "momentum", "adam"])
def test_fit_is_the_loop_written_by_hand_bit_for_bit(make):
    ours, theirs = net(), net()
    how = {"eta": 0.1} if make is None else {"optimizer": make(ours.parameters())}
    history = fit(ours, (X, Y), MSE, epochs=3, batch=8, seed=5, **how)
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1) if make is None else make(theirs.parameters())
    means = by_hand(theirs, optimizer, 3, 8, seed=5)
    assert same(ours, theirs)
    np.testing.assert_allclose(history.train_loss, means, rtol=1e-12)
    assert history.epochs == 3 and history.best_epoch is None and history.seconds > 0
    assert np.isnan(history.validation_loss).all()
    assert not (history.interrupted or history.stopped_early or history.diverged)


def test_full_batch_is_gradient_descent_to_the_least_squares_solution():
    model = nn.Linear(3, 2).double()
    A, B = X.double(), Y.double()
    fit(model, (A, B), MSE, eta=0.5, epochs=2000, batch=50)
    solution = torch.linalg.lstsq(torch.cat([A, torch.ones(50, 1)], 1), B).solution
    torch.testing.assert_close(torch.cat([model.weight, model.bias[:, None]], 1), solution.T, atol=1e-8, rtol=0)


def test_validation_and_metrics_are_those_of_the_model_after_each_epoch():
    seen = []
    history = fit(net(), (X, Y), MSE, **BASE, validation=(X[:20], Y[:20]),
                  metrics={"mean error": lambda y_hat, y: (y_hat - y).abs().mean()},
                  on_epoch=lambda epoch, model, h: seen.append(
                      (epoch, MSE(model(X[:20]), Y[:20]).item(), (model(X[:20]) - Y[:20]).abs().mean().item(),
                       h.epochs)))
    assert [(s[0], s[3]) for s in seen] == [(0, 1), (1, 2), (2, 3)]
    np.testing.assert_allclose(history.validation_loss, [s[1] for s in seen], rtol=1e-6)
    np.testing.assert_allclose(history.metrics["mean error"], [s[2] for s in seen], rtol=1e-6)
    assert history.best_epoch == int(np.argmin(history.validation_loss))


@pytest.mark.parametrize("sampling", ["shuffle", "with replacement", "lecture"])
def test_runs_repeat_and_leave_global_random_state_and_modes_alone(sampling):
    torch.manual_seed(9)
    before = torch.get_rng_state()
    make = (lambda: nn.Linear(3, 8), lambda: nn.Dropout(0.5), lambda: nn.Linear(8, 2))
    results = []
    for seed in (1, 1, 2):
        model = net(*make)
        model[1].eval()
        model[2].train()
        results.append((fit(model, (X, Y), MSE, **BASE, seed=seed, sampling=sampling), model))
        assert [m.training for m in model] == [True, False, True]
    assert torch.equal(torch.get_rng_state(), before)
    assert results[0][0] == results[1][0] and same(results[0][1], results[1][1])
    assert results[0][0] != results[2][0]


def test_shuffle_visits_every_sample_once():
    order = batches_of_epoch(50, 8, "shuffle", generator())
    assert sorted(torch.cat(order).tolist()) == list(range(50)) and [len(b) for b in order] == [8] * 6 + [2]


@pytest.mark.parametrize("n, batch", [(60_000, 200), (50, 3), (50, 8), (50, 50)])
def test_lecture_sampling_has_no_repeats_within_a_batch(n, batch):
    order = batches_of_epoch(n, batch, "lecture", generator())
    assert len(order) == 300 and all(len(set(b.tolist())) == batch for b in order)


@pytest.mark.parametrize("batch", [2, 3, 5])
def test_lecture_sampling_is_uniform_over_ordered_choices(batch):
    # Both ways of drawing: n = 6 with batch 2, 3 rejects repeats, with batch 5 permutes.
    order = torch.stack(batches_of_epoch(6, batch, "lecture", generator(4), batches=20_000))
    for column in order.T:
        counts = np.bincount(column.numpy(), minlength=6)
        # 5 degrees of freedom: 25.7 is exceeded by chance once in 10 000.
        assert ((counts - 20_000 / 6) ** 2 / (20_000 / 6)).sum() < 25.7
    pairs = np.bincount((order[:, 0] * 6 + order[:, 1]).numpy(), minlength=36)
    pairs = pairs[pairs > 0]
    assert len(pairs) == 30 and ((pairs - 20_000 / 30) ** 2 / (20_000 / 30)).sum() < 64  # 29 degrees, 1e-4


def test_with_replacement_draws_all_samples_alike_and_repeats():
    order = torch.stack(batches_of_epoch(6, 6, "with replacement", generator(), batches=10_000))
    counts = np.bincount(order.flatten().numpy(), minlength=6)
    assert ((counts - 10_000) ** 2 / 10_000).sum() < 25.7
    # All six different: probability 6!/6^6 = 0.0154.
    distinct = np.mean([len(set(row)) == 6 for row in order.tolist()])
    assert abs(distinct - 0.0154) < 4 * np.sqrt(0.0154 / 10_000)


# ---------------------------------------------------------------- ends of a run

def test_early_stopping_restores_the_best_weights():
    kept, validation = {}, (X[:20], -Y[:20])  # learning Y makes this worse, after a while or at once
    history = fit(model := net(), (X, Y), MSE, eta=0.1, epochs=50, batch=8, validation=validation,
                  stop=EarlyStopping(patience=4), on_epoch=lambda e, m, h: kept.update({e: weights(m)}))
    best = int(np.argmin(history.validation_loss))
    assert history.stopped_early and history.best_epoch == best and history.epochs == best + 1 + 4 < 50
    assert all(torch.equal(a, b) for a, b in zip(weights(model), kept[best], strict=True))
    assert "stopped early" in history.reason
    assert training.evaluate(model, *validation, MSE) == pytest.approx(history.validation_loss.min(), rel=1e-6)


def test_an_equal_loss_is_no_improvement():
    history = fit(net(), (X, Y), MSE, eta=1e-30, epochs=50, batch=50, validation=(X, Y), stop=EarlyStopping(patience=3))
    assert len(set(history.validation_loss)) == 1 and history.best_epoch == 0 and history.epochs == 4


def test_min_delta_ignores_small_improvements():
    history = fit(net(), (X, Y), MSE, eta=1e-4, epochs=50, batch=50, validation=(X, Y),
                  stop=EarlyStopping(patience=3, min_delta=0.5))
    assert (np.diff(history.validation_loss) < 0).all() and history.best_epoch == 0 and history.epochs == 4


def test_interruption_returns_the_history_so_far():
    def interrupt(epoch, model, history):
        if epoch == 1:
            raise KeyboardInterrupt
    model, other = net(), net()
    history = fit(model, (X, Y), MSE, eta=0.1, epochs=9, batch=8, on_epoch=interrupt)
    fit(other, (X, Y), MSE, eta=0.1, epochs=2, batch=8)
    assert history.interrupted and history.epochs == 2 and "interrupted" in history.reason and same(model, other)


def test_interruption_within_an_epoch_drops_it_and_leaves_the_model_usable():
    calls = []
    def loss(y_hat, y):
        calls.append(1)
        if len(calls) == 11:  # one trial call, seven batches, then the third batch of the second epoch
            raise KeyboardInterrupt
        return MSE(y_hat, y)
    model = net()
    history = fit(model, (X, Y), loss, **BASE)
    assert history.interrupted and history.epochs == 1
    assert np.isfinite(training.evaluate(model, X, Y, MSE)) and all(m.training for m in model)
    assert fit(model, (X, Y), MSE, **BASE).epochs == 3


def python(code, *arguments, **options):
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
                            stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, **options)


def test_a_real_stop_signal():
    child = python("""
        import signal
        import torch
        from dlhelpers import training
        # A shell starts its background jobs deaf to this signal, and they pass that on.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        def tell(epoch, model, history):
            if epoch == 2: print("going", flush=True)
        model = torch.nn.Linear(20, 2)
        h = training.fit(model, (torch.ones(4000, 20), torch.zeros(4000, 2)), torch.nn.MSELoss(), eta=0.01,
                         epochs=10**7, batch=2, on_epoch=tell)
        print(h.interrupted, h.epochs >= 3, bool(torch.isfinite(model.weight).all()))
    """)
    assert child.stdout.readline() == "going\n"
    child.send_signal(signal.SIGINT)
    rest, _ = child.communicate(timeout=120)
    assert rest == "True True True\n" and child.returncode == 0


def test_divergence_is_reported():
    history = fit(net(), (X, Y * 1e10), MSE, eta=1e10, epochs=20, batch=8, validation=(X, Y))
    assert history.diverged and "diverged" in history.reason and history.epochs < 20
    assert not np.isfinite(history.train_loss[-1]) and np.isnan(history.validation_loss[-1])


# ---------------------------------------------------------------- checkpoints

@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("sampling", ["shuffle", "with replacement", "lecture"])
def test_a_resumed_run_continues_bit_for_bit(tmp_path, sampling, dropout):
    def go(model, epochs, path=None, **options):
        return fit(model, (X, Y), MSE, optimizer=torch.optim.Adam(model.parameters(), lr=0.02), epochs=epochs, batch=8,
                   validation=(X[:9], Y[:9]), metrics={"m": lambda a, b: (a - b).max()}, seed=3, sampling=sampling,
                   stop=EarlyStopping(4), checkpoint=path, **options)
    make = (lambda: nn.Linear(3, 8), lambda: nn.BatchNorm1d(8), lambda: nn.Dropout(dropout), lambda: nn.Linear(8, 2))
    whole, path = net(*make), tmp_path / "run.pt"
    expected = go(whole, 7)

    def interrupt(epoch, model, history):
        if epoch == 4:
            raise KeyboardInterrupt
    assert go(net(*make), 7, path, checkpoint_every=2, on_epoch=interrupt).interrupted
    resumed = net(*make, seed=77)  # its own weights do not matter
    torch.rand(3)  # nor does the global random state
    epochs = []
    history = go(resumed, 7, path, on_epoch=lambda e, m, h: epochs.append(e))
    assert epochs[0] == 4 and history == expected and same(resumed, whole)
    assert go(again := net(*make), 7, path) == expected and same(again, whole)  # finished: nothing left to do


def test_a_run_can_be_made_longer(tmp_path):
    path = tmp_path / "run.pt"
    whole, model = net(), net()
    expected = fit(whole, (X, Y), MSE, eta=0.1, epochs=6, batch=8)
    fit(model, (X, Y), MSE, **BASE, checkpoint=path)
    assert fit(model, (X, Y), MSE, eta=0.1, epochs=6, batch=8, checkpoint=path) == expected and same(model, whole)


def stored(tmp_path):
    path = tmp_path / "run.pt"
    fit(net(), (X, Y), MSE, **BASE, checkpoint=path)
    return path


@pytest.mark.parametrize("keep", [0, 1, 100, -1])
def test_a_truncated_checkpoint_is_named(tmp_path, keep):
    path = stored(tmp_path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match="run.pt is damaged"):
        fit(net(), (X, Y), MSE, **BASE, checkpoint=path)


@pytest.mark.parametrize("layers, match", [
    ((lambda: nn.Linear(3, 5), nn.Tanh, lambda: nn.Linear(5, 2)),
     r"'0.weight' has shape \(4, 3\) there and \(5, 3\) here"),
    ((lambda: nn.Linear(3, 2),), r"another model"),
    ((lambda: nn.Linear(3, 4), nn.Tanh, lambda: nn.Linear(4, 2), lambda: nn.Linear(2, 2)), "no '3.weight'"),
])
def test_a_checkpoint_of_another_model_is_refused(tmp_path, layers, match):
    model = net(*layers)
    before = weights(model)
    with pytest.raises(ValueError, match=match):
        fit(model, (X, Y), MSE, **BASE, checkpoint=stored(tmp_path))
    assert all(torch.equal(a, b) for a, b in zip(before, weights(model), strict=True))


@pytest.mark.parametrize("change, match", [
    ({"batch": 10}, "batch is 10"), ({"seed": 1}, "seed is 1"), ({"eta": 0.2}, "optimizer settings"),
    ({"sampling": "lecture"}, "sampling is"), ({"epochs": 2}, "epochs is 2"), ({"validation": (X, Y)}, "validation"),
])
def test_a_checkpoint_under_other_settings_is_refused(tmp_path, change, match):
    with pytest.raises(ValueError, match=match):
        fit(net(), (X, Y), MSE, **{**BASE, **change}, checkpoint=stored(tmp_path))


def test_other_files_are_not_checkpoints(tmp_path):
    torch.save({"weights": torch.ones(2)}, tmp_path / "own.pt")
    with pytest.raises(ValueError, match="own.pt was not written"):
        checkpoints.load(tmp_path / "own.pt")
    with pytest.raises(ValueError, match="folder"):
        checkpoints.load(tmp_path)
    with pytest.raises(FileNotFoundError, match="none.pt"):
        checkpoints.load(tmp_path / "none.pt")
    torch.save(nn.Linear(1, 1), tmp_path / "code.pt")  # a pickled object: would run code
    with pytest.raises(ValueError, match="code.pt is damaged"):
        checkpoints.load(tmp_path / "code.pt")


def kill_at_odd_moments(code, path, load, times=4):
    """Kill -9 a process that writes in a loop, again and again: the file always loads."""
    for moment in range(times):
        child = python(code, path)
        assert child.stdout.readline() == "going\n"
        time.sleep(0.017 * moment)
        child.kill()
        child.communicate()
        assert child.returncode == -signal.SIGKILL
        load()


def test_killed_while_it_writes_checkpoints(tmp_path):
    path = tmp_path / "run.pt"
    def load():
        content = checkpoints.load(path)
        # Old or new, but whole: as many entries everywhere as epochs done, and the model fits.
        assert len(content["records"]) >= 1 and content["model"]["weight"].shape == (300, 300)
    kill_at_odd_moments("""
        import sys, torch
        from dlhelpers import training
        torch.manual_seed(0)
        def tell(epoch, model, history):
            if history.epochs == start + 3: print("going", flush=True)
        try: start = len(training.loop.checkpoints.load(sys.argv[1])["records"])
        except FileNotFoundError: start = 0
        training.fit(torch.nn.Linear(300, 300), (torch.ones(2, 300), torch.ones(2, 300)), torch.nn.MSELoss(), eta=0.1,
                     epochs=10**7, batch=2, checkpoint=sys.argv[1], on_epoch=tell)
    """, path, load)


def test_killed_while_it_records_a_run(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "path", lambda name: tmp_path / f"{name}.npz")
    def load():
        run = runs.load("test")
        assert (run["a"] == run["a"][0]).all() and run.meta["round"] == int(run["a"][0])
    kill_at_odd_moments("""
        import sys, pathlib, numpy as np
        from dlhelpers import runs
        runs.path = lambda name: pathlib.Path(sys.argv[1])
        for i in range(10**7):
            runs.save("test", {"a": np.full(20_000, i)}, command="none", seed=0, seconds=0, round=i)
            if i == 2: print("going", flush=True)
    """, tmp_path / "test.npz", load)


# ---------------------------------------------------------------- evaluation

@pytest.mark.parametrize("chunk", [1, 7, 50, 1000])
def test_evaluate_and_predict_do_not_depend_on_the_chunk(chunk):
    model = net(lambda: nn.Linear(3, 2), lambda: nn.Dropout(0.5))
    with torch.no_grad():
        expected = model[0](X)
    torch.testing.assert_close(training.predict(model, X, chunk), expected)
    assert training.evaluate(model, X, Y, MSE, chunk) == pytest.approx(MSE(expected, Y).item(), rel=1e-5)
    assert model.training


def test_accuracy_counts_hits():
    model = nn.Linear(2, 2, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.eye(2))
    points = torch.tensor([[2.0, 1.0], [0.0, 1.0], [3.0, 4.0], [1.0, 0.0]])
    labels = torch.tensor([0, 1, 0, 1])
    assert training.accuracy(model, points, labels) == 0.5
    assert training.accuracy(model, points, nn.functional.one_hot(labels, 2).float()) == 0.5


# ---------------------------------------------------------------- bad input

NAN, HOT = X.clone(), Y.clone()
NAN[3, 1], HOT[0, 0] = float("nan"), float("inf")
FROZEN = net().requires_grad_(False)
CE = nn.CrossEntropyLoss()


class Ignoring(nn.Module):
    ignore_index = 0

    def forward(self, y_hat, y):
        return MSE(y_hat, y)


BAD = {
    "no parameters": (ValueError, "model", {"model": nn.Tanh()}),
    "frozen": (ValueError, "model", {"model": FROZEN}),
    "no module": (TypeError, "model", {"model": lambda x: x}),
    "data no pair": (TypeError, "data", {"data": X}),
    "data of three": (TypeError, r"tuple of their own, \(\(X1, X2\), y\)", {"data": (X, Y, Y)}),
    "no inputs": (ValueError, "at least one tensor", {"data": ((), Y)}),
    "too many inputs": (ValueError, "does not fit the model", {"data": ((X, X), Y)}),
    "inputs of other lengths": (ValueError, "equal length", {"data": ((X, X[:9]), Y)}),
    "a numpy input": (TypeError, r"data: X\['x'\]", {"data": ({"x": X.numpy()}, Y)}),
    "clip zero": (ValueError, "clip", {"clip": 0.0}), "clip text": (TypeError, "clip", {"clip": "1"}),
    "nothing counts": (ValueError, "counts", {"data": (X, LABELS * 0), "loss": nn.CrossEntropyLoss(ignore_index=0)}),
    "unknown normaliser": (ValueError, "weights\\(y\\)", {"loss": Ignoring()}),
    "numpy data": (TypeError, "data: X", {"data": (X.numpy(), Y)}),
    "integer X": (TypeError, "data: X", {"data": (X.long(), Y)}),
    "boolean y": (TypeError, "data: y", {"data": (X, Y > 0)}),
    "complex X": (TypeError, "data: X", {"data": (X.to(torch.complex64), Y)}),
    "double X": (TypeError, "data: X", {"data": (X.double(), Y)}),
    "double y": (TypeError, "data: y", {"data": (X, Y.double())}),
    "NaN in X": (ValueError, "data: X", {"data": (NAN, Y)}),
    "infinite y": (ValueError, "data: y", {"data": (X, HOT)}),
    "lengths": (ValueError, "equal length", {"data": (X, Y[:-1])}),
    "empty": (ValueError, "data: X", {"data": (X[:0], Y[:0])}),
    "number X": (ValueError, "first axis", {"data": (torch.tensor(1.0), Y)}),
    "too wide": (ValueError, "does not fit the model", {"data": (torch.ones(50, 4), Y)}),
    "would broadcast": (ValueError, "must be equal", {"data": (X, Y[:, :1])}),
    "column against row": (ValueError, "must be equal", {"model": nn.Linear(3, 1), "data": (X, Y[:, 0])}),
    "row against column, own loss": (ValueError, "must be equal", {"model": nn.Linear(3, 1), "data": (X, Y[:, 0]),
                                                                   "loss": lambda a, b: ((a - b) ** 2).mean()}),
    "label too large": (ValueError, "labels from 0 to 1", {"data": (X, LABELS + 1), "loss": CE}),
    "negative label": (ValueError, "labels from 0 to 1", {"data": (X, LABELS - 1), "loss": CE}),
    "labels as floats": (TypeError, "data: y", {"data": (X, LABELS.float()), "loss": CE}),
    "labels as int32": (TypeError, "data: y", {"data": (X, LABELS.int()), "loss": CE}),
    "no loss": (TypeError, "loss", {"loss": None}),
    "loss class": (TypeError, "loss", {"loss": nn.MSELoss}),
    "loss a vector": (ValueError, "scalar", {"loss": lambda a, b: ((a - b) ** 2).mean(1)}),
    "loss not reduced": (ValueError, "reduction", {"loss": nn.MSELoss(reduction="none")}),
    "loss a sum": (ValueError, "reduction", {"loss": nn.MSELoss(reduction="sum")}),
    "loss a float": (TypeError, "loss", {"loss": lambda a, b: 1.0}),
    "loss constant": (ValueError, "loss", {"loss": lambda a, b: torch.tensor(1.0)}),
    "eta zero": (ValueError, "eta", {"eta": 0.0}),
    "eta negative": (ValueError, "eta", {"eta": -0.1}),
    "eta NaN": (ValueError, "eta", {"eta": float("nan")}),
    "eta text": (TypeError, "eta", {"eta": "0.1"}),
    "neither eta nor optimizer": (TypeError, "optimizer", {"eta": None}),
    "both": (TypeError, "optimizer", {"optimizer": torch.optim.SGD(net().parameters(), lr=0.1)}),
    "optimizer of another model": (ValueError, "optimizer", {
        "eta": None, "optimizer": torch.optim.SGD(net().parameters(), lr=0.1)}),
    "optimizer class": (TypeError, "optimizer", {"eta": None, "optimizer": torch.optim.SGD}),
    "optimizer name": (TypeError, "optimizer", {"eta": None, "optimizer": "sgd"}),
    "optimizer with closure": (ValueError, "optimizer", {
        "eta": None, "optimizer": torch.optim.LBFGS(net().parameters())}),
    "no epochs": (ValueError, "epochs", {"epochs": 0}),
    "half an epoch": (TypeError, "epochs", {"epochs": 1.5}),
    "batch zero": (ValueError, "batch", {"batch": 0}),
    "batch above n": (ValueError, "batch", {"batch": 51}),
    "batch a float": (TypeError, "batch", {"batch": 8.0}),
    "sampling": (ValueError, "sampling", {"sampling": "random"}),
    "batches with shuffle": (ValueError, "batches", {"batches": 3}),
    "batches zero": (ValueError, "batches", {"batches": 0, "sampling": "lecture"}),
    "validation no pair": (TypeError, "validation", {"validation": X}),
    "validation lengths": (ValueError, "validation", {"validation": (X, Y[:3])}),
    "validation NaN": (ValueError, "validation: X", {"validation": (NAN, Y)}),
    "validation shape": (ValueError, "validation", {"validation": (X, Y[:, :1])}),
    "metrics a list": (TypeError, "metrics", {"metrics": [metrics.accuracy]}),
    "metrics no function": (TypeError, "metrics", {"metrics": {"accuracy": 1}}),
    "seed a float": (TypeError, "seed", {"seed": 0.5}),
    "seed negative": (ValueError, "seed", {"seed": -1}),
    "seed None": (TypeError, "seed", {"seed": None}),
    "stop a number": (TypeError, "stop", {"stop": 3, "validation": (X, Y)}),
    "stop without validation": (ValueError, "stop", {"stop": EarlyStopping(3)}),
    "checkpoint a number": (TypeError, "checkpoint", {"checkpoint": 3}),
    "checkpoint_every zero": (ValueError, "checkpoint_every", {"checkpoint_every": 0}),
    "on_epoch": (TypeError, "on_epoch", {"on_epoch": "print"}),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_before_anything_is_touched(name):
    error, match, change = BAD[name]
    arguments = {"model": net(), "data": (X, Y), "loss": MSE, **BASE, **change}
    model = arguments.pop("model")
    before = weights(model) if isinstance(model, nn.Module) else []
    with pytest.raises(error, match=match):
        fit(model, arguments.pop("data"), arguments.pop("loss"), **arguments)
    if before:
        assert all(torch.equal(a, b) for a, b in zip(before, weights(model), strict=True))


@pytest.mark.parametrize("call, error, match", [
    (lambda: EarlyStopping(0), ValueError, "patience"), (lambda: EarlyStopping(2.0), TypeError, "patience"),
    (lambda: EarlyStopping(2, -1), ValueError, "min_delta"),
    (lambda: training.evaluate(net(), X, Y[:3], MSE), ValueError, "equal length"),
    (lambda: training.evaluate(net(), X, Y, MSE, chunk=0), ValueError, "chunk"),
    (lambda: training.predict(net(), NAN), ValueError, "X"),
    (lambda: training.predict("net", X), TypeError, "model"),
    (lambda: training.accuracy(net(), X, Y[:, 0]), TypeError, "y"),
    (lambda: training.accuracy("net", X, LABELS), TypeError, "model"),
    (lambda: metrics.accuracy(X[:, :2], LABELS[:4]), ValueError, "y"),
    (lambda: checkpoints.save(3, {}), TypeError, "path"), (lambda: checkpoints.save("a.pt", [1]), TypeError, "content"),
])
def test_bad_input_elsewhere(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_integer_input_is_for_embeddings():
    model = nn.Sequential(nn.Embedding(5, 4), nn.Flatten(), nn.Linear(12, 2))
    tokens = torch.randint(5, (50, 3), generator=generator())
    history = fit(model, (tokens, LABELS), nn.CrossEntropyLoss(), **BASE, metrics={"accuracy": metrics.accuracy})
    assert history.epochs == 3
