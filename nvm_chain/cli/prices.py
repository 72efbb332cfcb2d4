"""Prices of plans as people type them: parts in one unit, each with a receiver."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from nvm_chain.cli.amounts import FIND_USDC, Amount, find_token, format_unit, parse_amount
from nvm_chain.cli.lazy import amounts, errors, types
from nvm_chain.cli.parameters import parse_count

if TYPE_CHECKING:
    from nvm_chain.chain.client import Chain
    from nvm_chain.types.prices import PriceConfig

FREE: Final = "free"
BASE_UNITS: Final = "base units and the token's address: --price-base-units N --token ADDRESS"


@dataclass(frozen=True, slots=True)
class Price:
    """Checked price: parts in one unit, each with a receiver. None stands for the signer. A free price has no parts.

    With a ``quoter`` the parts are weights. With ``paid_externally`` the buyer pays outside the chain.
    """

    unit: str
    parts: tuple[tuple[str | None, int], ...]
    quoter: str | None = None
    paid_externally: bool = False


@dataclass(frozen=True, slots=True)
class PriceOptions:
    """Options of a price as typed."""

    price: str | None
    base_units: int | None
    token: str | None
    splits: Sequence[tuple[str, str]]
    quoter: str | None = None
    paid_externally: bool = False

    @property
    def is_free(self) -> bool:
        """Whether the price is given as free."""
        return self.price is not None and self.price.strip().lower() == FREE

    @property
    def needs_receivers(self) -> bool:
        """Whether there is a price, and no option says who is paid."""
        return not (self.is_free or self.splits or self.quoter or self.paid_externally)


def parse_price(options: PriceOptions) -> Price:
    """Check the options of a price, and build the price. Makes no request.

    Raises:
        InvalidAmount: A part is not an amount.
        InvalidConfig: The options contradict each other, or the price is missing.
    """
    price, base_units, token, splits = options.price, options.base_units, options.token, options.splits
    if options.paid_externally:
        return _parse_paid_externally(options)
    if options.quoter is not None:
        return _parse_quoted(options, options.quoter)
    if price is not None and (base_units is not None or token is not None):
        raise errors.InvalidConfig("the price is given twice", "give --price, or --price-base-units with --token")
    if options.is_free:
        if splits:
            raise errors.InvalidConfig("a free plan has no price to split", "leave out --split")
        return Price("ETH", ())
    total = _parse_total(price, base_units, token)
    parts = [(receiver, _parse_part(text, token)) for receiver, text in splits]
    units = {amount.unit for amount in [*([total] if total else []), *(part for _, part in parts)]}
    if not units:
        raise errors.InvalidConfig(
            "the price is missing",
            'give --price "20 USDC", --price free, --split ADDRESS="15 USDC", --quoter ADDRESS or --paid-externally',
        )
    if len(units) > 1:
        raise errors.InvalidConfig(f"a price is in one unit, not in {' and '.join(sorted(units))}")
    return _join_price(units.pop(), total, [(receiver, part.base_units) for receiver, part in parts])


def _parse_paid_externally(options: PriceOptions) -> Price:
    if options != PriceOptions(None, None, None, (), None, True):
        raise errors.InvalidConfig(
            "a plan with --paid-externally has no price on the chain",
            "leave out --paid-externally, or --price, --price-base-units, --token, --split and --quoter",
        )
    return Price("ETH", (), paid_externally=True)


def _parse_quoted(options: PriceOptions, quoter: str) -> Price:
    if options.price is not None or options.base_units is not None:
        raise errors.InvalidConfig(
            "the price comes from the quoter", "leave out --quoter, or --price and --price-base-units"
        )
    if options.token is None:
        raise errors.InvalidConfig(
            "the token of the quoter's prices is missing", "give --token USDC, --token ETH or --token ADDRESS"
        )
    problem = "is not a weight, and with --quoter each part is a whole number"
    parts = [
        (receiver, amounts.check_uint(parse_count(text, "--split", problem), 96, "--split", minimum=1))
        for receiver, text in options.splits
    ]
    return Price(options.token, tuple(parts) or ((None, 1),), quoter)


def _parse_total(price: str | None, base_units: int | None, token: str | None) -> Amount | None:
    if price is not None:
        return parse_amount(price, "--price", hint=f", or for other tokens give {BASE_UNITS}")
    if base_units is None:
        return None
    if token is None:
        raise errors.InvalidConfig(
            "the token of the base units is missing", "give --token ADDRESS with --price-base-units"
        )
    return Amount(amounts.check_uint(base_units, 96, "--price-base-units", minimum=1), token)


def _parse_part(text: str, token: str | None) -> Amount:
    if token is None:
        return parse_amount(text, "--split", hint=", or for other tokens base units, with --token ADDRESS")
    base_units = parse_count(text, "--split", "is not a whole number of base units, as --token requires")
    return Amount(amounts.check_uint(base_units, 96, "--split", minimum=1), token)


def _join_price(unit: str, total: Amount | None, parts: list[tuple[str, int]]) -> Price:
    if not parts:
        return Price(unit, ((None, total.base_units if total else 0),))
    paid = sum(amount for _, amount in parts)
    if total is not None and paid != total.base_units:
        added, whole = format_unit(paid, unit), format_unit(total.base_units, unit)
        raise errors.InvalidConfig(f"the splits add up to {added}, and the price is {whole}")
    return Price(unit, tuple(parts))


def build_price(chain: "Chain", price: Price, signer: str) -> "PriceConfig":
    """Convert a price to the price config of a plan. The signer gets every part without a receiver."""
    if price.paid_externally:
        return types.get_external_price_config()
    if not price.parts:
        return types.get_free_price_config()
    pairs = [(receiver or signer, amount) for receiver, amount in price.parts]
    token = find_token(chain, price.unit, f"give {BASE_UNITS}, or {FIND_USDC}")
    if price.quoter is not None:
        return types.get_quoted_price_config(token, price.quoter, pairs)
    return types.get_split_price_config(token, pairs)
