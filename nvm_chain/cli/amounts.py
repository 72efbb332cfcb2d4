"""Amounts of money as people type them. An amount always has a unit, so nobody confuses 20 USDC and 20 base units."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from nvm_chain.cli.lazy import addresses, amounts, errors, formatting, plans, terms_money, tokens

if TYPE_CHECKING:
    from nvm_chain.chain.client import Chain
    from nvm_chain.types.token_labels import TokenLabel

DECIMALS: Final = {"USDC": 6, "ETH": 18}


@dataclass(frozen=True, slots=True)
class Amount:
    """Base units of USDC, of ETH (any chain's native coin), or of the token at an address."""

    base_units: int
    unit: str


def parse_amount(text: str, name: str, allowed: Sequence[str] = ("USDC", "ETH"), hint: str = "") -> Amount:
    """Read an amount such as ``20 USDC`` or ``0.5 ETH``.

    Args:
        text: The amount as typed.
        name: Name of the parameter that takes the amount. The error names it.
        allowed: Units that the parameter accepts.
        hint: Other input that the parameter accepts. The error adds it.

    Raises:
        InvalidAmount: The text is not an amount in one of these units. The error says how to write an amount.
    """
    match = re.fullmatch(r"\s*([0-9.,_+-]+)\s*([A-Za-z]*)\s*", text)
    unit = match[2].upper() if match else ""
    number = match[1] if match and re.fullmatch(r"[0-9]+(\.[0-9]+)?", match[1]) else "20"
    if match is None or unit not in {"", *allowed}:
        problem = f"is in {unit}, which is not accepted here" if match else "is not an amount"
        raise errors.InvalidAmount(f"{name} {text[:90]!r}", problem, _say_how(number, allowed) + hint)
    if not unit:
        raise errors.InvalidAmount(f"{name} {text[:90]!r}", "has no unit", _say_how(number, allowed) + hint)
    return Amount(amounts.parse_units(match[1], DECIMALS[unit]), unit)


def _say_how(number: str, allowed: Sequence[str]) -> str:
    coin = " (the native coin)" if "ETH" in allowed else ""
    written = " or ".join(f'"{number} {unit}"' for unit in allowed)
    return f"write {written}{coin}"


FIND_USDC: Final = (
    "run the command in the folder where you deployed, or give --deployments FOLDER/deployments; "
    "on a development chain `nvm-chain deploy --test-usdc` finds or deploys a TestUSDC"
)
"""Next step of the error for a chain with no known USDC."""


def find_token(chain: "Chain", unit: str, advice: str) -> str:
    """Return the address of a unit's token on a chain. The zero address stands for the native coin.

    Raises:
        InvalidConfig: No USDC is known on the chain. The error's next step is ``advice``.
    """
    if unit == "ETH":
        return addresses.ZERO_ADDRESS
    if unit != "USDC":
        return unit
    if chain.usdc is None:
        raise errors.InvalidConfig(f"no USDC is known on chain {chain.chain_id}", advice)
    return chain.usdc


def find_limit(chain: "Chain", plan: int, limit: Amount | None) -> int | None:
    """Return a cost limit in base units of the plan's token; None without a limit. Makes one request.

    Raises:
        InvalidConfig: The limit is in another token than the plan's price. A free plan accepts a limit in any token.
    """
    if limit is None:
        return None
    terms = plans.read_terms(chain, plan)
    if not terms.is_quoted and terms.price == 0:
        return limit.base_units  # a free plan costs nothing in any token
    without = "leave --max-cost out; the limit is then the current price"
    if find_token(chain, limit.unit, without) != terms.token:
        unit = format_token(chain, terms.token)
        raise errors.InvalidConfig(f"--max-cost is in {limit.unit}, and the plan's price is in {unit}", without)
    return limit.base_units


def parse_limit(max_cost: str | None) -> Amount | None:
    """Parse the value of --max-cost. Makes no request."""
    return None if max_cost is None else parse_amount(max_cost, "--max-cost")


def format_amount(chain: "Chain", token: str, base_units: int) -> str:
    """Format an amount of base units for people. Never fails, because the payment may be mined already.

    Makes up to three requests if the token is not the chain's USDC.
    """
    return terms_money.write_money(base_units, token, find_label(chain, token))


def find_label(chain: "Chain", token: str) -> "TokenLabel | None":
    """Return the symbol and decimals of a price's token. None if the token or the node does not tell. Never fails."""
    try:
        return tokens.read_token_label(chain, token)
    except errors.NvmChainError:
        return None


def format_unit(base_units: int, unit: str) -> str:
    """Format base units of a price's unit as it was typed. Makes no request.

    >>> format_unit(20_000_000, "USDC"), format_unit(1, "0x" + "11" * 20)
    ('20 USDC', '1 base unit')
    """
    if unit in DECIMALS:
        return f"{amounts.format_units(base_units, DECIMALS[unit])} {unit}"
    return formatting.count(base_units, "base unit")


def format_token(chain: "Chain", token: str) -> str:
    """Return the name of a price's token. Makes no request."""
    if token == addresses.ZERO_ADDRESS:
        return "ETH"
    return "USDC" if token == chain.usdc else f"token {token}"
