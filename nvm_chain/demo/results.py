"""Results of the demo: its steps, and its final balances."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypedDict

from eth_typing import ChecksumAddress

from nvm_chain.errors import NvmChainError
from nvm_chain.errors.fields import AgentId, Coin, Credits, Money, Name, Number, Phrase, PlanId, Quantity, Verbatim
from nvm_chain.types.receipts import SettlementOutcome

TENTH: Final = Decimal("0.1")


class NotRefused(NvmChainError):
    """Raised when the chain or the gateway accepts a forbidden attempt of the demo."""

    attempt: Phrase

    problem = "{attempt} was not refused."
    next_step = "Do not use this deployment, and please report it."


class HttpRefusal(NvmChainError):
    """Raised when the gateway of the demo refuses a request. The fields are from its answer."""

    name: Name
    reason: Verbatim
    remedy: Verbatim

    problem = "{reason}"
    next_step = "{remedy}"


def find_error_name(error: NvmChainError | None) -> str:
    """Return the name of an error, or of the error that a gateway answered."""
    return error.name if isinstance(error, HttpRefusal) else type(error).__name__


class DemoFailed(NvmChainError):
    """Raised when something that the demo shows comes out in another way."""

    what: Phrase

    problem = "{what}."
    next_step = "Run the demo again, and please report it if that does not help."


@dataclass(frozen=True, slots=True)
class Step:
    """Completed step of the demo.

    ``error`` is the error of a refused attempt. ``opens`` is the title of the act that begins with the step.
    """

    actor: str
    action: str
    outcome: str
    error: NvmChainError | None = None
    opens: str = ""

    @property
    def by_gateway(self) -> bool:
        """Whether the gateway refused the attempt, and not the chain."""
        return isinstance(self.error, HttpRefusal)

    @property
    def error_name(self) -> str:
        """The name of the error with which the attempt was refused."""
        return find_error_name(self.error)

    def __str__(self) -> str:
        """Return the step as a sentence."""
        return f"The {self.actor} {self.action}: {self.outcome}."


@dataclass(frozen=True, slots=True)
class MeteredResult:
    """Result of the second act: the metered plan, and its vouchers. One transaction settles them."""

    plan_id: PlanId
    price_paid: Money
    """Price that the subscriber paid for the order, in base units of USDC."""
    gas_paid_wei: Coin
    """Coins that the subscriber paid for gas in the whole act, in wei."""
    credits_granted: Credits
    """Credits that the order granted to the subscriber."""
    vouchers_signed: Quantity
    """Number of the subscriber's vouchers, one for each request."""
    vouchers_checked: Quantity
    """Number of signatures that the builder checked: all, or only the last one without coincurve."""
    signing_milliseconds: Quantity
    checking_milliseconds: Quantity
    outcomes: tuple[SettlementOutcome, ...]
    """Outcomes of the settlement. The subscriber's voucher comes first."""
    repeated: tuple[SettlementOutcome, ...]
    """Outcomes of a second settlement, with used vouchers and a forged voucher."""
    credits_left: Credits
    """Remaining credits of the subscriber: granted - settled."""

    @property
    def requests(self) -> int:
        """Requests of all holders that the settlement paid for, at one credit each."""
        return sum(outcome.amount for outcome in self.outcomes)


@dataclass(frozen=True, slots=True)
class ServedResult:
    """Result of the third act: a service behind a gateway, the requests that were paid, and their settlement."""

    plan_id: PlanId
    agent_id: AgentId
    gateway: str
    """URL that the gateway had."""
    service: str
    """URL that the service behind it had."""
    price_paid: Money
    """Price that the subscriber paid for the order, in base units of USDC."""
    requests: Quantity
    """Number of paid requests that the service answered."""
    milliseconds: Quantity
    """Time from the first of them to the last, signatures and checks included."""
    credits_settled: Credits
    """Credits that the settlement took, by its event on the chain."""
    credits_charged: Credits
    """Credits that the requests cost, by the gateway's books."""
    credits_taken: Credits
    """Credits that the gateway's key took, by the gateway's books."""
    differences: Quantity
    """Number of differences between the books, the index and the chain."""
    credits_left: Credits
    """Remaining credits of the subscriber: granted - settled."""


class Balances(TypedDict):
    """Final balances of an account: base units of USDC, and credits of both plans."""

    usdc: Money
    credits: Credits
    metered_credits: Credits


@dataclass(frozen=True, slots=True)
class DemoResult:
    """Result of the demo. Every number is read from the chain. Money is in base units of ``usdc``."""

    chain: str
    """Name of the chain: ``eth-tester``, or the node's URL without secrets."""
    chain_id: Number
    credits_contract: ChecksumAddress
    usdc: ChecksumAddress
    accounts: Mapping[str, ChecksumAddress]
    """Addresses of the accounts, by role."""
    plan_id: PlanId
    price_paid: Money
    """Price that the subscriber paid for the order."""
    receivers: Mapping[ChecksumAddress, Money]
    """Receivers of the price, with their amounts."""
    credits_granted: Credits
    """Credits that the order granted to the subscriber."""
    credits_minted: Credits
    credits_redeemed: Credits
    credits_burned: Credits
    credits_left: Credits
    """Remaining credits of the subscriber: granted + minted - redeemed - burned."""
    metered: MeteredResult
    """Result of the second act."""
    served: ServedResult | None
    """Result of the third act. None if it was left out, because it needs the extra ``gateway``."""
    balances: Mapping[str, Balances]
    """Final balances, by role."""
    gas: Mapping[str, Quantity]
    """Gas of the last transaction of each operation. ``approve`` and ``transfer_from`` together are a plain payment."""
    transactions: Mapping[str, tuple[str, ...]]
    """Transaction hashes of each operation, in order."""
    refusals: tuple[Step, ...]

    def __str__(self) -> str:
        """Return the result as a short text."""
        metered = self.metered
        return (
            f"Plan {self.plan_id:#066x}: {self.price_paid} base units of USDC paid, {self.credits_granted} credits granted, "
            f"{self.credits_left} left. Plan {metered.plan_id:#066x}: {metered.vouchers_signed} requests by voucher, settled "
            f"for {self.gas_per_request['settle_subscriber']} gas each. {len(self.refusals)} attempts refused."
        )

    @property
    def order_overhead(self) -> int:
        """Extra gas of the order over a plain payment of its price, which is an approval and a transfer."""
        return self.gas["order"] - self.gas["approve"] - self.gas["transfer_from"]

    @property
    def settlement_share(self) -> int:
        """Gas of the subscriber's voucher in the settlement. Each voucher has an equal share of the gas."""
        return self.gas["settle"] // len(self.metered.outcomes)

    @property
    def gas_per_request(self) -> Mapping[str, Decimal]:
        """Gas of one request: by redemption, by settlement over all holders, and by settlement for the subscriber."""
        return {
            "redeem": _per_request(self.gas["redeem"], 1),
            "settle": _per_request(self.gas["settle"], self.metered.requests),
            "settle_subscriber": _per_request(self.settlement_share, self.metered.vouchers_signed),
            **({"settle_served": _per_request(self.gas["settle_served"], self.served.requests)} if self.served else {}),
        }


def _per_request(gas: int, requests: int) -> Decimal:
    return (Decimal(gas) / requests).quantize(TENTH)
