"""Payment from a token allowance. If the allowance is too small, an approval can be sent first."""

import time
from functools import partial
from typing import Final

from eth_typing import ChecksumAddress
from web3.contract.contract import ContractFunction
from web3.types import TxReceipt

from nvm_chain.chain.client import Chain
from nvm_chain.errors import InsufficientAllowance, NotMined, NvmChainError, OutcomeUnknown
from nvm_chain.operations.payment_methods.purchase import Purchase
from nvm_chain.operations.receipts import build_order_receipt
from nvm_chain.operations.tokens import approve_token_spending, name_money, read_allowance
from nvm_chain.signing.keys import Signer
from nvm_chain.types.receipts import OrderReceipt, Transaction

ALLOWANCE_POLLS: Final = 10
ALLOWANCE_PAUSE_SECONDS: Final = 0.3


def order_with_allowance(
    chain: Chain, signer: Signer, purchase: Purchase, *, approve: bool, allowance: int | None = None
) -> OrderReceipt:
    """Order from an allowance, and wait until the order is mined. One transaction, or two with an approval.

    If the allowance is too small and ``approve`` is True, the highest cost of the order is approved first. If
    ``approve`` is False, InsufficientAllowance is raised.
    """
    needed = purchase.max_cost if approve else purchase.cost
    call = purchase.build_call(chain)
    sent = send_with_allowance(chain, signer, purchase.token, call, needed, approve=approve, allowance=allowance)
    receipt, approval = sent
    return build_order_receipt(chain, purchase.plan, signer.address, receipt, approval=approval)


def send_with_allowance(
    chain: Chain,
    signer: Signer,
    token: ChecksumAddress,
    function: ContractFunction,
    needed: int,
    *,
    approve: bool,
    allowance: int | None = None,
) -> tuple[TxReceipt, Transaction | None]:
    """Send a call that takes ``needed`` base units of a token from the signer. If necessary, approve them before.

    If the call fails after an approval, the allowance gets its former amount again. If that is not possible, or the
    call may still be mined, a note on the error says that the approval stands. ``allowance`` is the present allowance
    in base units, and is read if not given.

    Returns:
        The receipt of the call, and the approval if one was sent.

    Raises:
        InsufficientAllowance: The allowance is too small, and ``approve`` is False.
    """
    read = partial(read_allowance, chain, token, signer.address)
    allowance = read() if allowance is None else allowance
    if allowance >= needed:
        return chain.send(signer, function), None
    if not approve:
        error = InsufficientAllowance(token, signer.address, chain.credits.address, allowance, needed)
        raise name_money(chain, error, token)
    try:
        with chain.following_up(read, *chain.sending_readers(signer.address, function)):
            approval = approve_token_spending(chain, signer, token, needed)
    except (NotMined, OutcomeUnknown) as error:
        error.add_note(
            "This transaction is the approval, and nothing was paid. "
            f"If it is mined after all, set the allowance back to {allowance} base units."
        )
        raise
    try:
        _await_allowance(chain, signer, token, function, needed)
        return chain.send(signer, function), approval
    except NvmChainError as error:
        _undo_approval(chain, signer, token, allowance, error)
        raise


def _await_allowance(
    chain: Chain, signer: Signer, token: ChecksumAddress, function: ContractFunction, cost: int
) -> None:
    """Wait until the node shows the approval. Behind a load balancer, a node without the approval may answer first.

    The requests that prepare the call are made in the same round trip. Their answers are dropped if the node does not
    show the approval yet. After about three seconds the call is sent all the same.
    """
    allowance = partial(read_allowance, chain, token, signer.address)
    for _ in range(ALLOWANCE_POLLS):
        chain.read_ahead(allowance, *chain.sending_readers(signer.address, function))
        if allowance() >= cost:
            return
        chain.forget_ahead()
        time.sleep(ALLOWANCE_PAUSE_SECONDS)


def _undo_approval(chain: Chain, signer: Signer, token: ChecksumAddress, allowance: int, error: NvmChainError) -> None:
    """Approve the former allowance again after a failed payment. If that fails, add a note to the payment's error."""
    why = "the payment may still be mined, and needs it then"
    if not isinstance(error, NotMined | OutcomeUnknown):
        try:
            approve_token_spending(chain, signer, token, allowance)
            return
        except NvmChainError as second:
            why = f"it could not be taken back: {second}"
    error.add_note(
        f"The approval of {token} for {chain.credits.address} still stands ({why}). "
        f"If the payment fails, set the allowance back to {allowance} base units."
    )
