"""Checks of the node and the contracts: whether the chain is there, and the right one."""

from dataclasses import dataclass
from typing import Final

from nvm_chain.chain.client import Chain
from nvm_chain.errors import NoDeployment, NvmChainError
from nvm_chain.gateway.checks.findings import Finding, good, missing, missing_by
from nvm_chain.gateway.configuration.parts import GatewayConfig
from nvm_chain.gateway.connecting import open_chain

UNRECORDED: Final = (
    "Write the folder with the records of the deployment into the table [chain] as `deployments`. "
    "If the contracts are not deployed yet, run `nvm-chain deploy` in the folder of the configuration."
)


@dataclass(frozen=True, slots=True)
class Connected:
    """A connection to the chain with its contracts, if there is one, and what was found."""

    chain: Chain | None
    findings: tuple[Finding, ...]


def check_chain(config: GatewayConfig, chain: Chain | None = None) -> Connected:
    """Connect, and look for the contracts. ``chain`` is a connection that is there already."""
    try:
        found = open_chain(config) if chain is None else chain
    except NvmChainError as error:
        return Connected(None, (missing_by("chain", error),))
    findings = [good("chain", f"Chain {found.chain_id} answers at {found.label}.")]
    try:
        findings.append(good("contracts", f"Credits is at {found.credits.address}."))
        findings.append(good("contracts", f"AgentRegistry is at {found.agents.address}."))
    except NoDeployment as error:  # its own next step is an option, and a gateway has a file
        return Connected(None, (*findings, missing("contracts", error.describe()[0], UNRECORDED)))
    except NvmChainError as error:
        return Connected(None, (*findings, missing_by("contracts", error)))
    return Connected(found, tuple(findings))
