"""`nvm-chain meter settle`: a settler in a process of its own, and what it would do."""

from typing import TYPE_CHECKING, Any, Final

import click

from nvm_chain.cli import openings
from nvm_chain.cli.answers import name_plan
from nvm_chain.cli.command import chain_command
from nvm_chain.cli.durations import DAY, Duration
from nvm_chain.cli.exit_codes import EXIT_REFUSED
from nvm_chain.cli.lazy import amounts, errors, first_use, formatting, meter_operating, settling_rules
from nvm_chain.cli.meters import books_option, open_books
from nvm_chain.cli.output import Rows
from nvm_chain.cli.parameters import PlanId
from nvm_chain.cli.session import Session
from nvm_chain.cli.stopping import stopping

if TYPE_CHECKING:
    from nvm_chain.chain.client import Chain
    from nvm_chain.errors import NvmChainError
    from nvm_chain.meter.settling.batches import Batch
    from nvm_chain.meter.settling.first_use import Opened
    from nvm_chain.meter.settling.outlooks import Outlook
    from nvm_chain.meter.settling.settler import Settled, Settler

PAUSE: Final = 15
MINUTE: Final = 60
CONFLICT: Final = "Give only one of --dry-run, --once and --every."


def rule_options(function: Any) -> Any:
    """Add the options that say when credits are due."""
    for option in reversed(
        (
            click.option("--max-credits", type=click.IntRange(min=1), default=1_000, metavar="N", help=MANY),
            click.option("--age", type=Duration(), default=DAY, help="Settle charges of this age. Default: 24 hours."),
            click.option("--exposure", type=click.IntRange(min=1), metavar="N", help=EXPOSURE),
            click.option("--exposure-percent", type=click.IntRange(1, 100), default=50, metavar="N", help=PERCENT),
            click.option("--margin", type=Duration(), default=10 * MINUTE, help=MARGIN),
            click.option("--stuck", type=Duration(), default=3 * MINUTE, help=STUCK),
            click.option("--max-fee-percent", type=click.IntRange(min=100), default=300, metavar="N", help=MOST_FEE),
        )
    ):
        function = option(function)
    return function


MANY: Final = "Settle a holder who owes this many credits. Default: 1,000."
EXPOSURE: Final = "Credits of one holder that you risk, as in the settings of the meter."
PERCENT: Final = "Settle a holder who has used up this part of the exposure. Default: 50."
STUCK: Final = "Send a transaction again that waits this long, with a higher fee. Default: 3 minutes."
MOST_FEE: Final = "Highest such fee, in percent of what a new transaction would offer. Default: 300."
MARGIN: Final = "Settle this long before a voucher or credits end. Default: 10 minutes."


@chain_command(
    "settle",
    signs=True,
    examples=(
        "nvm-chain meter settle --meter $METER --dry-run --keyfile redeemer.json",
        "nvm-chain meter settle --meter $METER --once --age 6h --keyfile redeemer.json",
        "nvm-chain meter settle --meter $METER --every 60s --keyfile redeemer.json",
    ),
)
@books_option
@click.option("--dry-run", is_flag=True, help="Show the batches, their gas, and what they would close. Sends nothing.")
@click.option("--once", is_flag=True, help="Settle what is due now, and end.")
@click.option("--every", type=Duration(), help="Pause between two looks. Default: 15 seconds.")
@click.option("--plan", "plans", type=PlanId(), multiple=True, help="A plan to settle. Default: all. May be repeated.")
@rule_options
def settle(
    session: Session,
    meter: str | None,
    dry_run: bool,
    once: bool,
    every: int | None,
    plans: tuple[int, ...],
    max_credits: int,
    age: int,
    exposure: int | None,
    exposure_percent: int,
    margin: int,
    stuck: int,
    max_fee_percent: int,
) -> None:
    """Settle what is due, once or again and again, or show what would be.

    A holder's credits are due if they are many or old, if much of the exposure is used up, or if their voucher or their
    credits end soon. One process settles with a key at a time. Without --once the command goes on until you stop it with
    Ctrl-C. A settlement names totals, so nothing is taken twice, whatever happens.

    Books in a file belong to the process that serves. So this command is for books in PostgreSQL, or while nobody serves. The
    exit code is 6 if a batch or an opening of --once failed.
    """
    if dry_run + once + (every is not None) > 1:
        raise click.UsageError(CONFLICT)
    chain, signer = session.connect_to_sign()
    rules = settling_rules.SettleRules(
        max_credits, age, exposure_percent, margin, stuck_seconds=stuck, max_fee_percent=max_fee_percent
    )
    more = {} if exposure is None else {"exposure": exposure}
    with open_books(session, meter) as writer:
        session.say("Reading the plans")
        settler = meter_operating.build_settler(
            chain, signer, writer, rules, plan_ids=plans, waits=not (dry_run or once), **more
        )
        if dry_run:
            answer_outlook(session, settler, chain)
        elif once:
            settle_once(session, settler)
        else:
            _run(session, settler, PAUSE if every is None else every)


# ---------------------------------------------------------------- what would be


def answer_outlook(session: Session, settler: "Settler", chain: "Chain") -> None:
    """Show what a settler would settle now. Sends nothing."""
    outlook = settler.look()
    cost = outlook.gas * chain.read_fees()[0]
    nothing = {"taken": 0, "transaction": None, "error": None}
    batches = [{**_describe_batch(batch), **nothing} for batch in outlook.batches]
    waiting = [openings.describe_pending(each) for each in outlook.openings]
    data = {"outlook": _describe_outlook(outlook, cost), "batches": batches, "openings": waiting, **_sum([])}
    session.answer(data, _outlook_rows(outlook, cost))


def _describe_outlook(outlook: "Outlook", cost: int) -> dict[str, Any]:
    return {
        "owed": outlook.owed,
        "takeable": outlook.takeable,
        "waiting": outlook.waiting,
        "holders": outlook.holders,
        "hindered": {hindrance.name.lower(): credits for hindrance, credits in outlook.hindered.items()},
        "next_due": _describe_next(outlook),
        "closes": outlook.closes,
        "gas": outlook.gas,
        "cost_wei": str(cost),
    }


def _outlook_rows(outlook: "Outlook", cost: int) -> Rows:
    return [
        ("owed", f"{formatting.count(outlook.owed, 'credit')} by {formatting.count(outlook.holders, 'holder')}"),
        ("can be taken", formatting.count(outlook.takeable, "credit")),
        ("under way", formatting.count(outlook.waiting, "credit")),
        *(
            ("cannot be taken", f"{formatting.count(credits, 'credit')}: {hindrance.value}")
            for hindrance, credits in outlook.hindered.items()
        ),
        *(("batch", _write_batch(batch)) for batch in outlook.batches),
        *openings.pending_rows(outlook.openings),
        *([] if outlook.batches else [("nothing is due", _explain_nothing(outlook))]),
        ("would close", formatting.count(outlook.closes, "credit")),
        ("gas", f"{outlook.gas:,}, at most {amounts.format_units(cost, 18)} of the chain's coin"),
    ]


def _describe_next(outlook: "Outlook") -> dict[str, Any] | None:
    found = outlook.next_due
    return None if found is None else {"reason": found.reason.name.lower(), "time": found.time}


def _explain_nothing(outlook: "Outlook") -> str:
    """Say why no batch would be sent."""
    if not outlook.owed:
        return "nothing is owed"
    if outlook.next_due is not None:
        found = outlook.next_due
        return f"first comes the reason '{found.reason.value}', at {formatting.format_utc(found.time)}"
    if outlook.waiting:
        return "transactions are under way, or the books have not read their blocks yet"
    return "nothing of what is owed can be taken now"


def _describe_batch(batch: "Batch") -> dict[str, Any]:
    reasons = {item.reason.name.lower() for item in batch.items if item.reason is not None}
    return {
        **name_plan(batch.plan_id),
        "holders": len(batch.items),
        "credits": batch.credits,
        "gas": batch.gas,
        "has_wallets": batch.has_wallets,
        "reasons": sorted(reasons),
    }


def _write_batch(batch: "Batch") -> str:
    plan = formatting.format_plan_id(batch.plan_id)
    reasons = dict.fromkeys(item.reason.value for item in batch.items if item.reason is not None)
    taken = f"{formatting.count(batch.credits, 'credit')} of {formatting.count(len(batch.items), 'holder')}"
    return f"{taken} on plan {plan}: {', '.join(reasons)}"


# ---------------------------------------------------------------- what was done


def settle_once(session: Session, settler: "Settler") -> None:
    """Settle what is due now, and show what came of it."""
    opened: list[Opened] = []
    _answer_settled(session, settler.settle(opened.append), opened)


def _answer_settled(session: Session, settled: "list[Settled]", opened: "list[Opened]") -> None:
    done = {
        "batches": [_describe_settled(each) for each in settled],
        "openings": [openings.describe_opened(each) for each in opened],
    }
    rows: Rows = [*map(openings.opened_row, opened), *map(_row, settled)] or [("nothing", "is due")]
    session.answer({"outlook": None, **done, **_sum(settled)}, rows)
    if any(error is not None for error in (*(each.error for each in settled), *(each.error for each in opened))):
        click.get_current_context().exit(EXIT_REFUSED)


def _sum(settled: "list[Settled]") -> dict[str, Any]:
    receipts = [each.receipt for each in settled if each.receipt is not None]
    return {
        "transactions": len(receipts),
        "credits": sum(receipt.credits for receipt in receipts),
        "failed": len(settled) - len(receipts),
    }


def _describe_settled(each: "Settled") -> dict[str, Any]:
    receipt = each.receipt
    return {
        **_describe_batch(each.batch),
        "taken": 0 if receipt is None else receipt.credits,
        "transaction": None if receipt is None else receipt.transaction.hash,
        "error": None if each.error is None else each.error.problem,
    }


def _row(each: "Settled") -> tuple[str, object]:
    if each.receipt is None:
        return "failed", "" if each.error is None else f"{_write_batch(each.batch)}. {each.error}"
    taken = formatting.count(each.receipt.credits, "credit")
    return "settled", f"{taken} of {formatting.count(len(each.batch.items), 'holder')}  {each.receipt.transaction.hash}"


def _run(session: Session, settler: "Settler", pause: int) -> None:
    """Settle until Ctrl-C or SIGTERM, and say each step. The batch under way is finished first."""
    counts = {"transactions": 0, "credits": 0, "failed": 0}

    def tell(what: "Settled | Opened | NvmChainError") -> None:
        if isinstance(what, errors.NvmChainError):
            session.say(f"Waiting: {what}")
            return
        if isinstance(what, first_use.Opened):
            label, text = openings.opened_row(what)
            session.say(f"{label}: {text}")
            return
        for name, number in _sum([what]).items():
            counts[name] += number
        label, text = _row(what)
        session.say(f"{label}: {text}")

    with stopping() as stop:
        settler.run(stop, tell, pause_seconds=pause)
    rows = [(name, f"{number:,}") for name, number in counts.items()]
    session.answer({"outlook": None, "batches": [], "openings": [], **counts}, rows)
