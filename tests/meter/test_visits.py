"""Visits: an account shows the pages of a gateway who it is. What was signed for them is good for nothing else, and the other way round."""

import asyncio
from dataclasses import replace

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

from nvm_chain.errors import (
    AuthorityUnknown,
    InvalidMessage,
    NonceNotAccepted,
    SignInExpired,
    SignInMismatch,
    SignInNotYetValid,
    SignInSignatureInvalid,
)
from nvm_chain.meter.credentials import TokenCredential
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.nonces import build_nonce
from nvm_chain.meter.sign_in_messages import SignInMessage
from nvm_chain.meter.visits import STATEMENT, build_visit
from tests.meter.services import ANN, BOB, ORIGIN, build_plans, opened, sign, write
from tests.meter.test_engine import fails
from tests.support.accounts import SERVICE
from tests.support.meter_engines import REQUEST

OWN = "https://tea.example.com"
AT_BOTH = build_plans(own_origins={OWN: SERVICE})


async def write_visit(meter: Meter, origin: str = ORIGIN, account: str = ANN.address) -> SignInMessage:
    """Return a message for the pages with a new nonce."""
    return build_visit(account, await meter.challenge(), origin)


def test_visit__by_an_account__is_counted_once(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url) as meter:
            message = await write_visit(meter)
            assert message.statement == STATEMENT
            assert await meter.visit(message.text, sign(message)) == ANN.address
            await fails(meter.visit(message.text, sign(message)), NonceNotAccepted)

    asyncio.run(serve())


def test_visit__and_sign_in__are_never_good_for_each_other(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url) as meter:
            visit, sign_in = await write_visit(meter), await write(meter)
            await fails(meter.sign_in(visit.text, sign(visit)), SignInMismatch)
            await fails(meter.visit(sign_in.text, sign(sign_in)), SignInMismatch)
            for resources in ((SERVICE,), (ORIGIN, SERVICE), (SERVICE, ORIGIN), (f"{ORIGIN}/",), None):
                mixed = replace(visit, resources=resources)
                await fails(meter.visit(mixed.text, sign(mixed)), SignInMismatch)
            other = replace(visit, statement="Sign in to use this service.")
            await fails(meter.visit(other.text, sign(other)), SignInMismatch)
            assert await meter.visit(visit.text, sign(visit)) == ANN.address  # nothing of this has used its nonce

    asyncio.run(serve())


def test_visit__at_the_host_of_a_service__is_not_one_at_the_gateway(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, AT_BOTH) as meter:
            own, at_gateway = await write_visit(meter, OWN), await write_visit(meter)
            await fails(meter.visit(own.text, sign(own)), SignInMismatch)
            await fails(meter.visit(at_gateway.text, sign(at_gateway), SERVICE), SignInMismatch)
            await fails(meter.sign_in(own.text, sign(own)), SignInMismatch)
            elsewhere = await write_visit(meter, "https://evil.example.com")
            await fails(meter.visit(elsewhere.text, sign(elsewhere)), SignInMismatch)
            assert await meter.visit(own.text, sign(own), SERVICE) == ANN.address
            assert await meter.visit(at_gateway.text, sign(at_gateway)) == ANN.address

    asyncio.run(serve())


def test_visit__that_another_account_signed_or_that_is_over__is_refused(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url) as meter:
            message = await write_visit(meter)
            await fails(meter.visit(message.text, sign(message, BOB)), SignInSignatureInvalid)
            await fails(meter.visit(message.text, bytes(65)), SignInSignatureInvalid)
            await fails(meter.visit(message.text + "\n", sign(message)), InvalidMessage)
            strange = replace(message, nonce=build_nonce(b"another secret", 1_800_000_000))
            await fails(meter.visit(strange.text, sign(strange)), NonceNotAccepted)
            chain = replace(message, chain_id=1)
            await fails(meter.visit(chain.text, sign(chain)), SignInMismatch)
            challenge = await meter.challenge()
            for seconds, error in ((-601, SignInExpired), (60, SignInNotYetValid)):
                late = build_visit(ANN.address, replace(challenge, issued_at=challenge.issued_at + seconds), ORIGIN)
                await fails(meter.visit(late.text, sign(late)), error)

    asyncio.run(serve())


def test_visit__of_a_contract_wallet__asks_the_wallet(books_url: str) -> None:
    wallet, key = Account.create().address, Account.create()

    async def serve() -> None:
        async with opened(books_url) as meter:
            message = await write_visit(meter, account=wallet)
            signature = bytes(key.sign_message(encode_defunct(text=message.text)).signature)
            with pytest.raises(SignInSignatureInvalid):
                await meter.visit(message.text, signature)
        asked = []

        def ask_chain(address: str, digest: bytes, signature: bytes) -> bool:
            asked.append(address)
            return True

        async with opened(books_url, ask_chain=ask_chain) as meter:
            assert await meter.visit(message.text, signature) == wallet
        assert asked == [wallet]

    asyncio.run(serve())


def test_derive_key__of_some_books__is_one_for_each_purpose_and_the_same_everywhere(books_url: str) -> None:
    async def read(purpose: bytes) -> bytes:
        async with opened(books_url) as meter:
            key = await meter.derive_key(purpose)
            await fails(meter.admit(REQUEST, TokenCredential(key.hex()), 1), AuthorityUnknown)
            return key

    first, again, other = (asyncio.run(read(purpose)) for purpose in (b"pages", b"pages", b"others"))
    assert first == again != other
    assert len(first) == 32
