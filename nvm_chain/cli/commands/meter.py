"""`nvm-chain meter`: see how the books of a meter stand, verify them, settle, and plan for more traffic."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from nvm_chain.cli import openings
from nvm_chain.cli.answers import name_plan
from nvm_chain.cli.command import Command, answer_options, chain_options, index_option, session_command
from nvm_chain.cli.exit_codes import EXIT_INDEX
from nvm_chain.cli.groups import Entry, Group
from nvm_chain.cli.indexes import open_index
from nvm_chain.cli.lazy import errors, formatting, json_values, meter_operating, meter_verifying
from nvm_chain.cli.meters import books_option, open_books
from nvm_chain.cli.output import Rows
from nvm_chain.cli.parameters import Address
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from nvm_chain.chain.client import Chain
    from nvm_chain.meter.operating import MeterStatus
    from nvm_chain.meter.settling.keys import KeyDebt
    from nvm_chain.meter.settling.losses import Loss
    from nvm_chain.meter.store.existing import BooksState
    from nvm_chain.meter.store.verifying import BooksDifference
    from nvm_chain.meter.verifying import MeterVerification

ENTRIES: Final = {
    "status": Entry("meter", "status", "Show how the books of a meter stand, and what is owed to each key."),
    "verify": Entry("meter", "verify", "Add all numbers of the books up again, from charges, an index and the chain."),
    "settle": Entry("meter_settle", "settle", "Settle what is due, once or again and again, or show what would be."),
    "capacity": Entry("meter_capacity", "capacity", "Show what settlements cost and risk at some traffic."),
    "restored": Entry("meter", "restored", "Note that the books were restored from a backup."),
}
meter_group = Group(
    "meter",
    entries=ENTRIES,
    help="Look after the books of a meter, which counts what requests have used, and settle what is owed.",
)
SHOWN_DIFFERENCES: Final = 50
SHOWN_LOSSES: Final = 10


def meter_command(
    name: str, *, examples: Sequence[str], index: bool = False
) -> Callable[[Callable[..., None]], Command]:
    """Turn a function into a command about books. The function gets a Session, then its own parameters."""
    first = [index_option()] if index else []
    return session_command(name, [*first, *chain_options(), *answer_options()], examples)


# ---------------------------------------------------------------- status


@meter_command(
    "status", examples=("nvm-chain meter status --meter $METER", "nvm-chain meter status --meter meter.db --json")
)
@books_option
def status(session: Session, meter: str | None) -> None:
    """Show how the books of a meter stand, and what is owed to each key.

    What is owed to a key can be taken with no other key of the seller. After a rotation, the old key has to stay a redeemer
    of the plans, and has to settle, until nothing is owed to it. If an option names a node, what came of transactions is
    looked up there first. All else is what the books say.
    """
    chain = _connect_if_named(session)
    with open_books(session, meter) as writer:
        try:
            found = meter_operating.read_status(writer, chain)
        except errors.NetworkError as error:
            session.warn(f"Transactions were not looked up. {error}")
            found = meter_operating.read_status(writer)
    session.answer(describe_status(found), status_rows(found))


def _connect_if_named(session: Session) -> "Chain | None":
    """Connect to the node that an option names, or return None. The books can be read without it."""
    if not session.names_chain:
        return None
    try:
        return session.connect()
    except (errors.NetworkError, errors.NoDeployment) as error:
        session.warn(f"Transactions were not looked up. {error}")
        return None


def describe_status(found: "MeterStatus") -> dict[str, Any]:
    """Return how a meter stands as JSON."""
    return {
        **describe_books(found.books),
        "unseen": found.unseen,
        "losses": [describe_loss(loss) for loss in found.losses],
        "keys": [json_values.fields_of(debt) for debt in found.keys],
        "open_settlements": [
            {
                "hash": each.hash,
                **name_plan(each.plan_id),
                "redeemer": each.redeemer,
                "state": each.state.name.lower(),
                "signed_at": each.signed_at,
                "holders": len(each.items),
                "credits": each.credits,
                "opens_access": each.opens_from is not None,
            }
            for each in found.open_settlements
        ],
        "openings": [openings.describe_pending(each) for each in found.openings],
    }


def describe_loss(loss: "Loss") -> dict[str, Any]:
    """Return a loss as JSON."""
    return {**name_plan(loss.key.plan_id), "holder": loss.key.holder, "credits": loss.credits, "reason": loss.reason}


def loss_rows(losses: "Sequence[Loss]") -> Rows:
    """Return losses for people: their sums by reasons, and some of them."""
    rows: Rows = []
    for reason in dict.fromkeys(loss.reason for loss in losses):
        some = [loss for loss in losses if loss.reason == reason]
        rows.append(("lost", f"{formatting.count(sum(loss.credits for loss in some), 'credit')}: {reason}"))
        rows += [
            (
                "",
                f"{formatting.count(loss.credits, 'credit')} of {loss.key.holder} on plan {formatting.format_plan_id(loss.key.plan_id)}",
            )
            for loss in some[:SHOWN_LOSSES]
        ]
        if len(some) > SHOWN_LOSSES:
            rows.append(("", f"and {len(some) - SHOWN_LOSSES:,} more, see --json"))
    return rows


def describe_books(state: "BooksState") -> dict[str, Any]:
    """Return how books stand as JSON."""
    fields = json_values.fields_of(state)
    return {**fields, "owed": max(0, state.charged - state.taken - state.written_off)}


def books_rows(state: "BooksState") -> Rows:
    """Return how books stand for people."""
    ago = formatting.format_duration(state.seen_seconds) if state.seen_seconds else "0 seconds"
    closed = f"until {formatting.format_utc(state.closed_until)}, for vouchers from before a restored backup"
    owed = max(0, state.charged - state.taken - state.written_off)
    return [
        ("chain", state.chain_id),
        ("Credits", state.credits_contract),
        ("block", f"{state.head_number:,}, read {ago} ago" if state.head_number else "none yet"),
        ("accounts", f"{state.accounts:,}"),
        ("charged", formatting.count(state.charged, "credit")),
        ("held", formatting.count(state.held, "credit")),
        ("taken", formatting.count(state.taken, "credit")),
        ("lapsed", formatting.count(state.written_off, "credit")),
        ("owed", formatting.count(owed, "credit")),
        *([("closed", closed)] if state.is_closed else []),
    ]


def status_rows(found: "MeterStatus") -> Rows:
    """Return how a meter stands for people."""
    unseen = f"{formatting.count(found.unseen, 'credit')} of it, in blocks that the books have not read yet"
    rows = [
        *books_rows(found.books),
        *([("taken", unseen)] if found.unseen else []),
        *loss_rows(found.losses),
        *(("key", _describe_debt(debt)) for debt in found.keys),
    ]
    return [
        *rows,
        *(
            ("transaction", f"{each.hash}  {each.state.name.lower()}, {formatting.count(len(each.items), 'holder')}")
            for each in found.open_settlements
        ),
        *openings.pending_rows(found.openings),
    ]


def _describe_debt(debt: "KeyDebt") -> str:
    owed = f"{formatting.count(debt.credits, 'credit')} of {formatting.count(debt.holders, 'holder')}"
    until = "" if debt.latest is None else f", vouchers until {formatting.format_utc(debt.latest)}"
    return f"{debt.redeemer}  {owed if debt.credits else 'nothing'} that only it can take{until}"


# ---------------------------------------------------------------- verify


@meter_command(
    "verify",
    index=True,
    examples=(
        "nvm-chain meter verify --meter meter.db --index shop.db",
        "nvm-chain meter verify --meter $METER --charges-only --json",
    ),
)
@books_option
@click.option("--charges-only", is_flag=True, help="Add up charges and open requests only. Needs no index.")
@click.option(
    "--redeemer",
    "redeemers",
    type=Address(),
    multiple=True,
    help="A key of the seller of which the books have no voucher and no settlement. May be repeated.",
)
def verify(session: Session, meter: str | None, charges_only: bool, redeemers: tuple[str, ...]) -> None:
    """Add all numbers of the books up again, from charges, an index and the chain.

    Every account and session is compared with its charges and its open requests. What the seller's keys took, what was
    settled and what stands behind the charges is added up from the events in the index. If an option names a node, the node
    is asked what was settled too. Each difference is named to the unit, and the exit code is 10 if there is one.
    """
    with open_books(session, meter) as writer:
        keys = meter_operating.find_keys(writer, redeemers)  # type: ignore[arg-type]

        def say(count: int) -> None:
            session.say(f"Compared {formatting.count(count, 'account')}")

        if charges_only:
            found = meter_verifying.verify_meter(writer, keys, on_read=say)
        else:
            with open_index(session) as index:
                chain = session.chain or (session.connect() if session.names_chain else None)
                index.read_state()
                found = meter_verifying.verify_meter(writer, keys, index, chain, say)
    session.answer(_describe_verification(found), _verification_rows(found))
    if not found.is_right:
        click.get_current_context().exit(EXIT_INDEX)


def _describe_verification(found: "MeterVerification") -> dict[str, Any]:
    return {
        **json_values.fields_of(found),
        "ok": found.is_right,
        "losses": [describe_loss(loss) for loss in found.losses],
        "differences": [_describe_difference(each) for each in found.differences],
    }


def _describe_difference(each: "BooksDifference") -> dict[str, Any]:
    return {
        **name_plan(each.key.plan_id),
        "holder": each.key.holder,
        "authority": None if each.authority_id is None else f"0x{each.authority_id.hex()}",
        "what": each.what,
        "compared_with": each.source,
        "by_books": each.by_books,
        "by_entries": each.by_entries,
    }


def _verification_rows(found: "MeterVerification") -> Rows:
    compared = "charges" if found.block is None else f"charges, and the index at block {found.block.number:,}"
    rows: Rows = [
        ("compared", f"{formatting.count(found.accounts, 'account')} with {compared}"),
        *([("", "the chain too")] if found.with_chain else []),
        ("charged", formatting.count(found.charged, "credit")),
        ("taken", formatting.count(found.taken, "credit")),
        *([("opened", formatting.count(found.opened, "period"))] if found.opened else []),
        *loss_rows(found.losses),
    ]
    for each in found.differences[:SHOWN_DIFFERENCES]:
        plan = formatting.format_plan_id(each.key.plan_id)
        rows += [
            ("WRONG", f"{each.what} of {each.key.holder} on plan {plan}"),
            ("", f"books {each.by_books:,}"),
            ("", f"{each.source} {each.by_entries:,}"),
        ]
    left = len(found.differences) - SHOWN_DIFFERENCES
    rows += [("", f"and {left:,} more, see --json")] if left > 0 else []
    return [*rows, ("result", "the books are right")] if found.is_right else rows


# ---------------------------------------------------------------- restored


@meter_command("restored", examples=("nvm-chain meter restored --meter meter.db",))
@books_option
def restored(session: Session, meter: str | None) -> None:
    """Note that the books were restored from a backup.

    Run this once, after the backup is back and before requests are served. The books may lack requests that were served after
    the backup. So sessions and sign-ins from before are void, and request vouchers that may be from before are refused for
    24 hours, which is the longest life of a request voucher.
    """
    with open_books(session, meter) as writer:
        state = meter_operating.note_restored(writer)
    session.answer(describe_books(state), books_rows(state))
