"""Implementations of the ports, one package each with its own extra. None imports another."""
