"""Everything that can go wrong, as one tree. Every message says what the problem is, and what to do next.

NvmChainError
├── InputError (also a ValueError)      found before anything was sent
│   ├── InvalidAddress, InvalidAmount, InvalidPlanId, InvalidAgentId, InvalidConfig, InvalidContext
│   ├── InvalidMessage
│   │   └── PaymentMalformed
│   ├── IdOfAnotherKind, InvalidArgument, RenamedParameter, InvalidEndpoint, InvalidUrl, UnknownEndpoint
│   ├── InvalidMetadata, SecretInMetadata, InvalidOpenApi, EndpointsOverlap
│   ├── SuspiciousPrice, SuspiciousGrant, CostOutOfRange, UnsafeFileName
│   ├── InvalidTarget, ChargeAboveHold, ViewUnusable, HoldOver, MeterClosed, ServiceUnknown
│   ├── KeyReused, RequestRunning, AnswerNotKept, ReceiptUnavailable
│   ├── NeedsGateway, NoAccess, MissingExtra, PaymentMissing, SessionMissing, NoWebsockets
│   ├── PaymentNotAllowed, BodyNotRepeatable, BudgetUsedUp, GatewayRefused
│   └── NeedsVendor
│       └── HostedName, HostedImport
├── SignatureError                      a signed message cannot be accepted; nothing was sent
│   ├── VoucherMismatch, VoucherExpired, VoucherSignatureInvalid
│   ├── AuthorizationMismatch, AuthorizationNotYetValid, AuthorizationExpired, AuthorizationSignatureInvalid
│   ├── VoucherAlreadySettled, OrderAlreadyMade
│   ├── BindingMismatch, BindingTooWeak, DeadlineOutOfRange, SignInMismatch
│   ├── SignInNotYetValid, SignInExpired, SignInSignatureInvalid, ReceiptMismatch, ReceiptSignatureInvalid
│   ├── AuthorityUnknown, VoucherBeforeRestore, PlanNotAccepted, NonceNotAccepted, TooManyAuthorities, TooManyTokens
│   ├── OfferDiffers, ChallengeRefused, MethodNotTaken
│   ├── TransferMismatch, TransferNotYetValid, TransferExpired, TransferSignatureInvalid, TransferAlreadyUsed
│   ├── TransferRefused, WalletNotDeployed, FactoryNotAllowed, WalletNotDeployable, PaymentRefused
│   └── SignatureNeedsChain, TokenCannotSign
├── KeyFailure                          a key could not be read; never carries the key
├── NetworkError                        the chain could not be used
│   ├── UnknownNetwork, WrongChain, RpcFailed, AnswerUnreadable
│   ├── ConnectionFailed
│   │   └── NodeBusy
│   ├── BlockReplaced, StatementMismatch, ViewTooOld, PlanNotReadYet
│   └── NoContract, NoDeployment
├── DeploymentError                     a deployment or its record is wrong
│   ├── InvalidRecord, RecordInUse, RecordNotWritable, RecordNotWritten
│   └── PendingTransactions, DeploymentMismatch
├── StorageError                        a document or a file could not be kept, fetched or verified
│   ├── UnverifiableUri, MetadataNotSaved, MetadataUnavailable, MetadataMismatch, OpenApiUnavailable
│   └── DownloadFailed, DownloadMismatch, TargetExists
├── IndexFailure                        an index of events could not be read or written, or is not right
│   ├── WrongDatabase, OlderSchema, NewerSchema, OtherChain
│   ├── IndexUnavailable, IndexNotWritable, DiskFull, SecondFollower, SecondSettler
│   └── ReorgTooDeep, LogsRefused, IndexIncomplete, IndexMismatch, IndexBehind
├── RequestRefused                      the meter refused a request; nothing was held or charged
│   ├── CreditsUsedUp, ExposureReached, CeilingTooLow, BooksBehind, TooManyVouchers
│   ├── AuthorityOver, AuthorityRevoked, AuthorityUsedUp, LimitReached, RequestAboveLimit
│   ├── WalletChangedItsMind, HolderCannotPay, HolderNotSettled
│   ├── PeriodLimitReached, ServiceNotCovered, BoundToOtherRequest, WindowClosed, TooManyOpenRequests
│   ├── AccessOpening, AccessNotOpened, PeriodsNotStated, OnlyHolderOpens
│   └── TooManyRequests, QuotaReached, TooManyReleases, TooManyPayments
├── PaymentClaimed                      a payment is in the books; money may have moved
│   ├── PaymentUnderWay, PaymentForOther, PaymentServed, PaymentServing
│   └── PaymentNotMade, PaymentByHand
├── UpstreamError                       the service behind a gateway did not answer; nothing was charged
│   └── UpstreamUnreachable, UpstreamBusy, UpstreamFailed, UpstreamTooSlow
├── FundsError                          found before the transaction that would have failed
│   └── InsufficientFunds, InsufficientAllowance, InsufficientCoin
└── TransactionError                    the chain refused a call or a transaction
    ├── NotMined, OutcomeUnknown, OutOfGas, WouldSucceedNow, TooMuchGas, TransactionReplaced, NotSent, AccountBusy
    ├── BatchIncomplete, AgentNotRegistered, PaymentUnsettled
    ├── RevertedWithReason, RevertedWithoutReason, Panicked
    └── ContractError                   one subclass per error of the contracts
        ├── PlanAlreadyRegistered, ZeroCredits, ZeroDuration, TermNotAllowed, InvalidRedeemRange, TooManySplits
        ├── InvalidSplit, TokenWithoutCode, QuoterWithoutCode, QuoteWithoutReceivers, FeeAboveMax
        ├── UnknownPlan, PlanNotActive, WrongKind, PaidExternally, NotPlanOwner, NotPendingPlanOwner
        ├── InvalidQuantity, CostAboveMax, QuoteFailed, AuthorizationFailed, WrongValue, PaymentFailed
        ├── TrialAlreadyTaken, TrialOrderedForOther
        ├── NotMinter, ZeroAmount, ReferenceUsed, CreditsOverflow, InsufficientCredits, RedeemNotAllowed
        ├── RedeemOutOfRange, NotRedeemable, NotRedeemer, SettlementsNotAccepted, NotTransferable, NotEnoughGas
        ├── NotSelf
        ├── FeeAboveCap, InvalidFeeReceiver, OwnableUnauthorizedAccount, OwnableInvalidOwner
        ├── CreditsWithoutCode, NotAgentOwner, DetachNotAllowed, PlanAlreadyAttached, PlanNotAttached
        ├── InvalidCreditsRange, TooManyPlans
        ├── ERC1155InsufficientBalance, ERC1155InvalidSender, ERC1155InvalidReceiver
        ├── ERC1155MissingApprovalForAll, ERC1155InvalidApprover, ERC1155InvalidOperator
        ├── ERC1155InvalidArrayLength, ERC721InvalidOwner, ERC721NonexistentToken, ERC721IncorrectOwner
        ├── ERC721InvalidSender, ERC721InvalidReceiver, ERC721InsufficientApproval, ERC721InvalidApprover
        └── ERC721InvalidOperator
"""

from nvm_chain.errors.base import (
    NvmChainError,
)
from nvm_chain.errors.catalogue import (
    list_errors,
)
from nvm_chain.errors.charges import ChallengeRefused, MethodNotTaken
from nvm_chain.errors.client import (
    BodyNotRepeatable,
    BudgetUsedUp,
    GatewayRefused,
    PaymentNotAllowed,
    PaymentUnsettled,
)
from nvm_chain.errors.contract import CONTRACT_ERRORS
from nvm_chain.errors.contract.agents import (
    CreditsWithoutCode,
    DetachNotAllowed,
    InvalidCreditsRange,
    NotAgentOwner,
    PlanAlreadyAttached,
    PlanNotAttached,
    TooManyPlans,
)
from nvm_chain.errors.contract.credits import (
    CreditsOverflow,
    InsufficientCredits,
    NotEnoughGas,
    NotMinter,
    NotRedeemable,
    NotRedeemer,
    NotSelf,
    NotTransferable,
    RedeemNotAllowed,
    RedeemOutOfRange,
    ReferenceUsed,
    SettlementsNotAccepted,
    ZeroAmount,
)
from nvm_chain.errors.contract.fees import (
    FeeAboveCap,
    InvalidFeeReceiver,
    OwnableInvalidOwner,
    OwnableUnauthorizedAccount,
)
from nvm_chain.errors.contract.orders import (
    AuthorizationFailed,
    CostAboveMax,
    InvalidQuantity,
    PaymentFailed,
    QuoteFailed,
    TrialAlreadyTaken,
    TrialOrderedForOther,
    WrongValue,
)
from nvm_chain.errors.contract.plans import (
    NotPendingPlanOwner,
    NotPlanOwner,
    PaidExternally,
    PlanNotActive,
    UnknownPlan,
    WrongKind,
)
from nvm_chain.errors.contract.registration import (
    FeeAboveMax,
    InvalidRedeemRange,
    InvalidSplit,
    PlanAlreadyRegistered,
    QuoterWithoutCode,
    QuoteWithoutReceivers,
    TermNotAllowed,
    TokenWithoutCode,
    TooManySplits,
    ZeroCredits,
    ZeroDuration,
)
from nvm_chain.errors.contract.standards import (
    ERC721IncorrectOwner,
    ERC721InsufficientApproval,
    ERC721InvalidApprover,
    ERC721InvalidOperator,
    ERC721InvalidOwner,
    ERC721InvalidReceiver,
    ERC721InvalidSender,
    ERC721NonexistentToken,
    ERC1155InsufficientBalance,
    ERC1155InvalidApprover,
    ERC1155InvalidArrayLength,
    ERC1155InvalidOperator,
    ERC1155InvalidReceiver,
    ERC1155InvalidSender,
    ERC1155MissingApprovalForAll,
)
from nvm_chain.errors.deployment import (
    DeploymentMismatch,
    InvalidRecord,
    PendingTransactions,
    RecordInUse,
    RecordNotWritable,
    RecordNotWritten,
)
from nvm_chain.errors.families import (
    ContractError,
    DeploymentError,
    FundsError,
    IndexFailure,
    InputError,
    NetworkError,
    RequestRefused,
    SignatureError,
    StorageError,
    TransactionError,
    UpstreamError,
)
from nvm_chain.errors.funds import (
    InsufficientAllowance,
    InsufficientCoin,
    InsufficientFunds,
)
from nvm_chain.errors.gateway import (
    NoWebsockets,
    PaymentMissing,
    SessionMissing,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamTooSlow,
    UpstreamUnreachable,
)
from nvm_chain.errors.index import (
    DiskFull,
    IndexBehind,
    IndexIncomplete,
    IndexMismatch,
    IndexNotWritable,
    IndexUnavailable,
    LogsRefused,
    MissingExtra,
    NewerSchema,
    OlderSchema,
    OtherChain,
    ReorgTooDeep,
    SecondFollower,
    WrongDatabase,
)
from nvm_chain.errors.inputs import (
    CostOutOfRange,
    IdOfAnotherKind,
    InvalidAddress,
    InvalidAgentId,
    InvalidAmount,
    InvalidArgument,
    InvalidConfig,
    InvalidContext,
    InvalidMessage,
    InvalidPlanId,
    RenamedParameter,
    SuspiciousGrant,
    SuspiciousPrice,
)
from nvm_chain.errors.keys import (
    KeyFailure,
)
from nvm_chain.errors.metadata import (
    EndpointsOverlap,
    InvalidEndpoint,
    InvalidMetadata,
    InvalidOpenApi,
    InvalidUrl,
    SecretInMetadata,
    UnknownEndpoint,
)
from nvm_chain.errors.meter import (
    AccessNotOpened,
    AccessOpening,
    AnswerNotKept,
    AuthorityOver,
    AuthorityRevoked,
    AuthorityUnknown,
    AuthorityUsedUp,
    BindingMismatch,
    BindingTooWeak,
    BooksBehind,
    BoundToOtherRequest,
    CeilingTooLow,
    ChargeAboveHold,
    CreditsUsedUp,
    DeadlineOutOfRange,
    ExposureReached,
    HolderCannotPay,
    HolderNotSettled,
    HoldOver,
    InvalidTarget,
    KeyReused,
    LimitReached,
    MeterClosed,
    NonceNotAccepted,
    OnlyHolderOpens,
    PeriodLimitReached,
    PeriodsNotStated,
    PlanNotAccepted,
    PlanNotReadYet,
    QuotaReached,
    ReceiptMismatch,
    ReceiptSignatureInvalid,
    ReceiptUnavailable,
    RequestAboveLimit,
    RequestRunning,
    SecondSettler,
    ServiceNotCovered,
    ServiceUnknown,
    SignInExpired,
    SignInMismatch,
    SignInNotYetValid,
    SignInSignatureInvalid,
    TooManyAuthorities,
    TooManyOpenRequests,
    TooManyReleases,
    TooManyRequests,
    TooManyTokens,
    TooManyVouchers,
    ViewTooOld,
    ViewUnusable,
    VoucherBeforeRestore,
    WalletChangedItsMind,
    WindowClosed,
)
from nvm_chain.errors.network import (
    AnswerUnreadable,
    BlockReplaced,
    ConnectionFailed,
    NoContract,
    NodeBusy,
    NoDeployment,
    RpcFailed,
    StatementMismatch,
    UnknownNetwork,
    WrongChain,
)
from nvm_chain.errors.offers import (
    OfferDiffers,
    PaymentMalformed,
)
from nvm_chain.errors.payments import (
    PaymentByHand,
    PaymentClaimed,
    PaymentForOther,
    PaymentNotMade,
    PaymentServed,
    PaymentServing,
    PaymentUnderWay,
    TooManyPayments,
)
from nvm_chain.errors.services import (
    HostedImport,
    HostedName,
    NeedsGateway,
    NeedsVendor,
    NoAccess,
)
from nvm_chain.errors.signatures import (
    AuthorizationExpired,
    AuthorizationMismatch,
    AuthorizationNotYetValid,
    AuthorizationSignatureInvalid,
    OrderAlreadyMade,
    SignatureNeedsChain,
    TokenCannotSign,
    VoucherAlreadySettled,
    VoucherExpired,
    VoucherMismatch,
    VoucherSignatureInvalid,
)
from nvm_chain.errors.storage import (
    DownloadFailed,
    DownloadMismatch,
    MetadataMismatch,
    MetadataNotSaved,
    MetadataUnavailable,
    OpenApiUnavailable,
    TargetExists,
    UnsafeFileName,
    UnverifiableUri,
)
from nvm_chain.errors.transactions import (
    AccountBusy,
    AgentNotRegistered,
    BatchIncomplete,
    NotMined,
    NotSent,
    OutcomeUnknown,
    OutOfGas,
    Panicked,
    RevertedWithoutReason,
    RevertedWithReason,
    TooMuchGas,
    TransactionReplaced,
    WouldSucceedNow,
)
from nvm_chain.errors.x402 import (
    FactoryNotAllowed,
    PaymentRefused,
    TransferAlreadyUsed,
    TransferExpired,
    TransferMismatch,
    TransferNotYetValid,
    TransferRefused,
    TransferSignatureInvalid,
    WalletNotDeployable,
    WalletNotDeployed,
)

__all__ = [
    "CONTRACT_ERRORS",
    "AccessNotOpened",
    "AccessOpening",
    "AccountBusy",
    "AgentNotRegistered",
    "AnswerNotKept",
    "AnswerUnreadable",
    "AuthorityOver",
    "AuthorityRevoked",
    "AuthorityUnknown",
    "AuthorityUsedUp",
    "AuthorizationExpired",
    "AuthorizationFailed",
    "AuthorizationMismatch",
    "AuthorizationNotYetValid",
    "AuthorizationSignatureInvalid",
    "BatchIncomplete",
    "BindingMismatch",
    "BindingTooWeak",
    "BlockReplaced",
    "BodyNotRepeatable",
    "BooksBehind",
    "BoundToOtherRequest",
    "BudgetUsedUp",
    "CeilingTooLow",
    "ChallengeRefused",
    "ChargeAboveHold",
    "ConnectionFailed",
    "ContractError",
    "CostAboveMax",
    "CostOutOfRange",
    "CreditsOverflow",
    "CreditsUsedUp",
    "CreditsWithoutCode",
    "DeadlineOutOfRange",
    "DeploymentError",
    "DeploymentMismatch",
    "DetachNotAllowed",
    "DiskFull",
    "DownloadFailed",
    "DownloadMismatch",
    "ERC721IncorrectOwner",
    "ERC721InsufficientApproval",
    "ERC721InvalidApprover",
    "ERC721InvalidOperator",
    "ERC721InvalidOwner",
    "ERC721InvalidReceiver",
    "ERC721InvalidSender",
    "ERC721NonexistentToken",
    "ERC1155InsufficientBalance",
    "ERC1155InvalidApprover",
    "ERC1155InvalidArrayLength",
    "ERC1155InvalidOperator",
    "ERC1155InvalidReceiver",
    "ERC1155InvalidSender",
    "ERC1155MissingApprovalForAll",
    "EndpointsOverlap",
    "ExposureReached",
    "FactoryNotAllowed",
    "FeeAboveCap",
    "FeeAboveMax",
    "FundsError",
    "GatewayRefused",
    "HoldOver",
    "HolderCannotPay",
    "HolderNotSettled",
    "HostedImport",
    "HostedName",
    "IdOfAnotherKind",
    "IndexBehind",
    "IndexFailure",
    "IndexIncomplete",
    "IndexMismatch",
    "IndexNotWritable",
    "IndexUnavailable",
    "InputError",
    "InsufficientAllowance",
    "InsufficientCoin",
    "InsufficientCredits",
    "InsufficientFunds",
    "InvalidAddress",
    "InvalidAgentId",
    "InvalidAmount",
    "InvalidArgument",
    "InvalidConfig",
    "InvalidContext",
    "InvalidCreditsRange",
    "InvalidEndpoint",
    "InvalidFeeReceiver",
    "InvalidMessage",
    "InvalidMetadata",
    "InvalidOpenApi",
    "InvalidPlanId",
    "InvalidQuantity",
    "InvalidRecord",
    "InvalidRedeemRange",
    "InvalidSplit",
    "InvalidTarget",
    "InvalidUrl",
    "KeyFailure",
    "KeyReused",
    "LimitReached",
    "LogsRefused",
    "MetadataMismatch",
    "MetadataNotSaved",
    "MetadataUnavailable",
    "MeterClosed",
    "MethodNotTaken",
    "MissingExtra",
    "NeedsGateway",
    "NeedsVendor",
    "NetworkError",
    "NewerSchema",
    "NoAccess",
    "NoContract",
    "NoDeployment",
    "NoWebsockets",
    "NodeBusy",
    "NonceNotAccepted",
    "NotAgentOwner",
    "NotEnoughGas",
    "NotMined",
    "NotMinter",
    "NotPendingPlanOwner",
    "NotPlanOwner",
    "NotRedeemable",
    "NotRedeemer",
    "NotSelf",
    "NotSent",
    "NotTransferable",
    "NvmChainError",
    "OfferDiffers",
    "OlderSchema",
    "OnlyHolderOpens",
    "OpenApiUnavailable",
    "OrderAlreadyMade",
    "OtherChain",
    "OutOfGas",
    "OutcomeUnknown",
    "OwnableInvalidOwner",
    "OwnableUnauthorizedAccount",
    "PaidExternally",
    "Panicked",
    "PaymentByHand",
    "PaymentClaimed",
    "PaymentFailed",
    "PaymentForOther",
    "PaymentMalformed",
    "PaymentMissing",
    "PaymentNotAllowed",
    "PaymentNotMade",
    "PaymentRefused",
    "PaymentServed",
    "PaymentServing",
    "PaymentUnderWay",
    "PaymentUnsettled",
    "PendingTransactions",
    "PeriodLimitReached",
    "PeriodsNotStated",
    "PlanAlreadyAttached",
    "PlanAlreadyRegistered",
    "PlanNotAccepted",
    "PlanNotActive",
    "PlanNotAttached",
    "PlanNotReadYet",
    "QuotaReached",
    "QuoteFailed",
    "QuoteWithoutReceivers",
    "QuoterWithoutCode",
    "ReceiptMismatch",
    "ReceiptSignatureInvalid",
    "ReceiptUnavailable",
    "RecordInUse",
    "RecordNotWritable",
    "RecordNotWritten",
    "RedeemNotAllowed",
    "RedeemOutOfRange",
    "ReferenceUsed",
    "RenamedParameter",
    "ReorgTooDeep",
    "RequestAboveLimit",
    "RequestRefused",
    "RequestRunning",
    "RevertedWithReason",
    "RevertedWithoutReason",
    "RpcFailed",
    "SecondFollower",
    "SecondSettler",
    "SecretInMetadata",
    "ServiceNotCovered",
    "ServiceUnknown",
    "SessionMissing",
    "SettlementsNotAccepted",
    "SignInExpired",
    "SignInMismatch",
    "SignInNotYetValid",
    "SignInSignatureInvalid",
    "SignatureError",
    "SignatureNeedsChain",
    "StatementMismatch",
    "StorageError",
    "SuspiciousGrant",
    "SuspiciousPrice",
    "TargetExists",
    "TermNotAllowed",
    "TokenCannotSign",
    "TokenWithoutCode",
    "TooManyAuthorities",
    "TooManyOpenRequests",
    "TooManyPayments",
    "TooManyPlans",
    "TooManyReleases",
    "TooManyRequests",
    "TooManySplits",
    "TooManyTokens",
    "TooManyVouchers",
    "TooMuchGas",
    "TransactionError",
    "TransactionReplaced",
    "TransferAlreadyUsed",
    "TransferExpired",
    "TransferMismatch",
    "TransferNotYetValid",
    "TransferRefused",
    "TransferSignatureInvalid",
    "TrialAlreadyTaken",
    "TrialOrderedForOther",
    "UnknownEndpoint",
    "UnknownNetwork",
    "UnknownPlan",
    "UnsafeFileName",
    "UnverifiableUri",
    "UpstreamBusy",
    "UpstreamError",
    "UpstreamFailed",
    "UpstreamTooSlow",
    "UpstreamUnreachable",
    "ViewTooOld",
    "ViewUnusable",
    "VoucherAlreadySettled",
    "VoucherBeforeRestore",
    "VoucherExpired",
    "VoucherMismatch",
    "VoucherSignatureInvalid",
    "WalletChangedItsMind",
    "WalletNotDeployable",
    "WalletNotDeployed",
    "WindowClosed",
    "WouldSucceedNow",
    "WrongChain",
    "WrongDatabase",
    "WrongKind",
    "WrongValue",
    "ZeroAmount",
    "ZeroCredits",
    "ZeroDuration",
    "list_errors",
]
