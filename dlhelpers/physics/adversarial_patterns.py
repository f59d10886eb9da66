r"""A two-layer generator, with supervision alone or with an adversary beside it.

The generator and the critic are two-layer networks in the scaling of the theory,

.. math:: f(U, V, x) = \frac{1}{\sqrt{d_{out} m}} V \sigma(U x), \qquad
          g(W, a, y) = \frac{1}{\sqrt{m d_{out}}} a^\top \sigma(W y),

with ReLU :math:`\sigma`; row j of U and column j of V belong to neuron j.  The
generator descends ½‖f(X) - Y‖² - λ Σ g(f(x)), the critic is a Wasserstein critic
with a gradient penalty.  All gradients are written out: the penalty of a two-layer
critic has a closed form, so nothing is differentiated twice.

Source: Rout, "Why Adversarial Interaction Creates Non-Homogeneous Patterns: A
Pseudo-Reaction-Diffusion Model for Turing Instability", AAAI 2021, arXiv 2010.00521;
Gulrajani et al., "Improved Training of Wasserstein GANs", NeurIPS 2017.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from dlhelpers import checks

#: Optimisers of the pattern experiment: name -> (rule, learning rate of G, of D).
OPTIMIZERS = {"sgd": ("sgd", 1.0, 0.1), "sgd10": ("sgd", 10.0, 1.0), "adam": ("adam", 0.01, 0.01)}


def scale(width: int, d_out: int) -> float:
    r"""The factor :math:`1/\sqrt{d_{out} m}` in front of both networks."""
    return float(width * d_out) ** -0.5


def generate(U: torch.Tensor, V: torch.Tensor, X: torch.Tensor) -> torch.Tensor:
    r"""Outputs of the generator, :math:`V\sigma(Ux)/\sqrt{d_{out} m}`.

    :param U: hidden weights (m, d_in).
    :param V: top weights (d_out, m).
    :param X: inputs (n, d_in).
    :returns: (n, d_out).
    :raises ValueError: if the shapes do not fit.
    """
    _fits(U, V, X)
    return (X @ U.T).relu() @ V.T * scale(*V.T.shape)


def criticise(W: torch.Tensor, a: torch.Tensor, Y: torch.Tensor) -> torch.Tensor:
    r"""Scores of the critic, :math:`a^\top\sigma(Wy)/\sqrt{m d_{out}}`.

    :param W: (m, d_out).  :param a: (m,).  :param Y: real or generated outputs (n, d_out).
    :returns: (n,).
    """
    checks.check_shape(Y, "Y", shape=(None, W.shape[1]))
    checks.check_shape(a, "a", shape=(W.shape[0],))
    return (Y @ W.T).relu() @ a * scale(*W.shape)


def critic_slope(W: torch.Tensor, a: torch.Tensor, Y: torch.Tensor) -> torch.Tensor:
    r"""Gradient of the critic in its input, one row a point.

    .. math:: \nabla_y g = W^\top \mathrm{diag}(1\{W y \ge 0\})\, a / \sqrt{m d_{out}}

    :returns: (n, d_out).
    """
    checks.check_shape(Y, "Y", shape=(None, W.shape[1]))
    return ((Y @ W.T > 0) * a) @ W * scale(*W.shape)


def _pull_back(U: torch.Tensor, V: torch.Tensor, X: torch.Tensor, signal: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    r"""Σ_p ⟨signal_p, ∂f(x_p)/∂(U, V)⟩: both layers, any signal on the outputs."""
    c, Z = scale(*V.T.shape), X @ U.T
    return c * ((signal @ V) * (Z > 0)).T @ X, c * signal.T @ Z.relu()


def reaction(U: torch.Tensor, V: torch.Tensor, X: torch.Tensor, Y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    r"""The reaction terms: minus the gradient of ½‖f(X) - Y‖²_F in U and V.

    .. math:: R^u_j = \frac{1}{\sqrt{d_{out} m}} \sum_p (y_p - z_p)^\top v_j\, 1\{u_j^\top x_p \ge 0\}\, x_p, \quad
              R^v_j = \frac{1}{\sqrt{d_{out} m}} \sum_p (y_p - z_p)\, \sigma(u_j^\top x_p)

    :returns: R^u (m, d_in) and R^v (d_out, m).
    """
    checks.check_shape(Y, "Y", shape=(X.shape[0], V.shape[0]))
    return _pull_back(U, V, X, Y - generate(U, V, X))


def diffusion(U: torch.Tensor, V: torch.Tensor, W: torch.Tensor, a: torch.Tensor, X: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    r"""The diffusion terms: the gradient of Σ_p g(f(x_p)) in U and V.

    .. math:: D^u_j = \frac{1}{m d_{out}} \sum_p a^\top \mathrm{diag}(1\{W z_p \ge 0\}) W v_j\,
              1\{u_j^\top x_p \ge 0\}\, x_p, \quad
              D^v_j = \frac{1}{m d_{out}} \sum_p W^\top \mathrm{diag}(1\{W z_p \ge 0\})\, a\, \sigma(u_j^\top x_p)

    The prefactors hold for a critic as wide as the generator; another width is allowed.

    :returns: D^u (m, d_in) and D^v (d_out, m).
    """
    return _pull_back(U, V, X, critic_slope(W, a, generate(U, V, X)))


def critic_gradients(W: torch.Tensor, a: torch.Tensor, real: torch.Tensor, fake: torch.Tensor,
                     mixed: torch.Tensor, penalty: float) -> tuple[torch.Tensor, torch.Tensor]:
    r"""Gradients in W and a of the critic's loss, the gradient penalty in closed form.

    .. math:: \overline{g(fake)} - \overline{g(real)} + \lambda_{gp}\, \overline{(\|\nabla g(mixed)\| - 1)^2}

    With s = 1{Wy ≥ 0} the slope G = c Wᵀ(a ⊙ s) is a polynomial in W and a (s is constant
    almost everywhere), so the penalty's gradient needs no second differentiation:
    with Q = 2λ(1 - 1/‖G‖)G/n it is c Σ (a ⊙ s)Qᵀ in W and c Σ s ⊙ WQ in a.

    :param real, fake, mixed: (n, d_out) each.
    :returns: gradients shaped as W and a.
    """
    c, n = scale(*W.shape), len(real)
    grad_W, grad_a = torch.zeros_like(W), torch.zeros_like(a)
    for sign, Y in ((1.0, fake), (-1.0, real)):
        Z = Y @ W.T
        on = (Z > 0).to(W.dtype)
        grad_a += (sign * c / n) * Z.relu().sum(0)
        grad_W += (sign * c / n) * a[:, None] * (on.T @ Y)
    on = (mixed @ W.T > 0).to(W.dtype)
    slope = c * (on * a) @ W
    length = slope.norm(dim=1, keepdim=True).clamp_min(1e-12)
    Q = (2 * penalty / n) * (1 - 1 / length) * slope
    grad_W += c * a[:, None] * (on.T @ Q)
    grad_a += c * (on * (Q @ W.T)).sum(0)
    return grad_W, grad_a


def _fits(U: torch.Tensor, V: torch.Tensor, X: torch.Tensor) -> None:
    checks.check_shape(X, "X", shape=(None, U.shape[1]))
    checks.check_shape(V, "V", shape=(None, U.shape[0]))


def unit(X: torch.Tensor) -> torch.Tensor:
    """Rows scaled to norm 1, as the theory wants its inputs; ValueError for a zero row."""
    lengths = checks.check_shape(X, "X", ndim=2).norm(dim=1, keepdim=True)
    if bool((lengths == 0).any()):
        raise ValueError("X must not hold a zero row: it has no direction")
    return X / lengths


@dataclass
class Game:
    """Generator and critic in training; ``adversary=0`` leaves supervision alone.

    Runs with one seed start from the same weights and see the same batches, with
    and without adversary: the adversary is the only difference.

    :param X: inputs (n, d_in).  :param Y: targets (n, d_out).
    :param m: neurons of the generator and of the critic.
    :param optimizer: a key of ``OPTIMIZERS``: plain "sgd", "sgd10" (ten times the
        rates) or "adam" (beta 0.5 and 0.9).
    :param adversary: weight λ of the adversarial term; losses are means over the batch.
    :param penalty: weight of the critic's gradient penalty.
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
        self.rule, self.eta_G, self.eta_D = OPTIMIZERS[self.optimizer]
        self.weights = initial(self.m, self.X.shape[1], self.Y.shape[1], self.seed, self.X.dtype)
        self.start = {k: w.clone() for k, w in self.weights.items()}
        # Own generators for batches and for the penalty's mixing: the batches then
        # do not depend on whether there is an adversary.
        self._batches = torch.Generator().manual_seed(self.seed + 1_000_003)
        self._mixing = torch.Generator().manual_seed(self.seed + 2_000_003)
        zeros = {k: torch.zeros_like(w) for k, w in self.weights.items()} if self.rule == "adam" else {}
        self._moments = {k: (z, z.clone()) for k, z in zeros.items()}

    def step(self) -> None:
        """One step of the critic (if there is one), then one of the generator."""
        w = self.weights
        rows = torch.randint(len(self.X), (self.batch,), generator=self._batches)
        X, Y = self.X[rows], self.Y[rows]
        self.step_count += 1
        c = scale(self.m, Y.shape[1])
        Z = X @ w["U"].T
        h = Z.relu()
        f = c * h @ w["V"].T
        signal = Y - f
        if self.adversary > 0:
            mix = torch.rand(self.batch, 1, generator=self._mixing, dtype=X.dtype)
            grads = critic_gradients(w["W"], w["a"], Y, f, mix * Y + (1 - mix) * f, self.penalty)
            self._move({"W": grads[0], "a": grads[1]}, self.eta_D)
            signal = signal + self.adversary * critic_slope(w["W"], w["a"], f)
        signal = signal * (-c / self.batch)
        grad_U = ((signal @ w["V"]) * (Z > 0)).T @ X
        self._move({"U": grad_U, "V": signal.T @ h}, self.eta_G)

    def run(self, steps: int) -> Game:
        """Take ``steps`` steps; FloatingPointError if the weights are no longer finite after them."""
        for _ in range(checks.integer(steps, "steps", at_least=0)):
            self.step()
        for name, weight in self.weights.items():
            if not bool(torch.isfinite(weight).all()):
                raise FloatingPointError(f"training blew up: {name} is not finite after {self.step_count} steps; "
                                         f"the learning rates of {self.optimizer!r} are too large for these data")
        return self

    def _move(self, grads: dict[str, torch.Tensor], eta: float) -> None:
        for name, grad in grads.items():
            if self.rule == "sgd":
                self.weights[name].sub_(grad, alpha=eta)
                continue
            first, second = self._moments[name]
            first.lerp_(grad, 0.5)
            second.mul_(0.9).addcmul_(grad, grad, value=0.1)
            root = second.sqrt().div_((1 - 0.9**self.step_count) ** 0.5).add_(1e-8)
            self.weights[name].addcdiv_(first, root, value=-eta / (1 - 0.5**self.step_count))

    def measure(self, X: torch.Tensor, Y: torch.Tensor) -> dict[str, float]:
        """Distances from the start, supervised risk, accuracy, and the critic's slope."""
        w = self.weights
        f = generate(w["U"], w["V"], X)
        slope = critic_slope(w["W"], w["a"], f)
        return {"move_U": float((w["U"] - self.start["U"]).norm()), "move_V": float((w["V"] - self.start["V"]).norm()),
                "risk": float(0.5 * (f - Y).square().sum(1).mean()),
                "accuracy": float((f.argmax(1) == Y.argmax(1)).double().mean()),
                "residual": float((f - Y).norm(dim=1).mean()), "slope": float(slope.norm(dim=1).mean()),
                "gap": float((criticise(w["W"], w["a"], Y) - criticise(w["W"], w["a"], f)).mean())}

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on later."""
        return {"weights": self.weights, "moments": self._moments, "steps": self.step_count,
                "batches": self._batches.get_state(), "mixing": self._mixing.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a :meth:`state_dict`."""
        self.weights, self._moments, self.step_count = state["weights"], state["moments"], state["steps"]
        self._batches.set_state(state["batches"])
        self._mixing.set_state(state["mixing"])


def initial(m: int, d_in: int, d_out: int, seed: int, dtype: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
    """Fresh standard normal weights U (m, d_in), V (d_out, m), W (m, d_out), a (m,)."""
    g = torch.Generator().manual_seed(checks.integer(seed, "seed", at_least=0))
    shapes = {"U": (m, d_in), "V": (d_out, m), "W": (m, d_out), "a": (m,)}
    return {name: torch.randn(shape, generator=g, dtype=torch.float64).to(dtype) for name, shape in shapes.items()}
