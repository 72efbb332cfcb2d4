"""What the page of a new plan sends: the seller's choices as typed, and what the seller has reviewed."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Text = Annotated[str, Meta(max_length=100)]
"""A short text, such as a number or an address."""
LongText = Annotated[str, Meta(max_length=20_000)]
"""A text of the metadata. Which of them are too long is told beside their fields."""


class ReceiverBody(Struct, forbid_unknown_fields=True):
    """Who is paid, and how much of the price in whole tokens."""

    address: Text
    amount: Text


class PlanBody(Struct, rename="camel", forbid_unknown_fields=True):
    """The choices of a seller. An empty text leaves a term to the template.

    ``account`` registers the plan. ``token`` is ``USDC``, ``ETH`` for the native coin, the address of a token, or ``free``.
    """

    account: Text
    template: Text
    kind: Literal["credits", "time", "usage"]
    token: Text
    name: LongText = ""
    description: LongText = ""
    author: LongText = ""
    price: Text = ""
    receivers: Annotated[list[ReceiverBody], Meta(max_length=64)] = []
    grants: Text = ""
    period: Text = ""
    starts: Literal["purchase", "first-use"] = "purchase"
    least_per_request: Text = ""
    most_per_request: Text = ""
    expires: Text = ""
    rule: Literal["holder", "redeemer", "owner"] = "holder"
    trial: bool = False
    transferable: bool = False
    lets_gateway_settle: bool = True
    allow_tiny_price: bool = False
    allow_small_grant: bool = False


class ReviewedBody(Struct, rename="camel", forbid_unknown_fields=True):
    """What the page has shown in the review, so that nothing else is sent. ``metadata`` is the SHA-256 hash of the plan's URI."""

    plan_id: Text
    salt: Text
    fee_bps: Annotated[int, Meta(ge=0, le=65_535)]
    metadata: Text


class RegistrationBody(Struct, rename="camel", forbid_unknown_fields=True):
    """What ``POST /seller/api/drafts/registration`` takes: the choices once more, and what was reviewed."""

    plan: PlanBody
    reviewed: ReviewedBody


class StepBody(Struct, rename="camel", forbid_unknown_fields=True):
    """What ``POST /seller/api/drafts/steps`` takes. ``what`` is a transaction that lets the gateway serve on the plan."""

    account: Text
    plan_id: Text
    what: Literal["settle", "attach"]
    agent: Text = ""
    least: Text = ""
    most: Text = ""
