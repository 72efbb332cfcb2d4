"""Safes for tests: the code of 1.4.1 and 1.5.0 behind a proxy, with owners, a fallback handler, and transactions."""

from collections.abc import Sequence
from typing import Any, Final

from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from web3.contract.contract import Contract

from nvm_chain.signing.eip712 import MessageSigner
from nvm_chain.signing.wallets.safe import ApprovedSafeSigner, SafeSigner
from nvm_chain.signing.wallets.safe_messages import build_safe_approval
from tests.support.world import ZERO, World
from tests.wallets.artifacts import deploy, read_safe
from tests.wallets.wallet import ELSEWHERE, OWNER, THIEF, Wallet, make_key, with_wrong_signers

VERSIONS: Final = ("1.4.1", "1.5.0")
CALL, DELEGATE_CALL = 0, 1


def owner_keys(count: int) -> list[LocalAccount]:
    """Return keys of so many owners."""
    return [make_key(f"owner {number}") for number in range(count)]


def deploy_safe(world: World, version: str, owners: Sequence[str], *, has_handler: bool = True) -> Contract:
    """Deploy a Safe that needs the signatures of all owners."""
    singleton = deploy(world, read_safe(version, "Safe"))
    handler = ZERO
    if has_handler:
        handler = deploy(world, read_safe(version, "handler/CompatibilityFallbackHandler")).address
    proxy = deploy(world, read_safe(version, "proxies/SafeProxy"), singleton.address)
    safe = world.chain.bind(proxy.address, read_safe(version, "Safe").abi)
    world.send(world.fee_owner, safe.functions.setup(list(owners), len(owners), ZERO, b"", handler, ZERO, 0, ZERO))
    return safe


def deploy_safe_of_one(world: World, version: str) -> Wallet:
    """Deploy a Safe of one owner."""
    safe, chain_id = deploy_safe(world, version, [OWNER.address]), world.chain.chain_id
    return with_wrong_signers(
        safe.address, chain_id, lambda address, key, chain: SafeSigner(address, [key], chain, version=version)
    )


def deploy_safe_of_many(world: World, version: str, count: int) -> Wallet:
    """Deploy a Safe of several owners, all of whom have to sign."""
    keys, chain_id = owner_keys(count), world.chain.chain_id
    address = deploy_safe(world, version, [key.address for key in keys]).address
    wrong: dict[str, MessageSigner] = {
        "owner": SafeSigner(address, [*keys[1:], THIEF], chain_id),
        "number of owners": SafeSigner(address, keys[1:], chain_id),
        "chain": SafeSigner(address, keys, chain_id + 1),
        "wallet": SafeSigner(ELSEWHERE, keys, chain_id),
    }
    return Wallet(address, SafeSigner(address, keys, chain_id), wrong)


def deploy_safe_of_safe(world: World, version: str, inner_version: str) -> Wallet:
    """Deploy a Safe whose two owners are a key and another Safe, which has one owner."""
    chain_id = world.chain.chain_id
    inner = deploy_safe(world, inner_version, [OWNER.address]).address
    key = make_key("the key beside a Safe")
    outer = deploy_safe(world, version, [inner, key.address]).address

    def build(address: ChecksumAddress, owner: LocalAccount, chain: int) -> SafeSigner:
        return SafeSigner(
            address, [SafeSigner(inner, [owner], chain, version=inner_version), key], chain, version=version
        )

    return with_wrong_signers(outer, chain_id, build)


def deploy_safe_with_approvals(world: World, version: str) -> Wallet:
    """Deploy a Safe of one owner that approves messages on chain. `approve_by_safe` approves one."""
    address = deploy_safe(world, version, [OWNER.address]).address
    return Wallet(address, ApprovedSafeSigner(address), {"owner": SafeSigner(address, [THIEF], world.chain.chain_id)})


def approve_by_safe(world: World, version: str, address: ChecksumAddress, digest: bytes) -> None:
    """Let a Safe of one owner approve a digest, by a delegate call to SignMessageLib."""
    library = deploy(world, read_safe(version, "libraries/SignMessageLib"))
    approval = build_safe_approval(digest, address=address, chain_id=world.chain.chain_id)
    safe = world.chain.bind(address, read_safe(version, "Safe").abi)
    send_by_safe(world, safe, library.address, approval.sign_message, DELEGATE_CALL)
    assert world.read(safe.functions.signedMessages(approval.message_hash)) == 1


def approve_by_owner(world: World, address: ChecksumAddress, owner: LocalAccount, digest: bytes) -> None:
    """Let an owner of a Safe approve a digest on chain."""
    approval = build_safe_approval(digest, address=address, chain_id=world.chain.chain_id)
    world.chain.send_data(owner, "0x" + approval.approve_hash.hex(), to=address)


def send_by_safe(world: World, safe: Contract, to: str, data: bytes, operation: int = CALL) -> None:
    """Send a transaction of a Safe of one owner, which signs it."""
    call: tuple[Any, ...] = (to, 0, data, operation, 0, 0, 0, ZERO, ZERO)
    digest = world.read(safe.functions.getTransactionHash(*call, world.read(safe.functions.nonce())))
    signature = OWNER.unsafe_sign_hash(digest).signature
    world.send(world.relayer, safe.functions.execTransaction(*call, signature))
