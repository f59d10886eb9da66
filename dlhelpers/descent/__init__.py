r"""Iterates of gradient methods on a function, and the bounds that govern them.

One loop, ``iterate(objective, start, rule, T)``, serves every method.  A method is a
``Rule``: its ``step`` says where to go next (momentum, Adam and their relatives are in
``rules``, their formulas in ``formulas``).  Many runs go side by side when ``start`` has one
row a run; long runs on the test functions of the plane are compiled by ``descend``.  Whatever
device a notebook has chosen, all of it is float64 numpy on the CPU by nature.

Sources: lecture R; Nesterov, *Lectures on Convex Optimization* (2018); Bottou, Curtis and
Nocedal (2018), for the stochastic bounds.
"""

from dlhelpers.descent.bounds import (
    accelerated_gap,
    convex_gap,
    descent_lemma,
    lower_gap,
    minibatch_variance,
    sgd_convex_gap,
    sgd_stationary,
    stationary_norm,
    stationary_steps,
    strongly_convex_distance,
    strongly_convex_gap,
)
from dlhelpers.descent.compiled import descend
from dlhelpers.descent.iterates import (
    AcceleratedStep,
    Eta,
    GradientStep,
    Iterates,
    Rule,
    StochasticStep,
    accelerated,
    gradient_descent,
    iterate,
    schedule,
    segment_smoothness,
    sgd,
)
from dlhelpers.descent.rules import Adadelta, Adagrad, Adam, Armijo, Momentum, Nesterov, Noisy, RMSprop, heavy_ball

__all__ = [
    "AcceleratedStep", "Adadelta", "Adagrad", "Adam", "Armijo", "Eta", "GradientStep", "Iterates", "Momentum",
    "Nesterov", "Noisy", "RMSprop", "Rule", "StochasticStep", "accelerated", "accelerated_gap", "convex_gap",
    "descend", "descent_lemma", "gradient_descent", "heavy_ball", "iterate", "lower_gap", "minibatch_variance",
    "schedule", "segment_smoothness", "sgd", "sgd_convex_gap", "sgd_stationary", "stationary_norm",
    "stationary_steps", "strongly_convex_distance", "strongly_convex_gap",
]
