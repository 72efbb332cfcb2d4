"""From a long history at whose end model and contract differ to the few steps that show the difference, with names for numbers."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.assurance.invariants.engine import KEY_NAMES, Engine, keys
from tests.assurance.invariants.facts import Terms
from tests.assurance.invariants.histories import Step

Fails = Callable[[Sequence[Step]], bool]


def shrink(steps: Sequence[Step], fails: Fails, seconds: float) -> list[Step]:
    """Leave out what can be left out, in ever smaller pieces, until no single step can go or the time is over."""
    kept, size, end = list(steps), max(1, len(steps) // 2), time.monotonic() + seconds
    while time.monotonic() < end:
        shorter = _leave_out(kept, size, fails, end)
        if len(shorter) == len(kept) and size == 1:
            break
        kept, size = shorter, max(1, size // 2)
    return kept


def _leave_out(steps: list[Step], size: int, fails: Fails, end: float) -> list[Step]:
    """Try without each piece, from the last to the first; what matters least comes last."""
    kept = steps
    for start in range((len(steps) - 1) // size * size, -1, -size):
        tried = kept[:start] + kept[start + size :]
        if tried and time.monotonic() < end and fails(tried):
            kept = tried
    return kept


@dataclass
class Names:
    """Says who and which plan a number is."""

    known: dict[int, str]

    @classmethod
    def of(cls, engine: Engine, plan_ids: Sequence[int]) -> "Names":
        """Name everybody and everything that an engine has, and plans by the order of their registration."""
        named = dict(zip(keys(), KEY_NAMES, strict=True))
        named |= {
            engine.issuer: "issuer",
            engine.credits: "Credits",
            engine.token: "TestUSDC",
            engine.wallet: "wallet",
            engine.no_hook: "NoHook",
            engine.rejects_coin: "RejectsCoin",
            engine.quoter: "quoter",
        }
        return cls(named | {plan_id: f"plan {number}" for number, plan_id in enumerate(plan_ids, 1)})

    def show(self, step: Step) -> str:
        """Return a step for a human."""
        what = ", ".join(self._value(argument) for argument in step.arguments)
        return f"{self._value(step.caller)}: {step.name}({what})"

    def replace(self, text: str) -> str:
        """Return a message with names in place of the long numbers in it, decimal or hex."""
        for number, name in self.known.items():
            text = text.replace(f"{number:#x}", name).replace(str(number), name)
        return text

    def _value(self, value: object) -> str:
        if isinstance(value, Terms):
            fields = ", ".join(f"{name}={self._value(each)}" for name, each in vars(value).items() if each)
            return f"Terms({fields})"
        if isinstance(value, tuple | list):
            return f"[{', '.join(map(self._value, value))}]"
        if isinstance(value, int) and not isinstance(value, bool):
            return self.known.get(value) or (hex(value) if value >= 2**64 else str(value))
        return str(value) if not hasattr(value, "__dict__") else self._value(tuple(vars(value).values()))
