"""Checkers for the exercise notebooks, one module a lecture; ``core`` is what they share."""
