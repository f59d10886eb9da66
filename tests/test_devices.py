"""Everything that trains or evaluates runs on a device as strict as Apple's mps, and gives the CPU's numbers.

Each case computes on the place that it is given.  The pretend device (see ``pretend``) refuses
float64, mixed places, numpy without ``.cpu()`` and CPU generators; its kernels are the CPU's, so
results must agree to rounding.  A case is void unless most of its products ran on the device.
"""

import numpy as np
import pretend
import pytest
import torch
from pretend.lectures import Work
from torch import nn
from torch.utils._pytree import tree_map

from dlhelpers import claims, data, landscapes, runtime, training
from dlhelpers.models import layers
from dlhelpers.models.mlp import ACTIVATIONS, Maxout, mlp
from dlhelpers.models.radial import RadialBasisNetwork

CASES = {}
CE = nn.CrossEntropyLoss()


def case(name, work=True):
    """Register a computation by name; ``work``: it must do its products on the device."""
    def keep(function):
        CASES[name] = function, work
        return function
    return keep


def numbers(value):
    """CPU tensors, arrays and numbers of a result, however nested."""
    def number(v):
        return v.detach().cpu() if isinstance(v, torch.Tensor) else v.copy() if isinstance(v, np.ndarray) else v
    return tree_map(number, value)


def moons(place):
    return tuple(t.to(place) for t in data.toy.moons(60, noise=0.1, seed=0))


def weights(model):
    return dict(model.state_dict())


def history(h):
    return {"train": h.train_loss, "validation": h.validation_loss, "metrics": dict(h.metrics)}


@pytest.fixture
def device():
    with pretend.pretending() as there:
        yield there


def net_with_everything(place):
    model = nn.Sequential(nn.Linear(2, 8), layers.BatchNorm1d(8), nn.ReLU(), layers.Dropout(0.3), nn.Linear(8, 2))
    return layers.initialise(model, "he", seed=1).to(place)


@case("fit: dropout, batch norm, momentum, validation, metrics, early stopping")
def _(place):
    model = net_with_everything(place)
    rule = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    seen = []
    h = training.fit(model, moons(place), CE, optimizer=rule, epochs=4, batch=16, validation=moons(place), seed=3,
                     metrics={"right": lambda y_hat, y: (y_hat.argmax(1) == y).float().mean()},
                     stop=training.EarlyStopping(patience=2), progress=False,
                     on_epoch=lambda epoch, model, history: seen.append(epoch))
    return history(h), weights(model), seen


@pytest.mark.parametrize("sampling", ["shuffle", "with replacement", "lecture"])
def test_sampling(device, sampling):
    def run(place):
        model = mlp([2, 8, 2], seed=0).to(place)
        training.fit(model, moons(place), CE, eta=0.2, epochs=2, batch=10, sampling=sampling, progress=False)
        return numbers(weights(model))
    torch.testing.assert_close(run(device), run("cpu"))


@case("fit: regression, plain descent")
def _(place):
    model, x = mlp([1, 8, 1], "tanh", seed=0).to(place), torch.linspace(-1, 1, 40, device=place)[:, None]
    return training.fit(model, (x, x**2), nn.MSELoss(), eta=0.1, epochs=3, batch=10, progress=False).train_loss


@case("evaluate, predict, accuracy")
def _(place):
    model, (X, y) = mlp([2, 8, 2], seed=0).to(place), moons(place)
    return (training.evaluate(model, X, y, CE, chunk=7), training.predict(model, X, chunk=7),
            training.accuracy(model, X, y, chunk=7))


@case("a training step: clipping, hooks, pairs of inputs")
def _(place):
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = mlp([4, 8, 2], seed=0)

        def forward(self, a, b):
            return self.net(torch.cat([a, b], 1))

    (X, y), model, norms = moons(place), Two().to(place), []
    rule = torch.optim.Adam(model.parameters(), lr=0.01)
    before = lambda model: norms.append(sum(p.grad.norm() for p in model.parameters()))  # noqa: E731
    losses = [training.step(model, ((X, X), y), CE, rule, clip=0.1, before=before) for _ in range(3)]
    return losses, norms, weights(model)


@case("two players")
def _(place):
    critic, generator = mlp([2, 8, 1], seed=0).to(place), mlp([2, 8, 2], seed=1).to(place)
    X, rng = moons(place)[0], torch.Generator().manual_seed(0)
    players = [training.Player(critic, lambda z: critic(generator(z)).mean() - critic(X).mean(), eta=0.05),
               training.Player(generator, lambda z: -critic(generator(z)).mean(), clip=1.0,
                               optimizer=torch.optim.Adam(generator.parameters(), lr=0.01))]
    found = training.play(*players, lambda: torch.randn(20, 2, generator=rng).to(place), rounds=3, k=2, progress=False)
    return found.critic, found.generator, weights(critic), weights(generator)


@pytest.mark.parametrize("interrupted_on", ["cpu", "device"])
def test_a_run_is_resumed_on_the_device(device, tmp_path, interrupted_on):
    def run(place, epochs, **options):
        model = net_with_everything(place)
        rule = torch.optim.Adam(model.parameters(), lr=0.01)
        return history(training.fit(model, moons(place), CE, optimizer=rule, epochs=epochs, batch=16,
                                    progress=False, **options)), weights(model)
    file = tmp_path / "run.pt"
    run("cpu" if interrupted_on == "cpu" else device, 2, checkpoint=file)
    resumed = run(device, 5, checkpoint=file)
    assert {w.device.type for w in resumed[1].values()} == {pretend.NAME}
    torch.testing.assert_close(numbers(resumed), numbers(run("cpu", 5)), equal_nan=True)


def test_data_elsewhere_is_named(device):
    model, (X, y) = mlp([2, 8, 2]).to(device), moons("cpu")
    for attempt in (lambda: training.fit(model, (X, y), CE, eta=0.1, epochs=1, batch=5, progress=False),
                    lambda: landscapes.surface(model, CE, (X, y), landscapes.random_plane(model), points=2)):
        with pytest.raises(ValueError, match=r"on cpu.*on pretend:0|device"):
            attempt()


for _name in ACTIVATIONS:
    @case(f"mlp, {_name}")
    def _(place, name=_name):
        model, (X, y) = mlp([2, 6, 6, 2], name, seed=0).to(place), moons(place)
        CE(model(X), y).backward()
        return model(X), [p.grad for p in model.parameters()]


@case("Maxout, dropout, batch norm, random shifts")
def _(place):
    torch.manual_seed(5)
    images = torch.rand(6, 144, generator=torch.Generator().manual_seed(0)).to(place)
    model = nn.Sequential(layers.RandomAffine(), Maxout(144, 8), layers.BatchNorm1d(8),
                          layers.Dropout(0.5), nn.Linear(8, 3)).to(place)
    model(images).square().mean().backward()
    return model(images), weights(model), [p.grad for p in model.parameters()]


@pytest.mark.parametrize("scheme", ["he", "xavier", 0.3])
def test_initialise_on_the_device(device, scheme):
    on = {place: numbers(weights(layers.initialise(mlp([3, 5, 2]).to(place), scheme, seed=4)))
          for place in ("cpu", device)}
    torch.testing.assert_close(on["cpu"], on[device], rtol=0, atol=0)


@case("radial basis network")
def _(place):
    X, y = moons(place)
    model = RadialBasisNetwork.from_data(X, 6, width=0.5, outputs=1, seed=0).fit(X, y[:, None].float())
    return model(X), weights(model)


def image_net(place):
    torch.manual_seed(2)
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 64, 3)).to(place)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(2, 2), nn.Linear(2, 2)

    def forward(self, x):
        return self.last(x + self.first(x).tanh())


def surface_case(build, sample, loss=CE, **options):
    def run(place):
        model, pair = build(place), sample(place)
        found = landscapes.surface(model, loss, pair, landscapes.random_plane(model, seed=0), points=3, **options)
        cut = landscapes.line(model, loss, pair, landscapes.random_direction(model, seed=1), points=3)
        return found.values, found.a, cut.values, weights(model)
    return run


def images(place):
    rng = torch.Generator().manual_seed(0)
    return torch.randn(10, 1, 8, 8, generator=rng).to(place), (torch.arange(10) % 3).to(place)


def residual(place):
    torch.manual_seed(3)
    return Residual().to(place)


case("surface: ReLU stack")(surface_case(lambda p: mlp([2, 8, 8, 2], seed=0).to(p), moons))
case("surface: tanh stack")(surface_case(lambda p: mlp([2, 8, 2], "tanh", seed=0).to(p), moons))
case("surface: convolutions")(surface_case(image_net, images))
case("surface: general path")(surface_case(residual, moons))
case("surface: general path by choice")(surface_case(lambda p: mlp([2, 8, 2], seed=0).to(p), moons, method="general"))
case("surface: fused path by choice")(surface_case(lambda p: mlp([2, 8, 2], seed=0).to(p), moons, method="fused"))
case("surface: statistics measured afresh")(surface_case(net_with_everything, moons, batch_norm="recompute"))
case("surface: regression")(surface_case(lambda p: mlp([2, 8, 1], seed=0).to(p), loss=nn.MSELoss(),
                                         sample=lambda p: (moons(p)[0], moons(p)[0][:, :1])))
case("surface: a loss of one's own")(surface_case(lambda p: mlp([2, 8, 2], seed=0).to(p), moons,
                                                  lambda y_hat, y: (y_hat[:, 1] - y).abs().mean()))


@pytest.mark.parametrize("weights_of_classes", [torch.tensor([1.0, 3.0]), None])
def test_surface_with_class_weights(device, weights_of_classes):
    def run(place):
        loss = nn.CrossEntropyLoss(weight=weights_of_classes, ignore_index=-100, label_smoothing=0.1).to(place)
        model = mlp([2, 8, 2], seed=0).to(place)
        pair = moons(place)
        return (landscapes.surface(model, loss, pair, landscapes.random_plane(model), points=3).values,
                training.evaluate(model, *pair, loss, chunk=7))
    np.testing.assert_allclose(*[np.append(*run(place)) for place in (device, "cpu")], rtol=1e-5)


@case("directions and angles", work=False)
def _(place):
    one, two = (mlp([2, 8, 2], seed=s).to(place) for s in (0, 1))
    A, B = landscapes.random_plane(one, seed=0)
    return ([landscapes.normalise(A, one, kind) for kind in ("filter", "layer", "none")],
            landscapes.angle(A, B), landscapes.between(one, two), landscapes.point(one, (A, B), (0.5, -1.0)))


@case("a training's path and its plane")
def _(place):
    model, pair = mlp([2, 8, 2], seed=0).to(place), moons(place)
    path = landscapes.Trajectory(model)
    training.fit(model, pair, CE, eta=0.3, epochs=5, batch=20, progress=False, on_epoch=path)
    plane = path.plane()
    assert all(part.device.type == torch.device(place).type for axis in plane.directions for part in axis)
    start = landscapes.losses_at(model, CE, pair, plane.directions, plane.path)
    path.load(model, 0)
    return np.abs(plane.path), plane.shares if hasattr(plane, "shares") else plane.path, start, weights(model)


@case("Hessian: product, matrix, extreme eigenvalues")
def _(place):
    model, pair = mlp([2, 4, 2], "tanh", seed=0).to(place), moons(place)
    H = landscapes.hessian(model, CE, pair)
    v = torch.randn(len(H), generator=torch.Generator().manual_seed(0)).to(place)
    found = landscapes.top_eigenvalues(model, CE, pair, k=2, steps=12, tol=1e-3)
    return H, landscapes.hessian_vector(model, CE, pair, v), found.top, found.bottom


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_adversarial_game(device, optimizer):
    from dlhelpers.adversarial.game import Game

    rng = torch.Generator().manual_seed(0)
    X, Y = torch.randn(30, 5, generator=rng), torch.randn(30, 3, generator=rng)

    def run(place):
        game = Game(X.to(place), Y.to(place), m=16, batch=8, optimizer=optimizer, seed=2).run(3)
        later = Game(X.to(place), Y.to(place), m=16, batch=8, optimizer=optimizer, seed=2)
        later.load_state_dict(game.state_dict())
        later.run(2)
        return numbers((game.weights, later.weights, later.measure(X.to(place), Y.to(place))))
    torch.testing.assert_close(run(device), run("cpu"))


def test_reaction_and_diffusion(device):
    from dlhelpers.patterns import gray_scott

    u, v = gray_scott.seed_fields((16, 16), seed=0)
    found = [gray_scott.solver(0.04, 0.06, u, v, backend="torch", device=place) for place in (device, "cpu")]
    for solver in found:
        solver.run(20)
    assert sum(pretend.operations.values()) > 20
    np.testing.assert_allclose(found[0].u, found[1].u, rtol=1e-5)


def test_digits_move(device):
    here = data.digits()
    there = here.to(device)
    for part in ("X_train", "y_train", "X_test", "y_test"):
        assert getattr(there, part).device.type == pretend.NAME
        torch.testing.assert_close(getattr(there, part).cpu(), getattr(here, part))
    assert there.images().device.type == pretend.NAME
    assert isinstance(there.numpy().X_train, np.ndarray)


def test_measures_and_claims_read_the_device(device, capsys):
    from dlhelpers import metrics

    y_hat, y = torch.tensor([[2.0, 1.0], [0.0, 1.0], [1.0, 0.0]]), torch.tensor([0, 1, 1])
    images = torch.rand(2, 12, 12, generator=torch.Generator().manual_seed(0))
    clouds = torch.randn(2, 30, 3, generator=torch.Generator().manual_seed(1))
    measures = [lambda p: metrics.accuracy(y_hat.to(p), y.to(p)),
                lambda p: metrics.confusion(y_hat.argmax(1).to(p), y.to(p), 2),
                lambda p: metrics.roc(y_hat[:, 1].to(p), y.to(p)),
                lambda p: metrics.calibration(y_hat.softmax(1).to(p), y.to(p), bins=2),
                lambda p: metrics.iou(y_hat.argmax(1).to(p), y.to(p), 2),
                lambda p: metrics.psnr(*images.to(p)), lambda p: metrics.ssim(*images.to(p)),
                lambda p: metrics.frechet(*clouds.to(p)), lambda p: metrics.sliced_wasserstein(*clouds.to(p))]
    for measure in measures:
        assert repr(measure(device)) == repr(measure("cpu"))
    claims.claim("all positive", y_hat.to(device) >= 0)
    claims.claim("labels", y.to(device), equal=[0, 1, 1])
    claims.claim("labels again", y.to(device), equal=y.to(device))
    claims.claim("outputs again", y_hat.to(device), near=y_hat.to(device), tol=1e-6)
    claims.claim("largest", y_hat.to(device).max(), near=2.0, tol=1e-6)
    assert capsys.readouterr().out.count("✓") == 5


def test_the_notebooks_device(device):
    assert runtime.start(seed=0) == runtime.choose_device() == device
    assert runtime.choose_device("cpu").type == "cpu"
    assert mlp([2, 2]).to(runtime.start(seed=0))[0].weight.device.type == pretend.NAME


@pytest.mark.parametrize("name", CASES)
def test_same_numbers(device, name):
    run, must_work = CASES[name]
    expected = numbers(run("cpu"))
    with Work() as work:
        found = numbers(run(device))
    torch.testing.assert_close(found, expected, rtol=2e-4, atol=1e-5)
    if must_work:
        assert work.done[pretend.NAME] > 0 and work.share > 0.9, dict(work.done)
