"""What clients of MPP are told: problems in the protocol's words, challenges, and receipts."""

from collections.abc import Sequence
from typing import Final

from msgspec import json

from nvm_chain.errors import (
    ChallengeRefused,
    InsufficientFunds,
    InvalidMessage,
    MethodNotTaken,
    NvmChainError,
    PaymentByHand,
    PaymentClaimed,
    PaymentForOther,
    PaymentNotMade,
    PaymentServed,
    PaymentUnderWay,
    SignatureError,
    TransferExpired,
    UpstreamError,
)
from nvm_chain.errors.fields import Number
from nvm_chain.gateway.buying.telling import NEVER_KEPT, PAYMENTS
from nvm_chain.gateway.incoming import Headers
from nvm_chain.gateway.refusals import Refusal, refuse
from nvm_chain.meter.store.payment_rows import Payment
from nvm_chain.mpp.challenges import WWW_AUTHENTICATE, Challenge
from nvm_chain.mpp.charges import build_receipt
from nvm_chain.mpp.problems import (
    CONTENT_TYPE,
    INVALID_CHALLENGE,
    MALFORMED_CREDENTIAL,
    METHOD_UNSUPPORTED,
    PAYMENT_EXPIRED,
    VERIFICATION_FAILED,
    describe_problem,
)
from nvm_chain.mpp.receipts import PAYMENT_RECEIPT, format_time, write_receipt
from nvm_chain.x402.headers import PAYMENT_RESPONSE

GRANTED: Final = 200
UNPAID: Final = 402
DENIED: Final = 403
UNSUPPORTED: Final = 400
MAX_HEADERS: Final = 7_400
"""How many characters the headers of a 402 have at most with more than one challenge. Many servers take headers of 8 kB in all."""

_PROBLEMS: Final[tuple[tuple[tuple[type[NvmChainError], ...], str, int], ...]] = (
    ((MethodNotTaken,), METHOD_UNSUPPORTED, UNSUPPORTED),
    ((ChallengeRefused,), INVALID_CHALLENGE, UNPAID),
    ((InvalidMessage,), MALFORMED_CREDENTIAL, UNPAID),
    ((TransferExpired,), PAYMENT_EXPIRED, UNPAID),
    ((PaymentServed, PaymentForOther, PaymentNotMade), VERIFICATION_FAILED, DENIED),
    ((SignatureError, InsufficientFunds), VERIFICATION_FAILED, UNPAID),
)
"""The problem and the status of each error. The first row that fits counts.

Once something was sent, there is no new challenge, because a client that pays on its own would pay again.
"""


def find_problem(error: NvmChainError) -> tuple[str, int] | None:
    """Return the problem and the status of an error. None for one that has nothing to do with a credential."""
    return next(((name, status) for kinds, name, status in _PROBLEMS if isinstance(error, kinds)), None)


def is_open(error: NvmChainError) -> bool:
    """Return whether money may have moved, so that only the outcome of the payment may be told."""
    return isinstance(error, PaymentClaimed) and (
        isinstance(error, PaymentUnderWay | PaymentByHand) or find_problem(error) is None
    )


def add_challenges(refusal: Refusal, challenges: Sequence[Challenge]) -> None:
    """Add challenges to a refusal: the first one, and as many more as there is room for in the headers of an answer."""
    room = MAX_HEADERS - sum(len(name) + len(value) for name, value in refusal.headers)
    for index, challenge in enumerate(challenges):
        text = challenge.write().encode()
        room -= len(text) + len(WWW_AUTHENTICATE)
        if room < 0 and index:
            return
        refusal.headers.append((WWW_AUTHENTICATE.encode(), text))


def add_problem(refusal: Refusal, error: NvmChainError, name: str) -> Refusal:
    """Return a refusal whose body is a problem too, beside what stands in it already.

    Args:
        refusal: The refusal.
        error: Why the credential was refused.
        name: The protocol's word for it.
    """
    told = json.decode(refusal.body) if refusal.body.startswith(b"{") else {}
    problem = describe_problem(name, refusal.status, error.message())
    kept = [(key, value) for key, value in refusal.headers if key != b"content-type"]
    headers = [(b"content-type", CONTENT_TYPE.encode()), *kept]
    return Refusal(refusal.status, headers, json.encode({**told, **problem, "nvm": error.to_dict()}))


def tell_problem(error: NvmChainError, name: str, status: int) -> Refusal:
    """Return the answer to a credential that is refused without a challenge."""
    return add_problem(Refusal(status, [*NEVER_KEPT], b""), error, name)


def tell_unserved(error: UpstreamError, payment: Payment, own: str) -> Refusal:
    """Return the answer to a request that is paid and was not served. The same credential may be presented again.

    Args:
        error: Why it was not served.
        payment: The payment.
        own: The URL in front of the gateway's own paths.
    """
    refusal = refuse(error)
    told = json.decode(refusal.body)
    paid = {"payment": payment.name, "transaction": payment.transaction, "url": f"{own}{PAYMENTS}{payment.name}"}
    return Refusal(refusal.status, refusal.headers, json.encode({**told, **paid}))


def write_paid(payment: Payment, challenge: Challenge, chain_id: Number) -> Headers:
    """Return the header of an answer that was paid for: its receipt."""
    receipt = build_receipt(challenge, payment.transaction, chain_id, format_time(payment.changed_at))
    return [(PAYMENT_RECEIPT.encode(), write_receipt(receipt).encode())]


def answer_bought(job: Refusal, payment: Payment, challenge: Challenge, chain_id: Number) -> Refusal:
    """Return the answer to a purchase as MPP has it: the receipt is in its own header, as soon as the plan is granted.

    Args:
        job: The answer as x402 has it.
        payment: The payment.
        challenge: The challenge that was paid.
        chain_id: The chain.
    """
    kept = [(name, value) for name, value in job.headers if name != PAYMENT_RESPONSE.encode()]
    receipt = write_paid(payment, challenge, chain_id) if job.status == GRANTED else []
    return Refusal(job.status, [*kept, *receipt], job.body)
