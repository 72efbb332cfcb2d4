"""The addresses of the account page.

| method and path | what it answers |
|---|---|
| ``GET /checkout/account`` | the page |
| ``GET /checkout/api/holder/plans`` | the plans that an account has something of, or ever had |
| ``GET /checkout/api/holder/statement`` | the account's movements on a plan |
| ``POST /checkout/api/holder/challenges``, ``POST /checkout/api/holder/visits`` | the message of a sign-in to the page, and a token for it |
| ``GET /checkout/api/holder/books`` | what is owed and what is open, with the token |
| ``POST /checkout/api/holder/sessions``, ``POST /checkout/api/holder/sign-ins`` | what the wallet signs, with the token |
| ``POST /checkout/api/holder/ends`` | ends a session, an allowance or a sign-in, with the token |
| ``POST /checkout/api/holder/revocations`` | what the wallet signs to take back an allowance, with the token |
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from msgspec import Struct

from nvm_chain.chain.client import Chain
from nvm_chain.gateway.checkout.cards import Cards
from nvm_chain.gateway.checkout.chain_desk import ChainDesk
from nvm_chain.gateway.checkout.holdings import Holdings
from nvm_chain.gateway.checkout.own_books import EndBody, OwnBooks
from nvm_chain.gateway.checkout.own_offers import LENGTHS, PERIODS, OwnOffers, SessionAsk, SignInAsk
from nvm_chain.gateway.checkout.own_revocations import OwnRevocations, RevocationAsk
from nvm_chain.gateway.checkout.shelves import Shelves
from nvm_chain.gateway.checkout.statements import Statements
from nvm_chain.gateway.own.asked import Asked, read_hex, read_json
from nvm_chain.gateway.pages.account import build_account_page
from nvm_chain.gateway.pages.assets import PAGE_HEADERS
from nvm_chain.gateway.pages.visitors import TOKEN_SECONDS, VisitBody, Visitors
from nvm_chain.gateway.refusals import Refusal
from nvm_chain.gateway.serving import Server
from nvm_chain.index.store import Index
from nvm_chain.types.durations import DAY

NAME: Final = "account"
"""The page, below ``/checkout/``."""
NOUN: Final = "holder"
"""Its questions, below ``/checkout/api/``."""
THREADS: Final = 2
Answer = Callable[[Asked, Mapping[str, str]], Awaitable[Any]]


class ChallengeBody(Struct, forbid_unknown_fields=True):
    """What ``POST /checkout/api/holder/challenges`` takes."""

    account: str


class AccountPaths:
    """Answers the questions of the account page."""

    def __init__(
        self,
        visitors: Visitors,
        holdings: Holdings,
        books: OwnBooks,
        offers: OwnOffers,
        revocations: OwnRevocations,
        chain_id: int,
    ) -> None:
        """Take what answers."""
        self._visitors, self._holdings, self._books, self._offers = visitors, holdings, books, offers
        self._revocations = revocations
        self._chain_id = chain_id
        self.questions: dict[tuple[str, str], Answer] = {
            ("GET", "plans"): self._tell_plans,
            ("GET", "statement"): self._tell_statement,
            ("POST", "challenges"): self._challenge,
            ("POST", "visits"): self._admit,
            ("GET", "books"): self._tell_books,
            ("POST", "sessions"): self._offer_session,
            ("POST", "sign-ins"): self._offer_sign_in,
            ("POST", "ends"): self._end,
            ("POST", "revocations"): self._offer_revocation,
        }
        """What is asked, by the method and the last part of the path."""

    def show(self) -> Refusal:
        """Return the page. It is the same for everybody."""
        return Refusal(200, [*PAGE_HEADERS], build_account_page(self._chain_id, LENGTHS, PERIODS, DAY))

    async def _tell_plans(self, asked: Asked, query: Mapping[str, str]) -> Any:
        return await self._holdings.tell_plans(query, asked)

    async def _tell_statement(self, asked: Asked, query: Mapping[str, str]) -> Any:
        return await self._holdings.tell_statement(query, asked)

    async def _challenge(self, asked: Asked, query: Mapping[str, str]) -> Any:
        return await self._visitors.challenge((await read_json(asked.body, ChallengeBody)).account, asked)

    async def _admit(self, asked: Asked, query: Mapping[str, str]) -> Any:
        given = await read_json(asked.body, VisitBody)
        token = await self._visitors.admit(given.message, read_hex(given.signature), asked)
        return {"token": token, "seconds": TOKEN_SECONDS}

    async def _tell_books(self, asked: Asked, query: Mapping[str, str]) -> Any:
        return await self._books.tell(self._visitors.require(asked), asked.service)

    async def _offer_session(self, asked: Asked, query: Mapping[str, str]) -> Any:
        holder = self._visitors.require(asked)
        return await self._offers.offer(holder, await read_json(asked.body, SessionAsk), asked.service)

    async def _offer_sign_in(self, asked: Asked, query: Mapping[str, str]) -> Any:
        holder = self._visitors.require(asked)
        return await self._offers.offer_sign_in(holder, await read_json(asked.body, SignInAsk), asked)

    async def _end(self, asked: Asked, query: Mapping[str, str]) -> Any:
        holder = self._visitors.require(asked)
        return await self._books.end(holder, await read_json(asked.body, EndBody), asked.service)

    async def _offer_revocation(self, asked: Asked, query: Mapping[str, str]) -> Any:
        holder = self._visitors.require(asked)
        return await self._revocations.offer(holder, await read_json(asked.body, RevocationAsk), asked)


@asynccontextmanager
async def open_account(
    connect: Callable[[], Chain], open_index: Callable[[], Index], server: Server, visitors: Visitors
) -> AsyncIterator[AccountPaths]:
    """Open the account page for a ``with`` block. It connects to the chain and the index when it is first asked for.

    Args:
        connect: A function that connects to the chain.
        open_index: A function that opens the index of the gateway.
        server: What serves.
        visitors: Who has signed in to the pages.
    """
    desk, shelves, statements = ChainDesk(connect, threads=THREADS), Shelves(server.services), Statements(open_index)
    holdings = Holdings(desk, Cards(), shelves, statements, server.base)
    books, offers = OwnBooks(server.meter, shelves), OwnOffers(server, shelves, holdings)
    try:
        revocations = OwnRevocations(server, shelves)
        yield AccountPaths(visitors, holdings, books, offers, revocations, server.meter.settings.chain_id)
    finally:
        desk.close()
        statements.close()
