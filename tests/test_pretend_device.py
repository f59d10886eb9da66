"""The pretend device refuses what a GPU refuses, allows what it allows, and computes what the CPU computes."""

import copy
import io

import numpy as np
import pretend
import pytest
import torch
import torch.utils.checkpoint
from torch import nn
from torch.func import functional_call, grad, hessian, jvp, vmap

STRICT = {
    "float64 by a cast": (TypeError, lambda x: x.double()),
    "float64 by moving": (TypeError, lambda x: torch.ones(3, dtype=torch.float64).to(x.device)),
    "float64 made there": (TypeError, lambda x: torch.zeros(3, dtype=torch.float64, device=x.device)),
    "float64 from numpy": (TypeError, lambda x: torch.as_tensor(np.ones(3), device=x.device)),
    "float64 by promotion": (TypeError, lambda x: torch.arange(3, device=x.device).mul(torch.tensor(0.5).double())),
    "complex128": (TypeError, lambda x: x.to(torch.complex128)),
    "a CPU tensor in a sum": (RuntimeError, lambda x: x + torch.ones(3)),
    "a CPU tensor in a product": (RuntimeError, lambda x: torch.ones(2, 3) @ x),
    "a CPU tensor without axes in cat": (RuntimeError, lambda x: torch.stack([x[0], torch.tensor(1.0)])),
    "a device scalar for a CPU vector": (RuntimeError, lambda x: torch.ones(3) * x[0]),
    "device into CPU in place": (RuntimeError, lambda x: torch.tensor(1.0).add_(x[0])),
    "labels on the CPU": (RuntimeError, lambda x: nn.functional.cross_entropy(x[None], torch.tensor([1]))),
    "a module on the CPU": (RuntimeError, lambda x: nn.Linear(3, 2)(x)),
    "CPU data indexed there": (RuntimeError, lambda x: torch.ones(3)[(x > 0).nonzero()]),
    "numpy": (TypeError, lambda x: x.numpy()),
    "np.asarray": (TypeError, lambda x: np.asarray(x)),
    "a numpy function": (TypeError, lambda x: np.cos(x)),
    "a CPU generator for new numbers": (RuntimeError, lambda x: torch.randn(3, generator=_cpu(), device=x.device)),
    "a CPU generator in place": (RuntimeError, lambda x: x.clone().normal_(generator=_cpu())),
    "a CPU generator for a permutation": (RuntimeError,
                                          lambda x: torch.randperm(3, generator=_cpu(), device=x.device)),
    "no kernel on mps: eigh": (NotImplementedError, lambda x: torch.linalg.eigh(torch.outer(x, x))),
    "no kernel on mps: lstsq": (NotImplementedError, lambda x: torch.linalg.lstsq(x[:, None], x[:, None])),
    "an error inside backward": (TypeError, lambda x: _backward(x)),
}

ALLOWED = {
    "Python numbers": lambda x: 2 * x + 1.5 - np.float64(3),
    "a CPU tensor without axes": lambda x: x * torch.tensor(2.0) + torch.tensor(1.0).double(),
    "CPU indices": lambda x: x[torch.tensor([0, 2])] + x[torch.tensor([True, False, True])],
    "copies": lambda x: torch.zeros_like(x).copy_(torch.arange(3)),
    "assigning CPU values": lambda x: _assigned(x.clone()),
    "where with a number": lambda x: torch.where(x > 0, x, 0.0),
    "to the CPU and double": lambda x: x.cpu().double(),
    "from float64, narrowed on the way": lambda x: torch.ones(3).double().to(x.device, torch.float32) + x,
    "index_select into a buffer": lambda x: torch.index_select(x, 0, torch.tensor([2, 0], device=x.device),
                                                               out=torch.empty(2, device=x.device)),
    "einsum": lambda x: torch.einsum("i,j->ij", x, x),
    "numbers out": lambda x: torch.tensor([float(x[0]), x.sum().item(), *x.tolist(), bool(x[0] > 0)]),
    "factories": lambda x: torch.stack([torch.arange(3.0, device=x.device), torch.linspace(0, 1, 3, device=x.device),
                                        torch.eye(3, device=x.device)[0], x.new_ones(3), torch.full_like(x, 2)]),
    "random numbers of the global generator": lambda x: torch.rand_like(x) + torch.randn(3, device=x.device),
    "sorting": lambda x: torch.cat([x.sort().values, x.topk(2).values, x.unique(), x.cumsum(0)]),
    "a view written through": lambda x: _written(x.clone()),
    "a second derivative": lambda x: hessian(lambda t: (t.sin()**2).sum())(x),
    "forward mode": lambda x: torch.stack(jvp(lambda t: (t**2).sum() * 2, (x,), (x,))),
    "checkpointing": lambda x: _gradient(lambda t: torch.utils.checkpoint.checkpoint(torch.sin, t,
                                                                                      use_reentrant=False).sum(), x),
    "quantiles": lambda x: torch.stack([x.quantile(0.3), *x.quantile(torch.tensor([0.1, 0.5], device=x.device))]),
    "attention": lambda x: nn.functional.scaled_dot_product_attention(*[x.outer(x)[None, None]] * 3, is_causal=True),
}


def _cpu() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def _assigned(x: torch.Tensor) -> torch.Tensor:
    x[1:] = torch.tensor([5.0, 6.0])
    x[torch.tensor([0])] = torch.tensor(7.0)
    return x


def _written(x: torch.Tensor) -> torch.Tensor:
    x.view(3, 1)[1].mul_(3)
    return x


def _gradient(f, x: torch.Tensor) -> torch.Tensor:
    leaf = x.clone().requires_grad_()
    f(leaf).backward()
    return leaf.grad


def _backward(x: torch.Tensor) -> torch.Tensor:
    leaf = x.clone().requires_grad_()
    leaf.register_hook(lambda g: g.double().float())
    leaf.sum().backward()
    return leaf.grad


@pytest.fixture
def device():
    with pretend.pretending() as there:
        yield there


@pytest.mark.parametrize("name", STRICT)
def test_refused(device, name):
    error, attempt = STRICT[name]
    with pytest.raises(error, match=r"float64|complex128|same device|generator|not currently implemented|\.cpu\(\)"):
        attempt(torch.ones(3, device=device))
    attempt(torch.ones(3))  # nothing is wrong but the place


@pytest.mark.parametrize("name", ALLOWED)
def test_allowed_and_equal(device, name):
    x = torch.tensor([3.0, 1.0, 2.0])
    torch.manual_seed(0)
    expected = ALLOWED[name](x)
    torch.manual_seed(0)
    found = ALLOWED[name](x.to(device))
    assert found.device.type == ("cpu" if name in ("to the CPU and double", "numbers out") else pretend.NAME)
    torch.testing.assert_close(found.cpu(), expected, rtol=0, atol=1e-6 if "attention" in name else 0)


def test_devices_with_and_without_index(device):
    # torch.device("mps") != tensor.device there: code that compares them with == breaks.
    x = torch.ones(1, device=device)
    assert x.device.type == device.type and x.device != device and "pretend:0" in repr(x)


def test_a_generator_of_the_device(device):
    there = torch.Generator(device=device).manual_seed(3)
    assert there.device.type == pretend.NAME and isinstance(there, torch.Generator)
    drawn = torch.randn(4, generator=there, device=device)
    torch.testing.assert_close(drawn.cpu(), torch.randn(4, generator=_cpu().manual_seed(3)), rtol=0, atol=0)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                         nn.Dropout(0.2), nn.Linear(64, 3))


DATA = torch.randn(12, 1, 8, 8, generator=_cpu()), torch.arange(12) % 3


@pytest.mark.parametrize("rule", [torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop])
def test_training_gives_the_cpus_numbers(device, rule):
    results = []
    for place in ("cpu", device):
        model = network()
        optimizer = rule(model.parameters(), lr=0.01)  # before the model moves: it must see the same parameters
        X, y = (t.to(place) for t in DATA)
        model.to(place)
        torch.manual_seed(1)
        for _ in range(4):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(X), y).backward()
            optimizer.step()
        results.append({key: value.cpu() for key, value in model.state_dict().items()})
    torch.testing.assert_close(*results, rtol=0, atol=0)
    start = network().state_dict()
    assert all((results[1][key] != start[key]).any() for key in ("0.weight", "6.weight", "1.running_mean"))


def test_gradients_of_each_sample(device):
    def gradients(place):
        model = network().eval().to(place)
        weights = {key: p.detach() for key, p in model.named_parameters()}
        one = lambda w, x, y: nn.functional.cross_entropy(functional_call(model, w, (x[None],)), y[None])  # noqa: E731
        return {key: g.cpu() for key, g in vmap(grad(one), (None, 0, 0))(weights, *(t.to(place) for t in DATA)).items()}
    torch.testing.assert_close(gradients(device), gradients("cpu"))


@pytest.mark.parametrize("layer", [nn.LSTM(3, 4, batch_first=True), nn.GRU(3, 4, num_layers=2, bidirectional=True),
                                   nn.RNN(3, 4), nn.LSTM(3, 4, bias=False)], ids=str)
def test_recurrent_layers(device, layer):
    x = torch.randn(2, 5, 3, generator=_cpu())
    found = []
    for place in ("cpu", device):
        model = copy.deepcopy(layer).to(place)
        leaf = x.clone().to(place).requires_grad_()
        out = model(leaf)[0]
        out.square().sum().backward()
        found.append([t.detach().cpu() for t in (out, leaf.grad, *(p.grad for p in model.parameters()))])
    torch.testing.assert_close(*found)


def test_checkpoints_know_their_place(device):
    model = network().to(device)
    optimizer = torch.optim.Adam(model.parameters())
    model(DATA[0].to(device)).sum().backward()
    optimizer.step()
    file = io.BytesIO()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, file)
    for place, kind in ((None, pretend.NAME), ("cpu", "cpu"), (device, pretend.NAME)):
        file.seek(0)
        found = torch.load(file, map_location=place, weights_only=True)
        assert {t.device.type for t in found["model"].values()} == {kind}
        torch.testing.assert_close(found["model"]["0.weight"].cpu(), model[0].weight.detach().cpu())
    file = io.BytesIO()
    torch.save(network().state_dict(), file)
    file.seek(0)
    on_device = torch.load(file, map_location=device, weights_only=True)
    assert {t.device.type for t in on_device.values()} == {pretend.NAME}
    model.load_state_dict(on_device)


def test_data_copies_and_modules(device):
    model = network().to(device)
    twin = copy.deepcopy(model)
    assert isinstance(twin[0].weight, nn.Parameter) and twin[0].weight.device.type == pretend.NAME
    twin[0].weight.data = torch.zeros_like(twin[0].weight)
    twin[0].weight.data.add_(1)
    assert (twin[0].weight == 1).all() and not (model[0].weight == 1).any()
    with pytest.raises(RuntimeError, match="incompatible tensor type"):
        twin[0].weight.data = torch.zeros(4, 1, 3, 3)
    assert {p.device.type for p in twin.cpu().parameters()} == {"cpu"}


def test_everything_is_put_back():
    before = torch.load, torch.Generator, torch.autograd.graph._engine_run_backward
    with pytest.raises(KeyError), pretend.pretending():
        assert torch.load is not before[0]
        raise KeyError
    assert (torch.load, torch.Generator, torch.autograd.graph._engine_run_backward) == before
