"""Questions about the price of a plan: in which token, how much, and who is paid."""

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from nvm_chain.cli.amounts import DECIMALS, FIND_USDC, find_token
from nvm_chain.cli.lazy import addresses, amounts, plans, tokens
from nvm_chain.cli.prices import FREE, PriceOptions, build_price, parse_price
from nvm_chain.cli.questions import ask

if TYPE_CHECKING:
    from nvm_chain.chain.client import Chain

USUAL_UNIT: Final = "USDC"


@dataclass(frozen=True, slots=True)
class Unit:
    """The token of a price, as options name it, and its decimals."""

    name: str
    symbol: str
    decimals: int

    def write(self, text: str, *, in_base_units: bool) -> str:
        """Return an amount as an option takes it: with its unit, or in base units. Raises InvalidAmount."""
        number = re.sub(rf"\s*{re.escape(self.symbol)}$", "", text.strip(), flags=re.IGNORECASE)
        base_units = amounts.parse_units(number, self.decimals)
        return str(base_units) if in_base_units else f"{number} {self.name}"


@dataclass(frozen=True, slots=True)
class PriceQuestions:
    """Asks for what the options of a price do not say. ``creator`` gets what has no other receiver."""

    chain: "Chain"
    creator: str
    allow_tiny_price: bool

    def ask_price(self, options: PriceOptions, suggested: str) -> PriceOptions:
        """Ask for the token and the price. ``suggested`` is a price such as ``20 USDC``, or empty."""
        unit = ask(
            "Token of the price (USDC, ETH or the address of a token)", self._read_unit, options.token or USUAL_UNIT
        )
        number, _, name = suggested.partition(" ")
        usual = number if name in ("", unit.name) else ""
        question = f"Price of one purchase in {unit.symbol}, or {FREE}"
        return ask(question, lambda text: self._read_price(text, unit), usual or None)

    def ask_receivers(self, options: PriceOptions) -> PriceOptions:
        """Ask who is paid."""
        unit = self._read_unit(parse_price(options).unit)
        question = "Who is paid (an address, or ADDRESS=AMOUNT, ADDRESS=AMOUNT)"
        return ask(question, lambda text: self._read_receivers(text, options, unit), self.creator)

    def _read_unit(self, text: str) -> Unit:
        name = text.upper()
        if name not in DECIMALS:
            name = addresses.parse_address(text, "token address")
        find_token(self.chain, name, f"give ETH or the address of a token, or {FIND_USDC}")
        if name in DECIMALS:
            return Unit(name, name, DECIMALS[name])
        info = tokens.read_token_info(self.chain, name)
        return Unit(name, info.symbol, info.decimals)

    def _read_price(self, text: str, unit: Unit) -> PriceOptions:
        if text.lower() == FREE:
            return PriceOptions(FREE, None, None, ())
        if unit.name in DECIMALS:
            return self._check(PriceOptions(unit.write(text, in_base_units=False), None, None, ()))
        return self._check(PriceOptions(None, int(unit.write(text, in_base_units=True)), unit.name, ()))

    def _read_receivers(self, text: str, options: PriceOptions, unit: Unit) -> PriceOptions:
        parts = [part.partition("=") for part in text.split(",")]
        is_base = options.base_units is not None
        whole = options.price or str(options.base_units)
        splits = [
            (
                addresses.parse_address(address.strip(), "receiver address"),
                unit.write(amount, in_base_units=is_base) if found else whole,
            )
            for address, found, amount in parts
        ]
        if splits == [(self.creator, whole)]:
            return options
        return self._check(replace(options, splits=tuple(splits)))

    def _check(self, options: PriceOptions) -> PriceOptions:
        """Return options of a price that can be registered. Raises what is wrong with them."""
        price = build_price(self.chain, parse_price(options), self.creator)
        if not self.allow_tiny_price:
            plans.check_price(self.chain, price)
        return options
