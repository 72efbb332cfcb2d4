"""Hypothesis settings for tests that run on a chain."""

from hypothesis import HealthCheck, Phase, settings

on_chain = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    # Examples share a chain: what one leaves behind is another plan, and does not matter to the next.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    # Without Phase.explain, which traces every line and so makes an EVM in Python ten times slower.
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
"""Use as a decorator above `@given`."""
