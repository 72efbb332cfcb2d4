"""Payments that signed transfers have made (EIP-3009): found by the events of the token, whoever sent the transaction.

A token says that a nonce is used after a cancellation too. So only its events prove that the money has moved.
"""

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Final

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.chain.events import find_newest_event
from nvm_chain.chain.receipts import SUCCEEDED, write_hash
from nvm_chain.errors.fields import Money, Number
from nvm_chain.operations.token_domains import SIGNING_ABI
from nvm_chain.types.events import EventFilter
from nvm_chain.types.hashes import keccak

USED: Final = keccak(b"AuthorizationUsed(address,bytes32)")
MOVED: Final = keccak(b"Transfer(address,address,uint256)")


@dataclass(frozen=True, slots=True)
class PaidTransfer:
    """A payment on the chain: its transaction, and the block that has it."""

    transaction: str
    block_number: Number
    block_hash: str


@dataclass(frozen=True, slots=True)
class WantedTransfer:
    """The payment that a signed transfer makes: the token, who pays whom, the amount in base units, and the nonce."""

    token: ChecksumAddress
    payer: ChecksumAddress
    nonce: bytes
    payee: ChecksumAddress
    value: Money


def find_authorized_transfer(chain: Chain, wanted: WantedTransfer) -> PaidTransfer | None:
    """Return the payment that a signed transfer has made. None if there is none.

    The payment counts whoever sent its transaction: the token said that the nonce is used, and directly after that it moved
    the whole amount to the payee. After a cancellation there is no such payment, although `is_authorization_used` is true.
    Three requests, and more if the node limits the range of blocks.

    Raises:
        NetworkError: The node does not search the whole chain.
    """
    contract = chain.bind(wanted.token, SIGNING_ABI)
    events = EventFilter(("AuthorizationUsed",), ((wanted.payer,), (int.from_bytes(wanted.nonce),)))
    found = find_newest_event(chain, partial(chain.read_logs, contract, events))
    return None if found is None else read_authorized_transfer(chain, found.transaction_hash, wanted)


def read_authorized_transfer(chain: Chain, transaction: str, wanted: WantedTransfer) -> PaidTransfer | None:
    """Return the payment that a transaction has made. None if it is not mined, has failed, or made another one.

    One request. Raises a NetworkError if the node does not give a usable answer.
    """
    receipt = chain.find_receipt(transaction)
    if receipt is None or receipt["status"] != SUCCEEDED or not has_transfer(receipt["logs"], wanted):
        return None
    return PaidTransfer(transaction, int(receipt["blockNumber"]), write_hash(receipt["blockHash"]))


def has_transfer(logs: list[Any], wanted: WantedTransfer) -> bool:
    """Return whether the logs of a receipt have a payment: the use of its nonce, and directly after it the whole transfer."""
    used = [USED, _pad(wanted.payer), wanted.nonce]
    moved = [MOVED, _pad(wanted.payer), _pad(wanted.payee)]
    return any(
        _is_of(first, wanted.token, used)
        and _is_of(second, wanted.token, moved)
        and bytes(second["data"]) == wanted.value.to_bytes(32, "big")
        for first, second in pairwise(logs)
    )


def _is_of(log: Any, token: ChecksumAddress, topics: list[bytes]) -> bool:
    return log["address"] == token and [bytes(topic) for topic in log["topics"]] == topics


def _pad(address: str) -> bytes:
    return bytes.fromhex(address[2:]).rjust(32, b"\0")
