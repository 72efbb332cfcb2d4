"""settle, for items without signature: good exactly where the plan's rule lets the caller redeem the holder's credits without one.

And what is not encoded as the ABI says: it reverts the whole call, without data.
"""

import pytest
from eth_abi.abi import encode as encode_abi
from eth_account.signers.local import LocalAccount

from nvm_chain.enums import RedemptionRule
from nvm_chain.errors import NotRedeemer, RedeemNotAllowed, RevertedWithoutReason
from tests.support.batches import BALANCE, deploy_wallet, register_for_two, settle_batch
from tests.support.events import selector, taken
from tests.support.gas import simulate
from tests.support.reverts import reverts
from tests.support.signed import (
    ALREADY_SETTLED,
    EXPIRED,
    FOREVER,
    NOT_SIGNED,
    SETTLED,
    Item,
    not_fully_settled,
    send_at,
    settle,
    settled,
    sign_item,
    unsigned_item,
)
from tests.support.world import NO_CONTEXT, World

NO = 1
"""What EvilWallet is told so that it takes nothing for its signature."""
HOLDER, REDEEMER, OWNER = RedemptionRule

ROLES = ("builder", "redeemer", "former redeemer", "subscriber", "stranger")
"""Owner, redeemer, one who was, a holder, and nobody."""
MAY_SETTLE = ("builder", "redeemer")
BY_RULE = {HOLDER: (), REDEEMER: ("redeemer",), OWNER: ("builder", "redeemer")}
"""Whose items without signature count for anybody's credits."""

FORM = {"ceiling": 2**64 - 1, "deadline": FOREVER}
"""What makes an item without signature as good as it can be where a voucher is needed."""


def _register(world: World, rule: RedemptionRule) -> int:
    """Register a plan of which every role holds 100 credits, with a redeemer and one who was."""
    plan_id, functions = register_for_two(world, rule=rule), world.credits.functions
    for allowed in (True, False):
        world.send(world.builder, functions.setRedeemer(plan_id, world.relayer.address, allowed))
    for account in (world.builder, world.redeemer, world.relayer, world.stranger):
        world.grant(plan_id, account.address, BALANCE)
    return plan_id


def _settle(world: World, plan_id: int, role: str, *items: Item) -> list[tuple[int, int]]:
    """Settle as a role and return the outcomes, by which a call and the events of the transaction agree."""
    caller, call = _account(world, role), settle(world, plan_id, *items)
    outcomes: list[tuple[int, int]] = [tuple(each) for each in world.read(call, caller.address)]
    expected = []
    for item, (amount, result) in zip(items, outcomes, strict=True):
        expected += [taken(caller.address, item.holder, plan_id, amount)] if amount else []
        expected += [not_fully_settled(plan_id, item.holder, amount, result)] if result != SETTLED else []
    amounts = [amount for amount, _ in outcomes if amount]
    expected.append(settled(plan_id, caller.address, len(amounts), sum(amounts)))
    assert world.events(world.send(caller, call)) == expected
    return outcomes


def _account(world: World, role: str) -> LocalAccount:
    account: LocalAccount = world.relayer if role == "former redeemer" else getattr(world, role)
    return account


# ---------------------------------------------------------------- each rule, each caller


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("rule", list(RedemptionRule))
def test_settle__of_anothers_item_without_signature__counts_by_the_rule(
    world: World, rule: RedemptionRule, role: str
) -> None:
    plan_id, holder = _register(world, rule), world.other.address
    item = unsigned_item(holder, 5).but(**FORM)
    if role not in MAY_SETTLE:
        with reverts(NotRedeemer(plan_id, _account(world, role).address)):
            world.send(_account(world, role), settle(world, plan_id, item))
        return
    expected = (5, SETTLED) if role in BY_RULE[rule] else (0, NOT_SIGNED)
    assert _settle(world, plan_id, role, item) == [expected]
    assert world.balance(plan_id, holder) == BALANCE - expected[0]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("rule", list(RedemptionRule))
def test_settle__of_the_callers_own_item_without_signature__counts_for_who_may_settle(
    world: World, rule: RedemptionRule, role: str
) -> None:
    """Under HOLDER and REDEEMER everybody redeems their own; under OWNER whoever may settle redeems everybody's."""
    plan_id, caller = _register(world, rule), _account(world, role)
    item = unsigned_item(caller.address, 5)
    if role not in MAY_SETTLE:
        with reverts(NotRedeemer(plan_id, caller.address)):
            world.send(caller, settle(world, plan_id, item))
        return
    assert _settle(world, plan_id, role, item) == [(5, SETTLED)]
    assert world.balance(plan_id, caller.address) == BALANCE - 5


@pytest.mark.parametrize("role", MAY_SETTLE)
@pytest.mark.parametrize("rule", list(RedemptionRule))
def test_settle__without_signature__counts_where_redeem_does(world: World, rule: RedemptionRule, role: str) -> None:
    """The same rule, asked by its other reader: what redeem takes settle takes, and nothing else."""
    plan_id, caller = _register(world, rule), _account(world, role)
    for holder in (world.other.address, caller.address):
        snapshot = world.take_snapshot()
        ((amount, _),) = _settle(world, plan_id, role, unsigned_item(holder, 5).but(**FORM))
        world.revert_to(snapshot)
        redeem = world.credits.functions.redeem(plan_id, holder, 5, NO_CONTEXT)
        if amount:
            world.send(caller, redeem)
        else:
            with reverts(RedeemNotAllowed(plan_id, holder, caller.address)):
                world.send(caller, redeem)


@pytest.mark.parametrize("role", MAY_SETTLE)
@pytest.mark.parametrize("rule", list(RedemptionRule))
def test_settle__with_a_bad_signature__is_not_signed_where_none_would_do(
    world: World, rule: RedemptionRule, role: str
) -> None:
    """A signature that is there has to be good, whoever calls: it is never read as if it were not there."""
    plan_id = _register(world, rule)
    for signature in (b"\0", b"\1", bytes(64), bytes(65), b"\xff" * 65, b"x" * 1000):
        item = unsigned_item(world.other.address, 5).but(signature=signature, **FORM)
        assert _settle(world, plan_id, role, item, item.but(holder=_account(world, role).address)) == [
            (0, NOT_SIGNED),
            (0, NOT_SIGNED),
        ]


@pytest.mark.parametrize("rule", list(RedemptionRule))
def test_settle__of_a_wallet_without_signature__asks_it_only_where_the_rule_does_not_do(
    world: World, rule: RedemptionRule
) -> None:
    """An empty signature is one that a wallet may take (ERC-1271); by the rule it is not asked, and cannot refuse."""
    plan_id = _register(world, rule)
    wallet = deploy_wallet(world, plan_id, "EvilWallet")
    item = unsigned_item(wallet.address, 5).but(**FORM)
    world.send(world.stranger, wallet.functions.setAnswer(NO))
    by_rule = "redeemer" in BY_RULE[rule]
    assert _settle(world, plan_id, "redeemer", item) == [(5, SETTLED) if by_rule else (0, NOT_SIGNED)]
    world.send(world.stranger, wallet.functions.setAnswer(0))
    assert _settle(world, plan_id, "redeemer", item.but(total=9)) == [(4 if by_rule else 9, SETTLED)]


# ---------------------------------------------------------------- what is not read


@pytest.mark.parametrize(
    "unread",
    [{"ceiling": 0}, {"ceiling": 4}, {"deadline": 0}, {"deadline": 1}, {"context": b"\xff" * 32}, FORM],
    ids=["no ceiling", "a lower ceiling", "no deadline", "a deadline that is over", "a context", "the most of all"],
)
@pytest.mark.parametrize(("rule", "role"), [(REDEEMER, "redeemer"), (OWNER, "builder"), (OWNER, "redeemer")])
def test_settle__without_signature__reads_neither_ceiling_nor_context_nor_deadline(
    world: World, rule: RedemptionRule, role: str, unread: dict[str, object]
) -> None:
    plan_id = _register(world, rule)
    assert _settle(world, plan_id, role, unsigned_item(world.other.address, 5).but(**unread)) == [(5, SETTLED)]


@pytest.mark.parametrize("role", MAY_SETTLE)
def test_settle__of_ones_own_without_signature__reads_neither_ceiling_nor_deadline(world: World, role: str) -> None:
    plan_id, caller = _register(world, HOLDER), _account(world, role)
    assert _settle(world, plan_id, role, unsigned_item(caller.address, 5)) == [(5, SETTLED)]
    assert _settle(world, plan_id, role, unsigned_item(caller.address, 7).but(ceiling=6, deadline=1)) == [(2, SETTLED)]


def test_settle__without_signature_where_one_is_needed__reads_them_as_of_a_voucher(world: World) -> None:
    """The order of the checks is that of every voucher: expired, settled already, not signed."""
    plan_id = _register(world, HOLDER)
    item = unsigned_item(world.other.address, 5)
    items = [item, item.but(deadline=FOREVER), item.but(ceiling=5, deadline=FOREVER), item.but(total=0, **FORM)]
    results = [result for _, result in _settle(world, plan_id, "redeemer", *items)]
    assert results == [EXPIRED, ALREADY_SETTLED, NOT_SIGNED, ALREADY_SETTLED]


@pytest.mark.parametrize("second", [-1, 0, 1])
def test_settle__around_a_deadline__ends_the_voucher_and_not_the_item_without(world: World, second: int) -> None:
    """C32."""
    plan_id, deadline = _register(world, REDEEMER), world.now + 1000
    signed = sign_item(world, plan_id, world.subscriber, 5, deadline=deadline)
    bare = unsigned_item(world.other.address, 5).but(deadline=deadline, ceiling=5)
    send_at(world, deadline + second, world.redeemer, settle(world, plan_id, signed, bare))
    assert world.balance(plan_id, world.subscriber.address) == BALANCE - (5 if second <= 0 else 0)
    assert world.balance(plan_id, world.other.address) == BALANCE - 5


# ---------------------------------------------------------------- data that is not as the ABI says

SETTLE = "settle(uint256,(address,uint64,uint64,bytes32,uint64,bytes)[])"
LIST, COUNT, OFFSET, HOLDER_WORD, TOTAL, CEILING, CONTEXT, DEADLINE, SIGNATURE, LENGTH = range(1, 11)
"""Which word of the arguments is which, for a batch of one item."""

BEYOND = [10_000, 2**64 - 1, 2**64, 2**128, 2**255, 2**256 - 32, 2**256 - 1]
Change = tuple[int, int]

WIDE: list[Change] = [
    (HOLDER_WORD, 2**160),
    (HOLDER_WORD, 2**255),
    *((word, bit) for word in (TOTAL, CEILING, DEADLINE) for bit in (2**64, 2**65, 2**255)),
]
"""Words in which one bit is set that the type does not have."""

NOWHERE: list[Change] = [
    *((word, offset) for word in (LIST, OFFSET) for offset in BEYOND),
    *((COUNT, count) for count in (2, 3, 10_000, 2**64, 2**251, 2**256 - 1)),
]
"""Offsets and lengths that lead out of the data."""

SIGNATURE_NOWHERE: list[Change] = [
    *((SIGNATURE, offset) for offset in (10_000, 2**63, 2**64 - 1, 2**64, 2**128, 2**255)),
    *((LENGTH, length) for length in (97, 10_000, 2**64 - 1, 2**64, 2**128, 2**255, 2**256 - 1)),
]
"""Of a signature that has to be read."""


def _words(plan_id: int, item: Item) -> list[int]:
    data = encode_abi(["uint256", "(address,uint64,uint64,bytes32,uint64,bytes)[]"], [plan_id, [item.as_tuple()]])
    return [int.from_bytes(data[start : start + 32], "big") for start in range(0, len(data), 32)]


def _call(world: World, role: str, words: list[int]) -> bytes:
    data = "0x" + (selector(SETTLE) + b"".join(word.to_bytes(32, "big") for word in words)).hex()
    return simulate(world.chain, _account(world, role).address, data, world.credits.address)


def _but(words: list[int], word: int, value: int, *, wide: bool) -> list[int]:
    changed = list(words)
    changed[word] = changed[word] | value if wide else value
    return changed


def _items(world: World, plan_id: int) -> dict[str, Item]:
    good = sign_item(world, plan_id, world.subscriber, 5)
    return {
        "signed": good,
        "unsigned": unsigned_item(world.subscriber.address, 5),
        "own": unsigned_item(world.redeemer.address, 5),
        "not signed": good.but(signature=b"\1" * 65),
        "settled already": good.but(total=0),
        "expired": good.but(deadline=0),
    }


MAKERS: list[str] = ["signed", "unsigned", "own", "not signed", "settled already", "expired"]


@pytest.fixture
def by_rule(world: World) -> int:
    """A plan whose redeemers need no signature."""
    return _register(world, REDEEMER)


def test_settle__of_each_item_below__is_an_ordinary_call(world: World, by_rule: int) -> None:
    """The check of the checks below: what they change are good calls."""
    for item in _items(world, by_rule).values():
        assert _call(world, "redeemer", _words(by_rule, item))


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize(("word", "bit"), WIDE)
def test_settle__with_a_word_that_is_too_wide__reverts_without_data(
    world: World, by_rule: int, name: str, word: int, bit: int
) -> None:
    """C31: whether or not the field counts for this item."""
    with reverts(RevertedWithoutReason("0x")):
        _call(world, "redeemer", _but(_words(by_rule, _items(world, by_rule)[name]), word, bit, wide=True))


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize(("word", "value"), NOWHERE)
def test_settle__with_an_item_that_is_not_in_the_data__reverts_without_data(
    world: World, by_rule: int, name: str, word: int, value: int
) -> None:
    with reverts(RevertedWithoutReason("0x")):
        _call(world, "redeemer", _but(_words(by_rule, _items(world, by_rule)[name]), word, value, wide=False))


@pytest.mark.parametrize(("word", "value"), SIGNATURE_NOWHERE)
def test_settle__with_a_signature_that_is_not_in_the_data__reverts_without_data(
    world: World, word: int, value: int
) -> None:
    plan_id = _register(world, HOLDER)
    words = _words(plan_id, sign_item(world, plan_id, world.subscriber, 5))
    with reverts(RevertedWithoutReason("0x")):
        _call(world, "redeemer", _but(words, word, value, wide=False))


@pytest.mark.parametrize(("word", "value"), SIGNATURE_NOWHERE)
def test_settle__by_rule_with_a_signature_that_is_not_in_the_data__reverts(
    world: World, by_rule: int, word: int, value: int
) -> None:
    """Behind the data there are zeros, which are not taken for the length of no signature."""
    words = _but(_words(by_rule, sign_item(world, by_rule, world.subscriber, 5)), word, value, wide=False)
    with reverts(RevertedWithoutReason("0x")):
        _call(world, "redeemer", words)


@pytest.mark.parametrize("cut", [1, 32, 65, 97, 128, 160, 200, 320])
@pytest.mark.parametrize("rule", [HOLDER, REDEEMER])
def test_settle__of_data_that_was_cut_off__takes_nothing_that_needs_a_signature(
    world: World, rule: RedemptionRule, cut: int
) -> None:
    """So many bytes before the end of the signature, which has 31 of padding behind it; 65 of them are all of it and its length stays."""
    plan_id = _register(world, rule)
    item = sign_item(world, plan_id, world.subscriber, 5)
    data = settle(world, plan_id, item)._encode_transaction_data()
    with reverts(RevertedWithoutReason("0x")):
        simulate(world.chain, world.redeemer.address, data[: -2 * (cut + 31)], world.credits.address)


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("change", [(0, 2**160), (1, 2**64), (2, 2**64), (4, 2**64), (5, 2**64)])
def test_settle__with_one_item_that_is_not_as_the_abi_says__takes_nothing_of_the_others(
    world: World, by_rule: int, change: Change, is_first: bool
) -> None:
    """The whole call, whatever came before it: unlike an item that is well-formed and bad."""
    good, bad = sign_item(world, by_rule, world.other, 5), sign_item(world, by_rule, world.subscriber, 5)
    pair = [bad, good] if is_first else [good, bad]
    words = [
        int.from_bytes(word, "big") for word in _split(settle(world, by_rule, *pair)._encode_transaction_data()[10:])
    ]
    start = 3 + words[3 + (not is_first)] // 32  # the offsets of the two items count from the first of them
    words[start + change[0]] = words[start + change[0]] + change[1]
    with reverts(RevertedWithoutReason("0x")):
        _call(world, "redeemer", words)


def _split(data: str) -> list[bytes]:
    raw = bytes.fromhex(data)
    return [raw[start : start + 32] for start in range(0, len(raw), 32)]


@pytest.mark.parametrize("items", [1, 2, 5])
def test_settle__with_items_in_one_place__counts_each(world: World, by_rule: int, items: int) -> None:
    """Offsets that name one place many times are as the ABI says: it is the same item each time, and takes once."""
    words = _words(by_rule, unsigned_item(world.subscriber.address, 5))
    body = words[HOLDER_WORD:]
    shared = [*words[:COUNT], items, *[32 * items] * items, *body]
    outcomes = _call(world, "redeemer", shared)
    numbers = [int.from_bytes(word, "big") for word in _split(outcomes.hex())]
    assert numbers == [32, items, 5, SETTLED, *[0, ALREADY_SETTLED] * (items - 1)]


def test_settle__beside_each_other_with_and_without_signature__is_one_batch(world: World, by_rule: int) -> None:
    holder = world.subscriber
    items = [unsigned_item(holder.address, 3), sign_item(world, by_rule, holder, 5), unsigned_item(holder.address, 7)]
    assert settle_batch(world, by_rule, *items) == [(3, SETTLED), (2, SETTLED), (2, SETTLED)]
