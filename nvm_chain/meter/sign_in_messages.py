"""Sign-in messages: the text of EIP-4361 (CAIP-122 for Ethereum), written, and read strictly.

A library is not used. The package siwe 4.4.0 reads ``Chain ID: 01`` as 1, and hashes a message that it prints anew. It accepts
a message from before its own time of issue, and one without expiry for ever. Here the text that was received is hashed, and
every field has one spelling.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.errors import InputError, InvalidMessage
from nvm_chain.errors.fields import Number
from nvm_chain.signing.eip712 import check_address
from nvm_chain.types.hashes import keccak
from nvm_chain.types.ids import DID_PREFIX

MAX_MESSAGE: Final = 8_192
"""The largest number of characters in a sign-in message."""
CALL: Final = " wants you to sign in with your Ethereum account:"

_STATEMENT: Final = r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;= ]+"
_URI: Final = r"[A-Za-z][A-Za-z0-9+.\-]*:(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*"
_TIME: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+\-][0-9]{2}:[0-9]{2})"
_PCHARS: Final = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})*"
_MESSAGE: Final = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*)://)?(?P<domain>[A-Za-z0-9\-._~:\[\]]+)"
    rf"{CALL}\n(?P<address>0x[0-9a-fA-F]{{40}})\n\n(?:(?P<statement>{_STATEMENT})\n)?\n"
    rf"URI: (?P<uri>{_URI})\nVersion: 1\nChain ID: (?P<chain_id>0|[1-9][0-9]{{0,77}})\n"
    rf"Nonce: (?P<nonce>[A-Za-z0-9]{{8,128}})\nIssued At: (?P<issued_at>{_TIME})"
    rf"(?:\nExpiration Time: (?P<expiration_time>{_TIME}))?(?:\nNot Before: (?P<not_before>{_TIME}))?"
    rf"(?:\nRequest ID: (?P<request_id>{_PCHARS}))?(?P<resources>\nResources:(?:\n- {_URI})*)?"
)
_OPEN: Final = "Open at most "
_PERIODS: Final = re.compile(rf"(?:.*[.!?] )?{_OPEN}(?:(1) access period|([2-9]|[1-9][0-9]{{1,5}}) access periods)\.")


@dataclass(frozen=True, slots=True)
class SignInMessage:
    """A sign-in message, field by field. Times are texts of RFC 3339, as they were signed."""

    domain: str
    address: ChecksumAddress
    uri: str
    chain_id: Number
    nonce: str
    issued_at: str
    expiration_time: str | None = None
    statement: str | None = None
    scheme: str | None = None
    not_before: str | None = None
    request_id: str | None = None
    resources: tuple[str, ...] | None = None

    @property
    def text(self) -> str:
        """The message as it is signed."""
        optional = {
            "Expiration Time": self.expiration_time,
            "Not Before": self.not_before,
            "Request ID": self.request_id,
        }
        lines = [
            f"{'' if self.scheme is None else f'{self.scheme}://'}{self.domain}{CALL}",
            self.address,
            "",
            *(() if self.statement is None else (self.statement,)),
            "",
            f"URI: {self.uri}",
            "Version: 1",
            f"Chain ID: {self.chain_id}",
            f"Nonce: {self.nonce}",
            f"Issued At: {self.issued_at}",
            *(f"{name}: {value}" for name, value in optional.items() if value is not None),
            *(() if self.resources is None else ("Resources:", *(f"- {uri}" for uri in self.resources))),
        ]
        return "\n".join(lines)

    @property
    def services(self) -> tuple[str, ...]:
        """The DIDs among the resources."""
        return tuple(uri for uri in self.resources or () if uri.startswith(DID_PREFIX))

    @property
    def max_periods(self) -> int:
        """The highest number of access periods that the redeemer may open. 0 if the statement does not say one.

        It says one by its last sentence, which is exactly the one that `write_periods` returns, and is there once.
        """
        statement = self.statement or ""
        match = _PERIODS.fullmatch(statement) if statement.count(_OPEN) == 1 else None
        return int(match[1] or match[2]) if match else 0


def parse_sign_in(text: str) -> SignInMessage:
    """Read a sign-in message. Raises InvalidMessage for a text that is not exactly in the form of EIP-4361.

    The address needs its checksum, and the chain id has no zeros in front. The lines end with a line feed only.
    """
    match = _MESSAGE.fullmatch(text) if len(text) <= MAX_MESSAGE else None
    if match is None:
        raise refuse_sign_in("it is not in the form of EIP-4361")
    fields = match.groupdict()
    listed = fields.pop("resources")
    try:
        address = check_address(fields.pop("address"), "address")
    except InputError:
        raise refuse_sign_in("its address is written without the right checksum") from None
    message = SignInMessage(
        address=address,
        chain_id=int(fields.pop("chain_id")),
        resources=None if listed is None else tuple(listed.split("\n- ")[1:]),
        **fields,
    )
    if message.text != text:
        raise refuse_sign_in("one of its fields has another spelling")
    return message


def write_periods(periods: int) -> str:
    """Return the sentence of a statement that lets the redeemer open some access periods.

    >>> write_periods(1), write_periods(12)
    ('Open at most 1 access period.', 'Open at most 12 access periods.')
    """
    return f"{_OPEN}{periods} access period{'' if periods == 1 else 's'}."


def hash_sign_in(text: str) -> bytes:
    """Return the 32 bytes that are signed for a text, with the prefix of EIP-191 for personal messages."""
    data = text.encode()
    return keccak(b"\x19Ethereum Signed Message:\n" + str(len(data)).encode() + data)


def read_second(text: str) -> int:
    """Return the Unix second of a time of RFC 3339. Parts of a second are dropped. Raises InvalidMessage for no time.

    >>> read_second("2026-11-28T12:00:00.000Z"), read_second("2026-11-28T13:00:00+01:00")
    (1795867200, 1795867200)
    """
    if re.fullmatch(_TIME, text):
        try:
            return int(datetime.fromisoformat(text).timestamp())
        except (ValueError, OverflowError):
            pass
    raise refuse_sign_in("one of its times does not exist")


def refuse_sign_in(reason: str) -> InvalidMessage:
    """Return the error of a text that is not an acceptable sign-in message."""
    return InvalidMessage("sign-in message", reason)
