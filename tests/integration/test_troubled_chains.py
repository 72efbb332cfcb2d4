"""Calls in the middle of which the chain changes: blocks are replaced, the node is restarted, nothing is mined, another process sends.

At each request of a call in turn. As on nodes that do wrong: nobody pays twice, is told what is not, or is left half done.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from random import Random

import pytest

from tests.support.anvil import ROOT
from tests.support.faults.campaign import Campaign, open_campaign
from tests.support.faults.kinds import find_faults
from tests.support.faults.troubles import DEEPEST, Trouble, befall, reorganise, restarts, stop_mining
from tests.support.faults.verdict import read_truth
from tests.support.odd_node import SEND

TROUBLED = (
    "order_plan, approve",
    "order_plan, permit",
    "order_once",
    "pay_usage, allowance",
    "settle_vouchers",
    "redeem_credits",
)


@pytest.fixture(scope="module")
def campaign() -> Iterator[Campaign]:
    """A prepared anvil and the proxy before it."""
    with open_campaign() as campaign:
        yield campaign


@pytest.fixture
def random(request: pytest.FixtureRequest) -> Random:
    """Numbers of chance, by the seed that is printed at the start."""
    return Random(f"{request.config.getoption('randomly_seed')} {request.node.name}")


def befall_each(campaign: Campaign, name: str, draw: Callable[[], AbstractContextManager[Trouble]]) -> list[str]:
    """Have trouble befall the chain at each request of a call in turn; return what was wrong."""
    labels, runs = campaign.watch(name).labels, []
    for position, label in enumerate(labels):
        with draw() as trouble:
            runs.append(befall(campaign, name, label, labels[:position].count(label), trouble))
    assert {run.label for run in runs if run.counted} == set(labels)
    return [words for run in runs for words in run.wrong]


@pytest.mark.parametrize("name", TROUBLED)
def test_call__with_blocks_replaced_at_each_request__tells_the_truth_and_pays_once(
    campaign: Campaign, random: Random, name: str
) -> None:
    def draw() -> AbstractContextManager[Trouble]:
        return nullcontext(partial(reorganise, depth=random.randint(1, DEEPEST), drops=random.random() < 1 / 2))

    assert befall_each(campaign, name, draw) == []


@pytest.mark.parametrize("name", ["order_plan, allowance", "order_once"])
def test_call__whose_node_is_restarted_at_each_request__tells_the_truth_and_pays_once(
    campaign: Campaign, name: str
) -> None:
    assert befall_each(campaign, name, partial(restarts, campaign)) == []


@pytest.mark.parametrize("name", ["order_plan, allowance", "order_once", "mint_credits"])
def test_call__after_which_nothing_is_mined__says_which_transaction_waits(campaign: Campaign, name: str) -> None:
    run = befall(campaign, name, SEND, 0, stop_mining)
    assert (run.counted, run.told, run.wrong) == (True, "unknown", ())


@pytest.mark.parametrize("kind", ["answer lost", "delayed"])
def test_mint_credits__by_two_processes_with_one_key_one_of_whose_answers_is_wrong__is_done_as_told(
    campaign: Campaign, random: Random, kind: str
) -> None:
    stage, amounts = campaign.stage, [["1", "2", "3"], ["4", "5", "6"]]
    with campaign.away():
        [fault, *_] = random.sample(find_faults(SEND, kind, is_read=False), 1)
        stage.node.arm(fault.change, SEND, random.randrange(5))
        program = [sys.executable, "-m", "tests.support.faults.minting", stage.node.url, stage.world.credits.address]
        processes = [
            subprocess.Popen([*program, str(stage.plans["sold"]), *each], cwd=ROOT, text=True, stdout=subprocess.PIPE)
            for each in amounts
        ]
        said = [json.loads(line) for each in processes for line in each.communicate(timeout=120)[0].splitlines()]
        stage.node.release()
        minted = [int(log[-1], 16) % 2**64 for done in read_truth(stage).deeds for log in done[3]]
    assert stage.node.changed
    assert sorted(told["amount"] for told in said) == [1, 2, 3, 4, 5, 6]
    for told in said:
        expected = {"done": [1], "refused": [0], "unknown": [0, 1]}[told["told"]]
        assert minted.count(told["amount"]) in expected, said
