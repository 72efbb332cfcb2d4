"""Problems of a seller's choices, each with the field of the page that it is about."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from msgspec import json

from nvm_chain.errors import InputError, NoContract, NvmChainError, SuspiciousGrant, SuspiciousPrice
from nvm_chain.errors.formatting import count, format_money
from nvm_chain.gateway.refusals import Refusal

REFUSED: Final = 422
"""The status of choices that have to be corrected."""
LABELS: Final[Mapping[str, str]] = {
    "template": "the template",
    "grants": "what a purchase gives",
    "per_request": "the credits of a request",
    "expires": "the expiry",
    "period": "the length of a period",
    "starts": "the start of a period",
    "usage": "usage",
    "rule": "who may redeem",
    "trial": "the trial",
    "transferable": "that credits may be sent to others",
    "allow_small_grant": "the small grant",
}
"""How the page calls the fields of a choice."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a field of the page."""

    field: str
    error: NvmChainError

    def tell(self) -> dict[str, str]:
        """Return the problem for the page: the field, the type of the error, and sentences."""
        return {"field": self.field, "type": type(self.error).__name__, "message": explain(self.error)}


class ChoicesRefused(Exception):
    """Choices that cannot become a plan."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(len(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class About:
    """A ``with`` block about one field. It ends with its first error, which is noted."""

    found: list[Problem]
    field: str

    def __enter__(self) -> None:
        """Begin the block."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        """Note what is wrong with the field. Every other error goes on."""
        if not isinstance(error, InputError | NoContract):
            return False
        self.found.append(Problem(self.field, error))
        return True


class Problems:
    """Collects problems, so that the page shows all at once."""

    def __init__(self) -> None:
        """Begin without problems."""
        self._found: list[Problem] = []

    def about(self, field: str) -> "About":
        """Return a ``with`` block whose error is noted as a problem of a field."""
        return About(self._found, field)

    @property
    def count(self) -> int:
        """How many problems there are."""
        return len(self._found)

    def check(self) -> None:
        """Raise ChoicesRefused if there are problems."""
        if self._found:
            raise ChoicesRefused(self._found)


def refuse_choices(refused: ChoicesRefused) -> Refusal:
    """Return the answer to choices that have to be corrected, in the form of all refusals, with all problems."""
    problems = [problem.tell() for problem in refused.problems]
    first = problems[0]
    told: dict[str, Any] = {
        "error": first["message"],
        "nvm": {"type": first["type"], "message": first["message"]},
        "problems": problems,
    }
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    return Refusal(REFUSED, headers, json.encode(told))


def explain(error: NvmChainError) -> str:
    """Return what is wrong and what to do, for people in front of the page."""
    if isinstance(error, SuspiciousPrice):
        paid = format_money(error.amount, error.symbol, error.decimals)
        return (
            f"Somebody would be paid only {paid} for a purchase. Prices are in whole tokens here. "
            "If the price is meant to be so low, tick the box below it."
        )
    if isinstance(error, SuspiciousGrant):
        return (
            f"One purchase would give {count(error.credits, 'credit')}, but a request takes at least {error.min_redeem:,}. "
            "If a holder should need several purchases for a request, tick the box below."
        )
    text = " ".join(filter(None, error.describe()))
    return text[:1].upper() + text[1:]
