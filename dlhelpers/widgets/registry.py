"""The list of all explorers; a test moves every control of every one of them."""

from __future__ import annotations

import importlib
from typing import Any

#: Explorer name -> "module:Class" in this package.  Each can be built without arguments.
EXPLORERS: dict[str, str] = {
    "linear-classifiers": "linear_classifiers:MonomialExplorer",
    "adversarial-patterns": "adversarial_patterns:PatternExplorer",
    "optimizer-race": "optimizer_race:OptimizerRaceExplorer",
    "perceptron": "perceptron:PerceptronExplorer",
    "signal-propagation": "signal_propagation:SignalPropagationExplorer",
    "kernel-editor": "kernel_editor:KernelEditor",
    "digit-canvas": "digit_canvas:DigitCanvas",
    "backpropagation": "backpropagation:BackpropagationExplorer",
    "gray-scott": "gray_scott:GrayScottExplorer",
    "iteration-complexity": "iteration_complexity:IterationComplexityExplorer",
    "linear-model": "linear_model:LinearModelExplorer",
    "loss-surface": "loss_surface:LossSurfaceExplorer",
    "loss-under-mouse": "loss_under_mouse:LossUnderMouse",
    "playground": "playground:PlaygroundExplorer",
}


def load(name: str) -> type[Any]:
    """An explorer's class.

    :param name: one of ``EXPLORERS``.
    :returns: the class, which can be built without arguments.
    :raises ValueError: for an unknown name.
    """
    if name not in EXPLORERS:
        raise ValueError(f"name must be one of {', '.join(sorted(EXPLORERS))}, got {name!r}")
    module, _, attribute = EXPLORERS[name].partition(":")
    return getattr(importlib.import_module(f"dlhelpers.widgets.{module}"), attribute)
