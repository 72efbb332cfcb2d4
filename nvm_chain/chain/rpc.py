"""The way to a node: a provider that repeats reads, and what its failures become."""

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
"""The longest silence of a node."""
ANSWER_SECONDS: Final = 30
"""How long one answer may take in all."""
MAX_ANSWER_BYTES: Final = 1 << 26
"""How large one answer may be: nodes themselves end theirs at 25 MB, and gateways at 10 MB mostly."""
FIRST_PAUSE_SECONDS: Final = 0.25
LONGEST_PAUSE_SECONDS: Final = 8.0
READ_PATIENCE_SECONDS: Final = 20.0
"""How long a read is asked again of a node that is busy, unless a chain's time is shorter."""
ONE_OF_SEVERAL_SECONDS: Final = 1.0
"""How long one of several endpoints is waited for before the next is asked."""
CALLS: Final = frozenset({"eth_call", "eth_estimateGas"})
"""What runs a contract. An error of another request is not a contract's, whatever data it has."""
BROADCASTS: Final = frozenset({"eth_sendRawTransaction", "eth_sendTransaction"})
"""What is repeated only after a look for what the first one did."""


def build_web3(provider: BaseProvider) -> Web3:
    """Return web3 on a provider, without what would ask for the chain id before and after each request."""
    web3 = Web3(provider)
    web3.middleware_onion.remove("validation")
    return web3


class NodeProvider(JSONBaseProvider):
    """A node reached by http, IPC or WebSocket, or several endpoints of one chain.

    Its ``label`` is without what may be a key. Reads its answers before web3 does, which fails over some that a
    contract can choose. One answer has limits of time and size.

    Reads are repeated while a node is busy: what it refuses for now it may answer in a second. With several endpoints
    they go to the next one. A transaction may go to the next one too: it stays one, however often it arrives.
    """

    logger = logging.getLogger("web3.providers.HTTPProvider")

    def __init__(self, url: str | Sequence[str], patience_seconds: float, session: Any = None) -> None:
        """Take the URLs, how long reads may be repeated, and a session of requests if ours is not wanted for http."""
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
        """Make sure that several endpoints are of one chain. One request for each; none for a single one.

        One that does not answer is asked before its first use. Raises WrongChain, or ConnectionFailed if none answers.
        """
        if not self._endpoints.is_single:
            self._endpoints.check()

    # ------------------------------------------------------------------ asking

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Make one request, and reads again where the node is busy.

        Raises:
            TransactionError: The contract refuses: the error that the revert data stands for.
            NodeBusy: The node refuses for now, for longer than reads are repeated.
            ConnectionFailed: There is no answer, none within the limits, or none of JSON-RPC.
        """
        self.logger.debug("Making request. URI: %s, Method: %s", self.label, method)
        request = self._number(method, params)
        if method in BROADCASTS:
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
        return cast(RPCResponse, read_revert(method, answer))

    def make_batch_request(self, batch_requests: list[tuple[RPCEndpoint, Any]]) -> list[RPCResponse]:
        """Make several requests in one, and return the answers in their order, each with a result or an error.

        A node that takes no batches, or not so large ones, is asked for fewer at once, down to one by one. Reads that
        lack an answer, or were too much for a batch, are asked alone. What may be a transaction is never asked alone
        again: where its answer is missing there is an error that says nothing of it. Errors of contracts are left as
        they are: `read_revert` raises them.

        Raises:
            NodeBusy: The node refuses for now, for longer than reads are repeated.
            ConnectionFailed: There is no answer, none within the limits, or none of JSON-RPC.
        """
        asked = [self._number(method, params) for method, params in batch_requests]
        self.logger.debug("Making batch request. URI: %s, Requests: %d", self.label, len(asked))
        if any(each["method"] in BROADCASTS for each in asked):
            answers, unclear = self._endpoints.broadcast(
                lambda line: self._ask_batch(line, asked, repeatable=False),
                lambda answers: any(map(_has_error, answers)),
            )
            return cast(list[RPCResponse], _cover(answers, unclear))
        answers = self._endpoints.read(
            lambda line: self._ask_batch(line, asked, repeatable=True),
            self._pauses(),
            prepare=self._reach(max((find_block(each["method"], each["params"]) for each in asked), default=0)),
        )
        return cast(list[RPCResponse], [self._look_elsewhere(*each) for each in zip(asked, answers, strict=True)])

    def _look_elsewhere(self, request: Request, answer: Response) -> Response:
        """Return an answer of a batch, or that of another endpoint if this one has not got what was asked for."""
        if self._endpoints.is_single or not is_lacking(request["method"], answer):
            return answer
        return self._endpoints.read(
            lambda line: self._ask(line, request, self._pauses_of_one()),
            self._pauses(),
            lacks=lambda answer: is_lacking(request["method"], answer),
        )

    def _number(self, method: str, params: Any) -> Request:
        return {"jsonrpc": "2.0", "method": method, "params": params or [], "id": next(self.request_counter)}

    def _ask(self, line: Line, request: Request, pauses: Pauses | None = None) -> Response:
        """Ask one endpoint, which answers with an object. Without pauses nothing is asked again. Raises LineFailed."""
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
        """Return the pauses for one endpoint: the next one is not far, if there is any."""
        most = self.patience_seconds if self._endpoints.is_single else ONE_OF_SEVERAL_SECONDS
        return Pauses(min(most, self.patience_seconds), FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)

    # ------------------------------------------------------------------ endpoints

    def _read_chain_id(self, line: Line) -> int:
        return self._read_number(line, "eth_chainId")

    def _read_number(self, line: Line, method: str) -> int:
        answer = self._ask(line, self._number(method, []), self._pauses_of_one())
        try:
            return check_number(read_number(answer.get("result")))
        except ValueError:
            raise LineFailed(ConnectionFailed(line.label, f"its answer to {method} cannot be read")) from None

    def _reach(self, block: int) -> Callable[[Line], None]:
        """Return what makes sure that one of several endpoints has a block. Without it, it would leave out its events."""

        def reach(line: Line) -> None:
            if self._endpoints.is_single or line.newest_block >= block:
                return
            line.newest_block = self._read_number(line, "eth_blockNumber")
            if line.newest_block < block:
                behind = f"it is behind: it has block {line.newest_block}, and {block} is asked for"
                raise LineFailed(ConnectionFailed(line.label, behind), passes=True)

        return reach


def read_revert(method: str, response: Response) -> Response:
    """Return an answer that is not a contract's error. Raises the error that revert data stands for."""
    data = parse_rpc_error(response.get("error")) if method in CALLS else None
    if data is not None:
        raise decode_revert(data)
    return response


def _has_error(answer: Response) -> bool:
    return answer.get("error") is not None


def _cover(answers: list[Response], unclear: ConnectionFailed | None) -> list[Response]:
    """Return answers to a batch without those errors that prove nothing, as an endpoint asked before may have taken all."""
    if unclear is None:
        return answers
    error = {"code": -32000, "message": unclear.problem}
    return [{**each, "error": error} if _has_error(each) else each for each in answers]


def _write(value: object) -> object:
    """Return what JSON has for the types of web3 that it does not know."""
    if isinstance(value, bytes | bytearray):
        return f"0x{bytes(value).hex()}"
    return dict(cast(Any, value))


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
