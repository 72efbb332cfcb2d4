"""`nvm-chain plan`: show plans, and change what their owner may change."""

from typing import TYPE_CHECKING, Final

import click

from nvm_chain.cli.answers import describe_terms, name_plan, terms_rows, transaction_rows
from nvm_chain.cli.commands import Command, Group, chain_command
from nvm_chain.cli.lazy import plans
from nvm_chain.cli.output import Rows, format_plan_id
from nvm_chain.cli.parameters import Address, PlanId
from nvm_chain.cli.registering import register
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from nvm_chain.types import Transaction

plan_group = Group("plan", help="Register plans, show them, and change what their owner may change.")


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
