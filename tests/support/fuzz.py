"""Hypothesis settings for tests that run on a chain."""

from hypothesis import HealthCheck, Phase, settings

on_chain = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    # All examples share one chain. Each registers its own plan, so earlier examples do not matter.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    # Phase.explain traces every line, and would make an EVM in Python ten times slower.
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
"""The settings as a decorator, to be put above `@given`."""
