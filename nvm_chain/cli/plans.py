"""`nvm-chain plan`: register plans, show them, and change what their owner may change."""

from typing import TYPE_CHECKING, Final

import click

from nvm_chain.cli.amounts import build_price, parse_price
from nvm_chain.cli.answers import RULES, describe_terms, name_plan, terms_rows, transaction_rows
from nvm_chain.cli.commands import Command, Group, chain_command
from nvm_chain.cli.lazy import plans, pricing, types
from nvm_chain.cli.output import Rows, format_plan_id
from nvm_chain.cli.parameters import Address, Bytes32, Pair, PlanId, Range
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from nvm_chain.types import Transaction

plan_group = Group("plan", help="Register plans, show them, and change what their owner may change.")


# ---------------------------------------------------------------- register


@chain_command(
    "register",
    signs=True,
    examples=(
        'nvm-chain plan register --price "20 USDC" --grants 100 --keyfile builder.json',
        'nvm-chain plan register --price "0.01 ETH" --grants 50 --per-request 1..5 \\\n    --dev-account 1',
        "nvm-chain plan register --price free --grants 3 --trial --rule owner \\\n    --dev-account 1",
        'nvm-chain plan register --split $BUILDER="15 USDC" --split $PARTNER="5 USDC" \\\n    --grants 100 --dev-account 1',
        "nvm-chain plan register --price-base-units 20000000 --token $USDC \\\n    --grants 100 --dev-account 1 --json",
    ),
)
@click.option(
    "--price", metavar="AMOUNT", help='What one purchase costs: "20 USDC", "0.5 ETH" (the native coin), or free.'
)
@click.option("--price-base-units", type=int, metavar="N", help="The same in base units of --token.")
@click.option("--token", type=Address(), help="Address of the ERC-20 token that --price-base-units counts.")
@click.option(
    "--split",
    "splits",
    type=Pair("ADDRESS=AMOUNT"),
    multiple=True,
    help="A receiver and their part of the price; once for each. Default: the signer gets it all.",
)
@click.option("--grants", type=int, metavar="N", required=True, help="Credits that one purchase grants.")
@click.option(
    "--per-request", type=Range(), default="1", show_default=True, help="Credits that one request costs, or a range."
)
@click.option(
    "--rule",
    type=click.Choice(list(RULES)),
    default="holder",
    show_default=True,
    help=f"Who may redeem, for ever: {'; '.join(RULES.values())}.",
)
@click.option("--trial", is_flag=True, help="One purchase per receiver, ever.")
@click.option("--transferable", is_flag=True, help="Holders may send credits to others.")
@click.option("--uri", default="", help="Where the plan's metadata is.")
@click.option("--salt", type=Bytes32(), help="Tells apart plans with equal terms. Default: random.")
@click.option("--allow-tiny-price", is_flag=True, help="Accept a price below a thousandth of its token.")
def register(
    session: Session,
    price: str | None,
    price_base_units: int | None,
    token: str | None,
    splits: tuple[tuple[str, str], ...],
    grants: int,
    per_request: tuple[int, int],
    rule: str,
    trial: bool,
    transferable: bool,
    uri: str,
    salt: bytes | None,
    allow_tiny_price: bool,
) -> None:
    """Register a plan; the signer owns it, and it takes orders at once.

    Its terms never change. What it prints as the plan id is what subscribers order.
    """
    parsed = parse_price(price, price_base_units, token, splits)
    grant = pricing.get_dynamic_credits_config(
        grants, *per_request, rule=types.Rule[rule.upper()], trial=trial, transferable=transferable
    )
    chain, signer = session.connect_to_sign()
    config = build_price(chain, parsed, signer.address)
    plan = plans.register_plan(chain, signer, config, grant, uri=uri, salt=salt, allow_tiny_price=allow_tiny_price)
    data = {
        **name_plan(plan.plan_id),
        "creator": plan.creator,
        "terms": describe_terms(plan.terms),
        "salt": plan.salt,
        "fee_bps": plan.fee_bps,
        "transaction": plan.transaction,
    }
    rows = [
        ("plan id", format_plan_id(plan.plan_id)),
        *terms_rows(chain, plan.terms),
        *transaction_rows(plan.transaction),
    ]
    session.answer(data, rows)


# ---------------------------------------------------------------- show


@chain_command("show", examples=("nvm-chain plan show $PLAN", "nvm-chain plan show $PLAN --json"))
@click.argument("plan", type=PlanId())
def show(session: Session, plan: int) -> None:
    """Show a plan: its terms, which never change, and its state.

    PLAN is a plan id: an integer, 0x and 64 hexadecimal digits, or a did:nv:.
    """
    chain = session.connect()
    session.say("Reading the plan")
    found = plans.read_plan(chain, plan)
    data = {
        **name_plan(plan),
        "owner": found.owner,
        "pending_owner": found.pending_owner,
        "active": found.active,
        "fee_bps": found.fee_bps,
        "uri": found.uri,
        "terms": describe_terms(found.terms),
    }
    rows: Rows = [
        ("plan id", format_plan_id(plan)),
        ("owner", found.owner),
        ("orders", "open" if found.active else "closed by the owner"),
        *terms_rows(chain, found.terms),
        ("fee", f"{found.fee_bps / 100:g} % of the price, to the protocol"),
        ("metadata", found.uri or "none"),
    ]
    session.answer(data, rows)


# ---------------------------------------------------------------- change


@chain_command("activate", signs=True, examples=("nvm-chain plan activate $PLAN --keyfile builder.json",))
@click.argument("plan", type=PlanId())
def activate(session: Session, plan: int) -> None:
    """Let a plan take orders again. Plan owner only."""
    _set_active(session, plan, True)


@chain_command("deactivate", signs=True, examples=("nvm-chain plan deactivate $PLAN --keyfile builder.json",))
@click.argument("plan", type=PlanId())
def deactivate(session: Session, plan: int) -> None:
    """Stop new orders of a plan; holders keep all they have. Plan owner only."""
    _set_active(session, plan, False)


def _set_active(session: Session, plan: int, active: bool) -> None:
    chain, signer = session.connect_to_sign()
    transaction = plans.set_plan_active(chain, signer, plan, active)
    data = {**name_plan(plan), "active": active, "transaction": transaction}
    state = "open" if active else "closed"
    session.answer(data, [("plan id", format_plan_id(plan)), ("orders", state), *transaction_rows(transaction)])


@chain_command(
    "set-minter",
    signs=True,
    examples=(
        "nvm-chain plan set-minter $PLAN $PARTNER --keyfile builder.json",
        "nvm-chain plan set-minter $PLAN $PARTNER --revoke --keyfile builder.json",
    ),
)
@click.argument("plan", type=PlanId())
@click.argument("minter", type=Address())
@click.option("--revoke", is_flag=True, help="Forbid it again.")
def set_minter(session: Session, plan: int, minter: str, revoke: bool) -> None:
    """Allow an address to mint a plan's credits. Plan owner only."""
    chain, signer = session.connect_to_sign()
    _answer_allowed(
        session, plan, "minter", minter, not revoke, plans.set_minter(chain, signer, plan, minter, not revoke)
    )


@chain_command(
    "set-redeemer",
    signs=True,
    examples=(
        "nvm-chain plan set-redeemer $PLAN $PARTNER --keyfile builder.json",
        "nvm-chain plan set-redeemer $PLAN $PARTNER --revoke --keyfile builder.json",
    ),
)
@click.argument("plan", type=PlanId())
@click.argument("redeemer", type=Address())
@click.option("--revoke", is_flag=True, help="Forbid it again.")
def set_redeemer(session: Session, plan: int, redeemer: str, revoke: bool) -> None:
    """Allow an address to redeem a plan's credits, where its rule names redeemers. Plan owner only."""
    chain, signer = session.connect_to_sign()
    transaction = plans.set_redeemer(chain, signer, plan, redeemer, not revoke)
    _answer_allowed(session, plan, "redeemer", redeemer, not revoke, transaction)


def _answer_allowed(
    session: Session, plan: int, role: str, address: str, allowed: bool, transaction: "Transaction"
) -> None:
    data = {**name_plan(plan), role: address, "allowed": allowed, "transaction": transaction}
    rows: Rows = [
        ("plan id", format_plan_id(plan)),
        (role, address),
        ("allowed", "yes" if allowed else "no"),
    ]
    session.answer(data, [*rows, *transaction_rows(transaction)])


PLAN_COMMANDS: Final[tuple[Command, ...]] = (register, show, activate, deactivate, set_minter, set_redeemer)
for command in PLAN_COMMANDS:
    plan_group.add_command(command)
