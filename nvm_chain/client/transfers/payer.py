"""The payer: an account that pays servers by signed transfers of tokens, within limits. It needs no connection to a chain."""

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from nvm_chain.client.bodies import MAX_BODY
from nvm_chain.client.steps import Wanted
from nvm_chain.client.transfers.limits import TokenLimit
from nvm_chain.client.transfers.records import Book, MemoryRecords, RecordFile, Records, Unsettled
from nvm_chain.client.wire import ExactOffer, write_exact_payment
from nvm_chain.errors import PaymentNotAllowed
from nvm_chain.errors.fields import Time
from nvm_chain.signing.authorizations import build_transfer_authorization, sign_transfer_authorization
from nvm_chain.signing.keys import Signer, check_message_signer

MOST_SECONDS: Final = 3_600
"""The longest time for which a transfer is signed, whatever a server wants."""
LATE_SECONDS: Final = 60
"""How long after its end a transfer still counts as one that can be made, because clocks differ."""
FLOWS: Final = ("", "authorization", "upfront")
"""The flows of ``exact`` that are paid: served first, or settled first."""


class TokenPayer:
    """An account that pays by signed transfers. Threads share one, and processes share its state file."""

    def __init__(
        self,
        signer: Signer,
        limits: Iterable[TokenLimit],
        *,
        state: Path | str | None = None,
        max_body: int = MAX_BODY,
    ) -> None:
        """Take the account and its limits. No network.

        Args:
            signer: The account that pays. It needs no coin for gas.
            limits: How much of which token may be signed, see `build_token_limit`. A token without a limit is not paid.
            state: A file for what was signed and what is not settled. Without one it is kept in memory, and a new process does not
                know the payments of earlier ones.
            max_body: The largest body, in bytes, that is kept if it can be read only once.

        Raises:
            InvalidConfig: The signer cannot sign messages, or the state file cannot be used.
        """
        self.signer = check_message_signer(signer)
        self.limits = tuple(limits)
        self.max_body = max_body
        self._records: Records = MemoryRecords() if state is None else RecordFile(state, self.signer.address)
        self._in_flight: Counter[str] = Counter()
        self._lock = threading.Lock()

    # ------------------------------------------------------------------ what may be signed

    def find_problem(self, offer: ExactOffer) -> str | None:
        """Return why an offer may not be paid, in words. None if it may."""
        if offer.flow not in FLOWS:
            return f"its payment flow is {ascii(offer.flow)[:40]}, which this client does not know"
        return self._find_limit(offer)[1]

    def _find_limit(self, offer: ExactOffer) -> tuple[TokenLimit | None, str | None]:
        """Return the limit that allows an offer, or else the last reason against it."""
        problem = f"no limit is for the token {offer.token.address} on chain {offer.token.chain_id}"
        for limit in self.limits:
            if (limit.chain_id, limit.token) != (offer.token.chain_id, offer.token.address):
                continue
            if limit.payees and offer.pay_to not in limit.payees:
                problem = f"it pays {offer.pay_to}, and the limit names other payees"
            elif offer.amount > limit.per_request:
                problem = f"it costs {offer.amount} base units, and the limit for a request is {limit.per_request}"
            else:
                return limit, None
        return None, problem

    # ------------------------------------------------------------------ transfers

    def sign(self, wanted: Wanted, offer: ExactOffer, raw: Any, *, resource: Any, extensions: Any) -> Unsettled:
        """Sign a transfer for a request, and record it before it can be sent.

        Args:
            wanted: The request.
            offer: The offer of the server.
            raw: The element of ``accepts`` from which the offer was read.
            resource: What the 402 says of the resource.
            extensions: The extensions that the 402 declares.

        Raises:
            PaymentNotAllowed: The offer is not within the limits. Nothing was signed.
        """
        service = wanted.place.service or wanted.place.origin
        limit, problem = self._find_limit(offer)
        if limit is None:
            raise PaymentNotAllowed(service, (problem or "",))
        with self._changing() as book:
            self._count(book, limit, offer.amount, service)
            now = int(time.time())
            authorization = build_transfer_authorization(
                payer=self.signer.address,
                payee=offer.pay_to,
                value=offer.amount,
                valid_before=now + max(2, min(offer.max_seconds, MOST_SECONDS)),
            )
            signed = sign_transfer_authorization(self.signer, authorization, token=offer.token)
            nonce = f"0x{authorization.nonce.hex()}"
            header = write_exact_payment(raw, signed, resource=resource, extensions=name_payment(extensions, nonce))
            transfer = Unsettled(nonce, authorization.valid_before, header)
            book.unsettled[self._key(wanted, nonce)] = transfer
        return transfer

    def _count(self, book: Book, limit: TokenLimit, amount: int, service: str) -> None:
        name = f"eip155:{limit.chain_id}:{limit.token}"
        signed = book.signed.get(name, 0)
        if signed + amount > limit.in_all:
            reason = f"{signed} base units are signed, {amount} more are wanted, and the limit in all is {limit.in_all}"
            raise PaymentNotAllowed(service, (reason,))
        book.signed[name] = signed + amount

    def find_unsettled(self, wanted: Wanted) -> Unsettled | None:
        """Return the transfer of an earlier request of the same content, whose outcome is not known. None if there is none."""
        prefix = hash_request(wanted)
        with self._changing() as book:
            found = [(key, one) for key, one in book.unsettled.items() if key.startswith(prefix)]
        with self._lock:
            return next((one for key, one in found if not self._in_flight[key]), None)

    def note_transaction(self, wanted: Wanted, transfer: Unsettled, transaction: str) -> None:
        """Record the transaction that a server named for a transfer that is not settled."""
        with self._changing() as book:
            key = self._key(wanted, transfer.nonce)
            if key in book.unsettled:
                book.unsettled[key] = replace(book.unsettled[key], transaction=transaction)

    def note_settled(self, wanted: Wanted, transfer: Unsettled) -> None:
        """Forget a transfer, because its request was answered. What was signed still counts."""
        with self._changing() as book:
            book.unsettled.pop(self._key(wanted, transfer.nonce), None)

    @contextmanager
    def sending(self, wanted: Wanted, transfer: Unsettled) -> Iterator[None]:
        """Keep a transfer from other requests of the same content, as long as its own is under way."""
        key = self._key(wanted, transfer.nonce)
        with self._lock:
            self._in_flight[key] += 1
        try:
            yield
        finally:
            with self._lock:
                self._in_flight[key] -= 1

    @contextmanager
    def _changing(self) -> Iterator[Book]:
        """Read the records, and write them if the block changes them. Transfers that cannot be made any more are dropped."""
        with self._records.lock():
            book = self._records.read()
            before = (dict(book.signed), dict(book.unsettled))
            end = int(time.time()) - LATE_SECONDS
            for key in [key for key, transfer in book.unsettled.items() if is_over(transfer, end)]:
                del book.unsettled[key]
            yield book
            if (book.signed, book.unsettled) != before:
                self._records.write(book)

    def _key(self, wanted: Wanted, nonce: str) -> str:
        return f"{hash_request(wanted)}:{nonce}"


def is_over(transfer: Unsettled, end: Time) -> bool:
    """Return whether a transfer cannot be made any more at a time."""
    return transfer.valid_before <= end


def hash_request(wanted: Wanted) -> str:
    """Return the digest of a request: its address, method, body and idempotency key."""
    place = wanted.place
    parts = (wanted.method, place.base, place.service or "", place.target, wanted.key or "")
    head = b"\0".join(part.encode() for part in parts)
    return hashlib.sha256(head + b"\0" + hashlib.sha256(wanted.body).digest()).hexdigest()


def name_payment(extensions: Any, nonce: str) -> Any:
    """Return the extensions of a payment. If the server takes names of payments, the payment is named by its nonce."""
    declared = extensions.get("payment-identifier") if isinstance(extensions, dict) else None
    if not isinstance(declared, dict) or not isinstance(declared.get("info"), dict):
        return extensions
    return {**extensions, "payment-identifier": {**declared, "info": {**declared["info"], "id": f"pay_{nonce[2:34]}"}}}
