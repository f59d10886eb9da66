"""Generator and critic in training, with supervision alone or with an adversary beside it.

The generator descends ½‖f(X) - Y‖² - λ Σ g(f(x)), the critic is a Wasserstein critic with a
gradient penalty; the networks and their gradients are those of ``two_layer``, the optimisers
torch's.  Everything lives on the device of the data.

Source: as in ``two_layer``.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import torch

from dlhelpers import checks
from dlhelpers.adversarial import two_layer

#: Settings of the pattern experiment: name -> (rule, learning rate of G, of D).
OPTIMIZERS = {"sgd": ("sgd", 1.0, 0.1), "sgd10": ("sgd", 10.0, 1.0), "adam": ("adam", 0.01, 0.01)}


@dataclass
class Game:
    """Generator and critic in training; ``adversary=0`` leaves supervision alone.

    Runs with one seed start from the same weights and see the same batches, with
    and without adversary: the adversary is the only difference.  ``weights`` holds U, V,
    W and a, ``start`` a copy of what they were, ``step_count`` the steps taken.

    :param X: inputs (n, d_in).
    :param Y: targets (n, d_out), on the device of X.
    :param m: neurons of the generator and of the critic.
    :param optimizer: a key of ``OPTIMIZERS``: plain "sgd", "sgd10" (ten times the
        rates) or "adam" (decays 0.5 and 0.9).
    :param adversary: weight λ of the adversarial term; losses are means over the batch.
    :param penalty: weight of the critic's gradient penalty.
    :param batch: rows a step.
    :param seed: of the weights, the batches and the mixing.
    :raises TypeError: if X or Y is not a floating-point tensor.
    :raises ValueError: if a shape, a number or the optimiser's name does not fit.
    """

    X: torch.Tensor
    Y: torch.Tensor
    m: int = 512
    optimizer: str = "sgd"
    adversary: float = 1.0
    penalty: float = 10.0
    batch: int = 200
    seed: int = 0
    weights: dict[str, torch.Tensor] = field(init=False)
    step_count: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        checks.tensor(self.X, "X", ndim=2)
        checks.tensor(self.Y, "Y", shape=(len(self.X), None))
        checks.one_of(self.optimizer, "optimizer", OPTIMIZERS)
        checks.integer(self.m, "m", at_least=1)
        checks.integer(self.batch, "batch", at_least=1)
        checks.nonnegative(self.adversary, "adversary")
        checks.nonnegative(self.penalty, "penalty")
        if self.X.device != self.Y.device:
            raise ValueError(f"Y must be on the device of X, {self.X.device}, got {self.Y.device}")
        self.rule, self.eta_G, self.eta_D = OPTIMIZERS[self.optimizer]
        self.weights = two_layer.initial(self.m, self.X.shape[1], self.Y.shape[1], self.seed, self.X.dtype,
                                         self.X.device)
        self.start = _copied(self.weights)
        # Own generators for batches and for the penalty's mixing: the batches then
        # do not depend on whether there is an adversary.
        self._batches = torch.Generator().manual_seed(self.seed + 1_000_003)
        self._mixing = torch.Generator().manual_seed(self.seed + 2_000_003)
        self._of_G = self._optimizer("UV", self.eta_G)
        self._of_D = self._optimizer("Wa", self.eta_D)

    def _optimizer(self, names: str, eta: float) -> torch.optim.Optimizer:
        weights = [self.weights[name] for name in names]
        if self.rule == "sgd":
            return torch.optim.SGD(weights, lr=eta)
        return torch.optim.Adam(weights, lr=eta, betas=(0.5, 0.9))

    def step(self) -> None:
        """One step of the critic (if there is one), then one of the generator."""
        U, V, W, a = (self.weights[name] for name in "UVWa")
        rows = torch.randint(len(self.X), (self.batch,), generator=self._batches).to(self.X.device)
        X, Y = self.X[rows], self.Y[rows]
        self.step_count += 1
        h, f = two_layer.forward(U, V, X)
        signal = Y - f
        if self.adversary > 0:
            mix = torch.rand(self.batch, 1, generator=self._mixing, dtype=X.dtype).to(X.device)
            W.grad, a.grad = two_layer.critic_gradients(W, a, Y, f, mix * Y + (1 - mix) * f, self.penalty)
            self._of_D.step()
            signal = signal + self.adversary * two_layer.critic_slope(W, a, f)
        U.grad, V.grad = two_layer.pull_back(V, X, h, -signal / self.batch)
        self._of_G.step()

    def run(self, steps: int) -> Game:
        """Take steps.

        :param steps: how many, zero or more.
        :returns: itself.
        :raises FloatingPointError: if the weights are no longer finite after them.
        """
        for _ in range(checks.integer(steps, "steps", at_least=0)):
            self.step()
        for name, weight in self.weights.items():
            if not bool(torch.isfinite(weight).all()):
                raise FloatingPointError(f"training blew up: {name} is not finite after {self.step_count} steps; "
                                         f"the learning rates of {self.optimizer!r} are too large for these data")
        return self

    def measure(self, X: torch.Tensor, Y: torch.Tensor) -> dict[str, float]:
        """Where the game stands on some data.

        :param X: inputs (n, d_in).
        :param Y: one-hot targets (n, d_out).
        :returns: distances of U and V from their start ("move_U", "move_V"), half the mean squared
            residual ("risk"), "accuracy", the mean length of a "residual" and of the critic's "slope",
            and by how much the critic scores targets above outputs ("score_difference").
        """
        w = self.weights
        f = two_layer.generate(w["U"], w["V"], X)
        slope = two_layer.critic_slope(w["W"], w["a"], f)
        scores = [two_layer.criticise(w["W"], w["a"], points).mean() for points in (Y, f)]
        return {"move_U": float((w["U"] - self.start["U"]).norm()), "move_V": float((w["V"] - self.start["V"]).norm()),
                "risk": float(0.5 * (f - Y).square().sum(1).mean()),
                "accuracy": float((f.argmax(1) == Y.argmax(1)).float().mean()),
                "residual": float((f - Y).norm(dim=1).mean()), "slope": float(slope.norm(dim=1).mean()),
                "score_difference": float(scores[0] - scores[1])}

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on later, copied: what the game does next does not change it.

        :returns: weights, optimisers, step count and the states of both generators.
        """
        return {"weights": _copied(self.weights), "G": copy.deepcopy(self._of_G.state_dict()),
                "D": copy.deepcopy(self._of_D.state_dict()), "steps": self.step_count,
                "batches": self._batches.get_state(), "mixing": self._mixing.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a :meth:`state_dict`, which stays as it is.

        :param state: of a game with the same sizes and optimiser.
        :raises ValueError: if the weights have other shapes.
        """
        for name, weight in self.weights.items():
            checks.check_shape(state["weights"][name], name, shape=tuple(weight.shape))
        for name, weight in self.weights.items():
            weight.copy_(state["weights"][name])
        self._of_G.load_state_dict(copy.deepcopy(state["G"]))
        self._of_D.load_state_dict(copy.deepcopy(state["D"]))
        self.step_count = state["steps"]
        self._batches.set_state(state["batches"])
        self._mixing.set_state(state["mixing"])


def _copied(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: weight.clone() for name, weight in weights.items()}
