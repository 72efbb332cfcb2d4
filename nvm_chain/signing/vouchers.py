"""Vouchers: a holder signs a number of credits that a redeemer may take. So a request does not need a transaction.

The chain counts the settled credits of each holder on each plan: all credits that settlements took. A voucher allows
``redeemer`` to raise this count up to ``ceiling``, until ``deadline``. So a lost or repeated voucher does no harm. A
client signs `next_ceiling` before each request, and risks only the cost of that request.
"""

import time
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct
from typing import Final
from uuid import UUID

from eth_typing import ChecksumAddress

from nvm_chain.errors import InvalidConfig, VoucherExpired, VoucherMismatch, VoucherSignatureInvalid
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
from nvm_chain.signing.signatures import REFUSED, AskChain, is_signed_by, keccak
from nvm_chain.signing.signatures import recover_signer as recover_digest_signer
from nvm_chain.signing.signers import check_signer
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.contexts import encode_context
from nvm_chain.types.ids import parse_plan_id

DOMAIN_NAME: Final = "nvm_chain Credits"
DOMAIN_VERSION: Final = "1"
VOUCHER: Final = StructType(
    "Voucher(uint256 planId,address holder,address redeemer,uint64 ceiling,bytes32 context,uint64 deadline)"
)
MESSAGE_TYPE: Final = "nvm_chain.voucher.v1"
CEILING_BITS: Final = 64
DEADLINE_BITS: Final = 64

_MESSAGES: Final = StructMessages(MESSAGE_TYPE, "signed voucher", VOUCHER)
_pack = Struct(">32s 32s 12x20s 12x20s 24xQ 32s 24xQ").pack
"""Packs seven 32-byte words: the hash of the type, and the fields of a voucher in the order of the type."""


@dataclass(frozen=True, slots=True)
class Voucher:
    """A voucher that a holder signs. Make one with `build_voucher`.

    ``ceiling`` is the highest number of settled credits that the voucher allows for this holder on this plan. It is a
    total, and not the cost of one request. ``deadline`` is the last Unix second in which the voucher is valid.
    """

    plan_id: PlanId
    holder: ChecksumAddress
    redeemer: ChecksumAddress
    ceiling: Credits
    context: bytes
    deadline: Time

    def __post_init__(self) -> None:
        """Check the fields, because the voucher's digest is a hash of them. Raises an InputError."""
        check_uint(self.plan_id, 256, "plan id")
        check_address(self.holder, "holder address")
        check_address(self.redeemer, "redeemer address")
        check_uint(self.ceiling, CEILING_BITS, "ceiling")
        check_bytes32(self.context, "context")
        check_uint(self.deadline, DEADLINE_BITS, "deadline")

    def as_tuple(self) -> tuple[int, ChecksumAddress, ChecksumAddress, int, bytes, int]:
        """Return the voucher as the ABI encodes it, in the order of the signed type."""
        return (self.plan_id, self.holder, self.redeemer, self.ceiling, self.context, self.deadline)


@dataclass(frozen=True, slots=True)
class SignedVoucher:
    """A voucher and its signature: 64 or 65 bytes from a key, or any number of bytes from a contract wallet."""

    voucher: Voucher
    signature: bytes

    def to_json(self) -> str:
        """Write the voucher as JSON on one line, in ASCII. The names are those of the signed type."""
        return _MESSAGES.format(self.voucher.as_tuple(), self.signature)

    @classmethod
    def from_json(cls, text: str) -> "SignedVoucher":
        """Read the JSON of `to_json`. Raises InvalidMessage for any other text. The signature is not checked."""
        return cls(*_MESSAGES.parse(text, Voucher))


def build_voucher(
    plan_id: int | str,
    *,
    holder: str,
    redeemer: str,
    ceiling: int,
    deadline: int,
    context: str | bytes | UUID = b"",
) -> Voucher:
    """Build a voucher for the holder to sign. No network.

    Args:
        plan_id: The plan's id, as an int, text or DID.
        holder: The address whose credits are settled.
        redeemer: The address that may settle the voucher.
        ceiling: The highest number of settled credits that the voucher allows. `next_ceiling` computes it.
        deadline: The last Unix second in which the voucher is valid. It should not be after the earliest expiry of the
            credits.
        context: At most 32 bytes, such as the id of the request.

    Raises:
        InvalidPlanId: The plan id is malformed.
        InvalidAddress: An address is malformed or zero.
        InvalidAmount: A number is out of range.
        InvalidContext: The context has more than 32 bytes.

    >>> bob = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
    >>> build_voucher("255", holder=bob, redeemer=bob.lower(), ceiling=3, deadline=1_800_000_000).plan_id
    255
    """
    return Voucher(
        plan_id=parse_plan_id(plan_id),
        holder=parse_address(holder, "holder address"),
        redeemer=parse_address(redeemer, "redeemer address"),
        ceiling=check_uint(ceiling, CEILING_BITS, "ceiling", minimum=1),
        context=encode_context(context),
        deadline=check_uint(deadline, DEADLINE_BITS, "deadline"),
    )


def next_ceiling(last: int, cost: int) -> int:
    """Return the ceiling to sign for one more request of ``cost`` credits.

    ``last`` is the highest ceiling that was signed on this plan, or the holder's settled credits if these are higher.
    Raises InvalidAmount.

    >>> next_ceiling(40, 2)
    42
    """
    check_uint(last, CEILING_BITS, "last ceiling")
    return check_uint(last + check_uint(cost, CEILING_BITS, "cost", minimum=1), CEILING_BITS, "ceiling")


@lru_cache(maxsize=256)
def credits_domain(chain_id: int, contract: str) -> Domain:
    """Return the EIP-712 domain of a Credits contract, for which vouchers are signed."""
    return Domain(DOMAIN_NAME, DOMAIN_VERSION, chain_id, parse_address(contract, "contract address"))


def voucher_digest(voucher: Voucher, *, chain_id: int, contract: str) -> bytes:
    """Return the 32 bytes that the holder signs. To check many vouchers, use `VoucherVerifier`, which is faster."""
    return hash_message(credits_domain(chain_id, contract).separator, _hash_voucher(VOUCHER.type_hash, voucher))


def _hash_voucher(type_hash: bytes, voucher: Voucher) -> bytes:
    """Return the same hash as ``VOUCHER.hash``, but three times as fast. `Voucher` has checked the fields' sizes."""
    plan_id = voucher.plan_id.to_bytes(32)
    holder, redeemer = bytes.fromhex(voucher.holder[2:]), bytes.fromhex(voucher.redeemer[2:])
    return keccak(_pack(type_hash, plan_id, holder, redeemer, voucher.ceiling, voucher.context, voucher.deadline))


def sign_voucher(signer: MessageSigner, voucher: Voucher, *, chain_id: int, contract: str) -> SignedVoucher:
    """Sign a voucher as its holder. No network.

    With the result, the redeemer can settle up to ``ceiling`` credits in total. Check the voucher before you sign.
    For a contract wallet, give its signer from `nvm_chain.signing.wallets`.

    Raises:
        InvalidConfig: The signer is not the holder.
    """
    check_signer(signer)
    if signer.address != voucher.holder:
        raise InvalidConfig(
            f"the holder {voucher.holder} has to sign this voucher, not {signer.address}",
            "sign with its own account, or with a wallet signer such as `SafeSigner` if it is a contract wallet",
        )
    domain = credits_domain(chain_id, contract)
    return SignedVoucher(voucher, sign_struct(signer, domain, VOUCHER, voucher.as_tuple()))


def recover_signer(signed: SignedVoucher, *, chain_id: int, contract: str) -> ChecksumAddress | None:
    """Return the address whose key signed a voucher. None if the signature is not an ECDSA signature.

    Compare the address with the voucher's holder.
    """
    digest = voucher_digest(signed.voucher, chain_id=chain_id, contract=contract)
    return recover_digest_signer(digest, signed.signature)


def verify_voucher(
    signed: SignedVoucher,
    *,
    chain_id: int,
    contract: str,
    plan_id: int | str | None = None,
    redeemer: str | None = None,
    now: int | None = None,
    ask_chain: AskChain | None = None,
) -> Voucher:
    """Return the voucher if its holder signed it and it is valid now. See `VoucherVerifier.verify`."""
    verifier = VoucherVerifier(chain_id, contract, ask_chain=ask_chain)
    return verifier.verify(signed, plan_id=plan_id, redeemer=redeemer, now=now)


class VoucherVerifier:
    """Verifies vouchers for one Credits contract. No network, unless ``ask_chain`` uses it.

    ``ask_chain`` is a function that asks a contract at the holder's address whether it accepts the signature
    (ERC-1271). It is called if the holder's own key did not sign. A contract may change its answer in the next block.
    """

    def __init__(self, chain_id: int, contract: str, *, ask_chain: AskChain | None = None) -> None:
        self.domain = credits_domain(chain_id, contract)
        self._separator = self.domain.separator
        self._type_hash = VOUCHER.type_hash
        self._ask_chain = ask_chain

    def hash(self, voucher: Voucher) -> bytes:
        """Return the 32 bytes that the holder signs."""
        return hash_message(self._separator, _hash_voucher(self._type_hash, voucher))

    def verify(
        self,
        signed: SignedVoucher,
        *,
        plan_id: int | str | None = None,
        redeemer: str | None = None,
        now: int | None = None,
    ) -> Voucher:
        """Return the voucher if its holder signed it, and it is valid now for the given plan and redeemer.

        The holder's balance, the settled credits and the redeemer's rights are not checked, because only the chain
        knows them.

        Args:
            signed: The signed voucher to verify.
            plan_id: The id of the expected plan. If not given, the voucher may be for any plan.
            redeemer: The address of the expected redeemer. If not given, the voucher may be for any redeemer.
            now: The time of the check, as a Unix second. This machine's clock if not given.

        Raises:
            VoucherMismatch: The voucher is for another plan or redeemer.
            VoucherExpired: The voucher's deadline has passed.
            SignatureNeedsChain: Only a contract wallet can check the signature, and ``ask_chain`` is not given.
            VoucherSignatureInvalid: The holder did not sign the voucher.
        """
        self.find_digest(signed, plan_id=plan_id, redeemer=redeemer, now=now)
        return signed.voucher

    def find_digest(
        self,
        signed: SignedVoucher,
        *,
        plan_id: int | str | None = None,
        redeemer: str | None = None,
        now: int | None = None,
    ) -> bytes:
        """Verify a voucher as `verify` does, and return the 32 bytes that its holder signed."""
        voucher = signed.voucher
        if plan_id is not None and voucher.plan_id != (expected := parse_plan_id(plan_id)):
            raise VoucherMismatch("plan id", str(expected), str(voucher.plan_id))
        if redeemer is not None and voucher.redeemer.lower() != redeemer.lower():
            raise VoucherMismatch("redeemer", parse_address(redeemer, "redeemer address"), voucher.redeemer)
        now = int(time.time()) if now is None else now
        if now > voucher.deadline:
            raise VoucherExpired(voucher.deadline, now)
        digest = self.hash(voucher)
        if not is_signed_by(voucher.holder, digest, signed.signature, self._ask_chain):
            error = VoucherSignatureInvalid(voucher.holder, recover_digest_signer(digest, signed.signature))
            raise error if self._ask_chain is None else error.explain(*REFUSED)
        return digest
