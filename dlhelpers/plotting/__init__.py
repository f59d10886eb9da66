"""Arrays in, Axes out.

``style`` (fonts, palette, colour maps), ``curves``, ``images``, ``surfaces``.
Import the modules: ``from dlhelpers.plotting import style, curves``.
"""
