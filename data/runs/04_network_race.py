"""Record lecture 04's race on a network: seven rules, thirteen rates, forty seeds.

    python data/runs/04_network_race.py

Nets 49-16-10 (relu) on the shipped digits, averaged to 7 x 7 pixels, 150 steps on batches of 50.  A seed
fixes the first weights and the batches, for all rules and rates; all nets of a rule train side by side.
Stored is the loss on all training digits after the last step, chance (2.3) where a run is lost.
A minute on one core; stopped, the same command continues with the next rule.
"""

from __future__ import annotations

import _side_by_side as side
import numpy as np
import torch
import torch.nn.functional as F

from dlhelpers import data, runs, runtime

NAME = "04_network_race"
RATES, SEEDS = np.logspace(-4, 2, 13), list(range(40))
STEPS, BATCH, CHANCE = 150, 50, 2.3


def drawn(seed: int, n: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """First weights and batches of one seed, on the CPU."""
    gen = torch.Generator().manual_seed(seed)
    return (torch.randn(49, 16, generator=gen) * 0.2, torch.randn(16, 10, generator=gen) * 0.25,
            torch.randint(n, (STEPS, BATCH), generator=gen))


def main() -> None:
    """Train all rules, store the losses (rule, rate, seed)."""
    digits, device = data.digits("bundled"), runtime.choose_device()
    images = digits.X_train.reshape(-1, 7, 4, 7, 4).mean((2, 4)).reshape(-1, 49).to(device)      # (n, 49)
    labels = digits.y_train.long().to(device)
    W1, W2, batches = (torch.stack(parts).to(device)
                       for parts in zip(*(drawn(seed, len(labels)) for seed in SEEDS), strict=True))
    many, nets = len(RATES), len(RATES) * len(SEEDS)
    etas = torch.tensor(RATES, dtype=torch.float32).repeat_interleave(len(SEEDS))[:, None, None].to(device)
    rows = batches.repeat(many, 1, 1)                                                              # (net, T, 50)

    def losses(params: list[torch.Tensor], x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        first, b1, second, b2 = params
        scores = torch.baddbmm(b2, torch.relu(torch.baddbmm(b1, x, first)), second).movedim(2, 1)  # (net, class, n)
        return F.cross_entropy(scores, target, reduction="none").mean(1)

    def train(rule: str) -> torch.Tensor:
        start = [W1.repeat(many, 1, 1), torch.zeros(nets, 1, 16, device=device),
                 W2.repeat(many, 1, 1), torch.zeros(nets, 1, 10, device=device)]
        params, _ = side.together(rule, start, lambda p, t: losses(p, images[rows[:, t]], labels[rows[:, t]]), etas,
                                  STEPS)
        # In parts: the scores of all nets on all digits together would take a gigabyte.
        ends = torch.cat([losses([p[k:k + 40] for p in params], images.expand(min(40, nets - k), -1, -1),
                                 labels.expand(min(40, nets - k), -1)) for k in range(0, nets, 40)])
        return torch.nan_to_num(ends, nan=CHANCE).clamp(max=CHANCE).reshape(many, len(SEEDS))       # (rate, seed)

    ends, seconds = side.every_rule(NAME, train)
    runs.save(NAME, {"losses": np.array(ends, dtype=np.float32), "rates": RATES, "rules": np.array(list(side.RULES))},
              command=f"python data/runs/{NAME}.py", seed=SEEDS, seconds=seconds, device=device,
              model="49-16-10 relu", steps=STEPS, batch=BATCH, threads=torch.get_num_threads())


if __name__ == "__main__":
    main()
