"""Vectors of signed values: viem and ethers write them to the byte, and cast signs the same."""

import json
import subprocess
from typing import Any

import pytest

from tests.support.anvil import find_anvil
from tests.support.vectors import AUTHORIZATIONS, FOLDER, VOUCHERS, name
from tests.vectors.generate_signed import PROGRAMS, format_signed

DOMAIN = "string name,string version,uint256 chainId,address verifyingContract"


@pytest.mark.parametrize("file", PROGRAMS)
def test_vectors__are_those_that_viem_and_ethers_write(file: str) -> None:
    assert (FOLDER / file).read_text("utf-8") == format_signed(file)


def cast(*arguments: str) -> str:
    """Run Foundry's cast, which lies beside anvil, and return what it prints."""
    program = str(find_anvil()).replace("anvil", "cast")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


def list_members(listed: str) -> list[dict[str, str]]:
    """Return the members of a type as typed data in JSON has them."""
    return [dict(zip(("type", "name"), member.split(" "), strict=True)) for member in listed.split(",")]


def sign_by_cast(declaration: str, domain: dict[str, str], message: dict[str, str]) -> str:
    """Return cast's signature of typed data by the vectors' key."""
    kind, _, listed = declaration.rstrip(")").partition("(")
    data = {
        "types": {"EIP712Domain": list_members(DOMAIN), kind: list_members(listed)},
        "primaryType": kind,
        "domain": {**domain, "chainId": f"{int(domain['chainId']):#x}"},
        "message": message,
    }
    return cast("wallet", "sign", "--private-key", VOUCHERS["key"], "--data", json.dumps(data))


@pytest.mark.parametrize("vector", VOUCHERS["vectors"], ids=name)
def test_voucher__by_cast__has_the_same_signature(vector: dict[str, Any]) -> None:
    assert sign_by_cast(VOUCHERS["type"], vector["domain"], vector["voucher"]) == vector["signature"]


@pytest.mark.parametrize("vector", AUTHORIZATIONS["vectors"], ids=name)
def test_authorization__by_cast__has_the_same_nonce_and_signature(vector: dict[str, Any]) -> None:
    order, signature = vector["order"], f"f{AUTHORIZATIONS['nonce_type']}"
    fields = ("planId", "payer", "receiver", "quantity", "maxCost", "salt")
    values = (vector["token"]["chainId"], vector["contract"], *(order[field] for field in fields))
    assert cast("keccak", cast("abi-encode", signature, *values)) == vector["nonce"]
    signed = sign_by_cast(AUTHORIZATIONS["authorization_type"], vector["token"], vector["authorization"])
    assert signed == vector["signature"]


@pytest.mark.parametrize("vector", AUTHORIZATIONS["permits"], ids=name)
def test_permit__by_cast__has_the_same_signature(vector: dict[str, Any]) -> None:
    signed = sign_by_cast(AUTHORIZATIONS["permit_type"], vector["token"], vector["permit"])
    assert signed == f"{vector['r']}{vector['s'][2:]}{vector['v']:02x}"
