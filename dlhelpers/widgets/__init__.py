"""Explorers: pictures with sliders that answer in a few hundredths of a second.

``live`` holds the machinery (``LiveFigure``, ``Explorer``), ``registry`` the list
of all explorers; each other module holds one explorer.
"""
