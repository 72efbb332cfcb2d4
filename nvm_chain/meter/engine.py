"""The meter: requests are paid by signatures, held before the work, and counted durably.

A request is admitted by one awaited write, which sets credits aside and spends the credential. Its charge rides in a later
group of writes, and nobody waits for it. The engine knows no HTTP: gateways and paywalls are faces of it.
"""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, Protocol, TypeVar

from nvm_chain.errors import AuthorityUnknown, IndexFailure, InvalidConfig
from nvm_chain.meter.agreements import Ask
from nvm_chain.meter.authorities import Authority, open_session
from nvm_chain.meter.bindings import NO_CONTEXT
from nvm_chain.meter.books import Account
from nvm_chain.meter.credentials import Credential, TokenCredential, VoucherCredential, hash_token, new_token
from nvm_chain.meter.request_keys import find_key, hash_request, name_account
from nvm_chain.meter.requests import Request, check_binding, check_context, check_level
from nvm_chain.meter.session_terms import SessionTerms, check_session_voucher
from nvm_chain.meter.settings import SPARE_SECONDS, MeterSettings, ServiceTerms
from nvm_chain.meter.store.account_changes import RevokeAuthority
from nvm_chain.meter.store.admissions import AdmitUse, AdmitVoucher
from nvm_chain.meter.store.answers import KeepAnswer
from nvm_chain.meter.store.changes import Change
from nvm_chain.meter.store.group_rows import AccountKey, StoredHold
from nvm_chain.meter.store.hold_ends import ChargeHold, ReleaseHold
from nvm_chain.meter.store.sessions import KeepSession, ReadAccount, find_session
from nvm_chain.meter.store.works import KeptAnswer, KeyUse, Work
from nvm_chain.meter.store.writer import Writer
from nvm_chain.meter.voucher_fronts import MAX_SESSION_SECONDS, check_deadline
from nvm_chain.signing.signatures import AskChain
from nvm_chain.signing.vouchers import SignedVoucher, VoucherVerifier

AnyOutcome = TypeVar("AnyOutcome")
RETRY_SECONDS: Final = 0.5
"""The pause before a charge is stored again, after the store failed."""
MOST_SESSIONS: Final = 100_000
"""How many session tokens a process remembers."""
MOST_SEEN: Final = 100_000
"""Of how many accounts a process remembers that they have a view. Of others it asks the store again."""


class Views(Protocol):
    """Where the meter reads accounts of which it knows nothing yet."""

    def want(self, key: AccountKey) -> "Future[None]":
        """Put the views of an account into the books, now and from now on. The future is done when the first are there."""


class Meter:
    """A meter on open books. `nvm_chain.meter.opening.open_meter` returns one.

    Use it in one event loop. Any number of processes may have meters on the same books in PostgreSQL.
    """

    def __init__(
        self, writer: Writer, settings: MeterSettings, views: Views, *, ask_chain: AskChain | None = None
    ) -> None:
        """Take open books.

        Args:
            writer: What stores changes.
            settings: What is served.
            views: Where accounts are read for the first time.
            ask_chain: A function that asks a contract at the holder's address (ERC-1271). Sessions of contract wallets need it.
        """
        self.settings = settings
        self.owner = secrets.token_bytes(16)
        """The name of this process in the holds that it opens."""
        self.writer = writer
        """What stores the changes of the books. A settler uses it too."""
        self._views = views
        self._verifier = VoucherVerifier(settings.chain_id, settings.credits)
        self._session_verifier = VoucherVerifier(settings.chain_id, settings.credits, ask_chain=ask_chain)
        self._sessions: dict[bytes, tuple[AccountKey, bytes]] = {}
        self._first: dict[AccountKey, asyncio.Future[None]] = {}
        self._seen: set[AccountKey] = set()
        self._unstored: set[asyncio.Future[Any]] = set()
        self._is_closed = False

    # ------------------------------------------------------------------ requests

    async def admit(self, request: Request, credential: Credential, credits: int) -> StoredHold | KeptAnswer:
        """Admit a request of at most some credits, and set them aside. When this returns, the hold is durable.

        Args:
            request: What arrived.
            credential: What pays for it.
            credits: The highest cost of the request.

        Returns:
            The hold. End it by `charge` or `release`. If the request came before with the same idempotency key, the answer
            that was kept, and nothing is held.

        Raises:
            RequestRefused: The request is not admitted. Nothing was held or spent. ``next_ceiling`` is the next ceiling to sign.
            SignatureError: The credential is not good for this request. Nothing was held or spent.
            ServiceUnknown: The meter does not serve the service.
            ViewTooOld: The chain was not read for too long.
            IndexFailure: The books cannot be written. Nothing is served.
        """
        terms = self.settings.find_service(request.service)
        if isinstance(credential, TokenCredential):
            return await self._admit_by_token(request, terms, credential, credits)
        return await self._admit_by_voucher(request, terms, credential, credits)

    async def _admit_by_voucher(
        self, request: Request, terms: ServiceTerms, credential: VoucherCredential, credits: int
    ) -> StoredHold | KeptAnswer:
        voucher = credential.signed.voucher
        context = self._check_request(request, terms, credential)
        key = AccountKey(voucher.plan_id, voucher.holder)
        work = self._build_work(terms, voucher.plan_id, credits, context, find_key(request, name_account(key)))
        now = self.writer.now
        check_deadline(voucher.deadline, now)
        self._verifier.verify(credential.signed, redeemer=self.settings.redeemer, now=now)
        await self._see_first(key)
        return await self._hold(AdmitVoucher(credential.signed, self._verifier.hash(voucher), work))

    @staticmethod
    def _check_request(request: Request, terms: ServiceTerms, credential: VoucherCredential) -> bytes:
        """Check a binding against the request, and return its context."""
        binding = credential.binding
        check_level(binding, terms.level)
        check_context(credential.signed.voucher.context, binding)
        return NO_CONTEXT if binding is None else check_binding(binding, request).context

    async def _admit_by_token(
        self, request: Request, terms: ServiceTerms, credential: TokenCredential, credits: int
    ) -> StoredHold | KeptAnswer:
        key, authority_id = await self._find_session(hash_token(credential.token))
        work = self._build_work(terms, key.plan_id, credits, NO_CONTEXT, find_key(request, authority_id))
        await self._see_first(key)
        return await self._hold(AdmitUse(key, authority_id, secrets.token_bytes(16), work))

    def _build_work(self, terms: ServiceTerms, plan_id: int, credits: int, context: bytes, key: KeyUse | None) -> Work:
        return Work(
            Ask(credits, terms.service, context),
            terms.find_policy(plan_id),
            context,
            self.owner,
            terms.request_seconds + SPARE_SECONDS,
            self.settings.max_view_age_seconds,
            key,
        )

    async def _hold(self, change: AdmitVoucher | AdmitUse) -> StoredHold | KeptAnswer:
        """Store a hold. If whoever waits is cancelled, the hold is released as soon as it is stored."""
        storing: asyncio.Future[StoredHold | KeptAnswer] = asyncio.ensure_future(self.writer.do(change))
        try:
            return await asyncio.shield(storing)
        except asyncio.CancelledError:
            self._remember(asyncio.ensure_future(self._give_back(storing)))
            raise

    async def _give_back(self, storing: "asyncio.Future[StoredHold | KeptAnswer]") -> None:
        opened = await storing
        if isinstance(opened, StoredHold):
            await self._store_until_it_works(ReleaseHold(opened, was_sent=False))

    def charge(self, hold: StoredHold, cost: int) -> "asyncio.Future[StoredHold]":
        """Charge for a request that was served, at most as much as its hold. Nobody has to await the outcome.

        If the books cannot be written, the charge is stored again and again as long as the process lives.

        Args:
            hold: The hold.
            cost: The credits to charge.

        Returns:
            A future of the charged hold, with the account's running ``total``. It fails with HoldOver if the hold has ended
            meanwhile, and with ChargeAboveHold if the cost is more than the hold.
        """
        return self._end(ChargeHold(hold, cost))

    def release(self, hold: StoredHold, *, was_sent: bool) -> "asyncio.Future[StoredHold]":
        """Release the hold of a request that was not served. Nobody has to await the outcome.

        Args:
            hold: The hold.
            was_sent: Whether the upstream was called. If it was not, the same request voucher may be presented again.

        Returns:
            A future of the ended hold.
        """
        return self._end(ReleaseHold(hold, was_sent))

    def keep_answer(
        self, hold: StoredHold, request: Request, answer: bytes | None, size: int
    ) -> "asyncio.Future[object]":
        """Keep the answer to a request with an idempotency key, so that it is given again for ten minutes.

        Args:
            hold: The hold of the request.
            request: The request.
            answer: The answer, which the caller has encrypted. None to keep only that there was one.
            size: The number of bytes in the answer. One of more than 64 KiB is not kept.

        Returns:
            A future. Nobody has to await it.
        """
        if not hold.scope:
            raise InvalidConfig("the request has no idempotency key", "keep only answers of requests with a key")
        return self._end(KeepAnswer(hold.key, KeyUse(hold.scope, hash_request(request)), size, answer))

    def _end(self, change: Change[AnyOutcome]) -> "asyncio.Future[AnyOutcome]":
        future = asyncio.ensure_future(self._store_until_it_works(change))
        self._remember(future)
        return future

    def _remember(self, future: "asyncio.Future[Any]") -> None:
        """Remember what has to be stored before the meter may close."""
        self._unstored.add(future)
        future.add_done_callback(self._forget)

    def _forget(self, future: "asyncio.Future[Any]") -> None:
        self._unstored.discard(future)
        if not future.cancelled():
            future.exception()  # it is looked at, so that a failure which nobody awaits is not reported as lost

    async def _store_until_it_works(self, change: Change[AnyOutcome]) -> AnyOutcome:
        while True:
            try:
                return await self.writer.do(change)
            except IndexFailure:
                if self._is_closed:
                    raise
                await asyncio.sleep(RETRY_SECONDS)

    # ------------------------------------------------------------------ sessions

    async def open_session(self, signed: SignedVoucher, terms: SessionTerms) -> tuple[str, Authority]:
        """Open a session or an allowance, and return its token. Opened again, it gets one more token.

        Whoever calls this has checked that the terms' user asks for it: for an allowance, the user has to prove itself.

        Args:
            signed: The voucher. Its context is the hash of the terms.
            terms: What a person has read and signed.

        Returns:
            The session token, which is not stored, and the authority.

        Raises:
            VoucherMismatch: The voucher was signed for other terms or another redeemer.
            VoucherSignatureInvalid: The holder did not sign the voucher.
            DeadlineOutOfRange: The session is too long or too short.
            TooManyVouchers: The meter keeps too many vouchers of the holder.
        """
        now = self.writer.now
        check_session_voucher(signed.voucher, terms)
        check_deadline(signed.voucher.deadline, now, max_seconds=MAX_SESSION_SECONDS)
        verify: Callable[[], object] = lambda: self._session_verifier.verify(  # noqa: E731
            signed, redeemer=self.settings.redeemer, now=now
        )
        await asyncio.to_thread(verify)  # a contract wallet is asked over the network
        authority = open_session(terms, self._verifier.hash(signed.voucher), now)
        token = new_token()
        await self._see_first(AccountKey(terms.plan_id, terms.holder))
        return token, await self.writer.do(KeepSession(authority, signed, hash_token(token)))

    async def revoke_session(self, token: str) -> Authority:
        """Revoke a session. Requests that are running end as usual. Raises AuthorityUnknown."""
        key, authority_id = await self._find_session(hash_token(token))
        return await self.writer.do(RevokeAuthority(key, authority_id))

    async def _find_session(self, token_hash: bytes) -> tuple[AccountKey, bytes]:
        """Return the account and the authority of a token. Whether it is revoked is read with each request."""
        known = self._sessions.get(token_hash)
        if known is None:
            known = await asyncio.to_thread(self.writer.run, lambda store: find_session(store, token_hash))
            if known is None:
                raise AuthorityUnknown("of this token")
            if len(self._sessions) >= MOST_SESSIONS:
                self._sessions.clear()
            self._sessions[token_hash] = known
        return known

    # ------------------------------------------------------------------ accounts

    async def account(self, plan_id: int, holder: str) -> Account:
        """Return the account of a holder on a plan, as the books have it now."""
        key = AccountKey(plan_id, holder)  # type: ignore[arg-type]
        await self._see_first(key)
        return await self.writer.do(ReadAccount(key))

    async def _see_first(self, key: AccountKey) -> None:
        """Read an account from the chain's index before its first request. Requests at the same time wait for one reading."""
        if key in self._seen:
            return
        reading = self._first.get(key)
        if reading is None:
            reading = self._first[key] = asyncio.ensure_future(self._read_first(key))
            reading.add_done_callback(lambda _: self._first.pop(key, None))
        await asyncio.shield(reading)

    async def _read_first(self, key: AccountKey) -> None:
        account = await self.writer.do(ReadAccount(key))
        if not account.view.block_number:
            await asyncio.wrap_future(self._views.want(key))
        if len(self._seen) >= MOST_SEEN:
            self._seen.clear()
        self._seen.add(key)

    # ------------------------------------------------------------------ the end

    async def close(self) -> None:
        """Store what was charged and released, and close the books. Holds that are open stay open until they end."""
        if not self._is_closed:
            self._is_closed = True
            while self._unstored:
                await asyncio.gather(*self._unstored, return_exceptions=True)
            await asyncio.to_thread(self.writer.close)
