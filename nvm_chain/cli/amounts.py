"""Amounts of money as people type them: always with a unit, so that nobody pays 20 base units for 20 USDC, or the reverse."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from nvm_chain.cli.lazy import addresses, amounts, errors, plans, tokens, types
from nvm_chain.cli.parameters import parse_count

if TYPE_CHECKING:
    from nvm_chain.chain.client import Chain
    from nvm_chain.types.prices import PriceConfig

FREE: Final = "free"
DECIMALS: Final = {"USDC": 6, "ETH": 18}
BASE_UNITS: Final = "base units and the token's address: --price-base-units N --token ADDRESS"


@dataclass(frozen=True, slots=True)
class Amount:
    """Base units of USDC, of ETH (any chain's native coin), or of the token at an address."""

    base_units: int
    unit: str


def parse_amount(text: str, name: str, allowed: Sequence[str] = ("USDC", "ETH"), hint: str = "") -> Amount:
    """Read an amount such as ``20 USDC`` or ``0.5 ETH``.

    Args:
        text: What was typed.
        name: The parameter it was typed for.
        allowed: The units that make sense there.
        hint: What else can be given there, for the error.

    Raises:
        InvalidAmount: It is not an amount in one of these units. The error says how to write it.
    """
    match = re.fullmatch(r"\s*([0-9.,_+-]+)\s*([A-Za-z]*)\s*", text)
    unit = match[2].upper() if match else ""
    number = match[1] if match and re.fullmatch(r"[0-9]+(\.[0-9]+)?", match[1]) else "20"
    if match is None or unit not in {"", *allowed}:
        problem = f"is in {unit}, which cannot be given here" if match else "is not an amount"
        raise errors.InvalidAmount(f"{name} {text[:90]!r}", problem, _say_how(number, allowed) + hint)
    if not unit:
        raise errors.InvalidAmount(f"{name} {text[:90]!r}", "has no unit", _say_how(number, allowed) + hint)
    return Amount(amounts.parse_units(match[1], DECIMALS[unit]), unit)


def _say_how(number: str, allowed: Sequence[str]) -> str:
    coin = " (the native coin)" if "ETH" in allowed else ""
    written = " or ".join(f'"{number} {unit}"' for unit in allowed)
    return f"write {written}{coin}"


def find_token(chain: "Chain", unit: str, advice: str) -> str:
    """Return the address of the token that a unit means on a chain; the zero address for the native coin.

    Raises:
        InvalidConfig: No USDC is known there. Its advice is ``advice``.
    """
    if unit == "ETH":
        return addresses.ZERO_ADDRESS
    if unit != "USDC":
        return unit
    if chain.usdc is None:
        raise errors.InvalidConfig(f"no USDC is known on chain {chain.chain_id}", advice)
    return chain.usdc


def find_limit(chain: "Chain", plan: int, limit: Amount | None) -> int | None:
    """Return a limit in base units of a plan's token, which it has to be in; one request. None if there is none."""
    if limit is None:
        return None
    token = plans.read_terms(chain, plan).token
    without = "leave --max-cost out, and nothing above the price that is quoted now is paid"
    if find_token(chain, limit.unit, without) != token:
        raise errors.InvalidConfig(f"--max-cost is in {limit.unit}, and the plan's price is in token {token}", without)
    return limit.base_units


def parse_limit(max_cost: str | None) -> Amount | None:
    """Read --max-cost, before any request to a node."""
    return None if max_cost is None else parse_amount(max_cost, "--max-cost")


def format_amount(chain: "Chain", token: str, base_units: int) -> str:
    """Write base units for people. Never fails, because the money may have moved already.

    Up to three requests for a token that is not the chain's USDC.
    """
    if token == addresses.ZERO_ADDRESS:
        return f"{amounts.format_units(base_units, DECIMALS['ETH'])} ETH"
    if token == chain.usdc:
        return f"{amounts.format_units(base_units, DECIMALS['USDC'])} USDC"
    try:
        info = tokens.read_token_info(chain, token)
        return f"{amounts.format_units(base_units, info.decimals)} {info.symbol} (token {token})"
    except errors.NvmChainError:
        return f"{base_units} base units of token {token}"


def format_token(chain: "Chain", token: str) -> str:
    """Name what a price is in, without a request."""
    if token == addresses.ZERO_ADDRESS:
        return "ETH"
    return "USDC" if token == chain.usdc else f"token {token}"


# ---------------------------------------------------------------- prices


@dataclass(frozen=True, slots=True)
class Price:
    """A price as typed and checked: parts of one unit, each with its receiver; None stands for the signer. No parts: free.

    With a ``quoter`` the parts are weights. ``paid_externally`` means that it is not paid on the chain.
    """

    unit: str
    parts: tuple[tuple[str | None, int], ...]
    quoter: str | None = None
    paid_externally: bool = False


@dataclass(frozen=True, slots=True)
class PriceOptions:
    """The options of a price as they were typed."""

    price: str | None
    base_units: int | None
    token: str | None
    splits: Sequence[tuple[str, str]]
    quoter: str | None = None
    paid_externally: bool = False


def parse_price(options: PriceOptions) -> Price:
    """Join the options of a price; no network. Raises InvalidAmount, or InvalidConfig if they contradict each other."""
    price, base_units, token, splits = options.price, options.base_units, options.token, options.splits
    if options.paid_externally:
        return _parse_paid_externally(options)
    if options.quoter is not None:
        return _parse_quoted(options, options.quoter)
    if price is not None and (base_units is not None or token is not None):
        raise errors.InvalidConfig("the price is given twice", "give --price, or --price-base-units with --token")
    if price is not None and price.strip().lower() == FREE:
        if splits:
            raise errors.InvalidConfig("a free plan has nothing to split", "leave out --split")
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
            "a plan paid outside the chain has no price on it",
            "leave out --paid-externally, or --price, --price-base-units, --token, --split and --quoter",
        )
    return Price("ETH", (), paid_externally=True)


def _parse_quoted(options: PriceOptions, quoter: str) -> Price:
    if options.price is not None or options.base_units is not None:
        raise errors.InvalidConfig(
            "the quoter names the price", "leave out --quoter, or --price and --price-base-units"
        )
    if options.token is None:
        raise errors.InvalidConfig(
            "the token that the quoter names prices in is missing", "give --token USDC, --token ETH or --token ADDRESS"
        )
    problem = "is not a weight, a whole number, which a part is with --quoter"
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
    base_units = parse_count(text, "--split", "is not a whole number of base units, which it is with --token")
    return Amount(amounts.check_uint(base_units, 96, "--split", minimum=1), token)


def _join_price(unit: str, total: Amount | None, parts: list[tuple[str, int]]) -> Price:
    if not parts:
        return Price(unit, ((None, total.base_units if total else 0),))
    paid = sum(amount for _, amount in parts)
    if total is not None and paid != total.base_units:
        raise errors.InvalidConfig(f"the splits add up to {paid} base units and the price is {total.base_units}")
    return Price(unit, tuple(parts))


def build_price(chain: "Chain", price: Price, signer: str) -> "PriceConfig":
    """Turn a price into the config that a plan is registered with; the signer receives what nobody else was named for."""
    if price.paid_externally:
        return types.get_external_price_config()
    if not price.parts:
        return types.get_free_price_config()
    pairs = [(receiver or signer, amount) for receiver, amount in price.parts]
    token = find_token(chain, price.unit, f"give {BASE_UNITS}, or deploy with --test-usdc")
    if price.quoter is not None:
        return types.get_quoted_price_config(token, price.quoter, pairs)
    return types.get_split_price_config(token, pairs)
