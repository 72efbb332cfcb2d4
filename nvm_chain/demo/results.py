"""What the story tells while it happens, and what it came to in the end."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypedDict

from eth_typing import ChecksumAddress

from nvm_chain.errors import NvmChainError
from nvm_chain.errors.fields import Coin, Credits, Money, Number, PlanId, Quantity
from nvm_chain.types.receipts import SettlementOutcome

TENTH: Final = Decimal("0.1")


@dataclass(eq=False)
class NotRefused(NvmChainError):
    """Raised when the chain let something happen that it must refuse."""

    attempt: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.attempt} was not refused. Do not use this deployment, and please report it."


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the story, after it happened.

    ``error`` is the error of a step that had to be refused, ``opens`` the title of the act that the step opens.
    """

    actor: str
    action: str
    outcome: str
    error: NvmChainError | None = None
    opens: str = ""

    def __str__(self) -> str:
        """Tell the step in a sentence."""
        return f"The {self.actor} {self.action}: {self.outcome}."


@dataclass(frozen=True, slots=True)
class MeteredResult:
    """The result of the second act: a metered plan, used by vouchers that are settled in one transaction."""

    plan_id: PlanId
    price_paid: Money
    """What the order took from the subscriber, in base units of USDC."""
    gas_paid_wei: Coin
    """What the subscriber paid for gas in the whole act."""
    credits_granted: Credits
    """What the order gave the subscriber."""
    vouchers_signed: Quantity
    """One for each of the subscriber's requests."""
    vouchers_checked: Quantity
    """How many of these signatures the builder checked: all, or the last where only Python can do it."""
    signing_milliseconds: Quantity
    checking_milliseconds: Quantity
    outcomes: tuple[SettlementOutcome, ...]
    """What the settlement brought, the subscriber's voucher first."""
    repeated: tuple[SettlementOutcome, ...]
    """What settling once more brought, with vouchers that are settled already and one that is forged."""
    credits_left: Credits
    """What the subscriber has in the end: granted - settled."""

    @property
    def requests(self) -> int:
        """How many requests the settlement paid for, of all holders, at one credit each."""
        return sum(outcome.amount for outcome in self.outcomes)


class Balances(TypedDict):
    """What somebody has at the end: base units of USDC, and credits of both plans."""

    usdc: Money
    credits: Credits
    metered_credits: Credits


@dataclass(frozen=True, slots=True)
class DemoResult:
    """The result of the story, with every number read back from the chain. Money in base units of ``usdc``."""

    chain: str
    """``eth-tester``, or the node's URL without secrets."""
    chain_id: Number
    credits_contract: ChecksumAddress
    usdc: ChecksumAddress
    accounts: Mapping[str, ChecksumAddress]
    """Addresses by role."""
    plan_id: PlanId
    price_paid: Money
    """What the order took from the subscriber."""
    receivers: Mapping[ChecksumAddress, Money]
    """Who was paid how much by it."""
    credits_granted: Credits
    """What the order gave the subscriber."""
    credits_minted: Credits
    credits_redeemed: Credits
    credits_burned: Credits
    credits_left: Credits
    """granted + minted - redeemed - burned."""
    metered: MeteredResult
    """The second act."""
    balances: Mapping[str, Balances]
    """By role, at the end."""
    gas: Mapping[str, Quantity]
    """Gas used by operation, of its last transaction; ``approve`` and ``transfer_from`` are a plain ERC-20 payment."""
    transactions: Mapping[str, tuple[str, ...]]
    """Hashes by operation, in order."""
    refusals: tuple[Step, ...]

    def __str__(self) -> str:
        """Tell the result in a sentence."""
        metered = self.metered
        return (
            f"Plan {self.plan_id:#066x}: {self.price_paid} base units of USDC paid, {self.credits_granted} credits granted, "
            f"{self.credits_left} left. Plan {metered.plan_id:#066x}: {metered.vouchers_signed} requests by voucher, settled "
            f"for {self.gas_per_request['settle_subscriber']} gas each. {len(self.refusals)} attempts refused."
        )

    @property
    def order_overhead(self) -> int:
        """Gas that the order takes beyond the plain payment of its price, which is an approval and a transfer."""
        return self.gas["order"] - self.gas["approve"] - self.gas["transfer_from"]

    @property
    def settlement_share(self) -> int:
        """Gas of the settlement that falls to the subscriber's voucher: each voucher bears an equal part."""
        return self.gas["settle"] // len(self.metered.outcomes)

    @property
    def gas_per_request(self) -> Mapping[str, Decimal]:
        """Gas that a request of one credit took: redeemed on chain, and settled, over all holders and for the subscriber."""
        return {
            "redeem": _per_request(self.gas["redeem"], 1),
            "settle": _per_request(self.gas["settle"], self.metered.requests),
            "settle_subscriber": _per_request(self.settlement_share, self.metered.vouchers_signed),
        }


def _per_request(gas: int, requests: int) -> Decimal:
    return (Decimal(gas) / requests).quantize(TENTH)
