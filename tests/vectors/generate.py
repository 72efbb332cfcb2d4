"""Writes plan_ids.json: edge cases of plan ids for every implementation to agree on. `python -m tests.vectors.generate`."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from eth_utils.address import to_checksum_address

from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.types.ids import compute_plan_id, format_did
from nvm_chain.types.plans import Terms
from nvm_chain.types.prices import Split

PATH = Path(__file__).parent / "plan_ids.json"
CHAIN_ID = 31337
CONTRACT = to_checksum_address("0x5fbdb2315678afecb367f032d93f642f64180aa3")
"""The first contract of anvil's first account, where the tests' Credits is: there it can check its own vectors."""
CREATOR = to_checksum_address("0x70997970c51812dc3a010c7d01b50e0d17dc79c8")
LAST = to_checksum_address("0x" + "ff" * 20)
FIRST = to_checksum_address("0x" + "00" * 19 + "01")
USDC = to_checksum_address("0x036cbd53842c5426634e7929541ec2318f3dcf7e")

ZERO = to_checksum_address("0x" + "00" * 20)

PLAIN = Terms(
    kind=PlanKind.CREDITS,
    activation=Activation.ON_PURCHASE,
    token=USDC,
    splits=(Split(CREATOR, 20_000_000),),
    quoter=ZERO,
    paid_externally=False,
    credits=100,
    duration=0,
    min_redeem=1,
    max_redeem=1,
    rule=RedemptionRule.HOLDER,
    trial=False,
    transferable=False,
)
MONTH = replace(PLAIN, kind=PlanKind.TIME, credits=1, duration=30 * 86_400)
WIDEST = Terms(
    kind=PlanKind.USAGE,
    activation=Activation.ON_FIRST_USE,
    token=LAST,
    splits=(Split(LAST, 2**96 - 1),) * 16,
    quoter=LAST,
    paid_externally=True,
    credits=2**32 - 1,
    duration=2**32 - 1,
    min_redeem=2**32 - 1,
    max_redeem=2**32 - 1,
    rule=RedemptionRule.OWNER,
    trial=True,
    transferable=True,
)


def cases() -> Iterator[tuple[str, Terms, bytes, str]]:
    """Yield name, terms, salt and creator of each vector."""
    zero = bytes(32)
    yield "100 credits for 20 USDC", PLAIN, zero, CREATOR
    yield "another creator", PLAIN, zero, FIRST
    yield "the last address as creator", PLAIN, zero, LAST
    yield "a salt of ones", PLAIN, b"\xff" * 32, CREATOR
    yield "a salt that ends in one", PLAIN, bytes(31) + b"\1", CREATOR
    yield "a salt that begins with one", PLAIN, b"\1" + bytes(31), CREATOR
    yield "free", replace(PLAIN, token=ZERO, splits=()), zero, CREATOR
    yield "free in a token", replace(PLAIN, splits=()), zero, CREATOR
    yield "native coin", replace(PLAIN, token=ZERO), zero, CREATOR
    yield "two splits", replace(PLAIN, splits=(Split(CREATOR, 15), Split(LAST, 5))), zero, CREATOR
    yield "two splits the other way round", replace(PLAIN, splits=(Split(LAST, 5), Split(CREATOR, 15))), zero, CREATOR
    sixteen = tuple(Split(to_checksum_address(f"0x{number:040x}"), number) for number in range(1, 17))
    yield "16 splits", replace(PLAIN, splits=sixteen), zero, CREATOR
    yield "the smallest numbers", replace(PLAIN, splits=(Split(FIRST, 1),), credits=1), zero, CREATOR
    yield "the largest numbers", WIDEST, b"\xff" * 32, LAST
    yield "credits that expire after a day", replace(PLAIN, duration=86_400), zero, CREATOR
    yield "credits that expire as late as can be", replace(PLAIN, duration=2**32 - 1), zero, CREATOR
    yield "a month from purchase", replace(MONTH, min_redeem=0, max_redeem=0), zero, CREATOR
    yield "a month from first use", replace(MONTH, activation=Activation.ON_FIRST_USE), zero, CREATOR
    yield "twelve months from first use", replace(MONTH, activation=Activation.ON_FIRST_USE, credits=12), zero, CREATOR
    usage = replace(PLAIN, kind=PlanKind.USAGE, credits=0, min_redeem=0, max_redeem=0)
    yield "pay per use", usage, zero, CREATOR
    yield "pay per use, quoted", replace(usage, quoter=FIRST), zero, CREATOR
    yield "quoted", replace(PLAIN, quoter=FIRST), zero, CREATOR
    yield "quoted by the last address", replace(PLAIN, quoter=LAST), zero, CREATOR
    yield "paid externally", replace(PLAIN, token=ZERO, splits=(), paid_externally=True), zero, CREATOR
    yield "zeros that no contract takes", replace(PLAIN, credits=0, min_redeem=0, max_redeem=0), zero, CREATOR
    for rule, trial, transferable in itertools.product(RedemptionRule, (False, True), (False, True)):
        name = f"rule {rule.name}, trial {trial}, transferable {transferable}".lower()
        terms = replace(PLAIN, rule=rule, trial=trial, transferable=transferable)
        if terms != PLAIN:
            yield name, terms, zero, CREATOR


def build_vector(name: str, chain_id: int, terms: Terms, salt: bytes, creator: str) -> dict[str, Any]:
    """Return one vector as JSON has it: integers above 2^53 are decimal text, as in JavaScript they would lose digits."""
    address = to_checksum_address(creator)
    plan_id = compute_plan_id(chain_id, CONTRACT, address, terms, salt)
    return {
        "name": name,
        "chain_id": str(chain_id),
        "contract": CONTRACT,
        "creator": address,
        "terms": {
            "kind": int(terms.kind),
            "activation": int(terms.activation),
            "token": terms.token,
            "splits": [{"receiver": split.receiver, "amount": str(split.amount)} for split in terms.splits],
            "quoter": terms.quoter,
            "paid_externally": terms.paid_externally,
            "credits": terms.credits,
            "duration": terms.duration,
            "min_redeem": terms.min_redeem,
            "max_redeem": terms.max_redeem,
            "rule": int(terms.rule),
            "trial": terms.trial,
            "transferable": terms.transferable,
        },
        "salt": "0x" + salt.hex(),
        "plan_id": str(plan_id),
        "did": format_did(plan_id),
    }


def build_vectors() -> list[dict[str, Any]]:
    """Return all vectors: every case on anvil, and one on chains with the smallest and largest ids."""
    vectors = [build_vector(name, CHAIN_ID, terms, salt, creator) for name, terms, salt, creator in cases()]
    for chain_id in (0, 1, 8453, 84532, 2**64 - 1, 2**256 - 1):
        vectors.append(build_vector(f"on chain {chain_id}", chain_id, PLAIN, bytes(32), CREATOR))
    return vectors


def format_vectors() -> str:
    """Return the text of plan_ids.json."""
    return json.dumps(build_vectors(), indent=1) + "\n"


if __name__ == "__main__":
    PATH.write_text(format_vectors(), "utf-8")
