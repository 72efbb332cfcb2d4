"""The demo: all acts in order, then the final balances from the chain."""

from collections.abc import Callable

from nvm_chain.chain.client import Chain
from nvm_chain.demo.metering import Metering
from nvm_chain.demo.purchase import Purchase
from nvm_chain.demo.results import Balances, DemoResult, ServedResult, Step
from nvm_chain.demo.stage import ROLES, Stage
from nvm_chain.operations.credits import read_balances


def run_demo(
    chain: Chain, on_step: Callable[[Step], object], serve: Callable[[Stage], ServedResult] | None = None
) -> DemoResult:
    """Run the demo on a development chain, and return its result. Sends about 25 transactions.

    Args:
        chain: The chain. It needs accounts, Credits and a TestUSDC: see `open_demo_chain`.
        on_step: A function that is called with each completed step.
        serve: The third act, `nvm_chain.demo.serving.serve`, which needs the extra ``gateway``. If not given, it is left out.

    It raises `NotRefused` if the chain or the gateway accepts a forbidden attempt, and `DemoFailed` if something else comes out in
    another way.
    """
    stage = Stage(chain, on_step)
    purchase = Purchase(stage)
    receipt = purchase.play()
    metering = Metering(stage)
    metered = metering.play()
    served = None if serve is None else serve(stage)
    purchase.compare()
    balances = _read_balances(stage, purchase.plan_id, metered.plan_id)
    changes = purchase.changes
    return DemoResult(
        chain=chain.label,
        chain_id=chain.chain_id,
        credits_contract=chain.credits.address,
        usdc=stage.usdc,
        accounts={role: stage.address(role) for role in ROLES},
        plan_id=purchase.plan_id,
        price_paid=purchase.paid,
        receivers=receipt.receivers,
        credits_granted=changes["granted"],
        credits_minted=changes["minted"],
        credits_redeemed=changes["redeemed"],
        credits_burned=changes["burned"],
        credits_left=balances["subscriber"]["credits"],
        metered=metered,
        served=served,
        balances=balances,
        gas={name: sent[-1].gas_used or 0 for name, sent in stage.sent.items()},
        transactions={name: tuple(item.hash for item in sent) for name, sent in stage.sent.items()},
        refusals=tuple(stage.refusals),
    )


def _read_balances(stage: Stage, plan_id: int, metered_plan_id: int) -> dict[str, Balances]:
    roles = ("builder", "subscriber", "stranger")
    credits = read_balances(stage.chain, [(plan_id, stage.address(role)) for role in roles])
    metered = read_balances(stage.chain, [(metered_plan_id, stage.address(role)) for role in roles])
    return {
        role: {"usdc": stage.read_money(role), "credits": held, "metered_credits": counted}
        for role, held, counted in zip(roles, credits, metered, strict=True)
    }
