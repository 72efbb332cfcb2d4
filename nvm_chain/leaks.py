"""Leaks: what is or looks like a secret, in text that everybody can read for ever."""

import re
from collections.abc import Iterator, Mapping
from typing import Final
from unicodedata import normalize

from nvm_chain.errors import InvalidMetadata, SecretInMetadata

MAX_DEPTH: Final = 16
"""Levels of lists and objects in each other."""
_SECRET_KEYS: Final = re.compile(
    "authori[sz]ation|token(?!address|id|name|symbol|uri|type|decimals|standard|count|limit|iz|price|cost|usage|length|window|budget|rate)|passw(?:or)?d|passphrase"
    "|passcode|^pwd$|^pass$|secret|apikey|bearer|credential|privatekey|signingkey|accesskey|mnemonic|seedphrase|^seed$"
    "|cookie|^x?auth$|^session(?:id|key)?$"
)
"""Names that hold secrets, in small letters without anything but letters and digits."""
_SECRET_VALUES: Final = (
    re.compile(r"\bauthorization\s*:\s*\S", re.IGNORECASE),
    # Words such as "Basic subscription" have neither a digit nor a capital inside, nor so many letters.
    re.compile(r"\b(?i:bearer|basic)\s+(?=\S*[0-9=]|\S+[A-Z]|[a-z]{24})[A-Za-z0-9._~+/=|-]{8,}"),
    re.compile(r"(?<!\w)(?:xox[a-z]|xapp|gh[pousr]|github_pat|glpat)[-_][A-Za-z0-9_-]{16,}"),
    # Words joined by hyphens, such as sk-learn-based-model-v2, are short: a key has a long part, or is a UUID.
    re.compile(
        r"(?<!\w)(?:sk|pk|rk|hf)[-_](?:[A-Za-z0-9]{1,40}[-_]){0,8}"
        r"(?:[a-z]{24}|(?=[A-Za-z0-9]{16})[a-z]{0,40}[A-Z0-9]|[0-9a-f]{8}-[0-9a-f]{4}-)"
    ),
    re.compile(r"\bAKIA[0-9A-Z]{16}\b|\bAIza[0-9A-Za-z_-]{35}"),
    re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\."),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    re.compile(r"[a-z][a-z0-9+.-]{0,20}://[^/\s?#@]{1,500}@", re.IGNORECASE),
)
"""Authorization headers, keys of well-known services, JSON web tokens, PEM keys, and user names in URLs."""
_QUERY_NAME: Final = re.compile(r"[?&;]([^=&;#\s]{1,200})=[^&;#\s]")
_QUERY_SECRETS: Final = re.compile("^(?:sig|signature|key)$")
_COUNT: Final = re.compile(r"[0-9]{1,9}[kKmM]?")
_KEY_VALUE: Final = re.compile(r"(?:0x)?[0-9a-fA-F]{64}")
_KEY_NAME: Final = re.compile("key|pk$|priv|seed|signer|wallet|account")


def refuse_secrets(value: object, path: str = "") -> None:
    """Raise SecretInMetadata, with the place and not the value, if JSON holds what is or looks like a secret.

    Looks at names such as ``api_key``, however they are spelled and nested, and at values: authorization headers,
    well-known forms of tokens, private keys, user names and secrets in URLs. What it does not know it cannot find.
    Raises InvalidMetadata for JSON nested deeper than 16 levels.

    >>> try:
    ...     refuse_secrets({"upstream": {"API-Key": "abc"}})
    ... except SecretInMetadata as error:
    ...     print(error.field)
    upstream.API-Key
    """
    for place, name, text in _walk(value, path, 0):
        plain = _plain(name)
        # "maxTokens": 4096 is a number of something, not a secret.
        secret_name = _SECRET_KEYS.search(plain) and text != "" and not (plain.endswith("s") and _COUNT.fullmatch(text))
        secret_key = _KEY_NAME.search(plain) and _KEY_VALUE.fullmatch(text.strip())
        secret_query = any(
            _SECRET_KEYS.search(_plain(key)) or _QUERY_SECRETS.search(_plain(key)) for key in _QUERY_NAME.findall(text)
        )
        if secret_name or secret_key or secret_query or any(form.search(text) for form in _SECRET_VALUES):
            raise SecretInMetadata(place)


def _plain(name: str) -> str:
    """Write a name so that its spellings are one: api_key, API-Key, apiKey."""
    return "".join(character for character in normalize("NFKC", name).casefold() if character.isalnum())


def _walk(value: object, path: str, depth: int, name: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield every scalar as (place, nearest name, text). A name counts for all that is in it, and is itself looked at."""
    if depth > MAX_DEPTH:
        raise InvalidMetadata(path, f"it is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, Mapping):
        for key, item in value.items():
            place = f"{path}.{key}" if path else str(key)
            yield path or "a name in it", "", str(key)
            nested = f"{name}.{key}" if _SECRET_KEYS.search(_plain(name)) else str(key)
            yield from _walk(item, place, depth + 1, nested)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _walk(item, f"{path}[{index}]", depth + 1, name)
    elif value is not None and not isinstance(value, bool):
        yield path, name, str(value)
