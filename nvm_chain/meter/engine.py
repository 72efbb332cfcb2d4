"""The meter: requests are paid by signatures, held before the work, and counted durably.

A request is admitted by one awaited write, which sets credits aside and spends the credential. Its charge rides in a later
group of writes, and nobody waits for it. The engine knows no HTTP: gateways and paywalls are faces of it.
"""

import asyncio
import secrets
from collections.abc import Callable, Container
from functools import partial
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.errors import AuthorityUnknown, CreditsUsedUp, InvalidConfig, MeterClosed, PlanNotAccepted
from nvm_chain.errors.fields import Seconds
from nvm_chain.meter.agreements import Ask
from nvm_chain.meter.authorities import Authority, AuthorityKind, open_session
from nvm_chain.meter.bindings import NO_CONTEXT
from nvm_chain.meter.books import Account
from nvm_chain.meter.credentials import Credential, TokenCredential, VoucherCredential, hash_token, new_token
from nvm_chain.meter.first_views import FirstViews, Views
from nvm_chain.meter.nonces import SignInChallenge
from nvm_chain.meter.outbox import Outbox
from nvm_chain.meter.proofs import build_revocation_proof, build_use_proof
from nvm_chain.meter.receipt_signing import Receipts, ReceiptSigner
from nvm_chain.meter.receipts import SignedReceipt
from nvm_chain.meter.request_keys import find_key, hash_request, name_account
from nvm_chain.meter.requests import Request, check_binding, check_context, check_level
from nvm_chain.meter.session_terms import SessionTerms, check_session_voucher
from nvm_chain.meter.session_tranches import Slot, Tranches
from nvm_chain.meter.settings import SPARE_SECONDS, MeterSettings, ServiceTerms
from nvm_chain.meter.sign_in_messages import SignInMessage
from nvm_chain.meter.signing_in import SignIns, check_sign_in_plan
from nvm_chain.meter.store.account_changes import RevokeAuthority
from nvm_chain.meter.store.admissions import AdmitUse, AdmitVoucher
from nvm_chain.meter.store.answers import KeepAnswer
from nvm_chain.meter.store.group_rows import AccountKey, StoredHold
from nvm_chain.meter.store.hold_ends import ChargeHold, ReleaseHold
from nvm_chain.meter.store.open_authorities import find_owner
from nvm_chain.meter.store.prolongations import ProlongHold
from nvm_chain.meter.store.sessions import CheckAuthority, KeepSession, ReadAccount, TokenOwner, find_session
from nvm_chain.meter.store.window_changes import AdmitToWindow
from nvm_chain.meter.store.works import KeptAnswer, KeyUse, Work
from nvm_chain.meter.store.writer import Writer, settle
from nvm_chain.meter.storing import Storing
from nvm_chain.meter.voucher_fronts import MAX_SESSION_SECONDS, check_deadline
from nvm_chain.signing.signatures import AskChain
from nvm_chain.signing.vouchers import SignedVoucher, VoucherVerifier

MOST_SESSIONS: Final = 100_000
"""How many session tokens a process remembers."""
MOST_ASKED: Final = 4
"""How many signatures of sessions and sign-ins are checked at a time. A contract wallet may take long, and threads are few."""


class Meter:
    """A meter on open books. `nvm_chain.meter.opening.open_meter` returns one.

    Use it in one event loop. Any number of processes may have meters on the same books in PostgreSQL.
    """

    def __init__(
        self,
        writer: Writer,
        settings: MeterSettings,
        views: Views,
        *,
        ask_chain: AskChain | None = None,
        receipt_signer: ReceiptSigner | None = None,
    ) -> None:
        """Take open books.

        Args:
            writer: What stores changes.
            settings: What is served.
            views: Where accounts are read for the first time.
            ask_chain: A function that asks a contract at the holder's address (ERC-1271). Sessions and sign-ins of contract
                wallets need it.
            receipt_signer: The redeemer's account, or a function that has a receipt signed. Receipts need it.

        Raises:
            InvalidConfig: The signer of receipts is not the redeemer.
        """
        self.settings = settings
        self.owner = secrets.token_bytes(16)
        """The name of this process in the holds that it opens."""
        self.writer = writer
        """What stores the changes of the books. A settler uses it too."""
        self._verifier = VoucherVerifier(settings.chain_id, settings.credits)
        self._session_verifier = VoucherVerifier(settings.chain_id, settings.credits, ask_chain=ask_chain)
        self._sessions: dict[bytes, TokenOwner] = {}
        self._first = FirstViews(writer, views, settings.time_plans)
        self._storing = Storing(writer)
        self._tranches = Tranches(self._storing)
        self._closing: asyncio.Future[None] | None = None
        self._asking = asyncio.Semaphore(MOST_ASKED)
        self._sign_ins = SignIns(writer, settings, self._first.see, self._asking, ask_chain=ask_chain)
        self._receipts = Receipts(writer, settings, receipt_signer, ask_chain=ask_chain)
        self.outbox = Outbox(writer)
        """Notices to holders, for whoever delivers them."""
        if settings.notices:
            writer.write_notices(settings.notices)

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
        if self._closing is not None:
            raise MeterClosed
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
        key_use = None if request.idempotency_key is None else find_key(request, name_account(key))
        work = self._build_work(terms, voucher.plan_id, credits, context, key_use)
        now = self.writer.now
        check_deadline(voucher.deadline, now, min_seconds=self.settings.min_voucher_seconds)
        digest = self._verifier.find_digest(credential.signed, redeemer=self.settings.redeemer, now=now)
        await self._first.see(key)
        return await self._storing.hold(AdmitVoucher(credential.signed, digest, work, is_fresh=True))

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
        key, authority_id, kind, _ = await self._find_session(hash_token(credential.token))
        if kind is AuthorityKind.SIGN_IN:
            check_sign_in_plan(terms, key.plan_id)
            if key.plan_id in terms.windows:
                return await self._admit_to_window(request, terms, key, authority_id)
        work = self._build_work(terms, key.plan_id, credits, NO_CONTEXT, find_key(request, authority_id))
        await self._first.see(key)
        slot = Slot(authority_id, terms.service)
        if work.key is None and work.limited is None and self._tranches.is_busy(slot):
            part = await self._tranches.admit(key, slot, work)
            if part is not None:
                return part
        return await self._storing.hold(AdmitUse(key, authority_id, secrets.token_bytes(16), work))

    async def _admit_to_window(
        self, request: Request, terms: ServiceTerms, key: AccountKey, authority_id: bytes
    ) -> StoredHold | KeptAnswer:
        """Admit a request on a time plan. It costs nothing, whatever its highest cost would be on a plan of credits."""
        await self._first.see(key)
        change = AdmitToWindow(
            key,
            authority_id,
            secrets.token_bytes(16),
            terms.service,
            terms.windows[key.plan_id],
            self.owner,
            terms.request_seconds + SPARE_SECONDS,
            self.settings.max_view_age_seconds,
            find_key(request, authority_id),
            terms.limited,
            self.settings.redeemer,
        )
        return await self._storing.hold(change)

    def _build_work(self, terms: ServiceTerms, plan_id: int, credits: int, context: bytes, key: KeyUse | None) -> Work:
        return Work(
            Ask(credits, terms.service, context),
            terms.find_policy(plan_id),
            context,
            self.owner,
            terms.request_seconds + SPARE_SECONDS,
            self.settings.max_view_age_seconds,
            key,
            terms.limited,
        )

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
        tranche = self._tranches.find(hold)
        return self._storing.end(ChargeHold(hold, cost)) if tranche is None else tranche.charge(hold, cost)

    async def prolong(self, hold: StoredHold) -> Seconds:
        """Let a request go on whose answer is on its way. Its credits stay held, and nothing else changes.

        A face asks for it well before the request's time is over, and asks again. The request goes on for at most
        ``request_seconds`` more, and for ``max_answer_seconds`` in all. It ends before access and the session end, and so long
        before the voucher and the credits end that a settlement can take the charge.

        Args:
            hold: The hold.

        Returns:
            For how many seconds from now on the request may go on. Then charge the hold, or release it.

        Raises:
            HoldOver: The hold has ended.
            IndexFailure: The books cannot be written. The hold ends as before.
        """
        tranche, terms = self._tranches.find(hold), self.settings.find_service(hold.service)
        stored = hold if tranche is None else tranche.stored
        prolonged = await self.writer.send_along(_build_prolongation(stored, terms), settle)
        if tranche is not None:
            tranche.note_end(prolonged.seconds)
        return max(0, prolonged.seconds - SPARE_SECONDS)

    def release(self, hold: StoredHold, *, was_sent: bool) -> "asyncio.Future[StoredHold]":
        """Release the hold of a request that was not served. Nobody has to await the outcome.

        Args:
            hold: The hold.
            was_sent: Whether the upstream was called. If it was not, the same request voucher may be presented again.

        Returns:
            A future of the ended hold.
        """
        tranche = self._tranches.find(hold)
        return self._storing.end(ReleaseHold(hold, was_sent)) if tranche is None else tranche.release(hold)

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
        return self._storing.end(KeepAnswer(hold.key, KeyUse(hold.scope, hash_request(request)), size, answer))

    # ------------------------------------------------------------------ sessions

    async def open_session(
        self, signed: SignedVoucher, terms: SessionTerms, *, token_seconds: int | None = None
    ) -> tuple[str, Authority]:
        """Open a session or an allowance, and return its token. Opened again, it gets one more token.

        Whoever calls this has checked that the terms' user asks for it. For an allowance, `open_allowance` does.

        Args:
            signed: The voucher. Its context is the hash of the terms.
            terms: What a person has read and signed.
            token_seconds: How long the token is good. Until the end of the session if not given.

        Returns:
            The session token, which is not stored, and the authority.

        Raises:
            VoucherMismatch: The voucher was signed for other terms or another redeemer.
            VoucherSignatureInvalid: The holder did not sign the voucher.
            DeadlineOutOfRange: The session is too long or too short.
            TooManyVouchers: The meter keeps too many vouchers of the holder.
            TooManyAuthorities: The holder has too many sessions and sign-ins that have not ended.
            TooManyTokens: The session has too many tokens.
            PlanNotAccepted: No service takes credits of the plan.
            CreditsUsedUp: The holder never had credits of the plan.
        """
        authority = await self._read_session(signed, terms)
        token = new_token()
        until = 0 if token_seconds is None else self.writer.now + token_seconds
        return token, await self.writer.do(KeepSession(authority, signed, hash_token(token), until))

    async def _read_session(self, signed: SignedVoucher, terms: SessionTerms) -> Authority:
        """Return the authority of a session as it would be opened now. Raises the errors of `open_session` about voucher and terms."""
        now = self.writer.now
        if terms.plan_id not in self.settings.policies:
            raise PlanNotAccepted(terms.plan_id, "any service of this meter")
        check_session_voucher(signed.voucher, terms)
        check_deadline(
            signed.voucher.deadline, now, min_seconds=self.settings.min_voucher_seconds, max_seconds=MAX_SESSION_SECONDS
        )
        verify: Callable[[], object] = lambda: self._session_verifier.verify(  # noqa: E731
            signed, redeemer=self.settings.redeemer, now=now
        )
        async with self._asking:
            await asyncio.to_thread(verify)  # a contract wallet is asked over the network
        key = AccountKey(terms.plan_id, terms.holder)
        if not await self._first.see(key):
            raise CreditsUsedUp(1, *key, 0, 1)
        return open_session(terms, self._verifier.hash(signed.voucher), now)

    async def open_allowance(
        self, signed: SignedVoucher, terms: SessionTerms, message: str, signature: bytes
    ) -> tuple[str, Authority]:
        """Open an allowance for its user, who has signed a message of EIP-4361, and return its token.

        The message has a nonce of `challenge`, and names the allowance, see `nvm_chain.meter.proofs`. The token is good as long as
        that of a sign-in. Then the user proves itself again.

        Args:
            signed: The voucher of the holder. Its context is the hash of the terms.
            terms: What the holder has read and signed.
            message: The message as it was received.
            signature: The signature's bytes.

        Raises:
            SignatureError: The message is not good here and now, its nonce was used, or the user did not sign it.
            NvmChainError: The errors of `open_session`.
        """
        await self._sign_ins.prove(message, signature, build_use_proof(terms, self._verifier.hash(signed.voucher)))
        return await self.open_session(signed, terms, token_seconds=self.settings.sign_in_seconds)

    async def revoke_allowance(
        self, signed: SignedVoucher, terms: SessionTerms, message: str, signature: bytes
    ) -> Authority:
        """Revoke a session or an allowance for its holder, who has signed a message of EIP-4361 and may have no token.

        What was not opened yet cannot be opened any more, whatever else the holder has opened. Arguments and errors are those of
        `open_allowance`. A holder that never had credits of the plan gets CreditsUsedUp, because there is nothing to open yet.
        """
        check_session_voucher(signed.voucher, terms)
        authority_id = self._verifier.hash(signed.voucher)
        await self._sign_ins.prove(message, signature, build_revocation_proof(terms, authority_id))
        key = AccountKey(terms.plan_id, terms.holder)
        try:
            return await self._revoke(key, authority_id)
        except AuthorityUnknown:
            return await self._revoke(key, authority_id, await self._read_session(signed, terms))

    async def challenge(self) -> SignInChallenge:
        """Return a new nonce for a sign-in, good for ten minutes and for one sign-in. Nothing is stored.

        Raises:
            InvalidConfig: The settings name no origin.
            IndexFailure: The books cannot be read.
        """
        return await self._sign_ins.challenge()

    async def sign_in(self, message: str, signature: bytes, *, plan_id: int | None = None) -> tuple[str, Authority]:
        """Open a token for an account that has signed a message of EIP-4361, and use the message's nonce.

        The token is good for time plans, while access is open, and for plans whose rule lets the redeemer redeem.

        Args:
            message: The message as it was received. It names services as resources, and has a nonce of `challenge`.
            signature: The signature's bytes.
            plan_id: The plan to use. If not given, the first plan of the services on which the account has something.

        Returns:
            The token, which is not stored, and the authority.

        Raises:
            InvalidMessage: The text is not a sign-in message.
            SignatureError: The message is not good here and now, its nonce was used, or the account did not sign it.
            ServiceUnknown: The meter serves none of the services.
            PlanNotAccepted: A sign-in is not enough for the plan.
            WindowClosed: The account has no access now, and nothing to open.
            PeriodsNotStated: Access has to be opened, and the message does not let the seller open it.
            OnlyHolderOpens: Access has to be opened, and by the plan's rule only the holder opens it.
            CreditsUsedUp: The account has no credits.
            TooManyAuthorities: The account has too many sessions and sign-ins that have not ended.
        """
        return await self._sign_ins.open(message, signature, plan_id)

    async def confirm_sign_in(self, message: str, signature: bytes) -> SignInMessage:
        """Return a message that an account has signed to sign in, and use its nonce. No token is opened.

        Whoever calls this has opened a token for the same account and service before, and goes on by that.

        Args:
            message: The message as it was received.
            signature: The signature's bytes.

        Raises:
            InvalidMessage: The text is not a sign-in message.
            SignatureError: The message is not good here and now, its nonce was used, or the account did not sign it.
            ServiceUnknown: The meter serves none of the services.
        """
        return await self._sign_ins.confirm(message, signature)

    async def visit(self, message: str, signature: bytes, own: str | None = None) -> ChecksumAddress:
        """Return who has signed a message for the pages of the gateway, see `nvm_chain.meter.visits`. Its nonce is used.

        Args:
            message: The message as it was received.
            signature: The signature's bytes.
            own: The DID of a service, for the pages on its own host. None for those of the gateway.

        Raises:
            InvalidMessage: The text is not a sign-in message.
            SignatureError: The message is not good here and now, its nonce was used, or the account did not sign it.
        """
        return await self._sign_ins.visit(message, signature, own)

    async def derive_key(self, purpose: bytes) -> bytes:
        """Return a key of 32 bytes for a purpose, the same in every process on these books. Raises IndexFailure."""
        return await self._sign_ins.derive_key(purpose)

    async def sign_receipt(self, hold: StoredHold | bytes, request: Request | None = None) -> SignedReceipt:
        """Return the redeemer's receipt of a charged hold. For the same hold it is the same again.

        Args:
            hold: The hold, charged in these books, or its id. Whoever calls this knows that the asker may see it.
            request: The request, if it came without a binding, as with a token. The first receipt of the hold keeps it.

        Raises:
            ReceiptUnavailable: The hold was not charged, or its request is not known.
            InvalidConfig: The meter has no signer of receipts.
        """
        return await self._receipts.sign(hold, request)

    async def revoke_session(self, token: str) -> Authority:
        """Revoke a session or a sign-in. Requests that are running end as usual. Raises AuthorityUnknown."""
        key, authority_id, *_ = await self._find_session(hash_token(token))
        return await self._revoke(key, authority_id)

    async def end_authority(self, holder: ChecksumAddress, authority_id: bytes, plan_ids: Container[int]) -> Authority:
        """End a session, an allowance or a sign-in for its holder, who has proved to be that. Requests that are running end as usual.

        Args:
            holder: Who asks for it.
            authority_id: The id of what is to end.
            plan_ids: The plans for which the holder may ask this here.

        Raises:
            AuthorityUnknown: The holder has no such authority on these plans.
            IndexFailure: The books cannot be written.
        """
        key = await asyncio.to_thread(self.writer.run, partial(find_owner, authority_id=authority_id))
        if key is None or key.holder != holder or key.plan_id not in plan_ids:
            raise AuthorityUnknown(authority_id.hex())
        return await self._revoke(key, authority_id)

    async def _revoke(self, key: AccountKey, authority_id: bytes, unopened: Authority | None = None) -> Authority:
        self._tranches.revoke(authority_id)
        revoked = await self.writer.do(RevokeAuthority(key, authority_id, unopened))
        self._tranches.revoke(authority_id)  # one that was being opened meanwhile
        return revoked

    async def find_payer(self, credential: Credential) -> AccountKey:
        """Return the plan and the holder of a credential. Whether it is good for anything is checked with each request.

        Raises:
            AuthorityUnknown: The token is not one of these books.
        """
        if isinstance(credential, TokenCredential):
            return (await self._find_session(hash_token(credential.token)))[0]
        return AccountKey(credential.signed.voucher.plan_id, credential.signed.voucher.holder)

    async def check_token(self, token: str) -> Authority:
        """Return the authority of a token that is good now, for whoever shows an account to its user.

        Raises:
            AuthorityUnknown: The token is not one of these books.
            RequestRefused: The session or the sign-in was revoked, or has ended.
        """
        key, authority_id, *_ = await self._find_session(hash_token(token))
        return await self.writer.do(CheckAuthority(key, authority_id))

    async def _find_session(self, token_hash: bytes) -> TokenOwner:
        """Return the account and the authority of a token. Whether it is revoked is read with each request."""
        known = self._sessions.get(token_hash)
        if known is None:
            known = await asyncio.to_thread(self.writer.run, lambda store: find_session(store, token_hash))
            if known is None:
                raise AuthorityUnknown("of this token")
            if len(self._sessions) >= MOST_SESSIONS:
                self._sessions.clear()
            self._sessions[token_hash] = known
        if known.until and known.until < self.writer.now:
            raise AuthorityUnknown("of this token any more, because the token has ended")
        return known

    # ------------------------------------------------------------------ accounts

    async def account(self, plan_id: int, holder: str) -> Account:
        """Return the account of a holder on a plan, as the books have it now."""
        key = AccountKey(plan_id, holder)  # type: ignore[arg-type]
        await self._first.see(key)
        return await self.writer.do(ReadAccount(key))

    # ------------------------------------------------------------------ the end

    async def close(self) -> None:
        """Store what was charged and released, and close the books. Holds that are open stay open until they end."""
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        self._storing.stop_trying()
        await self._tranches.finish()
        await self._storing.finish()
        await asyncio.to_thread(self.writer.close)


def _build_prolongation(hold: StoredHold, terms: ServiceTerms) -> ProlongHold:
    """Return the change that lets a hold of a service end later."""
    policy = terms.policies.get(hold.key.plan_id)
    most = max(terms.request_seconds, terms.max_answer_seconds)
    return ProlongHold(
        hold,
        terms.request_seconds + SPARE_SECONDS,
        most + SPARE_SECONDS,
        by_vouchers=policy is not None and policy.by_vouchers,
    )
