"""Plans that more than one attack starts from, and gas limits without the search for them on eth-tester."""

from tests.support.fixtures import agents, node, quick_estimates, skewed, staffed_plan, transferable_plan

__all__ = ["agents", "node", "quick_estimates", "skewed", "staffed_plan", "transferable_plan"]
