"""What the documentation names: errors, events, kinds and results, limits, terms and vouchers."""

from dataclasses import dataclass

from tests.assurance.invariants.abi import Value, encode, selector, topic

CREDITS, TIME, USAGE = range(3)
ON_PURCHASE, ON_FIRST_USE = range(2)
HOLDER, REDEEMER, OWNER = range(3)
SETTLED, SHORT, EXPIRED, ALREADY_SETTLED, NOT_SIGNED = range(5)

NEVER = 2**255
"""Expiry of what does not expire."""
MAX_CREDITS = 2**54 - 1
MAX_EXPIRING_CREDITS = 2**53 - 1
MAX_PERIODS = 2**64 - 1
"""Of one grant on a plan whose periods start on purchase."""
MAX_TOTAL = 2**64 - 1
"""What an item of a settlement can name."""
MAX_QUANTITY = 2**32 - 1
MAX_SPLITS = 16
MAX_FEE_BPS = 1000
BPS = 10_000
ISOLATED_GAS = 200_000
MAX_QUOTE = 2**128 - 1
COIN = 0
"""In place of a token: the chain's native coin."""

ERRORS = {
    signature.partition("(")[0]: signature
    for signature in (
        "PlanAlreadyRegistered(uint256)",
        "ZeroCredits()",
        "ZeroDuration()",
        "TermNotAllowed(bytes32)",
        "InvalidRedeemRange(uint256,uint256)",
        "TooManySplits(uint256,uint256)",
        "InvalidSplit(uint256,address,uint256)",
        "TokenWithoutCode(address)",
        "QuoterWithoutCode(address)",
        "QuoteWithoutReceivers()",
        "FeeAboveMax(uint256,uint256)",
        "UnknownPlan(uint256)",
        "PlanNotActive(uint256)",
        "WrongKind(uint256,uint8)",
        "PaidExternally(uint256)",
        "NotPlanOwner(uint256,address)",
        "NotPendingPlanOwner(uint256,address)",
        "InvalidQuantity(uint256,uint256)",
        "CostAboveMax(uint256,uint256)",
        "QuoteFailed(uint256,address)",
        "AuthorizationFailed(address,address,uint256)",
        "WrongValue(uint256,uint256)",
        "PaymentFailed(address,address,address,uint256)",
        "TrialAlreadyTaken(uint256,address)",
        "TrialOrderedForOther(uint256,address,address)",
        "NotMinter(uint256,address)",
        "ZeroAmount()",
        "ReferenceUsed(uint256,bytes32)",
        "CreditsOverflow(uint256,address,uint256)",
        "InsufficientCredits(uint256,address,uint256,uint256)",
        "RedeemNotAllowed(uint256,address,address)",
        "RedeemOutOfRange(uint256,uint256,uint256,uint256)",
        "NotRedeemable(uint256)",
        "NotRedeemer(uint256,address)",
        "SettlementsNotAccepted(uint256)",
        "NotTransferable(uint256)",
        "NotSelf(address)",
        "FeeAboveCap(uint256,uint256)",
        "InvalidFeeReceiver(address)",
        "OwnableUnauthorizedAccount(address)",
        "ERC1155InvalidReceiver(address)",
        "ERC1155InvalidOperator(address)",
        "ERC1155InvalidArrayLength(uint256,uint256)",
        "ERC1155MissingApprovalForAll(address,address)",
    )
}
TERMS = "(uint8,uint8,address,(address,uint96)[],address,bool,uint32,uint32,uint32,uint32,uint8,bool,bool)"
EVENTS = {
    signature.partition("(")[0]: signature
    for signature in (
        f"PlanRegistered(uint256,address,{TERMS},bytes32,uint16)",
        "PlanActiveSet(uint256,bool)",
        "RedeemerSet(uint256,address,address,bool)",
        "MinterSet(uint256,address,address,bool)",
        "PlanOwnershipOffered(uint256,address,address)",
        "PlanOwnershipTransferred(uint256,address,address)",
        "Ordered(uint256,address,address,uint256,uint256)",
        "UsagePaid(uint256,address,uint256,uint256,bytes32)",
        "GrantedExternal(uint256,address,uint256,bytes32)",
        "AccessChanged(uint256,address,uint256)",
        "FeeForgone(uint256,address,uint256)",
        "MintSkipped(uint256,address,uint256,bytes4)",
        "Redeemed(uint256,address,address,uint256,bytes32)",
        "Settled(uint256,address,uint256,uint256)",
        "NotFullySettled(uint256,address,uint256,uint8)",
        "ProtocolFeeSet(uint16,address)",
        "TransferSingle(address,address,address,uint256,uint256)",
        "TransferBatch(address,address,address,uint256[],uint256[])",
        "ApprovalForAll(address,address,bool)",
        "URI(string,uint256)",
    )
}

RawEvent = tuple[tuple[int, ...], bytes]
"""Topics and data, as the chain has them."""
Expected = set[RawEvent]
"""One event; several where the documentation leaves open which."""


@dataclass(frozen=True)
class Fault:
    """One error of the contract, with its arguments."""

    name: str
    arguments: tuple[int, ...]

    @property
    def data(self) -> bytes:
        """What a revert with it carries."""
        return selector(ERRORS[self.name]) + encode(*(argument % 2**256 for argument in self.arguments))


class Refused(Exception):
    """The operation has to fail with one of these errors; those the documentation lists first come first."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(", ".join(f"{fault.name}{tuple(map(hex, fault.arguments))}" for fault in faults))
        self.faults = faults


def event(name: str, indexed: tuple[int, ...], *data: Value) -> Expected:
    """Return an event of which everything is known."""
    return {((topic(EVENTS[name]), *indexed), encode(*data))}


@dataclass(frozen=True)
class Terms:
    """The terms of a plan, in the contract's order."""

    kind: int
    activation: int
    token: int
    splits: tuple[tuple[int, int], ...]
    quoter: int
    paid_externally: bool
    credits: int
    duration: int
    min_redeem: int
    max_redeem: int
    rule: int
    trial: bool
    transferable: bool

    def as_value(self) -> tuple:
        """Return the terms as the ABI encodes them."""
        head = (self.kind, self.activation, self.token, list(self.splits), self.quoter, self.paid_externally)
        tail = (self.credits, self.duration, self.min_redeem, self.max_redeem, self.rule, self.trial, self.transferable)
        return head + tail

    @property
    def is_redeemed(self) -> bool:
        """Whether something is redeemed on such a plan."""
        return self.kind == CREDITS or (self.kind == TIME and self.activation == ON_FIRST_USE)

    @property
    def opens_at_once(self) -> bool:
        """Whether a purchase is a window at once."""
        return self.kind == TIME and self.activation == ON_PURCHASE

    @property
    def expires(self) -> bool:
        """Whether credits expire."""
        return self.kind == CREDITS and self.duration > 0


@dataclass(frozen=True)
class SettlementItem:
    """One item of a settlement: what is brought, and what was really signed, by which key, for whom and for which chain."""

    holder: int
    total: int
    ceiling: int
    context: int
    deadline: int
    signer: int
    """0 where there is no signature."""
    signed: tuple[int, int, int, int, int, int]
    chain_id: int
    form: int
