"""models.mlp against torch's own layers and the parameter formula."""

import pytest
import torch
from torch import nn

from dlhelpers.models.mlp import ACTIVATIONS, Gaussian, Maxout, count_parameters, mlp
from dlhelpers.models.radial import RadialBasisNetwork


@pytest.mark.parametrize("sizes, count", [([784, 10], 7_850), ([784, 1024, 10], 814_090), ([3, 3, 2, 1], 23)])
def test_parameters_of_the_lectures(sizes, count):
    assert count_parameters(mlp(sizes)) == count == sum((a + 1) * b for a, b in zip(sizes, sizes[1:], strict=False))


def test_seeded_weights_are_those_of_the_global_seed_and_leave_it_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    ours = mlp([5, 7, 2], seed=11)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(11)
    theirs = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 2))
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_net_is_the_formula(name):
    net = mlp([4, 6, 3], name, seed=0)
    x = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    sigma = ACTIVATIONS[name]()
    expected = sigma(x @ net[0].weight.T + net[0].bias) @ net[2].weight.T + net[2].bias
    torch.testing.assert_close(net(x), expected)


def test_no_bias_and_own_activation():
    net = mlp([4, 6, 6, 3], nn.GELU, bias=False)
    assert [type(layer).__name__ for layer in net] == ["Linear", "GELU", "Linear", "GELU", "Linear"]
    assert net[1] is not net[3]
    assert count_parameters(net) == 24 + 36 + 18


def test_frozen_and_shared_parameters():
    net = mlp([4, 6, 3])
    net[0].weight.requires_grad_(False)
    assert count_parameters(net, trainable=True) == count_parameters(net) - 24
    layer = nn.Linear(4, 4)
    assert count_parameters(nn.Sequential(layer, layer)) == 20


@pytest.mark.parametrize("arguments, error, match", [
    (([784],), ValueError, "sizes"), (([],), ValueError, "sizes"), ((784,), TypeError, "sizes"),
    (("784",), TypeError, "sizes"), (([784, 0],), ValueError, "sizes"), (([784, 1.5],), TypeError, "sizes"),
    (([784, True],), TypeError, "sizes"), (([784, -3, 2],), ValueError, "sizes"),
    (([2, 1], "swish"), ValueError, "activation"), (([2, 1], nn.ReLU()), TypeError, "activation"),
    (([2, 1], 3), TypeError, "activation"),
])
def test_bad_input(arguments, error, match):
    with pytest.raises(error, match=match):
        mlp(*arguments)


@pytest.mark.parametrize("seed", [1.5, "0", True])
def test_bad_seed(seed):
    with pytest.raises(TypeError, match="seed"):
        mlp([2, 1], seed=seed)


def test_count_needs_a_model():
    with pytest.raises(TypeError, match="model"):
        count_parameters([1, 2])


def test_gaussian():
    z = torch.tensor([0.0, 2.0, -2.0])
    torch.testing.assert_close(Gaussian(2.0)(z), torch.tensor([1.0, 0.36787944, 0.36787944]))
    assert torch.equal(mlp([1, 3, 1], "gaussian")[1](z), torch.exp(-z * z))
    with pytest.raises(ValueError, match="width"):
        Gaussian(0.0)


def test_maxout_is_the_largest_of_its_affine_functions():
    torch.manual_seed(0)
    layer, x = Maxout(3, 4, pieces=5), torch.randn(7, 3)
    W, b = layer.affine.weight.reshape(5, 4, 3), layer.affine.bias.reshape(5, 4)
    expected = torch.stack([x @ W[p].T + b[p] for p in range(5)]).max(0).values
    torch.testing.assert_close(layer(x), expected)
    assert count_parameters(layer) == 5 * (3 + 1) * 4


@pytest.mark.parametrize("arguments, error, match", [
    ((0, 1), ValueError, "d_in"), ((1, 1.5), TypeError, "d_out"), ((1, 1, 1), ValueError, "pieces"),
])
def test_bad_maxout(arguments, error, match):
    with pytest.raises(error, match=match):
        Maxout(*arguments)


def test_radial_network_with_a_centre_on_every_point_interpolates():
    rng = torch.Generator().manual_seed(1)
    X, y = torch.rand(12, 2, generator=rng), torch.randn(12, generator=rng)
    net = RadialBasisNetwork(X, width=0.1).fit(X, y)
    torch.testing.assert_close(net(X)[:, 0], y, atol=1e-4, rtol=0)
    far = net(torch.full((1, 2), 50.0))
    torch.testing.assert_close(far[0], net.output.bias)


def test_radial_features_and_least_squares_agree_with_scikit_learn():
    from sklearn.linear_model import LinearRegression
    from sklearn.metrics.pairwise import rbf_kernel

    rng = torch.Generator().manual_seed(2)
    X, centres, Y = (torch.randn(n, d, generator=rng) for n, d in ((50, 3), (6, 3), (50, 2)))
    net = RadialBasisNetwork(centres, width=1.5, outputs=2)
    theirs = rbf_kernel(X.numpy(), centres.numpy(), gamma=1 / (2 * 1.5**2))
    torch.testing.assert_close(net.features(X), torch.from_numpy(theirs), atol=1e-5, rtol=0)
    fitted = LinearRegression().fit(theirs, Y.numpy())
    torch.testing.assert_close(net.fit(X, Y)(X), torch.from_numpy(fitted.predict(theirs)), atol=1e-4, rtol=0)


def test_radial_centres_of_k_means_and_ridge():
    noise = 0.01 * torch.randn(20, 2, generator=torch.Generator().manual_seed(0))
    X = torch.cat([torch.zeros(10, 2), torch.ones(10, 2)]) + noise
    net = RadialBasisNetwork.from_data(X, 2, width=0.5, seed=0)
    torch.testing.assert_close(net.centres.sort(0).values, torch.tensor([[0.0, 0.0], [1.0, 1.0]]), atol=0.02, rtol=0)
    y = X[:, 0]
    assert net.fit(X, y, ridge=1e3).output.weight.abs().max() < 0.1 < net.fit(X, y).output.weight.abs().max()


@pytest.mark.parametrize("make, error, match", [
    (lambda: RadialBasisNetwork(torch.zeros(3), width=1.0), ValueError, "centres"),
    (lambda: RadialBasisNetwork([[0.0]], width=1.0), TypeError, "centres"),
    (lambda: RadialBasisNetwork(torch.zeros(3, 2), width=-1.0), ValueError, "width"),
    (lambda: RadialBasisNetwork(torch.zeros(3, 2), width=1.0, outputs=0), ValueError, "outputs"),
    (lambda: RadialBasisNetwork.from_data(torch.zeros(3, 2), 4, width=1.0), ValueError, "m"),
    (lambda: RadialBasisNetwork(torch.zeros(3, 2), width=1.0).fit(torch.zeros(5, 3), torch.zeros(5)), ValueError, "X"),
    (lambda: RadialBasisNetwork(torch.zeros(3, 2), width=1.0).fit(torch.zeros(5, 2), torch.zeros(4)), ValueError, "y"),
    (lambda: RadialBasisNetwork(torch.zeros(3, 2), width=1.0).fit(torch.zeros(5, 2), torch.zeros(5), ridge=-1.0),
     ValueError, "ridge"),
    (lambda: RadialBasisNetwork(torch.zeros(3, 2), width=1.0).fit(torch.full((5, 2), torch.nan), torch.zeros(5)),
     ValueError, "X"),
])
def test_bad_radial(make, error, match):
    with pytest.raises(error, match=match):
        make()
