"""permits: digests and signatures are those of the vectors, and the token's own domain is what counts."""

from dataclasses import replace
from typing import Any

import pytest
from eth_account import Account

from nvm_chain.errors import InvalidAddress, InvalidAmount, InvalidConfig
from nvm_chain.signing.permits import PERMIT, PermitSignature, permit_digest, sign_permit
from tests.support.vectors import AUTHORIZATIONS, name, read_domain, read_hex, read_permit

VECTORS: list[dict[str, Any]] = AUTHORIZATIONS["permits"]
OWNER = Account.from_key(AUTHORIZATIONS["key"])
STRANGER = Account.from_key("0x" + "11" * 32)
PLAIN, TOKEN = read_permit(VECTORS[0]), read_domain(VECTORS[0]["token"])


def test_permit_type__is_that_of_the_vectors() -> None:
    assert PERMIT.declaration == AUTHORIZATIONS["permit_type"]


@pytest.mark.parametrize("vector", VECTORS, ids=name)
def test_permit_digest__of_each_vector__is_its_digest(vector: dict[str, Any]) -> None:
    permit, token = read_permit(vector), read_domain(vector["token"])
    assert permit_digest(permit, token=token) == read_hex(vector["digest"])
    if permit.owner == OWNER.address:
        expected = PermitSignature(vector["v"], read_hex(vector["r"]), read_hex(vector["s"]))
        assert sign_permit(OWNER, permit, token=token) == expected


def test_permit_digest__for_another_token__is_another() -> None:
    others = [replace(TOKEN, name="USD Coin"), replace(TOKEN, version="1"), replace(TOKEN, chain_id=1)]
    digests = {permit_digest(PLAIN, token=token) for token in (TOKEN, *others, replace(TOKEN, address=OWNER.address))}
    assert len(digests) == 5


def test_sign_permit__by_another_than_the_owner__is_refused() -> None:
    with pytest.raises(InvalidConfig, match=f"owner {OWNER.address} has to sign this permit, not {STRANGER.address}"):
        sign_permit(STRANGER, PLAIN, token=TOKEN)


class CompactSigner:
    """Signs with 64 bytes, which a token's permit does not take."""

    address = OWNER.address
    signature = bytes(64)

    def unsafe_sign_hash(self, message_hash: object, /) -> "CompactSigner":
        return self


def test_sign_permit__by_who_signs_in_another_form__is_refused() -> None:
    with pytest.raises(InvalidConfig, match="65 bytes, and the signer's has 64"):
        sign_permit(CompactSigner(), PLAIN, token=TOKEN)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"owner": OWNER.address.lower()}, InvalidAddress),
        ({"spender": "0x" + "00" * 20}, InvalidAddress),
        ({"value": -1}, InvalidAmount),
        ({"value": 2**256}, InvalidAmount),
        ({"value": 1.0}, InvalidAmount),
        ({"nonce": 2**256}, InvalidAmount),
        ({"deadline": 2**256}, InvalidAmount),
    ],
)
def test_permit__that_no_token_takes__cannot_be_made(change: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        replace(PLAIN, **change)
