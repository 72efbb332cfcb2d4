"""Addresses: checked once at the edge, checksummed (EIP-55) ever after."""

from typing import Final

from eth_typing import ChecksumAddress, HexAddress, HexStr
from eth_utils.address import is_checksum_address, is_hex_address, to_checksum_address

from nvm_chain.errors import InvalidAddress

ZERO_ADDRESS: Final = ChecksumAddress(HexAddress(HexStr("0x" + "00" * 20)))


def parse_address(value: str, name: str = "address") -> ChecksumAddress:
    """Return an address with its EIP-55 checksum.

    Accepts a right checksum, or all lower-case letters, which carry none. ``name`` says in the
    error whose address it is. Raises InvalidAddress for anything else and for the zero address.

    >>> parse_address("0x036cbd53842c5426634e7929541ec2318f3dcf7e")
    '0x036CbD53842c5426634e7929541eC2318f3dCF7e'
    """
    address = parse_address_or_zero(value, name)
    if address == ZERO_ADDRESS:
        raise InvalidAddress(name, value, "is the zero address, which nobody owns")
    return address


def parse_address_or_zero(value: str, name: str = "address") -> ChecksumAddress:
    """Return an address as `parse_address` does, where the zero address has a meaning of its own."""
    if not is_hex_address(value) or not value.startswith("0x"):
        raise InvalidAddress(name, value, "is not 0x and 40 hexadecimal digits")
    if value != value.lower() and not is_checksum_address(value):
        raise InvalidAddress(name, value, "has a wrong checksum, so at least one character is mistyped")
    return to_checksum_address(value)
