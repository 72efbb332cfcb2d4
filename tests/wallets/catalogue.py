"""Every wallet of the tests that signs, by name."""

from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

from tests.support.world import World
from tests.wallets.accounts import (
    delegate_to_metamask,
    delegate_to_simple_account,
    deploy_coinbase,
    deploy_hybrid,
    deploy_kernel,
    deploy_kernel_with_validator,
    deploy_multisig,
    deploy_nexus,
    deploy_openzeppelin,
    deploy_personal_nexus,
    deploy_personal_openzeppelin,
    deploy_personal_solady,
    deploy_solady,
)
from tests.wallets.safes import VERSIONS, deploy_safe_of_many, deploy_safe_of_one, deploy_safe_of_safe
from tests.wallets.wallet import Wallet

Deploy: TypeAlias = Callable[[World], Wallet]

SAFES: Final[dict[str, Deploy]] = {
    **{f"Safe {version}, 1 owner": partial(deploy_safe_of_one, version=version) for version in VERSIONS},
    **{
        f"Safe {version}, {count} owners": partial(deploy_safe_of_many, version=version, count=count)
        for version in VERSIONS
        for count in (3, 25)
    },
    "Safe 1.4.1 of a Safe 1.4.1": partial(deploy_safe_of_safe, version="1.4.1", inner_version="1.4.1"),
    "Safe 1.5.0 of a Safe 1.4.1": partial(deploy_safe_of_safe, version="1.5.0", inner_version="1.4.1"),
    "Safe 1.5.0 of a Safe 1.5.0": partial(deploy_safe_of_safe, version="1.5.0", inner_version="1.5.0"),
}

ACCOUNTS: Final[dict[str, Deploy]] = {
    "Coinbase Smart Wallet (double), key": deploy_coinbase,
    "Kernel 3.1 (double), root": deploy_kernel,
    "Kernel 3.1 (double), validator": deploy_kernel_with_validator,
    "Nexus 1.2.1 (double), nested": deploy_nexus,
    "Nexus 1.2.1 (double), personal": deploy_personal_nexus,
    "Solady, nested": deploy_solady,
    "Solady, personal": deploy_personal_solady,
    "OpenZeppelin, nested": deploy_openzeppelin,
    "OpenZeppelin, personal": deploy_personal_openzeppelin,
    "HybridDeleGator": deploy_hybrid,
    "MultiSigDeleGator, 2 owners": deploy_multisig,
}

DELEGATED: Final[dict[str, Deploy]] = {
    "EIP7702StatelessDeleGator": delegate_to_metamask,
    "Simple7702Account": delegate_to_simple_account,
}

WALLETS: Final[dict[str, Deploy]] = {**SAFES, **ACCOUNTS, **DELEGATED}
"""All of them. The passkey's wallet is not here, because it needs a chain with the precompile for passkeys."""
