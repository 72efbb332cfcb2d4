"""Signing in: a message that an account has signed opens a token, for a plan on which the account has something."""

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.errors import (
    AccessNotOpened,
    AccessOpening,
    CreditsUsedUp,
    InvalidConfig,
    PlanNotAccepted,
    RequestRefused,
    ServiceUnknown,
    SignInMismatch,
    WindowClosed,
)
from nvm_chain.errors.fields import Seconds, Time
from nvm_chain.meter.authorities import Authority, open_sign_in
from nvm_chain.meter.credentials import hash_token, new_token
from nvm_chain.meter.nonces import SignInChallenge, build_nonce, check_nonce
from nvm_chain.meter.openings import FirstUseCase, Stated, find_refusal_to_open
from nvm_chain.meter.proofs import Proof, refuse_proof
from nvm_chain.meter.settings import MeterSettings, ServiceTerms
from nvm_chain.meter.sign_in import MAX_SECONDS, verify_sign_in, verify_signed
from nvm_chain.meter.sign_in_messages import SignInMessage, hash_sign_in, parse_sign_in
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.store.openings import read_openings
from nvm_chain.meter.store.sessions import ReadAccount
from nvm_chain.meter.store.sign_ins import Challenger, keep_sign_in, read_challenger, use_nonce
from nvm_chain.meter.store.window_changes import ReadWindow
from nvm_chain.meter.store.writer import Writer
from nvm_chain.meter.visits import check_visit
from nvm_chain.meter.windows import NO_CEILING, WindowPolicy
from nvm_chain.signing.signatures import AskChain

CLOCK_SECONDS: Final[Seconds] = 30
"""How long a process counts on from the time of the books, before it reads it again. So nonces cost no read each."""
NANOSECONDS: Final = 10**9
SeeFirst = Callable[[AccountKey], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class _Clock:
    """The secret of nonces, and the time of the books at some nanosecond of this process."""

    challenger: Challenger
    read_at: int


class SignIns:
    """Gives out nonces, and opens tokens for messages that were signed with them."""

    def __init__(
        self,
        writer: Writer,
        settings: MeterSettings,
        see_first: SeeFirst,
        asking: asyncio.Semaphore,
        *,
        ask_chain: AskChain | None = None,
    ) -> None:
        """Take what a meter has.

        ``see_first`` puts the views of an account into the books. ``asking`` is held while a signature is checked.
        """
        self._writer, self._settings, self._see_first = writer, settings, see_first
        self._ask_chain, self._asking = ask_chain, asking
        self._clock: _Clock | None = None

    async def challenge(self) -> SignInChallenge:
        """Return a new nonce, and what else a sign-in message needs. Nothing is stored.

        Raises:
            InvalidConfig: The settings name no origin.
            IndexFailure: The books cannot be read.
        """
        origins = self._find_origins()
        secret, now, clock = await self._read_clock()
        return SignInChallenge(build_nonce(secret, clock), self._settings.chain_id, now, now + MAX_SECONDS, origins)

    async def prove(self, text: str, signature: bytes, proof: Proof) -> None:
        """Check that an account has signed a message for a purpose, and use the nonce of the message.

        Args:
            text: The message as it was received.
            signature: The signature's bytes.
            proof: Who has to sign, and for what.

        Raises:
            InvalidMessage: The text is not a sign-in message.
            SignatureError: The message is of another account, for another purpose, service or origin, its nonce was used, or the
                account did not sign it.
        """
        message = parse_sign_in(text)
        proof.check(message)
        terms, origin = self._find_services(message), self._find_origin(message)
        await self._verify(text, signature, message, terms[0].service, origin)
        await asyncio.to_thread(self._writer.run, partial(use_nonce, nonce=message.nonce))

    async def _verify(self, text: str, signature: bytes, message: SignInMessage, service: str, origin: str) -> Time:
        """Check a message and its nonce, and return the time."""
        return await self._check(
            message, partial(verify_sign_in, text, signature, origin=origin, service=service, nonce=message.nonce)
        )

    async def _check(self, message: SignInMessage, verify: Callable[..., object]) -> Time:
        """Check the nonce of a message, and whether its account signed it. Return the time."""
        secret, now, clock = await self._read_clock()
        check_nonce(secret, message.nonce, now=clock)
        async with self._asking:  # a contract wallet is asked over the network
            await asyncio.to_thread(verify, chain_id=self._settings.chain_id, now=now, ask_chain=self._ask_chain)
        return now

    # ------------------------------------------------------------------ the pages

    async def visit(self, text: str, signature: bytes, own: str | None) -> ChecksumAddress:
        """Check a message for the pages of the gateway, use its nonce, and return who signed it.

        What was signed at the host of a service is for the pages there, and the other way round. ``own`` says which one it is.

        Raises:
            InvalidMessage: The text is not a sign-in message.
            SignatureError: The message is for another purpose or origin, its nonce was used, or the account did not sign it.
        """
        message = parse_sign_in(text)
        origin = self._find_place(message)
        if self._settings.own_origins.get(origin) != own:
            raise SignInMismatch("domain", "that of the page", message.domain)
        check_visit(message, origin)
        await self._check(message, partial(verify_signed, message, signature, origin=origin))
        await asyncio.to_thread(self._writer.run, partial(use_nonce, nonce=message.nonce))
        return message.address

    async def derive_key(self, purpose: bytes) -> bytes:
        """Return a key of 32 bytes for a purpose, the same in every process on these books. Raises IndexFailure."""
        # Not by the clock that is kept: at a start, the books may not have the chain's time yet.
        challenger = await asyncio.to_thread(self._writer.run, read_challenger)
        return hmac.digest(challenger.secret, b"key of the books for " + purpose, sha256)

    async def open(self, text: str, signature: bytes, plan_id: int | None) -> tuple[str, Authority]:
        """Check a message, use its nonce, and return a token with its authority."""
        message = parse_sign_in(text)
        refuse_proof(message)
        terms, origin = self._find_services(message), self._find_origin(message)
        now = await self._verify(text, signature, message, terms[0].service, origin)
        plan = await self._choose_plan(message, terms, find_plans(terms, plan_id), now)
        authority = open_sign_in(message, hash_sign_in(text), plan, now=now, end=now + self._settings.sign_in_seconds)
        token = new_token()
        keep = partial(keep_sign_in, authority=authority, token_hash=hash_token(token), nonce=message.nonce)
        await asyncio.to_thread(self._writer.run, keep)
        return token, authority

    async def confirm(self, text: str, signature: bytes) -> SignInMessage:
        """Check a message as `open` does, and use its nonce. No token is opened."""
        message = parse_sign_in(text)
        refuse_proof(message)
        terms, origin = self._find_services(message), self._find_origin(message)
        await self._verify(text, signature, message, terms[0].service, origin)
        await asyncio.to_thread(self._writer.run, partial(use_nonce, nonce=message.nonce))
        return message

    # ------------------------------------------------------------------ what the message says

    def _find_origins(self) -> tuple[str, ...]:
        if not self._settings.origins:
            raise InvalidConfig("the settings of the meter name no origin", "set where accounts sign in: `origins`")
        return self._settings.origins

    def _find_origin(self, message: SignInMessage) -> str:
        """Return the origin of a message. At the origin of one service, nobody signs in to another one."""
        origin = self._find_place(message)
        own = self._settings.own_origins.get(origin)
        if own is not None and message.services != (own,):
            raise SignInMismatch("list of resources", own, ", ".join(message.services))
        return origin

    def _find_place(self, message: SignInMessage) -> str:
        """Return the origin with the domain of a message. Its scheme and URI are compared later."""
        origins = (*self._find_origins(), *self._settings.own_origins)
        domains = {origin.rpartition("://")[2]: origin for origin in origins}
        if message.domain not in domains:
            raise SignInMismatch("domain", " or ".join(domains), message.domain)
        return domains[message.domain]

    def _find_services(self, message: SignInMessage) -> list[ServiceTerms]:
        """Return the terms of the services that a message names, and that are served."""
        known = [self._settings.services[did] for did in message.services if did in self._settings.services]
        if known:
            return known
        if message.services:
            raise ServiceUnknown(message.services[0])
        raise SignInMismatch("list of resources", "the DID of a service", "no DID")

    # ------------------------------------------------------------------ which plan

    async def _choose_plan(
        self, message: SignInMessage, services: Sequence[ServiceTerms], plan_ids: Sequence[int], now: Time
    ) -> int:
        """Return the first plan on which an account has something. Raises the refusal of the first plan if there is none."""
        refusals: list[RequestRefused] = []
        for plan_id in plan_ids:
            key = AccountKey(plan_id, message.address)
            await self._see_first(key)
            policy = next((terms.windows[plan_id] for terms in services if plan_id in terms.windows), None)
            refusal = await (
                self._find_refusal(key, now)
                if policy is None
                else self._find_window_refusal(key, policy, message.max_periods, now)
            )
            if refusal is None:
                return plan_id
            refusals.append(refusal)
        raise refusals[0]

    async def _find_window_refusal(
        self, key: AccountKey, policy: WindowPolicy, max_periods: int, now: Time
    ) -> RequestRefused | None:
        """Return why no request on a time plan could be admitted, now or when access is open. None if one could be."""
        window = await self._writer.do(ReadWindow(key))
        if window.least_until > now:
            return None
        if policy.first_use is None:
            return WindowClosed(NO_CEILING, *key, window.least_until, now)
        case = FirstUseCase(window, policy.first_use, Stated(max_periods), None, now, now)
        read = partial(read_openings, keys=[(key, case.view.access_until)])
        for known in await asyncio.to_thread(self._writer.run, read):
            case = replace(case, known=known)
        refusal = find_refusal_to_open(case)
        return None if isinstance(refusal, AccessOpening | AccessNotOpened) else refusal

    async def _find_refusal(self, key: AccountKey, now: Time) -> RequestRefused | None:
        """Return why no request could be admitted, or None. So only those who have bought something get a token."""
        account = await self._writer.do(ReadAccount(key))
        if account.find_available(now) + account.held > 0:
            return None
        return CreditsUsedUp(account.find_next_ceiling(1), *key, 0, 1)

    # ------------------------------------------------------------------ the clock

    async def _read_clock(self) -> tuple[bytes, Time, Time]:
        """Return the secret of nonces, the time, and that of the clock that all processes have in common: the database's."""
        clock, tick = self._clock, time.monotonic_ns()
        if clock is None or tick >= clock.read_at + CLOCK_SECONDS * NANOSECONDS:
            challenger = await asyncio.to_thread(self._writer.run, read_challenger)
            clock = self._clock = _Clock(challenger, tick)
        since, known = (tick - clock.read_at) // NANOSECONDS, clock.challenger
        return known.secret, known.now + since, known.clock + since


def find_plans(services: Sequence[ServiceTerms], plan_id: int | None) -> list[int]:
    """Return the plans of services for which a sign-in is enough, or the one that was asked for.

    Raises:
        PlanNotAccepted: There is none, or it is not the one that was asked for.
    """
    plans = list(dict.fromkeys(plan for terms in services for plan in terms.sign_in_plans))
    if plan_id in plans:
        return [plan_id]
    if plans and plan_id is None:
        return plans
    wrong = plan_id if plan_id is not None else next((plan for terms in services for plan in terms.policies), 0)
    raise PlanNotAccepted(wrong, services[0].service).explain(
        "a sign-in is not enough for it", "Sign vouchers for the plan, or sign in with another plan of the service"
    )


def check_sign_in_plan(terms: ServiceTerms, plan_id: int) -> None:
    """Check that a sign-in is enough for a plan at a service. The settings may have changed since. Raises PlanNotAccepted."""
    if plan_id not in terms.windows and terms.find_policy(plan_id).by_vouchers:
        find_plans([terms], plan_id)
