"""Taking back what a holder has signed for somebody else. Until its user opens it, an allowance is in no books, and its text is needed."""

from typing import Any

from eth_typing import ChecksumAddress
from msgspec import Struct

from nvm_chain.errors import PlanNotAccepted
from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.checkout.shelves import Shelves
from nvm_chain.gateway.own.asked import Asked
from nvm_chain.gateway.own.sessions import Sessions
from nvm_chain.gateway.refusals import tell_refusal
from nvm_chain.gateway.serving import Refused, Server
from nvm_chain.meter.proofs import build_revocation_proof
from nvm_chain.meter.session_terms import SessionTerms, check_session_voucher, parse_session_terms
from nvm_chain.signing.vouchers import SignedVoucher, VoucherVerifier

NOT_YOURS = "The account {holder} has signed this allowance. Only that account can take it back."


class RevocationAsk(Struct, forbid_unknown_fields=True):
    """What ``POST /checkout/api/holder/revocations`` takes: an allowance as its user has it."""

    terms: str
    voucher: str


class OwnRevocations:
    """Prepares what a holder signs to take back an allowance. The signature goes to ``POST /sessions/revoke``."""

    def __init__(self, server: Server, shelves: Shelves) -> None:
        """Take what serves, and what is sold."""
        self._shelves, self._sessions = shelves, Sessions(server)
        settings = server.meter.settings
        self._verifier = VoucherVerifier(settings.chain_id, settings.credits)

    async def offer(self, holder: ChecksumAddress, given: RevocationAsk, asked: Asked) -> Any:
        """Return the message that the wallet signs. Nothing is revoked by it.

        Raises:
            InvalidMessage: The texts are not an allowance.
            VoucherMismatch: The voucher was signed for other terms.
            PlanNotAccepted: No service of the allowance is sold here.
            Refused: Another account has signed the allowance.
        """
        terms, signed = parse_session_terms(given.terms), SignedVoucher.from_json(given.voucher)
        check_session_voucher(signed.voucher, terms)
        if terms.holder != holder:
            raise Refused(tell_refusal(403, "HolderIsAnother", NOT_YOURS.format(holder=terms.holder)))
        service = self._find_service(terms, asked.service)
        told = await self._sessions.challenge(asked)
        proof = build_revocation_proof(terms, self._verifier.hash(signed.voucher))
        message = proof.write(
            origin=told["origin"],
            service=service.did,
            chain_id=told["chainId"],
            nonce=told["nonce"],
            now=told["issuedAt"],
        )
        return {"message": message}

    def _find_service(self, terms: SessionTerms, own: SoldService | None) -> SoldService:
        """Return a service of an allowance. One for every service names none. Raises PlanNotAccepted."""
        sold = self._shelves.list_agents(terms.plan_id, own)
        found = [service for service in sold if not terms.services or service.did in terms.services]
        if not found:
            raise PlanNotAccepted(terms.plan_id, terms.services[0] if terms.services else "any service here")
        return found[0]
