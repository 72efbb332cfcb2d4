"""Odd wrappings (ERC-6492): what a wallet itself reads out of one, the check and the settlement accept too."""

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from nvm_chain.errors import InvalidMessage, VoucherSignatureInvalid
from nvm_chain.operations.settlement import settle_vouchers
from nvm_chain.operations.voucher_checks import check_voucher
from nvm_chain.operations.wallets import unwrap_signature
from nvm_chain.signing.vouchers import SignedVoucher
from nvm_chain.signing.wallets.wrapping import unwrap
from tests.support.signed import SETTLED
from tests.support.world import World
from tests.wallets.accounts import deploy_coinbase, deploy_solady
from tests.wallets.parity import WRAPPING
from tests.wallets.signing import CEILING, is_accepted, register_for, sign_anyway, voucher_of

WORD = 32
COUNT = 60


def wrap_oddly(chance: random.Random, inner: bytes) -> Iterator[bytes]:
    """Yield wrappings whose words, order, padding and end are mostly not those of an encoder."""
    for _ in range(COUNT):
        head = chance.randbytes(2 * WORD)
        before = chance.randbytes(chance.choice((0, 1, 7, WORD)))
        after = chance.choice((b"", chance.randbytes(chance.randrange(40)), bytes(-len(inner) % WORD)))
        place = chance.choice((3 * WORD + len(before),) * 6 + (0, WORD, 2**256 - WORD, chance.randrange(400)))
        size = chance.choice((len(inner),) * 6 + (0, len(inner) - 1, len(inner) + 1, 2**256 - 1))
        words = head + place.to_bytes(WORD, "big") + before + size.to_bytes(WORD, "big")
        yield words + inner + after + WRAPPING


def test_check_voucher__of_a_wrapping_that_the_wallet_itself_reads__is_good(world: World) -> None:
    """Accounts of Solady's ERC1271 look only at the place of the inner signature. Solady is of npm."""
    wallet = deploy_solady(world)
    voucher = voucher_of(world, register_for(world, wallet.address), wallet.address)
    inner = sign_anyway(world, wallet.signer, voucher).signature
    counted = {True: 0, False: 0}
    for signature in wrap_oddly(random.Random(6492), inner):
        signed = SignedVoucher(voucher, signature)
        accepted = is_accepted(world, signed)
        counted[accepted] += 1
        assert _is_good(world, signed) is (accepted or unwrap_signature(signed).signature == inner), signature.hex()
        assert not accepted or unwrap(signature) == inner
    assert min(counted.values()) >= COUNT // 6


def _is_good(world: World, signed: SignedVoucher) -> bool:
    try:
        return check_voucher(world.chain, signed).available == CEILING
    except VoucherSignatureInvalid:
        return False


@pytest.mark.parametrize("end", [b"", b"\xff" * 3, b"\xff" * 31], ids=["no padding", "too little", "not zeros"])
def test_settle_vouchers__of_a_wrapping_with_odd_padding__takes_the_credits(world: World, end: bytes) -> None:
    """Also of a wallet that reads no wrappings: the signature goes to the chain without it."""
    wallet = deploy_coinbase(world)
    voucher = voucher_of(world, register_for(world, wallet.address), wallet.address)
    bare = sign_anyway(world, wallet.signer, voucher)
    words = bytes(2 * WORD) + (3 * WORD).to_bytes(WORD, "big") + len(bare.signature).to_bytes(WORD, "big")
    wrapped = replace(bare, signature=words + bare.signature + end + WRAPPING)
    assert check_voucher(world.chain, wrapped).available == CEILING
    [outcome] = settle_vouchers(world.chain, world.redeemer, voucher.plan_id, [wrapped]).outcomes
    assert (outcome.amount, outcome.result) == (CEILING, SETTLED)


def test_check_voucher__of_a_wrapping_in_a_wrapping__says_what_the_wallet_says(world: World) -> None:
    """`unwrap` refuses it, so the wallet gets it as it is. An account of Solady takes off one wrapping only."""
    wallet = deploy_solady(world)
    voucher = voucher_of(world, register_for(world, wallet.address), wallet.address)
    signature = sign_anyway(world, wallet.signer, voucher).signature
    for _ in range(2):
        words = bytes(2 * WORD) + (3 * WORD).to_bytes(WORD, "big") + len(signature).to_bytes(WORD, "big")
        signature = words + signature + WRAPPING
    with pytest.raises(InvalidMessage, match="it holds another wrapping"):
        unwrap(signature)
    signed = SignedVoucher(voucher, signature)
    assert (_is_good(world, signed), is_accepted(world, signed)) == (False, False)
