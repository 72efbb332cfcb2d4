"""Ways to pay: how Credits comes to the payer's money, in an order or for usage."""

import time
from contextlib import suppress
from typing import Final, Literal, TypeAlias

from eth_typing import ChecksumAddress
from web3.contract.contract import ContractFunction
from web3.types import TxReceipt

from nvm_chain.chain import Chain
from nvm_chain.eip712 import HashSigner, MessageSigner, TypedDataSigner
from nvm_chain.errors import (
    InsufficientAllowance,
    InsufficientFunds,
    InvalidConfig,
    NotMined,
    NvmChainError,
    OutcomeUnknown,
    TokenCannotSign,
)
from nvm_chain.keys import Signer
from nvm_chain.token_domains import PermitTerms, read_permit_terms
from nvm_chain.tokens import approve_credits, read_allowance, read_token_balance
from nvm_chain.types import Transaction

PayWay: TypeAlias = Literal["allowance", "approve", "permit", "authorization"]
"""How an order is paid in an ERC-20 token.

``allowance``: from what was approved before. ``approve``: exactly the cost is approved first, in a transaction of its own,
unless that much is approved already. ``permit``: the approval is signed and comes along (EIP-2612). ``authorization``: the
whole order is signed, and the token brings the money (EIP-3009).

Where a contract names the price, what is approved or signed for is ``max_cost``, as the price may rise until the order is
mined. What it does not take then stays approved or, of an authorization, which needs all of it there, goes back at once.
"""
PAY_WAYS: Final[tuple[PayWay, ...]] = ("allowance", "approve", "permit", "authorization")

SIGNATURE_SECONDS: Final = 3600
"""How long what is signed here counts."""
ALLOWANCE_POLLS: Final = 10
ALLOWANCE_PAUSE_SECONDS: Final = 0.3


def check_way(pay: str | None) -> None:
    """Raise InvalidConfig unless ``pay`` is a way to pay, or None."""
    if pay is not None and pay not in PAY_WAYS:
        raise InvalidConfig(f"{pay!r} is not a way to pay; give one of {', '.join(PAY_WAYS)}")


def choose_way(chain: Chain, signer: Signer, token: ChecksumAddress, cost: int) -> tuple[PayWay, PermitTerms | None]:
    """Choose the way with the fewest transactions: an allowance that is there, else a permit, else an approval.

    Of a permit, return also what it is signed for. One request, six if the allowance is too small.
    """
    if read_allowance(chain, token, signer.address) >= cost:
        return "allowance", None
    if isinstance(signer, HashSigner | TypedDataSigner):
        with suppress(TokenCannotSign):
            return "permit", read_permit_terms(chain, token, signer.address)
    return "approve", None


def check_signer(signer: Signer) -> MessageSigner:
    """Return a signer that can sign messages too. Raises InvalidConfig if it cannot."""
    if isinstance(signer, HashSigner | TypedDataSigner):
        return signer
    raise InvalidConfig(f"{type(signer).__name__} signs transactions only; order with pay='approve'")


def check_funds(chain: Chain, token: ChecksumAddress, payer: ChecksumAddress, cost: int) -> None:
    """Raise InsufficientFunds if the payer has less of a token than the cost. One request."""
    balance = read_token_balance(chain, token, payer)
    if balance < cost:
        raise InsufficientFunds(token, payer, balance, cost)


def send_with_allowance(
    chain: Chain, signer: Signer, token: ChecksumAddress, function: ContractFunction, needed: int, *, approve: bool
) -> tuple[TxReceipt, Transaction | None]:
    """Send a call that takes ``needed`` base units of the signer's; return its receipt, and the approval if one was sent.

    If the allowance is too small, exactly that much is approved first, or InsufficientAllowance is raised where ``approve``
    is False. Should the call then fail, the allowance is put back; where that cannot be, a note on the error says so.
    """
    allowance = read_allowance(chain, token, signer.address)
    if allowance >= needed:
        return chain.send(signer, function), None
    if not approve:
        raise InsufficientAllowance(token, signer.address, chain.credits.address, allowance, needed)
    try:
        approval = approve_credits(chain, signer, token, needed)
    except (NotMined, OutcomeUnknown) as error:
        error.add_note(
            f"This is the approval, and nothing was paid. If it is mined after all, approve {allowance}, as it was."
        )
        raise
    try:
        _await_allowance(chain, signer, token, needed)
        return chain.send(signer, function), approval
    except NvmChainError as error:
        _undo_approval(chain, signer, token, allowance, error)
        raise


def _await_allowance(chain: Chain, signer: Signer, token: ChecksumAddress, cost: int) -> None:
    """Wait until the node sees the approval: behind a load balancer the next request may reach one that lags."""
    for _ in range(ALLOWANCE_POLLS):
        if read_allowance(chain, token, signer.address) >= cost:
            return
        time.sleep(ALLOWANCE_PAUSE_SECONDS)


def _undo_approval(chain: Chain, signer: Signer, token: ChecksumAddress, allowance: int, error: NvmChainError) -> None:
    """Put an allowance back after a payment that failed. Where that cannot be, say so in the payment's error."""
    why = "the payment may still be mined, and needs it then"
    if not isinstance(error, NotMined | OutcomeUnknown):
        try:
            approve_credits(chain, signer, token, allowance)
            return
        except NvmChainError as second:
            why = f"it could not be taken back: {second}"
    error.add_note(
        f"The approval of {token} for {chain.credits.address} still stands ({why}). "
        f"If the payment does not go through, approve {allowance}, as it was."
    )
