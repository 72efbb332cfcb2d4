"""Contract wallets that lie: the attacker's wallet answers as it likes when it is asked whether it has signed (ERC-1271).

It changes its mind, re-enters, throws data, burns gas, or is an account that became a contract overnight (EIP-7702). It is asked by
a static call with limited gas, so it can harm nobody but its own holder (C20, C21, C22; I4, I8).
"""

import pytest

from nvm_chain.errors import NotEnoughGas, NvmChainError
from tests.support.batches import BALANCE, deploy_wallet, register_for_two, settle_batch, wallet_item
from tests.support.delegated import delegate
from tests.support.gas import TRANSACTION_GAS_CAP, simulate
from tests.support.reentry import encode
from tests.support.signed import NOT_SIGNED, SETTLED, SHORT, Item, settle, settled, sign_item
from tests.support.world import World

YES, NO, DIRTY, EMPTY, REVERT, BOMB, BURN_GAS, REENTER = range(8)
ISOLATED_GAS = 200_000
YES_WORD = bytes.fromhex("1626ba7e") + bytes(28)
REQUIRED_GAS = ISOLATED_GAS + ISOLATED_GAS // 63 + 5000


@pytest.fixture
def plan_id(world: World) -> int:
    """A plan with the redeemer approved, of which subscriber and other hold 100 credits each."""
    return register_for_two(world)


# ---------------------------------------------------------------- wallets


def test_settle__of_a_wallet__asks_the_wallet(world: World, plan_id: int) -> None:
    wallet = deploy_wallet(world, plan_id, "SmartWallet", world.stranger.address)
    item = sign_item(world, plan_id, world.stranger, 5, holder=wallet.address)
    outcomes = settle_batch(world, plan_id, item.but(ceiling=6), item, item)
    assert [amount for amount, _ in outcomes] == [0, 5, 0]


def test_settle__of_a_wallet_of_two_keys__asks_it_about_the_whole_signature(world: World, plan_id: int) -> None:
    """C20: of a wallet's signature nothing is cut off, so one key of two is not enough, and two are."""
    keys = (world.stranger, world.partner)
    wallet = deploy_wallet(world, plan_id, "TwoKeyWallet", *[key.address for key in keys]).address
    item, second = (sign_item(world, plan_id, key, 5, holder=wallet) for key in keys)
    both = item.but(signature=item.signature + second.signature)
    swapped = item.but(signature=second.signature + item.signature)
    longer = item.but(signature=both.signature + b"\0")
    expected = [(0, NOT_SIGNED)] * 4 + [(5, SETTLED)]
    assert settle_batch(world, plan_id, item, second, swapped, longer, both) == expected


def test_settle__of_two_wallets_with_one_key__counts_for_the_holder_only(world: World, plan_id: int) -> None:
    """C20: the wallets look at the hash alone, and the hash names the holder."""
    one, two = (deploy_wallet(world, plan_id, "SmartWallet", world.stranger.address) for _ in range(2))
    item = sign_item(world, plan_id, world.stranger, 5, holder=one.address)
    assert settle_batch(world, plan_id, item.but(holder=two.address), item) == [(0, NOT_SIGNED), (5, SETTLED)]


def test_settle__of_a_wallets_key__is_not_the_wallet(world: World, plan_id: int) -> None:
    """C20: nor the other way round: what the wallet's key signed for itself is not the wallet's word."""
    wallet = deploy_wallet(world, plan_id, "SmartWallet", world.subscriber.address)
    own = sign_item(world, plan_id, world.subscriber, 5)
    outcomes = settle_batch(world, plan_id, own.but(holder=wallet.address), own)
    assert outcomes == [(0, NOT_SIGNED), (5, SETTLED)]


@pytest.mark.parametrize("answer", range(8))
def test_settle__of_an_evil_wallet__harms_no_other(world: World, plan_id: int, answer: int) -> None:
    """C21, I8: whatever it does, it does to itself; the vouchers before and behind it are settled."""
    wallet = deploy_wallet(world, plan_id, "EvilWallet")
    inner = world.credits.functions.burn(plan_id, wallet.address, 1)
    world.send(world.stranger, wallet.functions.arm(inner.address, encode(inner)))
    world.send(world.stranger, wallet.functions.setAnswer(answer))
    before, behind = (sign_item(world, plan_id, holder, 7) for holder in (world.subscriber, world.other))
    outcomes = settle_batch(world, plan_id, before, wallet_item(wallet.address), behind)
    expected = (5, SETTLED) if answer == YES else (0, NOT_SIGNED)
    assert outcomes == [(7, SETTLED), expected, (7, SETTLED)]
    assert world.balance(plan_id, wallet.address) == BALANCE - expected[0]


def test_settle__of_a_wallet_that_changes_its_mind__counts_what_it_says_now(world: World, plan_id: int) -> None:
    """C21: and what was taken while it said yes stays taken."""
    wallet = deploy_wallet(world, plan_id, "EvilWallet")
    item = wallet_item(wallet.address, ceiling=9)
    found: list[tuple[int, int]] = []
    for answer in (NO, YES, NO, YES):
        world.send(world.stranger, wallet.functions.setAnswer(answer))
        found += settle_batch(world, plan_id, item.but(total=5 + len(found)))
    assert found == [(0, NOT_SIGNED), (6, SETTLED), (0, NOT_SIGNED), (2, SETTLED)]


def test_settle__of_a_wallet_that_says_yes_to_all__still_has_its_ceiling_and_balance(
    world: World, plan_id: int
) -> None:
    """I4 holds by what each voucher says; a wallet without a lock has none."""
    wallet = deploy_wallet(world, plan_id, "EvilWallet")
    items = [wallet_item(wallet.address, ceiling=ceiling) for ceiling in (60, 60, 200)]
    assert [amount for amount, _ in settle_batch(world, plan_id, *items)] == [60, 0, 40]


@pytest.mark.parametrize(("size", "says_yes"), [(0, 0), (4, 0), (31, 0), (32, 1), (33, 1), (100_000, 1)])
def test_settle__of_a_wallet_that_answers_so_many_bytes__needs_a_whole_word(
    world: World, plan_id: int, size: int, says_yes: int
) -> None:
    """The four bytes of a yes are none without the zeros behind them; what comes behind the word is not copied (C12)."""
    wallet = world.deploy("AnswersBytes", size, YES_WORD, False)
    good = sign_item(world, plan_id, world.subscriber, 5)
    outcomes = settle_batch(world, plan_id, wallet_item(wallet.address), good)
    assert outcomes == [(0, SHORT if says_yes else NOT_SIGNED), (5, SETTLED)]


@pytest.mark.parametrize("word", [bytes(32), b"\xff" * 32, (1000).to_bytes(32, "big")])
def test_settle__of_a_wallet_that_answers_another_word__is_not_signed(world: World, plan_id: int, word: bytes) -> None:
    wallet = world.deploy("AnswersBytes", 32, word, False)
    assert settle_batch(world, plan_id, wallet_item(wallet.address)) == [(0, NOT_SIGNED)]


def test_settle__of_a_wallet_that_reverts_with_a_yes__is_not_signed(world: World, plan_id: int) -> None:
    wallet = world.deploy("AnswersBytes", 32, YES_WORD, True)
    assert settle_batch(world, plan_id, wallet_item(wallet.address)) == [(0, NOT_SIGNED)]


def test_settle__of_twenty_wallets_that_burn_gas__costs_each_its_share_and_no_more(world: World, plan_id: int) -> None:
    """I8: a wallet's check has so much gas, whatever the transaction has."""
    wallet = deploy_wallet(world, plan_id, "EvilWallet")
    world.send(world.stranger, wallet.functions.setAnswer(BURN_GAS))
    items = [*[wallet_item(wallet.address)] * 20, sign_item(world, plan_id, world.subscriber, 5)]
    function = settle(world, plan_id, *items)
    receipt = world.send_with_gas(world.redeemer, function, TRANSACTION_GAS_CAP)
    assert world.events(receipt)[-1] == settled(plan_id, world.redeemer.address, 1, 5)
    assert 20 * ISOLATED_GAS < receipt["gasUsed"] < 20 * (ISOLATED_GAS + 10_000) + 100_000


def test_settle__of_more_gas_burning_wallets_than_fit__reverts_and_is_to_be_split(world: World, plan_id: int) -> None:
    """I8's other side: a batch is never settled in part, so whoever builds batches counts 210,000 gas for each wallet."""
    wallet = deploy_wallet(world, plan_id, "EvilWallet")
    world.send(world.stranger, wallet.functions.setAnswer(BURN_GAS))
    evil, good = wallet_item(wallet.address), sign_item(world, plan_id, world.subscriber, 5)
    too_many = settle(world, plan_id, *[evil] * 82, good)
    assert world.send_with_gas(world.redeemer, too_many, TRANSACTION_GAS_CAP)["status"] == 0
    as_many = settle(world, plan_id, *[evil] * 75, good)
    receipt = world.send_with_gas(world.redeemer, as_many, TRANSACTION_GAS_CAP)
    assert world.events(receipt)[-1] == settled(plan_id, world.redeemer.address, 1, 5)


# ---------------------------------------------------------------- too little gas


def _least_gas(world: World, plan_id: int, *items: Item) -> int:
    """Return the lowest gas limit with which a batch is settled at all."""
    function = settle(world, plan_id, *items)

    def suffices(gas: int) -> bool:
        try:
            simulate(world.chain, world.redeemer.address, encode(function), world.credits.address, gas=gas)
        except NvmChainError:
            return False
        return True

    low, high = 30_000, TRANSACTION_GAS_CAP
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if suffices(middle) else (middle, high)
    return high


@pytest.mark.parametrize("gas", [100_000, 150_000, 200_000])
def test_settle__with_too_little_gas_to_ask_a_wallet__reverts(world: World, plan_id: int, gas: int) -> None:
    wallet = deploy_wallet(world, plan_id, "SmartWallet", world.stranger.address)
    function = settle(world, plan_id, sign_item(world, plan_id, world.stranger, 5, holder=wallet.address))
    with pytest.raises(NotEnoughGas) as caught:
        simulate(world.chain, world.redeemer.address, encode(function), world.credits.address, gas=gas)
    assert caught.value.required == REQUIRED_GAS
    assert caught.value.available < gas


def test_settle__with_the_least_gas_that_suffices__does_not_drop_a_slow_wallet(world: World, plan_id: int) -> None:
    """A wallet that needs all the gas it is promised has it, or nothing is settled at all."""
    wallet = deploy_wallet(world, plan_id, "SlowWallet", 195_000)
    items = [wallet_item(wallet.address, signature=b"x" * 65), sign_item(world, plan_id, world.subscriber, 7)]
    least = _least_gas(world, plan_id, *items)
    for gas in (least - 1, least, least + 1, least + 2000, least + 10_000, 2 * least):
        snapshot = world.take_snapshot()
        receipt = world.send_with_gas(world.redeemer, settle(world, plan_id, *items), gas)
        if gas < least:
            assert receipt["status"] == 0
        else:
            assert world.events(receipt)[-1] == settled(plan_id, world.redeemer.address, 2, 12)
        world.revert_to(snapshot)


def test_settle__of_a_wallet_slower_than_allowed__is_not_signed_with_any_gas(world: World, plan_id: int) -> None:
    wallet = deploy_wallet(world, plan_id, "SlowWallet", ISOLATED_GAS)
    assert settle_batch(world, plan_id, wallet_item(wallet.address)) == [(0, NOT_SIGNED)]


def test_settle__of_keys_alone__needs_no_gas_for_wallets(world: World, plan_id: int) -> None:
    """Nor do forged signatures of them: only of an account with code anything is asked."""
    good = sign_item(world, plan_id, world.subscriber, 5)
    assert _least_gas(world, plan_id, good, good.but(ceiling=9)) < REQUIRED_GAS


# ---------------------------------------------------------------- an account that became a contract (EIP-7702)


@pytest.mark.parametrize("answer", [YES, NO, REVERT, BURN_GAS])
def test_settle__of_a_delegated_account__counts_its_own_key_whatever_the_code_says(
    world: World, plan_id: int, answer: int
) -> None:
    """C22: what was signed before the delegation stays good, and the code is not even asked."""
    item = sign_item(world, plan_id, world.subscriber, 5)
    evil = world.deploy("EvilWallet")
    delegate(world, world.subscriber, evil.address)
    world.send(world.stranger, world.chain.bind(world.subscriber.address, evil.abi).functions.setAnswer(answer))
    assert settle_batch(world, plan_id, item, gas=150_000) == [(5, SETTLED)]


@pytest.mark.parametrize(("answer", "expected"), [(YES, (5, SETTLED)), (NO, (0, NOT_SIGNED))])
def test_settle__of_a_delegated_account__takes_what_its_code_accepts_too(
    world: World, plan_id: int, answer: int, expected: tuple[int, int]
) -> None:
    """C22: an account that delegates to code that says yes to everyone has given everyone its signature."""
    evil = world.deploy("EvilWallet")
    forged = sign_item(world, plan_id, world.stranger, 5, holder=world.subscriber.address)
    assert settle_batch(world, plan_id, forged) == [(0, NOT_SIGNED)]
    delegate(world, world.subscriber, evil.address)
    world.send(world.stranger, world.chain.bind(world.subscriber.address, evil.abi).functions.setAnswer(answer))
    assert settle_batch(world, plan_id, forged) == [expected]
