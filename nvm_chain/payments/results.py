"""Results of the Payments API, under the names that the documents give them and their fields."""

from decimal import Decimal
from typing import Any, ClassVar, NotRequired, TypedDict, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from nvm_chain.payments.ddo import PlanType

Item = TypeVar("Item")


class Answer:
    """Looks like an HTTP response, for code that expects one.

    It always means success, because a failure raises an error.
    """

    status_code: ClassVar[int] = 200
    ok: ClassVar[bool] = True

    def raise_for_status(self) -> None:
        """Do nothing: what goes wrong raises an NvmChainError at once."""


class Result(Answer, BaseModel):
    """A result with fields, as attributes and as ``result["field"]``; ``json()`` is a dictionary that JSON can hold."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="ignore")

    def json(self) -> dict[str, Any]:  # type: ignore[override]  # as of a response; pydantic's own is model_dump_json
        """Return the fields under the names of the documents."""
        return self.model_dump(by_alias=True, mode="json")

    def __getitem__(self, name: str) -> Any:
        """Return a field under either of its names. Raises KeyError."""
        return {**self.model_dump(), **self.model_dump(by_alias=True)}[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return a field under either of its names, or ``default``."""
        return self[name] if name in self else default  # noqa: SIM401  it is its own definition

    def __contains__(self, name: object) -> bool:
        """Tell whether there is such a field."""
        return name in self.json() or name in type(self).model_fields

    def keys(self) -> list[str]:
        """Return the names of the fields, as in the documents."""
        return list(self.json())


class Ddo(dict[str, Any], Answer):
    """A DDO, or details of an asset: a dictionary."""

    def json(self) -> dict[str, Any]:
        """Return the plain dictionary."""
        return dict(self)


class DidList(list[str], Answer):
    """DIDs: a list."""

    def json(self) -> list[str]:
        """Return the plain list."""
        return list(self)


class CreateAssetResultDto(Result):
    """What was registered, and in which transaction."""

    did: str
    txHash: str = ""  # noqa: N815  as the documents spell fields


class BalanceResultDto(Result):
    """What an account has on a plan: credits, or on a time plan periods; ``isSubscriptor`` is whether it has access now."""

    planType: PlanType  # noqa: N815
    isOwner: bool  # noqa: N815
    isSubscriptor: bool  # noqa: N815
    balance: int


class OrderPlanResultDto(Result):
    """An order that was made. Its id is the caller's name for it, or its transaction if it has no name."""

    agreementId: str  # noqa: N815
    success: bool
    txHash: str = ""  # noqa: N815


class UsageResultDto(Result):
    """A payment for a request. ``amount`` is what was paid, in base units, as text."""

    success: bool
    amount: str
    txHash: str = ""  # noqa: N815


class MintResultDto(Result):
    """Credits that were minted. ``userOpHash`` is the transaction."""

    userOpHash: str  # noqa: N815
    success: bool
    amount: str


class BurnResultDto(Result):
    """Credits that were burned. ``userOpHash`` is the transaction."""

    userOpHash: str  # noqa: N815
    success: bool
    amount: str


class DownloadFileResultDto(Result):
    """Files that were downloaded, and the transaction that spent credits for them; empty if none had to."""

    success: bool
    files: tuple[str, ...] = ()
    txHash: str = ""  # noqa: N815


class ServiceTokenResultDto(Result):
    """What to send to a service: a token that is a signed voucher, and the URL of the gateway in front of it."""

    accessToken: str  # noqa: N815
    neverminedProxyUri: str  # noqa: N815


class PlanBalance(Result):
    """What an account has on a plan. ``price_per_credit`` is in base units of the plan's token, exact.

    It is None where a contract names the price of each order, or the plan is paid outside the chain.
    """

    plan_id: str = Field(alias="planId")
    plan_name: str = Field(alias="planName")
    plan_type: PlanType = Field(alias="planType")
    holder_address: str = Field(alias="holderAddress")
    balance: int
    credits_contract: str = Field(alias="creditsContract")
    is_subscriber: bool = Field(alias="isSubscriber")
    is_owner: bool = Field(alias="isOwner")
    access_until: int = Field(alias="accessUntil")
    price_per_credit: Decimal | None = Field(alias="pricePerCredit")


class Done(TypedDict):
    """A change that was made."""

    success: bool
    txHash: str


class Registered(Done):
    """What was registered: a plan, an agent, or both; of both ``txHash`` is the agent's transaction."""

    planId: NotRequired[str]
    agentId: NotRequired[str]
    planTxHash: NotRequired[str]


class PlanOrdered(Done):
    """A plan that was ordered: ``paid`` in base units, ``credits`` as granted."""

    planId: str
    agreementId: str
    paid: str
    credits: int


class UsagePaid(Done):
    """A payment for a request: ``paid`` in base units, for so many units."""

    planId: str
    paid: str
    quantity: int


class CreditsMoved(Done):
    """Credits that were minted, burned or redeemed."""

    planId: str
    amount: str


class Page(TypedDict):
    """A page of a list: how many there are in all, and which page this is, counted from 1."""

    total: int
    page: int
    offset: int


class PlanPage(Page):
    """Plans of an agent."""

    plans: list[dict[str, Any]]


class AgentPage(Page):
    """Agents of a plan."""

    agents: list[dict[str, Any]]


def take_page(items: list[Item], page: int, size: int) -> list[Item]:
    """Return a page of a list, pages counted from 1.

    >>> take_page([1, 2, 3], 2, 2)
    [3]
    """
    return items[(page - 1) * size : page * size]
