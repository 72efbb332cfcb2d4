"""Price configs: the price of a purchase, its receivers, and the functions that build a config."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.errors import InvalidConfig
from nvm_chain.errors.fields import Money
from nvm_chain.types.addresses import ZERO_ADDRESS, parse_address, parse_token_address
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.renamed_parameters import renamed_parameters

Amounts = Mapping[str, int] | Mapping[ChecksumAddress, int] | Iterable[tuple[str, int]]
"""Amounts by address: a mapping, or pairs. An address may appear twice in pairs."""


@dataclass(frozen=True, slots=True)
class Split:
    """One receiver's part of a purchase's price, in base units, before the protocol fee. With a quoter, a weight."""

    receiver: ChecksumAddress
    amount: Money


@dataclass(frozen=True, slots=True)
class PriceConfig:
    """The price of one purchase. ``token`` is the zero address for the native coin. A free plan does not have splits.

    A ``quoter`` is a contract that names the price of each order. Then the splits are weights. With
    ``paid_externally``, the price is paid outside the chain, and the plan is granted instead of ordered.
    """

    token: ChecksumAddress
    splits: tuple[Split, ...]
    quoter: ChecksumAddress | None = None
    paid_externally: bool = False

    @property
    def total(self) -> int:
        """The fixed price of one purchase in base units. 0 if there is no fixed price."""
        if self.quoter is not None:
            return 0
        return sum(split.amount for split in self.splits)


MAX_SPLITS: Final = 16
AMOUNT_BITS: Final = 96


@renamed_parameters(receiver_address="receiver")
def get_erc20_price_config(amount: int, token_address: str, receiver: str) -> PriceConfig:
    """Build a price in an ERC-20 token, paid to one receiver.

    ``amount`` is in base units of the token: ``usdc("20")`` or ``20_000_000`` is 20 USDC, ``20`` is 0.00002 USDC.
    Raises InvalidAmount or InvalidAddress.

    >>> get_erc20_price_config(20_000_000, "0x" + "11" * 20, "0x" + "22" * 20).total
    20000000
    """
    return get_split_price_config(parse_token_address(token_address), {receiver: amount})


def get_crypto_price_config(amount: int, receiver: str, token_address: str = ZERO_ADDRESS) -> PriceConfig:
    """Build a price with one receiver, in an ERC-20 token or, without ``token_address``, in the chain's native coin.

    ``amount`` is in base units of the token, or in wei. Raises InvalidAmount or InvalidAddress.

    >>> get_crypto_price_config(10**15, "0x" + "22" * 20) == get_native_token_price_config(10**15, "0x" + "22" * 20)
    True
    """
    return get_split_price_config(token_address, {receiver: amount})


@renamed_parameters(receiver_address="receiver")
def get_native_token_price_config(amount: int, receiver: str) -> PriceConfig:
    """Build a price in the chain's native coin, paid to one receiver. ``amount`` is in wei, see `nvm_chain.ether`.

    >>> get_native_token_price_config(10**15, "0x" + "22" * 20).token
    '0x0000000000000000000000000000000000000000'
    """
    return get_split_price_config(ZERO_ADDRESS, {receiver: amount})


def get_free_price_config() -> PriceConfig:
    """Build the price config of a free plan.

    >>> get_free_price_config().total
    0
    """
    return PriceConfig(token=ZERO_ADDRESS, splits=())


def get_split_price_config(token_address: str, amounts: Amounts) -> PriceConfig:
    """Build a price with 1 to 16 receivers. The payer pays each receiver directly.

    ``token_address`` is the zero address for the native coin. ``amounts`` are base units by receiver, each from 1 to
    2**96 - 1. In pairs, a receiver may appear twice. Raises InvalidAddress, InvalidAmount or InvalidConfig.

    >>> get_split_price_config("0x" + "11" * 20, {"0x" + "22" * 20: 15, "0x" + "33" * 20: 5}).total
    20
    """
    token = parse_token_address(token_address, or_coin=True)
    pairs = amounts.items() if isinstance(amounts, Mapping) else amounts
    splits = tuple(
        Split(parse_address(receiver, "receiver address"), check_uint(amount, AMOUNT_BITS, "price", minimum=1))
        for receiver, amount in pairs
    )
    if not 1 <= len(splits) <= MAX_SPLITS:
        raise InvalidConfig(f"a price has 1 to {MAX_SPLITS} receivers, not {len(splits)}")
    return PriceConfig(token=token, splits=splits)


def get_quoted_price_config(token_address: str, quoter_address: str, weights: Amounts) -> PriceConfig:
    """Build a price that a contract names for each order (IQuoter). The receivers share each payment by weight.

    Args:
        token_address: The token, or the zero address for the native coin.
        quoter_address: The contract that names the price.
        weights: The weights of 1 to 16 receivers, each from 1 to 2**96 - 1. The weights 3 and 1 give three quarters and
            one quarter.

    Raises:
        InvalidAddress: An address is malformed, or the quoter or a receiver is the zero address.
        InvalidAmount: A weight is out of range.
        InvalidConfig: The number of receivers is out of range.

    >>> get_quoted_price_config("0x" + "11" * 20, "0x" + "44" * 20, {"0x" + "22" * 20: 1}).total
    0
    """
    price = get_split_price_config(token_address, weights)
    return replace(price, quoter=parse_address(quoter_address, "quoter address"))


def get_external_price_config() -> PriceConfig:
    """Build the price config of a plan that is paid outside the chain, for example by card.

    Such a plan cannot be ordered. Its owner or a minter grants it.

    >>> get_external_price_config().paid_externally
    True
    """
    return PriceConfig(token=ZERO_ADDRESS, splits=(), paid_externally=True)


def get_pay_as_you_go_price_config(amount: int, receiver: str, token_address: str = ZERO_ADDRESS) -> PriceConfig:
    """Build the price of one unit of a usage plan, in an ERC-20 token or in the native coin.

    A usage plan also needs `get_pay_as_you_go_credits_config`.

    Args:
        amount: The price of one unit, in base units of the token, or in wei.
        receiver: The address that is paid.
        token_address: The ERC-20 token. The default, the zero address, stands for the native coin.

    Raises:
        InvalidAmount: The amount is out of range.
        InvalidAddress: An address is malformed, or the receiver is the zero address.

    >>> get_pay_as_you_go_price_config(10_000, "0x" + "22" * 20, "0x" + "11" * 20).total
    10000
    """
    return get_crypto_price_config(amount, receiver, token_address)
