"""Raw rows of events as `Event` objects, with the same arguments as `Chain.read_logs` gives them."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

from eth_abi.abi import decode
from eth_typing import ChecksumAddress

from nvm_chain.chain.artifacts import ContractName, read_artifact
from nvm_chain.types.addresses import format_address

WORD: Final = 32
CONTRACTS: Final[tuple[ContractName, ...]] = ("Credits", "AgentRegistry")
Decode = Callable[[bytes], Any]


class Argument(NamedTuple):
    """An argument of an event: its name, its place among the topics or in the data, and the function that decodes it."""

    name: str
    topic: int | None
    offset: int
    decode: Decode


class Shape(NamedTuple):
    """The arguments of an event. ``types`` are the ABI types of the data, if one of them has no fixed length."""

    arguments: tuple[Argument, ...]
    types: tuple[str, ...]
    components: tuple[Sequence[Mapping[str, Any]], ...]


@lru_cache(maxsize=65_536)
def name_address(word: bytes) -> ChecksumAddress:
    """Return the address in a word of 20 or 32 bytes, with its checksum. The newest 65,536 are kept."""
    return format_address(word[-20:])


def decode_arguments(name: str, topics: Sequence[bytes | None], data: bytes) -> dict[str, Any]:
    """Return the arguments of an event, in the order of the ABI. ``topics`` are those after the first."""
    shape = find_shape(name)
    late = _decode_late(shape, data) if shape.types else {}
    return {
        item.name: item.decode(topics[item.topic] or b"")
        if item.topic is not None
        else late[item.name]
        if shape.types
        else item.decode(data[item.offset : item.offset + WORD])
        for item in shape.arguments
    }


@cache
def find_shape(name: str) -> Shape:
    """Return the arguments of an event by its name. Raises StopIteration for a name that neither contract has."""
    entries = (entry for contract in CONTRACTS for entry in read_artifact(contract).abi)
    return next(
        _build_shape(entry["inputs"]) for entry in entries if (entry["type"], entry.get("name")) == ("event", name)
    )


def _build_shape(inputs: Sequence[Mapping[str, Any]]) -> Shape:
    arguments, topics, offset = [], 0, 0
    for entry in inputs:
        place = topics if entry["indexed"] else None
        arguments.append(Argument(entry["name"], place, offset, _find_decoder(entry["type"])))
        topics += entry["indexed"]
        offset += 0 if entry["indexed"] else WORD
    stored = [entry for entry in inputs if not entry["indexed"]]
    is_fixed = all(_has_fixed_length(entry["type"]) for entry in stored)
    types = () if is_fixed else tuple(_write_type(entry) for entry in stored)
    return Shape(tuple(arguments), types, tuple(entry.get("components", ()) for entry in stored))


def _has_fixed_length(kind: str) -> bool:
    return kind not in ("string", "bytes", "tuple") and not kind.endswith("]")


def _find_decoder(kind: str) -> Decode:
    if kind == "address":
        return name_address
    if kind == "bool":
        return any
    if kind.startswith("bytes") and kind != "bytes":
        size = int(kind[5:])
        return lambda word: bytes(word[:size])
    return int.from_bytes


def _write_type(entry: Mapping[str, Any]) -> str:
    """Return the ABI type of a parameter, with the types of a tuple's components."""
    kind = str(entry["type"])
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(map(_write_type, entry['components']))}){kind.removeprefix('tuple')}"


def _decode_late(shape: Shape, data: bytes) -> dict[str, Any]:
    """Return the arguments in data without a fixed length, by name."""
    names = [item.name for item in shape.arguments if item.topic is None]
    values = decode(shape.types, data)
    return {
        name: _name_parts(kind, parts, value)
        for name, kind, parts, value in zip(names, shape.types, shape.components, values, strict=True)
    }


def _name_parts(kind: str, parts: Sequence[Mapping[str, Any]], value: Any) -> Any:
    """Give the parts of a tuple their names, and addresses their checksums, as web3 does."""
    if kind.endswith("[]"):
        return [_name_parts(kind[:-2], parts, item) for item in value]
    if kind == "address":
        return name_address(bytes.fromhex(value[2:]))
    if not kind.startswith("("):
        return value
    return {
        part["name"]: _name_parts(_write_type(part), part.get("components", ()), item)
        for part, item in zip(parts, value, strict=True)
    }
