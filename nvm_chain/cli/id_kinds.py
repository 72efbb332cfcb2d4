"""Explanation of an unknown plan id that is an agent's id. The error names the command that shows the agent."""

from collections.abc import Iterator
from contextlib import contextmanager

from nvm_chain.cli.lazy import agents, errors
from nvm_chain.cli.session import Session


@contextmanager
def explained_plan_id(session: Session) -> Iterator[None]:
    """Explain an unknown plan id that is the id of an agent. Makes one more request if the plan is unknown.

    `AgentId` handles the reverse case, a plan id in place of an agent id, without a request.

    Raises:
        IdOfAnotherKind: The id is an agent's.
    """
    try:
        yield
    except errors.UnknownPlan as unknown:
        if not _is_agent(session, unknown.plan_id):
            raise
        advice = "show it with `nvm-chain agent show`, which names its plans"
        raise errors.IdOfAnotherKind(str(unknown.plan_id), "an agent", "a plan", advice) from None


def _is_agent(session: Session, number: int) -> bool:
    if session.chain is None:
        return False
    try:
        agents.read_agent_uri(session.chain, number)
    except errors.NvmChainError:
        return False
    return True
