"""What a paid answer cost, as its header PAYMENT-RESPONSE says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from nvm_chain.client.wire import TransferTold, read_payment_response, read_transfer_response
from nvm_chain.errors.fields import Credits, PlanId


class Answered(Protocol):
    """An answer of requests or of httpx."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the answer."""


@dataclass(frozen=True, slots=True)
class Payment:
    """What a request cost. ``was_charged`` is False if the service did not serve it.

    ``hold`` names the request at the gateway, for ``GET /receipts/<hold>``. For a cost that is known only after the answer's
    body, ``credits`` is the highest cost.
    """

    was_charged: bool
    credits: Credits
    payer: str
    plan_id: PlanId | None
    hold: str | None


def find_payment(answer: Answered | Any) -> Payment | None:
    """Return what an answer of requests or httpx cost. None if it was not paid for. No network.

    >>> from types import SimpleNamespace
    >>> find_payment(SimpleNamespace(headers={})) is None
    True
    """
    told = read_payment_response(answer.headers)
    return None if told is None else Payment(told.success, told.amount, told.payer, told.plan_id, told.hold)


def find_transfer(answer: Answered | Any) -> TransferTold | None:
    """Return what an answer says of the transfer that paid for it: its transaction, chain and payer. None if it says nothing.

    >>> from types import SimpleNamespace
    >>> find_transfer(SimpleNamespace(headers={})) is None
    True
    """
    return read_transfer_response(answer.headers)
