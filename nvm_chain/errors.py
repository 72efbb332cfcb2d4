"""Everything that can go wrong, as one tree. Every message says what is wrong and what to do next.

NvmChainError
├── InputError (also a ValueError)      found before anything was sent
│   ├── InvalidAddress, InvalidAmount, InvalidPlanId, InvalidAgentId, InvalidConfig, InvalidContext, InvalidMessage
│   ├── InvalidEndpoint, InvalidUrl, UnknownEndpoint
│   ├── InvalidMetadata, SecretInMetadata
│   ├── SuspiciousPrice, UnsafeFileName
│   └── NeedsVendor, NeedsGateway, NoAccess
├── SignatureError                      something signed cannot be accepted; found without the chain
│   ├── VoucherMismatch, VoucherExpired, VoucherSignatureInvalid
│   ├── AuthorizationMismatch, AuthorizationNotYetValid, AuthorizationExpired, AuthorizationSignatureInvalid
│   ├── VoucherAlreadySettled, OrderAlreadyMade
│   └── SignatureNeedsChain, TokenCannotSign
├── KeyFailure                          a key could not be read; never carries the key
├── NetworkError                        the chain could not be used
│   ├── UnknownNetwork, ConnectionFailed, WrongChain, RpcFailed, AnswerUnreadable
│   ├── BlockReplaced, StatementMismatch
│   └── NoContract, NoDeployment
├── DeploymentError                     a deployment or its record is not as it should be
│   └── InvalidRecord, RecordNotWritable, PendingTransactions, DeploymentMismatch
├── StorageError                        what is not on the chain could not be kept, fetched or verified
│   ├── UnverifiableUri, MetadataNotSaved, MetadataUnavailable, MetadataMismatch
│   └── DownloadFailed, DownloadMismatch, TargetExists
├── FundsError                          found before the transaction that would have failed
│   └── InsufficientFunds, InsufficientAllowance, InsufficientCoin
└── TransactionError                    the chain refused
    ├── NotMined, OutcomeUnknown, OutOfGas, AgentNotRegistered
    ├── RevertedWithReason, RevertedWithoutReason, Panicked
    └── ContractError                   one subclass per error of the contracts, in contract_errors.py
"""

from dataclasses import astuple, dataclass


class NvmChainError(Exception):
    """Base of every error this package raises on purpose."""

    def __post_init__(self) -> None:
        """Keep the fields as the exception's arguments, so that it copies and pickles."""
        self.args = astuple(self)  # type: ignore[call-overload]  # every subclass with fields is a dataclass

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return super().__str__()

    def __str__(self) -> str:
        """Return the message."""
        return self.message()


def _show(value: object) -> str:
    """Quote the beginning of what was given; an int in hexadecimal, as Python writes no decimal of 5,000 digits."""
    return repr((hex(value) if isinstance(value, int) else str(value))[:90])


class InputError(NvmChainError, ValueError):
    """An argument that cannot be right. Nothing was sent."""


@dataclass(eq=False)
class InvalidAddress(InputError):
    """Raised when an address is malformed, has a wrong checksum, or is zero where nobody may be."""

    name: str
    value: object
    problem: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.name} {_show(self.value)} {self.problem}. Copy it again from where it was shown."


@dataclass(eq=False)
class InvalidAmount(InputError):
    """Raised when an amount is not exact, out of range, or has too many decimals."""

    value: str
    problem: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.value[:120]} {self.problem}."


@dataclass(eq=False)
class InvalidPlanId(InputError):
    """Raised when something is not a plan id in any spelling."""

    value: object

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{_show(self.value)} is not a plan id. Give the integer, 0x and 64 hexadecimal digits, or did:nv: and 64 hexadecimal digits."


@dataclass(eq=False)
class InvalidAgentId(InputError):
    """Raised when something is not an agent id in any spelling."""

    value: object

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{_show(self.value)} is not an agent id. Give the integer, from 1, 0x and 64 hexadecimal digits, or did:nv: and 64 hexadecimal digits."


@dataclass(eq=False)
class InvalidConfig(InputError):
    """Raised when settings contradict each other."""

    problem: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.problem}."


@dataclass(eq=False)
class InvalidContext(InputError):
    """Raised when a redemption's context does not fit in 32 bytes."""

    size: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"The context has {self.size} bytes and may have 32. Give a UUID, a hash, or a shorter request id."


@dataclass(eq=False)
class SuspiciousPrice(InputError):
    """Raised when a price is below a thousandth of its token, as when ``20`` was given where 20 USDC was meant."""

    amount: int
    decimals: int
    symbol: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        shown = f"0.{str(self.amount).rjust(self.decimals, '0')}"
        return (
            f"A price of {self.amount} base units is {shown} {self.symbol}. If {self.amount} {self.symbol} is meant, "
            f'give parse_units("{self.amount}", {self.decimals}), for USDC usdc("{self.amount}"); '
            "if it is meant as it stands, pass allow_tiny_price=True."
        )


@dataclass(eq=False)
class NeedsVendor(InputError):
    """Raised when something is asked for that only a vendor could do, as it would need power over other people's money, cards or secrets."""

    what: str
    way: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"There is no vendor here, so there is no {self.what[:300]}. What there is: {self.way}."


@dataclass(eq=False)
class NeedsGateway(InputError):
    """Raised when something is asked for that a gateway in front of a service answers, and none is configured."""

    what: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.what[:300]} comes from the seller's gateway. Give its address: Payments(…, gateway=Gateway(url, redeemer))."


@dataclass(eq=False)
class NoAccess(InputError):
    """Raised when an account has no credits and no open access window on any plan of an asset."""

    asset: str
    holder: str
    plans: tuple[str, ...]

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        step = f"Order one of its plans first: {', '.join(self.plans[:5])}" if self.plans else "It accepts no plan"
        return f"{self.holder} has no access to {self.asset}. {step}."


@dataclass(eq=False)
class InvalidMessage(InputError):
    """Raised when a text is not the signed message that it should be, written exactly as this package writes it."""

    kind: str
    problem: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"This is not a {self.kind}: {self.problem}. Ask whoever sent it to send it again."


@dataclass(eq=False)
class InvalidEndpoint(InputError):
    """Raised when an endpoint's method or URL pattern cannot be one."""

    pattern: str
    problem: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{_show(self.pattern)} is not an endpoint: {self.problem}. Write https://host/path/:name as path-to-regexp has it."


@dataclass(eq=False)
class InvalidUrl(InputError):
    """Raised when a request's URL is none, or could mean another path to the server behind. Never has its query."""

    url: str
    problem: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"The URL {_show(self.url)} {self.problem}. Refuse the request, or send it in its plain form."


@dataclass(eq=False)
class UnknownEndpoint(InputError):
    """Raised when an agent has no endpoint for a request, neither a paid nor an open one."""

    agent_id: int
    method: str
    url: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"Agent {self.agent_id} has no endpoint {self.method[:20]} {_show(self.url)}. "
            "Check method and URL against the agent's metadata, and refuse the request."
        )


@dataclass(eq=False)
class InvalidMetadata(InputError):
    """Raised when metadata is not what an agent's metadata can be."""

    field: str
    problem: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"Metadata {self.field[:80]}: {self.problem}. Correct it; nothing was sent."


@dataclass(eq=False)
class SecretInMetadata(InputError):
    """Raised when metadata holds what is or looks like a secret. The value is never part of the error."""

    field: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"Metadata {self.field[:80]} is or looks like a secret, and everybody can read metadata for ever. "
            "Remove it, and configure it where the requests are served; if it is public, give it another name."
        )


class SignatureError(NvmChainError):
    """Something signed cannot be accepted. Nothing was sent."""


@dataclass(eq=False)
class VoucherMismatch(SignatureError):
    """Raised when a voucher is for another plan or redeemer than the one expected."""

    field: str
    expected: str
    actual: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"The voucher's {self.field} is {self.actual}, not {self.expected}. Ask the holder to sign one for {self.expected}."


@dataclass(eq=False)
class VoucherExpired(SignatureError):
    """Raised when a voucher's deadline, the last second it counts in, is over. Times are Unix seconds."""

    deadline: int
    now: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"The voucher was good until {self.deadline}, and it is {self.now}. Ask the holder to sign another one."


@dataclass(eq=False)
class VoucherSignatureInvalid(SignatureError):
    """Raised when a voucher is not signed by its holder. ``recovered`` is who signed instead, if anyone can be told."""

    holder: str
    recovered: str | None

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return _signed_by_another("voucher", self.holder, self.recovered)


@dataclass(eq=False)
class AuthorizationMismatch(SignatureError):
    """Raised when a signed order is for another token or another contract than the one expected."""

    field: str
    expected: str
    actual: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"The signed order's {self.field} is {self.actual[:150]!r}, not {self.expected[:150]!r}. "
            "Ask the payer to sign one for this token and contract."
        )


@dataclass(eq=False)
class AuthorizationNotYetValid(SignatureError):
    """Raised when a signed order does not count yet: it does from the second after ``valid_after``, in Unix seconds."""

    valid_after: int
    now: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"The signed order counts after {self.valid_after}, and it is {self.now}. Send it later."


@dataclass(eq=False)
class AuthorizationExpired(SignatureError):
    """Raised when a signed order counts no more: ``valid_before`` is the first such second, in Unix seconds."""

    valid_before: int
    now: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"The signed order was good before {self.valid_before}, and it is {self.now}. Ask the payer to sign another one."


@dataclass(eq=False)
class AuthorizationSignatureInvalid(SignatureError):
    """Raised when an order is not signed by its payer. ``recovered`` is who signed instead, if anyone can be told."""

    payer: str
    recovered: str | None

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return _signed_by_another("order", self.payer, self.recovered)


def _signed_by_another(thing: str, account: str, recovered: str | None) -> str:
    """Write that a signature is not the account's; a wrong chain or contract looks as if a stranger had signed."""
    signer = f"by {recovered}, or for another chain or contract" if recovered else "with a malformed signature"
    return (
        f"The {thing} is not signed by {account} but {signer}. Ask for a new signature; "
        f"if {account} is a contract wallet, only the chain can tell: give ask_chain."
    )


@dataclass(eq=False)
class VoucherAlreadySettled(SignatureError):
    """Raised when settlements have taken as many credits of the holder as a voucher allows, or more."""

    ceiling: int
    settled: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"The voucher's ceiling is {self.ceiling}, and {self.settled} credits were settled already. "
            f"Ask the holder to sign one with a ceiling above {self.settled}."
        )


@dataclass(eq=False)
class OrderAlreadyMade(SignatureError):
    """Raised when a signed order was made before, or its payer has withdrawn it."""

    payer: str
    nonce: bytes

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"The order of {self.payer} with nonce 0x{self.nonce.hex()} was made or withdrawn before. "
            "Look at the payer's credits, and have a new order signed if another one is meant."
        )


@dataclass(eq=False)
class TokenCannotSign(SignatureError):
    """Raised when a token takes no signatures of the kind that is needed, or does not tell for which domain."""

    token: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"The token {self.token} takes no such signature. Order with pay='approve'."


@dataclass(eq=False)
class SignatureNeedsChain(SignatureError):
    """Raised when a signature, ``size`` bytes long, is none of a key: at most a contract at ``account`` understands it."""

    account: str
    size: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"A signature of {self.size} bytes is none of a key, which has 64 or 65. If {self.account} is a contract "
            "wallet, only the chain can tell whether it is good: give ask_chain."
        )


@dataclass(eq=False)
class KeyFailure(NvmChainError):
    """Raised when a private key could not be read. The key itself is never part of it."""

    source: str
    problem: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"No key from {self.source}: {self.problem}."


class NetworkError(NvmChainError):
    """The chain could not be used."""


@dataclass(eq=False)
class UnknownNetwork(NetworkError):
    """Raised when a name is neither a network this package knows nor a URL."""

    name: str
    known: tuple[str, ...]

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"There is no network {self.name[:80]!r}. Give one of {', '.join(self.known)}, or the http(s) URL of a node."


@dataclass(eq=False)
class ConnectionFailed(NetworkError):
    """Raised when a node does not answer. ``url`` is without user name, password, path and query."""

    url: str
    problem: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"No answer from {self.url} ({self.problem}). Check that the node runs and that the URL is right."


@dataclass(eq=False)
class WrongChain(NetworkError):
    """Raised when a node serves another chain than the one expected."""

    expected: int
    actual: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"The node serves chain {self.actual}, not {self.expected}. Give the RPC URL of chain {self.expected}."


@dataclass(eq=False)
class RpcFailed(NetworkError):
    """Raised when a node refuses a request for a reason that is not the contract's."""

    problem: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        shown = "".join(character if character.isprintable() else " " for character in self.problem[:300])
        return f"The node refused: {shown.rstrip('. ')}."


@dataclass(eq=False)
class AnswerUnreadable(NetworkError):
    """Raised when a contract's answer is not what its function returns; mostly it has no such function."""

    problem: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"A contract's answer cannot be read: {self.problem[:300].rstrip('. ')!r}. Check that its address is right."
        )


@dataclass(eq=False)
class BlockReplaced(NetworkError):
    """Raised when the chain replaced a block while its events were read."""

    block_number: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"The chain replaced block {self.block_number} while it was read. Read again; nothing has to be undone."


@dataclass(eq=False)
class StatementMismatch(NetworkError):
    """Raised when the books rebuilt from events are not what the chain says of the same block."""

    what: str
    by_events: object
    by_chain: object
    block_number: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"At block {self.block_number}, {self.what}: {str(self.by_events)[:90]} by the events, {str(self.by_chain)[:90]} by the chain. "
            "The node is behind, has lost logs or was reorganized, or events before first_block were left out: "
            "read again, from the block in which Credits was deployed, and best from another node."
        )


@dataclass(eq=False)
class NoContract(NetworkError):
    """Raised when an address that should be a contract has no code on this chain."""

    address: str
    chain_id: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"There is no contract at {self.address} on chain {self.chain_id}. Check address and network, or deploy first."


@dataclass(eq=False)
class NoDeployment(NetworkError):
    """Raised when nothing says where a contract is on a chain."""

    chain_id: int
    contract: str = "Credits"

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"No deployment of {self.contract} is known on chain {self.chain_id}. "
            "Deploy one (nvm-chain deploy, ape run deploy) or give its address."
        )


class DeploymentError(NvmChainError):
    """A deployment or its record is not as it should be."""


@dataclass(eq=False)
class InvalidRecord(DeploymentError):
    """Raised when a deployment record cannot be read."""

    path: str
    problem: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.path} is not a deployment record: {self.problem}. Deploy again, or restore the file."


@dataclass(eq=False)
class RecordNotWritable(DeploymentError):
    """Raised when there is no place for a deployment record. Found before anything is deployed."""

    path: str
    problem: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"A record cannot be written to {self.path} ({self.problem}). Give another folder; nothing was deployed."


@dataclass(eq=False)
class PendingTransactions(DeploymentError):
    """Raised when a deployer has transactions that are not mined, one of which may be this very deployment."""

    deployer: str
    count: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"{self.deployer} has {self.count} transactions that are not mined yet. Wait for them, then deploy again."
        )


@dataclass(eq=False)
class DeploymentMismatch(DeploymentError):
    """Raised when the chain, a deployment record and the packaged artifacts disagree."""

    field: str
    expected: str
    actual: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.field} should be {self.expected} and is {self.actual}. Do not use this deployment before you know why."


# ---------------------------------------------------------------- documents and files that are not on the chain


class StorageError(NvmChainError):
    """What is not on the chain, a document or a file, could not be kept, fetched or verified."""


@dataclass(eq=False)
class UnverifiableUri(StorageError):
    """Raised when a metadata URI has no hash to compare its document with, or no store for it is configured."""

    uri: str
    problem: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"The metadata at {_show(self.uri)} cannot be read and verified: {self.problem}. What can be: "
            "data:application/json;base64,… and https://…/<sha256>.json always, file:///…/<sha256>.json with its "
            "FolderStore, ipfs://<CIDv1 of raw bytes> with an IpfsStore. Configure the store, or ask whoever registered it."
        )


@dataclass(eq=False)
class MetadataNotSaved(StorageError):
    """Raised when a store cannot keep a metadata document. Nothing was sent to the chain."""

    place: str
    problem: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"The metadata cannot be saved at {_show(self.place)}: {self.problem}. Correct that, or use another store."
        )


@dataclass(eq=False)
class MetadataUnavailable(StorageError):
    """Raised when a metadata document cannot be fetched, or is not text of a size that it may have."""

    uri: str
    problem: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"The metadata at {_show(self.uri)} cannot be had: {self.problem}. "
            "Try again later, or ask whoever registered it."
        )


@dataclass(eq=False)
class MetadataMismatch(StorageError):
    """Raised when a document is not the one that its URI names: another hash, or another CID."""

    uri: str
    expected: str
    actual: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"The metadata at {_show(self.uri)} should hash to {_show(self.expected)} and hashes to {_show(self.actual)}. "
            "Do not use it; whoever serves it has changed it."
        )


@dataclass(eq=False)
class DownloadFailed(StorageError):
    """Raised when a file cannot be fetched whole, or not be written. Nothing of it is left. Has no query of the URL."""

    url: str
    problem: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"{_show(self.url)} was not downloaded: {self.problem}. Nothing of it was kept; correct that and try again."
        )


@dataclass(eq=False)
class DownloadMismatch(StorageError):
    """Raised when a file came whole and is not what was declared: another length in bytes, or another hash."""

    url: str
    what: str
    expected: str
    actual: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"The {self.what} of {_show(self.url)} should be {self.expected} and is {_show(self.actual)}. "
            "Nothing of it was kept; ask whoever offers the file."
        )


@dataclass(eq=False)
class TargetExists(StorageError):
    """Raised when there is something already where a download should go."""

    path: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"There is something at {_show(self.path)} already. Give another name, or pass overwrite=True."


@dataclass(eq=False)
class UnsafeFileName(InputError):
    """Raised when a name that somebody gave a file is none to write a file under."""

    name: str
    problem: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"A file is not written under the name {_show(self.name)}: {self.problem}. Give a name of your own."


class FundsError(NvmChainError):
    """Something is missing to pay with. The transaction was not sent."""


@dataclass(eq=False)
class InsufficientFunds(FundsError):
    """Raised when a payer has too little of a token, in base units."""

    token: str
    payer: str
    balance: int
    required: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"{self.payer} has {self.balance} base units of token {self.token} and needs {self.required}. "
            f"Send {self.required - self.balance} more to {self.payer}."
        )


@dataclass(eq=False)
class InsufficientAllowance(FundsError):
    """Raised when a payer has approved too little of a token, in base units, and approving was switched off."""

    token: str
    payer: str
    spender: str
    allowance: int
    required: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"{self.payer} has approved {self.allowance} base units of token {self.token} for {self.spender} "
            f"and needs {self.required}. Approve {self.required}, or order with pay='approve'."
        )


@dataclass(eq=False)
class InsufficientCoin(FundsError):
    """Raised when an account has too little native coin, in wei, for a transaction's value and gas."""

    account: str
    balance: int
    required: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"{self.account} has {self.balance} wei of the native coin and needs {self.required} for value and gas. "
            f"Send {self.required - self.balance} wei more to {self.account}."
        )


class TransactionError(NvmChainError):
    """The chain refused a call or a transaction."""


@dataclass(eq=False)
class NotMined(TransactionError):
    """Raised when a transaction was sent and is not mined in time; it still may be."""

    transaction_hash: str
    timeout_seconds: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"Transaction {self.transaction_hash} is not mined after {self.timeout_seconds} seconds. "
            "It may still be: look it up before sending it again."
        )


@dataclass(eq=False)
class OutcomeUnknown(TransactionError):
    """Raised when a transaction was sent and the node does not tell what came of it: the connection or its events are lost."""

    transaction_hash: str
    problem: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"Transaction {self.transaction_hash} was sent, and the node does not tell what came of it ({self.problem}). "
            "Look it up before sending it again."
        )


@dataclass(eq=False)
class AgentNotRegistered(TransactionError):
    """Raised when a plan was registered and then its agent was not. The agent's error is the cause."""

    plan_id: int
    became: str
    problem: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"The agent was not registered: {self.problem.rstrip('.')}. Its plan {self.plan_id} was before, and {self.became}. "
            "Correct the agent and register it with that plan, or register both again."
        )


@dataclass(eq=False)
class OutOfGas(TransactionError):
    """Raised when a transaction was mined and failed, and would succeed now."""

    transaction_hash: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"Transaction {self.transaction_hash} failed, and the same call would succeed now. Send it again."


@dataclass(eq=False)
class RevertedWithReason(TransactionError):
    """Raised when a contract, such as a token, reverts with a text."""

    reason: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"A contract refused: {self.reason[:300]!r}. The text is the contract's own."


@dataclass(eq=False)
class RevertedWithoutReason(TransactionError):
    """Raised when a contract reverts with nothing, or with data that no known error explains."""

    data: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"A contract refused without a reason that is known here (data {self.data[:138] or 'empty'})."


@dataclass(eq=False)
class Panicked(TransactionError):
    """Raised when a contract hits a Solidity panic, such as 0x11 for an arithmetic overflow."""

    code: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"A contract panicked with code {self.code:#x}. In Credits that would be a bug: please report it."


class ContractError(TransactionError):
    """An error of one of the contracts; see contract_errors.py. Same name and fields as in Solidity."""
