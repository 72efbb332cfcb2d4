"""Every public call on a node that does one thing wrong once: nobody pays twice, is told what is not, or is left half done.

The proxy in tests/support/faults forwards to anvil, and loses, delays, doubles, reorders, cuts or falsifies one answer. Each call meets
every kind of fault, at requests chosen by the seed that is printed at the start; `-p randomly -p "randomly_seed=…"` repeats it. All
faults at all requests are a step of `make deep`.
"""

from collections.abc import Iterator
from random import Random
from typing import cast

import pytest

from nvm_chain.errors import OutcomeUnknown, RpcFailed
from tests.support.faults.calls import Scene
from tests.support.faults.campaign import CALLS, Campaign, open_campaign, sweep
from tests.support.faults.kinds import KINDS
from tests.support.faults.table import FaultTable
from tests.support.faults.verdict import APPROVAL, Calm, Told, Truth, judge_write

LEAST = 500


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
    table = FaultTable()
    for run in sweep(campaign, name, Random(f"{seed} {name}")):
        table.add(run)
        table.expect([run.cell] if run.counted else [])
    print(f"seed {seed}\n{table.render()}")
    fillable = {kind for *_, kind in campaign.find_cells(name)}
    assert table.wrong == []
    assert {kind for kind, count in table.by_kind().items() if count} == fillable


def test_faults__of_the_calls_and_kinds__are_at_least_five_hundred() -> None:
    """Each test above fails unless one of each kind counted; "request twice" is for what sends."""
    assert len(CALLS) * (len(KINDS) - 1) >= LEAST


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
