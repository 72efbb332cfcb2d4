"""errors: one tree, drawn as it is; each error is data, its message is two sentences, and it copies and pickles."""

import copy
import inspect
import json
import pickle
from string import Formatter
from typing import Any
from uuid import UUID

import pytest

from nvm_chain import errors
from nvm_chain.errors import (
    AccountBusy,
    AgentNotRegistered,
    AnswerUnreadable,
    AuthorizationExpired,
    AuthorizationMismatch,
    AuthorizationNotYetValid,
    AuthorizationSignatureInvalid,
    BatchIncomplete,
    BlockReplaced,
    BodyNotRepeatable,
    BudgetUsedUp,
    ConnectionFailed,
    CostOutOfRange,
    CreditsOverflow,
    DeploymentMismatch,
    DiskFull,
    DownloadFailed,
    DownloadMismatch,
    GatewayRefused,
    HostedImport,
    HostedName,
    IdOfAnotherKind,
    IndexBehind,
    IndexIncomplete,
    IndexMismatch,
    IndexNotWritable,
    IndexUnavailable,
    InsufficientAllowance,
    InsufficientCoin,
    InsufficientFunds,
    InvalidAddress,
    InvalidAgentId,
    InvalidAmount,
    InvalidArgument,
    InvalidConfig,
    InvalidContext,
    InvalidEndpoint,
    InvalidMessage,
    InvalidMetadata,
    InvalidPlanId,
    InvalidRecord,
    InvalidUrl,
    KeyFailure,
    LogsRefused,
    MetadataMismatch,
    MetadataNotSaved,
    MetadataUnavailable,
    MissingExtra,
    NeedsGateway,
    NeedsVendor,
    NewerSchema,
    NoAccess,
    NoContract,
    NodeBusy,
    NoDeployment,
    NotMined,
    NotSent,
    NoWebsockets,
    NvmChainError,
    OlderSchema,
    OrderAlreadyMade,
    OtherChain,
    OutcomeUnknown,
    OutOfGas,
    Panicked,
    PaymentMissing,
    PaymentNotAllowed,
    PaymentUnsettled,
    PendingTransactions,
    RecordInUse,
    RecordNotWritable,
    RecordNotWritten,
    RenamedParameter,
    ReorgTooDeep,
    RevertedWithoutReason,
    RevertedWithReason,
    RpcFailed,
    SecondFollower,
    SecretInMetadata,
    SessionMissing,
    SignatureNeedsChain,
    StatementMismatch,
    SuspiciousGrant,
    SuspiciousPrice,
    TargetExists,
    TokenCannotSign,
    TooMuchGas,
    TransactionReplaced,
    UnknownEndpoint,
    UnknownNetwork,
    UnsafeFileName,
    UnverifiableUri,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamTooSlow,
    UpstreamUnreachable,
    VoucherAlreadySettled,
    VoucherExpired,
    VoucherMismatch,
    VoucherSignatureInvalid,
    WouldSucceedNow,
    WrongChain,
    WrongDatabase,
)
from nvm_chain.errors.base import HELP
from nvm_chain.errors.templates import read_slots, show_template
from nvm_chain.types.contexts import encode_context

ALICE, BOB = "0x" + "11" * 20, "0x" + "22" * 20
SAMPLES: list[NvmChainError] = [
    InvalidAddress("payer", "0x1", "is too short"),
    InvalidAmount("price 0", "must be from 1 to 5"),
    InvalidPlanId("x"),
    InvalidAgentId("x"),
    InvalidConfig("a salt has 32 bytes, not 31"),
    InvalidContext(33),
    CostOutOfRange(255, 6, 6, 1, 5),
    InvalidMessage("signed voucher", "ceiling is missing"),
    RenamedParameter("order_plan", "pay", "give it as `payment_method`"),
    SuspiciousPrice(20, 6, "USDC"),
    SuspiciousGrant(10, 20),
    InvalidArgument("register_plan", "price", "a CreditsConfig", "exchange price and credits"),
    NeedsVendor("a price by card", "grant it yourself"),
    HostedName("payments.x402", "use vouchers"),
    HostedImport("PaymentOptions", "call `Payments(chain, signer)`"),
    IdOfAnotherKind("did:nv:1", "a plan", "a service", "read it with `get_plan_details`"),
    NeedsGateway("A service token"),
    NoAccess("did:nv:01", ALICE, ("did:nv:02",)),
    PaymentMissing("did:nv:07"),
    errors.PaymentMalformed("payment", "its version is 1, and not 2", "invalid_x402_version"),
    errors.OfferDiffers("amount", "2", "3"),
    errors.ChallengeRefused("it is over"),
    errors.MethodNotTaken("tempo", "charge"),
    SessionMissing("did:nv:07"),
    NoWebsockets("did:nv:07"),
    PaymentNotAllowed("did:nv:07", ("a request may cost 9 credits, and the limit is 5",)),
    BodyNotRepeatable(8_388_608),
    BudgetUsedUp(255, 3, "3 are allowed"),
    PaymentUnsettled("https://tea.example.com", "0x" + "5e" * 32, 1_800_000_000, "0x" + "aa" * 32),
    GatewayRefused("https://gateway.example.com", "a sign-in", "the nonce was used before"),
    UpstreamBusy("did:nv:07", 500),
    UpstreamFailed("did:nv:07", "redirects to another host"),
    UpstreamTooSlow("did:nv:07", 120),
    UpstreamUnreachable("did:nv:07"),
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
    errors.TransferMismatch("payee", ALICE, BOB),
    errors.TransferNotYetValid(100, 100),
    errors.TransferExpired(100, 100),
    errors.TransferSignatureInvalid(ALICE, BOB),
    errors.TransferAlreadyUsed(ALICE, bytes(32)),
    errors.TransferRefused(BOB, ALICE, 5),
    errors.WalletNotDeployed(ALICE),
    errors.FactoryNotAllowed(BOB),
    errors.WalletNotDeployable(ALICE, BOB),
    errors.PaymentRefused("duplicate_settlement", "another server settles it"),
    InvalidEndpoint("/a?", "? has no meaning here"),
    InvalidUrl("https://example.com//a", "has an empty segment in its path"),
    UnknownEndpoint(1, "GET", "https://example.com/a"),
    InvalidMetadata("name", "it is empty"),
    errors.InvalidOpenApi("paths", "it has no operations"),
    errors.EndpointsOverlap("GET /users/me", "private", "https://example.com/users/:id", "paid"),
    errors.OpenApiUnavailable("api.yaml", "No such file or directory"),
    SecretInMetadata("upstream.token"),
    KeyFailure("key file k.json", "the password is wrong"),
    UnknownNetwork("base", ("embedded", "base:sepolia")),
    ConnectionFailed("http://127.0.0.1:1", "refused"),
    NodeBusy("http://127.0.0.1:1", "HTTP status 429"),
    WrongChain(8453, 84532),
    RpcFailed("rate limited"),
    AnswerUnreadable("it has returned nothing"),
    BlockReplaced(7),
    StatementMismatch("credits of 0x1 on plan 0x2", 5, 6, 7),
    NoContract(ALICE, 1),
    MissingExtra("The index", "index"),
    WrongDatabase("notes.db", "it is empty"),
    OlderSchema("index.db", "0001", "0002"),
    NewerSchema("index.db", "0003", "0002"),
    OtherChain("index.db", "chain", 8453, 84532),
    IndexUnavailable("index.db", "the file does not exist"),
    IndexNotWritable("index.db", "attempt to write a readonly database"),
    DiskFull("index.db", "database or disk is full"),
    SecondFollower("index.db", "7 (0x07)", "8 (0x08)"),
    ReorgTooDeep("index.db", 7, 70),
    LogsRefused(7, "a log is there twice"),
    IndexIncomplete(7, "account 0x1 spent 5 credits and had 4"),
    IndexMismatch("balance of 0x1", 5, 6, 7),
    IndexBehind("index.db", 7, 8),
    NoDeployment(1),
    NoDeployment(1, "AgentRegistry"),
    InvalidRecord("deployments/1.json", "file: Invalid JSON"),
    RecordInUse("deployments/1.json", "Credits", ALICE, 1, "give another folder"),
    RecordNotWritable("deployments/1.json", "PermissionError"),
    RecordNotWritten("Credits", ALICE, "0x" + "ab" * 32, "deployments/1.json", "No space left on device", '{"a": 1}'),
    PendingTransactions(ALICE, 2),
    DeploymentMismatch("The runtime code hash", "0x1", "0x2"),
    InsufficientFunds(BOB, ALICE, 5, 20),
    InsufficientAllowance(BOB, ALICE, BOB, 5, 20),
    InsufficientCoin(ALICE, 5, 20),
    NotMined("0xaa", 120),
    AccountBusy(ALICE, 10),
    NotSent("earlier transactions of the account are not mined"),
    BatchIncomplete(500, 900, "transaction 0xaa was not mined"),
    OutcomeUnknown("0xaa", "connection refused"),
    OutOfGas("0xaa"),
    WouldSucceedNow("0xaa"),
    TooMuchGas(20_000_000, 16_777_216),
    TransactionReplaced("0xaa", ALICE, 7),
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
    errors.CreditsUsedUp(14, 255, ALICE, 3, 5),
    errors.ExposureReached(14, 255, ALICE, 40, 38, 5),
    errors.CeilingTooLow(14, 255, ALICE, 10),
    errors.BooksBehind(14, 255, ALICE, 6, 7),
    errors.AuthorityOver(14, "session", 100, 101),
    errors.AuthorityRevoked(0, "allowance"),
    errors.HolderCannotPay(0, 255, ALICE, 5),
    errors.HolderNotSettled(0, 255, ALICE, 5),
    errors.WalletChangedItsMind(14, "session", ALICE),
    errors.AuthorityUsedUp(14, "request voucher", 1),
    errors.LimitReached(14, "session", 25, 4, 5),
    errors.RequestAboveLimit(14, "session", 4, 5),
    errors.PeriodLimitReached(14, "session", 9, 4, 5, 160),
    errors.ServiceNotCovered(14, "session", "did:nv:01", ("did:nv:02",)),
    errors.BoundToOtherRequest(14, bytes(32), b"\1" * 32),
    errors.WindowClosed(0, 255, ALICE, 100, 100),
    errors.AccessOpening(0, 255, ALICE, 15),
    errors.AccessNotOpened(0, 255, ALICE, "its sign-in was revoked", 60),
    errors.PeriodsNotStated(0, 255, ALICE, 2, 2, 1),
    errors.OnlyHolderOpens(0, 255, ALICE, 1),
    errors.TooManyOpenRequests(0, 255, ALICE, 8),
    errors.TooManyRequests(14, 255, ALICE, "did:nv:" + "0" * 63 + "8", 10, 60, 7),
    errors.QuotaReached(14, 255, ALICE, "did:nv:" + "0" * 63 + "8", 50, 4, 5, 3_600),
    errors.PaymentUnderWay("0x01", "0x02"),
    errors.PaymentForOther("0x01"),
    errors.PaymentServed("0x01", "0x02"),
    errors.PaymentServing("0x01"),
    errors.PaymentNotMade("0x01", "it has expired"),
    errors.PaymentByHand("0x01", "the key is not a minter"),
    errors.TooManyPayments(0, ALICE, 20, 3_600),
    errors.TooManyReleases(14, 255, ALICE, "did:nv:" + "0" * 63 + "8", 20, 900),
    errors.NonceNotAccepted("was used before"),
    errors.TooManyAuthorities(255, ALICE, 64),
    errors.TooManyTokens("session", 16),
    errors.ReceiptUnavailable("5f" * 32, "it is not charged"),
    errors.BindingMismatch("method", "POST", "GET", "{}"),
    errors.BindingTooWeak("none", "full"),
    errors.DeadlineOutOfRange(100, 1_000, 86_500),
    errors.SignInMismatch("domain", "example.com", "example.org"),
    errors.SignInNotYetValid(200, 100),
    errors.SignInExpired(100, 100),
    errors.SignInSignatureInvalid(ALICE, BOB),
    errors.ReceiptMismatch("holder", ALICE, BOB),
    errors.ReceiptSignatureInvalid(ALICE, None),
    errors.InvalidTarget("/a//b", "has an empty segment in its path"),
    errors.ChargeAboveHold(6, 5),
    errors.ViewUnusable(7, "a number is negative"),
    errors.HoldOver("5f" * 32, 3, 1_800_000_000),
    errors.TooManyVouchers(45, 7, ALICE, 16),
    errors.AuthorityUnknown("of this token"),
    errors.VoucherBeforeRestore(1_800_000_000, 1_800_086_400),
    errors.MeterClosed(),
    errors.ViewTooOld(301, 300),
    errors.PlanNotReadYet(255),
    errors.ServiceUnknown("did:nv:" + "0" * 63 + "8"),
    errors.PlanNotAccepted(7, "did:nv:" + "0" * 63 + "8"),
    errors.KeyReused(),
    errors.SecondSettler(ALICE, 1_800_000_060),
    errors.RequestRunning(),
    errors.AnswerNotKept("5f" * 32),
]


def test_samples__are_every_error_that_is_raised() -> None:
    assert {type(sample) for sample in SAMPLES} == set(errors.list_errors()) - set(errors.CONTRACT_ERRORS.values())


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_message__of_each_error__is_sentences_with_every_field(error: NvmChainError) -> None:
    text = str(error)
    assert text == f"{error.problem} {error.next_step}"
    assert ".." not in text
    assert text.isprintable()
    assert len(text) > 25


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_error__copied_or_pickled__stays_the_same(error: NvmChainError) -> None:
    for twin in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert type(twin) is type(error)
        assert twin.args == error.args
        assert twin.fields == error.fields
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
    assert all(issubclass(item, errors.TransactionError) for item in errors.CONTRACT_ERRORS.values())


@pytest.mark.parametrize("error", [InvalidAmount("x", "y"), InvalidAddress("a", "b", "c"), InvalidConfig("z")])
def test_input_error__is_a_value_error_too(error: NvmChainError) -> None:
    assert isinstance(error, ValueError)


# ---------------------------------------------------------------------- messages that carry others' text


@pytest.mark.parametrize(
    ("error", "problem", "advice"),
    [
        (
            SuspiciousPrice(20, 6, "USDC"),
            "A price of 20 base units is only 0.00002 USDC.",
            "If you mean 20 USDC, give 20 * 10**6 base units.",
        ),
        (
            SuspiciousPrice(1_500, 8, "WBTC"),
            "A price of 1,500 base units is only 0.000015 WBTC.",
            "If you mean 1500 WBTC, give 1500 * 10**8 base units.",
        ),
        (
            SuspiciousPrice(3, 18, "ETH"),
            "A price of 3 base units is only 0.000000000000000003 ETH.",
            "If you mean 3 ETH, give 3 * 10**18 base units.",
        ),
    ],
)
def test_suspicious_price__of_any_token_or_coin__shows_both_readings(
    error: SuspiciousPrice, problem: str, advice: str
) -> None:
    assert error.problem == problem
    assert error.next_step == f"{advice} If the price is right, allow it with `allow_tiny_price=True`."


ALICE_NOT_BOB = f"The signed order's token is {ALICE}, not {BOB}. Ask the payer to sign an order whose token is {BOB}."


def test_authorization_mismatch__of_addresses__shows_them_whole() -> None:
    assert str(AuthorizationMismatch("token", BOB, ALICE)) == ALICE_NOT_BOB


def test_authorization_mismatch__of_chain_ids__shows_decimal_numbers() -> None:
    error = AuthorizationMismatch("chain id", 84532, 8453)
    assert error.problem == "The signed order's chain id is 8453, not 84532."
    assert error.to_dict()["fields"] == {"field": "chain id", "expected": 84532, "actual": 8453}


def test_authorization_mismatch__of_other_texts__quotes_them() -> None:
    error = AuthorizationMismatch("token name", "USDC", "USD Coin")
    assert error.problem == "The signed order's token name is 'USD Coin', not 'USDC'."


def test_credits_overflow__message__is_true_of_credits_and_of_periods() -> None:
    text = str(CreditsOverflow(255, ALICE, 2**64))
    assert "cannot take 18,446,744,073,709,551,616 more credits or periods of plan 0x" in text
    assert text.endswith("Use or burn some credits first, order less at once, or give another address.")


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


# ---------------------------------------------------------------------- errors as data


def test_constructor__with_positions_or_names__takes_the_same_fields() -> None:
    by_place, by_name = WrongChain(1, 2), WrongChain(actual=2, expected=1)
    assert by_place.fields == by_name.fields == {"expected": 1, "actual": 2}
    assert by_place.args == by_name.args == (1, 2)
    assert repr(by_name) == "WrongChain(expected=1, actual=2)"


@pytest.mark.parametrize(
    ("values", "named"), [((1,), {}), ((1, 2, 3), {}), ((1, 2), {"actual": 2}), ((1,), {"chain": 2}), ((), {})]
)
def test_constructor__with_other_arguments__names_the_fields(values: tuple[int, ...], named: dict[str, int]) -> None:
    with pytest.raises(TypeError, match=r"^WrongChain takes \(expected, actual\)$"):
        WrongChain(*values, **named)


def test_constructor__without_what_has_a_default__takes_that() -> None:
    error = NoDeployment(1)
    assert (error.contract, error.args) == ("Credits", (1,))
    assert NoDeployment(1, "AgentRegistry").args == (1, "AgentRegistry")


def test_family__which_is_never_raised_here__keeps_a_text_of_somebody_else() -> None:
    assert str(errors.InputError("their text")) == "their text"


def test_match__of_an_error__binds_its_fields() -> None:
    match InsufficientFunds(BOB, ALICE, 5, 20):
        case InsufficientFunds(token, payer, balance, required):
            assert (token, payer, balance, required) == (BOB, ALICE, 5, 20)


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_to_dict__of_each_error__is_json_with_all_its_parts(error: NvmChainError) -> None:
    told = json.loads(json.dumps(error.to_dict()))
    assert list(told) == ["type", "message", "problem", "next_step", "fields", "link"]
    assert (told["problem"], told["next_step"]) == (error.problem, error.next_step)
    assert tuple(told["fields"]) == error.field_names
    assert told["link"] == f"{HELP} {type(error).__name__}"


def test_to_dict__of_ids_money_and_bytes__is_text_that_no_reader_rounds() -> None:
    funds = InsufficientFunds(BOB, ALICE, 0, 2**64).to_dict()["fields"]
    assert (funds["balance"], funds["required"]) == ("0", "18446744073709551616")
    assert errors.UnknownPlan(255).to_dict()["fields"] == {"plan_id": f"0x{255:064x}"}
    assert OrderAlreadyMade(ALICE, bytes(31) + b"x").to_dict()["fields"]["nonce"] == f"0x{ord('x'):064x}"
    assert errors.InsufficientCredits(1, ALICE, 5, 6).to_dict()["fields"]["available"] == 5


def test_to_dict__of_a_named_token__says_how_to_read_the_amounts() -> None:
    error = InsufficientFunds(BOB, ALICE, 0, 20_000_000).name_token("USDC", 6)
    assert error.to_dict()["token"] == {"symbol": "USDC", "decimals": 6}


# ---------------------------------------------------------------------- words for people


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            InsufficientFunds(BOB, ALICE, 0, 20_000_000).name_token("USDC", 6),
            f"{ALICE} needs 20 USDC, but has 0 USDC. Send 20 USDC more to {ALICE}.",
        ),
        (
            InsufficientFunds(BOB, ALICE, 5, 20),
            f"{ALICE} needs 20 base units of token {BOB}, but has 5 base units. Send 15 base units more to {ALICE}.",
        ),
        (
            InsufficientAllowance(BOB, ALICE, BOB, 1, 500_000).name_token("USDC", 6),
            (
                f"{ALICE} needs an allowance of 0.5 USDC for {BOB}, but has approved 0.000001 USDC. "
                "Approve 0.5 USDC, or order with `payment_method='approve'`."
            ),
        ),
        (
            InsufficientCoin(ALICE, 10**15, 3 * 10**15),
            f"{ALICE} needs 0.003 ETH for value and gas, but has 0.001 ETH. Send 0.002 ETH more to {ALICE}.",
        ),
        (
            errors.CostAboveMax(20_000_000, 19_000_000).name_token("USDC", 6),
            "The order costs 20 USDC, but you allowed at most 19 USDC. Raise `max_cost` if you agree.",
        ),
        (
            errors.CostAboveMax(20, 1),
            "The order costs 20 base units, but you allowed at most 1 base unit. Raise `max_cost` if you agree.",
        ),
        (
            errors.WrongValue(10**18, 0),
            "The transaction has to send exactly 1 ETH, but it sends 0 ETH. Send exactly 1 ETH with the transaction.",
        ),
        (
            errors.RedeemOutOfRange(255, 5, 1, 1),
            f"A request on plan 0x{255:064x} takes exactly 1 credit, not 5. Redeem exactly 1 credit for each request.",
        ),
        (
            CostOutOfRange(255, 500, 500, 1, 100),
            (
                f"Plan 0x{255:064x} allows 1 to 100 credits for a request. The agent would charge exactly 500 credits. "
                "Give a cost that the plan allows."
            ),
        ),
        (
            VoucherExpired(1_795_867_200, 1_795_867_201),
            (
                "The voucher was valid until 2026-11-28 12:00:00 UTC (1795867200). "
                "The time is now 2026-11-28 12:00:01 UTC (1795867201). Ask the holder to sign another voucher."
            ),
        ),
        (
            NotMined("0xaa", 120),
            (
                "Transaction 0xaa was not mined within 2 minutes, but may still be mined. "
                "Look the transaction up before you send it again: "
                "`nvm-chain transaction 0xaa` in a shell, `look_up_transaction` in Python."
            ),
        ),
        (
            PendingTransactions(ALICE, 1),
            (
                f"The deployer {ALICE} has 1 transaction that the chain has not mined yet. "
                "Deploy again when no transaction is pending."
            ),
        ),
        (
            UnknownNetwork("base", ("embedded", "base:sepolia")),
            "No network is called 'base'. Give embedded or base:sepolia, or the http(s) URL of a node.",
        ),
        (InvalidConfig("the plan is free", "leave out the price"), "The plan is free. Leave out the price."),
        (InvalidConfig("max_cost is missing"), "max_cost is missing. Correct it. Nothing was sent."),
        (
            errors.FeeAboveMax(250, 100),
            (
                "The protocol fee is 250 basis points (2.5 %), above your limit of 100 basis points (1 %). "
                "A plan keeps its fee for ever. If you accept this fee, set `max_fee_bps` to 250."
            ),
        ),
        (errors.WrongKind(1, 2), f"Plan 0x{1:064x} is of kind USAGE, and this call needs a plan of another kind. "),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, NvmChainError) else "",
)
def test_message__of_amounts_times_and_ranges__is_for_people(error: NvmChainError, text: str) -> None:
    assert str(error).startswith(text)


def test_describe__with_other_names_for_code__uses_them() -> None:
    error = errors.CostAboveMax(20, 19)
    assert error.describe({"max_cost": "--max-cost"})[1] == "Raise --max-cost if you agree."
    advised = InvalidConfig("it is free", "leave out `payment_method='permit'`")
    assert (
        advised.describe({"payment_method='permit'": "--payment-method permit"})[1]
        == "Leave out --payment-method permit."
    )


def test_describe__of_others_text_in_backticks__leaves_it() -> None:
    names = {"max_cost": "--max-cost"}
    assert RpcFailed("no `max_cost`").describe(names)[0] == "The node refused the request: no `max_cost`."


def test_explain__with_the_true_cause__replaces_the_next_step() -> None:
    error = errors.PaymentFailed(BOB, ALICE, BOB, 20).explain("the token is paused", "try again later")
    assert error.problem.endswith(" failed. The token is paused.")
    assert error.next_step == "Try again later."
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_explain__of_an_error_that_guesses_at_its_cause__drops_the_guess() -> None:
    error = VoucherSignatureInvalid(ALICE, BOB)
    assert (
        error.problem == f"{ALICE} did not sign the voucher. It is signed by {BOB}, or for another chain or contract."
    )
    error.explain("there is a Safe at the address, and it does not accept the signature", "sign with `SafeSigner`")
    assert error.problem == (
        f"{ALICE} did not sign the voucher. There is a Safe at the address, and it does not accept the signature."
    )
    assert error.to_dict()["problem"] == error.problem


GUESSES = [error for error in errors.list_errors() if error.explained]


@pytest.mark.parametrize("error", GUESSES, ids=lambda error: error.__name__)
def test_explained__of_an_error__begins_as_its_problem_does(error: type[NvmChainError]) -> None:
    assert str(error.problem).startswith(error.explained.rstrip("."))
    assert set(read_slots(error.explained)) <= set(error.field_names)


def test_show_template__of_every_slot__names_its_fields() -> None:
    shown = show_template("{a} and {b:short}, {c:minus d}, {e:to f}, {g:decimal h}")
    assert shown == "`a` and `b`, `c` - `d`, `e` to `f`, `g`"
    assert read_slots("{a} {b:to c}") == ["a", "b", "c"]


def test_templates__of_every_error__are_what_the_standard_formatter_reads_too() -> None:
    for error in errors.list_errors():
        for template in (error.problem, error.next_step):
            assert {name for _, name, _, _ in Formatter().parse(template) if name} <= set(error.field_names)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("invoice 7", "'invoice 7'"),
        ("café", "'café'"),
        (UUID("c5fe6a2e-0000-4000-8000-00000000ff00"), "c5fe6a2e-0000-4000-8000-00000000ff00"),
        (bytes(range(128, 160)), "0x" + bytes(range(128, 160)).hex()),
        (b"a\nb", "0x610a62" + "00" * 29),
        (b"", "0x" + "00" * 32),
    ],
    ids=repr,
)
def test_reference_used__shows_the_reference_as_it_was_given(given: str | bytes | UUID, shown: str) -> None:
    error = errors.ReferenceUsed(255, encode_context(given))
    assert error.problem == f"Plan 0x{255:064x} was already granted for payment {shown}."
    assert error.to_dict()["fields"]["payment_reference"] == f"0x{encode_context(given).hex()}"
