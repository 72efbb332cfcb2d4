"""Why a payment failed, as its token and the accounts say: asked only after it has failed, and never in place of its error."""

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
from nvm_chain.operations.receivers import explained_receiver, read_code
from nvm_chain.operations.tokens import name_money, read_allowance, read_token_balance
from nvm_chain.types.addresses import ZERO_ADDRESS, parse_address

Cause = tuple[str, str]
"""A sentence that names the cause, and one that says what to do."""

STATE_ABI: Final = (
    describe_function("paused", "", "bool", "view"),
    describe_function("isBlacklisted", "address", "bool", "view"),
    describe_function("isBlackListed", "address", "bool", "view"),
)
"""How tokens such as USDC and USDT say that they are paused, or whom they block. Most tokens have none of it."""
APPROVE: Final = "order with `payment_method='approve'`"


@contextmanager
def explained_payment(
    chain: Chain, token: ChecksumAddress, payer: ChecksumAddress, *, signed: bool = False
) -> Iterator[None]:
    """Complete the error of a payment that fails in the block, with amounts in whole units and the true cause if it is known.

    No request while nothing fails. ``signed`` says that the payer signed a permit or an authorization for the money.
    """
    try:
        with explained_receiver(chain):
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


def _find_cause(
    chain: Chain, error: NvmChainError, token: ChecksumAddress, payer: ChecksumAddress, *, signed: bool
) -> Cause | None:
    """Return why a token did not pay, or None if it does not show. Up to ten requests."""
    refusal = None if token == ZERO_ADDRESS else _find_refusal(chain, error, token, payer)
    if refusal or token == ZERO_ADDRESS or not isinstance(error, PaymentFailed | AuthorizationFailed):
        return refusal
    with suppress(NvmChainError):
        amount = error.amount if isinstance(error, PaymentFailed) else error.value
        if read_token_balance(chain, token, payer) < amount:
            return "the payer has less than that", f"send more to {payer}"
        return _find_signature_fault(chain, error, token, payer) if signed else None
    return None


def _find_refusal(chain: Chain, error: NvmChainError, token: ChecksumAddress, payer: ChecksumAddress) -> Cause | None:
    """Return that the token is paused, or whom it blocks, or None if it says neither. Up to seven requests."""
    if _ask(chain, token, "paused"):
        return f"the token {token} is paused", "try again when its issuer has ended the pause"
    for account in dict.fromkeys((payer, getattr(error, "receiver", payer), chain.credits.address)):
        if _ask(chain, token, "isBlacklisted", account) or _ask(chain, token, "isBlackListed", account):
            return f"the token {token} blocks {account}", _advise_blocked(account, payer, chain.credits.address)
    return None


def _advise_blocked(account: str, payer: str, contract: str) -> str:
    """Say what to do where a token blocks an account: who pays can change only who pays."""
    if account == payer:
        return "pay with another account, or ask the token's issuer"
    if account == contract:
        return "nobody can pay with that token here: ask its issuer, or order a plan in another one"
    return "nobody can pay that account: ask the seller for another plan, which pays another account"


def _find_signature_fault(
    chain: Chain, error: PaymentFailed | AuthorizationFailed, token: ChecksumAddress, payer: ChecksumAddress
) -> Cause | None:
    """Return why a signature brought no money. Up to two requests."""
    if isinstance(error, PaymentFailed) and read_allowance(chain, token, payer) >= error.amount:
        return None
    if read_code(chain, payer):
        return "the payer has code, and that code does not accept the signature of the payer's key", APPROVE
    if isinstance(error, AuthorizationFailed):
        return None
    cause = "the permit did not count: its nonce was used before, its deadline is over, or somebody else signed it"
    return cause, f"order again, or {APPROVE}"


def _ask(chain: Chain, token: ChecksumAddress, question: str, *accounts: str) -> bool:
    """Ask a token a question that it may not know. One request."""
    with suppress(NvmChainError):
        function = chain.bind(token, STATE_ABI).functions[question](*map(parse_address, accounts))
        return chain.read(function) is True
    return False
