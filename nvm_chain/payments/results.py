"""Results of the Payments API. Classes and fields have the names of the documents."""

from decimal import Decimal
from typing import Any, ClassVar, NotRequired, TypedDict, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from nvm_chain.payments.ddo import PlanType

Item = TypeVar("Item")


class Answer:
    """Stand-in for an HTTP response, for code that expects a response.

    It always means success, because a failure raises an error.
    """

    status_code: ClassVar[int] = 200
    ok: ClassVar[bool] = True

    def raise_for_status(self) -> None:
        """Do nothing. A failed call has raised an NvmChainError already."""


class Result(Answer, BaseModel):
    """Result with fields. Read a field as an attribute or as ``result["field"]``. ``json()`` returns a dictionary."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="ignore")

    def json(self) -> dict[str, Any]:  # type: ignore[override]  # as of a response; pydantic's own is model_dump_json
        """Return the fields under the names of the documents."""
        return self.model_dump(by_alias=True, mode="json")

    def __getitem__(self, name: str) -> Any:
        """Return a field by its Python name or its documented name. Raises KeyError."""
        return {**self.model_dump(), **self.model_dump(by_alias=True)}[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return a field by its Python name or its documented name, or ``default``."""
        return self[name] if name in self else default  # noqa: SIM401  it is its own definition

    def __contains__(self, name: object) -> bool:
        """Return whether the result has a field of this name."""
        return name in self.json() or name in type(self).model_fields

    def keys(self) -> list[str]:
        """Return the documented names of the fields."""
        return list(self.json())


class Ddo(dict[str, Any], Answer):
    """DDO or details of an asset, as a dictionary."""

    def json(self) -> dict[str, Any]:
        """Return the plain dictionary."""
        return dict(self)


class DidList(list[str], Answer):
    """List of DIDs."""

    def json(self) -> list[str]:
        """Return the plain list."""
        return list(self)


class CreateAssetResultDto(Result):
    """Id of a registered plan or asset, and the transaction of the registration."""

    did: str
    txHash: str = ""  # noqa: N815  as the documents spell fields


class BalanceResultDto(Result):
    """Balance of an account on a plan: credits, or periods on a time plan.

    ``isSubscriptor`` says whether the account has a balance or an open access window.
    """

    planType: PlanType  # noqa: N815
    isOwner: bool  # noqa: N815
    isSubscriptor: bool  # noqa: N815
    balance: int


class OrderPlanResultDto(Result):
    """Result of an order. Its id is the name of the order, or the transaction of an order without a name."""

    agreementId: str  # noqa: N815
    success: bool
    txHash: str = ""  # noqa: N815


class UsageResultDto(Result):
    """Result of a payment for a request. ``amount`` is the paid amount in base units, as text."""

    success: bool
    amount: str
    txHash: str = ""  # noqa: N815


class MintResultDto(Result):
    """Result of a mint. ``userOpHash`` is the hash of the transaction."""

    userOpHash: str  # noqa: N815
    success: bool
    amount: str


class BurnResultDto(Result):
    """Result of a burn. ``userOpHash`` is the hash of the transaction."""

    userOpHash: str  # noqa: N815
    success: bool
    amount: str


class DownloadFileResultDto(Result):
    """Downloaded files, and the transaction that spent the credits. The transaction is empty for a free download."""

    success: bool
    files: tuple[str, ...] = ()
    txHash: str = ""  # noqa: N815


class ServiceTokenResultDto(Result):
    """Token for a service, which is a signed voucher, and the URL of the gateway in front of the service."""

    accessToken: str  # noqa: N815
    neverminedProxyUri: str  # noqa: N815


class PlanBalance(Result):
    """Balance of an account on a plan. ``price_per_credit`` is the exact price in base units of the plan's token.

    ``price_per_credit`` is None if a contract sets the price of each order, or if buyers pay outside the chain.
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
    """Result of a change on the chain: whether it succeeded, and its transaction hash."""

    success: bool
    txHash: str


class Registered(Done):
    """Ids of a registered plan, a registered agent, or both. If both, ``txHash`` is the transaction of the agent."""

    planId: NotRequired[str]
    agentId: NotRequired[str]
    planTxHash: NotRequired[str]


class PlanOrdered(Done):
    """Result of an order: the cost ``paid`` in base units, and the granted ``credits``."""

    planId: str
    agreementId: str
    paid: str
    credits: int


class UsagePaid(Done):
    """Result of a payment for a request: the cost ``paid`` in base units, and the number of units."""

    planId: str
    paid: str
    quantity: int


class CreditsMoved(Done):
    """Result of a mint, burn or redemption: the number of credits."""

    planId: str
    amount: str


class Page(TypedDict):
    """Page of a list: the total number of items, and the number of this page from 1."""

    total: int
    page: int
    offset: int


class PlanPage(Page):
    """Page of the plans of an agent."""

    plans: list[dict[str, Any]]


class AgentPage(Page):
    """Page of the agents of a plan."""

    agents: list[dict[str, Any]]


def take_page(items: list[Item], page: int, size: int) -> list[Item]:
    """Return one page of a list. Pages count from 1.

    >>> take_page([1, 2, 3], 2, 2)
    [3]
    """
    return items[(page - 1) * size : page * size]
