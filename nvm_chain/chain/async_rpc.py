"""An asynchronous web3 for programs with an event loop, such as ASGI servers. It uses the same provider as `Chain`."""

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
"""The largest number of requests that wait for a node at the same time. Further requests wait for a free thread."""


class AsyncNodeProvider(AsyncJSONBaseProvider):
    """A provider that makes each request in a thread, so that the event loop does not stop.

    The threads use a `NodeProvider`, so limits, pauses, endpoints and errors are the same. A cancelled task ends at
    once. Its request still runs to its end in the thread.
    """

    def __init__(self, provider: NodeProvider, threads: int = THREADS) -> None:
        """Take the provider, and the largest number of requests that wait at the same time."""
        super().__init__()
        self.global_ccip_read_enabled = False  # with CCIP reads, any contract could make this process fetch URLs
        self.label = provider.label
        self._provider = provider
        self._threads = ThreadPoolExecutor(threads, "nvm-chain-rpc")

    def __str__(self) -> str:
        return f"RPC connection {self.label}"

    async def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Make one request. Raises as `NodeProvider.make_request` does."""
        return await self._run(self._provider.make_request, method, params)

    async def make_batch_request(self, requests: list[tuple[RPCEndpoint, Any]]) -> list[RPCResponse]:
        """Make several requests in one batch. Raises as `NodeProvider.make_batch_request` does."""
        return await self._run(self._provider.make_batch_request, requests)

    async def is_connected(self, show_traceback: bool = False) -> bool:
        """Return whether the node answers, or raise ConnectionFailed with ``show_traceback``. One request."""
        return await self._run(self._provider.is_connected, show_traceback)

    async def disconnect(self) -> None:
        """End the threads. Requests that are running get their answers."""
        self._threads.shutdown(wait=False)

    async def _run(self, ask: Callable[..., Answer], *arguments: object) -> Answer:
        run = copy_context().run
        return await asyncio.get_running_loop().run_in_executor(self._threads, run, ask, *arguments)


def open_async_web3(
    url: str | Sequence[str], patience_seconds: float = READ_PATIENCE_SECONDS
) -> AsyncWeb3[AsyncNodeProvider]:
    """Return an AsyncWeb3 on a node, for reads. No request for a single endpoint, else one for each endpoint.

    A JSON-RPC error raises web3's Web3RPCError. Inside `nvm_chain.chain.rpc.typed_errors` it becomes an error of this
    package.

    Args:
        url: The node's URL or URLs, as for `nvm_chain.chain.client.open_rpc`.
        patience_seconds: The longest time, in seconds, for which reads are repeated while the node is busy.

    Raises:
        ConnectionFailed: There are several endpoints, and none of them answers.
        WrongChain: The endpoints serve different chains.
    """
    provider = NodeProvider(url, patience_seconds)
    provider.check_endpoints()
    web3 = AsyncWeb3(AsyncNodeProvider(provider))
    web3.middleware_onion.remove("validation")
    return web3
