"""Signing receipts: what the books say of a charged hold is signed by the redeemer, and the same again for the same hold."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from nvm_chain.errors import InvalidConfig, ReceiptUnavailable
from nvm_chain.meter.bindings import NO_CONTEXT
from nvm_chain.meter.receipts import Receipt, SignedReceipt, sign_receipt, verify_receipt
from nvm_chain.meter.request_keys import hash_request
from nvm_chain.meter.requests import Request
from nvm_chain.meter.settings import MeterSettings
from nvm_chain.meter.store.charged_holds import find_hold, name_request
from nvm_chain.meter.store.group_rows import HoldState, StoredHold
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.writer import Writer
from nvm_chain.signing.eip712 import HashSigner, MessageSigner, StructSigner, TypedDataSigner
from nvm_chain.signing.signatures import AskChain
from nvm_chain.signing.signers import check_signer

ReceiptSigner: TypeAlias = MessageSigner | Callable[[Receipt], SignedReceipt]
"""Who signs receipts: the redeemer's account, or a function that has a receipt signed elsewhere."""


class Receipts:
    """Signs receipts of charged holds."""

    def __init__(
        self,
        writer: Writer,
        settings: MeterSettings,
        signer: ReceiptSigner | None,
        *,
        ask_chain: AskChain | None = None,
    ) -> None:
        """Take what a meter has. Raises InvalidConfig for a signer that is not the redeemer."""
        self._writer, self._settings, self._ask_chain = writer, settings, ask_chain
        self._where = {"chain_id": settings.chain_id, "contract": settings.credits}
        self._sign = None if signer is None else take_signer(signer, settings)

    async def sign(self, hold: StoredHold | bytes, request: Request | None) -> SignedReceipt:
        """Return the receipt of a charged hold, or of the hold with an id."""
        if self._sign is None:
            raise InvalidConfig(
                "the meter has no signer of receipts", "give the redeemer's account as `receipt_signer`"
            )
        stored = await asyncio.to_thread(self._writer.run, partial(_read, hold=hold, request=request))
        receipt = Receipt(
            *stored.key,
            self._settings.redeemer,
            stored.request,
            credits=stored.cost,
            total=stored.total,
            issued_at=stored.ended_at,
        )
        return await asyncio.to_thread(self._sign_and_check, self._sign, receipt)

    def _sign_and_check(self, sign: Callable[[Receipt], SignedReceipt], receipt: Receipt) -> SignedReceipt:
        signed = sign(receipt)
        found = verify_receipt(signed, redeemer=receipt.redeemer, ask_chain=self._ask_chain, **self._where)  # type: ignore[arg-type]
        if found != receipt:
            raise InvalidConfig(
                "the signer of receipts signed another receipt", "check the function that signs receipts"
            )
        return signed


def take_signer(signer: ReceiptSigner, settings: MeterSettings) -> Callable[[Receipt], SignedReceipt]:
    """Return the function that signs receipts. Raises InvalidConfig for an account that is not the redeemer's."""
    if callable(signer) and not isinstance(signer, HashSigner | TypedDataSigner | StructSigner):
        return signer
    check_signer(signer)
    if signer.address != settings.redeemer:
        raise InvalidConfig(
            f"receipts are signed by {settings.redeemer}, not by {signer.address}", "give the account of the redeemer"
        )
    return partial(_sign_by_account, signer=signer, chain_id=settings.chain_id, contract=settings.credits)


def _sign_by_account(receipt: Receipt, *, signer: MessageSigner, chain_id: int, contract: str) -> SignedReceipt:
    return sign_receipt(signer, receipt, chain_id=chain_id, contract=contract)


def _read(store: Store, *, hold: StoredHold | bytes, request: Request | None) -> StoredHold:
    """Return a charged hold with its request. Raises ReceiptUnavailable."""
    hold_id = hold if isinstance(hold, bytes) else hold.hold_id
    stored = find_hold(store, hold_id)
    if stored is None or not _is_same(stored, hold):
        raise ReceiptUnavailable(hold_id.hex(), "it is not in the books")
    if stored.state is not HoldState.CHARGED:
        raise ReceiptUnavailable(hold_id.hex(), "it was not charged")
    if stored.request != NO_CONTEXT:
        return stored
    if request is None:
        raise ReceiptUnavailable(hold_id.hex(), "its request came without a binding, and is not given")
    name_request(store, stored.hold_id, digest_request(request, stored))
    return find_hold(store, stored.hold_id) or stored


def _is_same(stored: StoredHold, hold: StoredHold | bytes) -> bool:
    """Return whether a stored hold is the one that was given, and not a later one of the same voucher."""
    return isinstance(hold, bytes) or (stored.key, stored.attempt) == (hold.key, hold.attempt)


def digest_request(request: Request, hold: StoredHold) -> bytes:
    """Return the digest of a request that came without a binding: the context of its full binding.

    Its id is the id of the hold in hexadecimal digits. An idempotency key may be that of several charges, one for each token.
    """
    return hash_request(replace(request, idempotency_key=hold.hold_id.hex()))
