"""Visitors: accounts that have shown the pages who they are. A page keeps a token for an hour, and the gateway keeps nothing.

A token is good for the pages at one place: at the URL of the gateway, or on the host of one service. It opens no session, and no
request is paid with it. It shows what belongs to its account, and ends sessions of that account.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from hashlib import sha256
from typing import Final

from eth_typing import ChecksumAddress
from msgspec import Struct

from nvm_chain.errors.fields import Seconds
from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.own.asked import Asked
from nvm_chain.gateway.own.origins import find_origin
from nvm_chain.gateway.refusals import ask_for_token
from nvm_chain.gateway.serving import Refused
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.visits import build_visit
from nvm_chain.types.addresses import format_address

TOKEN_SECONDS: Final[Seconds] = 3_600
"""How long a token of the pages is good."""
PREFIX: Final = "nvm-page."
PURPOSE: Final = b"tokens of pages"
_ADDRESS_BYTES: Final = 20
_TIME_BYTES: Final = 5
_CODE_BYTES: Final = 32
_SIZE: Final = _ADDRESS_BYTES + _TIME_BYTES + _CODE_BYTES
_TEXT_SIZE: Final = 4 * (_SIZE // 3)


class VisitBody(Struct, forbid_unknown_fields=True):
    """What a page sends to sign in: the message as it was signed, and the signature in hexadecimal digits."""

    message: str
    signature: str


class Visitors:
    """Gives out tokens of the pages, and recognizes them. `open_visitors` makes it."""

    def __init__(self, meter: Meter, key: bytes, *, base: str) -> None:
        """Take the meter, the key of tokens, which all processes of the gateway have in common, and the gateway's URL."""
        self._meter, self._key, self._base = meter, key, base

    async def challenge(self, account: str, asked: Asked) -> dict[str, str]:
        """Return the message that an account signs by ``personal_sign``. Raises InvalidAddress."""
        challenge = await self._meter.challenge()
        origin = find_origin(self._meter.settings, self._base, asked)
        return {"message": build_visit(account, challenge, origin).text}

    async def admit(self, message: str, signature: bytes, asked: Asked) -> str:
        """Return a token for a signed message, whose nonce is used.

        Raises:
            InvalidMessage: The text is not a sign-in message.
            SignatureError: The message is not for these pages, its nonce was used, or the account did not sign it.
        """
        own = None if asked.service is None else asked.service.did
        return self._write(await self._meter.visit(message, signature, own), asked.service)

    def find(self, bearer: str | None, service: SoldService | None = None) -> ChecksumAddress | None:
        """Return whose token it is. None for what is not a token of the pages, or one that is over, or of another place.

        ``service`` is there if the request came to the own host of a service.
        """
        text = (bearer or "").removeprefix(PREFIX)
        if bearer is None or len(text) != _TEXT_SIZE or not bearer.startswith(PREFIX):
            return None
        try:
            data = urlsafe_b64decode(text)
        except (NotBase64, ValueError):
            return None
        known, code = data[:-_CODE_BYTES], data[-_CODE_BYTES:]
        if len(data) != _SIZE or not hmac.compare_digest(code, self._compute_code(known, service)):
            return None
        end = int.from_bytes(known[_ADDRESS_BYTES:])
        return format_address(known[:_ADDRESS_BYTES]) if self._meter.writer.now <= end else None

    def require(self, asked: Asked) -> ChecksumAddress:
        """Return whose token a request brings. Raises Refused."""
        account = self.find(asked.incoming.bearer, asked.service)
        if account is None:
            message = "The page does not know who you are, or your sign-in is over. Sign in again."
            raise Refused(ask_for_token("pages", "VisitorUnknown", message))
        return account

    def _write(self, account: ChecksumAddress, service: SoldService | None) -> str:
        end = self._meter.writer.now + TOKEN_SECONDS
        known = bytes.fromhex(account[2:]) + end.to_bytes(_TIME_BYTES)
        return PREFIX + urlsafe_b64encode(known + self._compute_code(known, service)).decode()

    def _compute_code(self, known: bytes, service: SoldService | None) -> bytes:
        place = "" if service is None else service.did
        return hmac.digest(self._key, known + place.encode(), sha256)


async def open_visitors(meter: Meter, *, base: str) -> Visitors:
    """Return the visitors of a gateway. Raises IndexFailure if the books cannot be read."""
    return Visitors(meter, await meter.derive_key(PURPOSE), base=base)
