"""Refusals: which status and which headers an error has as an answer, and what a 402 offers."""

from dataclasses import dataclass
from typing import Any, Final

from msgspec import json

from nvm_chain.errors import (
    AccessNotOpened,
    AccessOpening,
    AnswerNotKept,
    ExposureReached,
    HolderNotSettled,
    IndexFailure,
    InputError,
    InsufficientFunds,
    KeyReused,
    MeterClosed,
    NetworkError,
    NoWebsockets,
    NvmChainError,
    PaymentByHand,
    PaymentClaimed,
    PaymentMalformed,
    PaymentMissing,
    PaymentUnderWay,
    PeriodLimitReached,
    PlanNotReadYet,
    QuotaReached,
    RequestRefused,
    RequestRunning,
    ServiceUnknown,
    SessionMissing,
    SignatureError,
    TooManyOpenRequests,
    TooManyPayments,
    TooManyReleases,
    TooManyRequests,
    UnknownEndpoint,
    UpstreamBusy,
    UpstreamError,
    UpstreamTooSlow,
    ViewTooOld,
)
from nvm_chain.gateway.addresses import find_address
from nvm_chain.gateway.catalogue import SoldEndpoint, SoldService
from nvm_chain.gateway.declarations import declare
from nvm_chain.gateway.offers import find_accounts, find_most, leave_out_unpayable, list_offers
from nvm_chain.gateway.pages.payment_required import HEADERS as PAGE_HEADERS
from nvm_chain.gateway.pages.payment_required import build_page
from nvm_chain.meter.nonces import SignInChallenge
from nvm_chain.meter.settings import MeterSettings
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.x402.headers import PAYMENT_REQUIRED
from nvm_chain.x402.reasons import find_reason
from nvm_chain.x402.required import build_required, build_resource, write_required

STATUSES: Final[tuple[tuple[tuple[type[NvmChainError], ...], int], ...]] = (
    ((TooManyRequests, QuotaReached, TooManyReleases, TooManyOpenRequests, ExposureReached, PeriodLimitReached), 429),
    ((HolderNotSettled, TooManyPayments), 429),
    ((PaymentUnderWay, PaymentByHand), 202),
    ((PaymentClaimed,), 409),
    ((RequestRunning, AnswerNotKept, AccessOpening, AccessNotOpened), 409),
    ((PaymentMissing, PaymentMalformed, SessionMissing, RequestRefused, SignatureError, InsufficientFunds), 402),
    ((KeyReused,), 422),
    ((UnknownEndpoint, ServiceUnknown, NoWebsockets), 404),
    ((ViewTooOld, IndexFailure, MeterClosed, NetworkError, UpstreamBusy), 503),
    ((UpstreamTooSlow,), 504),
    ((UpstreamError,), 502),
    ((InputError,), 400),
)
"""The status of each error. The first row that fits counts."""
RETRY_SECONDS: Final = 5
"""When to try again, if the error does not say it."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer to a request that was not served."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def find_status(error: NvmChainError) -> int:
    """Return the status of the answer to an error. 500 for one that no request should cause."""
    return next((status for kinds, status in STATUSES if isinstance(error, kinds)), 500)


def refuse(error: NvmChainError) -> Refusal:
    """Return the answer to an error that has nothing to do with a payment."""
    status = find_status(error)
    told = _describe(error, status)
    return Refusal(status, _build_headers(error, status), json.encode({"error": told["message"], "nvm": told}))


def tell_refusal(status: int, name: str, message: str) -> Refusal:
    """Return an answer in the form of errors for something that has no error of its own. ``name`` is its type."""
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    return Refusal(status, headers, json.encode({"error": message, "nvm": {"type": name, "message": message}}))


def ask_for_token(realm: str, name: str, message: str) -> Refusal:
    """Return the answer 401 to a request without the token that it needs. ``realm`` says whose token, and ``name`` is its type."""
    refusal = tell_refusal(401, name, message)
    refusal.headers.append((b"www-authenticate", f'Bearer realm="{realm}"'.encode()))
    return refusal


def _describe(error: NvmChainError, status: int) -> dict[str, Any]:
    """Return what a stranger is told of an error: nothing of where the databases and the nodes of the gateway are."""
    if status == 500:
        return {"type": "InternalError", "message": "The gateway failed."}
    if isinstance(error, IndexFailure | NetworkError) and not isinstance(error, ViewTooOld | PlanNotReadYet):
        return {
            "type": type(error).__name__,
            "message": "The gateway cannot reach its books or its chain. Try again later.",
        }
    return error.to_dict()


def refuse_payment(
    error: NvmChainError,
    service: SoldService,
    endpoint: SoldEndpoint,
    settings: MeterSettings,
    *,
    base: str,
    method: str,
    target: str,
    payer: AccountKey | None = None,
    own_host: str | None = None,
    challenge: SignInChallenge | None = None,
    as_page: bool = False,
) -> Refusal:
    """Return the answer to a request that was not paid for: 402 with everything that would be accepted.

    Args:
        error: Why the request was refused.
        service: The service.
        endpoint: The endpoint of the request.
        settings: The settings of the meter.
        base: The URL of the gateway.
        method: The method of the request.
        target: The target of the request.
        payer: The plan and the holder that pay, if the holder has signed the request.
        own_host: The host of the request, if it is of the service alone.
        challenge: A fresh challenge for whoever signs in with the request itself. None for nobody.
        as_page: Whether a person looks at the answer.
    """
    status = find_status(error)
    if status != 402:
        return refuse(error)
    address, metadata = find_address(service.did, base, own_host), service.metadata
    offers = list_offers(service, endpoint, settings, find_accounts(error, payer))
    required = build_required(
        build_resource(
            f"{address.service}{target}",
            description=metadata.description or metadata.name,
            name=metadata.name,
            tags=metadata.tags,
        ),
        leave_out_unpayable(offers, error, payer),
        error=find_reason(error),
        extensions=declare(service, endpoint, address, method, target, challenge),
    )
    headers = [*_build_headers(error, status), (PAYMENT_REQUIRED.encode(), write_required(required).encode())]
    if as_page:
        kept = [(name, value) for name, value in headers if name != b"content-type"]
        most = {plan.plan_id: find_most(plan, service) for plan in endpoint.plans.values()}
        return Refusal(
            status,
            [*kept, *PAGE_HEADERS, (b"vary", b"Accept")],
            build_page(service, endpoint, error, most, address.own),
        )
    return Refusal(status, headers, json.encode({**required, "nvm": error.to_dict()}))


def _build_headers(error: NvmChainError, status: int) -> list[tuple[bytes, bytes]]:
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    if status in (409, 429, 503) and not isinstance(error, AnswerNotKept):
        seconds = error.fields.get("retry_seconds", RETRY_SECONDS)
        headers.append((b"retry-after", str(max(1, int(seconds))).encode()))
    return headers
