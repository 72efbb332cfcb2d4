"""Contracts that call back during a call (`Callback.sol`): set their calls, and read the outcomes."""

from dataclasses import dataclass

from web3.contract.contract import Contract, ContractFunction

from tests.support.world import World


@dataclass(frozen=True)
class Outcome:
    """The number of calls that a contract made, and the outcome of the last one."""

    count: int
    success: bool
    answer: bytes


def encode(function: ContractFunction) -> str:
    """Return the call data of a contract call."""
    return str(function._encode_transaction_data())


def arm(world: World, contract: Contract, function: ContractFunction, value: int = 0) -> None:
    """Set the call that a contract makes itself when another contract calls it during an operation."""
    armed = contract.functions.arm(function.address, value, encode(function))
    world.send(world.fee_owner, armed)


def send_coin(world: World, receiver: Contract, amount: int) -> None:
    """Give a contract coin for its calls."""
    world.chain.send_data(world.other, "0x", to=receiver.address, value=amount)


def through(party: Contract, function: ContractFunction, value: int = 0) -> ContractFunction:
    """Return the call that makes a Party make another call."""
    call: ContractFunction = party.functions.call(function.address, value, encode(function))
    return call


def through_many(party: Contract, *functions: ContractFunction) -> ContractFunction:
    """Return the call that makes a Party make several calls at once."""
    calls: ContractFunction = party.functions.callMany([(each.address, 0, encode(each)) for each in functions])
    return calls


def outcome_of(world: World, contract: Contract) -> Outcome:
    """Return the outcome of the call that was set for a contract."""
    functions = contract.functions
    answer = bytes(world.read(functions.returnData()))
    return Outcome(world.read(functions.count()), world.read(functions.success()), answer)
