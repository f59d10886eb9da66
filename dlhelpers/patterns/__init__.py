"""Reaction and diffusion: Turing's linear theory, kinetics, Gray and Scott's model, a compiled solver."""
