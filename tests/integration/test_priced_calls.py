"""Calls and estimates with a price, on nodes of each kind: a contract sees a price, or the answer does not count."""

from typing import Any, Final

import pytest
from eth_account import Account

from nvm_chain.chain.call_forms import CALL, ESTIMATE, FORMS, HIGH, Form, recall_form
from nvm_chain.chain.client import Chain
from nvm_chain.chain.fees import read_fees
from nvm_chain.chain.gas_limits import Call
from nvm_chain.chain.priced_calls import call_priced
from nvm_chain.errors import AnswerUnreadable, InsufficientCoin, NetworkError, RevertedWithoutReason, RpcFailed
from tests.integration.raw import deploy_code
from tests.support.odd_node import SEND, Forward, Hook, OddNode, Reply, refuse
from tests.support.world import World

TELLS_PRICE: Final = bytes.fromhex("3a5f5260205ff3")
"""GASPRICE, PUSH0, MSTORE, PUSH1 32, PUSH0, RETURN."""
KEEPS_PRICE: Final = bytes.fromhex("3a5f55" + "00")
"""GASPRICE, PUSH0, SSTORE, STOP: a price costs 20,000 gas more than none."""
REFUSES_PRICE: Final = bytes.fromhex("3a15600857" + "5f5ffd" + "5b00")
"""GASPRICE, ISZERO, PUSH1 8, JUMPI, PUSH0, PUSH0, REVERT, JUMPDEST, STOP."""
REFUSES_SOME: Final = bytes.fromhex("600435" + "3a1615600c57" + "5f5ffd" + "5b00")
"""The same for a call with a word behind its selector: PUSH1 4, CALLDATALOAD, GASPRICE, AND, and so on."""
WANTS_GAS: Final = bytes.fromhex("6207a120" + "5a11600c57" + "5f5ffd" + "5b00")
"""Code that reverts unless it has more than 500,000 gas: PUSH3, GAS, GT, PUSH1 12, JUMPI, and so on."""
POOR: Final = Account.from_key("0x" + "77" * 32).address
OLD_FORM, POOR_FORM = FORMS[1:]
Odd = tuple[World, OddNode, Chain]


def price_of(chain: Chain, world: World, contract: Any, **fields: Any) -> int:
    """Return the price that a contract sees in a call."""
    told = call_priced(chain, {"from": world.stranger.address, "to": contract, "gas": 100_000, **fields})
    return int.from_bytes(told)


def runs(params: list[Any]) -> dict[str, Any]:
    """Return the fields of a call or an estimate."""
    fields: dict[str, Any] = params[0]
    return fields


def is_priced(params: list[Any]) -> bool:
    return any("Price" in name or "PerGas" in name for name in runs(params))


# ---------------------------------------------------------------------- estimates


def test_send_data__of_a_call_that_uses_more_gas_with_a_price__is_mined(world: World) -> None:
    contract = deploy_code(world, KEEPS_PRICE)
    assert world.chain.send_data(world.stranger, "0x", contract)["status"] == 1


def test_send_data__to_a_contract_that_refuses_a_price__sends_nothing(world: World) -> None:
    contract = deploy_code(world, REFUSES_PRICE)
    before = len(world.chain.read_journal(world.stranger.address))
    with pytest.raises(RevertedWithoutReason):
        world.chain.send_data(world.stranger, "0x", contract)
    assert len(world.chain.read_journal(world.stranger.address)) == before


def test_send_many__with_a_call_that_only_the_price_fails__does_not_send_that_one(odd: Odd) -> None:
    """The first call of a shape is estimated. The others are tried as calls, with a price too."""
    world, node, chain = odd
    contract = deploy_code(world, REFUSES_SOME)
    good, bad = (Call(f"0x00000000{word.hex()}", contract) for word in (bytes(32), b"\xff" * 32))
    outcomes = chain.send_many(world.stranger, [good, bad, good])
    assert [outcome.error is None for outcome in outcomes] == [True, False, True]
    assert isinstance(outcomes[1].error, RevertedWithoutReason)
    assert node.asked.count(SEND) == 2


def refuse_override(method: str, params: list[Any], forward: Forward) -> Reply:
    """Refuse a third parameter, as older nodes do."""
    return (
        refuse("too many arguments, want at most 2", -32602) if len(params) > 2 and method in (CALL, ESTIMATE) else None
    )


def refuse_prices(method: str, params: list[Any], forward: Forward) -> Reply:
    """Refuse every price in a call or an estimate."""
    return refuse("unknown field in the call") if method in (CALL, ESTIMATE) and is_priced(params) else None


def ignore_override(method: str, params: list[Any], forward: Forward) -> Reply:
    """Ignore a third parameter without a word."""
    if method in (CALL, ESTIMATE):
        del params[2:]
    return None


def ignore_prices(method: str, params: list[Any], forward: Forward) -> Reply:
    """Run every call and estimate without a price, and without a word."""
    if method in (CALL, ESTIMATE):
        for name in [name for name in runs(params) if "Price" in name or "PerGas" in name]:
            del runs(params)[name]
    return None


def revert_override(method: str, params: list[Any], forward: Forward) -> Reply:
    """Refuse a third parameter with what looks like a revert without data."""
    reverted = {"error": {"code": 3, "message": "execution reverted", "data": "0x"}}
    return reverted if len(params) > 2 and method in (CALL, ESTIMATE) else None


def answer_null_to_override(method: str, params: list[Any], forward: Forward) -> Reply:
    """Answer with null to a call with a third parameter."""
    return {"result": None} if len(params) > 2 and method in (CALL, ESTIMATE) else None


def pretend_no_base_fee(method: str, params: list[Any], forward: Forward) -> Reply:
    """Behave as a node of a chain without EIP-1559: no base fee in the blocks, and fees in a call are ignored."""
    if method == "eth_getBlockByNumber":
        answer = forward()
        del answer["result"]["baseFeePerGas"]
        return answer
    if method in (CALL, ESTIMATE):
        for name in ("maxFeePerGas", "maxPriorityFeePerGas"):
            runs(params).pop(name, None)
    return None


WITHOUT_OVERRIDE: dict[str, Hook] = {
    "refused": refuse_override,
    "ignored": ignore_override,
    "reverted": revert_override,
    "null": answer_null_to_override,
}
NODES: dict[str, tuple[Hook, Form]] = {
    **{name: (hook, POOR_FORM) for name, hook in WITHOUT_OVERRIDE.items()},
    "no base fee": (pretend_no_base_fee, OLD_FORM),
}


@pytest.mark.parametrize(("hook", "form"), NODES.values(), ids=NODES)
def test_send_data__by_a_node_without_the_best_form__is_estimated_with_a_price_all_the_same(
    odd: Odd, hook: Hook, form: Form
) -> None:
    world, node, chain = odd
    contract, refusing = deploy_code(world, KEEPS_PRICE), deploy_code(world, REFUSES_PRICE)
    node.hook = hook
    assert chain.send_data(world.stranger, "0x", contract)["status"] == 1
    with pytest.raises(RevertedWithoutReason):
        chain.send_data(world.stranger, "0x", refusing)
    assert recall_form(chain, ESTIMATE, world.stranger.address) == form
    node.asked.clear()
    chain.send_data(world.stranger, "0x", contract)
    assert node.asked.count(ESTIMATE) == 1


def test_send_data__by_a_node_that_refuses_prices__is_estimated_without_and_asked_once(odd: Odd) -> None:
    world, node, chain = odd
    node.hook = refuse_prices
    chain.send_data(world.stranger, "0x", world.other.address)
    node.asked.clear()
    chain.send_data(world.stranger, "0x", world.other.address)
    assert node.asked.count(ESTIMATE) == 1


@pytest.mark.parametrize("hook", WITHOUT_OVERRIDE.values(), ids=WITHOUT_OVERRIDE)
def test_send_many__by_a_node_that_takes_no_other_balance__tries_the_calls_with_a_price_read_once(
    odd: Odd, hook: Hook
) -> None:
    world, node, chain = odd
    contract = deploy_code(world, REFUSES_SOME)
    good, bad = (Call(f"0x00000000{word.hex()}", contract) for word in (bytes(32), b"\xff" * 32))
    node.hook = hook
    for times_asked in (None, 1 + 1 + 1 + 2):  # for the transactions, the trial, the first call, and the one that fails
        node.asked.clear()
        outcomes = chain.send_many(world.stranger, [good, bad, *[good] * 8])
        assert [place for place, outcome in enumerate(outcomes) if outcome.error is not None] == [1]
        assert times_asked is None or node.asked.count("eth_maxPriorityFeePerGas") <= times_asked
        assert times_asked is None or node.asked.count(ESTIMATE) <= 3


def test_send_data__after_an_estimate_for_a_sender_without_coin__is_estimated_with_a_price(odd: Odd) -> None:
    """That the node does not estimate with a price for a sender without coin says nothing of the other senders."""
    world, node, chain = odd
    contract = deploy_code(world, KEEPS_PRICE)
    node.hook = refuse_override
    chain.estimate_gas(POOR, "0x", contract)
    assert chain.send_data(world.stranger, "0x", contract)["status"] == 1


# ---------------------------------------------------------------------- calls


@pytest.mark.parametrize(("hook", "form"), [(None, HIGH), *NODES.values()], ids=["all", *NODES])
def test_call_priced__shows_the_contract_a_price_on_each_node_and_is_then_one_call(
    odd: Odd, hook: Hook | None, form: Form
) -> None:
    world, node, chain = odd
    contract = deploy_code(world, TELLS_PRICE)
    node.hook = hook
    assert price_of(chain, world, contract) > 0
    assert recall_form(chain, CALL, world.stranger.address) == form
    node.asked.clear()
    assert price_of(chain, world, contract) > 0
    assert node.asked.count(CALL) == 1
    assert len(node.asked) == (1 if form == HIGH else 3)


def test_call_priced__the_first_of_a_connection__is_two_requests(odd: Odd) -> None:
    world, node, chain = odd
    contract = deploy_code(world, TELLS_PRICE)
    node.asked.clear()
    price_of(chain, world, contract)
    assert node.asked == [CALL, CALL]


def test_call_priced__with_a_price_of_its_own__keeps_it(odd: Odd) -> None:
    world, _, chain = odd
    contract = deploy_code(world, TELLS_PRICE)
    assert price_of(chain, world, contract, gasPrice=10**11) == 10**11


def test_call_priced__has_the_price_of_a_transaction_with_a_usual_tip(odd: Odd) -> None:
    """A wallet may want more than one wei above the base fee."""
    world, _, chain = odd
    contract = deploy_code(world, TELLS_PRICE)
    assert price_of(chain, world, contract) == chain.web3.eth.get_block("latest")["baseFeePerGas"] + 10**9


@pytest.mark.parametrize("hook", [refuse_prices, ignore_prices])
def test_call_priced__by_a_node_that_takes_no_price__raises_instead_of_an_answer_without_one(
    odd: Odd, hook: Hook
) -> None:
    world, node, chain = odd
    contract = deploy_code(world, REFUSES_PRICE)
    node.hook = hook
    for _ in range(2):
        with pytest.raises(RpcFailed) as caught:
            call_priced(chain, {"from": world.stranger.address, "to": contract})
        assert "does not run this call with a gas price" in caught.value.problem
        assert caught.value.next_step == "Use another node."


@pytest.mark.parametrize("hook", WITHOUT_OVERRIDE.values(), ids=WITHOUT_OVERRIDE)
def test_call_priced__of_a_sender_without_coin__names_the_sender_if_the_node_takes_no_other_balance(
    odd: Odd, hook: Hook
) -> None:
    world, node, chain = odd
    contract = deploy_code(world, TELLS_PRICE)
    call = {"from": POOR, "to": contract, "gas": 100_000}
    assert int.from_bytes(call_priced(chain, call)) > 0
    chain.habits.forget()
    node.hook = hook
    with pytest.raises(RpcFailed) as caught:
        call_priced(chain, call)
    assert POOR in caught.value.problem
    assert caught.value.next_step == "Name an account with coin as the sender, or use another node."
    assert price_of(chain, world, contract) > 0
    with pytest.raises(RpcFailed) as caught:
        call_priced(chain, call)
    assert caught.value.next_step == "Name an account with coin as the sender, or use another node."


def test_call_priced__of_a_contract_that_reverts_with_nothing__is_the_contracts_refusal(odd: Odd) -> None:
    world, node, chain = odd
    contract = deploy_code(world, REFUSES_PRICE)
    for hook in (None, refuse_override, revert_override):
        chain.habits.forget()
        node.hook = hook
        with pytest.raises(RevertedWithoutReason):
            call_priced(chain, {"from": world.stranger.address, "to": contract, "gas": 100_000})


def test_call_priced__answered_with_null__is_not_an_answer(odd: Odd) -> None:
    world, node, chain = odd
    contract = deploy_code(world, TELLS_PRICE)
    price_of(chain, world, contract)
    node.hook = lambda method, params, forward: {"result": None} if method == CALL else None
    with pytest.raises(AnswerUnreadable):
        price_of(chain, world, contract)
    chain.habits.forget()
    with pytest.raises(NetworkError):
        price_of(chain, world, contract)


def test_call_priced__after_a_failure_that_passed__is_made_in_the_best_form_again(odd: Odd) -> None:
    """What a node refuses for a moment only is not remembered."""
    world, node, chain = odd
    contract = deploy_code(world, TELLS_PRICE)
    node.hook = lambda method, params, forward: refuse("internal error") if method == CALL else None
    with pytest.raises(RpcFailed):
        price_of(chain, world, contract)
    node.hook = None
    assert price_of(chain, world, contract) > 0
    assert recall_form(chain, CALL, world.stranger.address) == HIGH


def give_coin_for(world: World, gas: int) -> int:
    """Give a sender the coin for so much gas. Return the highest price of one unit."""
    price = read_fees(world.chain).max_fee
    world.chain.ask("anvil_setBalance", POOR, hex(gas * price))
    return price


@pytest.mark.parametrize("hook", WITHOUT_OVERRIDE.values(), ids=WITHOUT_OVERRIDE)
def test_call_priced__of_a_sender_with_little_coin__is_made_with_the_gas_that_it_can_pay_for(
    odd: Odd, hook: Hook
) -> None:
    world, node, chain = odd
    call = {"from": POOR, "to": deploy_code(world, WANTS_GAS), "gas": 10_000_000}
    node.hook = hook
    give_coin_for(world, 700_000)
    call_priced(chain, call, least_gas=600_000)
    node.asked.clear()
    call_priced(chain, call, least_gas=600_000)
    assert len(node.asked) == 7
    give_coin_for(world, 400_000)
    with pytest.raises(RevertedWithoutReason):
        call_priced(chain, call, least_gas=300_000)


def test_call_priced__of_a_sender_with_too_little_coin__says_how_much_is_missing(odd: Odd) -> None:
    world, node, chain = odd
    contract = deploy_code(world, WANTS_GAS)
    call = {"from": POOR, "to": contract, "gas": 10_000_000}
    node.hook = refuse_override
    for gas, requests in ((0, 10), (400_000, 15)):
        price = give_coin_for(world, gas)
        node.asked.clear()
        with pytest.raises(InsufficientCoin) as caught:
            call_priced(chain, call, least_gas=9_000_000, pays=True)
        assert (caught.value.account, caught.value.balance) == (POOR, gas * price)
        assert 500_000 * price < caught.value.required < 800_000 * price
        assert len(node.asked) == requests
        with pytest.raises(RpcFailed):
            call_priced(chain, call, least_gas=9_000_000)
        with pytest.raises(RpcFailed):
            call_priced(chain, call)


def test_call_priced__of_a_poor_sender_that_only_the_price_fails__neither_counts_nor_asks_for_less_than_it_has(
    odd: Odd,
) -> None:
    """Without a price the estimate is low, and the refusal of the call does not count with that little gas."""
    world, node, chain = odd
    call = {"from": POOR, "to": deploy_code(world, REFUSES_PRICE), "gas": 10_000_000}
    node.hook = refuse_override
    price = give_coin_for(world, 400_000)
    with pytest.raises(InsufficientCoin) as caught:
        call_priced(chain, call, least_gas=1_000_000, pays=True)
    assert caught.value.required == 1_000_000 * price


# ---------------------------------------------------------------------- gas


def cap_gas(cap: int, *, is_told: bool) -> Hook:
    """Give calls so much gas at most. A call for more is refused, or gets less without a word."""

    def hook(method: str, params: list[Any], forward: Forward) -> Reply:
        if method != CALL:
            return None
        if is_told and int(runs(params).get("gas", "0x0"), 16) > cap:
            return refuse("gas limit is too high")
        runs(params)["gas"] = hex(min(cap, int(runs(params).get("gas", hex(cap)), 16)))
        return None

    return hook


@pytest.mark.parametrize("is_told", [True, False])
def test_call_priced__with_more_gas_than_the_node_gives__counts_from_the_least_gas(odd: Odd, is_told: bool) -> None:
    world, node, chain = odd
    contract = deploy_code(world, WANTS_GAS)
    call = {"from": world.stranger.address, "to": contract, "gas": 10_000_000}
    node.hook = cap_gas(800_000, is_told=is_told)
    call_priced(chain, call, least_gas=700_000)
    chain.habits.forget()
    node.hook = cap_gas(400_000, is_told=is_told)
    with pytest.raises(RevertedWithoutReason):
        call_priced(chain, call, least_gas=300_000)
    for least in (None, 700_000):
        with pytest.raises(RpcFailed) as caught:
            call_priced(chain, call, least_gas=least)
        assert f"this call needs {least or 10_000_000}" in caught.value.problem
        assert caught.value.next_step == "Use another node."


def test_call_priced__by_a_node_with_a_low_default_that_gives_what_a_call_names__is_as_elsewhere(odd: Odd) -> None:
    world, node, chain = odd
    contract = deploy_code(world, WANTS_GAS)

    def name_gas(method: str, params: list[Any], forward: Forward) -> Reply:
        if method == CALL:
            runs(params).setdefault("gas", hex(100_000))
        return None

    node.hook = name_gas
    call_priced(chain, {"from": world.stranger.address, "to": contract, "gas": 1_000_000})
    with pytest.raises(RevertedWithoutReason):
        call_priced(chain, {"from": world.stranger.address, "to": contract, "gas": 400_000})
