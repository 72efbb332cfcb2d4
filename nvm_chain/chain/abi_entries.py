"""The ABI of other people's contracts, written short: only the functions and events that are used."""

from typing import Any


def describe_function(name: str, inputs: str, outputs: str, mutability: str = "view") -> dict[str, Any]:
    """Describe a function by the types of its inputs and outputs, separated by spaces.

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
    """Describe an event by name, type and whether it is indexed, of each of its fields.

    >>> describe_event("UsagePaid", ("amount", "uint256", False))["inputs"]
    [{'name': 'amount', 'type': 'uint256', 'indexed': False}]
    """
    fields = [{"name": field, "type": kind, "indexed": indexed} for field, kind, indexed in inputs]
    return {"type": "event", "name": name, "anonymous": False, "inputs": fields}
