"""Problems: why a credential was refused, in the words of MPP (problem details of RFC 9457)."""

from typing import Any, Final

BASE: Final = "https://paymentauth.org/problems/"
CONTENT_TYPE: Final = "application/problem+json"
PAYMENT_REQUIRED: Final = "payment-required"
PAYMENT_EXPIRED: Final = "payment-expired"
VERIFICATION_FAILED: Final = "verification-failed"
METHOD_UNSUPPORTED: Final = "method-unsupported"
MALFORMED_CREDENTIAL: Final = "malformed-credential"
INVALID_CHALLENGE: Final = "invalid-challenge"


def describe_problem(name: str, status: int, detail: str) -> dict[str, Any]:
    """Return the members of a problem.

    >>> describe_problem(INVALID_CHALLENGE, 402, "It is over.")["title"]
    'Invalid Challenge'
    """
    return {"type": BASE + name, "title": name.replace("-", " ").title(), "status": status, "detail": detail}
