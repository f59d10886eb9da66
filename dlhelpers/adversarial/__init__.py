"""Patterns in adversarial training (lecture 27).

``ntk`` holds the theorems' kernel and bounds, ``two_layer`` generator and critic with
their forces, ``game`` their training, ``point_statistics`` what makes a cloud a pattern.
"""
