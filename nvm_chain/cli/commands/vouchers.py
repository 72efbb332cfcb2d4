"""`nvm-chain voucher`: a holder signs what a request costs, and a redeemer settles the vouchers of many holders at once."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import click

from nvm_chain.cli.answers import describe_outcome, name_plan, transaction_rows, voucher_rows
from nvm_chain.cli.command import argument, chain_command, plan_argument
from nvm_chain.cli.deferred import messages
from nvm_chain.cli.durations import HOUR, Duration
from nvm_chain.cli.exit_codes import EXIT_REFUSED
from nvm_chain.cli.groups import Group
from nvm_chain.cli.lazy import (
    credits,
    errors,
    formatting,
    json_values,
    keys,
    plans,
    settlement,
    settlement_forecast,
    types,
    vouchers,
)
from nvm_chain.cli.output import Rows
from nvm_chain.cli.parameters import Address, Context, Pair, parse_count
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from nvm_chain.signing.vouchers import SignedVoucher
    from nvm_chain.types.receipts import SettlementOutcome, Transaction

voucher_group = Group(
    "voucher",
    help="Use credits by signature. Requests need no transactions, and one transaction settles many requests.",
)

NOUN: Final = "signed voucher"
OUTCOMES: Final = {
    "settled": "",
    "short": "which is all the holder had",
    "expired": "its deadline is over",
    "already_settled": "its total or ceiling was reached before",
    "not_signed": "there is no signature of the holder's for this redeemer",
}
"""What became of an item, for people."""
NEEDED_BY_RULE: Final = {
    "HOLDER": "a voucher of the holder's",
    "OWNER": "the key of the plan's owner, or a voucher of the holder's",
    "REDEEMER": "a redeemer's key (the owner allows it with `nvm-chain plan set-redeemer`), or a voucher of the holder's",
}
"""What settles a holder's credits under each rule, where the caller may not by the rule alone."""


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
    "--redeemer", type=Address(), required=True, help="Who may settle the voucher: the plan's owner or a redeemer."
)
@click.option("--cost", type=int, metavar="N", help="Credits that the next request costs.")
@click.option(
    "--last-ceiling",
    type=int,
    metavar="N",
    help="Highest ceiling that was signed on this plan so far. Default: the credits settled so far.",
)
@click.option(
    "--ceiling", type=int, metavar="N", help="In place of --cost: the most credits that may ever be settled in all."
)
@click.option("--valid", type=Duration(), default=HOUR, help="How long the voucher is valid. Default: 1 hour.")
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
    """Sign a voucher for a request; nothing is sent.

    Prints the voucher on stdout, one line of JSON for `voucher settle`, with --json or without. A voucher's ceiling
    is a total: the most credits that may ever be settled, not the cost of one request. With --cost the redeemer can take
    that many credits more. With --ceiling the redeemer can take credits for many requests, up to the ceiling.
    """
    if (cost is None) == (ceiling is None):
        raise errors.InvalidConfig(
            "the amount is missing or given twice", "give --cost N for the next request, or --ceiling N for a session"
        )
    if ceiling is not None and last_ceiling is not None:
        raise errors.InvalidConfig("--last-ceiling is what --cost adds to", "leave it out with --ceiling")
    written = credits.encode_context(context)
    chain, sender = session.connect_to_sign()
    signer = keys.check_message_signer(sender)
    session.say("Reading the plan")
    settlement.check_accepts_vouchers(plan, plans.read_terms(chain, plan))
    terms: dict[str, Any] = {"redeemer": redeemer, "context": written}
    if cost is not None:
        last = last_ceiling or 0
        signed = settlement.sign_next_voucher(
            chain, signer, plan, cost=cost, last_ceiling=last, valid_seconds=valid, **terms
        )
    else:
        deadline = chain.read_time() + valid
        voucher = vouchers.build_voucher(plan, holder=signer.address, ceiling=ceiling or 0, deadline=deadline, **terms)
        signed = vouchers.sign_voucher(signer, voucher, chain_id=chain.chain_id, contract=chain.credits.address)
    session.answer_message(signed.to_json(), voucher_rows(signed.voucher))


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
    "--redeemer", type=Address(), help="Who wants to settle the voucher. Default: the redeemer that the voucher names."
)
@click.option(
    "--offline",
    is_flag=True,
    help="Check only signature and deadline, with --chain-id, --credits and the clock of this machine.",
)
def verify(session: Session, file: str, redeemer: str | None, offline: bool) -> None:
    """Check a voucher, and show what a settlement would bring now. Nothing is sent.

    With --offline no node is asked. Then the command cannot know the holder's
    balance or earlier settlements, nor check the signature of a contract wallet.
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
            "the contract that it is for is missing", "give --chain-id N and --credits ADDRESS with --offline"
        )
    vouchers.verify_voucher(signed, chain_id=session.chain_id, contract=session.credits, redeemer=redeemer)


def _verify_online(session: Session, signed: "SignedVoucher", redeemer: str | None) -> dict[str, int]:
    chain = session.connect()
    session.say("Checking the voucher")
    check = settlement.check_voucher(chain, signed, redeemer=redeemer)
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
    help="A holder, and the total of the holder's credits to settle, without a voucher. The plan's rule has to let you redeem.",
)
def settle(session: Session, plan: int, files: tuple[str, ...], totals: tuple[tuple[str, str], ...]) -> None:
    """Redeem the credits of many holders, by vouchers or by the plan's rule, in one transaction. Plan owner and redeemers only.

    A voucher raises the settled total of its holder to the voucher's ceiling; a --total raises it to the given number. The
    holder's credits limit both. An expired, settled or unsigned item brings nothing, and the others still
    count. The outcome of each item is shown. The exit code is 6 if any item brought nothing. If no item would bring
    credits, nothing is sent. Settling twice is safe: a total is reached only once.
    """
    batch = _read_items(files, totals)
    chain, signer = session.connect_to_sign()
    session.say("Looking at what it would bring")
    can_tell = _are_for(batch, plan, signer.address)
    expected = settlement_forecast.forecast_outcomes(chain, plan, batch, redeemer=signer.address) if can_tell else ()
    if can_tell and not any(outcome.amount for outcome in expected):
        _answer_settlement(session, plan, signer.address, batch, expected)
    else:
        receipt = settlement.settle_vouchers(chain, signer, plan, batch)
        transactions = (receipt.transaction, *receipt.more_transactions)
        _answer_settlement(session, plan, receipt.redeemer, batch, receipt.outcomes, *transactions)


def _are_for(batch: "list[SignedVoucher | types.HolderTotal]", plan: int, redeemer: str) -> bool:
    """Return whether all vouchers are of this plan and for this redeemer; settling others is an error."""
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
    """Answer with each item's outcome. Without a transaction none would have brought anything."""
    taken = sum(outcome.amount for outcome in outcomes)
    data = {
        **name_plan(plan),
        "redeemer": redeemer,
        "credits": taken,
        "outcomes": list(map(describe_outcome, outcomes)),
        "transaction": next(iter(transactions), None),
        **({"more_transactions": transactions[1:]} if transactions[1:] else {}),
    }
    nothing: Rows = [("transaction", "none: nothing was sent, as no item brings anything")]
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
    """Say what a --total needs that the plan's rule does not let the caller settle. One request, only if there is one."""
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
            "what is settled is missing",
            "give files with vouchers, or --total HOLDER=CREDITS where the rule lets you redeem",
        )
    signed = messages.read_messages(files, vouchers.SignedVoucher.from_json, NOUN) if files else []
    problem = "needs a whole number of credits behind its ="
    return [*signed, *(types.HolderTotal(holder, parse_count(text, holder, problem)) for holder, text in totals)]


def _outcome_row(outcome: "SettlementOutcome") -> tuple[str, object]:
    name = outcome.result.name.lower()
    brought = formatting.count(outcome.amount, "credit") if outcome.amount else "nothing"
    return name.replace("_", " "), ", ".join(filter(None, [f"{outcome.holder}  {brought}", OUTCOMES[name]]))


for command in (sign, verify, settle):
    voucher_group.add_command(command)
