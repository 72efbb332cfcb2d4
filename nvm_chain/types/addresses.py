"""Addresses: check them, and write them with their checksum (EIP-55)."""

import re
from collections.abc import Sequence
from typing import Final, cast

from eth_typing import ChecksumAddress, HexAddress, HexStr

from nvm_chain.errors import InvalidAddress
from nvm_chain.types.hashes import keccak

ZERO_ADDRESS: Final = ChecksumAddress(HexAddress(HexStr("0x" + "00" * 20)))

_DIGITS: Final = 40
_MAYBE_KEY: Final = re.compile("[0-9a-fA-F]{64}")
_ADDRESS: Final = re.compile(r"[ \t\r\n]*0[xX]([0-9a-fA-F]{40})[ \t\r\n]*")


def parse_address(value: str, name: str = "address") -> ChecksumAddress:
    """Return an address with its EIP-55 checksum.

    An address in small letters only, or in capitals only, is accepted without a checksum. An address with both has to
    have the right checksum. Blanks around the address are ignored. ``name`` names the address in the error.

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
    """Return an address as `parse_address` does, but accept the zero address too. Raises InvalidAddress."""
    digits = _read_digits(value)
    if _may_be_key(value):
        raise InvalidAddress(name, "…", "has the 64 hexadecimal digits of a private key or a hash, so it is not shown")
    if digits is None:
        raise _explain_object(InvalidAddress(name, value, "is not 0x and 40 hexadecimal digits"), value)
    address = format_address(bytes.fromhex(digits))
    if digits not in (digits.lower(), digits.upper(), address[2:]):
        raise InvalidAddress(name, value, "has a wrong checksum, so at least one character is mistyped")
    return address


def parse_token_address(value: str, *, or_coin: bool = False) -> ChecksumAddress:
    """Return the address of a token with its EIP-55 checksum.

    With ``or_coin``, the zero address is accepted too. It stands for the native coin.

    Raises:
        InvalidAddress: The value is not an address, its checksum is wrong, or it is the zero address. For None, the
            error says that no USDC is known, because `Chain.usdc` is None then.
    """
    try:
        return (parse_address_or_zero if or_coin else parse_address)(value, "token address")
    except InvalidAddress as error:
        if str(value).strip().upper() == "USDC":
            raise error.explain(
                "a token is given by its address", "give `chain.usdc`, the address of USDC on the chain"
            ) from None
        if cast(object, value) is not None:
            raise
        raise error.explain(
            "`chain.usdc` is None where no USDC is known",
            "connect in the folder where you deployed, or with `connect(…, records=path)`, or give a token's address; "
            "on a development chain `nvm-chain deploy --test-usdc` brings a TestUSDC",
        ) from None


def parse_addresses_bytes(values: Sequence[str], name: str = "address") -> list[bytes]:
    """Return the 20 bytes of each address. Checks the same as `parse_address`, six times as fast.

    Raises:
        InvalidAddress: A value is not an address, its checksum is wrong, or it is the zero address.

    >>> parse_addresses_bytes(["0x036CbD53842c5426634e7929541eC2318f3dCF7e"])[0].hex()
    '036cbd53842c5426634e7929541ec2318f3dcf7e'
    """
    digits = "".join([value[2:] for value in values if type(value) is str and len(value) == 2 + _DIGITS])
    try:
        joined = bytes.fromhex(digits)
    except ValueError:
        joined = b""
    small, size = joined.hex(), _DIGITS // 2
    addresses = [joined[at : at + size] for at in range(0, len(joined), size)]
    are_written_so = len(addresses) == len(values) and (digits == small or digits == _write_checksums(small))
    if are_written_so and "".join([value[:2] for value in values]) == "0x" * len(values) and all(map(any, addresses)):
        return addresses
    return [
        bytes.fromhex(parse_address(value, name)[2:]) for value in values
    ]  # accepts other spellings, and raises the errors


def format_address(address: bytes) -> ChecksumAddress:
    """Write the 20 bytes of an address with its EIP-55 checksum.

    >>> format_address(bytes.fromhex("036cbd53842c5426634e7929541ec2318f3dcf7e"))
    '0x036CbD53842c5426634e7929541eC2318f3dCF7e'
    """
    return cast(ChecksumAddress, "0x" + _write_checksums(address.hex()))


def _write_checksums(small: str) -> str:
    """Return the joined digits of addresses with the capital letters of EIP-55. ``small`` has small letters only.

    A letter becomes a capital if the digit at the same place of the hash is 8 or more. One large number holds the ASCII
    bytes of all places, so one expression computes them together. In ASCII, only letters have the bit 0x40. Of the
    digits, only 8 and 9 have the bit 0x08. Small letters have the bit 0x20, and capitals do not.
    """
    text = small.encode()
    hashes = b"".join([keccak(text[at : at + _DIGITS])[: _DIGITS // 2] for at in range(0, len(text), _DIGITS)])
    letters, decides = int.from_bytes(text), int.from_bytes(hashes.hex().encode())
    capitals = (letters >> 1) & (decides << 2 | decides >> 1) & int.from_bytes(b"\x20" * len(text))
    return (letters ^ capitals).to_bytes(len(text)).decode()


def _read_digits(value: object) -> str | None:
    """Return the 40 digits of an address in their given letter case, or None if the value is not an address."""
    found = _ADDRESS.fullmatch(value) if isinstance(value, str) else None
    return found[1] if found else None


def _explain_object(error: InvalidAddress, value: object) -> InvalidAddress:
    """If an object with an address was given, such as an account, name its attribute. Return the error."""
    if isinstance(value, str) or not isinstance(getattr(value, "address", None), str):
        return error
    return error.explain(f"it is an object of {type(value).__name__}", "give its attribute `address`")


def _may_be_key(value: object) -> bool:
    """Return whether a value is a text with 64 hexadecimal digits, as a private key has."""
    return isinstance(value, str) and _MAYBE_KEY.search(value) is not None
