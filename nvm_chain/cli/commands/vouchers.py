"""`nvm-chain voucher`: a holder signs vouchers for requests, and a redeemer settles those of many holders at once."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final
from uuid import UUID

import click

from nvm_chain.cli.answers import describe_outcome, name_plan, transaction_rows, voucher_rows
from nvm_chain.cli.command import argument, chain_command, plan_argument
from nvm_chain.cli.deferred import messages
from nvm_chain.cli.durations import HOUR, Duration
from nvm_chain.cli.exit_codes import EXIT_REFUSED
from nvm_chain.cli.groups import Group
from nvm_chain.cli.lazy import (
    addresses,
    credits,
    errors,
    formatting,
    json_values,
    keys,
    plan_terms,
    plans,
    settlement,
    settlement_forecast,
    types,
    voucher_checks,
    vouchers,
)
from nvm_chain.cli.output import Rows
from nvm_chain.cli.parameters import Address, Context, Pair, parse_count
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from nvm_chain.chain.batches import Reader
    from nvm_chain.chain.client import Chain
    from nvm_chain.signing.vouchers import SignedVoucher, Voucher
    from nvm_chain.types.accounts import Account
    from nvm_chain.types.plans import Terms
    from nvm_chain.types.receipts import SettlementOutcome, Transaction

voucher_group = Group(
    "voucher",
    help="Pay for requests with vouchers, which the holder signs and a redeemer settles. "
    "Requests need no transactions, and one transaction settles many requests.",
)

NOUN: Final = "signed voucher"
OUTCOMES: Final = {
    "settled": "",
    "short": "which is the whole balance of the holder",
    "expired": "the deadline of the item has passed",
    "already_settled": "an earlier settlement reached the total or ceiling",
    "not_signed": "the holder's signature for this redeemer is missing or invalid",
}
"""Explanation of each outcome of an item."""
NEEDED_BY_RULE: Final = {
    "HOLDER": "a voucher that the holder signed",
    "OWNER": "the plan owner's key, or a voucher that the holder signed",
    "REDEEMER": "a redeemer's key (see `nvm-chain plan set-redeemer`), or a voucher that the holder signed",
}
"""Requirement of a --total under each redemption rule, if the rule does not let the caller settle."""


# ---------------------------------------------------------------- sign


@chain_command(
    "sign",
    signs=True,
    examples=(
        "nvm-chain voucher sign $PLAN --redeemer $BUILDER --cost 1 \\\n    --keyfile subscriber.json > voucher.json",
        (
            "nvm-chain voucher sign $PLAN --redeemer $BUILDER --cost 2 --last-ceiling 40 \\\n"
            "    --context request-17 --dev-account 2 >> vouchers.jsonl"
        ),
        (
            "nvm-chain voucher sign $PLAN --redeemer $BUILDER --ceiling 50 --valid 12h \\\n"
            "    --dev-account 2 > session.json"
        ),
    ),
)
@plan_argument()
@click.option(
    "--redeemer",
    type=Address(),
    required=True,
    help="Address that may settle the voucher: the plan owner or a redeemer.",
)
@click.option("--cost", type=int, metavar="N", help="Credits that the next request costs.")
@click.option(
    "--last-ceiling",
    type=int,
    metavar="N",
    help="Highest ceiling that you have signed on this plan. Default: the credits settled so far.",
)
@click.option(
    "--ceiling", type=int, metavar="N", help="Highest total of credits that may ever be settled. Replaces --cost."
)
@click.option("--valid", type=Duration(), default=HOUR, help="Validity of the voucher, such as 12h. Default: 1 hour.")
@click.option(
    "--context", type=Context(), default="", help="Id of the request: a UUID, 0x… or at most 32 bytes of text."
)
def sign(
    session: Session,
    plan: int,
    redeemer: str,
    cost: int | None,
    last_ceiling: int | None,
    ceiling: int | None,
    valid: int,
    context: str | bytes | UUID,
) -> None:
    """Sign a voucher for a request. Nothing is sent.

    The command prints the voucher as one line of JSON on stdout. `voucher settle` reads this line. The ceiling of a
    voucher limits the total of all credits that are ever settled for the holder on the plan. The ceiling is not the
    cost of one request. With --cost N the ceiling is N credits above the last ceiling. With --ceiling one voucher
    serves many requests.

    Without --last-ceiling, a second voucher before a settlement has the same ceiling as the first, and pays for nothing
    more. So give the ceiling of the last voucher with --last-ceiling.

    A warning on stderr names what would make the voucher useless now. The redeemer may not settle, for example, or you
    have no credits, the ceiling is settled already, or the plan does not allow the cost.
    """
    _check_amount(cost, last_ceiling, ceiling)
    written = credits.encode_context(context)
    chain, sender = session.connect_to_sign()
    signer = keys.check_message_signer(sender)
    session.say("Reading the plan")
    with chain.reading_ahead(*_sign_readers(chain, plan, signer.address, redeemer)):
        terms = plans.read_terms(chain, plan)
        voucher_checks.check_accepts_vouchers(plan, terms)
        account = credits.read_account(chain, plan, signer.address)
        last = max(last_ceiling or 0, account.settled)
        voucher = vouchers.build_voucher(
            plan,
            holder=signer.address,
            redeemer=redeemer,
            ceiling=vouchers.next_ceiling(last, cost) if cost is not None else ceiling or 0,
            deadline=chain.read_time() + valid,
            context=written,
        )
        signed = vouchers.sign_voucher(signer, voucher, chain_id=chain.chain_id, contract=chain.credits.address)
        warnings = [*_warn_of_account(voucher, account), *_warn_of_plan(chain, terms, voucher, cost)]
    rows = voucher_rows(voucher)
    if cost is not None:
        rows.append(("next", f"sign the next voucher with --last-ceiling {voucher.ceiling}"))
    for warning in warnings:
        session.warn(warning)
    session.answer_message(signed.to_json(), rows)


def _check_amount(cost: int | None, last_ceiling: int | None, ceiling: int | None) -> None:
    """Raise InvalidConfig unless the options give one amount."""
    if (cost is None) == (ceiling is None):
        raise errors.InvalidConfig(
            "the amount is missing or given twice", "give --cost N for the next request, or --ceiling N for a session"
        )
    if ceiling is not None and last_ceiling is not None:
        raise errors.InvalidConfig("--last-ceiling needs --cost", "leave it out with --ceiling")


def _sign_readers(chain: "Chain", plan: int, holder: str, redeemer: str) -> "list[Reader]":
    """Return the readers that a voucher and its warnings need, for `Chain.reading_ahead`. No request."""
    return [
        *plan_terms.plan_readers(chain, plan),
        partial(credits.read_account, chain, plan, holder),
        partial(plans.is_redeemer, chain, plan, addresses.parse_address(redeemer)),
        chain.read_time,
    ]


def _warn_of_account(voucher: "Voucher", account: "Account") -> Iterator[str]:
    """Yield why the holder's account makes a voucher useless now."""
    if account.balance == 0:
        yield "you have no credits of this plan now, so a settlement would take nothing"
    if voucher.ceiling <= account.settled:
        settled = formatting.count(account.settled, "credit")
        yield f"{settled} of yours are settled already, so the ceiling of {voucher.ceiling:,} pays for nothing"


def _warn_of_plan(chain: "Chain", terms: "Terms", voucher: "Voucher", cost: int | None) -> Iterator[str]:
    """Yield why a plan makes a voucher useless now. No request after `Chain.read_ahead`.

    If the node takes no batches, the redeemer's right is not read, because that would take two more requests.
    """
    if cost is not None and not terms.allows_cost(cost):
        allowed = formatting.format_range(terms.min_redeem, terms.max_redeem, "credit")
        yield f"a request on this plan takes {allowed}, not {cost:,}"
    if chain.takes_batches:
        owner = plans.read_plan_state(chain, voucher.plan_id).owner
        if voucher.redeemer != owner and not plans.is_redeemer(chain, voucher.plan_id, voucher.redeemer):
            yield f"{voucher.redeemer} is neither the plan owner nor a redeemer of the plan, and cannot settle the voucher"


# ---------------------------------------------------------------- verify


@chain_command(
    "verify",
    examples=(
        "nvm-chain voucher verify voucher.json",
        "nvm-chain voucher verify voucher.json --redeemer $BUILDER --json",
        "nvm-chain voucher verify - --offline --chain-id 31337 --credits $CREDITS \\\n    < voucher.json",
    ),
)
@argument("file", metavar="FILE", help="File with the voucher; - is the standard input.")
@click.option(
    "--redeemer",
    type=Address(),
    help="Address of the redeemer who wants to settle the voucher. Default: the redeemer in the voucher.",
)
@click.option(
    "--offline",
    is_flag=True,
    help="Check only signature and deadline, without a node. Needs --chain-id and --credits, and uses the local clock.",
)
def verify(session: Session, file: str, redeemer: str | None, offline: bool) -> None:
    """Check a voucher, and show how many credits a settlement would take now. Nothing is sent.

    With --offline the command asks no node. Then the holder's balance and earlier settlements stay unknown, and the
    command cannot check the signature of a contract wallet.
    """
    signed: SignedVoucher = messages.read_message(file, vouchers.SignedVoucher.from_json, NOUN)
    known: Mapping[str, int | None] = {"balance": None, "settled": None, "available": None}
    if offline:
        _verify_offline(session, signed, redeemer)
    else:
        known = _verify_online(session, signed, redeemer)
    brings: Rows = [] if offline else [("brings", f"{formatting.count(known['available'] or 0, 'credit')} now")]
    data = {**name_plan(signed.voucher.plan_id), **json_values.fields_of(signed.voucher), **known}
    session.answer(data, [*voucher_rows(signed.voucher), ("signature", "good"), *brings])


def _verify_offline(session: Session, signed: "SignedVoucher", redeemer: str | None) -> None:
    if session.chain_id is None or session.credits is None:
        raise errors.InvalidConfig(
            "the contract of the voucher is missing", "give --chain-id N and --credits ADDRESS with --offline"
        )
    vouchers.verify_voucher(signed, chain_id=session.chain_id, contract=session.credits, redeemer=redeemer)


def _verify_online(session: Session, signed: "SignedVoucher", redeemer: str | None) -> dict[str, int]:
    chain = session.connect()
    session.say("Checking the voucher")
    check = voucher_checks.check_voucher(chain, signed, redeemer=redeemer)
    return {"balance": check.balance, "settled": check.settled, "available": check.available}


# ---------------------------------------------------------------- settle


@chain_command(
    "settle",
    signs=True,
    examples=(
        "nvm-chain voucher settle $PLAN voucher.json --keyfile builder.json",
        "nvm-chain voucher settle $PLAN vouchers.jsonl session.json --dev-account 1",
        "nvm-chain voucher settle $PLAN - --dev-account 1 --json < vouchers.jsonl",
        "nvm-chain voucher settle $PLAN --total $SUBSCRIBER=12 --total $PARTNER=5 \\\n    --dev-account 1",
    ),
)
@plan_argument()
@argument("files", nargs=-1, metavar="[FILE...]", help="File with vouchers, one on a line; - is the standard input.")
@click.option(
    "--total",
    "totals",
    type=Pair("HOLDER=CREDITS"),
    multiple=True,
    help="New settled total of a holder, without a voucher. The plan's rule has to let you redeem.",
)
def settle(session: Session, plan: int, files: tuple[str, ...], totals: tuple[tuple[str, str], ...]) -> None:
    """Settle the vouchers of many holders in one transaction. Plan owner and redeemers only.

    A voucher raises the settled total of its holder to the voucher's ceiling. A --total raises the settled total to the
    given number. The holder's balance limits both. An expired, settled or unsigned item takes no credits, and does not
    stop the other items. The command shows the outcome of each item. The exit code is 6 if any item took no credits. If
    no item would take credits, nothing is sent. A second settlement of the same item takes nothing.
    """
    batch = _read_items(files, totals)
    chain, signer = session.connect_to_sign()
    session.say("Checking the items")
    can_tell = _are_for(batch, plan, signer.address)
    expected = settlement_forecast.forecast_outcomes(chain, plan, batch, redeemer=signer.address) if can_tell else ()
    if can_tell and not any(outcome.amount for outcome in expected):
        _answer_settlement(session, plan, signer.address, batch, expected)
    else:
        receipt = settlement.settle_vouchers(chain, signer, plan, batch)
        transactions = (receipt.transaction, *receipt.more_transactions)
        _answer_settlement(session, plan, receipt.redeemer, batch, receipt.outcomes, *transactions)


def _are_for(batch: "list[SignedVoucher | types.HolderTotal]", plan: int, redeemer: str) -> bool:
    """Return whether all vouchers are for this plan and this redeemer. Settling other vouchers is an error."""
    signed = [item.voucher for item in batch if isinstance(item, vouchers.SignedVoucher)]
    return all((voucher.plan_id, voucher.redeemer) == (plan, redeemer) for voucher in signed)


def _answer_settlement(
    session: Session,
    plan: int,
    redeemer: str,
    batch: "Sequence[SignedVoucher | types.HolderTotal]",
    outcomes: "Sequence[SettlementOutcome]",
    *transactions: "Transaction",
) -> None:
    """Print the outcome of each item. Without a transaction no item would have taken credits."""
    taken = sum(outcome.amount for outcome in outcomes)
    data = {
        **name_plan(plan),
        "redeemer": redeemer,
        "credits": taken,
        "outcomes": list(map(describe_outcome, outcomes)),
        "transaction": next(iter(transactions), None),
        **({"more_transactions": transactions[1:]} if transactions[1:] else {}),
    }
    nothing: Rows = [("transaction", "none: no item takes credits, so nothing was sent")]
    rows: Rows = [
        ("plan id", formatting.format_plan_id(plan)),
        *map(_outcome_row, outcomes),
        ("taken", f"{formatting.count(taken, 'credit')} by {formatting.count(len(outcomes), 'item')}"),
        *(row for each in transactions for row in transaction_rows(each)),
        *([] if transactions else nothing),
        *_next_rows(session, plan, batch, outcomes),
    ]
    session.answer(data, rows)
    if not all(outcome.amount for outcome in outcomes):
        click.get_current_context().exit(EXIT_REFUSED)


def _next_rows(
    session: Session,
    plan: int,
    batch: "Sequence[SignedVoucher | types.HolderTotal]",
    outcomes: "Sequence[SettlementOutcome]",
) -> Rows:
    """Return the next steps for each --total that the plan's rule does not allow. Makes one request if there is one."""
    refused = any(
        isinstance(item, types.HolderTotal) and outcome.result.name == "NOT_SIGNED"
        for item, outcome in zip(batch, outcomes, strict=True)
    )
    if not refused or session.chain is None:
        return []
    rule = plans.read_terms(session.chain, plan).rule.name
    return [("next", f"the plan's rule is {rule.lower()}, and a --total needs {NEEDED_BY_RULE[rule]}")]


def _read_items(
    files: tuple[str, ...], totals: tuple[tuple[str, str], ...]
) -> "list[SignedVoucher | types.HolderTotal]":
    if not files and not totals:
        raise errors.InvalidConfig(
            "the items to settle are missing",
            "give files with vouchers, or --total HOLDER=CREDITS where the rule lets you redeem",
        )
    signed = messages.read_messages(files, vouchers.SignedVoucher.from_json, NOUN) if files else []
    problem = "needs a whole number of credits after the ="
    return [*signed, *(types.HolderTotal(holder, parse_count(text, holder, problem)) for holder, text in totals)]


def _outcome_row(outcome: "SettlementOutcome") -> tuple[str, object]:
    name = outcome.result.name.lower()
    brought = formatting.count(outcome.amount, "credit") if outcome.amount else "nothing"
    return name.replace("_", " "), ", ".join(filter(None, [f"{outcome.holder}  {brought}", OUTCOMES[name]]))


for command in (sign, verify, settle):
    voucher_group.add_command(command)
