"""Refusals: which status and which headers an error has as an answer, and what a 402 offers."""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from msgspec import json

from nvm_chain.enums import PlanKind
from nvm_chain.errors import (
    AccessNotOpened,
    AccessOpening,
    AnswerNotKept,
    ExposureReached,
    HolderNotSettled,
    IndexFailure,
    InputError,
    KeyReused,
    MeterClosed,
    NetworkError,
    NoWebsockets,
    NvmChainError,
    PaymentMissing,
    PeriodLimitReached,
    PlanNotReadYet,
    QuotaReached,
    RequestRefused,
    RequestRunning,
    ServiceUnknown,
    SessionMissing,
    SignatureError,
    TooManyOpenRequests,
    TooManyReleases,
    TooManyRequests,
    UnknownEndpoint,
    UpstreamBusy,
    UpstreamError,
    UpstreamTooSlow,
    ViewTooOld,
)
from nvm_chain.gateway.addresses import find_address
from nvm_chain.gateway.catalogue import SoldEndpoint, SoldPlan, SoldService
from nvm_chain.gateway.pages.payment_required import HEADERS as PAGE_HEADERS
from nvm_chain.gateway.pages.payment_required import build_page
from nvm_chain.meter.settings import MeterSettings
from nvm_chain.x402.headers import PAYMENT_REQUIRED, write_header
from nvm_chain.x402.offers import CreditsAccount, CreditsOffer, build_payment_required

STATUSES: Final[tuple[tuple[tuple[type[NvmChainError], ...], int], ...]] = (
    ((TooManyRequests, QuotaReached, TooManyReleases, TooManyOpenRequests, ExposureReached, PeriodLimitReached), 429),
    ((HolderNotSettled,), 429),
    ((RequestRunning, AnswerNotKept, AccessOpening, AccessNotOpened), 409),
    ((PaymentMissing, SessionMissing, RequestRefused, SignatureError), 402),
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
MAX_REQUIRED: Final = 6_000
"""The largest number of characters in the header PAYMENT-REQUIRED. Many servers take headers of 8 kB in all."""


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
    target: str,
    holder: str | None = None,
    own_host: str | None = None,
    as_page: bool = False,
) -> Refusal:
    """Return the answer to a request that was not paid for: 402 with everything that would be accepted.

    Args:
        error: Why the request was refused.
        service: The service.
        endpoint: The endpoint of the request.
        settings: The settings of the meter.
        base: The URL of the gateway.
        target: The target of the request.
        holder: Who pays, if that is proved.
        own_host: The host of the request, if it is of the service alone.
        as_page: Whether a person looks at the answer.
    """
    status = find_status(error)
    if status != 402:
        return refuse(error)
    account = _find_account(error, holder)
    offers = [_offer(plan, service, settings, account) for plan in _sort(service, endpoint)]
    address = find_address(service.did, base, own_host)
    required = build_payment_required(
        f"{address.service}{target}",
        offers,
        error=error.message(),
        description=service.metadata.name,
        extensions=_extend(service, endpoint, address.own),
    )
    header = _fit(required)
    headers = [*_build_headers(error, status), (PAYMENT_REQUIRED.encode(), header.encode())]
    if as_page:
        kept = [(name, value) for name, value in headers if name != b"content-type"]
        most = {plan.plan_id: find_most(plan, service) for plan in endpoint.plans.values()}
        return Refusal(
            status,
            [*kept, *PAGE_HEADERS, (b"vary", b"Accept")],
            build_page(service, endpoint, error, most, address.own),
        )
    return Refusal(status, headers, json.encode({**required, "nvm": error.to_dict()}))


def _sort(service: SoldService, endpoint: SoldEndpoint) -> list[SoldPlan]:
    """Return the plans of credits, the cheapest request first."""
    credits = [plan for plan in endpoint.plans.values() if plan.kind is PlanKind.CREDITS and plan.by_vouchers]
    return sorted(credits, key=lambda plan: (find_most(plan, service), plan.plan_id))


def find_most(plan: SoldPlan, service: SoldService) -> int:
    """Return the credits to hold for a request: the highest cost if costs vary, else the lowest. At least one."""
    return max(1, plan.max_credits if service.settings.dynamic else plan.min_credits)


def _offer(
    plan: SoldPlan, service: SoldService, settings: MeterSettings, account: CreditsAccount | None
) -> CreditsOffer:
    own = service.settings
    return CreditsOffer(
        settings.chain_id,
        settings.credits,
        plan.plan_id,
        settings.redeemer,
        find_most(plan, service),
        own.request_seconds,
        service.did,
        own.level.value,
        account,
    )


def _find_account(error: NvmChainError, holder: str | None) -> CreditsAccount | None:
    """Return how the account stands, if its holder has signed the request. Nobody else is told, as a user of an allowance."""
    if holder is None or not isinstance(error, RequestRefused) or not error.next_ceiling:
        return None
    available = error.fields.get("available")
    return CreditsAccount(holder, error.next_ceiling, None, available)  # type: ignore[arg-type]


def _extend(service: SoldService, endpoint: SoldEndpoint, own: str) -> dict[str, Any]:
    """Return the other ways to be served: a name against paying twice, and where to sign in for a plan without vouchers.

    ``own`` is the URL in front of the gateway's own paths.
    """
    extensions: dict[str, Any] = {"payment-identifier": {"info": {"required": False}}}
    plans = [p for p in endpoint.plans.values() if not p.by_vouchers]
    if plans:
        extensions["nvm-sign-in"] = {
            "info": {
                "challenge": f"{own}/sign-in?service={quote(service.did, safe=':')}",
                "plans": [
                    {
                        "planId": str(plan.plan_id),
                        "kind": plan.kind.name.lower(),
                        "credits": str(0 if plan.kind is PlanKind.TIME else find_most(plan, service)),
                    }
                    for plan in plans
                ],
            }
        }
    return extensions


def _fit(required: dict[str, Any]) -> str:
    """Return the header of a 402. If there are too many offers for a header, it has the first of them. The body has all."""
    offers = required["accepts"]
    header = write_header(required)
    while len(header) > MAX_REQUIRED and len(offers) > 1:
        offers = offers[: len(offers) // 2]
        header = write_header({**required, "accepts": offers})
    return header


def _build_headers(error: NvmChainError, status: int) -> list[tuple[bytes, bytes]]:
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    if status in (409, 429, 503) and not isinstance(error, AnswerNotKept):
        seconds = error.fields.get("retry_seconds", RETRY_SECONDS)
        headers.append((b"retry-after", str(max(1, int(seconds))).encode()))
    return headers
