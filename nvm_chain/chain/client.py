"""The seam to a chain: the only module that talks to web3's client parts.

A Chain reads, simulates, sends and waits, and turns whatever goes wrong into the errors of `nvm_chain.errors`.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NoReturn, cast

import requests
from eth_abi.exceptions import DecodingError
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress, HexStr
from eth_utils.abi import event_abi_to_log_topic
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError
from web3 import HTTPProvider, Web3
from web3.contract.contract import Contract, ContractFunction
from web3.exceptions import BadFunctionCallOutput, TransactionNotFound, Web3Exception
from web3.logs import DISCARD
from web3.providers import BaseProvider
from web3.types import EventData, LogReceipt, Nonce, RPCEndpoint, RPCResponse, TxData, TxParams, TxReceipt

from nvm_chain.chain.artifacts import ContractName, read_artifact
from nvm_chain.chain.networks import find_usdc
from nvm_chain.chain.refusals import is_clear_refusal
from nvm_chain.chain.reverts import decode_revert, parse_revert_data, parse_rpc_error
from nvm_chain.chain.urls import hide_urls_in_logs
from nvm_chain.chain.urls import redact_url as redact_url
from nvm_chain.errors import (
    AnswerUnreadable,
    BlockReplaced,
    ConnectionFailed,
    DeploymentMismatch,
    InsufficientCoin,
    NetworkError,
    NoContract,
    NoDeployment,
    NotMined,
    NvmChainError,
    OutcomeUnknown,
    OutOfGas,
    RpcFailed,
)
from nvm_chain.errors.formatting import quote
from nvm_chain.signing.keys import Signer
from nvm_chain.signing.signers import check_transaction_signer
from nvm_chain.types.events import Block, Event, EventFilter
from nvm_chain.types.json_text import parse_json
from nvm_chain.types.receipts import Transaction

logger = logging.getLogger("nvm_chain")

REQUEST_TIMEOUT_SECONDS = 20
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 1.0
GAS_MARGIN_PERCENT = 20
"""Added to each estimate: state may change until a transaction is mined. Unused gas is not paid for."""
LEAST_GAS = 21_000
"""What the smallest transaction costs."""
MOST_GAS = 1 << 24
"""What the largest transaction may use (EIP-7825)."""
GAS_OF_BYTE = 16
"""What a transaction costs for each byte of its data, unless the byte is zero."""


class Chain:
    """A connection to one chain, with the addresses of Credits, AgentRegistry and USDC on it.

    ``label`` is ``eth-tester``, or the node's URL without secrets. ``accounts`` are the funded accounts of the
    embedded chain, and empty elsewhere. ``usdc`` is None where no USDC is known. ``on_progress`` is called with a
    sentence before each wait. Get one from `nvm_chain.connect`.
    """

    def __init__(
        self, web3: Web3, label: str, accounts: Sequence[LocalAccount] = (), timeout_seconds: int = 120
    ) -> None:
        """Take a connected Web3. One request: the chain id. Raises ConnectionFailed."""
        cast(Any, web3.provider).global_ccip_read_enabled = False  # else any contract can make us fetch URLs
        self.web3 = web3
        self.label = label
        self.accounts = tuple(accounts)
        self.timeout_seconds = timeout_seconds
        self.on_progress: Callable[[str], None] = logger.info
        with self._typed_errors():
            self.chain_id = _check_number(web3.eth.chain_id)
        self.usdc: ChecksumAddress | None = find_usdc(self.chain_id)
        self._credits: Contract | None = None
        self._agents: Contract | None = None

    def __repr__(self) -> str:
        """Say which chain this is and where, without secrets."""
        return f"<Chain {self.chain_id} at {self.label}>"

    # ------------------------------------------------------------------ contracts

    def use_credits(self, address: ChecksumAddress) -> None:
        """Set where Credits is, and forget an AgentRegistry of another Credits. One request.

        Only the package's own code is accepted, because another contract could name any price.

        Raises:
            NoContract: There is no code at the address.
            DeploymentMismatch: The code is not the package's.
        """
        self._credits, self._agents = self._bind_own("Credits", address), None

    @property
    def credits(self) -> Contract:
        """The Credits contract, bound. Raises NoDeployment if nothing said where it is."""
        if self._credits is None:
            raise NoDeployment(self.chain_id)
        return self._credits

    def has_credits(self, address: object) -> bool:
        """Return whether this address is the Credits in use; no request."""
        return self._credits is not None and self._credits.address == address

    def use_agents(self, address: ChecksumAddress) -> None:
        """Set where AgentRegistry is, after `use_credits`. Two requests.

        Raises:
            NoDeployment: Credits is not set.
            NoContract: There is no code at the address.
            DeploymentMismatch: The code is not the package's, or the registry is of another Credits.
        """
        agents, credits = self._bind_own("AgentRegistry", address), self.credits
        actual = self.read(agents.functions.credits())
        if actual != credits.address:
            raise DeploymentMismatch(f"The Credits of the AgentRegistry at {address}", credits.address, actual)
        self._agents = agents

    @property
    def agents(self) -> Contract:
        """The AgentRegistry contract, bound. Raises NoDeployment if nothing said where it is."""
        if self._agents is None:
            raise NoDeployment(self.chain_id, "AgentRegistry")
        return self._agents

    def _bind_own(self, name: ContractName, address: ChecksumAddress) -> Contract:
        """Bind one of our own contracts, if that is what is at the address."""
        expected, actual = read_artifact(name).runtime_code_hash, "0x" + keccak(self.read_code(address)).hex()
        if actual != expected:
            raise DeploymentMismatch(f"The code hash at {address}", expected, actual)
        return self.bind(address, read_artifact(name).abi)

    def bind(self, address: ChecksumAddress, abi: Sequence[Any]) -> Contract:
        """Return a contract whose functions `read` and `send` take; no request."""
        return self.web3.eth.contract(address, abi=list(abi))

    # ------------------------------------------------------------------ read

    def read(
        self,
        function: ContractFunction,
        sender: ChecksumAddress | None = None,
        value: int = 0,
        gas: int | None = None,
        block: int | None = None,
    ) -> Any:
        """Call a contract function without sending it, and return what it returns. One request.

        Args:
            function: The function with its arguments, as `bind` and the bound contracts give it.
            sender: Who calls it. The node's default if not given.
            value: Wei that the call carries.
            gas: The limit for the call, without the cost of a transaction. The node's limit if not given.
            block: The number of the block in whose state the function is called. The latest block if not given.

        Raises:
            NoContract: There is no code at the address.
            TransactionError: The contract refuses, with the contract's own error.
            NetworkError: The node cannot be used, or has forgotten the block.
        """
        transaction: TxParams = {"value": self.web3.to_wei(value, "wei")}
        if sender is not None:
            transaction["from"] = sender
        if gas is not None:
            transaction["gas"] = gas + LEAST_GAS + GAS_OF_BYTE * (len(_encode(function)) // 2)
        with self._typed_errors():
            try:
                return function.call(transaction, "latest" if block is None else block)
            except (BadFunctionCallOutput, UnicodeDecodeError) as error:
                self.read_code(function.address)
                raise AnswerUnreadable(str(error)) from None

    def read_code(self, address: ChecksumAddress) -> bytes:
        """Return the code at an address. One request. Raises NoContract if there is none."""
        with self._typed_errors():
            code = bytes(self.web3.eth.get_code(address))
        if not code:
            raise NoContract(address, self.chain_id)
        return code

    def has_code(self, address: ChecksumAddress) -> bool:
        """Return whether there is a contract at an address. One request."""
        with self._typed_errors():
            return bool(self.web3.eth.get_code(address))

    def read_time(self) -> int:
        """Return the timestamp of the latest block, in seconds: the clock that decides about deadlines. One request."""
        with self._typed_errors():
            return _check_number(self.web3.eth.get_block("latest").get("timestamp"))

    def read_block(self, number: int | None = None) -> Block:
        """Return a block by its number; the latest if not given. One request. Raises RpcFailed if there is none."""
        with self._typed_errors():
            found = self.web3.eth.get_block("latest" if number is None else number)
            place = _check_number(found["number"])
            if number not in (None, place):
                raise ValueError("another block")
            return Block(place, f"0x{bytes(found['hash']).hex()}", _check_number(found["timestamp"]))

    def read_coin_balance(self, address: ChecksumAddress) -> int:
        """Return an address's native coin in wei. One request."""
        with self._typed_errors():
            return _check_number(self.web3.eth.get_balance(address))

    def read_transaction(self, transaction_hash: str) -> Transaction:
        """Return a mined transaction by its hash. One request. Raises RpcFailed if there is none."""
        with self._typed_errors():
            return summarize(self.web3.eth.get_transaction_receipt(cast(Any, transaction_hash)))

    def read_transaction_events(self, contract: Contract, event: str, transaction_hash: str) -> list[EventData]:
        """Return a contract's events of one name in a mined transaction. One request. Raises RpcFailed if there is none."""
        with self._typed_errors():
            receipt = self.web3.eth.get_transaction_receipt(HexStr(transaction_hash))
        return self.read_events(contract, event, receipt)

    def read_created_address(self, transaction_hash: str) -> ChecksumAddress | None:
        """Return the contract that a mined transaction created, or None. One request. Raises RpcFailed if there is none."""
        with self._typed_errors():
            return self.web3.eth.get_transaction_receipt(HexStr(transaction_hash)).get("contractAddress")

    def count_pending(self, address: ChecksumAddress) -> int:
        """Return how many transactions of an address wait to be mined. Two requests."""
        with self._typed_errors():
            counts = [self.web3.eth.get_transaction_count(address, block) for block in ("pending", "latest")]
        return _check_number(counts[0]) - _check_number(counts[1])

    def read_sent_transaction(self, transaction_hash: str) -> TxData:
        """Return a transaction as it was sent. One request. Raises RpcFailed if there is none."""
        with self._typed_errors():
            return self.web3.eth.get_transaction(cast(Any, transaction_hash))

    def find_receipt(self, transaction_hash: str) -> TxReceipt | None:
        """Return the receipt of a mined transaction, or None if no block has it. One request."""
        with self._typed_errors(), suppress(TransactionNotFound):
            return self.web3.eth.get_transaction_receipt(HexStr(transaction_hash))
        return None

    def find_transaction(self, transaction_hash: str) -> TxData | None:
        """Return a transaction as it was sent, or None if the node does not know it. One request."""
        with self._typed_errors(), suppress(TransactionNotFound):
            return self.web3.eth.get_transaction(HexStr(transaction_hash))
        return None

    def explain_failure(self, sent: TxData, receipt: TxReceipt) -> NvmChainError:
        """Return the error for which a mined transaction failed, found by calling it again. One request."""
        call = {"from": sent["from"], "to": sent.get("to"), "data": sent["input"], "value": sent["value"]}
        try:
            self._raise_failed(cast(TxParams, {key: item for key, item in call.items() if item is not None}), receipt)
        except NvmChainError as error:
            return error

    # ------------------------------------------------------------------ send

    def send(self, signer: Signer, function: ContractFunction, value: int = 0, extra_gas: int = 0) -> TxReceipt:
        """Send a call of a contract function, and wait until it is mined. One transaction.

        The call is simulated first, so a call that would fail costs nothing. A NetworkError means that the node did not
        take the transaction. After NotMined and OutcomeUnknown look it up before you send the call again.

        Args:
            signer: Who sends and pays the gas.
            function: The function with its arguments.
            value: Wei that the call carries.
            extra_gas: Gas on top of the estimate, for contracts of others that may use more when it counts.

        Raises:
            InvalidConfig: The signer is not one, or signs no transactions.
            TransactionError: The contract refuses, with the contract's own error.
            InsufficientCoin: The signer has too little coin for value and gas.
            OutOfGas: The transaction ran out of gas.
            NotMined: The transaction is not mined in time.
            OutcomeUnknown: The node does not say what became of the transaction.
            NetworkError: The node cannot be used.
        """
        with self._typed_errors():
            data = _encode(function)
        return self.send_data(signer, data, to=function.address, value=value, extra_gas=extra_gas)

    def send_data(
        self, signer: Signer, data: str, to: ChecksumAddress | None = None, value: int = 0, extra_gas: int = 0
    ) -> TxReceipt:
        """Send call data to an address, or creation code to nobody, as `send` does."""
        check_transaction_signer(signer)
        transaction = self.build_transaction(signer.address, data, to, value, extra_gas)
        signed = signer.sign_transaction(dict(transaction))
        transaction_hash = f"0x{bytes(signed.hash).hex()}"
        try:
            with self._typed_errors():
                self.web3.eth.send_raw_transaction(signed.raw_transaction)
        except ConnectionFailed as error:
            raise OutcomeUnknown(transaction_hash, error.reason) from None
        except RpcFailed as error:
            raise self._judge_refusal(transaction_hash, error) from None
        self.on_progress(f"Waiting for transaction {transaction_hash}")
        receipt = self._wait(transaction_hash)
        if receipt["status"] != 1:
            self._raise_failed(transaction, receipt)
        return receipt

    def _judge_refusal(self, transaction_hash: str, error: RpcFailed) -> RpcFailed | OutcomeUnknown:
        """Return what a node's error means for the transaction that it answers.

        It is a refusal if the node's words say so and the node does not show the transaction. One request.
        """
        seen = "and cannot be asked whether it has it"
        with suppress(NetworkError):
            if self.find_transaction(transaction_hash) is not None:
                seen = "and has it, from this call or from another one with the same key"
            elif is_clear_refusal(error.reason):
                return error
            else:
                seen = "and does not show it"
        return OutcomeUnknown(transaction_hash, f"it answered {quote(error.reason)}, {seen}")

    def _wait(self, transaction_hash: str) -> TxReceipt:
        """Return the receipt of a sent transaction. Asks again after a lost connection: money may be on its way."""
        deadline, pause, problem = time.monotonic() + self.timeout_seconds, FIRST_PAUSE_SECONDS, ""
        while True:
            try:
                with self._typed_errors():
                    return self.web3.eth.get_transaction_receipt(HexStr(transaction_hash))
            except ConnectionFailed as error:
                problem = error.reason
            except RpcFailed:
                problem = ""  # not mined yet
            if time.monotonic() >= deadline:
                raise (
                    OutcomeUnknown(transaction_hash, problem)
                    if problem
                    else NotMined(transaction_hash, self.timeout_seconds)
                )
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def deploy(self, signer: Signer, creation_code: bytes) -> ChecksumAddress:
        """Deploy a contract by CREATE and return its address. One transaction. Raises as `send` does."""
        address = self.send_data(signer, "0x" + creation_code.hex())["contractAddress"]
        return cast(ChecksumAddress, address)

    def build_transaction(
        self,
        sender: ChecksumAddress,
        data: str,
        to: ChecksumAddress | None = None,
        value: int = 0,
        extra_gas: int = 0,
    ) -> TxParams:
        """Return a complete EIP-1559 transaction that the sender can pay for and that would succeed now.

        Raises as `send` does. Five requests.
        """
        balance = self.read_coin_balance(sender)
        if balance < value:
            raise InsufficientCoin(sender, balance, value)
        max_fee, tip = self.read_fees()
        # Some nodes estimate nothing for an account that could not pay for it.
        if balance < value + LEAST_GAS * max_fee:
            raise InsufficientCoin(sender, balance, value + LEAST_GAS * max_fee)
        estimate = self.estimate_gas(sender, data, to, value)
        gas = max(estimate, min(estimate + extra_gas, MOST_GAS))
        with self._typed_errors():
            nonce = _check_number(self.web3.eth.get_transaction_count(sender, "pending"))
        if balance < value + gas * max_fee:
            raise InsufficientCoin(sender, balance, value + gas * max_fee)
        return {
            **self._call_params(sender, data, to, value),
            "chainId": self.chain_id,
            "nonce": Nonce(nonce),
            "gas": gas,
            "maxFeePerGas": self.web3.to_wei(max_fee, "wei"),
            "maxPriorityFeePerGas": self.web3.to_wei(tip, "wei"),
        }

    def estimate_gas(
        self, sender: ChecksumAddress, data: str, to: ChecksumAddress | None = None, value: int = 0
    ) -> int:
        """Return the gas limit for a transaction, with a margin. One request. Raises the error it would revert with."""
        with self._typed_errors():
            estimate = _check_number(self.web3.eth.estimate_gas(self._call_params(sender, data, to, value)))
        return estimate * (100 + GAS_MARGIN_PERCENT) // 100

    def _call_params(self, sender: ChecksumAddress, data: str, to: ChecksumAddress | None, value: int) -> TxParams:
        params: TxParams = {"from": sender, "value": self.web3.to_wei(value, "wei"), "data": cast(Any, data)}
        if to is not None:
            params["to"] = to
        return params

    def read_fees(self) -> tuple[int, int]:
        """Return the most to pay per unit of gas, and the tip within it, in wei (EIP-1559). Two requests."""
        with self._typed_errors():
            base = _check_number(self.web3.eth.get_block("latest").get("baseFeePerGas", 0))
            tip = _check_number(self.web3.eth.max_priority_fee)
        return 2 * base + tip, tip

    def _raise_failed(self, transaction: TxParams, receipt: TxReceipt) -> NoReturn:
        """Raise the error for which a mined transaction failed, found by calling it again."""
        again = {key: transaction[key] for key in ("from", "to", "data", "value") if key in transaction}
        with self._typed_errors():
            self.web3.eth.call(cast(TxParams, again), receipt["blockNumber"])
        raise OutOfGas(f"0x{bytes(receipt['transactionHash']).hex()}")

    # ------------------------------------------------------------------ events

    def read_events(self, contract: Contract, name: str, receipt: TxReceipt) -> list[EventData]:
        """Return the events of one name that one contract emitted in a transaction; no request."""
        found = contract.events[name]().process_receipt(receipt, errors=DISCARD)
        return [event for event in found if event["address"] == contract.address]

    def read_event(self, contract: Contract, name: str, receipt: TxReceipt, **wanted: object) -> EventData:
        """Return the first event of one name whose arguments are those wanted; no request.

        Raises OutcomeUnknown if there is none: every mined call of its kind has one, so the node has lost it.
        """
        for event in self.read_events(contract, name, receipt):
            if all(event["args"][key] == value for key, value in wanted.items()):
                return event
        raise report_lost_event(name, receipt)

    def read_logs(self, contract: Contract, wanted: EventFilter, first_block: int, last_block: int) -> list[Event]:
        """Return a contract's events that a filter asks for, from one block to another, both included. One request.

        Other events that the node returns are left out. Raises BlockReplaced if an event was undone meanwhile, and
        RpcFailed if the node refuses so many blocks, or its answer cannot be read.
        """
        names = {f"0x{event_abi_to_log_topic(contract.events[name].abi).hex()}": name for name in wanted.names}
        topics = wanted.topics({name: topic for topic, name in names.items()})
        asked = {"address": contract.address, "fromBlock": hex(first_block), "toBlock": hex(last_block)}
        with self._typed_errors():
            logs = self.web3.eth.get_logs(cast(Any, {**asked, "topics": topics}))
            ours = [log for log in logs if log["address"] == contract.address and _has_topics(log["topics"], topics)]
            events = [_build_event(contract, names, log) for log in ours]
        return [event for event in events if first_block <= event.block_number <= last_block]

    def ask_development_node(self, method: str, *parameters: str) -> bool:
        """Ask for what only development nodes do, such as ``anvil_setCode``; return whether it was done. One request."""
        with suppress(NvmChainError), self._typed_errors():
            return "error" not in cast(Any, self.web3.provider).make_request(RPCEndpoint(method), list(parameters))
        return False

    # ------------------------------------------------------------------ errors

    @contextmanager
    def _typed_errors(self) -> Iterator[None]:
        """Turn what web3 and requests raise into this package's errors, once, here."""
        try:
            yield
        except NvmChainError:
            raise
        except requests.exceptions.RequestException as error:
            raise ConnectionFailed(self.label, _describe(error)) from None
        except _client_errors() as error:
            data = parse_revert_data(error)
            raise (RpcFailed(_describe_refusal(error)) if data is None else decode_revert(data)) from None
        except (ArithmeticError, AttributeError, DecodingError, LookupError, TypeError, ValueError) as error:
            # web3 trusts that an answer has the form it should have.
            raise RpcFailed(f"its answer cannot be read ({type(error).__name__})") from error


def report_lost_event(name: str, receipt: TxReceipt) -> OutcomeUnknown:
    """Return the error for a receipt without an event that a mined call of its kind always has."""
    return OutcomeUnknown(f"0x{bytes(receipt['transactionHash']).hex()}", f"its receipt has no {name} event")


def _has_topics(found: Sequence[bytes], wanted: Sequence[Sequence[str] | None]) -> bool:
    """Return whether a log is one that was asked for."""
    words = [f"0x{bytes(topic).hex()}" for topic in found]
    if len(words) < len(wanted):
        return False
    return all(allowed is None or word in allowed for word, allowed in zip(words, wanted, strict=False))


def _build_event(contract: Contract, names: Mapping[str, str], log: LogReceipt) -> Event:
    """Decode one of a contract's own logs."""
    if log.get("removed"):
        raise BlockReplaced(_check_number(log["blockNumber"]))
    name = names[f"0x{bytes(log['topics'][0]).hex()}"]
    time_told = cast(Any, log).get("blockTimestamp")
    return Event(
        name=name,
        arguments=contract.events[name]().process_log(log)["args"],
        block_number=_check_number(log["blockNumber"]),
        block_hash=f"0x{bytes(log['blockHash']).hex()}",
        transaction_hash=f"0x{bytes(log['transactionHash']).hex()}",
        log_index=_check_number(log["logIndex"]),
        timestamp=None if time_told is None else _check_number(_parse_number(time_told)),
    )


def _parse_number(value: object) -> object:
    return int(value, 16) if isinstance(value, str) else value


def _encode(function: ContractFunction) -> str:
    """Return the data of a call, as hex."""
    return str(cast(Any, function)._encode_transaction_data())  # noqa: SLF001  its public twin asks the node for fees


def _client_errors() -> tuple[type[Exception], ...]:
    """Return the errors of web3, and of eth-tester if somebody has loaded it: Ape brings its own, which raises them."""
    engine = sys.modules.get("eth_tester.exceptions")
    return (Web3Exception, ValidationError, *((engine.TransactionFailed, engine.ValidationError) if engine else ()))


def build_web3(provider: BaseProvider) -> Web3:
    """Return web3 on a provider, without the middleware that asks for the chain id before and after each request."""
    web3 = Web3(provider)
    web3.middleware_onion.remove("validation")
    return web3


class _Endpoint:
    """Where a node is. Only what posts there has the whole URL, because web3 logs and shows the one that it is told."""

    def __init__(self, url: str, session: Any = None) -> None:
        """Take the whole URL, and a session for all threads. Each thread has its own if none is given."""
        self._url, self._session = url, session
        self._own = threading.local()

    def post(self, shown: str, **settings: Any) -> Any:
        """Send one request, as a session of requests does."""
        with hide_urls_in_logs():
            return self._find_session().post(self._url, **settings)

    def _find_session(self) -> Any:
        if self._session is not None:
            return self._session
        if not hasattr(self._own, "session"):
            self._own.session = requests.Session()
        return self._own.session


class NodeProvider(HTTPProvider):
    """A node reached by http. Its ``endpoint_uri``, which web3 logs, is without what may be a key.

    Reads its answers before web3 does, because web3 fails on some answers that a contract can choose.
    """

    def __init__(self, url: str, *, session: Any = None, **settings: Any) -> None:
        """Take the whole URL of the node, and what web3's own provider takes."""
        super().__init__(redact_url(url), session=_Endpoint(url, session), **settings)

    @staticmethod
    def decode_rpc_response(raw_response: bytes) -> RPCResponse:
        """Read the JSON of an answer. Raises ValueError if it is not JSON, or nests deep enough to end the process."""
        return cast(RPCResponse, parse_json(raw_response))

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Make one request.

        Raises the error that revert data stands for, and ConnectionFailed if the answer is not JSON-RPC.
        """
        try:
            response: object = super().make_request(method, params)
        except requests.exceptions.RequestException:
            raise
        except (ValueError, RecursionError):
            response = None
        if not isinstance(response, dict):
            raise ConnectionFailed(str(self.endpoint_uri), "it does not speak JSON-RPC")
        data = parse_rpc_error(response.get("error"))
        if data is not None:
            raise decode_revert(data)
        return cast(RPCResponse, response)


def open_rpc(url: str, timeout_seconds: int = 120) -> Chain:
    """Connect to a node by its http or https URL. One request. Raises ConnectionFailed."""
    provider = NodeProvider(
        url, request_kwargs={"timeout": REQUEST_TIMEOUT_SECONDS}, exception_retry_configuration=None
    )
    return Chain(build_web3(provider), redact_url(url), timeout_seconds=timeout_seconds)


def _check_number(value: object) -> int:
    """Return a number that a node gave, if it is one that a chain can have."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 256:
        raise ValueError("no number")
    return value


def summarize(receipt: TxReceipt) -> Transaction:
    """Return the part of a transaction receipt that callers need."""
    return Transaction(
        hash=f"0x{bytes(receipt['transactionHash']).hex()}",
        block_number=receipt["blockNumber"],
        gas_used=receipt["gasUsed"],
        fee_wei=receipt["gasUsed"] * receipt.get("effectiveGasPrice", 0),
    )


def _describe_refusal(error: Exception) -> str:
    """Return the node's own words, without the rest of its answer."""
    answer = getattr(error, "rpc_response", None)
    told = answer.get("error") if isinstance(answer, dict) else None
    message = told.get("message") if isinstance(told, dict) else None
    return message if isinstance(message, str) and message else str(error)


def _describe(error: requests.exceptions.RequestException) -> str:
    """Say what kind of failure it was, without the URL that the library's own text contains."""
    if isinstance(error, requests.exceptions.Timeout):
        return f"no answer within {REQUEST_TIMEOUT_SECONDS} seconds"
    if isinstance(error, requests.exceptions.HTTPError) and error.response is not None:
        return f"HTTP status {error.response.status_code}"
    if isinstance(error, ValueError):
        return "it is not an http or https URL"
    return "connection refused or host not found"
