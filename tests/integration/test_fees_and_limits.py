"""What a transaction may cost and use, on chains of each kind: the prices, what a rollup adds, and the margin of the gas."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from eth_account import Account
from eth_utils.address import to_checksum_address

from nvm_chain.chain import sending
from nvm_chain.chain.asking_many import ManyAsker
from nvm_chain.chain.client import Chain, open_rpc
from nvm_chain.chain.fees import GAS_ORACLE, MOST_GAS, OP_STACK, RANDOM_GAS, vary_gas
from nvm_chain.chain.gas_limits import Call, GasLimits
from nvm_chain.chain.portions import MOST_BYTES
from nvm_chain.chain.sending import Sender, limit_gas
from nvm_chain.chain.turns import Accounts
from nvm_chain.errors import InsufficientCoin, NetworkError, NvmChainError, RevertedWithoutReason, TooMuchGas
from tests.support.scripted_node import Exchange, ScriptedNode, answer_one, run_scripted_node

PAYER = Account.from_key("0x" + "11" * 32)
TO = to_checksum_address("0x" + "00" * 18 + "beef")
BASE_FEE, TIP, PRICE = 1000, 30, 1200
ESTIMATE = 50_000
BASE = 8453
FEE_OF_BYTE = 7_000_000
SIGNATURE_BYTES = 130
"""What the package adds to the data: a signature, a nonce and prices."""
DATA = "0x" + "ab" * 300


LEAST = ESTIMATE * 120 // 100
"""The gas limit of a call without extra gas, before its random part."""


def varies(gas: int, least: int = LEAST) -> bool:
    """Return whether a gas limit may be this least limit with its random part."""
    return least <= gas < least + RANDOM_GAS


@pytest.fixture
def exact_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gas limits without their random part, for tests that count the coin to a wei."""
    monkeypatch.setattr(sending, "vary_gas", lambda limit, block_gas_limit: limit)


@pytest.mark.parametrize("spare", [0, 1, 100, 10_000])
@pytest.mark.parametrize("most", [MOST_GAS, 100_000])
def test_vary_gas__raises_a_limit_a_little_and_never_above_the_most(spare: int, most: int) -> None:
    block_gas_limit = 30_000_000 if most == MOST_GAS else most
    found = {vary_gas(most - spare, block_gas_limit) for _ in range(200)}
    assert min(found) >= most - spare
    assert max(found) <= most - spare + min(spare, 1023)
    assert len(found) > 1 or spare <= 1


def block(**changes: object) -> dict[str, object]:
    """Return what these nodes say of their latest block."""
    found = {"number": "0x1", "timestamp": "0x1", "gasLimit": hex(30_000_000), "baseFeePerGas": hex(BASE_FEE)}
    return {name: value for name, value in {**found, **changes}.items() if value is not None}


@contextmanager
def a_chain(chain_id: int = 1, **answers: Any) -> Iterator[tuple[Chain, ScriptedNode]]:
    """Run a node that names prices and an estimate, and connect to it.

    ``answers`` are by method, or what makes one of the parameters. None is a method that the node does not know.
    """
    told = {
        "eth_chainId": hex(chain_id),
        "eth_getBlockByNumber": block(),
        "eth_maxPriorityFeePerGas": hex(TIP),
        "eth_gasPrice": hex(PRICE),
        "eth_estimateGas": hex(ESTIMATE),
        "eth_getBalance": hex(2**100),
        "eth_getTransactionCount": "0x0",
        "eth_getCode": "0x",
        **answers,
    }
    known = {method: answer for method, answer in told.items() if answer is not None}

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        made = {
            method: each(request["params"]) if callable(each) else each
            for method, each in known.items()
            if method == request["method"]
        }
        return answer_one(request, made)

    def script(exchange: Exchange) -> None:
        body = exchange.body
        exchange.reply([answer(each) for each in body] if isinstance(body, list) else answer(body))

    with run_scripted_node(script) as node:
        yield open_rpc(node.url, timeout_seconds=0), node


def name_fee(params: list[Any]) -> str:
    """Answer as the oracle of a rollup does: so much for each byte."""
    assert params[0]["to"] == GAS_ORACLE
    return f"0x{FEE_OF_BYTE * int(params[0]['data'][10:], 16):064x}"


def calls_of(node: ScriptedNode) -> list[dict[str, Any]]:
    """Return the calls of contracts that the node was asked for."""
    flat = [each for body in node.asked for each in (body if isinstance(body, list) else [body])]
    return [each["params"][0] for each in flat if each["method"] == "eth_call"]


# ---------------------------------------------------------------------- prices


@pytest.mark.parametrize("base_fee", [0, 1, BASE_FEE])
def test_read_fees__of_a_chain_with_a_base_fee__are_twice_that_and_the_tip(base_fee: int) -> None:
    with a_chain(eth_getBlockByNumber=block(baseFeePerGas=hex(base_fee))) as (chain, _):
        assert chain.read_fees() == (2 * base_fee + TIP, TIP)


@pytest.mark.parametrize(("price", "tip"), [(PRICE, PRICE - BASE_FEE), (BASE_FEE - 1, 0)])
def test_read_fees__of_a_node_that_names_no_tip__take_what_its_price_is_above_the_base_fee(
    price: int, tip: int
) -> None:
    with a_chain(eth_maxPriorityFeePerGas=None, eth_gasPrice=hex(price)) as (chain, _):
        assert chain.read_fees() == (2 * BASE_FEE + tip, tip)


def test_build_transaction__on_a_chain_without_a_base_fee__is_of_the_older_kind() -> None:
    with a_chain(eth_getBlockByNumber=block(baseFeePerGas=None)) as (chain, _):
        built: Any = chain.build_transaction(PAYER.address, DATA, TO)
    assert built["gasPrice"] == PRICE
    assert not {"maxFeePerGas", "maxPriorityFeePerGas"} & set(built)


def test_build_transaction__with_a_base_fee_of_nothing__is_of_the_newer_kind() -> None:
    with a_chain(eth_getBlockByNumber=block(baseFeePerGas="0x0")) as (chain, _):
        built: Any = chain.build_transaction(PAYER.address, DATA, TO)
    assert (built["maxFeePerGas"], built["maxPriorityFeePerGas"]) == (TIP, TIP)


# ---------------------------------------------------------------------- what a rollup adds


def cost_of(value: int = 0) -> int:
    """Return what the payer needs on a chain that adds nothing."""
    return value + LEAST * (2 * BASE_FEE + TIP)


def fee_of(data: str) -> int:
    """Return what data cost on the chain below."""
    return FEE_OF_BYTE * (len(data) // 2 - 1 + SIGNATURE_BYTES)


@pytest.mark.usefixtures("exact_limits")
@pytest.mark.parametrize("chain_id", sorted(OP_STACK))
@pytest.mark.parametrize(("value", "data"), [(0, DATA), (5_000, DATA), (0, "0x"), (0, "0xab")])
def test_build_transaction__on_a_rollup__needs_the_fee_of_the_chain_below_too(
    chain_id: int, value: int, data: str
) -> None:
    needed = cost_of(value) + fee_of(data)
    with a_chain(chain_id, eth_call=name_fee, eth_getBalance=hex(needed + FEE_OF_BYTE)) as (chain, _):
        chain.build_transaction(PAYER.address, data, TO, value)
    with (
        a_chain(chain_id, eth_call=name_fee, eth_getBalance=hex(needed - 1)) as (chain, _),
        pytest.raises(InsufficientCoin) as caught,
    ):
        chain.build_transaction(PAYER.address, data, TO, value)
    assert needed <= caught.value.required <= needed + FEE_OF_BYTE  # a byte more, for the 0x


@pytest.mark.usefixtures("exact_limits")
def test_build_transaction__elsewhere__asks_no_oracle_and_adds_nothing() -> None:
    with a_chain(1, eth_call=name_fee, eth_getBalance=hex(cost_of())) as (chain, node):
        chain.build_transaction(PAYER.address, DATA, TO)
        assert calls_of(node) == []


@pytest.mark.usefixtures("exact_limits")
def test_build_transaction__on_a_development_node_with_the_id_of_a_rollup__adds_nothing() -> None:
    """There is no oracle: a call of an address without code answers with nothing."""
    with a_chain(BASE, eth_call="0x", eth_getBalance=hex(cost_of())) as (chain, _):
        built: Any = chain.build_transaction(PAYER.address, DATA, TO)
    assert built["gas"] == LEAST


def test_build_transaction__on_a_rollup_whose_oracle_is_not_told__does_not_guess() -> None:
    with a_chain(BASE) as (chain, _), pytest.raises(NetworkError):
        chain.build_transaction(PAYER.address, DATA, TO)


# ---------------------------------------------------------------------- gas


@pytest.mark.parametrize("estimate", [21_000, 21_001, 999_999, 10_000_000])
@pytest.mark.parametrize("extra", [0, 1, 200_000, 3_000_000])
def test_limit_gas__is_the_estimate_with_its_margin_the_extra_gas_and_a_random_part(estimate: int, extra: int) -> None:
    found = {limit_gas(estimate, extra, 30_000_000) for _ in range(50)}
    assert all(varies(each, estimate * 120 // 100 + extra) for each in found)
    assert len(found) > 1


@pytest.mark.parametrize("block_limit", [MOST_GAS - 1, MOST_GAS, 30_000_000, 100_000])
def test_limit_gas__at_the_most_that_there_is__ends_there(block_limit: int) -> None:
    cap = min(MOST_GAS, block_limit)
    assert limit_gas(cap, 0, block_limit) == cap
    assert limit_gas(cap // 2, cap, block_limit) == cap
    with pytest.raises(TooMuchGas) as caught:
        limit_gas(cap + 1, 0, block_limit)
    assert (caught.value.needed, caught.value.cap) == (cap + 1, cap)


@pytest.mark.usefixtures("exact_limits")
@pytest.mark.parametrize("extra", [0, 200_000])
def test_build_transaction__with_extra_gas__has_it_beside_the_margin_and_needs_the_coin_for_it(extra: int) -> None:
    gas = LEAST + extra
    needed = gas * (2 * BASE_FEE + TIP)
    with a_chain(eth_getBalance=hex(needed)) as (chain, _):
        built: Any = chain.build_transaction(PAYER.address, DATA, TO, extra_gas=extra)
    assert built["gas"] == gas
    with a_chain(eth_getBalance=hex(needed - 1)) as (chain, _), pytest.raises(InsufficientCoin) as caught:
        chain.build_transaction(PAYER.address, DATA, TO, extra_gas=extra)
    assert (caught.value.balance, caught.value.required) == (needed - 1, needed)


# ---------------------------------------------------------------------- many at once


def limits_of(chain: Chain, *calls: Call) -> list[int | NvmChainError]:
    """Return the gas limits of calls that are sent together."""
    limits = GasLimits(chain, Sender(chain, Accounts(1, None)), ManyAsker(chain))
    return limits.find(PAYER.address, calls, 30_000_000)


@pytest.mark.parametrize("extra", [0, 1, 200_000])
def test_gas_limits__of_calls_of_one_shape__each_have_margin_and_extra_gas(extra: int) -> None:
    """Only the first is estimated. The others are called with as much gas and a little more, and get no less."""
    calls = [Call(DATA, TO, extra_gas=extra * number) for number in range(4)]
    with a_chain(eth_call="0x") as (chain, node):
        first, *others = limits_of(chain, *calls)
        tried = {int(call["gas"], 16) for call in calls_of(node)}
    assert isinstance(first, int)
    assert varies(first)
    assert len(tried) == 1
    assert ESTIMATE <= min(tried) <= ESTIMATE * 110 // 100
    for number, other in enumerate(others, 1):
        assert isinstance(other, int)
        assert varies(other, min(tried) * 120 // 100 + extra * number)


def test_gas_limits__of_a_call_that_fails_with_so_much__are_estimated_by_themselves() -> None:
    """Those of another shape too: another function, another length, coin in it, another contract."""
    calls = [
        Call(DATA, TO),
        Call(DATA, TO, value=1),
        Call(DATA + "ab", TO),
        Call("0x12345678" + DATA[10:], TO),
        Call(DATA, PAYER.address),
    ]
    with a_chain() as (chain, node):
        found = limits_of(chain, *calls, Call(DATA, TO))
        assert node.methods.count("eth_estimateGas") == len(calls) + 1
    assert all(isinstance(each, int) and varies(each) for each in found)


SIZES = (1, 300, 1300)


@pytest.mark.usefixtures("exact_limits")
@pytest.mark.parametrize("size", SIZES)
def test_send_many__on_a_rollup__needs_the_fee_of_the_chain_below_for_the_bytes_of_each(size: int) -> None:
    """Those of other sizes before it are left out, as they would fail."""
    data = "0x" + "ab" * size

    def estimate(params: list[Any]) -> object:
        return hex(ESTIMATE) if params[0]["data"] == data else {"error": {"code": 3, "message": "execution reverted"}}

    needed = cost_of() + fee_of(data)
    answers: Any = {"eth_call": name_fee, "eth_estimateGas": estimate, "eth_getBalance": hex(needed - 1)}
    with a_chain(BASE, **answers) as (chain, node):
        others = [Call("0x" + "ab" * each, TO) for each in SIZES if each != size]
        *failed, last = chain.send_many(PAYER, [*others, Call(data, TO)])
        assert "eth_sendRawTransaction" not in node.methods
    assert [type(outcome.error) for outcome in failed] == [RevertedWithoutReason] * 2
    assert isinstance(last.error, InsufficientCoin)
    assert needed <= last.error.required <= needed + FEE_OF_BYTE


# ---------------------------------------------------------------------- lists in portions

ITEM_BYTES = 1000


def build_items(first: int, last: int) -> Call:
    """Return a call for items of a kilobyte each, each of which may use some gas more when it counts."""
    count = last - first + 1
    return Call("0x" + "ab" * ITEM_BYTES * count, TO, extra_gas=1000 * count)


@pytest.mark.parametrize(("count", "portions"), [(1, 1), (2, 1), (118, 1), (119, 2), (236, 2), (237, 3)])
def test_divide__by_bytes__makes_as_few_as_may_be_and_each_has_margin_and_extra_gas(count: int, portions: int) -> None:
    with a_chain() as (chain, _):
        found = chain.divide(PAYER.address, count, build_items)
    assert len(found) == portions
    assert [number for each in found for number in range(each.first, each.last + 1)] == list(range(count))
    for each in found:
        size = each.last - each.first + 1
        assert len(each.call.data) // 2 <= MOST_BYTES
        assert each.call.gas is not None
        assert varies(each.call.gas, LEAST + 1000 * size)


def test_divide__of_the_same_list_on_two_machines__makes_transactions_that_differ() -> None:
    """At a base fee near 0 the prices are equal, so the gas limits make the difference."""
    with a_chain(eth_getBlockByNumber=block(baseFeePerGas="0x0"), eth_maxPriorityFeePerGas="0x0") as (chain, _):
        found = {chain.divide(PAYER.address, 2, build_items)[0].call.gas for _ in range(20)}
    assert len(found) > 1


@pytest.mark.parametrize("most", [1, 2, 3])
def test_divide__by_gas__halves_what_needs_too_much(most: int) -> None:
    """A list of which a transaction takes so many items and not more."""

    def estimate(params: list[Any]) -> str:
        return hex(MOST_GAS // most * (len(params[0]["data"]) // 2 // ITEM_BYTES))

    with a_chain(eth_estimateGas=estimate) as (chain, _):
        found = chain.divide(PAYER.address, 7, build_items)
    assert [number for each in found for number in range(each.first, each.last + 1)] == list(range(7))
    assert max(each.last - each.first + 1 for each in found) <= most


def test_divide__of_a_single_item_that_needs_too_much__says_how_much() -> None:
    with a_chain(eth_estimateGas=hex(MOST_GAS + 1)) as (chain, _), pytest.raises(TooMuchGas) as caught:
        chain.divide(PAYER.address, 4, build_items)
    assert (caught.value.needed, caught.value.cap) == (MOST_GAS + 1, MOST_GAS)
