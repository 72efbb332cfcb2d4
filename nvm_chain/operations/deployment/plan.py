"""Deployment plans: the steps and the cost of a deployment, before anything is sent."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.chain.artifacts import read_artifact
from nvm_chain.chain.client import Chain
from nvm_chain.chain.embedded import find_test_usdc
from nvm_chain.chain.records import RecordedName, find_record
from nvm_chain.errors import InsufficientCoin
from nvm_chain.errors.fields import Coin, Number, Quantity
from nvm_chain.operations.deployment.creation import (
    ARGUMENTS,
    CREATE2_PROXY,
    Method,
    build_creation,
    compute_create2_address,
)
from nvm_chain.operations.deployment.replaced import ReplacedRecord, check_replaced, find_replaced
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.amounts import NATIVE_DECIMALS, format_units

CONSTRUCTOR_GAS: Final = 400_000
"""More gas than a constructor needs, apart from the gas that storing the code takes. Unused gas is not paid."""


@dataclass(frozen=True, slots=True)
class DeploymentPlan:
    """The steps and the highest cost of a deployment, before anything is sent."""

    chain_id: Number
    method: Method
    reason: str
    address: ChecksumAddress | None
    """The address of Credits. None if it is unknown until a plain CREATE is mined."""
    credits_deployed: bool
    agents_address: ChecksumAddress | None
    """The address of AgentRegistry. None if it is unknown until a plain CREATE is mined."""
    agents_deployed: bool
    deployer: ChecksumAddress
    balance_wei: Coin
    fee_owner: ChecksumAddress
    gas: Quantity
    max_cost_wei: Coin
    deploys_usdc: bool = False
    """Whether a TestUSDC is deployed too."""
    usdc: str | None = None
    """The address of the TestUSDC that was asked for. None if there is none yet, or if none was asked for."""
    replaced: tuple[ReplacedRecord, ...] = ()
    """The records of other contracts that the deployment replaces in its folder."""

    @property
    def already_deployed(self) -> bool:
        """Whether both contracts are deployed."""
        return self.credits_deployed and self.agents_deployed

    @property
    def sends_nothing(self) -> bool:
        """Whether everything is deployed, so that no transaction is needed."""
        return self.already_deployed and not self.deploys_usdc


def plan_deployment(
    chain: Chain,
    deployer: str,
    fee_owner: str,
    *,
    create2: bool = True,
    folder: Path | str | None = None,
    test_usdc: bool = False,
    replace_records: bool = False,
) -> DeploymentPlan:
    """Plan the deployment of Credits and AgentRegistry: the method, the addresses and the cost. Sends nothing.

    With CREATE2 through the deterministic-deployment proxy, the addresses depend only on the fee owner, and are equal
    on every chain. If the chain does not have the proxy, plain CREATE is used. Contracts that are deployed already are
    found by their CREATE2 address or, with plain CREATE, by their record. Three to eleven requests.

    Args:
        chain: The connection to the chain that gets the contracts.
        deployer: The address that will deploy.
        fee_owner: The address that may set the protocol fee of future plans.
        create2: Whether CREATE2 may be used. If not, plain CREATE is used.
        folder: The folder of the records. The folder of local records if not given.
        test_usdc: Whether a TestUSDC is deployed too, if the chain does not have one. For development chains.
        replace_records: Whether the folder's record of another contract may be replaced, even if that contract is on
            the chain. The record of a contract that is not on the chain is replaced in any case.

    Raises:
        InvalidAddress: An address is malformed or zero.
        InvalidRecord: A record cannot be read.
        RecordInUse: The folder records another contract that is on the chain.
    """
    sender, owner = parse_address(deployer, "deployer address"), parse_address(fee_owner, "fee owner address")
    method, reason = _choose_method(chain, create2)
    credits, credits_there = _locate(chain, "Credits", owner, method, folder)
    agents, agents_there = _locate(chain, "AgentRegistry", credits, method, folder) if credits else (None, False)
    replaced = find_replaced(chain, {"Credits": credits, "AgentRegistry": agents}, folder)
    check_replaced(() if replace_records else replaced, owner, method)
    usdc = find_usdc_to_use(chain, folder) if test_usdc else None
    deploys_usdc = test_usdc and usdc is None
    gas = 0 if credits_there else _estimate(chain, sender, "Credits", owner, method)
    if not agents_there:
        known = credits if credits_there else None
        gas += _estimate(chain, sender, "AgentRegistry", known, method) if known else _bound_gas("AgentRegistry")
    gas += _estimate_usdc(chain, sender) if deploys_usdc else 0
    return DeploymentPlan(
        chain_id=chain.chain_id,
        method=method,
        reason=reason,
        address=credits,
        credits_deployed=credits_there,
        agents_address=agents,
        agents_deployed=agents_there,
        deployer=sender,
        balance_wei=chain.read_coin_balance(sender),
        fee_owner=owner,
        gas=gas,
        max_cost_wei=gas * chain.read_fees()[0] if gas else 0,
        deploys_usdc=deploys_usdc,
        usdc=usdc,
        replaced=tuple(replaced),
    )


def find_usdc_to_use(chain: Chain, folder: Path | str | None) -> str | None:
    """Return the address of a development chain's TestUSDC, or None if there is none. Up to two requests.

    The recorded address is used if it has code. Otherwise the usual address is used if a TestUSDC is there.
    """
    record = find_record(chain.chain_id, folder)
    if record is not None and record.usdc is not None and chain.has_code(parse_address(record.usdc)):
        return record.usdc
    return find_test_usdc(chain)


def _locate(
    chain: Chain, contract: RecordedName, argument: ChecksumAddress, method: Method, folder: Path | str | None
) -> tuple[ChecksumAddress | None, bool]:
    """Return a contract's address, or None if it is unknown, and whether the contract is deployed."""
    if method == "CREATE2":
        address: ChecksumAddress | None = compute_create2_address(argument, contract)
    else:
        address = _recorded_address(chain, contract, argument, folder)
    there = address is not None and chain.has_code(address)
    return (address if there or method == "CREATE2" else None), there


def _choose_method(chain: Chain, create2: bool) -> tuple[Method, str]:
    if not create2:
        return "CREATE", "you chose plain CREATE"
    if chain.has_code(CREATE2_PROXY):
        return (
            "CREATE2",
            f"the deterministic-deployment proxy is at {CREATE2_PROXY}: the addresses are the same on every chain",
        )
    return "CREATE", f"this chain has no deterministic-deployment proxy at {CREATE2_PROXY}: the addresses will differ"


def _recorded_address(
    chain: Chain, contract: RecordedName, argument: ChecksumAddress, folder: Path | str | None
) -> ChecksumAddress | None:
    record = find_record(chain.chain_id, folder, contract)
    if record is None or record.constructor_arguments.get(ARGUMENTS[contract]) != argument:
        return None
    return parse_address(record.address, "recorded address")


def _estimate(
    chain: Chain, deployer: ChecksumAddress, contract: RecordedName, argument: ChecksumAddress, method: Method
) -> int:
    data, to = build_creation(contract, argument, method)
    return chain.estimate_gas(deployer, data, to)


def _estimate_usdc(chain: Chain, deployer: ChecksumAddress) -> int:
    return chain.estimate_gas(deployer, "0x" + read_artifact("TestUSDC").encode_creation().hex(), None)


def _bound_gas(contract: RecordedName) -> int:
    """Return an upper bound for the gas of a deployment.

    Used for AgentRegistry, which a node cannot estimate before Credits is deployed.
    """
    artifact = read_artifact(contract)
    calldata = sum(16 if byte else 4 for byte in artifact.creation_code)
    return calldata + 200 * len(artifact.runtime_code) + CONSTRUCTOR_GAS


def describe_plan(plan: DeploymentPlan) -> list[tuple[str, str]]:
    """Return the steps and the cost of a deployment for people to read, as pairs of label and text."""
    later = "decided when it is mined"
    cost = f"{plan.gas:,} gas, at most {format_units(plan.max_cost_wei, NATIVE_DECIMALS)} coins"
    return [
        ("chain", str(plan.chain_id)),
        ("action", _describe_action(plan)),
        *(("replaces", record.describe()) for record in plan.replaced),
        ("why", plan.reason),
        ("address", plan.address or later),
        ("agents", plan.agents_address or later),
        ("fee owner", f"{plan.fee_owner} (sets the protocol fee of future plans, at most 10 %, and nothing else)"),
        ("deployer", f"{plan.deployer} with {format_units(plan.balance_wei, NATIVE_DECIMALS)} coins"),
        ("cost", "none" if plan.sends_nothing else cost),
    ]


def _describe_action(plan: DeploymentPlan) -> str:
    """Return what a deployment deploys, and by which method."""
    there = (("Credits", plan.credits_deployed), ("AgentRegistry", plan.agents_deployed))
    missing = " and ".join(name for name, is_there in there if not is_there)
    parts = [f"{missing} by {plan.method}"] if missing else []
    parts += ["TestUSDC, a token for tests"] if plan.deploys_usdc else []
    return f"deploy {', and '.join(parts)}" if parts else "nothing: it is deployed already"


def require_funds(plan: DeploymentPlan) -> None:
    """Raise InsufficientCoin if the deployer cannot pay for the deployment."""
    if plan.balance_wei < plan.max_cost_wei:
        raise InsufficientCoin(plan.deployer, plan.balance_wei, plan.max_cost_wei)
