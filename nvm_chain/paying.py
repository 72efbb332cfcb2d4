"""Ways to pay: how Credits comes to the payer's money, in an order or for usage."""

import time
from typing import Final, Literal, TypeAlias

from eth_typing import ChecksumAddress

from nvm_chain.chain import Chain
from nvm_chain.eip712 import HashSigner, MessageSigner, TypedDataSigner
from nvm_chain.errors import (
    InsufficientAllowance,
    InsufficientFunds,
    InvalidConfig,
    NotMined,
    NvmChainError,
    OutcomeUnknown,
)
from nvm_chain.keys import Signer
from nvm_chain.token_domains import takes_permits
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
        raise InvalidConfig(f"{pay!r} is no way to pay; give one of {', '.join(PAY_WAYS)}")


def choose_way(chain: Chain, signer: Signer, token: ChecksumAddress, cost: int) -> PayWay:
    """Choose the way with the fewest transactions: an allowance that is there, else a permit, else an approval.

    One request, up to five if the allowance is too small.
    """
    if read_allowance(chain, token, signer.address) >= cost:
        return "allowance"
    can_sign = isinstance(signer, HashSigner | TypedDataSigner)
    return "permit" if can_sign and takes_permits(chain, token, signer.address) else "approve"


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


def prepare_allowance(
    chain: Chain, signer: Signer, token: ChecksumAddress, cost: int, *, approve: bool
) -> tuple[int, Transaction | None]:
    """Make sure that Credits may take the cost; return the allowance before, and the approval if one was sent.

    Raises InsufficientAllowance if it would have to be sent and ``approve`` is False.
    """
    allowance = read_allowance(chain, token, signer.address)
    if allowance >= cost:
        return allowance, None
    if not approve:
        raise InsufficientAllowance(token, signer.address, chain.credits.address, allowance, cost)
    approval = approve_credits(chain, signer, token, cost)
    _await_allowance(chain, signer, token, cost)
    return allowance, approval


def _await_allowance(chain: Chain, signer: Signer, token: ChecksumAddress, cost: int) -> None:
    """Wait until the node sees the approval: behind a load balancer the next request may reach one that lags."""
    for _ in range(ALLOWANCE_POLLS):
        if read_allowance(chain, token, signer.address) >= cost:
            return
        time.sleep(ALLOWANCE_PAUSE_SECONDS)


def undo_approval(chain: Chain, signer: Signer, token: ChecksumAddress, allowance: int, error: NvmChainError) -> None:
    """Put an allowance back after a payment that failed. Where that cannot be, say so in the payment's error."""
    why = "the order may still be mined, and needs it then"
    if not isinstance(error, NotMined | OutcomeUnknown):
        try:
            approve_credits(chain, signer, token, allowance)
            return
        except NvmChainError as second:
            why = f"it could not be taken back: {second}"
    error.add_note(
        f"The approval of {token} for {chain.credits.address} still stands ({why}). "
        f"If the order does not go through, approve {allowance}, as it was."
    )
