"""Canonical JSON (RFC 8785): every value has exactly one spelling. So programs in all languages compute the same hash.

Numbers of 2**53 and more are refused, because many programs round them.
"""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from nvm_chain.errors import InvalidMetadata

NUMBER_LIMIT: Final = 2**53
"""Numbers whose absolute value is below this are accepted. Other numbers have to be given as text."""
LEADING_ZEROS: Final = 6
"""Numbers with fewer zeros after the point are written without an exponent, as in JavaScript."""


def format_canonical_json(value: object) -> str:
    """Write a JSON value as RFC 8785 requires.

    Names are sorted by UTF-16 code units, numbers are written as in JavaScript, and there are no spaces.

    Raises:
        InvalidMetadata: The value is not JSON, or has a number of 2**53 or more.

    >>> format_canonical_json({"b": 1.0, "a": [0.0000001, None, "é"]})
    '{"a":[1e-7,null,"é"],"b":1}'
    """
    try:
        text = "".join(_write(value))
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:  # half a surrogate pair is a ValueError too
        raise error if isinstance(error, InvalidMetadata) else _refuse() from None
    return text


def _refuse() -> InvalidMetadata:
    return InvalidMetadata("extras", "it has something that JSON does not have")


def _write(value: object) -> Iterator[str]:
    if value is None or isinstance(value, bool | str):
        yield json.dumps(value, ensure_ascii=False)
    elif isinstance(value, Mapping):
        yield from _write_object(value)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield "," if index else "["
            yield from _write(item)
        yield "]" if value else "[]"
    elif isinstance(value, int):
        _check_size(value)
        yield str(int(value))
    else:
        yield _format_fraction(Decimal(json.dumps(value, allow_nan=False)))


def _write_object(value: Mapping[object, object]) -> Iterator[str]:
    names = [name for name in value if isinstance(name, str)]
    if len(names) < len(value):
        raise _refuse()
    for index, name in enumerate(sorted(names, key=lambda name: name.encode("utf-16-be"))):
        yield "," if index else "{"
        yield json.dumps(name, ensure_ascii=False) + ":"
        yield from _write(value[name])
    yield "}" if value else "{}"


def _check_size(number: int | Decimal) -> None:
    if not -NUMBER_LIMIT < number < NUMBER_LIMIT:
        raise InvalidMetadata("extras", "it has a number of 2**53 or more, which many readers round; write it as text")


def _format_fraction(number: Decimal) -> str:
    """Write a number with the fewest digits that identify its double, as ECMAScript does (Number::toString)."""
    _check_size(number)
    if not number:
        return "0"
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    point = number.adjusted() + 1
    sign = "-" if number < 0 else ""
    if len(digits) <= point:
        return sign + digits.ljust(point, "0")
    if point > 0:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if point > -LEADING_ZEROS:
        return f"{sign}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{point - 1}"
