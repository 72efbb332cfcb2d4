"""Invalid arguments: addresses, amounts, ids, settings and signed messages."""

from nvm_chain.errors.families import InputError
from nvm_chain.errors.fields import (
    BaseUnits,
    Bytes,
    Credits,
    Given,
    GivenName,
    Name,
    Number,
    Others,
    Phrase,
    PlanId,
    Sentence,
)


class InvalidAddress(InputError):
    """Raised when an address is malformed, has a wrong checksum, or is zero where zero is not allowed."""

    name: Name
    value: Others
    reason: Phrase

    problem = "{name} {value} {reason}."
    next_step = "Copy the address again."


class InvalidAmount(InputError):
    """Raised when an amount is not exact, out of range, or has too many decimals."""

    value: GivenName
    reason: Phrase
    advice: Sentence = "Correct it. Nothing was sent"

    problem = "{value} {reason}."
    next_step = "{advice}."


class InvalidPlanId(InputError):
    """Raised when something is not a plan id in any spelling."""

    value: Given

    problem = "{value} is not a plan id."
    next_step = "Give the plan id as an integer, or as 64 hexadecimal digits after 0x or did:nv:."


class InvalidAgentId(InputError):
    """Raised when something is not an agent id in any spelling."""

    value: Given

    problem = "{value} is not an agent id."
    next_step = "Give the agent id as an integer from 1, or as 64 hexadecimal digits after 0x or did:nv:."


class IdOfAnotherKind(InputError):
    """Raised when an id is of another kind than the function needs, such as an agent id in place of a plan id."""

    given: Others
    kind: Name
    wanted: Name
    advice: Sentence

    problem = "{given} is the id of {kind}, not of {wanted}."
    next_step = "{advice}."


class InvalidConfig(InputError):
    """Raised when settings contradict each other, or one setting is impossible."""

    reason: Sentence
    advice: Sentence = "Correct it. Nothing was sent"

    problem = "{reason}."
    next_step = "{advice}."


class CostOutOfRange(InputError):
    """Raised when an agent would charge a cost that the plan does not allow, in credits for each request."""

    plan_id: PlanId
    min_credits: Credits
    max_credits: Credits
    min_redeem: Credits
    max_redeem: Credits

    problem = (
        "Plan {plan_id} allows {min_redeem:to max_redeem} for a request. "
        "The agent would charge {min_credits:to max_credits}."
    )
    next_step = "Give a cost that the plan allows."


class InvalidContext(InputError):
    """Raised when a redemption's context does not fit in 32 bytes."""

    size: Bytes

    problem = "The context has {size}, but a context can have at most 32."
    next_step = "Give a UUID, a hash, or a shorter request id."


class InvalidArgument(InputError, TypeError):
    """Raised when an argument is of another kind than the function needs, such as one voucher in place of a list."""

    function: Name
    parameter: Name
    given: Name
    advice: Sentence

    problem = "{function}() got {given} as the argument {parameter}."
    next_step = "{advice}."


class RenamedParameter(InputError, TypeError):
    """Raised when a call names a parameter that the function does not have, such as a parameter's former name."""

    function: Name
    was: Name
    advice: Sentence

    problem = "{function}() has no parameter {was}."
    next_step = "{advice}."


class InvalidMessage(InputError):
    """Raised when a text is not a signed message of the expected kind, in the exact form of this package."""

    kind: Name
    reason: Phrase

    problem = "This is not a {kind}: {reason}."
    next_step = "Ask the sender to send it again."


class SuspiciousGrant(InputError):
    """Raised when one purchase would grant fewer credits than the cheapest request takes.

    A holder could use the plan only after several orders, or after another grant.
    """

    credits: Credits
    min_redeem: Credits

    problem = "One purchase would grant {credits}, but a request takes at least {min_redeem}."
    next_step = (
        "Give a larger grant, or fewer credits for a request. If a holder should need several orders for a request, "
        "allow it with `allow_small_grant=True`."
    )


class SuspiciousPrice(InputError):
    """Raised when a price is below a thousandth of a token, or below a billionth of the native coin.

    Such a price is probably a mistake: ``20`` base units, where 20 USDC was meant. With several receivers, ``amount`` is
    the smallest part of the price.
    """

    amount: BaseUnits
    decimals: Number
    symbol: Name

    problem = "A price of {amount} is only {amount:decimal decimals} {symbol}."
    next_step = (
        "If you mean {amount:number} {symbol}, give {amount:number} * 10**{decimals} base units. If the price is "
        "right, allow it with `allow_tiny_price=True`."
    )
