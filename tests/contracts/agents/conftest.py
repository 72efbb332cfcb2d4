"""The registry of a world, and an agent and a plan that several files start from."""

from tests.support.fixtures import agent_id, agents, plan_id

__all__ = ["agent_id", "agents", "plan_id"]
