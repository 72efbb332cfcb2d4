"""One class for each error of the contracts, with the same name and, in snake case, the same fields in the same order.

A test compares these files with the ABIs, so neither can have an error that the other lacks.
"""

from typing import Final

from nvm_chain.errors.contract import agents, credits, fees, orders, plans, registration, standards
from nvm_chain.errors.families import ContractError

CONTRACT_ERRORS: Final[dict[str, type[ContractError]]] = {
    error.__name__: error for error in ContractError.__subclasses__()
}
"""Every contract error by its Solidity name."""

__all__ = ["CONTRACT_ERRORS", "agents", "credits", "fees", "orders", "plans", "registration", "standards"]
