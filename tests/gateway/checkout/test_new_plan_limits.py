"""Drafts of new plans that come all at once: some wait, and the others are told to come again."""

import asyncio
import threading
from collections.abc import MutableMapping
from typing import Any

from msgspec import json

from nvm_chain.chain.client import Chain
from nvm_chain.gateway.incoming import read_incoming
from nvm_chain.gateway.new_plans.opening import BUSY, MOST_WAITING, build_desk
from nvm_chain.gateway.new_plans.paths import API, NewPlanPaths
from nvm_chain.gateway.new_plans.place import Place
from nvm_chain.gateway.refusals import Refusal
from tests.gateway.checkout.new_plans import TEMPLATES
from tests.gateway.checkout.stall import Stall

MORE = 25
"""How many drafts come beyond those that may wait."""


def test_drafts__that_are_too_many_at_once__are_told_to_come_again(stall: Stall) -> None:
    shop, opened = stall.shop, threading.Event()

    def connect_later() -> Chain:
        opened.wait(60)
        return shop.connect()

    own = shop.chain
    place = Place("http://127.0.0.1", own.chain_id, own.credits.address, shop.redeemer.address, {})
    desk = build_desk(connect_later)
    paths = NewPlanPaths(desk, place)
    choices = {"account": shop.builder.address, "template": "month", "token": "USDC", **TEMPLATES["month"]}
    body = json.encode(choices)
    headers = [(b"content-length", str(len(body)).encode()), (b"content-type", b"application/json")]

    async def ask() -> Refusal:
        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        found = await paths.serve(
            {"query_string": b""}, API, read_incoming("POST", headers, keeps_cookies=False), receive, None
        )
        assert found is not None
        return found

    async def flood() -> list[Refusal]:
        asked = [asyncio.ensure_future(ask()) for _ in range(MOST_WAITING + MORE)]
        refused, waiting = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        while len(refused) < MORE:
            more, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            refused |= more
        opened.set()
        return [*(await asyncio.gather(*refused)), *(await asyncio.gather(*waiting))]

    answers = asyncio.run(flood())
    desk.close()
    statuses = [answer.status for answer in answers]
    assert statuses == [503] * MORE + [200] * MOST_WAITING
    assert dict(answers[0].headers)[b"retry-after"].isdigit()
    assert json.decode(answers[0].body)["error"] == BUSY
    salts = {json.decode(answer.body)["reviewed"]["salt"] for answer in answers[MORE:]}
    assert len(salts) == MOST_WAITING  # no two sellers get the same plan
