"""Wallets whose answer depends on who asks and how: what settles is what the wallet answers to Credits in a transaction."""

from functools import partial

import pytest

from tests.support.signed import NOT_SIGNED, SETTLED
from tests.support.world import World
from tests.wallets.accounts import deploy_nexus, deploy_solady
from tests.wallets.askers import install_base_fee_helper
from tests.wallets.catalogue import Deploy
from tests.wallets.signing import (
    CEILING,
    is_accepted,
    settle_voucher,
    sign_plainly,
)


@pytest.mark.parametrize(("deploy", "prefix"), [(deploy_solady, b""), (deploy_nexus, bytes(20))])
def test_settle__of_a_plain_signature_that_is_taken_only_without_a_gas_price__is_refused(
    world: World, deploy: Deploy, prefix: bytes
) -> None:
    install_base_fee_helper(world)
    signed = sign_plainly(world, deploy(world), prefix)
    assert is_accepted(world, signed, has_price=False)
    assert not is_accepted(world, signed)
    assert settle_voucher(world, signed) == (0, NOT_SIGNED)


def test_settle__of_a_plain_signature_that_the_owner_lets_credits_bring__takes_the_credits(world: World) -> None:
    deploy = partial(deploy_nexus, safe_senders=(world.credits.address,))
    signed = sign_plainly(world, deploy(world), bytes(20))
    assert not is_accepted(world, signed)
    assert settle_voucher(world, signed) == (CEILING, SETTLED)


def test_settle__of_a_plain_signature_for_another_validator__is_refused(world: World) -> None:
    wallet = deploy_nexus(world, safe_senders=(world.credits.address,))
    assert settle_voucher(world, sign_plainly(world, wallet, b"\1" * 20)) == (0, NOT_SIGNED)
