"""Import errors with advice: the new path of a moved module, and the new name of a renamed public name."""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

from nvm_chain._public_names import HOMES

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
    "payments.ceilings": "client.ceilings",
    "payments.creating": "payments.asset_creation",
    "payments.desk": "payments.session",
    "payments.downloading": "payments.file_downloads",
    "payments.face": "payments.first_generation",
    "payments.file_lock": "client.file_lock",
    "payments.shapes": "payments.parameters",
    "permits": "signing.permits",
    "plans": "operations.plans",
    "pricing": "types",
    "receipts": "operations.receipts",
    "relaying": "operations.signed_orders",
    "reverts": "chain.reverts",
    "settling": "operations.settlement",
    "signatures": "signing.signatures",
    "statements.ledgers": "types.ledgers",
    "token_domains": "operations.token_domains",
    "tokens": "operations.tokens",
    "units": "types.amounts",
    "usage": "operations.usage",
    "vouchers": "signing.vouchers",
    "wallets": "operations.wallets",
    "whole_files": "types.atomic_files",
    "wire": "signing.json_messages",
}
"""The new path of each moved module, by its former path. Both are relative to nvm_chain."""
RENAMED = {
    "nvm_chain": {
        "Kind": "PlanKind",
        "Outcome": "types.SettlementOutcome",
        "PayWay": "operations.payment_methods.choice.PaymentMethod",
        "Result": "SettlementResult",
        "Rule": "RedemptionRule",
        "VoucherResult": "SettlementResult",
        "approve_credits": "tokens.approve_token_spending",
        "get_outside_price_config": "get_external_price_config",
        "grant_settled": "grant_external",
        "statement_types": "statements",
    },
    "nvm_chain.errors": {
        "SettledOutside": "PaidExternally",
        "VoucherUsedUp": "VoucherAlreadySettled",
        "VouchersNotAccepted": "SettlementsNotAccepted",
    },
    "nvm_chain.payments.access": {"Way": "PaidFrom"},
    "nvm_chain.types": {
        "Kind": "PlanKind",
        "Rule": "RedemptionRule",
        "VoucherOutcome": "SettlementOutcome",
        "VoucherResult": "SettlementResult",
    },
}
"""The new name of each renamed name, by its module and its former name."""
LEFT = {
    "chain": {
        "chain.client": {"Chain", "open_rpc"},
        "chain.fees": {"MOST_GAS"},
        "chain.intrinsic_gas": {"LEAST_GAS"},
        "chain.node": {"logger"},
        "chain.receipts": {"report_lost_event", "summarize"},
        "chain.rpc": {"NodeProvider", "REQUEST_TIMEOUT_SECONDS", "build_web3"},
        "chain.sending": {"FIRST_PAUSE_SECONDS", "GAS_MARGIN_PERCENT", "LONGEST_PAUSE_SECONDS"},
        "chain.urls": {"redact_url"},
    },
    "payments.access": {
        "payments.tokens": {"build_service_token", "sign_request", "take_back"},
        "signing.service_tokens": {"format_service_token", "read_service_token"},
    },
    "payments.tokens": {"signing.service_tokens": {"read_service_token"}},
    "payments.plans_api": {"payments.plan_registration": {"logger"}},
    "storage": {
        "storage.stores": {
            "InlineStore",
            "MetadataStore",
            "check_size",
            "decode_document",
            "encode_document",
            "hash_document",
            "load_metadata",
            "verify_document",
        },
    },
    "types": {"payments.redemption_types": {"PlanRedemptionType", "REDEMPTION_TYPES"}},
}
"""Names that moved out of a module that still exists. By that module: each new module, and the names it has now."""
GONE = {
    "nvm_chain.chain": {"GAS_OF_BYTE": "use `add_intrinsic_gas` of nvm_chain.chain.intrinsic_gas"},
    "nvm_chain.statements.books": {"is_before": "compare the points: `entry.point <= point`"},
}
"""Removed names without a successor. By module: each name, and advice what to do instead."""
HAVE_LOST = {*RENAMED, *GONE, *(f"nvm_chain.{module}" for module in LEFT)}
"""Modules that used to have more names."""


def explain_name(package: str, name: str) -> str:
    """Return a sentence that tells the new place of a former name. Empty for a name that never existed."""
    if name in RENAMED.get(package, {}):
        return f"{package}.{name} is now called {package}.{RENAMED[package][name]}."
    path = f"{package}.{name}".partition(".")[2]
    if name in GONE.get(package, {}):
        return f"{package}.{name} is gone: {GONE[package][name]}."
    home = next((home for home, names in LEFT.get(package.partition(".")[2], {}).items() if name in names), None)
    if home is not None:
        short = f" It is public: `nvm.{name}` after `import nvm_chain as nvm`." if name in HOMES else ""
        return f"{package}.{name} is now nvm_chain.{home}.{name}.{short}"
    if path not in MOVED:
        return ""
    return (
        f"{package}.{name} is now nvm_chain.{MOVED[path]}. Its public names have not moved: "
        "`import nvm_chain as nvm`, then `nvm.NAME`."
    )


class MovedModules:
    """The last finder that Python asks for a module or a name. It knows the new places of moved modules and names."""

    @classmethod
    def install(cls) -> None:
        """Add both finders to Python's finders, unless they are there already."""
        if not any(isinstance(finder, cls) for finder in sys.meta_path):
            sys.meta_path.insert(0, ModulesWithLosses())
            sys.meta_path.append(cls())

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Raise ModuleNotFoundError with advice if a module or name has moved. Return None for any other.

        The error does not have a ``name``. If it had one, `from … import` would catch it, and raise an error without
        the advice. `importlib.util.find_spec` only asks whether a module exists, so it gets None.
        """
        if sys._getframe(2).f_globals["__name__"] == "importlib.util":  # noqa: SLF001  nothing else tells who asks
            return None
        package, _, name = fullname.rpartition(".")
        told = explain_name(package, name) if package.partition(".")[0] == "nvm_chain" else ""
        if told:
            raise ModuleNotFoundError(told)
        return None


class ModulesWithLosses:
    """The first finder that Python asks. It gives an empty ``__path__`` to each module that used to have more names.

    Python asks its finders for a missing name only in a module with a ``__path__``. So `MovedModules` gets the chance
    to explain the name.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return Python's own module spec, with an empty ``__path__`` if the spec lacks one.

        Return None for a module from which no name was moved or removed.
        """
        found = PathFinder.find_spec(fullname, path, target) if fullname in HAVE_LOST else None
        if found is not None and found.submodule_search_locations is None:
            found.submodule_search_locations = []
        return found
