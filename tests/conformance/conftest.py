"""An agent and a plan to hold against the standards, and gas limits without the search for them on eth-tester."""

from tests.support.fixtures import agent_id, agents, plan_id, quick_estimates

__all__ = ["agent_id", "agents", "plan_id", "quick_estimates"]
