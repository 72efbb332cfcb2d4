"""Contracts that make any call on demand. When Credits calls them, they show one behaviour, or have no hook.

The calling receivers of contracts/test all have a hook. These contracts call and receive, with or without a hook.
"""

from web3.contract.contract import ContractFunction

from tests.support.events import selector
from tests.support.reentry import encode
from tests.support.world import World

REJECTED = selector("CreditsRejected()")
YES = bytes.fromhex("f23a6e61")

_WORD = "63{word}60e01b5f52"
BEHAVIOURS = {
    "accepts": _WORD.format(word=YES.hex()) + "60205ff3",
    "no hook": "5f5ffd",
    "rejects": _WORD.format(word=REJECTED.hex()) + "60045ffd",
    "wrong answer": _WORD.format(word="deadbeef") + "60205ff3",
    "no answer": "5f5ff3",
}
"""The code for each behaviour when Credits is the caller."""

# Caller is Credits: jump to the behaviour. Other caller: forward the call to the address in the first word.
_BODY = "73{credits}331460{hook:02x}57602036038060205f375f5f825f345f355af13d5f5f3e60{done:02x}573d5ffd5b3d5ff35b"
_CREATION = "61{size:04x}80600a5f395ff3"


def deploy_relay(world: World, behaviour: str) -> str:
    """Deploy a contract with one behaviour, and return its address."""

    empty = _BODY.format(credits=world.credits.address[2:], hook=0, done=0)
    size = len(bytes.fromhex(empty))
    code = _BODY.format(credits=world.credits.address[2:], hook=size - 1, done=size - 5) + BEHAVIOURS[behaviour]
    runtime = bytes.fromhex(code)
    return world.chain.deploy(world.stranger, bytes.fromhex(_CREATION.format(size=len(runtime))) + runtime)


def relay(function: ContractFunction) -> str:
    """Return the data of a call that makes the contract make another call."""
    return "0x" + function.address[2:].rjust(64, "0") + encode(function)[2:]
