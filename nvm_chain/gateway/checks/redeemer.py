"""Checks of the redeemer: whether its key can be used, and whether it can pay for gas."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.errors import NvmChainError
from nvm_chain.errors.fields import COIN
from nvm_chain.errors.formatting import count, format_money
from nvm_chain.gateway.checkout.settings import CheckoutSettings
from nvm_chain.gateway.checks.findings import Finding, good, missing, missing_by, note
from nvm_chain.gateway.configuration.parts import GatewayConfig
from nvm_chain.gateway.connecting import read_redeemer
from nvm_chain.gateway.secrets import Secrets
from nvm_chain.meter.settling.batches import MOST_ITEMS
from nvm_chain.meter.settling.gas import find_gas

SUBJECT: Final = "redeemer"
RELAY_GAS: Final = 250_000
"""The gas of an order with an authorization, and some more for tokens that need more than USDC."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The account of the redeemer, if its key can be read, and what was found."""

    account: LocalAccount | None
    findings: tuple[Finding, ...]


def check_key(config: GatewayConfig, secrets: Secrets, chain: Chain) -> Opened:
    """Return the account of the redeemer's key."""
    try:
        account = read_redeemer(config, secrets, chain)
    except NvmChainError as error:
        return Opened(None, (missing_by(SUBJECT, error),))
    if account.address in config.redeemer.former:
        advice = "Leave it out of `former`: that is for keys that settled before."
        return Opened(account, (missing(SUBJECT, f"{account.address} is among its own former keys.", advice),))
    return Opened(account, (good(SUBJECT, f"The {config.redeemer.source} is the key of {account.address}."),))


def check_coin(chain: Chain, redeemer: ChecksumAddress, checkout: CheckoutSettings) -> Iterator[Finding]:
    """Yield whether an account can pay for the gas of settlements, and for that of a day's orders of buyers if it sends them."""
    try:
        balance, price = chain.read_coin_balance(redeemer), chain.read_fees()[0]
    except NvmChainError as error:
        yield missing_by(SUBJECT, error)
        return
    smallest, largest = (find_gas(vouchers) * price for vouchers in (1, MOST_ITEMS))
    shown, needed = format_money(balance, *COIN), format_money(largest, *COIN)
    advice = f"Send {redeemer} at least {needed} on chain {chain.chain_id}."
    if balance < smallest:
        yield missing(SUBJECT, f"It has {shown}, and so cannot pay for the gas of a settlement.", advice)
    elif balance < largest:
        yield note(SUBJECT, f"It has {shown}. A settlement of {MOST_ITEMS} holders may need {needed}.", advice)
    else:
        yield good(SUBJECT, f"It has {shown} for the gas of settlements.")
    yield from _check_relays(balance, price, redeemer, checkout)


def _check_relays(balance: int, price: int, redeemer: ChecksumAddress, checkout: CheckoutSettings) -> Iterator[Finding]:
    needed, orders = checkout.relays_per_day * RELAY_GAS * price, count(checkout.relays_per_day, "order")
    if checkout.relays and balance < needed:
        shown = format_money(needed, *COIN)
        advice = (
            f"Send {redeemer} so much, or lower `relays_per_day`. Without coin, buyers are asked to send their orders."
        )
        yield note(SUBJECT, f"It sends up to {orders} of buyers in a day, which may need {shown}.", advice)
