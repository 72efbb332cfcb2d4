"""Causes of failed payments. After a failure, ask the token and the accounts, and add the cause to the error."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.chain.abi_entries import describe_function
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
from nvm_chain.operations.token_rules import APPROVE, WALLET_SENDS, asks_code, find_token_rule, is_wallet_code
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
REFUSING_CODE: Final = "the payer has code, and that code does not accept the signature"


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

    No request unless the payment fails. ``receiver`` gets the credits, and is the payer if not given. ``delivery`` is
    what the receiver learns of them. ``signed`` is True if the payer signed a permit or an authorization.
    """
    try:
        with explained_receiver(chain, receiver or payer, delivery=delivery):
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
    return cause == REFUSING_CODE or step.endswith(APPROVE)


def _find_cause(
    chain: Chain, error: NvmChainError, token: ChecksumAddress, payer: ChecksumAddress, *, signed: bool
) -> Cause | None:
    """Return the cause of a failed payment, or None if the cause is not found. Up to ten requests."""
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


def find_refusal(chain: Chain, error: NvmChainError, token: ChecksumAddress, payer: ChecksumAddress) -> Cause | None:
    """Return a cause if the token is paused or blocks an account of the payment, else None. Up to seven requests."""
    if _ask(chain, token, "paused"):
        return f"the token {token} is paused", "try again when its issuer has ended the pause"
    for account in dict.fromkeys((payer, getattr(error, "receiver", payer), chain.credits.address)):
        if _ask(chain, token, "isBlacklisted", account) or _ask(chain, token, "isBlackListed", account):
            return f"the token {token} blocks {account}", _advise_blocked(account, payer, chain.credits.address)
    return None


def _advise_blocked(account: str, payer: str, contract: str) -> str:
    """Return the next step after a token blocked an account. Only a blocked payer can be replaced by another one."""
    if account == payer:
        return "pay with another account, or ask the token's issuer"
    if account == contract:
        return "nobody can pay with that token here: ask its issuer, or order a plan in another one"
    return "nobody can pay that account: ask the seller for another plan, which pays another account"


def explain_refused_permit(chain: Chain, error: PaymentFailed, payer: ChecksumAddress) -> None:
    """Add to the error of a payment that the token refuses the permit. One request, and a few more for a payer with code.

    If the node does not tell whether the payer has code, the error stays as it is.
    """
    code = find_code(chain, payer)
    if code is None:
        return
    if code and asks_code(chain, parse_address(error.token), "permit") is not False:
        error.explain(REFUSING_CODE, APPROVE)
        return
    cause = "the token did not accept the permit: its nonce was used, its deadline has passed, or another key signed it"
    error.explain(cause, f"order again, or {APPROVE}")


def _find_signature_fault(chain: Chain, token: ChecksumAddress, payer: ChecksumAddress) -> Cause | None:
    """Return the cause of a refused authorization, or None if the cause is not found."""
    code = find_code(chain, payer)
    rule = find_token_rule(chain, token, by_wallet=is_wallet_code(code))
    if rule is not None or not code:
        return rule
    step = f"have the order signed in the form of that code, or {WALLET_SENDS}" if is_wallet_code(code) else APPROVE
    return REFUSING_CODE, step


def _ask(chain: Chain, token: ChecksumAddress, question: str, *accounts: str) -> bool:
    """Call a function of a token that returns a bool. False if the token does not have the function. One request."""
    with suppress(NvmChainError):
        function = chain.bind(token, STATE_ABI).functions[question](*map(parse_address, accounts))
        return chain.read(function) is True
    return False
