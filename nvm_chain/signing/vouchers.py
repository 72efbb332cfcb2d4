"""Vouchers: a holder signs what a redeemer may take, so a request needs no transaction.

A voucher says: ``redeemer`` may raise the number of my credits ever settled on this plan up to ``ceiling``, until
``deadline``. The chain counts what settlements took from each holder on each plan. So a lost or repeated voucher does
no harm. A client that signs `next_ceiling` before each request risks that request alone.
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
from nvm_chain.signing.json_messages import MessageReader, format_message
from nvm_chain.signing.signatures import AskChain, is_signed_by, keccak
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

_pack = Struct(">32s 32s 12x20s 12x20s 24xQ 32s 24xQ").pack
"""Seven words: the hash of the type, and the fields in its order."""


@dataclass(frozen=True, slots=True)
class Voucher:
    """What a holder signs. Make one with `build_voucher`.

    ``ceiling`` is the total of credits that settlements may have taken from this holder on this plan, once the voucher
    is settled. It is not the cost of one request. ``deadline`` is the last Unix second in which the voucher counts.
    """

    plan_id: PlanId
    holder: ChecksumAddress
    redeemer: ChecksumAddress
    ceiling: Credits
    context: bytes
    deadline: Time

    def __post_init__(self) -> None:
        """Refuse what no contract takes, so that every voucher has one digest."""
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
    """A voucher and its signature: 65 or 64 bytes of a key, or whatever a contract wallet understands."""

    voucher: Voucher
    signature: bytes

    def to_json(self) -> str:
        """Write the voucher as JSON on one line, in ASCII, under the names of the signed type."""
        names = [name for _, name in VOUCHER.members]
        values: dict[str, int | str | bytes] = dict(zip(names, self.voucher.as_tuple(), strict=True))
        return format_message(MESSAGE_TYPE, {**values, "signature": self.signature})

    @classmethod
    def from_json(cls, text: str) -> "SignedVoucher":
        """Read what `to_json` writes. Raises InvalidMessage for anything else; the signature is not checked yet."""
        names = [*(name for _, name in VOUCHER.members), "signature"]
        reader = MessageReader(text, kind=MESSAGE_TYPE, noun="signed voucher", names=names)
        voucher = Voucher(
            plan_id=reader.read_uint("planId", 256),
            holder=reader.read_address("holder"),
            redeemer=reader.read_address("redeemer"),
            ceiling=reader.read_uint("ceiling", CEILING_BITS),
            context=reader.read_bytes("context", 32),
            deadline=reader.read_uint("deadline", DEADLINE_BITS),
        )
        return cls(voucher, reader.read_bytes("signature"))


def build_voucher(
    plan_id: int | str,
    *,
    holder: str,
    redeemer: str,
    ceiling: int,
    deadline: int,
    context: str | bytes | UUID = b"",
) -> Voucher:
    """Build a voucher. Ids and addresses are taken in any spelling.

    Args:
        plan_id: The plan.
        holder: Whose credits are settled.
        redeemer: Who may settle the voucher.
        ceiling: The total of credits that may have been settled, see `next_ceiling`.
        deadline: The last Unix second in which the voucher counts, no later than the earliest expiry of the credits.
        context: At most 32 bytes, such as the id of the request.

    Raises:
        InvalidPlanId: The plan id is not one.
        InvalidAddress: An address is not one.
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

    ``last`` is the highest ceiling that was signed on this plan, or the chain's count of settled credits where that is
    higher. Raises InvalidAmount.

    >>> next_ceiling(40, 2)
    42
    """
    check_uint(last, CEILING_BITS, "last ceiling")
    return check_uint(last + check_uint(cost, CEILING_BITS, "cost", minimum=1), CEILING_BITS, "ceiling")


@lru_cache(maxsize=256)
def credits_domain(chain_id: int, contract: str) -> Domain:
    """Return the domain in which a Credits contract takes vouchers."""
    return Domain(DOMAIN_NAME, DOMAIN_VERSION, chain_id, parse_address(contract, "contract address"))


def voucher_digest(voucher: Voucher, *, chain_id: int, contract: str) -> bytes:
    """Return the 32 bytes that the holder signs. To check many vouchers, use `VoucherVerifier`, which is faster."""
    return hash_message(credits_domain(chain_id, contract).separator, _hash_voucher(VOUCHER.type_hash, voucher))


def _hash_voucher(type_hash: bytes, voucher: Voucher) -> bytes:
    """Return what ``VOUCHER.hash`` returns, in a third of the time. The fields have their sizes: see `Voucher`."""
    plan_id = voucher.plan_id.to_bytes(32)
    holder, redeemer = bytes.fromhex(voucher.holder[2:]), bytes.fromhex(voucher.redeemer[2:])
    return keccak(_pack(type_hash, plan_id, holder, redeemer, voucher.ceiling, voucher.context, voucher.deadline))


def sign_voucher(signer: MessageSigner, voucher: Voucher, *, chain_id: int, contract: str) -> SignedVoucher:
    """Sign a voucher as its holder. No network.

    Anyone who holds the result can have up to ``ceiling`` credits settled in total, so look at what you sign. A
    contract wallet signs in its own way: put its bytes into a SignedVoucher. Raises InvalidConfig if the signer is not
    the holder.
    """
    check_signer(signer)
    if signer.address != voucher.holder:
        raise InvalidConfig(f"the voucher is of {voucher.holder}, and {signer.address} cannot sign for them")
    domain = credits_domain(chain_id, contract)
    return SignedVoucher(voucher, sign_struct(signer, domain, VOUCHER, voucher.as_tuple()))


def recover_signer(signed: SignedVoucher, *, chain_id: int, contract: str) -> ChecksumAddress | None:
    """Return who signed a voucher, to compare with the holder. None if the signature is not the signature of a key."""
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
    """Return the voucher if it is signed by its holder and counts now; see `VoucherVerifier.verify`."""
    verifier = VoucherVerifier(chain_id, contract, ask_chain=ask_chain)
    return verifier.verify(signed, plan_id=plan_id, redeemer=redeemer, now=now)


class VoucherVerifier:
    """Verifies vouchers for one Credits contract. No network, unless ``ask_chain`` uses it.

    ``ask_chain`` is asked when the holder's own key did not sign: it says whether the contract at the holder's address
    accepts the signature (ERC-1271). In the next block the answer may be another one.
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
        """Return the voucher if its holder signed it, it counts now, and it is for the plan and redeemer that are given.

        What only the chain knows is not checked: the holder's balance, the credits settled before, and the redeemer's
        rights.

        Args:
            signed: The voucher as it was received.
            plan_id: The plan to expect. Any plan if not given.
            redeemer: The redeemer to expect. Any redeemer if not given.
            now: The Unix second to check for. This machine's clock if not given.

        Raises:
            VoucherMismatch: The voucher is for another plan or redeemer.
            VoucherExpired: The voucher's deadline is over.
            SignatureNeedsChain: Only a contract can understand the signature, and ``ask_chain`` is not given.
            VoucherSignatureInvalid: The holder did not sign the voucher.
        """
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
            raise VoucherSignatureInvalid(voucher.holder, recover_digest_signer(digest, signed.signature))
        return voucher
