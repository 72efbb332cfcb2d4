"""``/sign-in`` and ``/sessions``: tokens for signatures, and their revocation."""

from typing import Any

from msgspec import Struct

from nvm_chain.errors import InvalidMessage
from nvm_chain.errors.fields import Time
from nvm_chain.gateway.own.asked import Asked, read_hex, read_json
from nvm_chain.gateway.own.origins import find_origin
from nvm_chain.gateway.refusals import ask_for_token
from nvm_chain.gateway.serving import Refused, Server
from nvm_chain.meter.authorities import Authority
from nvm_chain.meter.session_terms import parse_session_terms
from nvm_chain.signing.vouchers import SignedVoucher
from nvm_chain.types.ids import parse_plan_id


class SignInBody(Struct, rename="camel", forbid_unknown_fields=True):
    """What ``POST /sign-in`` takes: the message as it was signed, and the signature in hexadecimal digits."""

    message: str
    signature: str
    plan_id: str | None = None


class SessionBody(Struct, forbid_unknown_fields=True):
    """What ``POST /sessions`` takes: the terms as they were signed, and the voucher as JSON text.

    For an allowance, also the proof of its user: a message that names the allowance, and the signature.
    """

    terms: str
    voucher: str
    message: str | None = None
    signature: str | None = None


class RevocationBody(Struct, forbid_unknown_fields=True):
    """What ``POST /sessions/revoke`` takes: the terms and the voucher of a session, and the proof of its holder."""

    terms: str
    voucher: str
    message: str
    signature: str


class Sessions:
    """Opens and revokes sessions, allowances and sign-ins."""

    def __init__(self, server: Server) -> None:
        """Take what serves."""
        self._server, self._meter = server, server.meter

    async def challenge(self, asked: Asked) -> Any:
        """Return a nonce, and what else a message needs. The host of a service says which service that is."""
        challenge = await self._meter.challenge()
        own = {} if asked.service is None else {"service": asked.service.did}
        return own | {
            "nonce": challenge.nonce,
            "chainId": challenge.chain_id,
            "issuedAt": challenge.issued_at,
            "expiresAt": challenge.expires_at,
            "origin": find_origin(self._meter.settings, self._server.base, asked),
        }

    async def sign_in(self, asked: Asked) -> Any:
        """Return a token for a signed message."""
        given = await read_json(asked.body, SignInBody)
        plan_id = None if given.plan_id is None else parse_plan_id(given.plan_id)
        token, authority = await self._meter.sign_in(given.message, read_hex(given.signature), plan_id=plan_id)
        return _describe_token(token, authority, authority.end)

    async def open(self, asked: Asked) -> Any:
        """Return a token for a voucher and its terms. For an allowance, the user proves itself, at each opening."""
        given = await read_json(asked.body, SessionBody)
        terms, signed = parse_session_terms(given.terms), SignedVoucher.from_json(given.voucher)
        if terms.user == terms.holder:
            token, authority = await self._meter.open_session(signed, terms)
            return _describe_token(token, authority, authority.end)
        if given.message is None or given.signature is None:
            reason = "the terms are an allowance, so its user signs a message, whose nonce is from GET /sign-in"
            raise InvalidMessage("request", reason)
        until = self._meter.writer.now + self._meter.settings.sign_in_seconds
        proof = (given.message, read_hex(given.signature))
        token, authority = await self._meter.open_allowance(signed, terms, *proof)
        return _describe_token(token, authority, min(until, authority.end))

    async def revoke(self, asked: Asked) -> Any:
        """Revoke the session of a token. Raises Refused without one."""
        if asked.incoming.bearer is None:
            message = "A session is revoked with its own token. Send it as Authorization: Bearer, or use POST /sessions/revoke."
            raise Refused(ask_for_token("sessions", "TokenMissing", message))
        return _describe_revoked(await self._meter.revoke_session(asked.incoming.bearer))

    async def revoke_for_holder(self, asked: Asked) -> Any:
        """Revoke a session or an allowance of which the holder has no token."""
        given = await read_json(asked.body, RevocationBody)
        terms, signed = parse_session_terms(given.terms), SignedVoucher.from_json(given.voucher)
        revoked = await self._meter.revoke_allowance(signed, terms, given.message, read_hex(given.signature))
        return _describe_revoked(revoked)


def _describe_revoked(authority: Authority) -> dict[str, Any]:
    return {"revoked": authority.authority_id.hex()}


def _describe_token(token: str, authority: Authority, end: Time) -> dict[str, Any]:
    return {"token": token, "planId": str(authority.plan_id), "holder": authority.holder, "end": end}
