"""The simulation proved by bugs: each planted in a copy of the package, each to be found; and nothing without them."""
