"""Sample error of each class with realistic values. The page of errors shows its message."""

from typing import Any, Final

from nvm_chain.enums import PlanKind
from nvm_chain.errors import NvmChainError

_BUILDER: Final = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
_BUYER: Final = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
_OTHER: Final = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
_ZERO: Final = "0x" + "00" * 20
_USDC: Final = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"
_CONTRACT: Final = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
_PLAN: Final = int("5f" * 32, 16)
_HASH: Final = "0x" + "8c" * 32
_NOW: Final = 1_780_000_000
_URL: Final = "https://files.example.com/report.pdf"
_DOCUMENT: Final = "https://docs.example.com/plan.json"

VALUES: Final[dict[str, Any]] = {
    **dict.fromkeys(("account", "holder", "payer", "sender", "deployer"), _BUYER),
    **dict.fromkeys(("caller", "operator", "spender", "approver", "recovered", "receiver"), _OTHER),
    **dict.fromkeys(("owner", "builder"), _BUILDER),
    **dict.fromkeys(("address", "credits", "quoter"), _CONTRACT),
    **dict.fromkeys(("plan_id", "token_id"), _PLAN),
    **dict.fromkeys(("payment_reference", "nonce"), bytes.fromhex("8c" * 32)),
    "token": _USDC,
    "transaction_hash": _HASH,
    "url": _URL,
    "uri": _DOCUMENT,
    "agent_id": 7,
    "kind": PlanKind.CREDITS,
    "code": 0x11,
    "data": "0x08c379a0",
    "term": b"duration".ljust(32, b"\0"),
    "chain_id": 84_532,
    "block_number": 31_250_000,
    "index": 2,
    "count": 3,
    "size": 30_000,
    "max": 24_576,
    "timeout_seconds": 120,
    "quantity": 2,
    "decimals": 6,
    "symbol": "USDC",
    "ids_length": 3,
    "values_length": 2,
    "now": _NOW,
    "deadline": _NOW - 60,
    "valid_after": _NOW + 3_600,
    "valid_before": _NOW - 3_600,
    "fee_bps": 250,
    "max_fee_bps": 100,
    "cap_bps": 1_000,
    "available": 9,
    "balance": 9,
    "required": 12,
    "folder": "/home/me/shop/deployments",
    "needed": 12,
    "amount": 12,
    "ceiling": 40,
    "settled": 40,
    "sent": 10**16,
    "min_redeem": 1,
    "max_redeem": 5,
    "min_credits": 1,
    "max_credits": 5,
    "allowance": 5_000_000,
    "cost": 25_000_000,
    "max_cost": 20_000_000,
    "expected": 2 * 10**16,
    "actual": 8_453,
}
"""Values by the name of the field, for all classes that have no other."""
SHA: Final = {"expected": "9f86d081…0f00a08", "actual": "60303ae2…752ba0fb"}
OWN: Final[dict[str, dict[str, Any]]] = {
    "AgentNotRegistered": {"became": "is stopped", "reason": "an endpoint is not a URL"},
    "AnswerUnreadable": {"reason": "balanceOf answered with 0 bytes"},
    "ERC721IncorrectOwner": {"token_id": 7},
    "ERC721InsufficientApproval": {"token_id": 7},
    "ERC721NonexistentToken": {"token_id": 7},
    "AuthorizationFailed": {"value": 20_000_000},
    "AuthorizationMismatch": {"field": "token", "expected": _USDC, "actual": _CONTRACT},
    "ConnectionFailed": {"url": "http://127.0.0.1:8545", "reason": "connection refused"},
    "NodeBusy": {"url": "https://rpc.example.com", "reason": "HTTP status 429"},
    "TooMuchGas": {"needed": 20_000_000, "cap": 16_777_216},
    "TransactionReplaced": {"nonce": 7},
    "CostOutOfRange": {"min_credits": 1, "max_credits": 9},
    "DeploymentMismatch": {"field": "owner", "expected": _BUILDER, "actual": _OTHER},
    "DownloadFailed": {"reason": "the server answered with status 404"},
    "DownloadMismatch": {"what": "size", "expected": "1,024 bytes", "actual": "980 bytes"},
    "FeeAboveCap": {"fee_bps": 1_200},
    "HostedImport": {"what": "EnvironmentName", "advice": "name the network: `connect('base:sepolia')`"},
    "HostedName": {"what": "payments.ai_protocol", "advice": "name the service's URL in `endpoints`"},
    "IdOfAnotherKind": {"given": 7, "kind": "an agent", "wanted": "a plan", "advice": "give one of the agent's plans"},
    "InsufficientAllowance": {"required": 20_000_000},
    "InsufficientCoin": {"balance": 10**15, "required": 2 * 10**16},
    "InsufficientFunds": {"balance": 0, "required": 20_000_000},
    "InvalidAddress": {"name": "receiver", "value": "0x1234", "reason": "has 4 digits, not 40"},
    "InvalidAgentId": {"value": "agent seven"},
    "InvalidAmount": {"value": "20,5", "reason": "is not a number of USDC", "advice": "write it as 20.5"},
    "InvalidContext": {"size": 40},
    "InvalidCreditsRange": {"min_credits": 5, "max_credits": 1},
    "InvalidFeeReceiver": {"receiver": _ZERO},
    "InvalidQuantity": {"quantity": 0},
    "InvalidRedeemRange": {"min_redeem": 5, "max_redeem": 1},
    "InvalidSplit": {"amount": 0, "receiver": _BUILDER},
    "OwnableInvalidOwner": {"owner": _ZERO},
    "OwnableUnauthorizedAccount": {"account": _OTHER},
    "BatchIncomplete": {
        "done": 1_200,
        "total": 1_800,
        "reason": "the second of three was not mined within 120 seconds",
    },
    "NotSent": {"reason": "the transaction before it was not mined"},
    "NotEnoughGas": {"available": 40_000, "required": 61_000},
    "PaymentFailed": {"amount": 20_000_000, "receiver": _BUILDER},
    "SignatureNeedsChain": {"size": 96},
    "TooManyPlans": {"count": 70, "max": 64},
    "TooManySplits": {"count": 20, "max": 16},
    "AccountBusy": {"waited_seconds": 120},
    "InvalidArgument": {
        "function": "settle_vouchers",
        "parameter": "items",
        "given": "one voucher",
        "advice": "give a list of vouchers",
    },
    "RecordInUse": {
        "path": "deployments/84532.json",
        "contract": "Credits",
        "advice": "give --deployments with another folder",
    },
    "SuspiciousGrant": {"credits": 10, "min_redeem": 20},
    "InvalidConfig": {"reason": "--starts is for periods of access only", "advice": "leave out --starts"},
    "InvalidEndpoint": {"pattern": "ftp://host/path", "reason": "it begins with neither http:// nor https://"},
    "InvalidMessage": {"kind": "voucher", "reason": "`signature` is missing"},
    "InvalidMetadata": {"field": "name", "reason": "it is empty"},
    "InvalidPlanId": {"value": "my plan"},
    "InvalidRecord": {"path": "deployments/84532.json", "reason": "`address` is missing"},
    "InvalidUrl": {"url": "https://host/a/../b", "reason": "has dots in its path"},
    "KeyFailure": {"source": "key.json", "reason": "the password is wrong", "advice": "give the right password"},
    "MetadataMismatch": SHA,
    "MetadataNotSaved": {"place": "metadata/", "reason": "the disk is full"},
    "MetadataUnavailable": {"reason": "the server answered with status 503"},
    "NeedsGateway": {"what": "A service token"},
    "NeedsVendor": {"what": "a checkout by card", "advice": "sell for a token, or grant what was paid elsewhere"},
    "NoAccess": {"asset": "agent 7", "plans": ("0x5f5f…5f5f",)},
    "NoDeployment": {"contract": "Credits"},
    "OutcomeUnknown": {"reason": "it stopped answering"},
    "RecordNotWritable": {"path": "deployments/84532.json", "reason": "permission denied"},
    "RecordNotWritten": {
        "contract": "Credits",
        "path": "deployments/84532.json",
        "reason": "no space left on device",
        "record": "this text",
    },
    "RenamedParameter": {"function": "order_plan", "was": "pay", "advice": "give `payment_method`"},
    "RevertedWithReason": {"reason": "Pausable: paused"},
    "RpcFailed": {"reason": "nonce too low"},
    "SecretInMetadata": {"field": "api_key", "reason": "its name says so"},
    "StatementMismatch": {"what": f"Balance of {_BUYER}", "by_events": 90, "by_chain": 88},
    "SuspiciousPrice": {"amount": 20},
    "TargetExists": {"path": "report.pdf"},
    "UnknownEndpoint": {"method": "POST", "url": "https://api.example.com/v2/ask"},
    "UnknownNetwork": {"name": "bsae", "known": ("base:sepolia", "base:mainnet", "embedded")},
    "UnsafeFileName": {"name": "../report.pdf", "reason": "it leaves the folder"},
    "UnverifiableUri": {"uri": "https://docs.example.com/plan", "reason": "it does not name a hash"},
    "VoucherMismatch": {"field": "plan id", "expected": "0x5f5f…5f5f", "actual": "0x6060…6060"},
    "WrongChain": {"expected": 84_532},
}
"""Values of classes whose fields are texts, or numbers in another unit than fields of that name have elsewhere."""
MONEY: Final = ("USDC", 6)


def build_sample(error: type[NvmChainError]) -> NvmChainError:
    """Build a sample error of a class with realistic values. Raises KeyError if a field has no sample value."""
    values = {**VALUES, **OWN.get(error.__name__, {})}
    return error(**{name: values[name] for name in error.field_names}).name_token(*MONEY)
