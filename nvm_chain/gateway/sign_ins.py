"""Sign-ins that come with a request, in the header SIGN-IN-WITH-X. Each has a challenge of a 402, which is good for one request.

A token is opened for the first request of an account, and later ones go on by it. Otherwise each request would leave an authority
in the books. Nobody else gets the token.
"""

from dataclasses import dataclass, field
from typing import Final

from nvm_chain.enums import PlanKind
from nvm_chain.errors import (
    AuthorityOver,
    AuthorityRevoked,
    AuthorityUnknown,
    CreditsUsedUp,
    IndexFailure,
    InvalidMessage,
    NvmChainError,
    PaymentMalformed,
    PlanNotAccepted,
    RequestRefused,
    WalletChangedItsMind,
    WindowClosed,
)
from nvm_chain.errors.fields import PlanId, Seconds, Time
from nvm_chain.gateway.catalogue import SoldEndpoint
from nvm_chain.gateway.declarations import needs_no_vouchers
from nvm_chain.gateway.payers import Payer, SigningPayer
from nvm_chain.meter.credentials import TokenCredential
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.nonces import SignInChallenge
from nvm_chain.meter.sign_in_messages import parse_sign_in
from nvm_chain.x402.accepted import INVALID_PAYLOAD

MOST_KEPT: Final = 10_000
"""How many tokens a process keeps for requests that come with a sign-in."""
SPARE_SECONDS: Final[Seconds] = 60
"""How long before its end a token is no longer used."""


ENDS: Final = (AuthorityUnknown, AuthorityRevoked, AuthorityOver, WalletChangedItsMind, WindowClosed, CreditsUsedUp)
"""The errors after which the same token is good for no other request. Limits of a seller are not among them."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A token, and its last second."""

    token: str = field(repr=False)
    end: Time


class RequestSignIns:
    """Opens tokens for requests that come with a signed message."""

    def __init__(self, meter: Meter) -> None:
        """Take the meter."""
        self._meter = meter
        self._kept: dict[tuple[str, PlanId, str], _Kept] = {}

    async def challenge(self, endpoint: SoldEndpoint) -> SignInChallenge | None:
        """Return a challenge for whoever signs in with a request. None if no plan takes it, or if the books are away."""
        if not self._meter.settings.origins or not any(map(needs_no_vouchers, endpoint.plans.values())):
            return None
        try:
            return await self._meter.challenge()
        except IndexFailure:
            return None

    async def open(self, payer: SigningPayer, endpoint: SoldEndpoint, service: str) -> Payer:
        """Check what was signed, and return a credential: on a time plan if the account has access, else on a plan with credits.

        Args:
            payer: What was signed.
            endpoint: The endpoint of the request.
            service: The DID of the service.

        Raises:
            PaymentMalformed: What was signed is not a sign-in message, or is valid for too long.
            RequestRefused: The account has nothing on any of the plans.
            SignatureError: The message is not good here and now, or no plan of the endpoint takes it.
            ServiceUnknown: The message is for another service, which the gateway does not serve.
        """
        try:
            token = await self._go_on(payer, endpoint, service) or await self._open(payer, endpoint, service)
        except InvalidMessage as error:
            raise PaymentMalformed(error.kind, error.reason, INVALID_PAYLOAD) from None
        return Payer(TokenCredential(token), payer.key)

    def forget(self, payer: Payer, error: NvmChainError) -> None:
        """Forget a token that is good for nothing any more, so that the next request opens another one. Ignores other credentials."""
        if isinstance(payer.credential, TokenCredential) and isinstance(error, ENDS):
            token = payer.credential.token
            self._kept = {key: kept for key, kept in self._kept.items() if kept.token != token}

    async def _go_on(self, payer: SigningPayer, endpoint: SoldEndpoint, service: str) -> str | None:
        """Return the token of an earlier request of the same account. None if there is none. Such a message opens no access."""
        message = parse_sign_in(payer.text)
        if message.max_periods or message.services != (service,):
            return None
        now = self._meter.writer.now
        for plan in _sort(endpoint):
            kept = self._kept.get((message.address, plan, service))
            if kept is not None and kept.end > now + SPARE_SECONDS:
                await self._meter.confirm_sign_in(payer.text, payer.signature)
                return kept.token
        return None

    async def _open(self, payer: SigningPayer, endpoint: SoldEndpoint, service: str) -> str:
        refused: RequestRefused | None = None
        for plan in _sort(endpoint):
            try:
                token, authority = await self._meter.sign_in(payer.text, payer.signature, plan_id=plan)
            except RequestRefused as error:
                refused = refused or error
                continue
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            if authority.services == (service,) and not authority.max_periods:
                self._kept[authority.holder, plan, service] = _Kept(token, authority.end)
            return token
        if refused is not None:
            raise refused
        raise PlanNotAccepted(next(iter(endpoint.plans), 0), service).explain(
            "a sign-in is not enough for it", "Pay by an offer of this answer"
        )


def _sort(endpoint: SoldEndpoint) -> list[PlanId]:
    """Return the plans for which a sign-in is enough, time plans first, because their requests cost nothing."""
    plans = [plan for plan in endpoint.plans.values() if needs_no_vouchers(plan)]
    return [plan.plan_id for plan in sorted(plans, key=lambda plan: plan.kind is not PlanKind.TIME)]
