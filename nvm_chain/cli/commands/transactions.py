"""`nvm-chain transaction`: the status and the effects of a transaction."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import click

from nvm_chain.cli.amounts import format_amount
from nvm_chain.cli.answers import format_gas
from nvm_chain.cli.command import argument, chain_command
from nvm_chain.cli.exit_codes import EXIT_DONE, EXIT_REFUSED, EXIT_UNKNOWN_OUTCOME
from nvm_chain.cli.lazy import errors, formatting, plans, transactions
from nvm_chain.cli.output import Rows
from nvm_chain.cli.parameters import Bytes32
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from nvm_chain.chain.client import Chain
    from nvm_chain.operations.transactions import ContractEvent, TransactionReport

MEANINGS: Final = {
    "done": "done: the transaction was mined, with the effects below",
    "failed": "failed: the transaction was mined, and changed nothing",
    "pending": "pending: the transaction was sent, and is not mined yet; look again later",
    "unknown": "unknown to this node: the transaction was never sent, was dropped, or has not arrived yet",
}
NEXT_STEP: Final = (
    "look again in a minute, and ask another node with --rpc; "
    "before you send it again, check its effect with `nvm-chain balance`"
)
"""Next step for a transaction that the node does not know."""
EXITS: Final = {
    "done": EXIT_DONE,
    "failed": EXIT_REFUSED,
    "pending": EXIT_UNKNOWN_OUTCOME,
    "unknown": EXIT_UNKNOWN_OUTCOME,
}
EVENT_PLAN_IDS: Final = ("plan_id", "token_id", "planId", "id")


@chain_command(
    "transaction",
    agents=True,
    examples=("nvm-chain transaction $TRANSACTION", "nvm-chain transaction $TRANSACTION --json"),
)
@argument("hash", type=Bytes32(), metavar="HASH", help="Hash of the transaction: 0x and 64 hexadecimal digits.")
def transaction(session: Session, hash: bytes) -> None:  # noqa: A002  its name on the command line
    """Show the status and the effects of a transaction.

    The exit code is 0 if the transaction is done, 6 if it failed, and 8 if its outcome is unknown.
    """
    chain = session.connect()
    session.say("Looking up the transaction")
    report = transactions.look_up_transaction(chain, f"0x{hash.hex()}")
    session.answer(_describe(report, hash), _rows(chain, report, hash))
    click.get_current_context().exit(EXITS[report.status.value])


def _describe(report: "TransactionReport", transaction_hash: bytes) -> Mapping[str, Any]:
    """Return the report as a JSON object. An unknown transaction's hash is left out: it may be a private key."""
    known = report.status.value != "unknown"
    return {
        "hash": transaction_hash if known else None,
        "status": report.status,
        "sender": report.sender,
        "confirmations": report.confirmations,
        "transaction": report.mined,
        "error": None if report.error is None else {"type": type(report.error).__name__, "message": str(report.error)},
        "events": [
            {"contract": event.contract, "name": event.name, "arguments": _describe_arguments(event)}
            for event in report.events
        ],
    }


def _describe_arguments(event: "ContractEvent") -> dict[str, Any]:
    """Return an event's arguments as text, because JSON readers lose digits of 256-bit numbers."""
    return {name: _format(name, value) for name, value in event.arguments.items()}


def _format(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _format(key, item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_format(name.removesuffix("s"), item) for item in value]
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, bool):
        return value
    return formatting.format_plan_id(value) if name in EVENT_PLAN_IDS and isinstance(value, int) else str(value)


def _rows(chain: "Chain", report: "TransactionReport", transaction_hash: bytes) -> Iterator[tuple[str, object]]:
    yield "status", MEANINGS[report.status.value]
    if report.status.value == "unknown":
        yield "next", NEXT_STEP
    if report.status.value != "unknown":
        yield "hash", f"0x{transaction_hash.hex()}"
        yield "sender", report.sender
    if report.mined is not None:
        yield "block", f"{report.mined.block_number:,}, {report.confirmations:,} deep"
        yield "gas", format_gas(report.mined.gas_used)
    if report.error is not None:
        yield "error", f"{type(report.error).__name__}: {report.error}"
    for event in report.events:
        yield from _event_rows(chain, event)


def _event_rows(chain: "Chain", event: "ContractEvent") -> Rows:
    rows: Rows = [("event", f"{event.name} of {event.contract}")]
    for name, value in event.arguments.items():
        shown = _format_cost(chain, event, value) if name == "cost" else _format(name, value)
        rows += [] if isinstance(shown, dict | list) else [("", f"{name} {shown}")]
    return rows


def _format_cost(chain: "Chain", event: "ContractEvent", cost: int) -> str:
    """Format a cost in the token of the event's plan. Without an answer of the node the cost is in base units."""
    try:
        return format_amount(chain, plans.read_terms(chain, event.arguments["planId"]).token, cost)
    except errors.NvmChainError:
        return f"{cost} base units"
