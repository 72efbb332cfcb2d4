"""Receipts: the redeemer signs what it charged for a request. So a holder can prove a charge that is too high."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.errors import InvalidConfig, ReceiptMismatch, ReceiptSignatureInvalid
from nvm_chain.errors.fields import Credits, PlanId, Time
from nvm_chain.signing.eip712 import (
    Domain,
    MessageSigner,
    StructType,
    check_address,
    check_bytes32,
    hash_message,
    sign_struct,
)
from nvm_chain.signing.json_messages import StructMessages
from nvm_chain.signing.signatures import REFUSED, AskChain, is_signed_by, recover_signer
from nvm_chain.signing.signers import check_signer
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.ids import format_did, parse_plan_id

DOMAIN_NAME: Final = "nvm_chain Meter"
DOMAIN_VERSION: Final = "1"
RECEIPT: Final = StructType(
    "Receipt(uint256 planId,address holder,address redeemer,bytes32 request,uint64 credits,uint64 total,uint64 issuedAt)"
)
MESSAGE_TYPE: Final = "nvm_chain.receipt.v1"

_MESSAGES: Final = StructMessages(MESSAGE_TYPE, "signed receipt", RECEIPT)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a redeemer charged for one request.

    ``request`` is the context of the binding that was computed from the request. ``credits`` is the charge. ``total`` is the
    sum of all charges to the holder on the plan so far, with this one. ``issued_at`` is a Unix second.
    """

    plan_id: PlanId
    holder: ChecksumAddress
    redeemer: ChecksumAddress
    request: bytes
    credits: Credits
    total: Credits
    issued_at: Time

    def __post_init__(self) -> None:
        """Check the fields, because the receipt's digest is a hash of them. Raises an InputError."""
        check_uint(self.plan_id, 256, "plan id")
        check_address(self.holder, "holder address")
        check_address(self.redeemer, "redeemer address")
        check_bytes32(self.request, "request digest")
        check_uint(self.credits, 64, "credits")
        check_uint(self.total, 64, "total", minimum=self.credits)
        check_uint(self.issued_at, 64, "time")

    def as_tuple(self) -> tuple[int, ChecksumAddress, ChecksumAddress, bytes, int, int, int]:
        """Return the fields in the order of the signed type."""
        return (self.plan_id, self.holder, self.redeemer, self.request, self.credits, self.total, self.issued_at)

    def contradicts(self, other: "Receipt") -> bool:
        """Return whether this receipt and another one cannot both be true.

        One request has one charge. The charges of two requests have to be different parts of the running total.
        """
        if (self.plan_id, self.holder, self.redeemer) != (other.plan_id, other.holder, other.redeemer):
            return False
        if self.request == other.request:
            return (self.credits, self.total) != (other.credits, other.total)
        return self.total - self.credits < other.total and other.total - other.credits < self.total


@dataclass(frozen=True, slots=True)
class SignedReceipt:
    """A receipt and the signature of its redeemer."""

    receipt: Receipt
    signature: bytes

    def to_json(self) -> str:
        """Write the receipt as JSON on one line, in ASCII. The names are those of the signed type."""
        return _MESSAGES.format(self.receipt.as_tuple(), self.signature)

    @classmethod
    def from_json(cls, text: str) -> "SignedReceipt":
        """Read the JSON of `to_json`. Raises an InputError for any other text. The signature is not checked."""
        return cls(*_MESSAGES.parse(text, Receipt))


@lru_cache(maxsize=256)
def receipts_domain(chain_id: int, contract: str) -> Domain:
    """Return the EIP-712 domain of receipts. It is not that of vouchers, so neither can pass for the other.

    ``contract`` is the address of Credits.
    """
    return Domain(DOMAIN_NAME, DOMAIN_VERSION, chain_id, parse_address(contract, "contract address"))


def receipt_digest(receipt: Receipt, *, chain_id: int, contract: str) -> bytes:
    """Return the 32 bytes that the redeemer signs."""
    return hash_message(receipts_domain(chain_id, contract).separator, RECEIPT.hash(receipt.as_tuple()))


def sign_receipt(signer: MessageSigner, receipt: Receipt, *, chain_id: int, contract: str) -> SignedReceipt:
    """Sign a receipt as its redeemer. No network.

    Raises:
        InvalidConfig: The signer is not the redeemer.
    """
    check_signer(signer)
    if signer.address != receipt.redeemer:
        raise InvalidConfig(f"the redeemer {receipt.redeemer} has to sign this receipt, not {signer.address}")
    return SignedReceipt(receipt, sign_struct(signer, receipts_domain(chain_id, contract), RECEIPT, receipt.as_tuple()))


def verify_receipt(
    signed: SignedReceipt,
    *,
    chain_id: int,
    contract: str,
    redeemer: str,
    holder: str | None = None,
    plan_id: int | str | None = None,
    request: bytes | None = None,
    ask_chain: AskChain | None = None,
) -> Receipt:
    """Return a receipt if its redeemer signed it. No network, unless ``ask_chain`` uses it.

    Args:
        signed: The signed receipt.
        chain_id: The id of the chain.
        contract: The address of Credits.
        redeemer: The address of the seller's key, as the holder knows it.
        holder: The address of the expected holder. If not given, the receipt may be for any holder.
        plan_id: The id of the expected plan. If not given, the receipt may be for any plan.
        request: The context of the binding of the request. If not given, the receipt may be for any request.
        ask_chain: A function that asks a contract at the redeemer's address (ERC-1271).

    Raises:
        ReceiptMismatch: The receipt is for another plan, holder, redeemer or request.
        ReceiptSignatureInvalid: The redeemer did not sign the receipt.
        SignatureNeedsChain: Only a contract can check the signature, and ``ask_chain`` is not given.
    """
    receipt = signed.receipt
    _compare("redeemer", parse_address(redeemer, "redeemer address"), receipt.redeemer)
    if holder is not None:
        _compare("holder", parse_address(holder, "holder address"), receipt.holder)
    if plan_id is not None:
        _compare("plan id", format_did(parse_plan_id(plan_id)), format_did(receipt.plan_id))
    if request is not None:
        _compare("request", f"0x{request.hex()}", f"0x{receipt.request.hex()}")
    digest = receipt_digest(receipt, chain_id=chain_id, contract=contract)
    if not is_signed_by(receipt.redeemer, digest, signed.signature, ask_chain):
        error = ReceiptSignatureInvalid(receipt.redeemer, recover_signer(digest, signed.signature))
        raise error if ask_chain is None else error.explain(*REFUSED)
    return receipt


def _compare(field: str, expected: str, actual: str) -> None:
    if expected != actual:
        raise ReceiptMismatch(field, expected, actual)
