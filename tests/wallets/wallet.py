"""A deployed wallet of the tests, with its signer and signers that its wallet must refuse."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from eth_utils.crypto import keccak

from nvm_chain.signing.eip712 import MessageSigner

BuildSigner: TypeAlias = Callable[[ChecksumAddress, LocalAccount, int], MessageSigner]
"""Makes a signer from a wallet's address, a key of an owner and a chain id."""


def make_key(name: str) -> LocalAccount:
    """Return the key account of a name."""
    account: LocalAccount = Account.from_key(keccak(text=f"a key of the wallets' tests: {name}"))
    return account


OWNER = make_key("owner")
THIEF = make_key("thief")
ELSEWHERE: ChecksumAddress = make_key("elsewhere").address


@dataclass(frozen=True)
class Wallet:
    """A wallet on a chain. ``wrong`` has signers of another owner, another chain and another wallet."""

    address: ChecksumAddress
    signer: MessageSigner
    wrong: dict[str, MessageSigner] = field(default_factory=dict)


def with_wrong_signers(address: ChecksumAddress, chain_id: int, build: BuildSigner) -> Wallet:
    """Return a wallet with its signer, and signers of the same kind that differ from it in one thing."""
    wrong = {
        "owner": build(address, THIEF, chain_id),
        "chain": build(address, OWNER, chain_id + 1),
        "wallet": build(ELSEWHERE, OWNER, chain_id),
    }
    return Wallet(address, build(address, OWNER, chain_id), wrong)
