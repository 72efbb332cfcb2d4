"""settle under attack: forged and foreign signatures, wallets that mean harm, redeemers who save gas."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from eth_abi.abi import decode as decode_abi
from eth_abi.abi import encode as encode_abi
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount
from web3.contract.contract import Contract

from nvm_chain.contract_errors import NotEnoughGas
from nvm_chain.eip712 import hash_message
from nvm_chain.errors import NvmChainError, RevertedWithoutReason
from nvm_chain.vouchers import VOUCHER
from tests.support.events import selector, taken
from tests.support.gas import TRANSACTION_GAS_CAP, simulate
from tests.support.reentry import encode, through_many
from tests.support.reverts import reverts
from tests.support.signed import (
    FOREVER,
    NOT_SIGNED,
    SETTLED,
    SHORT,
    TRANSACTION_GAS,
    Item,
    domain_of,
    register_with_redeemer,
    settle,
    settled,
    sign_item,
)
from tests.support.vectors import VOUCHERS, name, read_hex
from tests.support.world import NO_CONTEXT, ZERO, World

BALANCE = 100
YES, NO, DIRTY, EMPTY, REVERT, BOMB, BURN_GAS, REENTER = range(8)
ISOLATED_GAS = 200_000
YES_WORD = bytes.fromhex("1626ba7e") + bytes(28)
REQUIRED_GAS = ISOLATED_GAS + ISOLATED_GAS // 63 + 5000
IDENTITY = "0x" + "00" * 19 + "04"
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@pytest.fixture
def plan_id(world: World) -> int:
    """A plan with the redeemer approved, of which subscriber and other hold 100 credits each."""
    plan_id = register_with_redeemer(world)
    for holder in (world.subscriber, world.other):
        world.grant(plan_id, holder.address, BALANCE)
    return plan_id


def _settle(world: World, plan_id: int, *items: Item, gas: int = TRANSACTION_GAS) -> list[tuple[int, int]]:
    """Settle as the redeemer and return the outcomes, by which a call and the transaction's events agree."""
    function, redeemer = settle(world, plan_id, *items), world.redeemer.address
    outcomes: list[tuple[int, int]] = [tuple(outcome) for outcome in world.read(function, redeemer)]
    receipt = world.send_with_gas(world.redeemer, function, gas)
    amounts = [amount for amount, _ in outcomes if amount]
    moves = [taken(redeemer, item.holder, plan_id, got) for item, (got, _) in zip(items, outcomes, strict=True) if got]
    events = world.events(receipt)
    assert [event for event in events if event[0] == "TransferSingle"] == moves
    assert events[-1] == settled(plan_id, redeemer, len(amounts), sum(amounts))
    return outcomes


def _wallet_item(holder: str, *, signature: bytes = b"", ceiling: int = 5) -> Item:
    return Item(holder, ceiling, ceiling, NO_CONTEXT, FOREVER, signature)


def _wallet(world: World, plan_id: int, name: str, *arguments: Any) -> Contract:
    """Deploy a wallet that holds credits of the plan."""
    wallet = world.deploy(name, *arguments)
    world.grant(plan_id, wallet.address, BALANCE)
    return wallet


# ---------------------------------------------------------------- forms of a signature


def _bytes(r: int, s: int, v: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([v])


def _compact(r: int, s: int, v: int) -> bytes:
    return _bytes(r, s | (v - 27) << 255, 0)[:64]


Form = Callable[[int, int, int], bytes]


def _with_v(number: int) -> Form:
    return lambda r, s, _: _bytes(r, s, number)


FORMS: dict[str, Form] = {
    "65 bytes, r, s, v": _bytes,
    "64 bytes, EIP-2098": _compact,
    "65 bytes with the high s and the other v": lambda r, s, v: _bytes(r, CURVE_ORDER - s, 55 - v),
    "65 bytes with the other v": lambda r, s, v: _bytes(r, s, 55 - v),
    "65 bytes with the high s and the same v": lambda r, s, v: _bytes(r, CURVE_ORDER - s, v),
    "64 bytes with the other parity": lambda r, s, v: _compact(r, s, 55 - v),
    **{f"v {number}": _with_v(number) for number in (0, 1, 26, 29, 30, 31)},
    "v before r and s": lambda r, s, v: bytes([v]) + _bytes(r, s, v)[:64],
    "no bytes": lambda *_: b"",
    "32 bytes": lambda r, s, v: _bytes(r, s, v)[:32],
    "63 bytes": lambda r, s, v: _bytes(r, s, v)[:63],
    "66 bytes": lambda r, s, v: _bytes(r, s, v) + b"\0",
    "96 bytes, r, s, v as words": lambda r, s, v: _bytes(r, s, v)[:64] + v.to_bytes(32, "big"),
    "65 zeros": lambda *_: bytes(65),
    "64 zeros": lambda *_: bytes(64),
    "r 0": lambda _, s, v: _bytes(0, s, v),
    "s 0": lambda r, _, v: _bytes(r, 0, v),
    "r and s the other way round": lambda r, s, v: _bytes(s, r, v),
}
"""How each form of the vectors is made of one signature; what is not here does not depend on it."""


def _remake(form: str, signature: bytes) -> bytes:
    r, s = (int.from_bytes(part, "big") for part in (signature[:32], signature[32:64]))
    return FORMS[form](r, s, signature[64])


@pytest.mark.parametrize("form", FORMS)
def test_forms__of_the_vectors_signature__are_the_vectors(form: str) -> None:
    """The check of the check below: we mean the same forms as the vectors."""
    expected = {vector["name"]: vector["signature"] for vector in VOUCHERS["signatures"]}
    assert _remake(form, read_hex(VOUCHERS["vectors"][0]["signature"])) == read_hex(expected[form])


@pytest.mark.parametrize("vector", VOUCHERS["signatures"], ids=name)
def test_settle__of_each_form_of_signature__has_the_vectors_verdict(
    world: World, plan_id: int, vector: dict[str, Any]
) -> None:
    """C18, C19."""
    good = sign_item(world, plan_id, world.subscriber, 5)
    form = vector["name"]
    signature = _remake(form, good.signature) if form in FORMS else read_hex(vector["signature"])
    expected = (5, SETTLED) if vector["verdict"] == "valid" else (0, NOT_SIGNED)
    assert _settle(world, plan_id, good.but(signature=signature)) == [expected]


def test_settle__of_two_forms_of_one_signature__counts_once(world: World, plan_id: int) -> None:
    """C18: nothing is keyed on the bytes of a signature, so it does not matter that there are several."""
    good = sign_item(world, plan_id, world.subscriber, 5)
    forms = ("65 bytes, r, s, v", "64 bytes, EIP-2098", "65 bytes with the high s and the other v")
    items = [good.but(signature=_remake(form, good.signature)) for form in forms]
    assert [amount for amount, _ in _settle(world, plan_id, *items)] == [5, 0, 0]


def test_settle__of_ten_kilobytes_of_signature__is_not_signed(world: World, plan_id: int) -> None:
    good = sign_item(world, plan_id, world.subscriber, 5)
    outcomes = _settle(world, plan_id, good.but(signature=b"x" * 10_000), good)
    assert outcomes == [(0, NOT_SIGNED), (5, SETTLED)]


# ---------------------------------------------------------------- what was not signed


@pytest.mark.parametrize(
    "change",
    [{"ceiling": 6}, {"ceiling": 4}, {"context": b"\1" * 32}, {"deadline": FOREVER - 1}],
    ids=["higher", "lower", "context", "deadline"],
)
def test_settle__of_a_voucher_changed_after_signing__is_not_signed(
    world: World, plan_id: int, change: dict[str, Any]
) -> None:
    item = sign_item(world, plan_id, world.subscriber, 5)
    assert _settle(world, plan_id, item.but(**change), item) == [(0, NOT_SIGNED), (5, SETTLED)]


def test_settle__of_another_holders_credits__is_not_signed(world: World, plan_id: int) -> None:
    """I3: also with the other's own signature on a voucher of theirs."""
    item = sign_item(world, plan_id, world.subscriber, 5)
    forged = sign_item(world, plan_id, world.subscriber, 5, holder=world.other.address)
    outcomes = _settle(world, plan_id, item.but(holder=world.other.address), forged)
    assert outcomes == [(0, NOT_SIGNED), (0, NOT_SIGNED)]


@pytest.mark.parametrize("role", ["redeemer", "builder", "stranger"])
def test_settle__signed_by_who_profits__is_not_signed(world: World, plan_id: int, role: str) -> None:
    forged = sign_item(world, plan_id, getattr(world, role), 5, holder=world.subscriber.address)
    assert _settle(world, plan_id, forged) == [(0, NOT_SIGNED)]


@pytest.mark.parametrize("role", ["builder", "relayer", "stranger"])
def test_settle__of_a_voucher_that_names_another_redeemer__is_not_signed(world: World, plan_id: int, role: str) -> None:
    item = sign_item(world, plan_id, world.subscriber, 5, redeemer=getattr(world, role).address)
    assert _settle(world, plan_id, item) == [(0, NOT_SIGNED)]


def test_settle__of_a_voucher_for_another_plan__is_not_signed(world: World, plan_id: int) -> None:
    """C16: the same redeemer, holder and ceiling."""
    other = register_with_redeemer(world)
    world.grant(other, world.subscriber.address, BALANCE)
    item = sign_item(world, other, world.subscriber, 5)
    assert _settle(world, plan_id, item) == [(0, NOT_SIGNED)]
    assert _settle(world, other, item) == [(5, SETTLED)]


@pytest.mark.parametrize("field", ["chain_id", "address", "name", "version"])
def test_settle__of_a_voucher_from_elsewhere__is_not_signed(world: World, plan_id: int, field: str) -> None:
    """C17: signed on a fork, for the same code at another address, for another version."""
    here = domain_of(world)
    twin = world.deploy("Credits", world.fee_owner.address).address
    changes: dict[str, Any] = {"chain_id": here.chain_id + 1, "address": twin, "name": "Credits", "version": "2"}
    item = sign_item(world, plan_id, world.subscriber, 5, domain=replace(here, **{field: changes[field]}))
    assert _settle(world, plan_id, item) == [(0, NOT_SIGNED)]


def test_settle__of_a_personal_message__is_not_signed(world: World, plan_id: int) -> None:
    """Whoever signs 32 bytes that a site shows them has not signed a voucher."""
    item = sign_item(world, plan_id, world.subscriber, 5)
    struct = VOUCHER.hash((plan_id, item.holder, world.redeemer.address, 5, item.context, item.deadline))
    digest = hash_message(domain_of(world).separator, struct)
    signature = bytes(world.subscriber.sign_message(encode_defunct(primitive=digest)).signature)
    assert _settle(world, plan_id, item.but(signature=signature)) == [(0, NOT_SIGNED)]


@pytest.mark.parametrize("signature", [b"", bytes(64), bytes(65), b"\xff" * 65, bytes(64) + b"\x1b"])
def test_settle__in_nobodys_name__is_not_signed(world: World, plan_id: int, signature: bytes) -> None:
    """C19: what cannot be recovered is not the signature of the zero address."""
    assert _settle(world, plan_id, _wallet_item(ZERO, signature=signature)) == [(0, NOT_SIGNED)]


def test_settle__in_the_name_of_a_precompiled_contract__is_not_signed(world: World, plan_id: int) -> None:
    """The fourth one answers any call with its own bytes, which begin with what a wallet says for yes."""
    assert _settle(world, plan_id, _wallet_item(IDENTITY)) == [(0, NOT_SIGNED)]


@pytest.mark.parametrize("role", ["credits", "usdc"])
def test_settle__in_the_name_of_a_contract_that_is_no_wallet__is_not_signed(
    world: World, plan_id: int, role: str
) -> None:
    assert _settle(world, plan_id, _wallet_item(getattr(world, role).address)) == [(0, NOT_SIGNED)]


SETTLE = "settle(uint256,(address,uint64,uint64,bytes32,uint64,bytes)[])"
WIDE = ["uint256", "(uint256,uint256,uint256,bytes32,uint256,bytes)[]"]


@pytest.mark.parametrize("field", ["holder", "amount", "ceiling", "deadline"])
def test_settle__with_a_field_that_does_not_fit__reverts(world: World, plan_id: int, field: str) -> None:
    """C31: 2^64 + 5 credits are not 5, and an address has no more than 20 bytes."""
    item = sign_item(world, plan_id, world.subscriber, 5, deadline=FOREVER)
    values = {"holder": int(item.holder, 16), "amount": 5, "ceiling": 5, "context": item.context, "deadline": FOREVER}

    def call(**changes: int) -> bytes:
        wide = tuple({**values, **changes}.values())
        data = "0x" + (selector(SETTLE) + encode_abi(WIDE, [plan_id, [(*wide, item.signature)]])).hex()
        return simulate(world.chain, world.redeemer.address, data, world.credits.address)

    assert decode_abi(["(uint64,uint8)[]"], call())[0] == ((5, SETTLED),)
    with reverts(RevertedWithoutReason("0x")):
        call(**{field: int(values[field]) + 2 ** (160 if field == "holder" else 64)})  # type: ignore[call-overload]


def test_settle__twice_in_one_transaction__counts_on(world: World, plan_id: int) -> None:
    """C39: by a redeemer that is a contract; nothing is remembered from call to call but the counter."""
    actor = world.deploy("Actor")
    world.send(world.builder, world.credits.functions.setRedeemer(plan_id, actor.address, True))
    item = sign_item(world, plan_id, world.subscriber, 30, amount=20, redeemer=actor.address)
    call = settle(world, plan_id, item)
    world.send(world.stranger, through_many(actor, call, call, call))
    assert world.balance(plan_id, world.subscriber.address) == BALANCE - 30


# ---------------------------------------------------------------- wallets


def test_settle__of_a_wallet__asks_the_wallet(world: World, plan_id: int) -> None:
    wallet = _wallet(world, plan_id, "SmartWallet", world.stranger.address)
    item = sign_item(world, plan_id, world.stranger, 5, holder=wallet.address)
    outcomes = _settle(world, plan_id, item.but(ceiling=6), item, item)
    assert [amount for amount, _ in outcomes] == [0, 5, 0]


def test_settle__of_two_wallets_with_one_key__counts_for_the_holder_only(world: World, plan_id: int) -> None:
    """C20: the wallets look at the hash alone, and the hash names the holder."""
    one, two = (_wallet(world, plan_id, "SmartWallet", world.stranger.address) for _ in range(2))
    item = sign_item(world, plan_id, world.stranger, 5, holder=one.address)
    assert _settle(world, plan_id, item.but(holder=two.address), item) == [(0, NOT_SIGNED), (5, SETTLED)]


def test_settle__of_a_wallets_key__is_not_the_wallet(world: World, plan_id: int) -> None:
    """C20: nor the other way round: what the wallet's key signed for itself is not the wallet's word."""
    wallet = _wallet(world, plan_id, "SmartWallet", world.subscriber.address)
    own = sign_item(world, plan_id, world.subscriber, 5)
    outcomes = _settle(world, plan_id, own.but(holder=wallet.address), own)
    assert outcomes == [(0, NOT_SIGNED), (5, SETTLED)]


@pytest.mark.parametrize("answer", range(8))
def test_settle__of_an_evil_wallet__harms_no_other(world: World, plan_id: int, answer: int) -> None:
    """C21, I8: whatever it does, it does to itself; the vouchers before and behind it are settled."""
    wallet = _wallet(world, plan_id, "EvilWallet")
    inner = world.credits.functions.burn(plan_id, wallet.address, 1)
    world.send(world.stranger, wallet.functions.arm(inner.address, encode(inner)))
    world.send(world.stranger, wallet.functions.setAnswer(answer))
    before, behind = (sign_item(world, plan_id, holder, 7) for holder in (world.subscriber, world.other))
    outcomes = _settle(world, plan_id, before, _wallet_item(wallet.address), behind)
    expected = (5, SETTLED) if answer == YES else (0, NOT_SIGNED)
    assert outcomes == [(7, SETTLED), expected, (7, SETTLED)]
    assert world.balance(plan_id, wallet.address) == BALANCE - expected[0]


def test_settle__of_a_wallet_that_changes_its_mind__counts_what_it_says_now(world: World, plan_id: int) -> None:
    """C21: and what was taken while it said yes stays taken."""
    wallet = _wallet(world, plan_id, "EvilWallet")
    item = _wallet_item(wallet.address, ceiling=9).but(amount=5)
    found = []
    for answer in (NO, YES, NO, YES):
        world.send(world.stranger, wallet.functions.setAnswer(answer))
        found += _settle(world, plan_id, item)
    assert found == [(0, NOT_SIGNED), (5, SETTLED), (0, NOT_SIGNED), (4, SETTLED)]


def test_settle__of_a_wallet_that_says_yes_to_all__still_has_its_ceiling_and_balance(
    world: World, plan_id: int
) -> None:
    """I4 holds by what each voucher says; a wallet without a lock has none."""
    wallet = _wallet(world, plan_id, "EvilWallet")
    items = [_wallet_item(wallet.address, ceiling=ceiling) for ceiling in (60, 60, 200)]
    assert [amount for amount, _ in _settle(world, plan_id, *items)] == [60, 0, 40]


@pytest.mark.parametrize(("size", "says_yes"), [(0, 0), (4, 0), (31, 0), (32, 1), (33, 1), (100_000, 1)])
def test_settle__of_a_wallet_that_answers_so_many_bytes__needs_a_whole_word(
    world: World, plan_id: int, size: int, says_yes: int
) -> None:
    """The four bytes of a yes are none without the zeros behind them; what comes behind the word is not copied (C12)."""
    wallet = world.deploy("AnswersBytes", size, YES_WORD, False)
    good = sign_item(world, plan_id, world.subscriber, 5)
    outcomes = _settle(world, plan_id, _wallet_item(wallet.address), good)
    assert outcomes == [(0, SHORT if says_yes else NOT_SIGNED), (5, SETTLED)]


@pytest.mark.parametrize("word", [bytes(32), b"\xff" * 32, (1000).to_bytes(32, "big")])
def test_settle__of_a_wallet_that_answers_another_word__is_not_signed(world: World, plan_id: int, word: bytes) -> None:
    wallet = world.deploy("AnswersBytes", 32, word, False)
    assert _settle(world, plan_id, _wallet_item(wallet.address)) == [(0, NOT_SIGNED)]


def test_settle__of_a_wallet_that_reverts_with_a_yes__is_not_signed(world: World, plan_id: int) -> None:
    wallet = world.deploy("AnswersBytes", 32, YES_WORD, True)
    assert _settle(world, plan_id, _wallet_item(wallet.address)) == [(0, NOT_SIGNED)]


def test_settle__of_twenty_wallets_that_burn_gas__costs_each_its_share_and_no_more(world: World, plan_id: int) -> None:
    """I8: a wallet's check has so much gas, whatever the transaction has."""
    wallet = _wallet(world, plan_id, "EvilWallet")
    world.send(world.stranger, wallet.functions.setAnswer(BURN_GAS))
    items = [*[_wallet_item(wallet.address)] * 20, sign_item(world, plan_id, world.subscriber, 5)]
    function = settle(world, plan_id, *items)
    receipt = world.send_with_gas(world.redeemer, function, TRANSACTION_GAS_CAP)
    assert world.events(receipt)[-1] == settled(plan_id, world.redeemer.address, 1, 5)
    assert 20 * ISOLATED_GAS < receipt["gasUsed"] < 20 * (ISOLATED_GAS + 10_000) + 100_000


def test_settle__of_more_gas_burning_wallets_than_fit__reverts_and_is_to_be_split(world: World, plan_id: int) -> None:
    """I8's other side: a batch is never settled in part, so whoever builds batches counts 210,000 gas for each wallet."""
    wallet = _wallet(world, plan_id, "EvilWallet")
    world.send(world.stranger, wallet.functions.setAnswer(BURN_GAS))
    evil, good = _wallet_item(wallet.address), sign_item(world, plan_id, world.subscriber, 5)
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
    wallet = _wallet(world, plan_id, "SmartWallet", world.stranger.address)
    function = settle(world, plan_id, sign_item(world, plan_id, world.stranger, 5, holder=wallet.address))
    with pytest.raises(NotEnoughGas) as caught:
        simulate(world.chain, world.redeemer.address, encode(function), world.credits.address, gas=gas)
    assert caught.value.required == REQUIRED_GAS
    assert caught.value.available < gas


def test_settle__with_the_least_gas_that_suffices__does_not_drop_a_slow_wallet(world: World, plan_id: int) -> None:
    """A wallet that needs all the gas it is promised has it, or nothing is settled at all."""
    wallet = _wallet(world, plan_id, "SlowWallet", 195_000)
    items = [_wallet_item(wallet.address, signature=b"x" * 65), sign_item(world, plan_id, world.subscriber, 7)]
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
    wallet = _wallet(world, plan_id, "SlowWallet", ISOLATED_GAS)
    assert _settle(world, plan_id, _wallet_item(wallet.address)) == [(0, NOT_SIGNED)]


def test_settle__of_keys_alone__needs_no_gas_for_wallets(world: World, plan_id: int) -> None:
    """Nor do forged signatures of them: only of an account with code anything is asked."""
    good = sign_item(world, plan_id, world.subscriber, 5)
    assert _least_gas(world, plan_id, good, good.but(ceiling=9)) < REQUIRED_GAS


# ---------------------------------------------------------------- an account that became a contract (EIP-7702)


def _delegate(world: World, account: LocalAccount, delegate: str) -> None:
    """Have an account run a contract's code; the relayer brings what it has signed."""
    eth = world.chain.web3.eth
    nonce = eth.get_transaction_count(account.address)
    signed = account.sign_authorization({"chainId": world.chain.chain_id, "address": delegate, "nonce": nonce})
    max_fee, tip = world.chain.read_fees()
    transaction: dict[str, Any] = {
        "chainId": world.chain.chain_id,
        "nonce": eth.get_transaction_count(world.relayer.address),
        "to": world.relayer.address,
        "value": 0,
        "data": "0x",
        "gas": 200_000,
        "maxFeePerGas": max_fee,
        "maxPriorityFeePerGas": tip,
        "authorizationList": [signed],
    }
    sent = eth.send_raw_transaction(world.relayer.sign_transaction(transaction).raw_transaction)
    assert eth.wait_for_transaction_receipt(sent, poll_latency=0.02)["status"] == 1
    assert len(eth.get_code(account.address)) == 23


@pytest.mark.parametrize("answer", [YES, NO, REVERT, BURN_GAS])
def test_settle__of_a_delegated_account__counts_its_own_key_whatever_the_code_says(
    world: World, plan_id: int, answer: int
) -> None:
    """C22: what was signed before the delegation stays good, and the code is not even asked."""
    item = sign_item(world, plan_id, world.subscriber, 5)
    evil = world.deploy("EvilWallet")
    _delegate(world, world.subscriber, evil.address)
    world.send(world.stranger, world.chain.bind(world.subscriber.address, evil.abi).functions.setAnswer(answer))
    assert _settle(world, plan_id, item, gas=150_000) == [(5, SETTLED)]


@pytest.mark.parametrize(("answer", "expected"), [(YES, (5, SETTLED)), (NO, (0, NOT_SIGNED))])
def test_settle__of_a_delegated_account__takes_what_its_code_accepts_too(
    world: World, plan_id: int, answer: int, expected: tuple[int, int]
) -> None:
    """C22: an account that delegates to code that says yes to everyone has given everyone its signature."""
    evil = world.deploy("EvilWallet")
    forged = sign_item(world, plan_id, world.stranger, 5, holder=world.subscriber.address)
    assert _settle(world, plan_id, forged) == [(0, NOT_SIGNED)]
    _delegate(world, world.subscriber, evil.address)
    world.send(world.stranger, world.chain.bind(world.subscriber.address, evil.abi).functions.setAnswer(answer))
    assert _settle(world, plan_id, forged) == [expected]
