r"""Functions that know their own constants.

Theory speaks of the smoothness ``beta``, the convexity constant ``mu``, the minimum
:math:`L^*` and the minimiser.  Every objective here carries them beside its value,
gradient and Hessian, so that a bound can be computed and held against a run.

All work in float64 numpy and over leading axes: ``value`` maps ``(..., dim)`` to
``(...)``, ``gradient`` to ``(..., dim)``, ``hessian`` to ``(..., dim, dim)``.
Sources: lecture R (smoothness, iteration complexity); Nesterov, *Lectures on Convex
Optimization* (2018), section 2.1; Karimi, Nutini and Schmidt (2016) for
Polyak-Łojasiewicz functions.
"""

from dlhelpers.objectives.base import FiniteSum, Objective
from dlhelpers.objectives.curved import LogisticLoss, Parabolas, PowerTail, Rosenbrock, Wavy
from dlhelpers.objectives.networks import TanhNet
from dlhelpers.objectives.quadratics import LeastSquares, NesterovWorst, Quadratic

__all__ = ["FiniteSum", "LeastSquares", "LogisticLoss", "NesterovWorst", "Objective", "Parabolas", "PowerTail",
           "Quadratic", "Rosenbrock", "TanhNet", "Wavy"]
