"""The coin of a call's sender: a node that takes no other balance runs a call only with gas that the sender can pay for."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from nvm_chain.chain.fees import MOST_GAS, read_fees
from nvm_chain.chain.node import Node
from nvm_chain.errors import InsufficientCoin, RpcFailed
from nvm_chain.errors.fields import COIN
from nvm_chain.errors.formatting import format_money

Fields: TypeAlias = Mapping[str, Any]
"""The fields of a call or a transaction, as `TxParams` has them. Numbers are integers."""

PRICES: Final = ("maxFeePerGas", "maxPriorityFeePerGas", "gasPrice")
_CAUSE: Final = "the node runs a call only if its sender can pay for the gas, and accepts no other balance"


class Purse(NamedTuple):
    """What the sender of a call can spend on it: its coin in wei, and the price fields of the call."""

    coin: int
    prices: Fields

    @property
    def max_fee(self) -> int:
        """The highest price of one unit of gas, in wei."""
        return int(max(self.prices.values()))

    def gas(self, call: Fields) -> int:
        """Return the gas that the sender can pay for, but not more than the call names."""
        left = max(0, self.coin - int(call.get("value", 0)))
        most = left // self.max_fee if self.max_fee else MOST_GAS
        return min(most, int(call.get("gas", most)))

    def cost(self, call: Fields, gas: int) -> int:
        """Return the coin, in wei, that a call with this much gas needs."""
        return int(call.get("value", 0)) + gas * self.max_fee


def read_purse(node: Node, call: Fields) -> Purse:
    """Return the purse of a call's sender. Three requests, or one if the call has a price."""
    prices = {name: call[name] for name in PRICES if call.get(name) is not None}
    if not prices:
        fees = read_fees(node)
        is_old = fees.tip is None
        prices = {**fees.params(), "gasPrice" if is_old else "maxFeePerGas": fees.max_fee}  # no random part
    return Purse(node.read_coin_balance(call["from"]), prices)


def miss_coin(call: Fields, purse: Purse, gas: int) -> InsufficientCoin:
    """Return the error for a sender that should pay for a transaction with this much gas, and cannot."""
    needed, sender = purse.cost(call, gas), call["from"]
    missing = format_money(needed - purse.coin, *COIN)
    return InsufficientCoin(sender, purse.coin, needed).explain(
        _CAUSE, f"send {missing} more to {sender}, or use another node"
    )


def miss_price(call: Fields, *, is_poor: bool) -> RpcFailed:
    """Return the error for a call that the node runs without a price only, perhaps because its sender has too little."""
    error = RpcFailed("it does not run this call with a gas price")
    if is_poor:
        cause = f"it accepts no other balance for {call['from']}, which has too little coin to pay for the gas"
        return error.explain(cause, "name an account with coin as the sender, or use another node")
    cause = "without a price a contract may answer differently than to a transaction, so that answer would not count"
    return error.explain(cause, "use another node")


def miss_gas(given: int, needed: int) -> RpcFailed:
    """Return the error for a node whose limit for the gas of a call is too low."""
    error = RpcFailed(f"it gives a call about {given} gas at most, and this call needs {needed}")
    return error.explain("with less gas a contract may answer differently", "use another node")
