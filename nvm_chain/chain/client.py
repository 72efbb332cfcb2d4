"""A chain with our contracts on it: what the operations read from, send to and look events up in."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from eth_utils.abi import event_abi_to_log_topic
from eth_utils.crypto import keccak
from web3 import Web3
from web3.contract.contract import Contract, ContractFunction
from web3.logs import DISCARD
from web3.types import EventData, LogReceipt, Nonce, TxParams, TxReceipt

from nvm_chain.chain.answers import check_number, read_number
from nvm_chain.chain.artifacts import ContractName, read_artifact
from nvm_chain.chain.batches import Reader
from nvm_chain.chain.bulk_sending import send_many
from nvm_chain.chain.facts import Facts
from nvm_chain.chain.fees import read_fees
from nvm_chain.chain.gas_limits import Call
from nvm_chain.chain.networks import find_usdc
from nvm_chain.chain.node import Node, encode_call
from nvm_chain.chain.nonces import Accounts, Sent, find_state_folder
from nvm_chain.chain.portions import Portion, divide
from nvm_chain.chain.receipts import report_lost_event
from nvm_chain.chain.rpc import READ_PATIENCE_SECONDS, NodeProvider, build_web3
from nvm_chain.chain.sending import Sender
from nvm_chain.chain.shipments import Outcome
from nvm_chain.errors import BlockReplaced, DeploymentMismatch, NoDeployment, NvmChainError
from nvm_chain.signing.keys import Signer
from nvm_chain.signing.signers import check_transaction_signer
from nvm_chain.types.events import Event, EventFilter


class Chain(Node):
    """A connection to one chain, with the addresses of Credits, AgentRegistry and USDC on it.

    ``label`` is ``eth-tester``, or the node's URL without secrets. ``accounts`` are the funded accounts of a
    development chain, and empty elsewhere. ``usdc`` is None where no USDC is known. ``on_progress`` is called with a
    sentence before each wait. Get one from `nvm_chain.connect`.
    """

    def __init__(
        self,
        web3: Web3,
        label: str,
        accounts: Sequence[LocalAccount] = (),
        timeout_seconds: int = 120,
        confirmations: int = 0,
    ) -> None:
        """Take a connected Web3. One request: the chain id. Raises ConnectionFailed.

        ``confirmations`` is how many blocks have to be on top of a transaction's before it counts as done.
        """
        super().__init__(web3, label, accounts, timeout_seconds)
        self.usdc: ChecksumAddress | None = find_usdc(self.chain_id)
        self.searched_folder: str | None = None
        """The folder of deployment records that `connect` searched, for errors; None where it searched none."""
        lasts = isinstance(web3.provider, NodeProvider)
        self._accounts = Accounts(self.chain_id, find_state_folder() if lasts else None)
        self._sender, self._confirmations = Sender(self, self._accounts, confirmations), confirmations
        self.facts = Facts()
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
            raise NoDeployment(self.chain_id, "Credits", self.searched_folder)
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
            raise NoDeployment(self.chain_id, "AgentRegistry", self.searched_folder)
        return self._agents

    def _bind_own(self, name: ContractName, address: ChecksumAddress) -> Contract:
        """Bind one of our own contracts, if that is what is at the address."""
        expected, actual = read_artifact(name).runtime_code_hash, "0x" + keccak(self.read_code(address)).hex()
        if actual != expected:
            raise DeploymentMismatch(f"The code hash at {address}", expected, actual)
        return self.bind(address, read_artifact(name).abi)

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
            TooMuchGas: It needs more gas than one transaction or a block may use.
            TransactionReplaced: Another transaction of the account took its place.
            NotMined: The transaction is not mined in time.
            OutcomeUnknown: The node does not say what became of the transaction.
            NetworkError: The node cannot be used.
        """
        with self.typed_errors():
            data = encode_call(function)
        return self.send_data(signer, data, to=function.address, value=value, extra_gas=extra_gas)

    def send_data(
        self, signer: Signer, data: str, to: ChecksumAddress | None = None, value: int = 0, extra_gas: int = 0
    ) -> TxReceipt:
        """Send call data to an address, or creation code to nobody, as `send` does."""
        check_transaction_signer(signer)
        with self.reading_ahead():
            self.read_ahead(*self._sender.questions(signer.address, data, to, value))
            return self._sender.send(signer, self._sender.build(signer.address, data, to, value, extra_gas))

    def send_many(
        self,
        signer: Signer,
        calls: Iterable[Call | ContractFunction],
        *,
        on_progress: Callable[[int], object] | None = None,
    ) -> list[Outcome]:
        """Send many calls of one account, hundreds on their way at once, and return what became of each.

        A transaction for each call, in the order given: signed here, noted in the journal, and handed over in batches. One
        that the node loses is given to it again. The calls must not need each other: each is simulated with up to 499
        others, in the state before all of them. One that would fail is not sent, and a failure harms no other. If a
        transaction from elsewhere takes a nonce, the call that it was for is sent behind the others.

        Args:
            signer: Who sends and pays the gas.
            calls: Functions with their arguments; or `Call`s, which can carry coin and name their gas.
            on_progress: Called with the number of known outcomes when it grows.

        Returns:
            For each call its receipt, or the error that `send` would raise. It is NotSent where those before it are stuck.
            After NotMined and OutcomeUnknown look the transaction up before you send the call again.

        Raises:
            InvalidConfig: The signer is not one, or signs no transactions.
            NetworkError: The node cannot be used. Nothing was sent.
        """
        check_transaction_signer(signer)
        with self.typed_errors():
            listed = [each if isinstance(each, Call) else Call(encode_call(each), each.address) for each in calls]
        sending = partial(send_many, self, self._accounts, self._sender, signer, listed)
        return sending(confirmations=self._confirmations, on_progress=on_progress)

    @contextmanager
    def paying(self, *readers: Reader) -> Iterator[None]:
        """Read ahead as `reading_ahead` does. Forget what never changes if the payment fails: a wrong answer may be why."""
        try:
            with self.reading_ahead(*readers):
                yield
        except NvmChainError:
            self.facts.forget()
            raise

    def sending_questions(
        self, sender: ChecksumAddress, function: ContractFunction, value: int = 0
    ) -> tuple[Reader, ...]:
        """Return what `send` asks before it sends, for `read_ahead`. No request."""
        with self.typed_errors():
            data = encode_call(function)
        return self._sender.questions(sender, data, function.address, value)

    def divide(self, sender: ChecksumAddress, count: int, build: Callable[[int, int], Call]) -> list[Portion]:
        """Divide a list into calls that each fit into one transaction and one block. One request for each, and one.

        ``build`` returns the call for the items from one place to another, both included. Raises TooMuchGas if a single
        item needs too much, the contract's error, or a NetworkError.
        """
        return divide(self, self._sender, sender, count, build)

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
        """Return a complete transaction that the sender can pay for and that would succeed now.

        Raises as `send` does. One request, or five where the node takes no batches.
        """
        with self.reading_ahead(*self._sender.questions(sender, data, to, value)):
            built = self._sender.build(sender, data, to, value, extra_gas)
            return cast(TxParams, {**built, "nonce": Nonce(self.count_sent(sender, "pending"))})

    def estimate_gas(
        self, sender: ChecksumAddress, data: str, to: ChecksumAddress | None = None, value: int = 0
    ) -> int:
        """Return the gas limit for a transaction, with a margin. Two requests. Raises the error it would revert with, or TooMuchGas."""
        return self._sender.estimate(sender, data, to, value)

    def read_fees(self) -> tuple[int, int]:
        """Return the most to pay per unit of gas, and the tip within it, in wei (EIP-1559). Two requests."""
        fees = read_fees(self)
        return fees.max_fee, fees.tip or 0

    def read_journal(self, address: ChecksumAddress) -> list[Sent]:
        """Return what this machine has sent for an account on this chain, oldest first. No request."""
        return self._accounts.read_journal(address)

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
        with self.typed_errors():
            logs = self.web3.eth.get_logs(cast(Any, {**asked, "topics": topics}))
            ours = [log for log in logs if log["address"] == contract.address and _has_topics(log["topics"], topics)]
            events = [_build_event(contract, names, log) for log in ours]
        return [event for event in events if first_block <= event.block_number <= last_block]

    def read_transaction_events(self, contract: Contract, event: str, transaction_hash: str) -> list[EventData]:
        """Return a contract's events of one name in a mined transaction. One request. Raises RpcFailed if there is none."""
        return self.read_events(contract, event, self.read_mined(transaction_hash))


def _has_topics(found: Sequence[bytes], wanted: Sequence[Sequence[str] | None]) -> bool:
    """Return whether a log is one that was asked for."""
    words = [f"0x{bytes(topic).hex()}" for topic in found]
    if len(words) < len(wanted):
        return False
    return all(allowed is None or word in allowed for word, allowed in zip(words, wanted, strict=False))


def _build_event(contract: Contract, names: Mapping[str, str], log: LogReceipt) -> Event:
    """Decode one of a contract's own logs."""
    if log.get("removed"):
        raise BlockReplaced(check_number(log["blockNumber"]))
    name = names[f"0x{bytes(log['topics'][0]).hex()}"]
    time_told = cast(Any, log).get("blockTimestamp")
    return Event(
        name=name,
        arguments=contract.events[name]().process_log(log)["args"],
        block_number=check_number(log["blockNumber"]),
        block_hash=f"0x{bytes(log['blockHash']).hex()}",
        transaction_hash=f"0x{bytes(log['transactionHash']).hex()}",
        log_index=check_number(log["logIndex"]),
        timestamp=None if time_told is None else check_number(read_number(time_told)),
    )


def open_rpc(url: str | Sequence[str], timeout_seconds: int = 120, confirmations: int = 0) -> Chain:
    """Connect to a node. One request, and one more for each endpoint where there are several.

    Args:
        url: Where the node is: a URL of http(s) or ws(s), ``ipc:///path``, or a path that ends in ``.ipc``. Several
            endpoints of one chain are a list, or a text with commas between them. Reads go to the next one while one is
            down, busy or behind, and a transaction that one did not clearly take is handed to the next one, too.
        timeout_seconds: How long a receipt is waited for.
        confirmations: How many blocks have to be on top of a transaction's before it counts as done.

    Raises:
        ConnectionFailed: No endpoint answers.
        WrongChain: The endpoints are of different chains.
    """
    provider = NodeProvider(url, min(timeout_seconds, READ_PATIENCE_SECONDS))
    provider.check_endpoints()
    return Chain(build_web3(provider), provider.label, timeout_seconds=timeout_seconds, confirmations=confirmations)
