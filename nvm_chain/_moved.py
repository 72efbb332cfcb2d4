"""A helpful error for imports of a module by the path that it had before the rooms."""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

MOVED = {
    "abis": "chain.abi_entries",
    "addresses": "types.addresses",
    "agent_types": "types.agents",
    "agents": "operations.agents",
    "artifacts": "chain.artifacts",
    "assets": "operations.publishing",
    "authorizations": "signing.signed_orders",
    "connecting": "chain.connecting",
    "contexts": "types.contexts",
    "contract_errors": "errors",
    "credits": "operations.credits",
    "ddo": "payments.ddo",
    "deploying": "operations.deployment",
    "deployments": "chain.records",
    "dev_accounts": "chain.dev_accounts",
    "downloads": "storage.downloads",
    "eip712": "signing.eip712",
    "embedded": "chain.embedded",
    "endpoints": "metadata.endpoints",
    "event_types": "types.events",
    "events": "chain.events",
    "file_entries": "metadata.file_entries",
    "file_names": "storage.file_names",
    "file_sources": "storage.file_sources",
    "folder_store": "storage.folder_store",
    "http_client": "storage.http",
    "ids": "types.ids",
    "ipfs_store": "storage.ipfs_store",
    "keys": "signing.keys",
    "leaks": "metadata.secret_scan",
    "networks": "chain.networks",
    "orders": "operations.orders",
    "path_patterns": "metadata.path_patterns",
    "paying": "operations.payment_methods",
    "payments.creating": "payments.asset_creation",
    "payments.desk": "payments.session",
    "payments.downloading": "payments.file_downloads",
    "payments.face": "payments.first_generation",
    "payments.shapes": "payments.parameters",
    "permits": "signing.permits",
    "plans": "operations.plans",
    "pricing": "types",
    "receipts": "operations.receipts",
    "relaying": "operations.signed_orders",
    "reverts": "chain.reverts",
    "settling": "operations.settlement",
    "signatures": "signing.signatures",
    "token_domains": "operations.token_domains",
    "tokens": "operations.tokens",
    "units": "types.amounts",
    "usage": "operations.usage",
    "vouchers": "signing.vouchers",
    "wallets": "operations.wallets",
    "whole_files": "storage.atomic_files",
    "wire": "signing.json_messages",
}
"""Modules of nvm_chain by the path that they had, with the one that they have."""


class MovedModules:
    """The last that Python asks for a module. It knows where those of before have gone."""

    @classmethod
    def install(cls) -> None:
        """Have Python ask, once."""
        if not any(isinstance(finder, cls) for finder in sys.meta_path):
            sys.meta_path.append(cls())

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find nothing, and raise ModuleNotFoundError with the new path for a module that has moved."""
        package, _, name = fullname.partition(".")
        if package != "nvm_chain" or name not in MOVED:
            return None
        raise ModuleNotFoundError(
            f"{fullname} is now nvm_chain.{MOVED[name]}. Its public names have not moved: "
            "`import nvm_chain as nvm`, then `nvm.NAME`.",
            name=fullname,
        )
