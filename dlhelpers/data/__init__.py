"""Data: handwritten digits, two-dimensional toy sets, and the one download.

``data.digits()`` gives the digits that the project ships, or real MNIST on
request; ``data.frames`` makes digits smaller, moves and covers them, ``data.drawing`` prepares
drawn ones; ``data.toy`` draws small sets from a seed; ``data.downloads`` fetches MNIST, and
nothing is ever downloaded without being asked.
"""

from dlhelpers.data import downloads, drawing, frames, mnist, toy

# The function takes the name of its module: notebooks write data.digits().
from dlhelpers.data.digits import Digits, digits

__all__ = ["Digits", "digits", "downloads", "drawing", "frames", "mnist", "toy"]
