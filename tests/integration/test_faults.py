"""Every public call on a node that does one thing wrong once: nobody pays twice, is told what is not, or is left half done.

The proxy in tests/support/faults forwards to anvil, and loses, delays, doubles, reorders, cuts or falsifies one answer. Each call meets
a third of the kinds of fault, and each kind meets a third of the calls. The seed that is printed at the start chooses them and the
requests; `-p randomly -p "randomly_seed=…"` repeats it. All faults at all requests of all calls are a step of `make deep`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import cast

import pytest

from nvm_chain.errors import OutcomeUnknown, RpcFailed
from tests.support.faults.calls import Scene
from tests.support.faults.campaign import CALLS, Campaign, Place, open_campaign, sweep
from tests.support.faults.kinds import KINDS
from tests.support.faults.table import FaultTable
from tests.support.faults.verdict import APPROVAL, Calm, Told, Truth, judge_write

PARTS = 3
"""Each call meets one kind in so many, and the next call the next ones."""
LEAST = 300


@dataclass
class PartOfCampaign(Campaign):
    """A campaign on the same stage with some of the kinds."""

    kinds: Sequence[str] = ()

    def find_places(self, name: str, kind: str) -> list[Place]:
        """Return all faults of a kind if it is one of those."""
        return super().find_places(name, kind) if kind in self.kinds else []


def choose_kinds(name: str, seed: int) -> Sequence[str]:
    """Return a third of the kinds for a call, so that three calls in a row meet all of them."""
    return KINDS[(seed + list(CALLS).index(name)) % PARTS :: PARTS]


@pytest.fixture(scope="module")
def campaign() -> Iterator[Campaign]:
    """A prepared anvil and the proxy before it."""
    with open_campaign() as campaign:
        yield campaign


@pytest.mark.parametrize("name", CALLS)
def test_call__on_a_node_that_does_each_kind_of_wrong__tells_the_truth_and_pays_once(
    campaign: Campaign, request: pytest.FixtureRequest, name: str
) -> None:
    seed = request.config.getoption("randomly_seed")
    part = PartOfCampaign(campaign.stage, campaign.calm, choose_kinds(name, seed))
    table = FaultTable()
    for run in sweep(part, name, Random(f"{seed} {name}")):
        table.add(run)
        table.expect([run.cell] if run.counted else [])
    print(f"seed {seed}\n{table.render()}")
    fillable = {kind for *_, kind in part.find_cells(name)}
    assert table.wrong == []
    assert {kind for kind, count in table.by_kind().items() if count} == fillable


@pytest.mark.parametrize("seed", range(PARTS))
def test_choose_kinds__for_all_calls__are_all_kinds_and_hundreds_of_faults(seed: int) -> None:
    """Each test above fails unless one of each of its kinds counted; "request twice" is for what sends."""
    chosen = [choose_kinds(name, seed) for name in CALLS]
    assert all(set().union(*chosen[first : first + PARTS]) == set(KINDS) for first in range(len(CALLS) - PARTS + 1))
    assert sum(len([kind for kind in kinds if kind != "request twice"]) for kinds in chosen) >= LEAST


@pytest.mark.parametrize("name", CALLS)
def test_choose_kinds__by_three_seeds__are_all_kinds_once(name: str) -> None:
    kinds = [kind for seed in range(PARTS) for kind in choose_kinds(name, seed)]
    assert sorted(kinds) == sorted(KINDS)


ORDER = ("payer", "Credits", False, (("Credits", "Ordered"),))
APPROVE = ("payer", "USDC", False, (("USDC", APPROVAL),))
REFUSED, PAID_ALL = RpcFailed("no"), Truth((ORDER,), 0, 0)


@pytest.mark.parametrize(
    ("told", "now", "words"),
    [
        (Told(), PAID_ALL, None),
        (Told(), Truth((ORDER, ORDER), 0, 0), "done more than once"),
        (Told(), Truth((), 0, 0), "told done"),
        (Told(error=REFUSED), Truth((), 0, 0), None),
        (Told(error=REFUSED), PAID_ALL, "and it was done"),
        (Told(error=REFUSED), Truth((APPROVE,), 0, 20), "an approval stands without a note"),
        (Told(error=KeyError("status")), PAID_ALL, "raised KeyError"),
        (Told(error=OutcomeUnknown("0x02", "lost")), PAID_ALL, "a hash that was not sent"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_judge_write__of_what_a_caller_was_told__says_what_is_wrong(told: Told, now: Truth, words: str | None) -> None:
    """The check of the check: what the tests above look for would be found."""
    calm = Calm([], None, Truth((), 0, 0), PAID_ALL)
    wrong = judge_write(CALLS["order_plan"], cast(Scene, None), told, ["0x01"], calm, now).wrong
    assert (wrong == []) if words is None else any(words in found for found in wrong)
