"""Signing many transactions: by the signer itself, or where it is an account of eth-account encoded here, which is faster."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, NamedTuple, TypeAlias, cast

from eth_account.signers.local import LocalAccount
from eth_keys.datatypes import PrivateKey
from hexbytes import HexBytes
from web3.types import TxParams

from nvm_chain.signing.keys import Signer
from nvm_chain.types.hashes import keccak

try:
    from coincurve import PrivateKey as FastKey
except ImportError:  # eth-keys signs without it, in plain Python
    FastKey = None  # type: ignore[assignment,misc]

HashSigning: TypeAlias = Callable[[bytes], bytes]

DYNAMIC_FEE: Final = b"\x02"
"""The type of a transaction with a tip (EIP-1559), before its fields (EIP-2718)."""
FIELDS: Final = frozenset({"chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas", "to", "value", "data"})
PRICES: Final = ("gasPrice", "maxFeePerGas", "maxPriorityFeePerGas")


class Signed(NamedTuple):
    """A transaction that is ready to be sent."""

    nonce: int
    hash: str
    raw: bytes


def sign_many(signer: Signer, transactions: Sequence[TxParams]) -> list[Signed]:
    """Sign complete transactions, in their order. No request.

    The first one is signed in both ways. The fast way is taken for the others if both are the same in every byte.
    """
    if not transactions:
        return []
    first = _sign(signer, transactions[0])
    if len(transactions) > 1 and type(signer) is LocalAccount:
        sign_hash = _build_hash_signer(bytes(signer.key))
        if _sign_fast(sign_hash, transactions[0]) == first:
            return [first, *(_sign_fast(sign_hash, each) or _sign(signer, each) for each in transactions[1:])]
    return [first, *(_sign(signer, each) for each in transactions[1:])]


def sign_new(signer: Signer, transactions: Sequence[TxParams], known: Collection[str]) -> list[tuple[TxParams, Signed]]:
    """Sign transactions so that none has a hash that is known, and return them as they were signed.

    The same call with the same nonce and prices is the same transaction: two callers would be told of one. So the prices
    of one that was signed before are raised, by a wei each time.
    """
    listed = list(transactions)
    signed = sign_many(signer, listed)
    for place in range(len(signed)):
        while signed[place].hash in known:
            told = cast(dict[str, Any], listed[place])
            raised = {name: told[name] + 1 for name in PRICES if name in told}
            listed[place] = cast(TxParams, {**told, **raised})
            signed[place] = _sign(signer, listed[place])
    return list(zip(listed, signed, strict=True))


def _sign(signer: Signer, transaction: TxParams) -> Signed:
    signed = signer.sign_transaction(cast(dict[str, Any], transaction))
    return Signed(transaction["nonce"], f"0x{bytes(signed.hash).hex()}", bytes(signed.raw_transaction))


def _sign_fast(sign_hash: HashSigning, transaction: TxParams) -> Signed | None:
    """Sign a transaction of type 2; None for another one."""
    if not {"maxFeePerGas", "maxPriorityFeePerGas"} <= transaction.keys() <= FIELDS | {"from"}:
        return None
    told = cast(dict[str, Any], transaction)
    fields = b"".join(
        (
            *(_encode(_to_bytes(told[name])) for name in ("chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas")),
            _encode(_to_bytes(told["gas"])),
            _encode(bytes.fromhex(told["to"][2:]) if told.get("to") else b""),
            _encode(_to_bytes(told.get("value", 0))),
            _encode(bytes(HexBytes(told.get("data", b"")))),
            _head(0, 0xC0),  # no access list
        )
    )
    signature = sign_hash(keccak(DYNAMIC_FEE + _head(len(fields), 0xC0) + fields))
    parts = (signature[64:], signature[:32], signature[32:64])
    signed = fields + b"".join(_encode(part.lstrip(bytes(1))) for part in parts)
    raw = DYNAMIC_FEE + _head(len(signed), 0xC0) + signed
    return Signed(told["nonce"], f"0x{keccak(raw).hex()}", raw)


def _build_hash_signer(key: bytes) -> HashSigning:
    """Return what signs hashes with a key: 65 bytes, the parity last."""
    if FastKey is not None:
        fast = FastKey(key)
        return lambda digest: bytes(fast.sign_recoverable(digest, hasher=None))
    slow = PrivateKey(key)
    return lambda digest: slow.sign_msg_hash(digest).to_bytes()


def _to_bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)


def _encode(text: bytes) -> bytes:
    """Return a text in RLP."""
    return text if len(text) == 1 and text[0] < 0x80 else _head(len(text), 0x80) + text


def _head(length: int, kind: int) -> bytes:
    """Return what stands before so many bytes in RLP; ``kind`` is 0x80 for a text and 0xC0 for a list."""
    if length < 56:
        return bytes((kind + length,))
    size = _to_bytes(length)
    return bytes((kind + 55 + len(size),)) + size
