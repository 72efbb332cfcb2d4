"""Names of plans and agents from metadata that is on the chain."""

from contextlib import suppress

from nvm_chain.errors import InvalidMetadata
from nvm_chain.metadata.data_uris import is_data_uri, parse_data_uri
from nvm_chain.types.json_text import parse_json


def find_name(uri: str) -> str:
    """Return the name in the metadata of a ``data:`` URI. An empty text for other URIs, and for what has no name. No network.

    >>> find_name('data:application/json,{"name":"Basic"}'), find_name("https://example.com/plan.json")
    ('Basic', '')
    """
    if not is_data_uri(uri):
        return ""
    with suppress(InvalidMetadata, ValueError, RecursionError):
        metadata = parse_json(parse_data_uri(uri))
        name = metadata.get("name") if isinstance(metadata, dict) else None
        return name if isinstance(name, str) else ""
    return ""
