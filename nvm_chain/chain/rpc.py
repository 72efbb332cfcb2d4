"""The way to a node: a provider that repeats reads, and what its failures become."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

import requests
from eth_abi.exceptions import DecodingError
from eth_utils.exceptions import ValidationError
from web3 import HTTPProvider, Web3
from web3.exceptions import Web3Exception
from web3.providers import BaseProvider
from web3.types import RPCEndpoint, RPCResponse

from nvm_chain.chain.endpoint import Endpoint
from nvm_chain.chain.repeating import BUSY, Pauses, is_passing, is_worth_waiting, read_retry_after
from nvm_chain.chain.reverts import decode_revert, parse_revert_data, parse_rpc_error
from nvm_chain.chain.urls import redact_url
from nvm_chain.errors import ConnectionFailed, NodeBusy, NvmChainError, RpcFailed
from nvm_chain.types.json_text import parse_json

REQUEST_TIMEOUT_SECONDS: Final = 20
FIRST_PAUSE_SECONDS: Final = 0.25
LONGEST_PAUSE_SECONDS: Final = 8.0
READ_PATIENCE_SECONDS: Final = 20.0
"""How long a read is asked again of a node that is busy, unless a chain's time is shorter."""
CALLS: Final = frozenset({"eth_call", "eth_estimateGas"})
"""What runs a contract. An error of another request is not a contract's, whatever data it has."""
BROADCASTS: Final = frozenset({"eth_sendRawTransaction", "eth_sendTransaction"})
"""What is repeated only after a look for what the first one did."""


def build_web3(provider: BaseProvider) -> Web3:
    """Return web3 on a provider, without what would ask for the chain id before and after each request."""
    web3 = Web3(provider)
    web3.middleware_onion.remove("validation")
    return web3


class NodeProvider(HTTPProvider):
    """A node reached by http. Its ``endpoint_uri``, which web3 logs, is without what may be a key.

    Reads its answers before web3 does, which fails over some that a contract can choose.

    Reads are repeated while the node is busy: what it refuses for now it may answer in a second. Redirects are not
    followed: they would send signed transactions to a host that nobody named.
    """

    def __init__(self, url: str, patience_seconds: float, session: Any = None) -> None:
        """Take the node's URL, how long reads may be repeated, and a session if web3's own is not wanted."""
        super().__init__(
            redact_url(url),
            session=cast(Any, Endpoint(url, session)),
            request_kwargs={
                "timeout": REQUEST_TIMEOUT_SECONDS,
                "allow_redirects": False,
                "hooks": {"response": refuse_redirect},
            },
            exception_retry_configuration=None,
        )
        self.patience_seconds = patience_seconds

    @staticmethod
    def decode_rpc_response(raw_response: bytes) -> RPCResponse:
        """Read the JSON of an answer. Raises ValueError if it is not JSON, or nests deep enough to end the process."""
        return cast(RPCResponse, parse_json(raw_response))

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Make one request, and reads again where the node is busy.

        Raises the error that revert data stands for, ConnectionFailed for no JSON-RPC, and what requests raises.
        """
        patience = 0 if method in BROADCASTS else self.patience_seconds
        pauses = Pauses(patience, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        while True:
            try:
                response = self._ask(method, params)
            except requests.exceptions.HTTPError as error:
                answer = cast(requests.Response | None, error.response)
                waits = answer is not None and is_worth_waiting(answer.status_code)
                if answer is None or not (waits and pauses.wait(read_retry_after(answer.headers))):
                    raise
            else:
                if not (is_passing(response.get("error")) and pauses.wait()):
                    return response

    def _ask(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        try:
            response: object = super().make_request(method, params)
        except requests.exceptions.RequestException:
            raise
        except (ValueError, RecursionError):
            response = None
        if not isinstance(response, dict):
            raise ConnectionFailed(str(self.endpoint_uri), "it does not speak JSON-RPC")
        data = parse_rpc_error(response.get("error")) if method in CALLS else None
        if data is not None:
            raise decode_revert(data)
        return cast(RPCResponse, response)


def refuse_redirect(response: requests.Response, *_: object, **__: object) -> None:
    """Raise ConnectionFailed for a redirect, saying where it pointed: the URL to give in place of the first."""
    if response.is_redirect:
        response.close()
        target = redact_url(response.headers["Location"])
        raise ConnectionFailed(redact_url(response.url), f"it redirects to {target}; give that URL itself")


@contextmanager
def typed_errors(label: str, *, calls: bool = False) -> Iterator[None]:
    """Turn what web3 and requests raise into this package's errors, once, here.

    Args:
        label: The node's URL without secrets.
        calls: Whether a contract is called inside, whose errors are then told by their names.
    """
    try:
        yield
    except NvmChainError:
        raise
    except requests.exceptions.RequestException as error:
        raise (NodeBusy if is_busy(error) else ConnectionFailed)(label, _describe(error)) from None
    except _client_errors() as error:
        data = parse_revert_data(error) if calls else None
        if data is not None:
            raise decode_revert(data) from None
        told, words = _read_error(error), _describe_refusal(error)
        raise (NodeBusy(label, f"asked too often: {words}") if is_passing(told) else RpcFailed(words)) from None
    except (ArithmeticError, AttributeError, DecodingError, LookupError, TypeError, ValueError) as error:
        # web3 trusts that an answer has the form it should have.
        raise RpcFailed(f"its answer cannot be read ({type(error).__name__})") from error


def _client_errors() -> tuple[type[Exception], ...]:
    """Return the errors of web3, and of eth-tester if somebody has loaded it: Ape brings its own, which raises them."""
    engine = sys.modules.get("eth_tester.exceptions")
    return (Web3Exception, ValidationError, *((engine.TransactionFailed, engine.ValidationError) if engine else ()))


def is_busy(error: requests.exceptions.RequestException) -> bool:
    """Tell whether a node answered that it is busy."""
    return error.response is not None and error.response.status_code in BUSY


def _read_error(error: Exception) -> object:
    """Return the error in the node's answer, which web3 keeps."""
    answer = getattr(error, "rpc_response", None)
    return answer.get("error") if isinstance(answer, dict) else None


def _describe_refusal(error: Exception) -> str:
    """Return the node's own words, without the rest of its answer."""
    told = _read_error(error)
    message = told.get("message") if isinstance(told, dict) else None
    return message if isinstance(message, str) and message else str(error)


def _describe(error: requests.exceptions.RequestException) -> str:
    """Say what kind of failure it was, without the URL that the library's own text contains."""
    if isinstance(error, requests.exceptions.Timeout):
        return f"no answer within {REQUEST_TIMEOUT_SECONDS} seconds"
    if isinstance(error, requests.exceptions.HTTPError) and error.response is not None:
        status = error.response.status_code
        return f"asked too often, HTTP status {status}" if status == 429 else f"HTTP status {status}"
    if isinstance(error, ValueError):
        return "it is not an http or https URL"
    return "connection refused or host not found"
