"""ECDSA signatures over 32 bytes: check their form, and recover the signer.

The accepted forms are those of the contract, which uses Solady's ECDSA: 65 bytes r, s, v with v 27 or 28, or the 64
bytes of EIP-2098. A high s is accepted too, because nothing depends on a signature's bytes. Recovering a signer takes
40 microseconds with the extra ``fast`` (coincurve for libsecp256k1, safe-pysha3 for keccak), and 4 milliseconds without
it.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from eth_keys.backends.native.main import NativeECCBackend
from eth_keys.datatypes import Signature
from eth_keys.exceptions import BadSignature
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from eth_utils.exceptions import ValidationError

from nvm_chain.errors import SignatureNeedsChain
from nvm_chain.types.hashes import keccak as keccak

try:
    from coincurve import PublicKey
except ImportError:
    PublicKey = None  # type: ignore[assignment, misc]  # None is checked before each use

MAX_SIGNATURE: Final = 12_500
"""The largest number of bytes in the signature of a voucher or an order.

In a transaction, so many bytes cost 200,000 gas, at 16 gas for a byte other than zero. A wallet gets as much to check the
signature of a voucher, so nobody pays more to bring a signature than to check it. Known wallets are far below: 65 bytes
for each owner of a Safe, 640 for a passkey. A message of JSON holds a signature of about 8,000 bytes.
"""

ASK_AGAIN: Final = "ask for a new signature"
REFUSED: Final = ("its key did not sign, and no contract at its address accepts the signature", ASK_AGAIN)
"""What is known of a signature after ``ask_chain`` refused it: the cause, and the next step."""

AskChain: TypeAlias = Callable[[ChecksumAddress, bytes, bytes], bool]
"""A function of an account, a digest and a signature.

It returns whether a contract at the account accepts the signature (ERC-1271).
"""

_RECOVERY_IDS = {27: b"\0", 28: b"\1"}


def _recover_by_coincurve(digest: bytes, signature: bytes) -> bytes | None:
    try:
        return PublicKey.from_signature_and_message(signature, digest, hasher=None).format(compressed=False)[1:]
    except ValueError:
        return None


def _recover_by_eth_keys(digest: bytes, signature: bytes) -> bytes | None:
    try:
        return NativeECCBackend().ecdsa_recover(digest, Signature(signature)).to_bytes()
    except (BadSignature, ValidationError):
        return None


_recover_key = _recover_by_eth_keys if PublicKey is None else _recover_by_coincurve


def recover_address(digest: bytes, signature: bytes) -> bytes | None:
    """Return the 20 bytes of the address whose key signed a digest. None if the signature is not an ECDSA signature.

    A signature of another digest gives some other address, so compare the result with the address that you expect.
    """
    if len(signature) == 65:
        recovery_id = _RECOVERY_IDS.get(signature[64])
        if recovery_id is None:
            return None
        normal = signature[:64] + recovery_id
    elif len(signature) == 64:
        s = bytes((signature[32] & 0x7F,)) + signature[33:]
        normal = signature[:32] + s + (b"\1" if signature[32] & 0x80 else b"\0")
    else:
        return None
    key = _recover_key(digest, normal)
    return None if key is None else keccak(key)[12:]


def recover_signer(digest: bytes, signature: bytes) -> ChecksumAddress | None:
    """Return the address whose key signed a digest, with its checksum. None if it is not an ECDSA signature."""
    address = recover_address(digest, signature)
    return None if address is None else to_checksum_address(address)


def find_size_fault(signature: bytes) -> tuple[str, str] | None:
    """Return why a signature is too large, and the next step. None if it has at most `MAX_SIGNATURE` bytes."""
    if len(signature) <= MAX_SIGNATURE:
        return None
    return f"its signature has {len(signature):,} bytes, more than {MAX_SIGNATURE:,}", ASK_AGAIN


def is_signed_by(account: ChecksumAddress, digest: bytes, signature: bytes, ask_chain: AskChain | None = None) -> bool:
    """Return whether an account signed a digest, with its own key or as a contract wallet.

    Args:
        account: The account.
        digest: The 32 bytes that were signed.
        signature: The signature's bytes.
        ask_chain: A function that asks a contract at the account (ERC-1271). It is called only if the account's own key
            did not sign.

    Raises:
        SignatureNeedsChain: Only a contract wallet can check the signature, and ``ask_chain`` is not given.
    """
    if recover_address(digest, signature) == bytes.fromhex(account[2:]):
        return True
    if ask_chain is not None:
        return ask_chain(account, digest, signature)
    if len(signature) not in (64, 65):
        raise SignatureNeedsChain(account, len(signature))
    return False
