"""Plan ids: Python, the contract, viem, ethers and cast compute the same from the same terms."""

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.types.ids import compute_plan_id, parse_plan_id
from nvm_chain.types.plans import Terms
from nvm_chain.types.prices import Split
from tests.support.anvil import find_anvil
from tests.support.world import World
from tests.vectors.generate import CHAIN_ID, CONTRACT, PATH, format_vectors

ROOT = Path(__file__).parent.parent.parent
VECTORS: list[dict[str, Any]] = json.loads(PATH.read_text("utf-8"))
TERMS = "(uint8,uint8,address,(address,uint96)[],address,bool,uint32,uint32,uint32,uint32,uint8,bool,bool)"
SIGNATURE = f"f(uint256,address,address,{TERMS},bytes32)"


def read_terms(vector: dict[str, Any]) -> Terms:
    """Return the terms of a vector."""
    fields = dict(vector["terms"])
    splits = tuple(Split(split["receiver"], int(split["amount"])) for split in fields.pop("splits"))
    kind, activation = PlanKind(fields.pop("kind")), Activation(fields.pop("activation"))
    return Terms(kind=kind, activation=activation, splits=splits, rule=RedemptionRule(fields.pop("rule")), **fields)


def name(vector: dict[str, Any]) -> str:
    return str(vector["name"])


# ---------------------------------------------------------------------- the vectors


def test_vectors__are_those_that_the_generator_writes() -> None:
    assert PATH.read_text("utf-8") == format_vectors()
    assert len({vector["plan_id"] for vector in VECTORS}) == len(VECTORS)


@pytest.mark.parametrize("vector", VECTORS, ids=name)
def test_compute_plan_id__of_each_vector__is_its_id(vector: dict[str, Any]) -> None:
    salt, contract, creator = bytes.fromhex(vector["salt"][2:]), vector["contract"], vector["creator"]
    plan_id = compute_plan_id(int(vector["chain_id"]), contract, creator, read_terms(vector), salt)
    assert str(plan_id) == vector["plan_id"]
    assert parse_plan_id(vector["did"]) == plan_id


@pytest.mark.parametrize("vector", [vector for vector in VECTORS if vector["chain_id"] == str(CHAIN_ID)], ids=name)
def test_plan_id_of__of_each_vector__is_its_id(world: World, vector: dict[str, Any]) -> None:
    terms, salt, creator = read_terms(vector), bytes.fromhex(vector["salt"][2:]), vector["creator"]
    plan_id = world.read(world.credits.functions.planIdOf(creator, terms.as_tuple(), salt))
    assert plan_id == compute_plan_id(world.chain.chain_id, world.credits.address, creator, terms, salt)
    if (world.chain.chain_id, world.credits.address) == (CHAIN_ID, CONTRACT):
        assert str(plan_id) == vector["plan_id"]


def test_vectors__on_anvil__are_where_the_contract_is(world: World) -> None:
    assert world.chain.chain_id != CHAIN_ID or world.credits.address == CONTRACT


# ---------------------------------------------------------------------- any terms

addresses = st.binary(min_size=20, max_size=20).map(to_checksum_address)
small = st.integers(0, 2**32 - 1)
splits = st.builds(Split, addresses, st.integers(0, 2**96 - 1))
terms = st.builds(
    Terms,
    kind=st.sampled_from(PlanKind),
    activation=st.sampled_from(Activation),
    token=addresses,
    splits=st.lists(splits, max_size=16).map(tuple),
    quoter=addresses,
    paid_externally=st.booleans(),
    credits=small,
    duration=small,
    min_redeem=small,
    max_redeem=small,
    rule=st.sampled_from(RedemptionRule),
    trial=st.booleans(),
    transferable=st.booleans(),
)


@given(terms, addresses, st.binary(min_size=32, max_size=32))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_plan_id_of__of_any_terms__is_what_python_computes(
    world: World, terms: Terms, creator: Any, salt: bytes
) -> None:
    computed = compute_plan_id(world.chain.chain_id, world.credits.address, creator, terms, salt)
    assert world.read(world.credits.functions.planIdOf(creator, terms.as_tuple(), salt)) == computed


# ---------------------------------------------------------------------- other implementations


@cache
def javascript_ids() -> list[list[str]]:
    """Return the ids of all vectors as viem and ethers compute them."""
    command = ["node", str(PATH.with_suffix(".mjs"))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    ids: list[list[str]] = json.loads(done.stdout)
    return ids


def test_vectors__by_viem_and_ethers__have_the_same_ids() -> None:
    assert javascript_ids() == [[vector["plan_id"]] * 2 for vector in VECTORS]


def cast(*arguments: str) -> str:
    """Run Foundry's cast, which lies beside anvil, and return what it prints."""
    program = str(find_anvil()).replace("anvil", "cast")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


def write_for_cast(value: Any) -> str:
    """Write a value as cast reads it: tuples in parentheses, lists in brackets."""
    if isinstance(value, tuple):
        return f"({','.join(map(write_for_cast, value))})"
    if isinstance(value, list):
        return f"[{','.join(map(write_for_cast, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("vector", VECTORS, ids=name)
def test_vector__by_cast__has_the_same_id(vector: dict[str, Any]) -> None:
    written = write_for_cast(read_terms(vector).as_tuple())
    arguments = (vector["chain_id"], vector["contract"], vector["creator"], written, vector["salt"])
    encoded = cast("abi-encode", SIGNATURE, *arguments)
    assert str(int(cast("keccak", encoded), 16)) == vector["plan_id"]
