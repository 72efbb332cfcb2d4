"""Wallets other than Safes for tests: real accounts of npm packages, and doubles made from documented behaviour."""

import re
from typing import Any

from eth_abi.abi import encode
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from web3.contract.contract import Contract

from nvm_chain.signing.eip712 import Domain, MessageSigner
from nvm_chain.signing.wallets.coinbase import CoinbaseWalletSigner
from nvm_chain.signing.wallets.kernel import KernelSigner
from nvm_chain.signing.wallets.nested import NestedSigner, PersonalSigner
from nvm_chain.signing.wallets.plain import PlainSigner
from tests.support.delegated import delegate
from tests.support.world import World
from tests.wallets.artifacts import (
    Artifact,
    deploy,
    deploy_behind_proxy,
    read_double,
    read_infinitism,
    read_metamask,
)
from tests.wallets.p256 import Passkey
from tests.wallets.wallet import ELSEWHERE, OWNER, THIEF, Wallet, make_key, with_wrong_signers

PASSKEY, HIGH_PASSKEY, THIEFS_PASSKEY = Passkey(2**200 + 7), Passkey(2**200 + 7, prefers_high_s=True), Passkey(2**199)
KEY_INDEX, PASSKEY_INDEX = 0, 1
DEFAULT_VALIDATOR = bytes(20)
NEXUS, SOLADY, OPENZEPPELIN = ("Nexus", "1.2.1"), ("SoladyAccount", "1"), ("OpenZeppelinAccount", "7")


# ---------------------------------------------------------------------- Coinbase Smart Wallet (a double)


def deploy_coinbase(world: World) -> Wallet:
    """Deploy a double of Coinbase Smart Wallet, and sign by the key of its first owner."""
    return with_wrong_signers(_deploy_coinbase(world), world.chain.chain_id, CoinbaseWalletSigner)


def deploy_coinbase_with_passkey(world: World) -> Wallet:
    """Deploy a double of Coinbase Smart Wallet, and sign by the passkey of its second owner."""
    address, chain_id = _deploy_coinbase(world), world.chain.chain_id
    wrong: dict[str, MessageSigner] = {
        "owner": CoinbaseWalletSigner(address, THIEFS_PASSKEY, chain_id, PASSKEY_INDEX),
        "chain": CoinbaseWalletSigner(address, PASSKEY, chain_id + 1, PASSKEY_INDEX),
        "wallet": CoinbaseWalletSigner(ELSEWHERE, PASSKEY, chain_id, PASSKEY_INDEX),
        "index": CoinbaseWalletSigner(address, PASSKEY, chain_id, KEY_INDEX),
    }
    return Wallet(address, CoinbaseWalletSigner(address, PASSKEY, chain_id, PASSKEY_INDEX), wrong)


def _deploy_coinbase(world: World) -> ChecksumAddress:
    owners = [encode(["address"], [OWNER.address]), PASSKEY.public_key]
    return deploy(world, read_double("CoinbaseSmartWalletDouble"), owners).address


# ---------------------------------------------------------------------- Kernel (a double)


def deploy_kernel(world: World) -> Wallet:
    """Deploy a double of Kernel 3.1, and sign for its root validator."""
    kernel, _, _ = _deploy_kernel(world, OWNER, make_key("owner of the other validator"))
    return with_wrong_signers(kernel, world.chain.chain_id, KernelSigner)


def deploy_kernel_with_validator(world: World) -> Wallet:
    """Deploy a double of Kernel 3.1, and sign for a validator beside its root validator."""
    kernel, root, validator = _deploy_kernel(world, make_key("owner of the root validator"), OWNER)

    def build(address: ChecksumAddress, owner: LocalAccount, chain_id: int) -> KernelSigner:
        return KernelSigner(address, owner, chain_id, validator=validator)

    wallet = with_wrong_signers(kernel, world.chain.chain_id, build)
    wallet.wrong["validator"] = KernelSigner(kernel, OWNER, world.chain.chain_id, validator=root)
    return wallet


def _deploy_kernel(world: World, *owners: LocalAccount) -> tuple[ChecksumAddress, ChecksumAddress, ChecksumAddress]:
    """Deploy an account, its root validator and another validator, each with an owner. Returns their addresses."""
    root, other = (deploy(world, read_double("KernelEcdsaValidatorDouble")).address for _ in owners)
    first, second = (owner.address for owner in owners)
    return deploy(world, read_double("KernelDouble"), root, first, other, second).address, root, other


# ---------------------------------------------------------------------- ERC-7739


def deploy_solady(world: World, kind: type[NestedSigner] = NestedSigner) -> Wallet:
    """Deploy an account built on Solady's ERC1271."""
    implementation = deploy(world, read_double("SoladyAccount"))
    account = deploy_behind_proxy(world, read_double("SoladyAccount"), implementation.address, OWNER.address)
    return _nested(world, account.address, SOLADY, kind)


def deploy_openzeppelin(world: World, kind: type[NestedSigner] = NestedSigner) -> Wallet:
    """Deploy an account built on OpenZeppelin's ERC7739."""
    account = deploy(world, read_double("OpenZeppelinAccount"), OWNER.address)
    return _nested(world, account.address, OPENZEPPELIN, kind)


def deploy_nexus(
    world: World, kind: type[NestedSigner] = NestedSigner, *, safe_senders: tuple[str, ...] = ()
) -> Wallet:
    """Deploy a double of Nexus 1.2.1. Safe senders may ask it about plain signatures of its owner."""
    account = deploy(world, read_double("NexusDouble"), OWNER.address, list(safe_senders))
    return _nested(world, account.address, NEXUS, kind, DEFAULT_VALIDATOR)


def _nested(
    world: World, account: ChecksumAddress, texts: tuple[str, str], kind: type[NestedSigner], prefix: bytes = b""
) -> Wallet:
    def build(address: ChecksumAddress, owner: LocalAccount, chain_id: int) -> NestedSigner:
        return kind(Domain(*texts, chain_id, address), owner, prefix=prefix)

    chain_id = world.chain.chain_id
    wallet = with_wrong_signers(account, chain_id, build)
    wallet.wrong["name"] = kind(Domain("Another", texts[1], chain_id, account), OWNER, prefix=prefix)
    return wallet


def deploy_personal_solady(world: World) -> Wallet:
    """Deploy an account built on Solady's ERC1271, and sign in the personal form."""
    return deploy_solady(world, PersonalSigner)


def deploy_personal_openzeppelin(world: World) -> Wallet:
    """Deploy an account built on OpenZeppelin's ERC7739, and sign in the personal form."""
    return deploy_openzeppelin(world, PersonalSigner)


def deploy_personal_nexus(world: World) -> Wallet:
    """Deploy a double of Nexus, and sign in the personal form."""
    return deploy_nexus(world, PersonalSigner)


# ---------------------------------------------------------------------- accounts with plain signatures or none


def deploy_hybrid(world: World) -> Wallet:
    """Deploy MetaMask's HybridDeleGator, which takes the plain signature of its owner."""
    abi, code = read_metamask("HybridDeleGator")
    library = deploy(world, read_metamask("SCL_RIP7212")).address
    artifact = Artifact(abi, re.sub(r"__\$[0-9a-f]+\$__", library[2:], code))
    return _plain(world, artifact, [OWNER], OWNER.address, [], [], [])


def deploy_multisig(world: World) -> Wallet:
    """Deploy MetaMask's MultiSigDeleGator of two owners, both of whom have to sign."""
    owners = [OWNER, make_key("the other owner")]
    return _plain(world, read_metamask("MultiSigDeleGator"), owners, [owner.address for owner in owners], len(owners))


def _plain(world: World, artifact: Artifact, owners: list[LocalAccount], *initial: Any) -> Wallet:
    """Deploy a delegator behind a proxy. Its signatures depend neither on the chain nor on the wallet."""
    implementation = deploy(world, artifact, ELSEWHERE, ELSEWHERE)
    address = deploy_behind_proxy(world, artifact, implementation.address, *initial).address
    return Wallet(address, PlainSigner(address, owners), {"owner": PlainSigner(address, [THIEF, *owners[1:]])})


def deploy_simple_account(world: World) -> Contract:
    """Deploy SimpleAccount 0.8 of the owner. It has no signatures of its own: its owner calls ``execute``."""
    artifact = read_infinitism("SimpleAccount")
    implementation = deploy(world, artifact, ELSEWHERE)
    return deploy_behind_proxy(world, artifact, implementation.address, OWNER.address)


def delegate_to_metamask(world: World) -> Wallet:
    """Delegate a key account to MetaMask's EIP7702StatelessDeleGator, which takes the key's plain signature."""
    return _delegate(world, read_metamask("EIP7702StatelessDeleGator"), ELSEWHERE, ELSEWHERE)


def delegate_to_simple_account(world: World) -> Wallet:
    """Delegate a key account to Simple7702Account 0.8, which takes the key's plain signature."""
    return _delegate(world, read_infinitism("Simple7702Account"))


def _delegate(world: World, artifact: Artifact, *arguments: Any) -> Wallet:
    delegate(world, OWNER, deploy(world, artifact, *arguments).address)
    return Wallet(OWNER.address, OWNER, {"owner": PlainSigner(OWNER.address, [THIEF])})
