"""`nvm-chain plan register`: builds the terms of a plan from its options."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from nvm_chain.cli.answers import RULES, describe_terms, name_plan, terms_rows, transaction_rows
from nvm_chain.cli.command import chain_command
from nvm_chain.cli.descriptions import build_plan_uri, read_plan_description
from nvm_chain.cli.durations import Duration
from nvm_chain.cli.lazy import errors, formatting, plans, types
from nvm_chain.cli.parameters import Address, Bytes32, Pair, Range, Token
from nvm_chain.cli.prices import PriceOptions, build_price, parse_price
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from nvm_chain.chain.client import Chain
    from nvm_chain.types.credits import CreditsConfig
    from nvm_chain.types.plans import RegisteredPlan

STARTS = {"purchase": "ON_PURCHASE", "first-use": "ON_FIRST_USE"}
ONE_CREDIT = (1, 1)


@dataclass(frozen=True, slots=True)
class Grant:
    """Options for the grant of one purchase, as typed. None or False means that an option was not given."""

    grants: int | None
    per_request: tuple[int, int] | None
    expires: int | None
    period: int | None
    starts: str | None
    usage: bool
    rule: str | None
    trial: bool
    transferable: bool
    allow_small_grant: bool = False

    def build(self) -> "CreditsConfig":
        """Return the credits config of the options.

        Raises:
            InvalidAmount: A number is out of range.
            InvalidConfig: The options contradict each other.
            SuspiciousGrant: A purchase grants less than the cheapest request costs.
        """
        if self.usage:
            return self._build_usage()
        if self.period is not None:
            return self._build_time(self.period)
        return self._build_credits()

    def _build_usage(self) -> "CreditsConfig":
        self._refuse("with --usage a purchase grants nothing", keep=())
        return types.get_pay_as_you_go_credits_config()

    def _build_time(self, period: int) -> "CreditsConfig":
        self._refuse(
            "with --period requests cost nothing while access lasts",
            keep=("grants", "period", "starts", "rule", "trial"),
        )
        periods = 1 if self.grants is None else self.grants
        activation = types.Activation[STARTS[self.starts or "purchase"]]
        if self.rule is not None and activation is types.Activation.ON_PURCHASE:
            raise errors.InvalidConfig(
                "a period that starts at purchase needs no redemption", "leave out --rule, or add --starts first-use"
            )
        return types.get_expirable_duration_config(
            period, periods, activation=activation, rule=self._rule, trial=self.trial
        )

    def _build_credits(self) -> "CreditsConfig":
        if self.starts is not None:
            raise errors.InvalidConfig(
                "--starts is for periods of access only", "leave out --starts, or give --period 30d for access by time"
            )
        if self.grants is None:
            raise errors.InvalidConfig(
                "the grant of a purchase is missing",
                "give --grants N for credits, --period 30d for time, or --usage for neither",
            )
        if self.transferable and self.expires is not None:
            raise errors.InvalidConfig(
                "credits that expire cannot be transferable", "leave out --expires or --transferable"
            )
        return types.get_dynamic_credits_config(
            self.grants,
            *(self.per_request or ONE_CREDIT),
            duration_seconds=self.expires or 0,
            rule=self._rule,
            trial=self.trial,
            transferable=self.transferable,
            allow_small_grant=self.allow_small_grant,
        )

    @property
    def _rule(self) -> "types.RedemptionRule":
        return types.RedemptionRule[(self.rule or "holder").upper()]

    def _refuse(self, why: str, keep: tuple[str, ...]) -> None:
        """Raise InvalidConfig if an option was given that ``keep`` does not name. ``why`` is the problem."""
        names = (
            *("grants", "per_request", "expires", "period", "starts", "rule", "trial", "transferable"),
            "allow_small_grant",
        )
        given = [name for name in names if getattr(self, name) is not None and getattr(self, name) is not False]
        extra = [name for name in given if name not in keep]
        if extra:
            options = " and ".join(f"--{name.replace('_', '-')}" for name in extra)
            raise errors.InvalidConfig(why, f"leave out {options}")


@chain_command(
    "register",
    signs=True,
    examples=(
        'nvm-chain plan register --price "20 USDC" --grants 100 --keyfile builder.json',
        (
            "nvm-chain plan register --name Translations --description 'Per page.' \\\n"
            '    --price "20 USDC" --grants 100 --dev-account 1'
        ),
        'nvm-chain plan register --price "0.01 ETH" --grants 50 --per-request 1..5 \\\n    --dev-account 1',
        "nvm-chain plan register --price free --grants 3 --trial --rule owner \\\n    --dev-account 1",
        'nvm-chain plan register --price "20 USDC" --grants 100 --expires 30d \\\n    --dev-account 1',
        'nvm-chain plan register --price "5 USDC" --period "1 month" --dev-account 1',
        'nvm-chain plan register --price "5 USDC" --period 1d --grants 7 \\\n    --starts first-use --dev-account 1',
        'nvm-chain plan register --price "0.01 USDC" --usage --dev-account 1',
        'nvm-chain plan register --split $BUILDER="15 USDC" --split $PARTNER="5 USDC" \\\n    --grants 100 --dev-account 1',
        (
            "nvm-chain plan register --quoter $QUOTER --token USDC --split $BUILDER=3 \\\n"
            "    --split $PARTNER=1 --grants 100 --dev-account 1"
        ),
        "nvm-chain plan register --paid-externally --grants 100 --dev-account 1",
        "nvm-chain plan register --price-base-units 20000000 --token $USDC \\\n    --grants 100 --dev-account 1 --json",
    ),
)
@click.option(
    "--price", metavar="AMOUNT", help='Price of one purchase: "20 USDC", "0.5 ETH" (the native coin), or free.'
)
@click.option("--price-base-units", type=int, metavar="N", help="Price of one purchase, in base units of --token.")
@click.option(
    "--token",
    type=Token(),
    metavar="TOKEN",
    help="Token of --price-base-units or --quoter: an address, USDC or ETH.",
)
@click.option(
    "--split",
    "splits",
    type=Pair("ADDRESS=AMOUNT"),
    multiple=True,
    help="Receiver with its part of the price (with --quoter: its weight). Repeat for each receiver. "
    "Default: the signer gets all.",
)
@click.option("--quoter", type=Address(), help="Address of a contract that sets the price of each order, in --token.")
@click.option(
    "--paid-externally",
    is_flag=True,
    help="Sell for payments outside the chain, such as by card. The plan owner or a minter then grants the plan (`grant-external`).",
)
@click.option(
    "--grants",
    type=int,
    metavar="N",
    help="Credits that one purchase grants. With --period: periods that one purchase grants.",
)
@click.option(
    "--per-request", type=Range(), help="Credits of one request: a number, or a range such as 1..5. Default: 1."
)
@click.option(
    "--expires", type=Duration(), help="Lifetime of each purchase's credits, such as 30d or 12h. Default: unlimited."
)
@click.option(
    "--period", type=Duration(), help="Length of one period of access, such as 1d or 1 month. The plan then sells time."
)
@click.option(
    "--starts",
    type=click.Choice(list(STARTS)),
    help="Start of a period: at purchase or on first use. Default: at purchase.",
)
@click.option(
    "--usage",
    is_flag=True,
    help="Sell single requests. The price pays for one request, and a purchase grants no credits.",
)
@click.option(
    "--rule",
    type=click.Choice(list(RULES)),
    help=f"Rule that says who may redeem. The rule never changes. One of: {'; '.join(RULES.values())}. Default: holder.",
)
@click.option("--trial", is_flag=True, help="Trial plan. Each holder can order the plan once, and only for themselves.")
@click.option("--transferable", is_flag=True, help="Holders may send credits to others.")
@click.option("--name", help="Name of the plan. With a name, the metadata is stored on the chain.")
@click.option("--description", default="", help="Description of the plan. Needs --name.")
@click.option("--uri", default="", help="URI of metadata that is stored outside the chain.")
@click.option("--salt", type=Bytes32(), help="Number that distinguishes plans with equal terms. Default: random.")
@click.option(
    "--max-fee-bps",
    type=int,
    metavar="N",
    help="Highest protocol fee that you accept for the plan, in basis points. Default: the current fee.",
)
@click.option(
    "--allow-small-grant", is_flag=True, help="Accept a purchase that grants fewer credits than one request costs."
)
@click.option("--allow-tiny-price", is_flag=True, help="Accept a price below a thousandth of one token.")
def register(
    session: Session,
    price: str | None,
    price_base_units: int | None,
    token: str | None,
    splits: tuple[tuple[str, str], ...],
    quoter: str | None,
    paid_externally: bool,
    grants: int | None,
    per_request: tuple[int, int] | None,
    expires: int | None,
    period: int | None,
    starts: str | None,
    usage: bool,
    rule: str | None,
    trial: bool,
    transferable: bool,
    name: str | None,
    description: str,
    uri: str,
    salt: bytes | None,
    max_fee_bps: int | None,
    allow_small_grant: bool,
    allow_tiny_price: bool,
) -> None:
    """Register a plan. The signer becomes its owner, and subscribers can order it at once.

    A plan sells credits (--grants), time (--period) or single requests (--usage). The terms of a plan never change. The
    command prints the plan id. Subscribers need the plan id to order.
    """
    parsed = parse_price(PriceOptions(price, price_base_units, token, splits, quoter, paid_externally))
    if usage and paid_externally:
        raise errors.InvalidConfig(
            "with --usage each request is paid on the chain", "leave out --usage or --paid-externally"
        )
    grant = Grant(
        grants, per_request, expires, period, starts, usage, rule, trial, transferable, allow_small_grant
    ).build()
    described = build_plan_uri(name, description, uri)
    chain, signer = session.connect_to_sign()
    config = build_price(chain, parsed, signer.address)
    plan = plans.register_plan(
        chain,
        signer,
        config,
        grant,
        uri=described,
        salt=salt,
        allow_tiny_price=allow_tiny_price,
        max_fee_bps=max_fee_bps,
    )
    _answer_registered(session, chain, plan, described)


def _answer_registered(session: Session, chain: "Chain", plan: "RegisteredPlan", described: str) -> None:
    data = {
        **name_plan(plan.plan_id),
        "creator": plan.creator,
        "uri": described,
        "metadata": read_plan_description(described).as_json(),
        "terms": describe_terms(plan.terms),
        "salt": plan.salt,
        "fee_bps": plan.fee_bps,
        "transaction": plan.transaction,
    }
    rows = [
        ("plan id", formatting.format_plan_id(plan.plan_id)),
        *(read_plan_description(described).rows() if described else ()),
        *terms_rows(chain, plan.terms),
        *transaction_rows(plan.transaction),
    ]
    session.answer(data, rows)
