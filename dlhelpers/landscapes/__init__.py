r"""Loss surfaces: lines and planes through a model's parameters, and the Hessian at a point.

The loss of a model with parameters :math:`\theta` is looked at on
:math:`\theta + aA + bB`, for directions A and B that are random, principal or point
to other models.  The model is left exactly as it was: parameters, buffers, modes and
gradients, also when something raises.

``directions`` makes and normalises A and B, ``surface`` evaluates the loss: ``fused``
fast for stacks of layers, ``compiled`` faster for small ones, ``general`` for any module,
``losses`` weighing the pieces of the data.  ``minima`` finds the lowest points of a plane,
``roughness`` counts basins, ``trajectory`` remembers where a training went, ``connect``
joins two models by a curve of low loss, ``symmetries`` changes a model's parameters but not
its function, ``hessian`` finds the curvatures and ``edge`` follows the largest one along
gradient descent.
"""

from dlhelpers.landscapes.connect import Curve, connect
from dlhelpers.landscapes.directions import angle, between, normalise, point, random_direction, random_plane
from dlhelpers.landscapes.edge import Descent, SharpnessLog, descend
from dlhelpers.landscapes.fused import multiplications, supported
from dlhelpers.landscapes.hessian import Spectrum, hessian, hessian_vector, top_eigenvalues
from dlhelpers.landscapes.minima import Minimum, minima
from dlhelpers.landscapes.roughness import basins, nonconvex_share
from dlhelpers.landscapes.surface import Line, Surface, line, losses_at, surface
from dlhelpers.landscapes.symmetries import matched, permuted, rescaled
from dlhelpers.landscapes.trajectory import Plane, Trajectory, plane_through

__all__ = ["Curve", "Descent", "Line", "Minimum", "Plane", "SharpnessLog", "Spectrum", "Surface", "Trajectory",
           "angle", "basins", "between", "connect", "descend", "hessian", "hessian_vector", "line", "losses_at",
           "matched", "minima", "multiplications", "nonconvex_share", "normalise", "permuted", "plane_through",
           "point", "random_direction", "random_plane", "rescaled", "supported", "surface", "top_eigenvalues"]
