"""A web3 provider that repeats reads, and the conversion of its failures into errors of this package."""

import json
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, cast

import requests
from eth_abi.exceptions import DecodingError
from eth_utils.exceptions import ValidationError
from web3 import Web3
from web3.exceptions import Web3Exception
from web3.providers import BaseProvider, JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from nvm_chain.chain.answers import check_number, find_block, is_lacking, read_number
from nvm_chain.chain.repeating import BUSY, Pauses, is_passing
from nvm_chain.chain.reverts import decode_revert, parse_revert_data, parse_rpc_error
from nvm_chain.chain.transport.batching import Request, Response, ask_alone, ask_batch
from nvm_chain.chain.transport.failover import Failover
from nvm_chain.chain.transport.limits import Limits
from nvm_chain.chain.transport.line import Line, LineFailed
from nvm_chain.chain.transport.ways import open_way, split_urls
from nvm_chain.errors import ConnectionFailed, NodeBusy, NvmChainError, RpcFailed

REQUEST_TIMEOUT_SECONDS: Final = 20
"""The longest wait for the next bytes of an answer."""
ANSWER_SECONDS: Final = 30
"""The longest time for one whole answer."""
MAX_ANSWER_BYTES: Final = 1 << 26
"""The largest answer in bytes, 64 MiB. Nodes limit their answers to 25 MB, and most gateways to 10 MB."""
FIRST_PAUSE_SECONDS: Final = 0.25
LONGEST_PAUSE_SECONDS: Final = 8.0
READ_PATIENCE_SECONDS: Final = 20.0
"""The longest time for which a read is repeated while the node is busy.

If ``timeout_seconds`` of `nvm_chain.chain.client.open_rpc` is shorter, it is used instead.
"""
ONE_OF_SEVERAL_SECONDS: Final = 1.0
"""The longest time for which a read is repeated at one of several endpoints before it goes to the next."""
CALLS: Final = frozenset({"eth_call", "eth_estimateGas"})
"""The methods that run a contract. Only their errors can have revert data."""
ONCE: Final = frozenset(
    {
        "eth_sendTransaction",
        "eth_sendTransactionSync",
        "eth_sendUserOperation",
        "personal_sendTransaction",
        "wallet_sendCalls",
    }
)
"""Methods that may send a second transaction if a request is repeated.

Such a request is sent alone, once, to one endpoint.
"""
BROADCASTS: Final = frozenset({"eth_sendRawTransaction", *ONCE})
"""The methods that send a transaction. They are not repeated as reads are."""


def build_web3(provider: BaseProvider) -> Web3:
    """Return a Web3 with this provider, without the middleware that requests the chain id before each request."""
    web3 = Web3(provider)
    web3.middleware_onion.remove("validation")
    return web3


class NodeProvider(JSONBaseProvider):
    """A web3 provider for one node or several endpoints of one chain, by http, IPC or WebSocket.

    ``label`` is the URL without parts that may be a key. The provider converts revert data itself, because a contract
    can choose revert data on which web3 fails. Each answer is limited in time and size.

    Reads are repeated while a node is busy. With several endpoints, reads go on to the next endpoint. A transaction may
    go to several endpoints too: the same signed bytes remain one transaction.
    """

    logger = logging.getLogger("web3.providers.HTTPProvider")

    def __init__(self, url: str | Sequence[str], patience_seconds: float, session: Any = None) -> None:
        """Take the URLs, the longest time for repeated reads, and optionally a requests session for http.

        No request.
        """
        super().__init__()
        self._limits = Limits(REQUEST_TIMEOUT_SECONDS, ANSWER_SECONDS, MAX_ANSWER_BYTES)
        lines = [Line(open_way(each, self._limits, session)) for each in split_urls(url)]
        self._endpoints = Failover(lines, self._read_chain_id)
        self.label = ", ".join(line.label for line in lines)
        self.endpoint_uri = self.label
        self.patience_seconds = patience_seconds

    def __str__(self) -> str:
        return f"RPC connection {self.label}"

    def is_connected(self, show_traceback: bool = False) -> bool:
        """Return whether the node answers, or raise ConnectionFailed with ``show_traceback``. One request."""
        try:
            return "error" not in self.make_request(RPCEndpoint("web3_clientVersion"), [])
        except ConnectionFailed:
            if show_traceback:
                raise
            return False

    def check_endpoints(self) -> None:
        """Check that several endpoints serve one chain. One request for each, and no request for a single endpoint.

        An endpoint that does not answer is checked again before its first use.

        Raises:
            WrongChain: The endpoints serve different chains.
            ConnectionFailed: No endpoint answers.
        """
        if not self._endpoints.is_single:
            self._endpoints.check()

    # ------------------------------------------------------------------ requests

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Make one request. A read is repeated while the node is busy.

        Raises:
            TransactionError: The contract refuses the call. The error is the contract's own.
            NodeBusy: The node is still busy after the longest time for repeated reads.
            ConnectionFailed: There is no answer, or the answer is too slow, too large or not JSON-RPC.
        """
        return cast(RPCResponse, read_revert(method, self._request(method, params)))

    def _request(self, method: RPCEndpoint, params: Any) -> Response:
        """Make one request, as `make_request` does, but return errors of contracts as a part of the answer."""
        self.logger.debug("Making request. URI: %s, Method: %s", self.label, method)
        request = self._build_request(method, params)
        if method in ONCE:
            answer = self._endpoints.ask_once(lambda line: self._ask(line, request))
        elif method in BROADCASTS:
            answer, unclear = self._endpoints.broadcast(lambda line: self._ask(line, request), _has_error)
            if unclear is not None:
                raise unclear
        else:
            answer = self._endpoints.read(
                lambda line: self._ask(line, request, self._pauses_of_one()),
                self._pauses(),
                lacks=lambda answer: not self._endpoints.is_single and is_lacking(method, answer),
                prepare=self._reach(find_block(method, params)),
            )
        self.logger.debug("Getting response. URI: %s, Method: %s", self.label, method)
        return answer

    def make_batch_request(self, batch_requests: list[tuple[RPCEndpoint, Any]]) -> list[RPCResponse]:
        """Make several requests in one batch. Return the answers in order, each with a result or an error.

        If a request has a method of `ONCE`, all requests are sent one by one. After one of them was answered, a failure
        of another one is an error in its answer, so that no transaction hash is lost.

        If a node refuses the batch, it gets smaller batches, down to single requests. A read without an answer in the
        batch, or with an answer too large for the batch, is made again alone. A request in a batch with transactions
        is never made again alone: a missing answer becomes an error that leaves the outcome open. Errors of contracts
        are part of the answers; `read_revert` raises them.

        Raises:
            NodeBusy: The node is still busy after the longest time for repeated reads.
            ConnectionFailed: There is no answer, or the answer is too slow, too large or not JSON-RPC.
        """
        if any(method in ONCE for method, _ in batch_requests):
            return self._request_apart(batch_requests)
        asked = [self._build_request(method, params) for method, params in batch_requests]
        self.logger.debug("Making batch request. URI: %s, Requests: %d", self.label, len(asked))
        if any(each["method"] in BROADCASTS for each in asked):
            answers, unclear = self._endpoints.broadcast(
                lambda line: self._ask_batch(line, asked, repeatable=False),
                lambda answers: any(map(_has_error, answers)),
            )
            return cast(list[RPCResponse], _mask_errors(answers, unclear))
        answers = self._endpoints.read(
            lambda line: self._ask_batch(line, asked, repeatable=True),
            self._pauses(),
            prepare=self._reach(max((find_block(each["method"], each["params"]) for each in asked), default=0)),
        )
        return cast(list[RPCResponse], [self._look_elsewhere(*each) for each in zip(asked, answers, strict=True)])

    def _request_apart(self, batch: list[tuple[RPCEndpoint, Any]]) -> list[RPCResponse]:
        """Make each request of a batch alone, and return the answers in order. A failure becomes an error in the answer.

        Raises the first failure if no request with a method of `ONCE` was answered.
        """
        answers: list[Response] = []
        failures: list[ConnectionFailed] = []
        is_sent = False
        for method, params in batch:
            try:
                answers.append(self._request(method, params))
                is_sent = is_sent or method in ONCE
            except ConnectionFailed as failure:
                failures.append(failure)
                error = {"code": -32000, "message": failure.problem}
                answers.append({"jsonrpc": "2.0", "id": next(self.request_counter), "error": error})
        if failures and not is_sent:
            raise failures[0]
        return cast(list[RPCResponse], answers)

    def _look_elsewhere(self, request: Request, answer: Response) -> Response:
        """Return an answer of a batch, or the answer of another endpoint if this endpoint lacks the requested data."""
        if self._endpoints.is_single or not is_lacking(request["method"], answer):
            return answer
        return self._endpoints.read(
            lambda line: self._ask(line, request, self._pauses_of_one()),
            self._pauses(),
            lacks=lambda answer: is_lacking(request["method"], answer),
        )

    def _build_request(self, method: str, params: Any) -> Request:
        return {"jsonrpc": "2.0", "method": method, "params": params or [], "id": next(self.request_counter)}

    def _ask(self, line: Line, request: Request, pauses: Pauses | None = None) -> Response:
        """Make a request to one endpoint. Without ``pauses`` the request is sent only once. Raises LineFailed."""
        return ask_alone(self._post, line, request, pauses)

    def _ask_batch(self, line: Line, asked: list[Request], *, repeatable: bool) -> list[Response]:
        return ask_batch(self._post, line, asked, self._pauses_of_one if repeatable else None)

    def _post(self, line: Line, body: Request | list[Request], pauses: Pauses | None) -> Any:
        repeatable = pauses is not None
        return line.ask(self._encode(body), self._limits, pauses or Pauses(0, 0, 0), repeatable=repeatable)

    def _encode(self, body: Request | list[Request]) -> bytes:
        return json.dumps(body, separators=(",", ":"), default=_write).encode()

    def _pauses(self) -> Pauses:
        return Pauses(self.patience_seconds, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)

    def _pauses_of_one(self) -> Pauses:
        """Return the pauses for one endpoint. They are short if there are several endpoints."""
        most = self.patience_seconds if self._endpoints.is_single else ONE_OF_SEVERAL_SECONDS
        return Pauses(min(most, self.patience_seconds), FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)

    # ------------------------------------------------------------------ endpoints

    def _read_chain_id(self, line: Line) -> int:
        return self._read_number(line, "eth_chainId")

    def _read_number(self, line: Line, method: str) -> int:
        answer = self._ask(line, self._build_request(method, []), self._pauses_of_one())
        try:
            return check_number(read_number(answer.get("result")))
        except ValueError:
            raise LineFailed(ConnectionFailed(line.label, f"its answer to {method} cannot be read")) from None

    def _reach(self, block: int) -> Callable[[Line], None]:
        """Return a function that raises LineFailed if an endpoint does not have a block yet.

        Such an endpoint would answer without the events of the missing blocks. A single endpoint is not checked.
        """

        def reach(line: Line) -> None:
            if self._endpoints.is_single or line.newest_block >= block:
                return
            line.newest_block = self._read_number(line, "eth_blockNumber")
            if line.newest_block < block:
                behind = f"it is behind: it has block {line.newest_block}, and {block} is asked for"
                raise LineFailed(ConnectionFailed(line.label, behind), passes=True)

        return reach


def read_revert(method: str, response: Response) -> Response:
    """Return an answer unchanged, but raise the contract's error if the answer has revert data."""
    data = parse_rpc_error(response.get("error")) if method in CALLS else None
    if data is not None:
        raise decode_revert(data)
    return response


def _has_error(answer: Response) -> bool:
    return answer.get("error") is not None


def _mask_errors(answers: list[Response], unclear: ConnectionFailed | None) -> list[Response]:
    """Replace each error in the answers to a batch by ``unclear``, if it is given.

    ``unclear`` is the failure of an earlier endpoint that may have taken the transactions. In that case the errors of a
    later endpoint do not prove that the transactions failed.
    """
    if unclear is None:
        return answers
    error = {"code": -32000, "message": unclear.problem}
    return [{**each, "error": error} if _has_error(each) else each for each in answers]


def _write(value: object) -> object:
    """Return a value of web3's types in a form that JSON can hold: bytes as hex text, and mappings as dicts."""
    if isinstance(value, bytes | bytearray):
        return f"0x{bytes(value).hex()}"
    return dict(cast(Any, value))


@contextmanager
def typed_errors(label: str, *, calls: bool = False) -> Iterator[None]:
    """Replace errors of web3 and requests inside the ``with`` block with errors of this package.

    Args:
        label: The node's URL without secrets.
        calls: Whether the ``with`` block calls a contract. If so, revert data become the contract's own error.
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
        # web3 does not check the form of an answer, and fails on a wrong one.
        raise RpcFailed(f"its answer cannot be read ({type(error).__name__})") from error


def _client_errors() -> tuple[type[Exception], ...]:
    """Return the error classes of web3.

    If eth-tester is loaded, as by Ape's test provider, include its error classes.
    """
    engine = sys.modules.get("eth_tester.exceptions")
    return (Web3Exception, ValidationError, *((engine.TransactionFailed, engine.ValidationError) if engine else ()))


def is_busy(error: requests.exceptions.RequestException) -> bool:
    """Return whether the error has an HTTP status that means that the node is busy."""
    return error.response is not None and error.response.status_code in BUSY


def _read_error(error: Exception) -> object:
    """Return the error object in the node's answer, from web3's exception. None if there is none."""
    answer = getattr(error, "rpc_response", None)
    return answer.get("error") if isinstance(answer, dict) else None


def _describe_refusal(error: Exception) -> str:
    """Return the message in the node's answer, or the text of the exception if there is none."""
    told = _read_error(error)
    message = told.get("message") if isinstance(told, dict) else None
    return message if isinstance(message, str) and message else str(error)


def _describe(error: requests.exceptions.RequestException) -> str:
    """Describe a failed request in a phrase without the URL. The library's own text contains the URL."""
    if isinstance(error, requests.exceptions.Timeout):
        return f"no answer within {REQUEST_TIMEOUT_SECONDS} seconds"
    if isinstance(error, requests.exceptions.HTTPError) and error.response is not None:
        status = error.response.status_code
        return f"asked too often, HTTP status {status}" if status == 429 else f"HTTP status {status}"
    if isinstance(error, ValueError):
        return "it is not an http or https URL"
    return "connection refused or host not found"
