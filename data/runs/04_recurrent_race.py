"""Record lecture 04's race on a recurrent net: seven rules, eleven rates, twenty seeds.

    python data/runs/04_recurrent_race.py

A net with 16 tanh units reads the sign to remember and then eleven numbers of noise (standard deviation
1/2), and must say the sign: 150 steps on batches of 32 fresh sequences.  A seed fixes the first weights and
the sequences, for all rules and rates; all nets of a rule train side by side.  Stored is the mean squared
error over the last 20 steps, 1 (a guess of 0) where a run is lost or worse.
A minute or two on one core; stopped, the same command continues with the next rule.
"""

from __future__ import annotations

import _side_by_side as side
import numpy as np
import torch

from dlhelpers import runs, runtime

NAME = "04_recurrent_race"
RATES, SEEDS = np.logspace(-4, 1, 11), list(range(20))
STEPS, BATCH, LENGTH, UNITS = 150, 32, 12, 16
SHAPES = ((1, UNITS), (UNITS, UNITS), (1, UNITS), (UNITS, 1), (1, 1))     # W_in, W_back, b, W_out, b_out


def drawn(seed: int) -> tuple[list[torch.Tensor], torch.Tensor, torch.Tensor]:
    """First weights, signs (T, B, 1) and sequences (T, 12, B, 1) of one seed, on the CPU."""
    gen = torch.Generator().manual_seed(seed)
    weights = [(torch.rand(*shape, generator=gen) - 0.5) / 2 for shape in SHAPES]
    sign = torch.randn(STEPS, BATCH, 1, generator=gen).sign()
    story = 0.5 * torch.randn(STEPS, LENGTH, BATCH, 1, generator=gen)
    story[:, 0] = sign
    return weights, sign, story


def main() -> None:
    """Train all rules, store the errors (rule, rate, seed)."""
    device = runtime.choose_device()
    seeds = [drawn(seed) for seed in SEEDS]
    many, nets = len(RATES), len(RATES) * len(SEEDS)
    start = [torch.stack(parts).repeat(many, 1, 1).to(device)
             for parts in zip(*(weights for weights, _, _ in seeds), strict=True)]
    sign = torch.stack([sign for _, sign, _ in seeds], 1).repeat(1, many, 1, 1).to(device)       # (T, net, B, 1)
    story = torch.stack([story for _, _, story in seeds], 2).repeat(1, 1, many, 1, 1).to(device)  # (T, 12, net, B, 1)
    etas = torch.tensor(RATES, dtype=torch.float32).repeat_interleave(len(SEEDS))[:, None, None].to(device)

    def losses(params: list[torch.Tensor], t: int) -> torch.Tensor:
        W_in, W_back, b, W_out, b_out = params
        h = torch.zeros(nets, BATCH, UNITS, device=device)
        for x in story[t]:
            h = torch.tanh(x * W_in + torch.bmm(h, W_back) + b)
        return ((torch.bmm(h, W_out) + b_out - sign[t]) ** 2).mean((1, 2))

    def train(rule: str) -> torch.Tensor:
        _, history = side.together(rule, start, losses, etas, STEPS)
        return torch.nan_to_num(history[-20:].mean(0), nan=1.0).clamp(max=1.0).reshape(many, len(SEEDS))

    ends, seconds = side.every_rule(NAME, train)
    runs.save(NAME, {"errors": np.array(ends, dtype=np.float32), "rates": RATES, "rules": np.array(list(side.RULES))},
              command=f"python data/runs/{NAME}.py", seed=SEEDS, seconds=seconds, device=device,
              model="1-16-1 recurrent, tanh", steps=STEPS, batch=BATCH, threads=torch.get_num_threads())


if __name__ == "__main__":
    main()
