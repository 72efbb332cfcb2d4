"""Explanations of ids of the wrong kind, such as a plan's id in place of a service's."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from nvm_chain.chain.client import Chain
from nvm_chain.errors import ERC721NonexistentToken, IdOfAnotherKind, NvmChainError, UnknownPlan
from nvm_chain.operations.agents import read_agent_uri
from nvm_chain.operations.plans import read_terms

_READ_PLAN: Final = "read it with `get_plan_details`, or give the id that registering {wanted} returned"
_READ_ASSET: Final = "read it with `get_service_details`, or give the id that registering {wanted} returned"


@contextmanager
def explain_id(chain: Chain, given: int | str, wanted: str) -> Iterator[None]:
    """Explain an id of another kind, if the block raises an error for an unknown id. Makes one more request in that case.

    ``wanted`` is the expected kind, such as ``a service``.

    Raises:
        IdOfAnotherKind: The id is of another kind. The error shows the id in its given spelling.
    """
    try:
        yield
    except UnknownPlan as unknown:
        if not _is_asset(chain, unknown.plan_id):
            raise
        raise IdOfAnotherKind(given, "an asset", wanted, _READ_ASSET.format(wanted=wanted)) from None
    except ERC721NonexistentToken as unknown:
        if not _is_plan(chain, unknown.token_id):
            raise
        raise IdOfAnotherKind(given, "a plan", wanted, _READ_PLAN.format(wanted=wanted)) from None


def _is_asset(chain: Chain, number: int) -> bool:
    try:
        read_agent_uri(chain, number)
    except NvmChainError:
        return False
    return True


def _is_plan(chain: Chain, number: int) -> bool:
    try:
        read_terms(chain, number)
    except NvmChainError:
        return False
    return True
