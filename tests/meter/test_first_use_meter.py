"""A whole meter on first use: sign in with a statement, be refused while access is opened, and be served (anvil, real books)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount

from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.errors import AccessOpening, OnlyHolderOpens, PeriodsNotStated, WindowClosed
from nvm_chain.index.database import Index, open_index
from nvm_chain.index.following import Follower
from nvm_chain.meter.credentials import TokenCredential
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.first_uses import read_first_use
from nvm_chain.meter.opening import open_meter
from nvm_chain.meter.requests import Request
from nvm_chain.meter.settings import MeterSettings, ServiceTerms
from nvm_chain.meter.settling.settler import Settler
from nvm_chain.meter.sign_in import build_sign_in
from nvm_chain.meter.store.group_rows import StoredHold
from nvm_chain.meter.windows import FirstUse, WindowPolicy
from nvm_chain.operations.credits import read_balance, redeem_credits
from nvm_chain.types.ids import format_did
from tests.meter.test_engine import fails
from tests.support.world import World

SERVICE = format_did(7)
ORIGIN = "https://api.example.com"
DAY = 86_400
REQUEST = Request(SERVICE, "POST", "/ask", "-")


@dataclass
class Place:
    """A meter, and the chain and the index that it reads."""

    world: World
    plan_id: int
    index: Index
    settings: MeterSettings
    meter: Meter

    async def sign_in(self, periods: int, holder: LocalAccount | None = None) -> Any:
        """Sign in, and return the outcome of it."""
        signer = holder or self.world.subscriber
        challenge = await self.meter.challenge()
        text = build_sign_in(
            signer.address,
            origin=challenge.origins[0],
            service=SERVICE,
            chain_id=challenge.chain_id,
            nonce=challenge.nonce,
            now=challenge.issued_at,
            max_periods=periods,
        ).text
        return await self.meter.sign_in(text, signer.sign_message(encode_defunct(text=text)).signature)

    async def settle(self) -> None:
        """Let a settler look once, and the index follow."""
        settler = Settler(self.world.chain, self.world.redeemer, self.meter.writer, self.settings)
        await asyncio.to_thread(settler.settle)
        await self.follow()

    async def follow(self) -> None:
        """Bring the index to the head."""
        await asyncio.to_thread(Follower(self.world.chain, self.index, waits=True).sync)

    async def admit(self, token: str) -> StoredHold:
        """Send a request until access is open, as its refusals say. The feed takes a moment."""
        while True:
            try:
                admitted = await self.meter.admit(REQUEST, TokenCredential(token), 1)
            except AccessOpening:
                await asyncio.sleep(0)
            else:
                assert isinstance(admitted, StoredHold)
                return admitted


@asynccontextmanager
async def opened(
    world: World, folder: Path, where: str, rule: RedemptionRule = RedemptionRule.REDEEMER
) -> AsyncIterator[Place]:
    """Register a plan that starts on first use, give the subscriber two periods of it, and open a meter for it."""
    plan_id = world.register(
        kind=PlanKind.TIME,
        activation=Activation.ON_FIRST_USE,
        credits=1,
        duration=DAY,
        min_redeem=1,
        max_redeem=1,
        rule=rule,
    )
    world.send(world.builder, world.credits.functions.setRedeemer(plan_id, world.redeemer.address, True))
    world.grant(plan_id, world.subscriber.address, 2)
    chain = world.chain
    windows = {plan_id: WindowPolicy(2, first_use=read_first_use(chain, plan_id))}
    settings = MeterSettings(
        chain.chain_id,
        chain.credits.address,
        world.redeemer.address,
        {SERVICE: ServiceTerms(SERVICE, {}, windows=windows)},
        depth=0,
        origins=(ORIGIN,),
    )
    path = folder / "index.db"
    index = open_index(path, chain_id=chain.chain_id, credits=chain.credits.address, create=True)
    try:
        Follower(chain, index, waits=True).sync()
        async with open_meter(where, path, settings, renews=True) as meter:
            yield Place(world, plan_id, index, settings, meter)
    finally:
        index.close()


def test_sign_in__that_states_periods__opens_access_with_its_first_request(
    world: World, tmp_path: Path, empty_url: str
) -> None:
    async def serve() -> None:
        async with opened(world, tmp_path, empty_url) as place:
            token, authority = await place.sign_in(1)
            assert (authority.max_periods, authority.opened) == (1, 0)
            error = await fails(place.meter.admit(REQUEST, TokenCredential(token), 1), AccessOpening)
            assert error.fields["holder"] == world.subscriber.address
            await place.settle()
            await place.meter.charge(await place.admit(token), 0)
            assert read_balance(world.chain, place.plan_id, world.subscriber.address) == 1
            other, _ = await place.sign_in(0)  # access is open, so nothing has to be opened
            await place.meter.charge(await place.admit(other), 0)

    asyncio.run(serve())


def test_sign_in__that_states_nothing__gets_no_token_unless_access_is_being_opened(
    world: World, tmp_path: Path, empty_url: str
) -> None:
    async def serve() -> None:
        async with opened(world, tmp_path, empty_url) as place:
            await fails(place.sign_in(0), PeriodsNotStated)
            token, _ = await place.sign_in(2)
            await fails(place.meter.admit(REQUEST, TokenCredential(token), 1), AccessOpening)
            other, authority = await place.sign_in(0)
            assert authority.max_periods == 0
            await fails(place.meter.admit(REQUEST, TokenCredential(other), 1), AccessOpening)
            await place.settle()
            await place.admit(other)

    asyncio.run(serve())


def test_sign_in__to_a_plan_with_the_rule_holder__is_told_how_to_open(
    world: World, tmp_path: Path, empty_url: str
) -> None:
    async def serve() -> None:
        async with opened(world, tmp_path, empty_url, RedemptionRule.HOLDER) as place:
            assert place.settings.services[SERVICE].windows[place.plan_id].first_use == FirstUse(1, only_holder=True)
            await fails(place.sign_in(2), OnlyHolderOpens)
            await asyncio.to_thread(redeem_credits, world.chain, world.subscriber, place.plan_id, 1)
            await place.follow()
            while True:
                try:
                    token, _ = await place.sign_in(0)
                    break
                except OnlyHolderOpens:  # the feed takes a moment
                    await asyncio.sleep(0)
            await place.admit(token)

    asyncio.run(serve())


def test_sign_in__without_periods__is_refused(world: World, tmp_path: Path, empty_url: str) -> None:
    async def serve() -> None:
        async with opened(world, tmp_path, empty_url) as place:
            await fails(place.sign_in(5, world.other), WindowClosed)

    asyncio.run(serve())


@pytest.mark.parametrize("changes", [{"activation": Activation.ON_PURCHASE, "min_redeem": 0, "max_redeem": 0}, {}])
def test_read_first_use__of_other_plans__is_nothing(world: World, changes: dict[str, Any]) -> None:
    terms = {"kind": PlanKind.TIME, "credits": 1, "duration": DAY, **changes} if changes else {}
    assert read_first_use(world.chain, world.register(**terms)) is None
