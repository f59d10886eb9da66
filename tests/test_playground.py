"""The playground's small net: gradients and training against torch."""

import numpy as np
import pytest
import torch

from dlhelpers.widgets import playground


@pytest.mark.parametrize("activation, module", [
    ("tanh", torch.nn.Tanh), ("relu", torch.nn.ReLU), ("sigmoid", torch.nn.Sigmoid)])
def test_training_is_torchs_adam(activation, module):
    net = playground.SmallNet([2, 4, 3, 1], activation, seed=3)
    layers = [torch.nn.Linear(2, 4), module(), torch.nn.Linear(4, 3), module(), torch.nn.Linear(3, 1)]
    with torch.no_grad():
        for layer, W, b in zip(layers[::2], net.W, net.b, strict=True):
            layer.weight.copy_(torch.tensor(W.T))
            layer.bias.copy_(torch.tensor(b))
    model = torch.nn.Sequential(*layers).double()
    with torch.no_grad():
        for layer, W, b in zip(layers[::2], net.W, net.b, strict=True):
            layer.weight.copy_(torch.tensor(W.T))
            layer.bias.copy_(torch.tensor(b))
    X, y = playground.points("moons", 0.1, 1)
    net.train(X, y, 0.02, 15)
    net.train(X, y, 0.005, 10)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for step in range(25):
        optimizer.param_groups[0]["lr"] = 0.02 if step < 15 else 0.005
        optimizer.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(model(torch.tensor(X))[:, 0], torch.tensor(y)).backward()
        optimizer.step()
    for layer, W, b in zip(layers[::2], net.W, net.b, strict=True):
        np.testing.assert_allclose(W, layer.weight.detach().numpy().T, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(b, layer.bias.detach().numpy(), rtol=1e-7, atol=1e-9)
    assert net.steps == 25
