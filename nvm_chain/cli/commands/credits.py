"""`nvm-chain mint`, `grant-external`, `redeem`, `transfer` and `burn`: what happens to credits beside orders, and the test faucet."""

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
    help="Address of a receiver, and the credits that it gets. Repeat for each receiver.",
)
def mint(session: Session, plan: int, grants: tuple[tuple[str, str], ...]) -> None:
    """Give credits without payment, to one receiver or to many in one transaction. Plan owner and minters only.

    If one of many receivers cannot take credits, the others still get theirs. The exit code is then 6.
    """
    amounts = [
        (receiver, parse_count(text, receiver, "needs a whole number of credits behind its ="))
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
@argument("receiver", type=Address(), help="Address of whoever paid.")
@click.option(
    "--reference",
    type=Context(),
    required=True,
    help="The payment, which grants once: a UUID, 0x… or at most 32 bytes of text.",
)
@click.option("--quantity", type=int, metavar="N", default=1, show_default=True, help="Number of purchases.")
def grant_external(session: Session, plan: int, receiver: str, reference: str | bytes | UUID, quantity: int) -> None:
    """Grant a plan for a payment that was made outside the chain. Plan owner and minters only.

    Each reference grants only once on a plan. A second run for the same payment is refused, and so is safe.
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
@click.option("--holder", type=Address(), help="Whose credits. Default: the signer's.")
@click.option("--context", type=Context(), default="", help="What for: a UUID, 0x… or at most 32 bytes of text.")
def redeem(session: Session, plan: int, amount: int, holder: str | None, context: str | bytes | UUID) -> None:
    """Take credits for a request, as the plan's rule allows. The chain records the request's id (--context)."""
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

    Most plans are not transferable: their credits stay with the buyer.
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
@click.option("--holder", type=Address(), help="Whose credits, if the signer is their operator. Default: the signer's.")
def burn(session: Session, plan: int, amount: int, holder: str | None) -> None:
    """Destroy credits. Nobody is paid for them."""
    chain, signer = session.connect_to_sign()
    _answer_receipt(session, chain, "burned", credits.burn_credits(chain, signer, plan, amount, holder=holder))


def _answer_receipt(session: Session, chain: "Chain", done: str, receipt: "CreditsReceipt", **more: bytes) -> None:
    """Answer with what was done and what the holder has now."""
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
    """Read what a holder has now; None if the node does not say, which must not hide that something was done."""
    try:
        return credits.read_balance(chain, plan, holder)
    except errors.NetworkError:
        return None


def _format_left(left: int | None) -> str:
    return "an unknown number" if left is None else f"{left:,}"


# ---------------------------------------------------------------- faucet


@chain_command("faucet", signs=True, examples=('nvm-chain faucet "50 USDC" --dev-account 2',))
@argument("amount", help='How much, such as "50 USDC".')
@click.option("--to", type=Address(), help="Who gets it. Default: the signer.")
def faucet(session: Session, amount: str, to: str | None) -> None:
    """Take test money from a TestUSDC, such as `deploy --test-usdc` brings; a real USDC refuses."""
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
