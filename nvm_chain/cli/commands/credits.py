"""`nvm-chain mint`, `grant-external`, `redeem`, `transfer`, `burn` and `faucet`: changes of credits, and test money."""

from typing import TYPE_CHECKING
from uuid import UUID

import click

from nvm_chain.cli.amounts import FIND_USDC, format_amount, parse_amount
from nvm_chain.cli.answers import name_plan, transaction_rows
from nvm_chain.cli.command import argument, chain_command, plan_argument
from nvm_chain.cli.exit_codes import EXIT_REFUSED
from nvm_chain.cli.lazy import credits, errors, formatting, tokens
from nvm_chain.cli.output import Rows
from nvm_chain.cli.parameters import Address, Context, Pair, parse_count
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from nvm_chain.chain.client import Chain
    from nvm_chain.types.receipts import CreditsReceipt, SkippedMint

# ---------------------------------------------------------------- mint


@chain_command(
    "mint",
    signs=True,
    examples=(
        "nvm-chain mint $PLAN $SUBSCRIBER=10 --keyfile builder.json",
        "nvm-chain mint $PLAN $SUBSCRIBER=10 $PARTNER=5 --dev-account 1 --json",
    ),
)
@plan_argument()
@argument(
    "grants",
    type=Pair("RECEIVER=CREDITS"),
    nargs=-1,
    required=True,
    metavar="RECEIVER=CREDITS...",
    help="Address of a receiver, with its number of credits. Repeat for each receiver.",
)
def mint(session: Session, plan: int, grants: tuple[tuple[str, str], ...]) -> None:
    """Grant credits of a plan without payment. Plan owner and minters only.

    One transaction serves one receiver or many. A very long list takes several transactions.

    If one receiver cannot take credits, the other receivers still get their credits. The exit code is then 6.
    """
    amounts = [
        (receiver, parse_count(text, receiver, "needs a whole number of credits after the ="))
        for receiver, text in grants
    ]
    chain, signer = session.connect_to_sign()
    if len(amounts) == 1:
        ((receiver, amount),) = amounts
        _answer_receipt(session, chain, "granted", credits.mint_credits(chain, signer, plan, receiver, amount))
        return
    receipt = credits.mint_credits_batch(chain, signer, plan, amounts)
    minted = [{"holder": holder, "credits": amount} for holder, amount in receipt.minted]
    skipped = [
        {"holder": item.holder, "credits": item.amount, "reason": item.reason, "explanation": item.explanation}
        for item in receipt.skipped
    ]
    data = {**name_plan(plan), "minted": minted, "skipped": skipped, "transaction": receipt.transaction}
    data |= {"more_transactions": receipt.more_transactions} if receipt.more_transactions else {}
    rows = [
        ("plan id", formatting.format_plan_id(plan)),
        *(("granted", f"{holder}  {amount:,}") for holder, amount in receipt.minted),
        *(("left out", f"{item.holder}  {item.amount:,}: {_explain(item)}") for item in receipt.skipped),
        *(row for each in (receipt.transaction, *receipt.more_transactions) for row in transaction_rows(each)),
    ]
    session.answer(data, rows)
    if receipt.skipped:
        click.get_current_context().exit(EXIT_REFUSED)


def _explain(item: "SkippedMint") -> str:
    return f"{item.reason}: {item.explanation}" if item.explanation else item.reason


@chain_command(
    "grant-external",
    signs=True,
    examples=(
        "nvm-chain grant-external $PLAN $SUBSCRIBER --reference payment-4711 \\\n    --keyfile builder.json",
        "nvm-chain grant-external $PLAN $SUBSCRIBER --reference payment-4712 \\\n    --quantity 2 --dev-account 1 --json",
    ),
)
@plan_argument()
@argument("receiver", type=Address(), help="Address of the buyer.")
@click.option(
    "--reference",
    type=Context(),
    required=True,
    help="Id of the payment: a UUID, 0x… or at most 32 bytes of text. An id grants only once.",
)
@click.option("--quantity", type=int, metavar="N", default=1, show_default=True, help="Number of purchases.")
def grant_external(session: Session, plan: int, receiver: str, reference: str | bytes | UUID, quantity: int) -> None:
    """Grant a plan to a buyer who paid outside the chain. Plan owner and minters only.

    Each reference grants only once on a plan. A second run with the same reference is refused, so a retry is safe.
    """
    written = credits.encode_context(reference)
    chain, signer = session.connect_to_sign()
    receipt = credits.grant_external(chain, signer, plan, receiver, reference=written, quantity=quantity)
    _answer_receipt(session, chain, "granted", receipt, reference=written)


# ---------------------------------------------------------------- redeem, burn


@chain_command(
    "redeem",
    signs=True,
    examples=(
        "nvm-chain redeem $PLAN 1 --context request-17 --keyfile subscriber.json",
        "nvm-chain redeem $PLAN 1 --context 5f3f1b0e-6a0c-4c43-9f5e-0d6f6f2a9b11 \\\n    --dev-account 2 --json",
    ),
)
@plan_argument()
@argument("amount", type=int, help="Credits to redeem.")
@click.option("--holder", type=Address(), help="Holder of the credits. Default: the signer.")
@click.option(
    "--context", type=Context(), default="", help="Id of the request: a UUID, 0x… or at most 32 bytes of text."
)
def redeem(session: Session, plan: int, amount: int, holder: str | None, context: str | bytes | UUID) -> None:
    """Redeem a holder's credits for a request.

    The plan's rule says who may redeem. The event of the redemption contains the request's id (--context).
    """
    written = credits.encode_context(context)
    chain, signer = session.connect_to_sign()
    receipt = credits.redeem_credits(chain, signer, plan, amount, holder=holder, context=written)
    _answer_receipt(session, chain, "redeemed", receipt, context=written)


@chain_command(
    "transfer",
    signs=True,
    examples=(
        "nvm-chain transfer $PLAN $PARTNER 5 --keyfile subscriber.json",
        "nvm-chain transfer $PLAN $PARTNER 5 --dev-account 2 --json",
    ),
)
@plan_argument()
@argument("receiver", type=Address(), help="Address that gets the credits.")
@argument("amount", type=int, help="Credits to send.")
def transfer(session: Session, plan: int, receiver: str, amount: int) -> None:
    """Send credits of a transferable plan to another holder.

    Most plans are not transferable. Their credits stay with the buyer.
    """
    chain, signer = session.connect_to_sign()
    receipt = credits.transfer_credits(chain, signer, plan, receiver, amount)
    left = _read_left(chain, plan, signer.address)
    data = {
        **name_plan(plan),
        "holder": signer.address,
        "receiver": receiver,
        "credits": receipt.amount,
        "credits_left": left,
        "transaction": receipt.transaction,
    }
    rows: Rows = [
        ("plan id", formatting.format_plan_id(plan)),
        ("from", signer.address),
        ("to", receiver),
        ("credits", f"{receipt.amount:,} sent, {_format_left(left)} left"),
        *transaction_rows(receipt.transaction),
    ]
    session.answer(data, rows)


@chain_command(
    "burn",
    signs=True,
    examples=("nvm-chain burn $PLAN 5 --keyfile subscriber.json", "nvm-chain burn $PLAN 5 --dev-account 2 --json"),
)
@plan_argument()
@argument("amount", type=int, help="Credits to destroy.")
@click.option(
    "--holder",
    type=Address(),
    help="Holder of the credits, if the signer is the holder's operator. Default: the signer.",
)
def burn(session: Session, plan: int, amount: int, holder: str | None) -> None:
    """Destroy credits. The holder gets no refund."""
    chain, signer = session.connect_to_sign()
    _answer_receipt(session, chain, "burned", credits.burn_credits(chain, signer, plan, amount, holder=holder))


def _answer_receipt(session: Session, chain: "Chain", done: str, receipt: "CreditsReceipt", **more: bytes) -> None:
    """Print the receipt of a change, and the remaining credits of the holder."""
    left = _read_left(chain, receipt.plan_id, receipt.holder)
    data = {
        **name_plan(receipt.plan_id),
        "holder": receipt.holder,
        "credits": receipt.amount,
        **more,
        "credits_left": left,
        "transaction": receipt.transaction,
    }
    rows: Rows = [
        ("plan id", formatting.format_plan_id(receipt.plan_id)),
        ("holder", receipt.holder),
        ("credits", f"{receipt.amount:,} {done}, {_format_left(left)} left"),
        *transaction_rows(receipt.transaction),
    ]
    session.answer(data, rows)


def _read_left(chain: "Chain", plan: int, holder: str) -> int | None:
    """Read the holder's remaining credits. None if the node does not answer, so that the receipt is printed anyway."""
    try:
        return credits.read_balance(chain, plan, holder)
    except errors.NetworkError:
        return None


def _format_left(left: int | None) -> str:
    return "an unknown number" if left is None else f"{left:,}"


# ---------------------------------------------------------------- faucet


@chain_command("faucet", signs=True, examples=('nvm-chain faucet "50 USDC" --dev-account 2',))
@argument("amount", help='Amount to take, such as "50 USDC".')
@click.option("--to", type=Address(), help="Address that gets the money. Default: the signer.")
def faucet(session: Session, amount: str, to: str | None) -> None:
    """Take test money from the faucet of a TestUSDC, on a development chain only."""
    wanted = parse_amount(amount, "AMOUNT", allowed=("USDC",))
    chain, signer = session.connect_to_sign()
    if chain.usdc is None:
        raise errors.InvalidConfig(
            f"no USDC is known on chain {chain.chain_id}",
            FIND_USDC,
        )
    receiver = to or signer.address
    transaction = tokens.mint_test_usdc(chain, signer, receiver, wanted.base_units)
    usdc = str(chain.usdc)
    data = {"holder": receiver, "token": usdc, "amount": str(wanted.base_units), "transaction": transaction}
    taken = format_amount(chain, usdc, wanted.base_units)
    rows = [("holder", receiver), ("taken", taken), *transaction_rows(transaction)]
    session.answer(data, rows)
