"""Price configs under the names of the hosted system, with the amounts as text."""

from dataclasses import fields
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.errors import InvalidConfig, NeedsVendor
from nvm_chain.payments.parameters import read_amount
from nvm_chain.types import prices
from nvm_chain.types.addresses import ZERO_ADDRESS
from nvm_chain.types.prices import PriceConfig
from nvm_chain.types.renamed_parameters import renamed_parameters

FIAT_ADVICE: Final = (
    "take the money yourself, price the plan with `get_external_price_config()` and grant it with `grant_external()`"
)


class PlanPriceConfig(PriceConfig):
    """Price of one purchase, with the attributes of the hosted system. Equal to a `PriceConfig` with the same price."""

    __slots__ = ()

    @property
    def amounts(self) -> list[int]:
        """Amount of each receiver in base units. With a quoter the amounts are weights."""
        return [split.amount for split in self.splits]

    @property
    def receivers(self) -> list[ChecksumAddress]:
        """Addresses of the receivers."""
        return [split.receiver for split in self.splits]

    @property
    def token_address(self) -> ChecksumAddress:
        """Address of the token. The zero address is the native coin."""
        return self.token

    @property
    def is_crypto(self) -> bool:
        """Whether buyers pay on the chain."""
        return not self.paid_externally

    def __eq__(self, other: object) -> bool:
        """Compare the prices. The other config may be of either class."""
        if not isinstance(other, PriceConfig):
            return NotImplemented
        return all(getattr(self, field.name) == getattr(other, field.name) for field in fields(PriceConfig))

    __hash__ = PriceConfig.__hash__


def _named(price: PriceConfig) -> PlanPriceConfig:
    return PlanPriceConfig(price.token, price.splits, price.quoter, price.paid_externally)


@renamed_parameters(receiver_address="receiver")
def get_erc20_price_config(amount: int | str, token_address: str, receiver: str) -> PlanPriceConfig:
    """Build a price in an ERC-20 token for one receiver.

    Args:
        amount: Base units of the token, as an int or as decimal digits. 20 USDC is ``20_000_000``.
        token_address: The address of the token.
        receiver: The address of the receiver.

    Raises:
        InvalidAmount: The amount is not a whole number of base units.
        InvalidAddress: An address is malformed or zero.

    >>> get_erc20_price_config("20000000", "0x" + "11" * 20, "0x" + "22" * 20).amounts
    [20000000]
    """
    return _named(prices.get_erc20_price_config(_read_price(amount), token_address, receiver))


def get_crypto_price_config(amount: int | str, receiver: str, token_address: str = ZERO_ADDRESS) -> PlanPriceConfig:
    """Build a price in an ERC-20 token, or in the chain's native coin, for one receiver.

    Args:
        amount: Base units of the token, or wei, as an int or as decimal digits.
        receiver: The address of the receiver.
        token_address: The address of the token. The zero address is the native coin.

    Raises:
        InvalidAmount: The amount is not a whole number of base units.
        InvalidAddress: An address is malformed or zero.

    >>> get_crypto_price_config(10**15, "0x" + "22" * 20) == get_native_token_price_config(10**15, "0x" + "22" * 20)
    True
    """
    return _named(prices.get_crypto_price_config(_read_price(amount), receiver, token_address))


@renamed_parameters(receiver_address="receiver")
def get_native_token_price_config(amount: int | str, receiver: str) -> PlanPriceConfig:
    """Build a price in the chain's native coin for one receiver. ``amount`` is in wei.

    Raises:
        InvalidAmount: The amount is not a whole number of wei.
        InvalidAddress: The receiver is not a valid address.

    >>> get_native_token_price_config(10**15, "0x" + "22" * 20).token_address
    '0x0000000000000000000000000000000000000000'
    """
    return _named(prices.get_native_token_price_config(_read_price(amount), receiver))


def get_free_price_config() -> PlanPriceConfig:
    """Build the price of a free plan.

    >>> get_free_price_config().amounts
    []
    """
    return _named(prices.get_free_price_config())


def get_pay_as_you_go_price_config(
    amount: int | str, receiver: str, token_address: str = ZERO_ADDRESS, template_address: str | None = None
) -> PlanPriceConfig:
    """Build the price of one request of a usage plan. Use it with `get_pay_as_you_go_credits_config`.

    Args:
        amount: The price of one unit, in base units of the token or in wei, as an int or as decimal digits.
        receiver: The address of the receiver.
        token_address: The address of the token. The zero address is the native coin.
        template_address: Not supported, because Credits takes the payments itself.

    Raises:
        InvalidConfig: ``template_address`` is given.
        InvalidAmount: The amount is not a whole number of base units.
        InvalidAddress: An address is malformed or zero.

    >>> get_pay_as_you_go_price_config(10_000, "0x" + "22" * 20, "0x" + "11" * 20).total
    10000
    """
    if template_address is not None:
        raise InvalidConfig("Credits takes payments for usage itself, without a template", "leave template_address out")
    return _named(prices.get_pay_as_you_go_price_config(_read_price(amount), receiver, token_address))


def get_fiat_price_config(amount: int | str, receiver: str, currency: str = "USD") -> PlanPriceConfig:
    """Raise NeedsVendor, because payments by card need a vendor.

    Raises:
        NeedsVendor: Always. Its ``advice`` describes how to sell for payments outside the chain.

    >>> try:
    ...     get_fiat_price_config(2_000_000, "0x" + "22" * 20)
    ... except NeedsVendor as error:
    ...     print(error.advice)
    take the money yourself, price the plan with `get_external_price_config()` and grant it with `grant_external()`
    """
    raise NeedsVendor(f"a price of {amount!r} in {currency!r} paid to {receiver!r} by card", FIAT_ADVICE)


def _read_price(amount: int | str) -> int:
    return read_amount(amount, "price")
