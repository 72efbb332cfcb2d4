"""A paid proxy as it is written by hand: Starlette, httpx and eth-account, and a commit for each request.

It checks the signature, the ceiling and the deadline, and counts what each holder has used in a table. It has no holds, no
sessions, and no bounds, and it loses what it served if it is killed between the answer and the commit.
"""

import base64
import json
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from eth_account import Account
from eth_account.messages import encode_typed_data
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.bench.meter import CHAIN_ID, CREDITS

DOMAIN = {"name": "nvm_chain Credits", "version": "1", "chainId": CHAIN_ID, "verifyingContract": CREDITS}
TYPES = {
    "Voucher": [
        {"name": "planId", "type": "uint256"},
        {"name": "holder", "type": "address"},
        {"name": "redeemer", "type": "address"},
        {"name": "ceiling", "type": "uint64"},
        {"name": "context", "type": "bytes32"},
        {"name": "deadline", "type": "uint64"},
    ]
}
SCHEMA = "CREATE TABLE IF NOT EXISTS used (holder TEXT PRIMARY KEY, credits INTEGER NOT NULL)"
USE = """INSERT INTO used VALUES (?, 1) ON CONFLICT (holder) DO UPDATE SET credits = credits + 1
WHERE credits < ? RETURNING credits"""


def build_naive(to: str, books: str) -> Starlette:
    """Return the application."""
    database = sqlite3.connect(books, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute(SCHEMA)
    client = httpx.AsyncClient()

    async def serve(request: Request) -> Response:
        voucher = read_voucher(request.headers["authorization"].removeprefix("Bearer "))
        if voucher is None:
            return Response("The voucher is not good.", 402)
        if database.execute(USE, (voucher["holder"], voucher["ceiling"])).fetchone() is None:
            return Response("The ceiling is reached.", 402)
        body = await request.body()
        answer = await client.request(request.method, to + request.url.path, content=body)
        return Response(answer.content, answer.status_code, {"content-type": answer.headers["content-type"]})

    @asynccontextmanager
    async def live(app: Starlette) -> AsyncIterator[None]:
        yield
        await client.aclose()
        database.close()

    return Starlette(routes=[Route("/{path:path}", serve, methods=["GET", "POST"])], lifespan=live)


def read_voucher(token: str) -> dict[str, Any] | None:
    """Return the voucher of a token, or None if it is not signed by its holder or too old."""
    told = json.loads(base64.urlsafe_b64decode(token))
    message: dict[str, Any] = {name: int(told[name]) for name in ("planId", "ceiling", "deadline")}
    message |= {name: told[name] for name in ("holder", "redeemer")}
    message["context"] = bytes.fromhex(told["context"].removeprefix("0x"))
    signable = encode_typed_data(DOMAIN, TYPES, message)
    is_good = Account.recover_message(signable, signature=told["signature"]) == message["holder"]
    return message if is_good and message["deadline"] > time.time() else None
