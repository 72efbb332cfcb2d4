"""A node that lies: what a chain answers is changed on the way, method by method."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from web3.middleware import Web3Middleware
from web3.types import RPCEndpoint, RPCResponse

from nvm_chain.chain.client import Chain

Lie = Callable[[Any, Any], Any]
"""From what was asked and the true result to the result that is given."""


@contextmanager
def lying(chain: Chain, lies: dict[str, Lie]) -> Iterator[list[str]]:
    """Have a chain's node lie until the block ends; gives the methods it is asked for meanwhile."""
    asked: list[str] = []

    class Liar(Web3Middleware):
        def wrap_make_request(self, make_request: Any) -> Callable[[RPCEndpoint, Any], RPCResponse]:
            def request(method: RPCEndpoint, params: Any) -> RPCResponse:
                asked.append(method)
                response: RPCResponse = make_request(method, params)
                if method in lies and "result" in response:
                    return {**response, "result": lies[method](params, response["result"])}
                return response

            return request

    chain.web3.middleware_onion.inject(Liar, "liar", layer=0)
    try:
        yield asked
    finally:
        chain.web3.middleware_onion.remove("liar")
