"""A passkey for tests: a key of the curve P-256 that answers challenges as a browser does (WebAuthn)."""

import hashlib
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass

from nvm_chain.signing.wallets.passkeys import PasskeyAssertion

PRIME = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
BASE = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
ORIGIN = "https://keys.coinbase.com"
USER_PRESENT, USER_VERIFIED = 1, 4

Point = tuple[int, int] | None


@dataclass(frozen=True)
class Passkey:
    """A passkey with a private key."""

    private_key: int
    prefers_high_s: bool = False

    @property
    def public_key(self) -> bytes:
        """The public key's coordinates, 64 bytes."""
        point = _multiply(self.private_key, BASE)
        assert point is not None
        return b"".join(coordinate.to_bytes(32, "big") for coordinate in point)

    def sign_challenge(self, challenge: bytes, /) -> PasskeyAssertion:
        """Answer a challenge."""
        data = hashlib.sha256(b"keys.coinbase.com").digest() + bytes((USER_PRESENT | USER_VERIFIED, 0, 0, 0, 0))
        encoded = urlsafe_b64encode(challenge).rstrip(b"=").decode()
        fields = {"type": "webauthn.get", "challenge": encoded, "origin": ORIGIN, "crossOrigin": False}
        text = json.dumps(fields, separators=(",", ":")).encode()
        r, s = self._sign(hashlib.sha256(data + hashlib.sha256(text).digest()).digest())
        return PasskeyAssertion(data, text, r, s)

    def _sign(self, digest: bytes) -> tuple[int, int]:
        """Sign a digest with a nonce that depends on the key and the digest alone."""
        seed = hashlib.sha512(self.private_key.to_bytes(32, "big") + digest).digest()
        nonce = int.from_bytes(seed, "big") % (ORDER - 1) + 1
        point = _multiply(nonce, BASE)
        assert point is not None
        r = point[0] % ORDER
        s = pow(nonce, -1, ORDER) * (int.from_bytes(digest, "big") + r * self.private_key) % ORDER
        low = min(s, ORDER - s)
        return r, ORDER - low if self.prefers_high_s else low


def _multiply(factor: int, point: Point) -> Point:
    total: Point = None
    while factor:
        if factor & 1:
            total = _add(total, point)
        point, factor = _add(point, point), factor >> 1
    return total


def _add(first: Point, second: Point) -> Point:
    if first is None or second is None:
        return first or second
    (x1, y1), (x2, y2) = first, second
    if x1 == x2 and (y1 + y2) % PRIME == 0:
        return None
    rise, run = (3 * x1 * x1 - 3, 2 * y1) if first == second else (y2 - y1, x2 - x1)
    slope = rise * pow(run, -1, PRIME)
    x3 = (slope * slope - x1 - x2) % PRIME
    return x3, (slope * (x1 - x3) - y1) % PRIME
