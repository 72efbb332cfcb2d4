"""Sign-ins: an account proves that it is there, for one service, once, and for ten minutes at most."""

import secrets
from datetime import UTC, datetime
from typing import Final

from nvm_chain.errors import InvalidConfig, SignInExpired, SignInMismatch, SignInNotYetValid, SignInSignatureInvalid
from nvm_chain.meter.sign_in_messages import (
    SignInMessage,
    hash_sign_in,
    parse_sign_in,
    read_second,
    refuse_sign_in,
    write_periods,
)
from nvm_chain.signing.signatures import REFUSED, AskChain, is_signed_by, recover_signer
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.ids import format_did, parse_agent_id

MAX_SECONDS: Final = 600
"""The longest time between the issue of a sign-in message and its expiry."""
LEEWAY_SECONDS: Final = 30
"""How far the clock of the machine that signs may be ahead."""
STATEMENT: Final = "Sign in to use this service."


def new_nonce() -> str:
    """Return a random nonce for a sign-in message. A server gives it out, and accepts it once."""
    return secrets.token_hex(16)


def build_sign_in(
    account: str,
    *,
    origin: str,
    service: int | str,
    chain_id: int,
    nonce: str,
    now: int,
    valid_seconds: int = MAX_SECONDS,
    max_periods: int = 0,
) -> SignInMessage:
    """Build the message that an account signs to sign in. No network.

    Args:
        account: The address that signs.
        origin: Where the account signs in, such as ``https://api.example.com``.
        service: The id of the agent, as an int, text or DID.
        chain_id: The id of the chain.
        nonce: The nonce that the server gave.
        now: The time of issue, as a Unix second. See `find_now`.
        valid_seconds: The seconds until the message expires, at most 600.
        max_periods: For time plans that open on first use, the highest number of periods that the redeemer may open.

    Raises:
        InvalidAddress: The account is not an address.
        InvalidAgentId: The service is not an agent id.
        InvalidMessage: Another value cannot stand in such a message.

    >>> bob = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
    >>> where = {"origin": "https://api.example.com", "service": 7, "chain_id": 8453}
    >>> build_sign_in(bob, **where, nonce="0123456789abcdef", now=1_800_000_000).expiration_time
    '2027-01-15T08:10:00Z'
    """
    scheme, _, domain = origin.rpartition("://")
    periods = f" {write_periods(max_periods)}" if max_periods else ""
    message = SignInMessage(
        domain=domain,
        address=parse_address(account),
        uri=origin,
        chain_id=chain_id,
        nonce=nonce,
        issued_at=_format_second(now),
        expiration_time=_format_second(now + valid_seconds),
        statement=f"{STATEMENT}{periods}",
        scheme=scheme or None,
        resources=(format_did(parse_agent_id(service)),),
    )
    read = parse_sign_in(message.text)
    _check_times(read, now)
    if read.max_periods != max_periods:
        raise refuse_sign_in("it can let the redeemer open at most 999999 access periods")
    return message


def verify_sign_in(
    text: str,
    signature: bytes,
    *,
    origin: str,
    service: int | str,
    chain_id: int,
    nonce: str,
    now: int,
    ask_chain: AskChain | None = None,
) -> SignInMessage:
    """Return a sign-in message if its account signed it, and it is for this service, now. No network without ``ask_chain``.

    The nonce has to be one that was given out and not used yet. Whoever calls this spends the nonce.

    Args:
        text: The message as it was received.
        signature: The signature's bytes.
        origin: Where the account signs in, such as ``https://api.example.com``.
        service: The id of the agent, which has to be among the message's resources.
        chain_id: The id of the chain.
        nonce: The nonce that was given out.
        now: The time of the check, as a Unix second. See `find_now`.
        ask_chain: A function that asks a contract at the account (ERC-1271).

    Raises:
        InvalidMessage: The text is not a sign-in message, or it is valid for more than ten minutes.
        SignInMismatch: The message is for another origin, service or chain, or has another nonce.
        SignInNotYetValid: The message is from the future.
        SignInExpired: The message has expired.
        SignatureNeedsChain: Only a contract wallet can check the signature, and ``ask_chain`` is not given.
        SignInSignatureInvalid: The account did not sign the message.
    """
    message = parse_sign_in(text)
    _check_place(message, origin)
    did = format_did(parse_agent_id(service))
    if did not in message.services:
        raise SignInMismatch("list of resources", did, ", ".join(message.resources or ()))
    _compare("chain id", chain_id, message.chain_id)
    _compare("nonce", nonce, message.nonce)
    verify_signed(message, signature, origin=origin, chain_id=chain_id, now=now, ask_chain=ask_chain)
    return message


def verify_signed(
    message: SignInMessage,
    signature: bytes,
    *,
    origin: str,
    chain_id: int,
    now: int,
    ask_chain: AskChain | None = None,
) -> None:
    """Check that the account of a message signed it, for an origin and a chain, now. Not for what, and not the nonce.

    Arguments and errors are those of `verify_sign_in`.
    """
    _check_place(message, origin)
    _compare("chain id", chain_id, message.chain_id)
    _check_times(message, now)
    digest = hash_sign_in(message.text)
    if not is_signed_by(message.address, digest, signature, ask_chain):
        error = SignInSignatureInvalid(message.address, recover_signer(digest, signature))
        raise error if ask_chain is None else error.explain(*REFUSED)


def _check_place(message: SignInMessage, origin: str) -> None:
    """Check that the domain, and the URI that a wallet may show instead, are those of the origin."""
    scheme, found, domain = origin.rpartition("://")
    if not found:
        raise InvalidConfig(f"the origin {origin!r} does not begin with https:// or http://")
    _compare("domain", domain, message.domain)
    _compare("scheme", scheme, message.scheme or scheme)
    if message.uri != origin and not message.uri.startswith((f"{origin}/", f"{origin}?", f"{origin}#")):
        raise SignInMismatch("URI", origin, message.uri)


def _check_times(message: SignInMessage, now: int) -> None:
    """Check the times ourselves: issued before now, not expired, and valid for ten minutes at most."""
    if message.expiration_time is None:
        raise refuse_sign_in("it has no expiration time")
    issued, end = read_second(message.issued_at), read_second(message.expiration_time)
    if not 0 < end - issued <= MAX_SECONDS:
        raise refuse_sign_in(f"it has to expire within {MAX_SECONDS} seconds after its issue")
    start = max(issued, issued if message.not_before is None else read_second(message.not_before))
    if start > now + LEEWAY_SECONDS:
        raise SignInNotYetValid(start, now)
    if now >= end:
        raise SignInExpired(end, now)


def _compare(field: str, expected: int | str, actual: int | str) -> None:
    if expected != actual:
        raise SignInMismatch(field, expected, actual)


def _format_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat().replace("+00:00", "Z")
