"""errors: one tree, drawn as it is; each message is sentences, and each error copies and pickles."""

import copy
import dataclasses
import inspect
import pickle
from typing import Any

import pytest

from nvm_chain import contract_errors, errors
from nvm_chain.errors import (
    AgentNotRegistered,
    AnswerUnreadable,
    AuthorizationExpired,
    AuthorizationMismatch,
    AuthorizationNotYetValid,
    AuthorizationSignatureInvalid,
    BlockReplaced,
    ConnectionFailed,
    DeploymentMismatch,
    DownloadFailed,
    DownloadMismatch,
    InsufficientAllowance,
    InsufficientCoin,
    InsufficientFunds,
    InvalidAddress,
    InvalidAgentId,
    InvalidAmount,
    InvalidConfig,
    InvalidContext,
    InvalidEndpoint,
    InvalidMessage,
    InvalidMetadata,
    InvalidPlanId,
    InvalidRecord,
    InvalidUrl,
    KeyFailure,
    MetadataMismatch,
    MetadataNotSaved,
    MetadataUnavailable,
    NeedsGateway,
    NeedsVendor,
    NoAccess,
    NoContract,
    NoDeployment,
    NotMined,
    NvmChainError,
    OrderAlreadyMade,
    OutcomeUnknown,
    OutOfGas,
    Panicked,
    PendingTransactions,
    RecordNotWritable,
    RevertedWithoutReason,
    RevertedWithReason,
    RpcFailed,
    SecretInMetadata,
    SignatureNeedsChain,
    StatementMismatch,
    SuspiciousPrice,
    TargetExists,
    TokenCannotSign,
    UnknownEndpoint,
    UnknownNetwork,
    UnsafeFileName,
    UnverifiableUri,
    VoucherAlreadySettled,
    VoucherExpired,
    VoucherMismatch,
    VoucherSignatureInvalid,
    WrongChain,
)

ALICE, BOB = "0x" + "11" * 20, "0x" + "22" * 20
SAMPLES: list[NvmChainError] = [
    InvalidAddress("payer", "0x1", "is too short"),
    InvalidAmount("price 0", "must be from 1 to 5"),
    InvalidPlanId("x"),
    InvalidAgentId("x"),
    InvalidConfig("a salt has 32 bytes, not 31"),
    InvalidContext(33),
    InvalidMessage("signed voucher", "ceiling is missing"),
    SuspiciousPrice(20, 6, "USDC"),
    NeedsVendor("a price by card", "grant it yourself"),
    NeedsGateway("A service token"),
    NoAccess("did:nv:01", ALICE, ("did:nv:02",)),
    AgentNotRegistered(255, "stopped, so that nobody orders it", "it is too long"),
    VoucherMismatch("plan id", "1", "2"),
    VoucherExpired(100, 101),
    VoucherSignatureInvalid(ALICE, None),
    VoucherAlreadySettled(42, 42),
    AuthorizationMismatch("contract", ALICE, BOB),
    AuthorizationNotYetValid(100, 100),
    AuthorizationExpired(100, 100),
    AuthorizationSignatureInvalid(ALICE, BOB),
    OrderAlreadyMade(ALICE, bytes(32)),
    TokenCannotSign(BOB),
    SignatureNeedsChain(ALICE, 96),
    InvalidEndpoint("/a?", "? has no meaning here"),
    InvalidUrl("https://example.com//a", "has an empty segment in its path"),
    UnknownEndpoint(1, "GET", "https://example.com/a"),
    InvalidMetadata("name", "it is empty"),
    SecretInMetadata("upstream.token"),
    KeyFailure("key file k.json", "the password is wrong"),
    UnknownNetwork("base", ("embedded", "base:sepolia")),
    ConnectionFailed("http://127.0.0.1:1", "refused"),
    WrongChain(8453, 84532),
    RpcFailed("rate limited"),
    AnswerUnreadable("it has returned nothing"),
    BlockReplaced(7),
    StatementMismatch("credits of 0x1 on plan 0x2", 5, 6, 7),
    NoContract(ALICE, 1),
    NoDeployment(1),
    NoDeployment(1, "AgentRegistry"),
    InvalidRecord("deployments/1.json", "file: Invalid JSON"),
    RecordNotWritable("deployments/1.json", "PermissionError"),
    PendingTransactions(ALICE, 2),
    DeploymentMismatch("runtime code hash", "0x1", "0x2"),
    InsufficientFunds(BOB, ALICE, 5, 20),
    InsufficientAllowance(BOB, ALICE, BOB, 5, 20),
    InsufficientCoin(ALICE, 5, 20),
    NotMined("0xaa", 120),
    OutcomeUnknown("0xaa", "connection refused"),
    OutOfGas("0xaa"),
    RevertedWithReason("ERC20: no"),
    RevertedWithoutReason("0x"),
    Panicked(0x11),
    UnverifiableUri("ipfs://bafy", "no store is configured for it"),
    MetadataNotSaved("/srv/metadata", "No space left on device"),
    MetadataUnavailable("https://example.com/x.json", "the server answers 404"),
    MetadataMismatch("ipfs://bafk", "bafk", "bafj"),
    DownloadFailed("https://example.com/x", "the server answers 404"),
    DownloadMismatch("https://example.com/x", "length", "5", "6"),
    TargetExists("/tmp/x"),
    UnsafeFileName("a/b", "it has '/' in it"),
]


def test_samples__are_every_error_that_is_raised() -> None:
    classes = {item for _, item in inspect.getmembers(errors, inspect.isclass) if issubclass(item, NvmChainError)}
    raised = {item for item in classes if dataclasses.is_dataclass(item)}
    assert {type(sample) for sample in SAMPLES} == raised


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_message__of_each_error__is_sentences_with_every_field(error: NvmChainError) -> None:
    text = str(error)
    assert text.endswith((".", ")."))
    assert ".." not in text
    assert len(text) > 25


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_error__copied_or_pickled__stays_the_same(error: NvmChainError) -> None:
    for twin in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert type(twin) is type(error)
        assert twin.args == error.args == dataclasses.astuple(error)  # type: ignore[call-overload]
        assert str(twin) == str(error)


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_error__documentation__says_when_it_is_raised(error: NvmChainError) -> None:
    assert (type(error).__doc__ or "").startswith("Raised when ")


def test_errors__two_of_one_kind__are_two() -> None:
    assert NoDeployment(1) != NoDeployment(1)  # as all exceptions: equal by identity, so they can be in a set


def drawn_tree() -> dict[str, str]:
    """Return each class that the module's docstring draws, with the class it hangs under."""
    drawing = inspect.cleandoc(errors.__doc__ or "").partition("NvmChainError\n")[2]
    parents, tree = ["NvmChainError"], {}
    for line in drawing.splitlines():
        branch, _, text = line.partition("── ")
        depth, names = (len(branch) - 1) // 4, text.partition("  ")[0].partition(" (")[0].split(", ")
        tree.update(dict.fromkeys(names, parents[depth]))
        parents[depth + 1 :] = [names[-1]]
    return tree


def test_error_tree__in_the_docstring__is_the_tree_of_classes() -> None:
    classes: list[Any] = [
        item for _, item in inspect.getmembers(errors, inspect.isclass) if issubclass(item, NvmChainError)
    ]
    actual = {item.__name__: item.__bases__[0].__name__ for item in classes if item is not NvmChainError}
    assert drawn_tree() == actual


def test_contract_errors__are_all_caught_as_transaction_errors() -> None:
    assert all(issubclass(item, errors.TransactionError) for item in contract_errors.CONTRACT_ERRORS.values())


@pytest.mark.parametrize("error", [InvalidAmount("x", "y"), InvalidAddress("a", "b", "c"), InvalidConfig("z")])
def test_input_error__is_a_value_error_too(error: NvmChainError) -> None:
    assert isinstance(error, ValueError)


# ---------------------------------------------------------------------- messages that carry others' text

BASE_UNITS = "A price of 20 base units is 0.000020 USDC. If 20 USDC is meant, "


def test_suspicious_price__message__shows_both_readings() -> None:
    text = str(SuspiciousPrice(20, 6, "USDC"))
    assert text.startswith(BASE_UNITS)
    assert 'usdc("20")' in text
    assert "allow_tiny_price=True" in text


@pytest.mark.parametrize(
    "error",
    [
        InvalidAddress("payer", "x" * 100_000, "is too long"),
        InvalidAddress("payer", 10**5000, "is not text"),
        InvalidPlanId("9" * 100_000),
        InvalidPlanId(10**5000),
        InvalidAmount("9" * 100_000, "is too much"),
        UnknownNetwork("n" * 100_000, ("embedded",)),
        RpcFailed("r" * 100_000),
        AuthorizationMismatch("token", "t" * 100_000, "u" * 100_000),
        RevertedWithReason("r" * 100_000),
        RevertedWithoutReason("0x" + "00" * 100_000),
    ],
    ids=lambda error: type(error).__name__,
)
def test_message__with_a_text_of_any_length__stays_short(error: NvmChainError) -> None:
    assert len(str(error)) < 500


@pytest.mark.parametrize(
    "error",
    [
        InvalidAddress("payer", "\x1b[2J\n\x00", "is not an address"),
        InvalidPlanId("\x1b[2J\n\x00"),
        InvalidAmount(repr("\x1b[2J\n"), "is not a number"),
        UnknownNetwork("\x1b[2J\n\x00", ("embedded",)),
        RevertedWithReason("\x1b[2J\n\x00\u202e"),
        AuthorizationMismatch("token", "\x1b[2J\n\x00\u202e", "\x1b[2J\n\x00\u202e"),
        RpcFailed("execution failed: \x1b[2J\n\x00\u202e"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_message__with_others_text__has_no_terminal_escapes(error: NvmChainError) -> None:
    assert str(error).isprintable()
