"""A lying node: a middleware changes the results of chosen methods."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from web3.middleware import Web3Middleware
from web3.types import RPCEndpoint, RPCResponse

from nvm_chain.chain.client import Chain

Lie = Callable[[Any, Any], Any]
"""A function that gets the parameters and the true result, and returns the false one."""


@contextmanager
def lying(chain: Chain, lies: dict[str, Lie]) -> Iterator[list[str]]:
    """Let a chain's node lie until the block ends. Yield the list of requested methods."""
    asked: list[str] = []

    class Liar(Web3Middleware):
        def wrap_make_request(self, make_request: Any) -> Callable[[RPCEndpoint, Any], RPCResponse]:
            return lambda method, params: self.change(method, params, make_request(method, params))

        def wrap_make_batch_request(self, make_batch_request: Any) -> Callable[[Any], Any]:
            def request(batch: list[tuple[RPCEndpoint, Any]]) -> list[RPCResponse]:
                return [
                    self.change(*each, answer) for each, answer in zip(batch, make_batch_request(batch), strict=True)
                ]

            return request

        def change(self, method: RPCEndpoint, params: Any, response: RPCResponse) -> RPCResponse:
            asked.append(method)
            if method in lies and "result" in response:
                return {**response, "result": lies[method](params, response["result"])}
            return response

    chain.web3.middleware_onion.inject(Liar, "liar", layer=0)
    try:
        yield asked
    finally:
        chain.web3.middleware_onion.remove("liar")
