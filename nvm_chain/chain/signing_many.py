"""Signatures of many transactions.

For a LocalAccount of eth-account, this module encodes and signs the transactions itself, because that is faster.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, NamedTuple, TypeAlias, cast

from eth_account.signers.local import LocalAccount
from eth_keys.datatypes import PrivateKey
from hexbytes import HexBytes
from web3.types import TxParams

from nvm_chain.errors import NotSent
from nvm_chain.signing.keys import Signer
from nvm_chain.types.hashes import keccak

try:
    from coincurve import PrivateKey as FastKey
except ImportError:  # without coincurve, eth-keys signs in plain Python
    FastKey = None  # type: ignore[assignment,misc]

HashSigning: TypeAlias = Callable[[bytes], bytes]

DYNAMIC_FEE: Final = b"\x02"
"""The first byte of an encoded transaction with a tip: its type (EIP-1559, EIP-2718)."""
FIELDS: Final = frozenset({"chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas", "to", "value", "data"})
PRICES: Final = ("gasPrice", "maxFeePerGas", "maxPriorityFeePerGas")


class Signed(NamedTuple):
    """A signed transaction. ``raw`` is the encoded form for the broadcast."""

    nonce: int
    hash: str
    raw: bytes


def sign_many(signer: Signer, transactions: Sequence[TxParams]) -> list[Signed]:
    """Sign complete transactions, and return them in order. No request.

    For a LocalAccount, both the account and this module sign the first transaction. If the bytes are equal, this module
    signs the others, because it is faster. Otherwise the account signs them.
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
    """Sign transactions so that their hashes are new, and return each transaction with its signed form.

    Two equal calls with the same nonce and prices would be one transaction. So the prices of a transaction with a known
    hash are raised by one wei until its hash is new.

    Raises:
        NotSent: The signer still signs the same bytes, because it sets the prices itself.
    """
    listed = list(transactions)
    signed = sign_many(signer, listed)
    for place in range(len(signed)):
        tried: set[str] = set()
        while signed[place].hash in known:
            if signed[place].hash in tried:
                raise NotSent("the signer signed the same bytes as before, although the price was raised")
            tried.add(signed[place].hash)
            told = cast(dict[str, Any], listed[place])
            raised = {name: told[name] + 1 for name in PRICES if name in told}
            listed[place] = cast(TxParams, {**told, **raised})
            signed[place] = _sign(signer, listed[place])
    return list(zip(listed, signed, strict=True))


def _sign(signer: Signer, transaction: TxParams) -> Signed:
    raw = bytes(signer.sign_transaction(cast(dict[str, Any], transaction)).raw_transaction)
    return Signed(transaction["nonce"], f"0x{keccak(raw).hex()}", raw)


def _sign_fast(sign_hash: HashSigning, transaction: TxParams) -> Signed | None:
    """Sign a transaction of type 2 (EIP-1559). Return None for other types."""
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
    """Return a function that signs a hash with a key. The last of the signature's 65 bytes is the parity."""
    if FastKey is not None:
        fast = FastKey(key)
        return lambda digest: bytes(fast.sign_recoverable(digest, hasher=None))
    slow = PrivateKey(key)
    return lambda digest: slow.sign_msg_hash(digest).to_bytes()


def _to_bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)


def _encode(text: bytes) -> bytes:
    """Return the RLP encoding of a byte string."""
    return text if len(text) == 1 and text[0] < 0x80 else _head(len(text), 0x80) + text


def _head(length: int, kind: int) -> bytes:
    """Return the RLP header of a payload of ``length`` bytes.

    ``kind`` is 0x80 for a byte string and 0xC0 for a list.
    """
    if length < 56:
        return bytes((kind + length,))
    size = _to_bytes(length)
    return bytes((kind + 55 + len(size),)) + size
