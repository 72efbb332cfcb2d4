"""Placeholders: texts that stand for a secret in instructions, such as ``<token>`` and ``YOUR_API_KEY``."""

import re
from typing import Final

_WORD: Final = r"[A-Za-z]{1,16}[0-9]{0,2}"
_WORDS: Final = rf"{_WORD}(?:[ _.:(-]{_WORD}){{0,7}}\)?"
_FORMS: Final = (
    # <token>, [token], {token}, {{token}}, ${TOKEN}, $TOKEN, %TOKEN%
    rf"\$?<{_WORDS}>|\[{_WORDS}\]|[$#]?\{{{{1,2}}\s?{_WORDS}\s?\}}{{1,2}}|\$[A-Z]{{1,16}}(?:_[A-Z]{{1,16}}){{0,7}}|%{_WORDS}%",
    # YOUR_API_KEY, your-token-here, my_token
    rf"(?i:your|my|the|some|insert|replace|enter|example|sample|dummy|put)(?:[ _.-]{_WORD}){{1,8}}|(?i:your)[A-Za-z]{{1,16}}",
    # API_KEY, OPENAI_API_KEY, ACCESS_TOKEN, TOKEN
    r"(?:[A-Z]{1,16}_){0,7}(?:TOKEN|KEY|SECRET|PASSWORD|PASS|CREDENTIALS|JWT|USER|USERNAME)(?:_HERE)?",
    # token, api-key, access_token
    r"(?:(?:access|auth|api|bearer|refresh|id)[_-]?)?(?:token|key)|jwt",
    # ..., ***, xxxx, sk-xxxx, sk-...
    r"[A-Za-z]{0,4}[_-]?(?:[A-Za-z0-9]{1,5}[_-])?(?:\.{3,}|…|\*{3,}|[xX]{3,}|•{3,})(?:[_-]?(?:[xX*•.]{3,}|…)){0,8}",
)
_PLACEHOLDERS: Final = tuple(map(re.compile, _FORMS))
_QUOTES: Final = "\"'`"
_ENDING: Final = re.compile(r"""(?=["'`,;.)\]\s&#@:]|$)""")


def is_placeholder(text: str) -> bool:
    """Return whether a text is a placeholder for a secret, and nothing else.

    >>> [is_placeholder(text) for text in ("<your token>", "YOUR_API_KEY", "sk-...", "8f3a9c21")]
    [True, True, True, False]
    """
    stripped = text.strip(_QUOTES + " ")
    return any(form.fullmatch(stripped) for form in _PLACEHOLDERS)


def begins_with_placeholder(text: str) -> bool:
    """Return whether a text begins with a placeholder, perhaps in quotes.

    After the placeholder, the text ends, or a blank, a quote or punctuation follows.
    """
    stripped = text.lstrip(_QUOTES)
    for form in _PLACEHOLDERS:
        found = form.match(stripped)
        if found and _ENDING.match(stripped, found.end()):
            return True
    return False
