"""References of an OpenAPI document: pointers within the document are followed, and other documents are refused."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from nvm_chain.errors import InvalidOpenApi

MAX_REFERENCES: Final = 16
"""The largest number of references in a chain of them."""
REFERENCE: Final = "$ref"
_BUNDLE: Final = "Bundle the document into one file, and import that file"


def read_path_item(document: Mapping[str, Any], item: object, place: str) -> dict[str, Any]:
    """Return a path item with the fields of the path items that its ``$ref`` leads to. No network.

    Raises InvalidOpenApi if a reference leads out of the document, nowhere, or in a circle, or if two of the path items
    have the same method or servers.
    """
    fields: dict[str, Any] = {}
    for _ in range(MAX_REFERENCES + 1):
        if not isinstance(item, Mapping):
            raise InvalidOpenApi(place, "it is not an object")
        for name, value in item.items():
            if name in fields and name not in ("summary", "description"):
                raise InvalidOpenApi(place, f"{name} is beside a $ref and behind it too")
            if name != REFERENCE:
                fields.setdefault(name, value)
        if REFERENCE not in item:
            return fields
        item = _find(document, item[REFERENCE], place)
    raise InvalidOpenApi(place, f"its $ref leads through more than {MAX_REFERENCES} others, or in a circle")


def _find(document: Mapping[str, Any], reference: object, place: str) -> object:
    """Return what a JSON pointer (RFC 6901) in a URI fragment leads to."""
    if not isinstance(reference, str):
        raise InvalidOpenApi(place, "a $ref is not a text")
    if not reference.startswith("#"):
        raise InvalidOpenApi(place, f"the $ref {reference[:200]} leads to another document", _BUNDLE)
    if not reference.startswith("#/"):
        raise InvalidOpenApi(place, f"the $ref {reference[:200]} is not a pointer that begins with #/", _BUNDLE)
    found: Any = document
    for part in unquote(reference[2:]).split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, Mapping) else _pick(found, name)
        if found is None:
            raise InvalidOpenApi(place, f"the $ref {reference[:200]} leads nowhere")
    return found


def _pick(found: object, index: str) -> object:
    """Return an item of a list, or None."""
    is_index = isinstance(found, list) and index.isascii() and index.isdigit() and len(index) < 9
    return found[int(index)] if is_index and int(index) < len(found) else None  # type: ignore[arg-type,index]
