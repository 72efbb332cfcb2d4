"""Reads from programs with an event loop, such as ASGI servers: web3's asynchronous face on the same way to a node."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Final, TypeVar

from web3 import AsyncWeb3
from web3.providers.async_base import AsyncJSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from nvm_chain.chain.rpc import READ_PATIENCE_SECONDS, NodeProvider

Answer = TypeVar("Answer")
THREADS: Final = 32
"""Requests that wait for a node at once. More of them wait for a thread."""


class AsyncNodeProvider(AsyncJSONBaseProvider):
    """A node, asked in threads of its own, so that the event loop goes on.

    Limits, pauses, endpoints, and what answers mean, are those of `NodeProvider`, which it asks. A task that is
    cancelled is over at once, and its request goes on to its end.
    """

    def __init__(self, provider: NodeProvider, threads: int = THREADS) -> None:
        """Take the provider to ask, and how many requests may wait at once."""
        super().__init__()
        self.global_ccip_read_enabled = False  # else any contract can make us fetch URLs
        self.label = provider.label
        self._provider = provider
        self._threads = ThreadPoolExecutor(threads, "nvm-chain-rpc")

    def __str__(self) -> str:
        return f"RPC connection {self.label}"

    async def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Make one request. Raises as `NodeProvider.make_request` does."""
        return await self._run(self._provider.make_request, method, params)

    async def make_batch_request(self, requests: list[tuple[RPCEndpoint, Any]]) -> list[RPCResponse]:
        """Make several requests in one. Raises as `NodeProvider.make_batch_request` does."""
        return await self._run(self._provider.make_batch_request, requests)

    async def is_connected(self, show_traceback: bool = False) -> bool:
        """Return whether the node answers, or raise ConnectionFailed with ``show_traceback``. One request."""
        return await self._run(self._provider.is_connected, show_traceback)

    async def disconnect(self) -> None:
        """Let the threads end. What is asked at the moment is answered."""
        self._threads.shutdown(wait=False)

    async def _run(self, ask: Callable[..., Answer], *arguments: object) -> Answer:
        run = copy_context().run
        return await asyncio.get_running_loop().run_in_executor(self._threads, run, ask, *arguments)


def open_async_web3(
    url: str | Sequence[str], patience_seconds: float = READ_PATIENCE_SECONDS
) -> AsyncWeb3[AsyncNodeProvider]:
    """Return web3's asynchronous face on a node, for reads. No request; one for each endpoint where there are several.

    What the node itself refuses is web3's Web3RPCError; put `nvm_chain.chain.rpc.typed_errors` around it for our errors.

    Args:
        url: Where the node is, as `nvm_chain.chain.client.open_rpc` takes it.
        patience_seconds: How long reads are repeated while the node is busy.

    Raises:
        ConnectionFailed: None of several endpoints answers.
        WrongChain: The endpoints are of different chains.
    """
    provider = NodeProvider(url, patience_seconds)
    provider.check_endpoints()
    web3 = AsyncWeb3(AsyncNodeProvider(provider))
    web3.middleware_onion.remove("validation")
    return web3
