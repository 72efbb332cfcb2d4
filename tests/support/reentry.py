"""Arm the contracts that call back (`Callback.sol`), and look at what became of their calls."""

from dataclasses import dataclass

from web3.contract.contract import Contract, ContractFunction

from tests.support.world import World


@dataclass(frozen=True)
class Outcome:
    """How often a contract called back, and how the last call ended."""

    count: int
    success: bool
    answer: bytes


def encode(function: ContractFunction) -> str:
    """Return the call data of a contract call."""
    return str(function._encode_transaction_data())


def arm(world: World, contract: Contract, function: ContractFunction, value: int = 0) -> None:
    """Have a contract make this call, as itself, whenever it is called in the middle of something."""
    armed = contract.functions.arm(function.address, value, encode(function))
    world.send(world.fee_owner, armed)


def send_coin(world: World, receiver: Contract, amount: int) -> None:
    """Give a contract coin of its own to make calls with."""
    world.chain.send_data(world.other, "0x", to=receiver.address, value=amount)


def through(party: Contract, function: ContractFunction, value: int = 0) -> ContractFunction:
    """Return the call by which a Party makes another call as itself."""
    call: ContractFunction = party.functions.call(function.address, value, encode(function))
    return call


def through_many(party: Contract, *functions: ContractFunction) -> ContractFunction:
    """Return the call by which a Party makes several calls in one go."""
    calls: ContractFunction = party.functions.callMany([(each.address, 0, encode(each)) for each in functions])
    return calls


def outcome_of(world: World, contract: Contract) -> Outcome:
    """Return what became of the call that a contract was armed with."""
    functions = contract.functions
    answer = bytes(world.read(functions.returnData()))
    return Outcome(world.read(functions.count()), world.read(functions.success()), answer)
