"""Adapters of Ape: its network as a Chain, and its accounts as a Signer."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ParamSpec, TypeVar

import ape
import click
from ape.api import AccountAPI
from ape.exceptions import SignatureError
from eth_account.datastructures import SignedTransaction
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from nvm_chain.chain.client import Chain
from nvm_chain.chain.networks import NETWORKS
from nvm_chain.demo import is_development_chain
from nvm_chain.errors import KeyFailure, NvmChainError, WrongChain

UNLOCK = "unlock the account with its passphrase, or give another with --account"
P = ParamSpec("P")
T = TypeVar("T")


def open_ape_chain(expected_chain_id: int | None = None) -> Chain:
    """Return the chain of Ape's connection. Raises WrongChain if the chain has an unexpected chain id."""
    network = ape.networks.provider.network
    name = f"{network.ecosystem.name}:{network.name}"
    chain = Chain(ape.networks.provider.web3, f"{name}:{ape.networks.provider.name}")
    known = NETWORKS.get(name)
    expected = expected_chain_id or (known.chain_id if known else None)
    if expected is not None and chain.chain_id != expected:
        raise WrongChain(expected, chain.chain_id)
    return chain


def is_development(chain: Chain) -> bool:
    """Return whether a chain is a development chain, by Ape's name for it or by its funded development accounts.

    For a node given by URL, Ape does not know the kind of the chain. A known public network is never a development
    chain.
    """
    if ape.networks.provider.network.is_dev:
        return True
    is_known = any(network.chain_id == chain.chain_id for network in NETWORKS.values())
    return not is_known and is_development_chain(chain)


def ends_with_command() -> bool:
    """Return whether Ape started the chain for this command only. Such a chain ends with the command."""
    provider = ape.networks.provider
    return bool(provider.network.is_dev) and (provider.name == "test" or getattr(provider, "process", None) is not None)


@contextmanager
def open_records(given: Path | None) -> Iterator[Path | None]:
    """Yield the folder of deployment records. A chain that ends with the command gets a temporary folder."""
    if given is None and ends_with_command():
        with TemporaryDirectory() as folder:
            yield Path(folder)
    else:
        yield given


def clear_errors(function: Callable[P, T]) -> Callable[P, T]:
    """End the script with one line and exit code 1 after an expected error, without a traceback."""

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except NvmChainError as error:
            click.echo(f"Error ({type(error).__name__}): {error}", err=True)
            sys.exit(1)

    return wrapped


class ApeSigner:
    """Signer with one of Ape's accounts. The account may ask for its passphrase."""

    def __init__(self, account: AccountAPI) -> None:
        """Store an account of Ape."""
        self._account = account

    @property
    def address(self) -> ChecksumAddress:
        """Address of the account."""
        return to_checksum_address(self._account.address)

    def sign_transaction(self, transaction_dict: Mapping[str, Any], /) -> SignedTransaction:
        """Sign a complete transaction. Raises KeyFailure if the account refuses to sign."""
        transaction = ape.networks.ethereum.create_transaction(**transaction_dict)
        try:
            signed = self._account.sign_transaction(transaction)
        except SignatureError as error:
            raise KeyFailure(f"Ape account {self._account.alias or self.address}", str(error), UNLOCK) from None
        if signed is None or signed.signature is None:
            raise KeyFailure(f"Ape account {self._account.alias or self.address}", "it did not sign", UNLOCK)
        raw = HexBytes(signed.serialize_transaction())
        r, s, v = (int.from_bytes(signed.signature.r), int.from_bytes(signed.signature.s), signed.signature.v)
        return SignedTransaction(raw_transaction=raw, hash=HexBytes(keccak(raw)), r=r, s=s, v=v)
