"""Each path that grants credits, for receivers without the hook, with one that refuses and with one that takes them.

The receiver may be who calls. A contract that gets credits must say that it takes them, whoever asks for them, itself included: having called is no yes.
"""

from collections.abc import Callable
from typing import Any

import pytest
from web3.contract.contract import ContractFunction

from nvm_chain.errors import ERC1155InvalidReceiver, NvmChainError, RevertedWithoutReason
from tests.support.events import granted, skipped
from tests.support.gas import simulate
from tests.support.plans import expiring, from_first_use, from_purchase
from tests.support.relays import BEHAVIOURS, REJECTED, deploy_relay, relay
from tests.support.reverts import reverts
from tests.support.signed import bring, order_of, sign
from tests.support.world import NO_CONTEXT, PRICE, World

DAY = 86_400
REFERENCE = b"\3" * 32
GAS = 2_000_000
NO_PERMIT = (0, 27, NO_CONTEXT, NO_CONTEXT)

PLANS: dict[str, dict[str, Any]] = {
    "straight": {},
    "straight, expiring": expiring(DAY),
    "with a fee": {},
    "from purchase": from_purchase(DAY),
    "from first use": from_first_use(DAY),
}

Path = Callable[[World, int, str], ContractFunction]


def _order(world: World, plan_id: int, to: str) -> ContractFunction:
    return world.credits.functions.order(plan_id, to, 1, PRICE)


def _order_with_permit(world: World, plan_id: int, to: str) -> ContractFunction:
    return world.credits.functions.orderWithPermit(plan_id, to, 1, PRICE, NO_PERMIT)


def _order_with_authorization(world: World, plan_id: int, to: str) -> ContractFunction:
    order = order_of(world, plan_id, max_cost=PRICE, receiver=to)
    return bring(world, order, sign(world, order))


def _mint(world: World, plan_id: int, to: str) -> ContractFunction:
    return world.credits.functions.mint(plan_id, to, 1)


def _mint_batch(world: World, plan_id: int, to: str) -> ContractFunction:
    return world.credits.functions.mintBatch(plan_id, [to], [1])


def _grant_external(world: World, plan_id: int, to: str) -> ContractFunction:
    return world.credits.functions.grantExternal(plan_id, to, 1, REFERENCE)


PATHS: list[Path] = [_order, _order_with_permit, _order_with_authorization, _mint, _mint_batch, _grant_external]


class Case:
    """A plan, a receiver that behaves so, and who calls: the receiver itself, or another contract."""

    def __init__(self, world: World, plan: str, behaviour: str, *, is_caller: bool) -> None:
        """Register, deploy, and give the caller money, leave to mint, and the subscriber what an authorization takes."""
        self.world, functions = world, world.credits.functions
        world.set_fee(250 if plan == "with a fee" else 0)
        self.plan_id = world.register(**{**PLANS[plan], "splits": world.terms().splits, "credits": 1})
        self.receiver = deploy_relay(world, behaviour)
        self.caller = self.receiver if is_caller else deploy_relay(world, "no hook")
        world.send(world.builder, functions.setMinter(self.plan_id, self.caller, True))
        world.send(world.stranger, world.usdc.functions.mint(self.caller, PRICE))
        world.send(world.stranger, world.usdc.functions.mint(world.subscriber.address, PRICE))
        self.send(world.usdc.functions.approve(world.credits.address, PRICE))
        self.before = self.books()

    def send(self, function: ContractFunction) -> Any:
        """Have the caller make a call, and return the receipt whatever came of it."""
        data, world = relay(function), self.world
        try:
            simulate(world.chain, world.other.address, data, self.caller, gas=GAS)  # type: ignore[arg-type]
        except NvmChainError:
            return None
        return world.chain.send_data(world.other, data, to=self.caller)  # type: ignore[arg-type]

    def check_refused(self, function: ContractFunction, error: NvmChainError) -> None:
        """Check that a call of the caller's is refused with this error and leaves nothing."""
        world = self.world
        with reverts(error):
            simulate(world.chain, world.other.address, relay(function), self.caller)  # type: ignore[arg-type]
        assert self.books() == self.before

    def books(self) -> tuple[Any, ...]:
        """Return what the receiver has, who has the money, and whether the reference was used."""
        world, functions = self.world, self.world.credits.functions
        people = [self.caller, world.subscriber.address, world.builder.address, world.fee_receiver.address]
        return (
            tuple(world.read(functions.accountOf(self.plan_id, self.receiver))),
            [world.tokens(account) for account in people],
            world.tokens(world.credits.address),
            world.read(functions.isReferenceUsed(self.plan_id, REFERENCE)),
        )


def _error(behaviour: str, receiver: str) -> NvmChainError:
    if behaviour == "rejects":
        return RevertedWithoutReason("0x" + REJECTED.hex())
    return RevertedWithoutReason("0x") if behaviour == "no answer" else ERC1155InvalidReceiver(receiver)


REASONS = {
    "rejects": REJECTED,
    "no answer": bytes(4),
    "no hook": bytes.fromhex("57f447ce"),
    "wrong answer": bytes.fromhex("57f447ce"),
}
"""What a batch says of each; the last two are ERC1155InvalidReceiver's selector."""


@pytest.mark.parametrize("is_caller", [True, False], ids=["itself", "by another"])
@pytest.mark.parametrize("behaviour", BEHAVIOURS)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("plan", PLANS)
def test_grant__to_a_contract__needs_its_yes(
    world: World, plan: str, path: Path, behaviour: str, is_caller: bool
) -> None:
    case = Case(world, plan, behaviour, is_caller=is_caller)
    function = path(world, case.plan_id, case.receiver)
    if behaviour == "accepts":
        receipt = case.send(function)
        assert granted(case.caller, case.receiver, case.plan_id, 1) in world.events(receipt)
        assert world.balance(case.plan_id, case.receiver) == 1
        assert world.tokens(world.credits.address) == 0
    elif path is _mint_batch:
        receipt = case.send(function)
        assert world.events(receipt) == [skipped(case.plan_id, case.receiver, 1, REASONS[behaviour])]
        assert case.books() == case.before
    else:
        case.check_refused(function, _error(behaviour, case.receiver))


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
@pytest.mark.parametrize("path", PATHS)
def test_grant__of_a_trial_to_a_contract_that_calls__needs_its_yes(world: World, path: Path, behaviour: str) -> None:
    """A refused trial is not taken; an authorization's payer cannot be a contract without a signature."""
    case = Case(world, "straight", behaviour, is_caller=True)
    case.plan_id = world.register(trial=True)
    world.send(world.builder, world.credits.functions.setMinter(case.plan_id, case.caller, True))
    case.before = case.books()
    if path is _order_with_authorization:
        return
    function = path(world, case.plan_id, case.receiver)
    if behaviour == "accepts" or path is _mint_batch:
        assert case.send(function)["status"] == 1
        assert case.books()[0][3] == (behaviour == "accepts")
    else:
        case.check_refused(function, _error(behaviour, case.receiver))


def test_relays__make_calls_and_answer_as_they_should(world: World) -> None:
    """The check of the checks above: without Credits in it, each does what it is told and passes on how that ended."""
    for behaviour in BEHAVIOURS:
        address = deploy_relay(world, behaviour)
        mint = relay(world.usdc.functions.mint(address, 7))
        world.chain.send_data(world.other, mint, to=address)  # type: ignore[arg-type]
        assert world.tokens(address) == 7
        with pytest.raises(NvmChainError):
            simulate(world.chain, world.other.address, relay(world.usdc.functions.transfer(address, 8)), address)  # type: ignore[arg-type]
