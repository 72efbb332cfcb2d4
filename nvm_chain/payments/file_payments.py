"""The voucher that pays for one file of a gateway. It is corrected once if the gateway counts more than is known here."""

from collections.abc import Mapping
from dataclasses import dataclass
from secrets import token_hex

from nvm_chain.client.states import Ceiling
from nvm_chain.client.wire import read_required
from nvm_chain.errors.fields import Credits
from nvm_chain.meter.bindings import build_binding
from nvm_chain.meter.bodies import NO_BODY
from nvm_chain.payments.access import Access, need_gateway
from nvm_chain.payments.file_places import FILE_OF_GATEWAY, FilePlace, build_payment
from nvm_chain.payments.session import Session
from nvm_chain.payments.tokens import sign_request, take_back
from nvm_chain.signing.vouchers import SignedVoucher
from nvm_chain.storage.downloads import Progress
from nvm_chain.storage.http import Answer


@dataclass(frozen=True, slots=True)
class _Signed:
    """A voucher, and the ceiling before it."""

    voucher: SignedVoucher
    before: Ceiling | None


class FilePayment:
    """The voucher for one file of the gateway. Once a part of the file has come, the gateway may have charged it."""

    def __init__(self, session: Session, access: Access, did: str, place: FilePlace) -> None:
        """Sign a voucher for exactly the request of the file. Raises the errors of `sign_request`."""
        self.url = place.url
        self._session, self._access = session, access
        self._gateway = need_gateway(session, FILE_OF_GATEWAY)
        self._binding = build_binding(did, "GET", place.target, NO_BODY, f"file_{token_hex(16)}")
        self._told: Credits = 0
        self._was_used = self._was_corrected = False
        self._signed = self._sign()

    def _sign(self, least: Credits = 0) -> _Signed:
        return _Signed(*sign_request(self._session, self._gateway, self._access, self._binding, least=least))

    @property
    def headers(self) -> Mapping[str, str]:
        """The header that pays for the file."""
        return build_payment(self._session.chain.chain_id, self._signed.voucher, self._binding)

    def watch(self, on_progress: Progress) -> Progress:
        """Return a function that notes the first bytes, and calls another one."""

        def note(size: int, total: int | None) -> None:
            self._was_used = True
            on_progress(size, total)

        return note

    def note_refusal(self, answer: Answer) -> None:
        """Note the next ceiling that the gateway says in a 402. Another server, behind a redirect, says nothing of the account."""
        required = read_required(answer.headers, b"") if (answer.status, answer.url) == (402, self.url) else None
        wanted = (self._access.plan_id, self._gateway.redeemer)
        for offered in () if required is None else required.offers:
            account = offered.offer.account
            is_ours = (offered.offer.plan_id, offered.offer.redeemer) == wanted
            if is_ours and account is not None and account.holder == self._session.address:
                self._told = account.next_ceiling

    def correct(self) -> bool:
        """Sign once more if the gateway says a higher ceiling, such as after an earlier run. Return whether that was done.

        The new ceiling is within the account's credits. Raises InsufficientCredits if they do not suffice.
        """
        if self._was_corrected or self._was_used or self._told <= self._signed.voucher.voucher.ceiling:
            return False
        self._was_corrected = True
        self.take_back()
        self._signed = self._sign(self._told)
        return True

    def take_back(self) -> None:
        """Forget the voucher, unless a part of the file came, so that the next one covers the same request."""
        if not self._was_used:
            take_back(self._session, self._signed.voucher, self._signed.before)
