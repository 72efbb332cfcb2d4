"""Addresses: checked once at the edge, checksummed (EIP-55) ever after."""

import re
from typing import Final

from eth_typing import ChecksumAddress, HexAddress, HexStr
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from nvm_chain.errors import InvalidAddress

ZERO_ADDRESS: Final = ChecksumAddress(HexAddress(HexStr("0x" + "00" * 20)))

_MAYBE_KEY: Final = re.compile("[0-9a-fA-F]{64}")
_ADDRESS: Final = re.compile(r"[ \t\r\n]*0[xX]([0-9a-fA-F]{40})[ \t\r\n]*")


def parse_address(value: str, name: str = "address") -> ChecksumAddress:
    """Return an address with its EIP-55 checksum.

    Letters in small or in capitals only carry no checksum and are taken; a mixture has to be the right checksum. Blanks
    around the address do not matter. ``name`` says in the error whose address it is.

    Raises:
        InvalidAddress: The value is not an address, its checksum is wrong, or it is the zero address.

    >>> parse_address("0x036cbd53842c5426634e7929541ec2318f3dcf7e")
    '0x036CbD53842c5426634e7929541eC2318f3dCF7e'
    """
    address = parse_address_or_zero(value, name)
    if address == ZERO_ADDRESS:
        raise InvalidAddress(name, value, "is the zero address, which nobody owns")
    return address


def parse_address_or_zero(value: str, name: str = "address") -> ChecksumAddress:
    """Return an address as `parse_address` does, and take the zero address where it has a meaning."""
    digits = _read_digits(value)
    if _may_be_key(value):
        raise InvalidAddress(name, "…", "has the 64 hexadecimal digits of a private key or a hash, so it is not shown")
    if digits is None:
        raise InvalidAddress(name, value, "is not 0x and 40 hexadecimal digits")
    address = to_checksum_address("0x" + digits)
    if digits not in (digits.lower(), digits.upper(), address[2:]):
        raise InvalidAddress(name, value, "has a wrong checksum, so at least one character is mistyped")
    return address


def parse_address_bytes(value: str, name: str = "address") -> bytes:
    """Return the 20 bytes of an address, checked as `parse_address` does and sooner, for lists of thousands.

    Raises:
        InvalidAddress: The value is not an address, its checksum is wrong, or it is the zero address.

    >>> parse_address_bytes("0x036CbD53842c5426634e7929541eC2318f3dCF7e").hex()
    '036cbd53842c5426634e7929541ec2318f3dcf7e'
    """
    digits = _read_digits(value)
    if digits is None or (digits not in (digits.lower(), digits.upper()) and not _is_checksum(digits)):
        return bytes.fromhex(parse_address(value, name)[2:])  # which says what is wrong
    address = bytes.fromhex(digits)
    return address if any(address) else bytes.fromhex(parse_address(value, name)[2:])


def _is_checksum(digits: str) -> bool:
    """Return whether the letters of an address are in small and capitals as EIP-55 has them."""
    small = digits.lower()
    decides = keccak(text=small).hex()
    return digits == "".join([char.upper() if by > "7" else char for char, by in zip(small, decides, strict=False)])


def _read_digits(value: object) -> str | None:
    """Return the digits of an address as they are written, or None if it is not one."""
    found = _ADDRESS.fullmatch(value) if isinstance(value, str) else None
    return found[1] if found else None


def _may_be_key(value: object) -> bool:
    """Tell whether a text has as many hexadecimal digits as a private key."""
    return isinstance(value, str) and _MAYBE_KEY.search(value) is not None
