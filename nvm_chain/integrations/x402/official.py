"""The official package of x402. Only this file imports it, so a missing extra is told in one place."""

from nvm_chain.errors import MissingExtra

try:
    from x402 import x402Client, x402ClientSync
    from x402.schemas import PaymentRequirements, RecoveredResponseResult
    from x402.schemas.hooks import PaymentRequiredContext, PaymentRequiredHeadersResult, PaymentResponseContext
except ModuleNotFoundError as error:
    raise MissingExtra("The plug-in for the official client of x402", "x402") from error

__all__ = [
    "AnyClient",
    "PaymentRequiredContext",
    "PaymentRequiredHeadersResult",
    "PaymentRequirements",
    "PaymentResponseContext",
    "RecoveredResponseResult",
    "x402Client",
    "x402ClientSync",
]

AnyClient = x402Client | x402ClientSync
"""The official client, for programs with and without an event loop."""
