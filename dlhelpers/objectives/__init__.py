r"""Functions that know their own constants.

Theory speaks of the smoothness ``beta``, the convexity constant ``mu``, the minimum
:math:`L^*` and the minimiser.  Every objective here carries them beside its value,
gradient and Hessian, so that a bound can be computed and held against a run.

All work over leading axes: ``value`` maps ``(..., dim)`` to ``(...)``, ``gradient`` to
``(..., dim)``, ``hessian`` to ``(..., dim, dim)``.  They are float64 numpy on the CPU by
nature, whatever device a notebook has chosen: bounds are held against runs to the last
digits, which single precision does not have.
Sources: lecture R (smoothness, iteration complexity); Nesterov, *Lectures on Convex
Optimization* (2018), section 2.1; Karimi, Nutini and Schmidt (2016) for
Polyak-Łojasiewicz functions.
"""

from dlhelpers.objectives.base import FiniteSum, Objective
from dlhelpers.objectives.curved import LogisticLoss, Parabolas, Rosenbrock, Wavy
from dlhelpers.objectives.in_the_plane import TEST_FUNCTIONS, TestFunction
from dlhelpers.objectives.networks import TanhNet
from dlhelpers.objectives.quadratics import LeastSquares, NesterovWorst, Quadratic

__all__ = ["FiniteSum", "LeastSquares", "LogisticLoss", "NesterovWorst", "Objective", "Parabolas", "Quadratic",
           "Rosenbrock", "TEST_FUNCTIONS", "TanhNet", "TestFunction", "Wavy"]
