"""The gas of a transaction before its call begins: a base, and an amount for each byte of its data."""

from typing import Final

LEAST_GAS: Final = 21_000
"""The gas of the smallest transaction."""
ZERO_BYTE_GAS: Final = 4
OTHER_BYTE_GAS: Final = 16
FLOOR_TOKEN_GAS: Final = 10
"""The least gas for each token of data (EIP-7623). A zero byte is one token, and any other byte is four."""


def add_intrinsic_gas(data: bytes, gas: int) -> int:
    """Return the gas limit with which a call gets ``gas``.

    The result is at least the floor for the data. Then the call gets more than ``gas``, because a transaction with a
    lower limit is invalid.

    >>> add_intrinsic_gas(bytes(1) + b"1", 100_000)
    121020
    """
    zeros = data.count(0)
    others = len(data) - zeros
    floor = LEAST_GAS + FLOOR_TOKEN_GAS * (zeros + 4 * others)
    return max(LEAST_GAS + ZERO_BYTE_GAS * zeros + OTHER_BYTE_GAS * others + gas, floor)
