r"""Loss surfaces: lines and planes through a model's parameters, and the Hessian at a point."""
from dlhelpers.landscapes.directions import angle, between, normalise, point, random_direction, random_plane
from dlhelpers.landscapes.fused import multiplications, supported
from dlhelpers.landscapes.hessian import Spectrum, hessian, hessian_vector, top_eigenvalues
from dlhelpers.landscapes.roughness import basins, nonconvex_share
from dlhelpers.landscapes.surface import Line, Surface, line, losses_at, surface
from dlhelpers.landscapes.trajectory import Plane, Trajectory
