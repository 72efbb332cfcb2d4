"""Types of columns that SQLite and PostgreSQL keep alike: bytes, amounts of credits, and amounts of money."""

from decimal import Decimal
from typing import Any, Final

from sqlalchemy import BigInteger, Dialect, Integer, LargeBinary, Numeric, Text
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

INT64_END: Final = 1 << 63
"""One more than the largest integer of both databases."""
WIDE_DIGITS: Final = 78
"""The decimal digits of 2**256 - 1."""
Number = BigInteger().with_variant(Integer(), "sqlite")
"""A whole number that is a table's only key. In SQLite an INTEGER is the row's own number, and needs no index beside."""
Hash = LargeBinary(32)
"""A hash or an id: 32 bytes."""
Account = LargeBinary(20)
"""An address: 20 bytes."""


class Uint256(TypeDecorator[int]):
    """Money in base units. SQLite keeps it as decimal text, and PostgreSQL as numeric. Python sees an int."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type of the database."""
        return dialect.type_descriptor(Numeric() if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: int | None, dialect: Dialect) -> Any:
        """Return what the driver takes."""
        if value is None:
            return None
        return Decimal(value) if dialect.name == "postgresql" else str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> int | None:
        """Return an int from what the driver gives."""
        return None if value is None else int(value)


class _Untyped(UserDefinedType[Any]):
    """A column of SQLite that keeps each value as it is given."""

    cache_ok = True

    def get_col_spec(self, **options: object) -> str:
        """Return a type without affinity."""
        return "BLOB"


class Amount(TypeDecorator[int]):
    """Credits, periods, or the end of an access window. Python sees an int.

    Nearly all fit into 64 bits. But a plan's minter can give 2**64 - 1 periods at once, and so move the end of access
    beyond any date. PostgreSQL keeps numeric. SQLite keeps an integer, and beyond 64 bits decimal text with leading zeros.
    In SQLite each text is greater than each integer, so comparisons and orders of amounts without a sign are right.
    Sums have to be made with `exact_sum`.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type of the database."""
        return dialect.type_descriptor(Numeric() if dialect.name == "postgresql" else _Untyped())

    def process_bind_param(self, value: int | None, dialect: Dialect) -> Any:
        """Return what the driver takes."""
        if value is None:
            return None
        return Decimal(value) if dialect.name == "postgresql" else fit_amount(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> int | None:
        """Return an int from what the driver gives."""
        return None if value is None else int(value)


def fit_amount(value: int) -> int | str:
    """Return an amount as SQLite keeps it.

    >>> fit_amount(7), len(fit_amount(2**64))
    (7, 78)
    """
    return value if -INT64_END <= value < INT64_END else f"{value:0{WIDE_DIGITS}d}"


class ExactSum:
    """The aggregate `exact_sum` in SQLite. It adds amounts and money exactly, where sum() would make a float or fail.

    Its result is an integer, or decimal text. PostgreSQL has an aggregate with this name too, see `postgres`.
    """

    def __init__(self) -> None:
        self._total = 0

    def step(self, value: int | str | None) -> None:
        """Add a value."""
        self._total += int(value or 0)

    def finalize(self) -> int | str:
        """Return the sum."""
        return fit_amount(self._total)
