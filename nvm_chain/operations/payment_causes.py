"""Causes of failed payments. After a failure, ask the token and the accounts, and add the cause to the error."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.chain.abi_entries import describe_function
from nvm_chain.chain.batches import Reader
from nvm_chain.chain.client import Chain
from nvm_chain.errors import (
    AuthorizationFailed,
    CostAboveMax,
    NvmChainError,
    PaymentFailed,
    RevertedWithoutReason,
    RevertedWithReason,
)
from nvm_chain.operations.receivers import Cause, Delivery, explained_receiver, find_code
from nvm_chain.operations.token_rules import (
    APPROVE,
    WALLET_SENDS,
    asks_code,
    find_token_rule,
    is_wallet_code,
    takes_permits,
)
from nvm_chain.operations.tokens import name_money, read_token_balance
from nvm_chain.types.addresses import ZERO_ADDRESS, parse_address

STATE_ABI: Final = (
    describe_function("paused", "", "bool", "view"),
    describe_function("isBlacklisted", "address", "bool", "view"),
    describe_function("isBlackListed", "address", "bool", "view"),
)
"""Functions of tokens such as USDC and USDT that tell whether the token is paused or blocks an account.

Most tokens do not have these functions.
"""
BLOCK_LISTS: Final = ("isBlacklisted", "isBlackListed")
REFUSING_CODE: Final = "the payer has code, and that code does not accept the signature"
DOUBTED_CODE: Final = "the payer has code, and that code may not accept the signature"
"""The cause of a refused signature if no other one was found. The code itself was not asked."""
NO_PERMITS: Final = "the token does not accept the permit of a new key either, so it accepts no permits, or none now"


@contextmanager
def explained_payment(
    chain: Chain,
    token: ChecksumAddress,
    payer: ChecksumAddress,
    *,
    receiver: ChecksumAddress | None = None,
    delivery: Delivery | None = None,
    signed: bool = False,
) -> Iterator[None]:
    """Complete the error of a payment in the ``with`` block: show amounts in whole units, and the cause if it is found.

    No request unless the payment fails.

    Args:
        chain: The connection to the chain.
        token: The token of the payment.
        payer: The address that pays.
        receiver: The address that gets the credits. The payer if not given.
        delivery: What the receiver learns of the credits.
        signed: Whether the payer signed a permit or an authorization.
    """
    try:
        with explained_receiver(chain, receiver or payer, delivery=delivery, payer=payer):
            yield
    except (PaymentFailed, AuthorizationFailed, RevertedWithReason, RevertedWithoutReason) as error:
        chain.forget_ahead()
        if error.token_label is not None:
            raise
        name_money(chain, error, token)
        cause = _find_cause(chain, error, token, payer, signed=signed)
        if cause:
            error.explain(*cause)
        raise
    except CostAboveMax as error:
        name_money(chain, error, token)
        raise


def blames_signature(error: NvmChainError) -> bool:
    """Return whether the cause of a failed payment is the payer's signature, so that an approval may help. No request."""
    if error.explanation is None:
        return False
    cause, step = error.explanation
    return cause in (REFUSING_CODE, DOUBTED_CODE) or step.endswith(APPROVE)


def is_unexplained(error: NvmChainError) -> bool:
    """Return whether the cause of a failed payment was not found, or is in doubt. No request."""
    return error.explanation is None or error.explanation[0] == DOUBTED_CODE


def _find_cause(
    chain: Chain, error: NvmChainError, token: ChecksumAddress, payer: ChecksumAddress, *, signed: bool
) -> Cause | None:
    """Return the cause of a failed payment, or None if the cause is not found.

    At most nine requests, fewer if the node takes batches, and those of `find_token_rule` after a signature.
    """
    chain.read_ahead(*_cause_readers(chain, error, token, payer, signed=signed))
    refusal = None if token == ZERO_ADDRESS else find_refusal(chain, error, token, payer)
    if refusal or token == ZERO_ADDRESS or not isinstance(error, PaymentFailed | AuthorizationFailed):
        return refusal
    with suppress(NvmChainError):
        amount = error.amount if isinstance(error, PaymentFailed) else error.value
        if read_token_balance(chain, token, payer) < amount:
            return "the payer has less than that", f"send more to {payer}"
        if signed and isinstance(error, AuthorizationFailed):
            return _find_signature_fault(chain, token, payer)
    return None


def _cause_readers(
    chain: Chain, error: NvmChainError, token: ChecksumAddress, payer: ChecksumAddress, *, signed: bool
) -> tuple[Reader, ...]:
    """Return the readers of `_find_cause`, for `Chain.read_ahead`. No request."""
    if token == ZERO_ADDRESS:
        return ()
    accounts = _list_accounts(chain, error, payer)
    return (
        partial(_ask, chain, token, "paused"),
        *(partial(_ask, chain, token, BLOCK_LISTS[0], account) for account in accounts),
        partial(read_token_balance, chain, token, payer),
        *((partial(find_code, chain, payer),) if signed and isinstance(error, AuthorizationFailed) else ()),
    )


def _list_accounts(chain: Chain, error: NvmChainError, payer: ChecksumAddress) -> tuple[ChecksumAddress, ...]:
    """Return the accounts of a payment that its token could block."""
    return tuple(dict.fromkeys((payer, getattr(error, "receiver", payer), chain.credits.address)))


def find_refusal(chain: Chain, error: NvmChainError, token: ChecksumAddress, payer: ChecksumAddress) -> Cause | None:
    """Return a cause if the token is paused or blocks an account of the payment, else None. At most five requests."""
    if _ask(chain, token, "paused"):
        return f"the token {token} is paused", "try again when its issuer has ended the pause"
    account = _find_blocked(chain, token, _list_accounts(chain, error, payer))
    if account is None:
        return None
    return f"the token {token} blocks {account}", _advise_blocked(account, payer, chain.credits.address)


def _find_blocked(
    chain: Chain, token: ChecksumAddress, accounts: tuple[ChecksumAddress, ...]
) -> ChecksumAddress | None:
    """Return the first account that a token blocks, or None. A token that has the first list is not asked for the second."""
    for question in BLOCK_LISTS:
        for account in accounts:
            is_blocked = _ask(chain, token, question, account)
            if is_blocked is None:
                break
            if is_blocked:
                return account
        else:
            return None
    return None


def _advise_blocked(account: str, payer: str, contract: str) -> str:
    """Return the next step after a token blocked an account. Only a blocked payer can be replaced by another one."""
    if account == payer:
        return "pay with another account, or ask the token's issuer"
    if account == contract:
        return "nobody can pay with that token here: ask its issuer, or order a plan in another one"
    return "nobody can pay that account: ask the seller for another plan, which pays another account"


def explain_refused_permit(chain: Chain, error: PaymentFailed, payer: ChecksumAddress) -> None:
    """Add to the error of a payment that the token refuses the permit. One request, and a few more to find the cause.

    If the node does not tell whether the payer has code, the error stays as it is.
    """
    code, token = find_code(chain, payer), parse_address(error.token)
    if code is None:
        return
    asks = asks_code(chain, token, "permit") if code else False
    if asks:
        error.explain(REFUSING_CODE, APPROVE)
    elif takes_permits(chain, token) is False:
        error.explain(NO_PERMITS, APPROVE)
    elif asks is None:
        error.explain(DOUBTED_CODE, APPROVE)
    else:
        cause = "its nonce was used, its deadline has passed, or another key signed it"
        error.explain(f"the token did not accept the permit: {cause}", f"order again, or {APPROVE}")


def explain_idle_permit(error: PaymentFailed) -> None:
    """Add to the error of a payment that the token accepts the permit, and allows nothing by it. No request."""
    error.explain("the token accepted the permit, but does not allow the payment by it", APPROVE)


def _find_signature_fault(chain: Chain, token: ChecksumAddress, payer: ChecksumAddress) -> Cause | None:
    """Return the cause of a refused authorization, or None if the cause is not found. The code of a wallet is not asked."""
    code = find_code(chain, payer)
    rule = find_token_rule(chain, token, by_wallet=is_wallet_code(code))
    if rule is not None or not code:
        return rule
    step = f"have the order signed in the form of that code, or {WALLET_SENDS}" if is_wallet_code(code) else APPROVE
    return DOUBTED_CODE, step


def _ask(chain: Chain, token: ChecksumAddress, question: str, *accounts: str) -> bool | None:
    """Call a function of a token that returns a bool. None if the token does not have the function. One request."""
    with suppress(NvmChainError):
        function = chain.bind(token, STATE_ABI).functions[question](*map(parse_address, accounts))
        return chain.read(function) is True
    return None
