"""Recurrent cells: kernels that torch asks of every device but the CPU and mps, written from their equations.

Gates lie side by side in columns: i, f, g, o for the LSTM, r, z, n for the GRU.
Tensors here are the CPU tensors inside the device's own.
"""

from __future__ import annotations

import torch
from torch import Tensor


def _sum(*terms: Tensor | None) -> Tensor:
    found = [term for term in terms if term is not None]
    total = found[0]
    for term in found[1:]:
        total = total + term
    return total


def lstm(from_input: Tensor, from_state: Tensor, cell: Tensor, input_bias: Tensor | None = None,
         state_bias: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """c' = σ(f) c + σ(i) tanh(g), h' = σ(o) tanh(c'); returns h', c' and the gates (B, 4H) for the way back."""
    i, f, g, o = _sum(from_input, from_state, input_bias, state_bias).chunk(4, dim=1)
    i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
    new = f * cell + i * g
    return o * new.tanh(), new, torch.cat([i, f, g, o], dim=1)


def lstm_back(of_state: Tensor | None, of_cell: Tensor | None, cell: Tensor, new: Tensor, gates: Tensor,
              has_bias: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients for the gates before their squashing (B, 4H), the cell (B, H), and the bias (4H)."""
    i, f, g, o = gates.chunk(4, dim=1)
    of_state = torch.zeros_like(new) if of_state is None else of_state
    total = of_state * o * (1 - new.tanh()**2) + (0 if of_cell is None else of_cell)
    of_gates = torch.cat([total * g * i * (1 - i), total * cell * f * (1 - f), total * i * (1 - g**2),
                          of_state * new.tanh() * o * (1 - o)], dim=1)
    return of_gates, total * f, of_gates.sum(0) if has_bias else of_gates.new_zeros(0)


def gru(from_input: Tensor, from_state: Tensor, state: Tensor, input_bias: Tensor | None = None,
        state_bias: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """h' = n + z (h − n) with n = tanh(n_x + r n_h); returns h' and r, z, n, h, n_h (B, 5H) for the way back."""
    r_x, z_x, n_x = _sum(from_input, input_bias).chunk(3, dim=1)
    r_h, z_h, n_h = _sum(from_state, state_bias).chunk(3, dim=1)
    r, z = (r_x + r_h).sigmoid(), (z_x + z_h).sigmoid()
    n = (n_x + r * n_h).tanh()
    return n + z * (state - n), torch.cat([r, z, n, state, n_h], dim=1)


def gru_back(of_state: Tensor, kept: Tensor, has_bias: bool) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Gradients for the input's and the state's gates (B, 3H each), the state (B, H), and both biases (3H each)."""
    r, z, n, state, n_h = kept.chunk(5, dim=1)
    of_n = of_state * (1 - z) * (1 - n**2)
    of_r, of_z = of_n * n_h * r * (1 - r), of_state * (state - n) * z * (1 - z)
    of_input, of_hidden = torch.cat([of_r, of_z, of_n], dim=1), torch.cat([of_r, of_z, of_n * r], dim=1)
    biases = (of_input.sum(0), of_hidden.sum(0)) if has_bias else (of_state.new_zeros(0), of_state.new_zeros(0))
    return of_input, of_hidden, of_state * z, *biases


#: Kernels by the name of the operation.
KERNELS = {"_thnn_fused_lstm_cell": lstm, "_thnn_fused_lstm_cell_backward_impl": lstm_back,
           "_thnn_fused_gru_cell": gru, "_thnn_fused_gru_cell_backward": gru_back,
           "_fused_sdp_choice": lambda *args, **kwargs: 0}  # 0: attention by plain products
