"""Reads from an event loop: the same answers and errors as elsewhere, and the loop goes on meanwhile."""

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import pytest
from web3 import AsyncWeb3

from nvm_chain.chain.async_rpc import open_async_web3
from nvm_chain.chain.rpc import typed_errors
from nvm_chain.errors import ConnectionFailed, NodeBusy, RevertedWithReason, RpcFailed
from tests.support.anvil import run_anvil
from tests.support.reverts import reverts
from tests.support.scripted_node import Exchange, run_scripted_node

KNOWN = {"eth_chainId": "0x1"}
ADDRESS: Any = "0x" + "22" * 20
REVERTING = (
    "0x7f08c379a0000000000000000000000000000000000000000000000000000000006000526020600452600260245261"
    "6e6f60f01b60445260646000fd"
)


@pytest.fixture(scope="module")
def anvil() -> Iterator[str]:
    """The URL of an anvil with a contract that reverts with the reason "no"."""
    with run_anvil() as url:
        yield url


async def close(web3: AsyncWeb3[Any]) -> None:
    """Let the threads of a connection end."""
    await web3.provider.disconnect()


@pytest.mark.parametrize("scheme", ["http", "ws"])
def test_open_async_web3__of_anvil__reads_many_at_once(anvil: str, scheme: str) -> None:
    async def read() -> list[Any]:
        web3 = open_async_web3(anvil.replace("http", scheme))
        try:
            return await asyncio.gather(*(web3.eth.get_balance(ADDRESS) for _ in range(100)))
        finally:
            await close(web3)

    assert asyncio.run(read()) == [0] * 100


def test_open_async_web3__of_a_contract_that_reverts__raises_the_typed_error(anvil: str) -> None:
    async def read() -> None:
        web3 = open_async_web3(anvil)
        try:
            await web3.provider.make_request(cast(Any, "anvil_setCode"), [ADDRESS, REVERTING])
            await web3.eth.call({"to": ADDRESS})
        finally:
            await close(web3)

    with reverts(RevertedWithReason("no")):
        asyncio.run(read())


def test_open_async_web3__of_a_node_that_refuses__raises_the_typed_error_inside_typed_errors(anvil: str) -> None:
    async def read() -> None:
        web3 = open_async_web3(anvil)
        try:
            with typed_errors(anvil):
                await web3.eth.get_block(10**9)
        finally:
            await close(web3)

    with pytest.raises(RpcFailed):
        asyncio.run(read())


def test_batch_requests__of_the_asynchronous_web3__are_one_request() -> None:
    async def read(url: str) -> list[Any]:
        web3 = open_async_web3(url)
        try:
            async with web3.batch_requests() as batch:
                batch.add(web3.eth.chain_id)
                batch.add(web3.eth.chain_id)
                return await batch.async_execute()
        finally:
            await close(web3)

    with run_scripted_node(lambda exchange: exchange.reply(exchange.results(KNOWN))) as node:
        assert asyncio.run(read(node.url)) == [1, 1]
        assert len(node.asked) == 1


def test_open_async_web3__of_a_slow_node__lets_the_loop_go_on() -> None:
    async def read(url: str, released: Any) -> tuple[int, int]:
        web3, ticks = open_async_web3(url), 0
        try:
            task = asyncio.ensure_future(cast(Any, web3.eth.chain_id))
            while ticks < 1000:
                await asyncio.sleep(0)
                ticks += 1
                assert not task.done()
            released.set()
            return ticks, await task
        finally:
            await close(web3)

    def script(exchange: Exchange) -> None:
        exchange.node.ending.wait(30)
        exchange.reply(exchange.results(KNOWN))

    with run_scripted_node(script) as node:
        assert asyncio.run(read(node.url, node.ending)) == (1000, 1)


@pytest.mark.parametrize(("status", "kind"), [(404, ConnectionFailed), (503, NodeBusy)])
def test_open_async_web3__of_a_node_that_cannot_be_used__raises_the_typed_error(status: int, kind: Any) -> None:
    async def read(url: str) -> None:
        web3 = open_async_web3(url, patience_seconds=0)
        try:
            assert not await web3.is_connected()
            await web3.eth.chain_id
        finally:
            await close(web3)

    with (
        run_scripted_node(lambda exchange: exchange.reply(b"", status)) as node,
        reverts(kind(node.url, f"HTTP status {status}")),
    ):
        asyncio.run(read(node.url))


def test_open_async_web3__of_several_endpoints_none_of_which_answers__raises_the_typed_error() -> None:
    with reverts(ConnectionFailed("http://127.0.0.1:1", "connection refused or host not found")):
        open_async_web3("http://127.0.0.1:1,http://127.0.0.1:2")
