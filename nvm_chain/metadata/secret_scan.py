"""Secret scan: find secrets, and texts that look like secrets, before a text becomes public for ever."""

import re
from collections.abc import Iterator, Mapping
from typing import Final
from unicodedata import normalize

from nvm_chain.errors import InvalidMetadata, SecretInMetadata
from nvm_chain.metadata.placeholders import begins_with_placeholder, is_placeholder

MAX_DEPTH: Final = 16
"""The largest number of levels of nested lists and objects."""
_SECRET_KEYS: Final = re.compile(
    "authori[sz]ation|token(?!address|id|name|symbol|uri|type|decimals|standard|count|limit|iz|price|cost|usage|length|window|budget|rate)|passw(?:or)?d|passphrase"
    "|passcode|^pwd$|^pass$|secret|apikey|bearer|credential|privatekey|signingkey|accesskey|mnemonic|seedphrase|^seed$"
    "|cookie|^x?auth$|^session(?:id|key)?$"
)
"""Names of fields that hold secrets. Names are compared in small letters, without marks and blanks."""
_ASSIGNED_KEYS: Final = re.compile(
    "apikey|passw(?:or)?d|passphrase|(?:client|app)?secret(?:key)?$|(?:access|auth|refresh)token|(?:private|signing|access)key"
)
"""Names before a secret in a sentence. ``token`` is not among them, because ``token: ERC-20`` is not a secret."""
_SECRET_VALUES: Final = (
    # A token has a digit, a capital inside, or 24 letters. So "Basic subscription" does not have a token.
    re.compile(r"\b(?i:bearer|basic)\s+(?P<value>(?=\S*[0-9=]|\S+[A-Z]|[a-z]{24})[A-Za-z0-9._~+/=|-]{8,})"),
    re.compile(r"(?<!\w)(?:xox[a-z]|xapp|gh[pousr]|github_pat|glpat)[-_][A-Za-z0-9_-]{16,}"),
    # A key has a long part, or is a UUID. The parts of a name such as sk-learn-based-model-v2 are short.
    re.compile(
        r"(?<!\w)(?:sk|pk|rk|hf)[-_](?:[A-Za-z0-9]{1,40}[-_]){0,8}"
        r"(?:[a-z]{24}|(?=[A-Za-z0-9]{16})[a-z]{0,40}[A-Z0-9]|[0-9a-f]{8}-[0-9a-f]{4}-)"
    ),
    re.compile(r"\bAKIA[0-9A-Z]{16}\b|\bAIza[0-9A-Za-z_-]{35}"),
    re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\."),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
)
"""The forms of keys of well-known services, JSON web tokens and PEM keys."""
_HEADER: Final = re.compile(r"\bauthori[sz]ation[\"'`]?\s{0,8}[:=]\s{0,8}(?=\S)", re.IGNORECASE)
_SCHEME: Final = re.compile(
    r"[\"'`]{0,3}(?:bearer|basic|token|digest|apikey|api-key|negotiate)\b[\"'`]?[ \t]{0,8}", re.IGNORECASE
)
_USER: Final = re.compile(r"[a-z][a-z0-9+.-]{0,20}://([^/\s?#@]{1,500})@", re.IGNORECASE)
_QUERY: Final = re.compile(r"[?&;]([^=&;#\s]{1,200})=([^&;#\s]{1,500})")
_QUERY_SECRETS: Final = re.compile("^(?:sig|signature|key)$")
_ASSIGNED: Final = re.compile(
    r"(?<![\w?&;.-])([A-Za-z_][A-Za-z0-9_.-]{1,60})[\"'`]?(\s{0,2}[=:]\s{0,2})[\"'`]{0,3}([^\s\"'`&;,)]{6,500})"
)
_COUNT: Final = re.compile(r"[0-9]{1,9}[kKmM]?")
_KEY_VALUE: Final = re.compile(r"(?:0x)?[0-9a-fA-F]{64}")
_KEY_NAME: Final = re.compile("key|pk$|priv|seed|signer|wallet|account")


def refuse_secrets(value: object, path: str = "") -> None:
    """Refuse a JSON value with a secret, or with a text that looks like a secret. The error shows only the place.

    Names such as ``api_key`` are found in every spelling and at every depth. Values are found by their form:
    authorization headers, tokens of well-known services, private keys, user names and secrets in URLs. Placeholders
    such as ``<token>`` are accepted. A secret of an unknown form is not found.

    Args:
        value: The result of ``json.loads``, or a part of it.
        path: The name of that part, for the error.

    Raises:
        SecretInMetadata: The value has a secret, or a text that looks like one.
        InvalidMetadata: The JSON is nested deeper than 16 levels.

    >>> try:
    ...     refuse_secrets({"upstream": {"API-Key": "abc"}})
    ... except SecretInMetadata as error:
    ...     print(error.field)
    upstream.API-Key
    """
    for place, name, text in _walk(value, path, 0):
        reason = _judge_name(_plain(name), text) or _judge_text(text)
        if reason is not None:
            raise SecretInMetadata(place, reason)


def _judge_name(name: str, text: str) -> str | None:
    """Return the reason why a value is a secret by its name, or None. The count ``"maxTokens": 4096`` is accepted."""
    if _KEY_NAME.search(name) and _KEY_VALUE.fullmatch(text.strip()):
        return "it is 64 hexadecimal digits under the name of a key"
    if not _SECRET_KEYS.search(name) or text == "" or (name.endswith("s") and _COUNT.fullmatch(text)):
        return None
    return None if _is_placeholder_value(text) else "its name is that of a secret"


def _is_placeholder_value(text: str) -> bool:
    """Return whether a value is a placeholder, perhaps after an HTTP scheme, as in ``Bearer <token>``."""
    scheme = _SCHEME.match(text)
    return is_placeholder(text) or (scheme is not None and is_placeholder(text[scheme.end() :]))


def _judge_text(text: str) -> str | None:
    """Return the reason why a text has a secret in it, or None."""
    judges = {
        _has_header: "it has an Authorization header",
        _has_token: "it has the form of a token or a key",
        _has_user: "a URL in it has a user name or a password",
        _has_query_secret: "a URL in it has a secret in its query",
        _has_assigned_secret: "it gives a secret a value, as api_key=… does",
    }
    return next((reason for judge, reason in judges.items() if judge(text)), None)


def _has_token(text: str) -> bool:
    """Return whether a text has a token or a key of a known form."""
    for form in _SECRET_VALUES:
        for found in form.finditer(text):
            start = found.start("value") if "value" in form.groupindex else found.start()
            if not begins_with_placeholder(text[start : start + 200]):
                return True
    return False


def _has_header(text: str) -> bool:
    """Return whether a text has an Authorization header with a value other than a scheme and a placeholder."""
    for found in _HEADER.finditer(text):
        rest = text[found.end() : found.end() + 200]
        scheme = _SCHEME.match(rest)
        credential = rest[scheme.end() :] if scheme else rest
        if credential.strip(" \"'`.,;)") and not begins_with_placeholder(credential):
            return True
    return False


def _has_user(text: str) -> bool:
    """Return whether a text has a URL with a user name or password in it."""
    return any(not all(map(is_placeholder, user.split(":"))) for user in _USER.findall(text))


def _has_query_secret(text: str) -> bool:
    return any(
        (_SECRET_KEYS.search(_plain(name)) or _QUERY_SECRETS.search(_plain(name))) and not is_placeholder(value)
        for name, value in _QUERY.findall(text)
    )


def _has_assigned_secret(text: str) -> bool:
    """Return whether a text has ``api_key=…`` or ``password: …``, with a digit in a value that is not a count."""
    for name, mark, value in _ASSIGNED.findall(text):
        keys = _SECRET_KEYS if mark.strip() == "=" else _ASSIGNED_KEYS
        is_value = any(character.isdigit() for character in value) and not _COUNT.fullmatch(value)
        if is_value and keys.search(_plain(name)) and not begins_with_placeholder(value):
            return True
    return False


def _plain(name: str) -> str:
    """Return the letters and digits of a name, in small letters: "apikey" for api_key, API-Key and apiKey."""
    return "".join(character for character in normalize("NFKC", name).casefold() if character.isalnum())


def _walk(value: object, path: str, depth: int, name: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield every scalar and every field name, as (place, name of the field around it, text).

    Fields inside a field with the name of a secret get that name too.
    """
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
