r"""Loss surfaces: lines and planes through a model's parameters, and the Hessian at a point.

The loss of a model with parameters :math:`\theta` is looked at on
:math:`\theta + aA + bB`, for directions A and B that are random, principal or point
to other models.  The model is left exactly as it was: parameters, buffers, modes and
gradients, also when something raises.

``directions`` makes and normalises A and B, ``surface`` evaluates the loss, ``fused``
does it fast for stacks of layers, ``trajectory`` remembers where a training went,
``hessian`` finds the curvatures, ``roughness`` counts basins.
"""

from dlhelpers.landscapes.directions import (angle, between, normalise, point, random_direction,
                                             random_plane)
from dlhelpers.landscapes.fused import multiplications, supported
from dlhelpers.landscapes.hessian import Spectrum, hessian, hessian_vector, top_eigenvalues
from dlhelpers.landscapes.roughness import basins, nonconvex_share
from dlhelpers.landscapes.surface import Line, Surface, line, losses_at, surface
from dlhelpers.landscapes.trajectory import Plane, Trajectory

__all__ = ["Line", "Plane", "Spectrum", "Surface", "Trajectory", "angle", "basins", "between", "hessian", "hessian_vector",
           "line", "losses_at", "multiplications", "nonconvex_share", "normalise", "point", "random_direction",
           "random_plane", "supported", "surface", "top_eigenvalues"]
