"""The signer of transfers: it writes each signed transaction into the books before anybody can send it."""

from dataclasses import dataclass
from typing import Any

from eth_account.datastructures import SignedTransaction
from eth_typing import ChecksumAddress
from hexbytes import HexBytes

from nvm_chain.meter.store.payment_rows import Payment, SentTransfer
from nvm_chain.meter.store.payments import note_sent
from nvm_chain.meter.store.writer import Writer
from nvm_chain.signing.keys import Signer
from nvm_chain.types.hashes import keccak


@dataclass(frozen=True, slots=True)
class PaymentSigner:
    """Signs the transaction of one payment. A payment that only takes a nonce is not written down."""

    signer: Signer
    writer: Writer
    payment: Payment

    @property
    def address(self) -> ChecksumAddress:
        """The signer's address."""
        return self.signer.address

    def sign_transaction(self, transaction_dict: dict[str, Any], /) -> SignedTransaction:
        """Sign a transaction, and return it when it is in the books. Raises IndexFailure."""
        signed = self.signer.sign_transaction(transaction_dict)
        if bytes(HexBytes(transaction_dict.get("data", b""))) == self.payment.call_data:
            raw = bytes(signed.raw_transaction)
            sent = SentTransfer(keccak(raw), raw, self.address, int(transaction_dict["nonce"]))
            self.writer.run(lambda store: note_sent(store, self.payment.payment_id, sent))
        return signed
