"""OpenAPI documents: text of JSON or YAML becomes plain values, within limits. The schemas in it are not validated."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from nvm_chain.errors import InvalidOpenApi
from nvm_chain.metadata.openapi.yaml_text import parse_yaml
from nvm_chain.types.json_text import parse_json

MAX_BYTES: Final = 16 << 20
"""The largest size of a document in bytes."""
MAX_JSON_VALUES: Final = 3_000_000
"""The largest number of brackets, braces and commas in a document in JSON. It limits the memory."""
_VERSION: Final = re.compile(r"3\.[01](?:\.[0-9]{1,9})?(?:-[\w.-]{1,60})?", re.ASCII)


def parse_openapi(content: bytes) -> Mapping[str, Any]:
    """Read an OpenAPI document of version 3.0 or 3.1, in JSON or YAML. No network.

    A text that begins with ``{`` is JSON, and any other text is YAML. A name that an object has twice is refused,
    because programs would disagree about its value.

    Raises:
        InvalidOpenApi: The content is too large, malformed, or of another version.
        MissingExtra: The text is YAML, and PyYAML is not installed.

    >>> parse_openapi(b'{"openapi": "3.1.0", "paths": {}}')["openapi"]
    '3.1.0'
    """
    if len(content) > MAX_BYTES:
        raise InvalidOpenApi("its size", f"it has more than {MAX_BYTES >> 20} MiB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidOpenApi("its encoding", "it is not UTF-8") from None
    document = _parse_json(text) if text.lstrip()[:1] == "{" else parse_yaml(text)
    if not isinstance(document, dict):
        raise InvalidOpenApi("its form", "it is not an object with openapi and paths")
    _check_version(document)
    return document


def _parse_json(text: str) -> Any:
    if sum(map(text.count, "[{,")) > MAX_JSON_VALUES:
        raise InvalidOpenApi("as JSON", f"it has more than {MAX_JSON_VALUES:,} values")
    try:
        return parse_json(text, _refuse_repeated)
    except json.JSONDecodeError as error:
        raise InvalidOpenApi(f"line {error.lineno}", f"it is not JSON ({error.msg})") from None
    except (ValueError, RecursionError) as error:
        reason = "a number in it is too long" if "digits" in str(error) else str(error)
        raise error if isinstance(error, InvalidOpenApi) else InvalidOpenApi("as JSON", reason) from None


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidOpenApi("as JSON", f"an object has the name {twice[:60]} twice")
    return found


def _check_version(document: Mapping[str, Any]) -> None:
    if "swagger" in document:
        raise InvalidOpenApi("swagger", "it is of version 2", "Convert the document to OpenAPI 3.0 or 3.1")
    version = str(document.get("openapi", ""))
    if not _VERSION.fullmatch(version):
        reason = f"the version is {version[:20] or 'missing'}, and versions 3.0 and 3.1 are read"
        raise InvalidOpenApi("openapi", reason, "Convert the document to OpenAPI 3.0 or 3.1")
