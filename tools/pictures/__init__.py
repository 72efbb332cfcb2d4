"""Generators of the pictures in README and docs/: the output of the demo, and the steps of a purchase."""
