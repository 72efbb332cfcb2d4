"""`nvm-chain plan`: show and list plans, and change their mutable settings."""

from typing import TYPE_CHECKING, Final

import click

from nvm_chain.cli.answers import describe_terms, name_plan, terms_rows, transaction_rows
from nvm_chain.cli.command import Command, argument, chain_command, plan_argument
from nvm_chain.cli.commands.plan_new import new
from nvm_chain.cli.commands.plan_terms import register
from nvm_chain.cli.descriptions import build_plan_uri, read_plan_description
from nvm_chain.cli.groups import Group
from nvm_chain.cli.lazy import addresses, errors, formatting, holdings, plans
from nvm_chain.cli.output import Rows
from nvm_chain.cli.parameters import Address
from nvm_chain.cli.ranges import choose_blocks, describe_state, list_rows, range_options, range_rows
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from nvm_chain.types.receipts import Transaction

plan_group = Group("plan", help="Register, show, list and change plans.")


# ---------------------------------------------------------------- show


@chain_command("show", examples=("nvm-chain plan show $PLAN", "nvm-chain plan show $PLAN --json"))
@plan_argument()
def show(session: Session, plan: int) -> None:
    """Show a plan: its terms, state and metadata."""
    chain = session.connect()
    session.say("Reading the plan")
    found = plans.read_plan(chain, plan)
    described = read_plan_description(found.uri)
    data = {
        **name_plan(plan),
        "owner": found.owner,
        "pending_owner": found.pending_owner,
        "active": found.active,
        "fee_bps": found.fee_bps,
        "uri": found.uri,
        "metadata": described.as_json(),
        "terms": describe_terms(found.terms),
    }
    rows: Rows = [
        ("plan id", formatting.format_plan_id(plan)),
        ("owner", found.owner),
        ("orders", "open" if found.active else "closed by the owner"),
        *terms_rows(chain, found.terms, found.fee_bps),
        *described.rows(),
    ]
    session.answer(data, rows)


@chain_command(
    "list",
    examples=(
        "nvm-chain plan list --owner $BUILDER",
        "nvm-chain plan list --holder $SUBSCRIBER --json",
        "nvm-chain plan list --from-block 0 --blocks 1000",
    ),
)
@click.option("--owner", type=Address(), help="List only plans that this address owns now.")
@click.option("--holder", type=Address(), help="List only plans whose credits, periods or access this address has now.")
@range_options
def list_plans(
    session: Session, owner: str | None, holder: str | None, from_block: int | None, blocks: int | None
) -> None:
    """List plans by the events in a range of blocks.

    Without --owner and --holder the list has the plans that were registered in the range. The answer names the range.
    A long range takes longer.
    """
    if owner is not None and holder is not None:
        raise errors.InvalidConfig(
            "--owner and --holder contradict each other",
            "give one of them, or run `nvm-chain holdings ADDRESS` for both",
        )
    chain = session.connect()
    looked_at = choose_blocks(session, chain, from_block, blocks)
    if holder is None:
        found = holdings.find_plans(chain, owner, blocks=looked_at)
    else:
        found = [holding.plan for holding in holdings.find_holdings(chain, holder, blocks=looked_at)]
    data = {"blocks": looked_at, "plans": [describe_state(plan) for plan in found]}
    session.answer(data, [*range_rows(looked_at), *list_rows(chain, found)])


# ---------------------------------------------------------------- change


@chain_command("activate", signs=True, examples=("nvm-chain plan activate $PLAN --keyfile builder.json",))
@plan_argument()
def activate(session: Session, plan: int) -> None:
    """Open a plan for new orders. Plan owner only."""
    _set_active(session, plan, True)


@chain_command("deactivate", signs=True, examples=("nvm-chain plan deactivate $PLAN --keyfile builder.json",))
@plan_argument()
def deactivate(session: Session, plan: int) -> None:
    """Close a plan for new orders. Plan owner only.

    Holders keep their credits and access.
    """
    _set_active(session, plan, False)


def _set_active(session: Session, plan: int, active: bool) -> None:
    chain, signer = session.connect_to_sign()
    transaction = plans.set_plan_active(chain, signer, plan, active)
    data = {**name_plan(plan), "active": active, "transaction": transaction}
    state = "open" if active else "closed"
    session.answer(
        data, [("plan id", formatting.format_plan_id(plan)), ("orders", state), *transaction_rows(transaction)]
    )


@chain_command(
    "set-minter",
    signs=True,
    examples=(
        "nvm-chain plan set-minter $PLAN $PARTNER --keyfile builder.json",
        "nvm-chain plan set-minter $PLAN $PARTNER --revoke --keyfile builder.json",
    ),
)
@plan_argument()
@argument("minter", type=Address(), help="Address of the minter.")
@click.option("--revoke", is_flag=True, help="Remove the permission.")
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
@plan_argument()
@argument("redeemer", type=Address(), help="Address of the redeemer.")
@click.option("--revoke", is_flag=True, help="Remove the permission.")
def set_redeemer(session: Session, plan: int, redeemer: str, revoke: bool) -> None:
    """Allow an address to settle vouchers of a plan. Plan owner only.

    If the plan's rule includes redeemers, the address may also redeem credits, and settle without vouchers.
    """
    chain, signer = session.connect_to_sign()
    transaction = plans.set_redeemer(chain, signer, plan, redeemer, not revoke)
    _answer_allowed(session, plan, "redeemer", redeemer, not revoke, transaction)


def _answer_allowed(
    session: Session, plan: int, role: str, address: str, allowed: bool, transaction: "Transaction"
) -> None:
    data = {**name_plan(plan), role: address, "allowed": allowed, "transaction": transaction}
    rows: Rows = [
        ("plan id", formatting.format_plan_id(plan)),
        (role, address),
        ("allowed", "yes" if allowed else "no"),
    ]
    session.answer(data, [*rows, *transaction_rows(transaction)])


# ---------------------------------------------------------------- metadata, owner


@chain_command(
    "set-uri",
    signs=True,
    examples=(
        "nvm-chain plan set-uri $PLAN https://example.com/plan.json \\\n    --keyfile builder.json",
        "nvm-chain plan set-uri $PLAN --name Translations --dev-account 1 --json",
    ),
)
@plan_argument()
@argument("uri", default="", help="URI of metadata that is stored outside the chain.")
@click.option("--uri", "uri_option", default="", help="The same as the argument URI.")
@click.option("--name", help="Name of the plan. With a name, the metadata is stored on the chain.")
@click.option("--description", default="", help="Description of the plan. Needs --name.")
def set_uri(session: Session, plan: int, uri: str, uri_option: str, name: str | None, description: str) -> None:
    """Replace the whole metadata of a plan. Plan owner only.

    The old metadata stays readable in the chain's history.
    """
    if uri and uri_option:
        raise errors.InvalidConfig("the URI is given twice", "give URI or --uri")
    uri = uri or uri_option
    if name is None and not uri:
        raise errors.InvalidConfig("the metadata is missing", "give a URI, or --name for metadata on the chain")
    written = build_plan_uri(name, description, uri)
    chain, signer = session.connect_to_sign()
    transaction = plans.set_plan_uri(chain, signer, plan, written)
    described = read_plan_description(written)
    data = {**name_plan(plan), "uri": written, "metadata": described.as_json(), "transaction": transaction}
    rows: Rows = [("plan id", formatting.format_plan_id(plan)), *described.rows(), *transaction_rows(transaction)]
    session.answer(data, rows)


@chain_command(
    "transfer-ownership",
    signs=True,
    examples=(
        "nvm-chain plan transfer-ownership $PLAN $PARTNER --keyfile builder.json",
        "nvm-chain plan transfer-ownership $PLAN --withdraw --keyfile builder.json",
    ),
)
@plan_argument()
@argument("new_owner", type=Address(), metavar="[NEW_OWNER]", required=False, help="Address of the new owner.")
@click.option("--withdraw", is_flag=True, help="Withdraw an earlier offer of the plan.")
def transfer_ownership(session: Session, plan: int, new_owner: str | None, withdraw: bool) -> None:
    """Offer a plan to a new owner. Plan owner only.

    The new owner has to accept the offer with `nvm-chain plan accept-ownership`. The receivers of payments stay the
    same, because they are part of the plan's terms.
    """
    if (new_owner is None) is not withdraw:
        raise errors.InvalidConfig(
            "NEW_OWNER and --withdraw contradict each other, and one is needed",
            "give NEW_OWNER to offer the plan, or --withdraw to withdraw an offer",
        )
    chain, signer = session.connect_to_sign()
    offered = addresses.ZERO_ADDRESS if new_owner is None else new_owner
    transaction = plans.transfer_plan_ownership(chain, signer, plan, offered)
    data = {**name_plan(plan), "owner": signer.address, "pending_owner": new_owner, "transaction": transaction}
    rows: Rows = [
        ("plan id", formatting.format_plan_id(plan)),
        ("owner", signer.address),
        ("offered to", new_owner or "nobody"),
    ]
    session.answer(data, [*rows, *transaction_rows(transaction)])


@chain_command(
    "accept-ownership",
    signs=True,
    examples=("nvm-chain plan accept-ownership $PLAN --keyfile partner.json",),
)
@plan_argument()
def accept_ownership(session: Session, plan: int) -> None:
    """Accept the ownership of a plan that its owner offered to the signer.

    The minters and redeemers of the last owner lose their permission.
    """
    chain, signer = session.connect_to_sign()
    transaction = plans.accept_plan_ownership(chain, signer, plan)
    data = {**name_plan(plan), "owner": signer.address, "pending_owner": None, "transaction": transaction}
    rows: Rows = [("plan id", formatting.format_plan_id(plan)), ("owner", signer.address)]
    session.answer(data, [*rows, *transaction_rows(transaction)])


PLAN_COMMANDS: Final[tuple[Command, ...]] = (
    *(new, register, show, list_plans, activate, deactivate, set_minter, set_redeemer),
    *(set_uri, transfer_ownership, accept_ownership),
)
for command in PLAN_COMMANDS:
    plan_group.add_command(command)
