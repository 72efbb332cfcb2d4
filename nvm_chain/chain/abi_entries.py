"""Short forms of ABI entries, for the few functions and events of foreign contracts that the package uses."""

from typing import Any


def describe_function(name: str, inputs: str, outputs: str, mutability: str = "view") -> dict[str, Any]:
    """Return the ABI entry of a function. ``inputs`` and ``outputs`` are type names separated by spaces.

    >>> [kind["type"] for kind in describe_function("allowance", "address address", "uint256")["inputs"]]
    ['address', 'address']
    """
    return {
        "type": "function",
        "name": name,
        "stateMutability": mutability,
        "inputs": [{"name": "", "type": kind} for kind in inputs.split()],
        "outputs": [{"name": "", "type": kind} for kind in outputs.split()],
    }


def describe_event(name: str, *inputs: tuple[str, str, bool]) -> dict[str, Any]:
    """Return the ABI entry of an event. Each input is the name of a field, its type, and whether it is indexed.

    >>> describe_event("UsagePaid", ("amount", "uint256", False))["inputs"]
    [{'name': 'amount', 'type': 'uint256', 'indexed': False}]
    """
    fields = [{"name": field, "type": kind, "indexed": indexed} for field, kind, indexed in inputs]
    return {"type": "event", "name": name, "anonymous": False, "inputs": fields}
