"""Options of the commands that register a plan: its price, its grant, its metadata, and the limits of the registration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import click

from nvm_chain.cli.descriptions import build_plan_uri
from nvm_chain.cli.durations import Duration
from nvm_chain.cli.grants import RULES, STARTS, name_option
from nvm_chain.cli.lazy import errors, grant_choices
from nvm_chain.cli.parameters import Address, Bytes32, Pair, Range, Token
from nvm_chain.cli.prices import PriceOptions, parse_price

if TYPE_CHECKING:
    from nvm_chain.cli.prices import Price
    from nvm_chain.terms.grant_choices import GrantChoice
    from nvm_chain.types.credits import CreditsConfig

PRICE_OPTIONS: Final = (
    click.option(
        "--price", metavar="AMOUNT", help='Price of one purchase: "20 USDC", "0.5 ETH" (the native coin), or free.'
    ),
    click.option("--price-base-units", type=int, metavar="N", help="Price of one purchase, in base units of --token."),
    click.option(
        "--token",
        type=Token(),
        metavar="TOKEN",
        help="Token of --price-base-units or --quoter: an address, USDC or ETH.",
    ),
    click.option(
        "--split",
        "splits",
        type=Pair("ADDRESS=AMOUNT"),
        multiple=True,
        help="Receiver with its part of the price (with --quoter: its weight). Repeat for each receiver. "
        "Default: the signer gets all.",
    ),
    click.option(
        "--quoter", type=Address(), help="Address of a contract that sets the price of each order, in --token."
    ),
    click.option(
        "--paid-externally",
        is_flag=True,
        help="Sell for payments outside the chain, such as by card. The plan owner or a minter then grants the plan (`grant-external`).",
    ),
)
GRANT_OPTIONS: Final = (
    click.option(
        "--grants",
        type=int,
        metavar="N",
        help="Credits that one purchase grants. With --period: periods that one purchase grants.",
    ),
    click.option(
        "--per-request", type=Range(), help="Credits of one request: a number, or a range such as 1..5. Default: 1."
    ),
    click.option(
        "--expires",
        type=Duration(),
        help="Lifetime of each purchase's credits, such as 30d or 12h. Default: unlimited.",
    ),
    click.option(
        "--period",
        type=Duration(),
        help="Length of one period of access, such as 1d or 1 month. The plan then sells time.",
    ),
    click.option(
        "--starts",
        type=click.Choice(list(STARTS)),
        help="Start of a period: at purchase or on first use. Default: at purchase.",
    ),
    click.option(
        "--usage",
        is_flag=True,
        help="Sell single requests. The price pays for one request, and a purchase grants no credits.",
    ),
    click.option(
        "--rule",
        type=click.Choice(list(RULES)),
        help=f"Rule that says who may redeem. The rule never changes. One of: {'; '.join(RULES.values())}. Default: holder.",
    ),
    click.option(
        "--trial", is_flag=True, help="Trial plan. Each holder can order the plan once, and only for themselves."
    ),
    click.option("--transferable", is_flag=True, help="Holders may send credits to others."),
)
OTHER_OPTIONS: Final = (
    click.option("--name", help="Name of the plan. With a name, the metadata is stored on the chain."),
    click.option("--description", default="", help="Description of the plan. Needs --name."),
    click.option("--uri", default="", help="URI of metadata that is stored outside the chain."),
    click.option("--salt", type=Bytes32(), help="Number that distinguishes plans with equal terms. Default: random."),
    click.option(
        "--max-fee-bps",
        type=int,
        metavar="N",
        help="Highest protocol fee that you accept for the plan, in basis points. Default: the current fee.",
    ),
    click.option(
        "--allow-small-grant", is_flag=True, help="Accept a purchase that grants fewer credits than one request costs."
    ),
    click.option("--allow-tiny-price", is_flag=True, help="Accept a price below a thousandth of one token."),
)


def plan_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a plan to a command. The function gets their values as keyword arguments."""
    for option in reversed((*PRICE_OPTIONS, *GRANT_OPTIONS, *OTHER_OPTIONS)):
        function = option(function)
    return function


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """Options of a plan, as typed."""

    price: PriceOptions
    grant: "GrantChoice"
    name: str | None
    description: str
    uri: str
    salt: bytes | None
    max_fee_bps: int | None
    allow_tiny_price: bool

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "PlanOptions":
        """Return the options from the values of a command's parameters."""
        base_units, splits = values["price_base_units"], values["splits"]
        choice = grant_choices.GrantChoice
        return cls(
            PriceOptions(
                values["price"], base_units, values["token"], splits, values["quoter"], values["paid_externally"]
            ),
            choice(**{field.name: values[field.name] for field in fields(choice)}),
            **{
                name: values[name] for name in ("name", "description", "uri", "salt", "max_fee_bps", "allow_tiny_price")
            },
        )

    @property
    def has_price(self) -> bool:
        """Whether an option says what a purchase costs. A token alone does not."""
        price = self.price
        return bool(price.price or price.base_units or price.splits or price.quoter or price.paid_externally)

    @property
    def has_grant(self) -> bool:
        """Whether an option says what a purchase grants."""
        return self.grant.grants is not None or self.grant.period is not None or self.grant.usage

    def check(self) -> "tuple[Price, CreditsConfig, str]":
        """Return the price, the credits config and the URI of the metadata. Makes no request.

        Raises InvalidAmount, InvalidConfig, SuspiciousGrant or SecretInMetadata.
        """
        price = parse_price(self.price)
        if self.grant.usage and self.price.paid_externally:
            raise errors.InvalidConfig(
                "with --usage each request is paid on the chain", "leave out --usage or --paid-externally"
            )
        return price, self.grant.build(name_option), build_plan_uri(self.name, self.description, self.uri)
