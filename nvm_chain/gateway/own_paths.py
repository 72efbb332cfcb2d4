"""The gateway's own addresses: what is sold, how an account stands, sign-ins, sessions, receipts, and whether all is well.

| method and path | what it answers |
|---|---|
| ``GET /services`` | the services, their plans, and what a request costs |
| ``GET /account`` | the account of whoever sends a token or a payment, which is not spent |
| ``GET /sign-in``, ``POST /sign-in`` | a challenge, and a session token for its signature |
| ``POST /sessions``, ``DELETE /sessions`` | a session token for a voucher and its terms, and its revocation |
| ``GET /receipts/<hold>`` | the signed receipt of a request |
| ``GET /health/live``, ``GET /health/ready`` | whether the process runs, and whether it can serve |
| ``GET /metrics`` | numbers for Prometheus, with the token of the settings |
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from msgspec import DecodeError, Struct, ValidationError, json

from nvm_chain.errors import InvalidConfig, InvalidMessage, PaymentMissing, ReceiptUnavailable, ViewTooOld
from nvm_chain.gateway.bodies import MAX_SHORT, Body
from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.forwarding import Send
from nvm_chain.gateway.incoming import Headers, Incoming
from nvm_chain.gateway.metrics import CONTENT_TYPE as METRICS_TYPE
from nvm_chain.gateway.payers import read_payer
from nvm_chain.gateway.refusals import Refusal, find_most
from nvm_chain.gateway.serving import Receive, Server, answer, read_start
from nvm_chain.meter.authorities import Authority
from nvm_chain.meter.credentials import TokenCredential
from nvm_chain.meter.session_terms import parse_session_terms
from nvm_chain.meter.store.charged_holds import find_hold
from nvm_chain.meter.store.existing import read_books_state, read_head
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.signing.vouchers import SignedVoucher, VoucherVerifier
from nvm_chain.types.ids import parse_plan_id

_HOLD_BYTES: Final = 32


class SignInBody(Struct, rename="camel", forbid_unknown_fields=True):
    """What ``POST /sign-in`` takes: the message as it was signed, and the signature in hexadecimal digits."""

    message: str
    signature: str
    plan_id: str | None = None


class SessionBody(Struct, forbid_unknown_fields=True):
    """What ``POST /sessions`` takes: the terms as they were signed, and the voucher as JSON text."""

    terms: str
    voucher: str


class OwnPaths:
    """Answers requests to the gateway itself."""

    def __init__(self, server: Server) -> None:
        """Take what serves."""
        self._server, self._meter = server, server.meter
        settings = server.meter.settings
        self._verifier = VoucherVerifier(settings.chain_id, settings.credits)
        self._paths: dict[tuple[str, str], Callable[[Mapping[str, Any], Incoming, Body], Awaitable[Any]]] = {
            ("GET", "/services"): self._list_services,
            ("GET", "/account"): self._read_account,
            ("GET", "/sign-in"): self._challenge,
            ("POST", "/sign-in"): self._sign_in,
            ("POST", "/sessions"): self._open_session,
            ("DELETE", "/sessions"): self._revoke,
            ("GET", "/health/live"): self._live,
            ("GET", "/health/ready"): self._ready,
            ("GET", "/metrics"): self._write_metrics,
        }

    async def serve(
        self, scope: Mapping[str, Any], incoming: Incoming, receive: Receive, send: Send, more: Headers
    ) -> None:
        """Answer a request. Raises NvmChainError."""
        path: str = scope["path"]
        method = "GET" if incoming.method == "HEAD" else incoming.method
        action = self._paths.get((method, path))
        if action is None and method == "GET" and path.startswith("/receipts/"):
            action = self._read_receipt
        if action is None:
            await answer(send, self._refuse_path(method, path), more)
            return
        body = Body(receive, incoming.length)
        told = await action(scope, incoming, body)
        text, kind = (told, METRICS_TYPE) if isinstance(told, bytes) else (json.encode(told), "application/json")
        headers = [(b"content-type", kind.encode()), (b"cache-control", b"no-store")]
        if incoming.method == "HEAD":
            headers.append((b"content-length", str(len(text)).encode()))
            text = b""
        await answer(send, Refusal(200, headers, text), more)

    def _refuse_path(self, method: str, path: str) -> Refusal:
        allowed = sorted({known for known, other in self._paths if other == path})
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        if allowed:
            headers.append((b"allow", ", ".join(allowed).encode()))
        message = f"This gateway has no {method} {path[:200]}. GET /services lists what it serves."
        told = {"error": {"type": "NotFound", "message": message}}
        return Refusal(405 if allowed else 404, headers, json.encode(told))

    # ------------------------------------------------------------------ what is sold

    async def _list_services(self, scope: Mapping[str, Any], incoming: Incoming, body: Body) -> Any:
        return {"services": [self._describe(service) for service in self._server.services.values()]}

    def _describe(self, service: SoldService) -> dict[str, Any]:
        metadata, own = service.metadata, service.settings
        return {
            "did": service.did,
            "name": metadata.name,
            "description": metadata.description,
            "url": f"{self._server.base}/services/{service.did}",
            "level": own.level.value,
            "plans": [
                {
                    "planId": str(plan.plan_id),
                    "kind": plan.kind.name.lower(),
                    "paidBy": "voucher" if plan.by_vouchers else "sign-in",
                    "minCredits": str(plan.min_credits),
                    "maxCredits": str(find_most(plan, service) if plan.by_vouchers else plan.max_credits),
                }
                for plan in service.plans.values()
            ],
        }

    # ------------------------------------------------------------------ accounts

    async def _find_payer(self, incoming: Incoming) -> AccountKey:
        """Return whose token or payment a request brings. Neither is spent. Raises PaymentMissing or SignatureError."""
        payer = read_payer(incoming)
        if payer is None:
            raise PaymentMissing("the gateway")
        if isinstance(payer.credential, TokenCredential):
            return await self._meter.check_token(payer.credential.token)
        settings = self._meter.settings
        self._verifier.verify(payer.credential.signed, redeemer=settings.redeemer, now=self._meter.writer.now)
        return await self._meter.find_payer(payer.credential)

    async def _read_account(self, scope: Mapping[str, Any], incoming: Incoming, body: Body) -> Any:
        key = await self._find_payer(incoming)
        if key.plan_id not in self._meter.settings.plan_ids:
            raise InvalidMessage("request", "its plan is not one that this gateway serves")
        account = await self._meter.account(*key)
        now = self._meter.writer.now
        return {
            "planId": str(key.plan_id),
            "holder": key.holder,
            "available": str(max(0, account.find_available(now))),
            "charged": str(account.committed),
            "held": str(account.held),
            "owed": str(account.owed),
            "ceiling": str(account.find_live_ceiling(now)),
            "nextCeiling": str(account.find_next_ceiling(1)),
            "block": str(account.view.block_number),
        }

    async def _read_receipt(self, scope: Mapping[str, Any], incoming: Incoming, body: Body) -> Any:
        name = scope["path"].removeprefix("/receipts/")
        key = await self._find_payer(incoming)
        try:
            hold_id = bytes.fromhex(name) if len(name) <= 2 * _HOLD_BYTES else b""
        except ValueError:
            hold_id = b""
        stored = await asyncio.to_thread(self._meter.writer.run, lambda store: find_hold(store, hold_id))
        if stored is None or stored.key != key:
            raise ReceiptUnavailable(name[:80], "it is not a request of this account")
        signed = await self._meter.sign_receipt(hold_id)
        return {"receipt": signed.to_json()}

    # ------------------------------------------------------------------ sign-ins and sessions

    async def _challenge(self, scope: Mapping[str, Any], incoming: Incoming, body: Body) -> Any:
        challenge = await self._meter.challenge()
        return {
            "nonce": challenge.nonce,
            "chainId": challenge.chain_id,
            "issuedAt": challenge.issued_at,
            "expiresAt": challenge.expires_at,
            "origin": challenge.origins[0],
        }

    async def _sign_in(self, scope: Mapping[str, Any], incoming: Incoming, body: Body) -> Any:
        given = await _read_body(body, SignInBody)
        plan_id = None if given.plan_id is None else parse_plan_id(given.plan_id)
        token, authority = await self._meter.sign_in(given.message, _read_hex(given.signature), plan_id=plan_id)
        return _describe_token(token, authority)

    async def _open_session(self, scope: Mapping[str, Any], incoming: Incoming, body: Body) -> Any:
        given = await _read_body(body, SessionBody)
        terms = parse_session_terms(given.terms)
        if terms.user != terms.holder:
            raise InvalidConfig(
                "the terms let another account use the credits, and its proof is not taken here yet",
                "sign terms whose user is the holder",
            )
        token, authority = await self._meter.open_session(SignedVoucher.from_json(given.voucher), terms)
        return _describe_token(token, authority)

    async def _revoke(self, scope: Mapping[str, Any], incoming: Incoming, body: Body) -> Any:
        if incoming.bearer is None:
            raise PaymentMissing("the gateway")
        authority = await self._meter.revoke_session(incoming.bearer)
        return {"revoked": authority.authority_id.hex()}

    # ------------------------------------------------------------------ health

    async def _live(self, scope: Mapping[str, Any], incoming: Incoming, body: Body) -> Any:
        return {"status": "ok"}

    async def _ready(self, scope: Mapping[str, Any], incoming: Incoming, body: Body) -> Any:
        number, seen_seconds = await asyncio.to_thread(self._meter.writer.run, read_head)
        most = self._meter.settings.max_view_age_seconds
        if seen_seconds > most:
            raise ViewTooOld(seen_seconds, most)
        return {"status": "ok", "block": str(number), "seenSeconds": seen_seconds}

    async def _write_metrics(self, scope: Mapping[str, Any], incoming: Incoming, body: Body) -> Any:
        token = self._server.metrics_token
        if token is None or not hmac.compare_digest((incoming.bearer or "").encode(), token.encode()):
            raise PaymentMissing("the gateway")
        return self._server.metrics.write(await asyncio.to_thread(self._meter.writer.run, read_books_state))


def _describe_token(token: str, authority: Authority) -> dict[str, Any]:
    return {"token": token, "planId": str(authority.plan_id), "holder": authority.holder, "end": authority.end}


async def _read_body(body: Body, kind: Any) -> Any:
    await read_start(body)
    if not body.is_short:
        raise InvalidMessage("request", f"its body has more than {MAX_SHORT:,} bytes")
    try:
        return json.decode(body.start, type=kind)
    except (DecodeError, ValidationError, RecursionError) as error:
        raise InvalidMessage("request", f"its body is not the JSON that belongs here ({error})") from None


def _read_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise InvalidMessage("signature", "it is not hexadecimal digits") from None
