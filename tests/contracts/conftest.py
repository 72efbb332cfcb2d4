"""Plans that more than one file starts from, and gas limits without the search for them on eth-tester."""

from tests.support.fixtures import agents, quick_estimates, staffed_plan, transferable_plan

__all__ = ["agents", "quick_estimates", "staffed_plan", "transferable_plan"]
