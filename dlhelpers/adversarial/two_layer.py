r"""A two-layer generator, a two-layer critic, and the forces that they exert on each other.

The networks are in the scaling of the theory,

.. math:: f(U, V, x) = \frac{1}{\sqrt{d_{out} m}} V \sigma(U x), \qquad
          g(W, a, y) = \frac{1}{\sqrt{m d_{out}}} a^\top \sigma(W y),

with ReLU :math:`\sigma`; row j of U and column j of V belong to neuron j.  All gradients
are written out: the penalty of a two-layer critic has a closed form, so nothing is
differentiated twice.  Tensors may live on any device, all of them on the same one.

Source: Rout, "Why Adversarial Interaction Creates Non-Homogeneous Patterns: A
Pseudo-Reaction-Diffusion Model for Turing Instability", AAAI 2021, arXiv 2010.00521;
Gulrajani et al., "Improved Training of Wasserstein GANs", NeurIPS 2017.
"""

from __future__ import annotations

import torch

from dlhelpers import checks

Pair = tuple[torch.Tensor, torch.Tensor]


def initial(m: int, d_in: int, d_out: int, seed: int, dtype: torch.dtype = torch.float32,
            device: torch.device | str = "cpu") -> dict[str, torch.Tensor]:
    """Fresh standard normal weights, the same ones on every device.

    :param m: neurons of the generator and of the critic.
    :param d_in: inputs of the generator.
    :param d_out: its outputs, which are the critic's inputs.
    :param seed: of the weights, zero or positive.
    :param dtype: of the weights.
    :param device: where they live.
    :returns: U (m, d_in), V (d_out, m), W (m, d_out) and a (m,) by name.
    :raises ValueError: if the seed is negative.
    """
    g = torch.Generator().manual_seed(checks.integer(seed, "seed", at_least=0))
    shapes = {"U": (m, d_in), "V": (d_out, m), "W": (m, d_out), "a": (m,)}
    # Drawn in float64 and on the CPU: the numbers depend neither on dtype nor on device.
    return {name: torch.randn(shape, generator=g, dtype=torch.float64).to(dtype).to(device)
            for name, shape in shapes.items()}


def unit(X: torch.Tensor) -> torch.Tensor:
    """Rows scaled to norm 1, as the theory wants its inputs.

    :param X: (n, d).
    :returns: (n, d).
    :raises ValueError: for a zero row.
    """
    lengths = checks.check_shape(X, "X", ndim=2).norm(dim=1, keepdim=True)
    if bool((lengths == 0).any()):
        raise ValueError("X must not hold a zero row: it has no direction")
    return X / lengths


def scale(width: int, d_out: int) -> float:
    r"""The factor :math:`1/\sqrt{d_{out} m}` in front of both networks.

    :param width: neurons m.
    :param d_out: outputs of the generator.
    :returns: the factor.
    """
    return float(width * d_out) ** -0.5


def forward(U: torch.Tensor, V: torch.Tensor, X: torch.Tensor) -> Pair:
    r"""The generator, layer by layer: :math:`h = \sigma(Ux)`, then :math:`Vh/\sqrt{d_{out} m}`.

    :param U: hidden weights (m, d_in).
    :param V: top weights (d_out, m).
    :param X: inputs (n, d_in).
    :returns: hidden activations (n, m) and outputs (n, d_out).
    """
    h = (X @ U.T).relu()
    return h, scale(*V.T.shape) * (h @ V.T)


def pull_back(V: torch.Tensor, X: torch.Tensor, h: torch.Tensor, signal: torch.Tensor) -> Pair:
    r"""What a signal on the outputs does to the weights.

    .. math:: \sum_p \Bigl\langle s_p, \frac{\partial f(x_p)}{\partial(U, V)} \Bigr\rangle

    :param V: top weights (d_out, m).
    :param X: inputs (n, d_in).
    :param h: their hidden activations (n, m).
    :param signal: s, one row an input, (n, d_out).
    :returns: for U (m, d_in) and for V (d_out, m).
    """
    signal = scale(*V.T.shape) * signal
    return ((signal @ V) * (h > 0)).T @ X, signal.T @ h              # (m, d_in), (d_out, m)


def generate(U: torch.Tensor, V: torch.Tensor, X: torch.Tensor) -> torch.Tensor:
    r"""Outputs of the generator, :math:`V\sigma(Ux)/\sqrt{d_{out} m}`.

    :param U: hidden weights (m, d_in).
    :param V: top weights (d_out, m).
    :param X: inputs (n, d_in).
    :returns: (n, d_out).
    :raises ValueError: if the shapes do not fit.
    """
    _fits(U, V, X)
    return forward(U, V, X)[1]


def criticise(W: torch.Tensor, a: torch.Tensor, Y: torch.Tensor) -> torch.Tensor:
    r"""Scores of the critic, :math:`a^\top\sigma(Wy)/\sqrt{m d_{out}}`.

    :param W: hidden weights (m, d_out).
    :param a: top weights (m,).
    :param Y: real or generated outputs (n, d_out).
    :returns: (n,).
    :raises ValueError: if the shapes do not fit.
    """
    checks.check_shape(Y, "Y", shape=(None, W.shape[1]))
    checks.check_shape(a, "a", shape=(W.shape[0],))
    return (Y @ W.T).relu() @ a * scale(*W.shape)


def critic_slope(W: torch.Tensor, a: torch.Tensor, Y: torch.Tensor) -> torch.Tensor:
    r"""Gradient of the critic in its input, one row a point.

    .. math:: \nabla_y g = W^\top \mathrm{diag}(1\{W y \ge 0\})\, a / \sqrt{m d_{out}}

    :param W: hidden weights (m, d_out).
    :param a: top weights (m,).
    :param Y: points (n, d_out).
    :returns: (n, d_out).
    :raises ValueError: if the shapes do not fit.
    """
    checks.check_shape(Y, "Y", shape=(None, W.shape[1]))
    return ((Y @ W.T > 0) * a) @ W * scale(*W.shape)


def reaction(U: torch.Tensor, V: torch.Tensor, X: torch.Tensor, Y: torch.Tensor) -> Pair:
    r"""The reaction terms: minus the gradient of ½‖f(X) - Y‖²_F in U and V.

    .. math:: R^u_j = \frac{1}{\sqrt{d_{out} m}} \sum_p (y_p - z_p)^\top v_j\, 1\{u_j^\top x_p \ge 0\}\, x_p, \quad
              R^v_j = \frac{1}{\sqrt{d_{out} m}} \sum_p (y_p - z_p)\, \sigma(u_j^\top x_p)

    :param U: hidden weights (m, d_in).
    :param V: top weights (d_out, m).
    :param X: inputs (n, d_in).
    :param Y: targets (n, d_out).
    :returns: R^u (m, d_in) and R^v (d_out, m).
    :raises ValueError: if the shapes do not fit.

    Source: Rout (2021), section 3.
    """
    _fits(U, V, X)
    checks.check_shape(Y, "Y", shape=(X.shape[0], V.shape[0]))
    h, f = forward(U, V, X)
    return pull_back(V, X, h, Y - f)


def diffusion(U: torch.Tensor, V: torch.Tensor, W: torch.Tensor, a: torch.Tensor, X: torch.Tensor) -> Pair:
    r"""The diffusion terms: the gradient of Σ_p g(f(x_p)) in U and V.

    .. math:: D^u_j = \frac{1}{m d_{out}} \sum_p a^\top \mathrm{diag}(1\{W z_p \ge 0\}) W v_j\,
              1\{u_j^\top x_p \ge 0\}\, x_p, \quad
              D^v_j = \frac{1}{m d_{out}} \sum_p W^\top \mathrm{diag}(1\{W z_p \ge 0\})\, a\, \sigma(u_j^\top x_p)

    The prefactors hold for a critic as wide as the generator; another width is allowed.

    :param U: hidden weights of the generator (m, d_in).
    :param V: its top weights (d_out, m).
    :param W: hidden weights of the critic (any width, d_out).
    :param a: its top weights, one number a neuron.
    :param X: inputs (n, d_in).
    :returns: D^u (m, d_in) and D^v (d_out, m).
    :raises ValueError: if the shapes do not fit.

    Source: Rout (2021), section 3.
    """
    _fits(U, V, X)
    h, f = forward(U, V, X)
    return pull_back(V, X, h, critic_slope(W, a, f))


def critic_gradients(W: torch.Tensor, a: torch.Tensor, real: torch.Tensor, fake: torch.Tensor,
                     mixed: torch.Tensor, penalty: float) -> Pair:
    r"""Gradients in W and a of the critic's loss, the gradient penalty in closed form.

    .. math:: \overline{g(fake)} - \overline{g(real)} + \lambda_{gp}\, \overline{(\|\nabla g(mixed)\| - 1)^2}

    With s = 1{Wy ≥ 0} the slope G = c Wᵀ(a ⊙ s) is a polynomial in W and a (s is constant
    almost everywhere), so the penalty's gradient needs no second differentiation:
    with Q = 2λ(1 - 1/‖G‖)G/n it is c Σ (a ⊙ s)Qᵀ in W and c Σ s ⊙ WQ in a.

    :param W: hidden weights (m, d_out).
    :param a: top weights (m,).
    :param real: targets (n, d_out).
    :param fake: outputs of the generator (n, d_out).
    :param mixed: points between them (n, d_out), where the slope is to have norm 1.
    :param penalty: λ_gp.
    :returns: gradients shaped as W and a.

    Source: Gulrajani et al. (2017), equation 3.
    """
    c, n = scale(*W.shape), len(real)
    grad_W, grad_a = torch.zeros_like(W), torch.zeros_like(a)
    for sign, Y in ((1.0, fake), (-1.0, real)):
        Z = Y @ W.T
        on = (Z > 0).to(W.dtype)
        grad_a += (sign * c / n) * Z.relu().sum(0)
        grad_W += (sign * c / n) * a[:, None] * (on.T @ Y)               # (m, d_out)
    on = (mixed @ W.T > 0).to(W.dtype)
    slope = c * (on * a) @ W
    length = slope.norm(dim=1, keepdim=True).clamp_min(1e-12)
    Q = (2 * penalty / n) * (1 - 1 / length) * slope
    grad_W += c * a[:, None] * (on.T @ Q)                                # (m, d_out)
    grad_a += c * (on * (Q @ W.T)).sum(0)
    return grad_W, grad_a


def _fits(U: torch.Tensor, V: torch.Tensor, X: torch.Tensor) -> None:
    checks.check_shape(X, "X", shape=(None, U.shape[1]))
    checks.check_shape(V, "V", shape=(None, U.shape[0]))
