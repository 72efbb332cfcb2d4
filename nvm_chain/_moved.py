"""A helpful error for imports of modules by the path, and of public names by the name, that they had before."""

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
    "whole_files": "types.atomic_files",
    "wire": "signing.json_messages",
}
"""Modules of nvm_chain by the path that they had, with the one that they have."""
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
"""Names by the module that had them and what they were called, with what they are called."""
LEFT = {
    "chain": {
        "chain.client": {"Chain", "open_rpc"},
        "chain.fees": {"MOST_GAS"},
        "chain.node": {"GAS_OF_BYTE", "LEAST_GAS", "logger"},
        "chain.receipts": {"report_lost_event", "summarize"},
        "chain.rpc": {"NodeProvider", "REQUEST_TIMEOUT_SECONDS", "build_web3"},
        "chain.sending": {"FIRST_PAUSE_SECONDS", "GAS_MARGIN_PERCENT", "LONGEST_PAUSE_SECONDS"},
        "chain.urls": {"redact_url"},
    },
    "payments.access": {
        "payments.tokens": {
            "build_service_token",
            "format_service_token",
            "read_service_token",
            "sign_request",
            "take_back",
        },
    },
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
"""Names that have left a module which is still there, or is a room now: by it, the modules that have them, and which they are."""
GONE = {"nvm_chain.statements.books": {"is_before": "compare the points: `entry.point <= point`"}}
"""Names that nothing took the place of, with what to do instead."""
HAVE_LOST = {*RENAMED, *GONE, *(f"nvm_chain.{module}" for module in LEFT)}
"""Modules that have lost names."""


def explain_name(package: str, name: str) -> str:
    """Return where a name of before has gone, as a sentence, or nothing if there was none."""
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
    """The last finder that Python asks for a module or an imported name. It knows where the former ones have gone."""

    @classmethod
    def install(cls) -> None:
        """Have Python ask, once."""
        if not any(isinstance(finder, cls) for finder in sys.meta_path):
            sys.meta_path.insert(0, ModulesWithLosses())
            sys.meta_path.append(cls())

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find nothing, and raise ModuleNotFoundError with the new path or name of what has moved.

        The error has no ``name``: with one, `from … import` would go on and raise another error, without the advice.
        `importlib.util.find_spec` asks whether a module is there, and gets its answer, which is None.
        """
        if sys._getframe(2).f_globals["__name__"] == "importlib.util":  # noqa: SLF001  nothing else tells who asks
            return None
        package, _, name = fullname.rpartition(".")
        told = explain_name(package, name)
        if told:
            raise ModuleNotFoundError(told)
        return None


class ModulesWithLosses:
    """The first finder that Python asks. It has a plain module that lost names be asked for them as a package is.

    Python asks finders for a name that it does not find only where it could be a module: where ``__path__`` is set. An empty
    one is enough.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module that has lost names as Python does, and give a plain one an empty path."""
        found = PathFinder.find_spec(fullname, path, target) if fullname in HAVE_LOST else None
        if found is not None and found.submodule_search_locations is None:
            found.submodule_search_locations = []
        return found
