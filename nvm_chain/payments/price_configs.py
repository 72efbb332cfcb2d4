"""Price configs under the names of the hosted system: the package's own, with its attributes and amounts as text."""

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
    """What one purchase costs, with the attributes of the hosted system. Equal to a `PriceConfig` of the same price."""

    __slots__ = ()

    @property
    def amounts(self) -> list[int]:
        """What each receiver gets; with a quoter, weights."""
        return [split.amount for split in self.splits]

    @property
    def receivers(self) -> list[ChecksumAddress]:
        """Who is paid."""
        return [split.receiver for split in self.splits]

    @property
    def token_address(self) -> ChecksumAddress:
        """The token; the zero address is the native coin."""
        return self.token

    @property
    def is_crypto(self) -> bool:
        """Whether the price is paid on chain."""
        return not self.paid_externally

    def __eq__(self, other: object) -> bool:
        """Compare the price, whichever of the two classes has it."""
        if not isinstance(other, PriceConfig):
            return NotImplemented
        return all(getattr(self, field.name) == getattr(other, field.name) for field in fields(PriceConfig))

    __hash__ = PriceConfig.__hash__


def _named(price: PriceConfig) -> PlanPriceConfig:
    return PlanPriceConfig(price.token, price.splits, price.quoter, price.paid_externally)


@renamed_parameters(receiver_address="receiver")
def get_erc20_price_config(amount: int | str, token_address: str, receiver: str) -> PlanPriceConfig:
    """Price a plan in an ERC-20 token, paid to one receiver.

    Args:
        amount: Base units of the token, as an int or as decimal digits. 20 USDC is ``20_000_000``.
        token_address: The token.
        receiver: Who is paid.

    Raises:
        InvalidAmount: The amount is not a whole number of base units.
        InvalidAddress: An address is malformed or zero.

    >>> get_erc20_price_config("20000000", "0x" + "11" * 20, "0x" + "22" * 20).amounts
    [20000000]
    """
    return _named(prices.get_erc20_price_config(_read_price(amount), token_address, receiver))


def get_crypto_price_config(amount: int | str, receiver: str, token_address: str = ZERO_ADDRESS) -> PlanPriceConfig:
    """Price a plan in an ERC-20 token or, if none is given, in the chain's native coin, paid to one receiver.

    Args:
        amount: Base units of the token, or wei, as an int or as decimal digits.
        receiver: Who is paid.
        token_address: The token; the zero address is the native coin.

    Raises:
        InvalidAmount: The amount is not a whole number of base units.
        InvalidAddress: An address is malformed or zero.

    >>> get_crypto_price_config(10**15, "0x" + "22" * 20) == get_native_token_price_config(10**15, "0x" + "22" * 20)
    True
    """
    return _named(prices.get_crypto_price_config(_read_price(amount), receiver, token_address))


@renamed_parameters(receiver_address="receiver")
def get_native_token_price_config(amount: int | str, receiver: str) -> PlanPriceConfig:
    """Price a plan in the chain's native coin, paid to one receiver. ``amount`` is in wei.

    Raises:
        InvalidAmount: The amount is not a whole number of wei.
        InvalidAddress: The receiver cannot be an address.

    >>> get_native_token_price_config(10**15, "0x" + "22" * 20).token_address
    '0x0000000000000000000000000000000000000000'
    """
    return _named(prices.get_native_token_price_config(_read_price(amount), receiver))


def get_free_price_config() -> PlanPriceConfig:
    """Make a plan free.

    >>> get_free_price_config().amounts
    []
    """
    return _named(prices.get_free_price_config())


def get_pay_as_you_go_price_config(
    amount: int | str, receiver: str, token_address: str = ZERO_ADDRESS, template_address: str | None = None
) -> PlanPriceConfig:
    """Price each request of a usage plan. The other half is `get_pay_as_you_go_credits_config`.

    Args:
        amount: What one unit costs, in base units of the token or in wei, as an int or as decimal digits.
        receiver: Who is paid.
        token_address: The token; the zero address is the native coin.
        template_address: Leave it out. Credits takes the payments itself.

    Raises:
        InvalidConfig: A template is named.
        InvalidAmount: The amount is not a whole number of base units.
        InvalidAddress: An address is malformed or zero.

    >>> get_pay_as_you_go_price_config(10_000, "0x" + "22" * 20, "0x" + "11" * 20).total
    10000
    """
    if template_address is not None:
        raise InvalidConfig("Credits takes payments for usage itself, without a template", "leave template_address out")
    return _named(prices.get_pay_as_you_go_price_config(_read_price(amount), receiver, token_address))


def get_fiat_price_config(amount: int | str, receiver: str, currency: str = "USD") -> PlanPriceConfig:
    """Refuse, as taking cards needs a vendor.

    Raises:
        NeedsVendor: Always. Its ``advice`` says how to sell for money off chain.

    >>> try:
    ...     get_fiat_price_config(2_000_000, "0x" + "22" * 20)
    ... except NeedsVendor as error:
    ...     print(error.advice)
    take the money yourself, price the plan with `get_external_price_config()` and grant it with `grant_external()`
    """
    raise NeedsVendor(f"a price of {amount!r} in {currency!r} paid to {receiver!r} by card", FIAT_ADVICE)


def _read_price(amount: int | str) -> int:
    return read_amount(amount, "price")
