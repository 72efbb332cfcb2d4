"""The main job through Ape alone: deploy, register, order, redeem; and what Ape compiles itself is what we ship, with metadata behind it.

Ape deploys what the package carries. Its plugin for Solidity cannot leave out the metadata, whose hash is of comments and file names too.
"""

import re
from typing import Any

import ape
import pytest
from ape.contracts import ContractContainer
from ethpm_types import ContractType

from nvm_chain.chain.artifacts import ContractName, read_artifact

PRICE = 20_000_000
CREDITS = 100
MAX_FEE_BPS = 1000
NOBODY = "0x" + "00" * 20
METADATA = rb"\xfe\xa2\x64ipfs\x58\x22.{34}\x64solc\x43\x00\x08\x25\x00\x33"
"""What solc appends unless told otherwise: a stop, the hash of the metadata and the version, as CBOR, and its length."""


def container(name: ContractName) -> ContractContainer:
    """Return a packaged contract as Ape has contracts."""
    artifact = read_artifact(name)
    code = {"deploymentBytecode": artifact.creation_code, "runtimeBytecode": artifact.runtime_code}
    return ContractContainer(
        ContractType.model_validate(
            {
                "contractName": name,
                "abi": list(artifact.abi),
                **{key: {"bytecode": "0x" + each.hex()} for key, each in code.items()},
            }
        )
    )


@pytest.fixture
def builder(accounts: Any) -> Any:
    return accounts[1]


@pytest.fixture
def subscriber(accounts: Any) -> Any:
    return accounts[2]


@pytest.fixture
def credits_contract(accounts: Any) -> Any:
    return accounts[0].deploy(container("Credits"), accounts[0])


@pytest.fixture
def usdc(accounts: Any, subscriber: Any) -> Any:
    token = accounts[0].deploy(container("TestUSDC"))
    token.mint(subscriber, PRICE, sender=subscriber)
    return token


@pytest.fixture
def plan_id(credits_contract: Any, usdc: Any, builder: Any) -> int:
    price = (usdc.address, [(builder.address, PRICE)], NOBODY, False)
    terms = (0, 0, *price, CREDITS, 0, 1, 10, 0, False, False)
    receipt = credits_contract.registerPlan(terms, bytes(32), "", MAX_FEE_BPS, sender=builder)
    (registered,) = receipt.decode_logs(credits_contract.PlanRegistered)
    return int(registered.planId)


def test_deploy__with_ape__puts_the_packaged_code_on_chain(credits_contract: Any) -> None:
    assert ape.chain.provider.get_code(credits_contract.address) == read_artifact("Credits").runtime_code


def test_compile__with_ape__differs_from_the_packaged_code_in_the_metadata_only(project: Any) -> None:
    files = ("contracts/credits/Credits.sol", "contracts/agents/AgentRegistry.sol")
    types = project.load_contracts(*files, use_cache=False)
    for name in ("Credits", "AgentRegistry"):
        compiled = bytes(types[name].contract_type.runtime_bytecode.to_bytes())
        packaged = read_artifact(name).runtime_code
        assert compiled[: len(packaged)] == packaged, name
        assert re.fullmatch(METADATA, compiled[len(packaged) :], re.DOTALL), name


def test_order__with_ape__pays_builder_and_grants(
    credits_contract: Any, usdc: Any, builder: Any, subscriber: Any, plan_id: int
) -> None:
    usdc.approve(credits_contract, PRICE, sender=subscriber)
    receipt = credits_contract.order(plan_id, subscriber, 1, PRICE, sender=subscriber)
    assert usdc.balanceOf(builder) == PRICE
    assert usdc.balanceOf(subscriber) == usdc.balanceOf(credits_contract) == 0
    assert credits_contract.balanceOf(subscriber, plan_id) == CREDITS
    assert [event.event_name for event in receipt.decode_logs(credits_contract.Ordered)] == ["Ordered"]


def test_redeem__above_balance__reverts_with_the_contracts_error(
    credits_contract: Any, subscriber: Any, plan_id: int
) -> None:
    with ape.reverts(credits_contract.InsufficientCredits, available=0, required=1):
        credits_contract.redeem(plan_id, subscriber, 1, bytes(32), sender=subscriber)
