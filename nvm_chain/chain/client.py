"""A connection to a chain with our contracts: reads, transactions and events."""

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
from nvm_chain.chain.fees import MOST_GAS, read_fees
from nvm_chain.chain.gas_limits import Call, check_call
from nvm_chain.chain.journal_entries import Sent
from nvm_chain.chain.networks import find_usdc
from nvm_chain.chain.node import Node, encode_call
from nvm_chain.chain.portions import Portion, divide
from nvm_chain.chain.receipts import report_lost_event
from nvm_chain.chain.repricing import MAX_FEE_PERCENT, replace_waiting
from nvm_chain.chain.rpc import READ_PATIENCE_SECONDS, NodeProvider, build_web3
from nvm_chain.chain.sending import Sender
from nvm_chain.chain.shipments import Outcome
from nvm_chain.chain.state_folder import find_state_folder
from nvm_chain.chain.turns import Accounts
from nvm_chain.errors import BlockReplaced, DeploymentMismatch, NoDeployment, NvmChainError
from nvm_chain.signing.keys import Signer
from nvm_chain.signing.signers import check_transaction_signer
from nvm_chain.types.events import Event, EventFilter


class Chain(Node):
    """A connection to one chain, with the addresses of Credits, AgentRegistry and USDC on it.

    `nvm_chain.connect` returns one. ``label`` is ``eth-tester``, or the node's URL without secrets. ``accounts`` are
    the funded accounts of a development chain, and empty on other chains. ``usdc`` is None if the package knows no USDC
    on the chain. ``on_progress`` is called with a sentence before each wait. An error that it raises is only logged.
    """

    def __init__(
        self,
        web3: Web3,
        label: str,
        accounts: Sequence[LocalAccount] = (),
        timeout_seconds: int = 120,
        confirmations: int = 0,
    ) -> None:
        """Take a connected Web3. One request: the chain id. Raises a NetworkError if the node does not give it.

        ``confirmations`` is the number of blocks that must follow the block of a transaction before it counts as done.
        """
        super().__init__(web3, label, accounts, timeout_seconds)
        self.usdc: ChecksumAddress | None = find_usdc(self.chain_id)
        self.searched_folder: str | None = None
        """The folder of deployment records that `connect` searched, for error messages.

        None if it searched no folder.
        """
        lasts = isinstance(web3.provider, NodeProvider)
        self._accounts = Accounts(self.chain_id, find_state_folder() if lasts else None)
        self._sender, self._confirmations = Sender(self, self._accounts, confirmations), confirmations
        self.facts = Facts()
        self._credits: Contract | None = None
        self._agents: Contract | None = None

    def __repr__(self) -> str:
        """Return the chain id and the node's label, without secrets."""
        return f"<Chain {self.chain_id} at {self.label}>"

    # ------------------------------------------------------------------ contracts

    def use_credits(self, address: ChecksumAddress) -> None:
        """Set the address of Credits, and drop the current AgentRegistry. One request.

        The code at the address must be the package's own, because another contract could name any price.

        Raises:
            NoContract: There is no code at the address.
            DeploymentMismatch: The code is not the package's.
        """
        self._credits, self._agents = self._bind_own("Credits", address), None

    @property
    def credits(self) -> Contract:
        """The Credits contract. Raises NoDeployment if its address is not set."""
        if self._credits is None:
            raise self._miss("Credits", "use_credits")
        return self._credits

    def has_credits(self, address: object) -> bool:
        """Return whether the Credits in use has this address. No request."""
        return self._credits is not None and self._credits.address == address

    def use_agents(self, address: ChecksumAddress) -> None:
        """Set the address of AgentRegistry, after `use_credits`. Two requests.

        Raises:
            NoDeployment: Credits is not set.
            NoContract: There is no code at the address.
            DeploymentMismatch: The code is not the package's, or the registry belongs to another Credits.
        """
        agents, credits = self._bind_own("AgentRegistry", address), self.credits
        actual = self.read(agents.functions.credits())
        if actual != credits.address:
            raise DeploymentMismatch(f"The Credits of the AgentRegistry at {address}", credits.address, actual)
        self._agents = agents

    @property
    def agents(self) -> Contract:
        """The AgentRegistry contract. Raises NoDeployment if its address is not set."""
        if self._agents is None:
            raise self._miss("AgentRegistry", "use_agents")
        return self._agents

    def _miss(self, name: ContractName, setter: str) -> NoDeployment:
        """Return the error for a contract whose address is not set."""
        error = NoDeployment(self.chain_id, name, self.searched_folder)
        if self.searched_folder is not None:
            return error
        return error.explain(
            "it did not read the deployment records, as `connect(url)` does",
            f"set the address with `chain.{setter}(address)`, or connect with `connect(url)`",
        )

    def _bind_own(self, name: ContractName, address: ChecksumAddress) -> Contract:
        """Return one of our own contracts at an address. Raises DeploymentMismatch if the code there is different."""
        expected, actual = read_artifact(name).runtime_code_hash, "0x" + keccak(self.read_code(address)).hex()
        if actual != expected:
            raise DeploymentMismatch(f"The code hash at {address}", expected, actual)
        return self.bind(address, read_artifact(name).abi)

    # ------------------------------------------------------------------ send

    def send(
        self,
        signer: Signer,
        function: ContractFunction,
        value: int = 0,
        extra_gas: int = 0,
        *,
        most_gas: int = MOST_GAS,
    ) -> TxReceipt:
        """Send a call of a contract function, and wait until it is mined. One transaction.

        The call is simulated first, so a call that would fail costs nothing. A NetworkError means that the node did not
        take the transaction. After NotMined or OutcomeUnknown, look the transaction up before you send the call again.

        Args:
            signer: The account that sends the transaction and pays the gas.
            function: The function with its arguments.
            value: The native coin that the call transfers, in wei.
            extra_gas: Gas added to the estimate, for foreign contracts that may use more gas than in the simulation.
            most_gas: The highest gas limit, for calls of which a stranger decides how much gas they use.

        Raises:
            InvalidConfig: ``signer`` is not a signer, or cannot sign transactions.
            TransactionError: The contract refuses the call. The error is the contract's own.
            InsufficientCoin: The signer has too little coin for value and gas.
            OutOfGas: The transaction needed more gas than its limit.
            WouldSucceedNow: The transaction is mined and failed, but the same call would succeed now.
            TooMuchGas: The call needs more gas than ``most_gas``, or than a transaction or a block may use.
            AccountBusy: Another program on this machine is sending for the account.
            NotSent: The signer sets the prices itself, and signs the same bytes as for an earlier transaction.
            TransactionReplaced: Another transaction of the account was mined with the same nonce.
            NotMined: The transaction is not mined in time.
            OutcomeUnknown: The node does not tell the outcome of the transaction.
            NetworkError: The node does not give a usable answer.
        """
        with self.typed_errors():
            data = encode_call(function)
        return self.send_data(signer, data, to=function.address, value=value, extra_gas=extra_gas, most_gas=most_gas)

    def send_data(
        self,
        signer: Signer,
        data: str,
        to: ChecksumAddress | None = None,
        value: int = 0,
        extra_gas: int = 0,
        *,
        most_gas: int = MOST_GAS,
    ) -> TxReceipt:
        """Send encoded call data to an address, as `send` does.

        Without an address the data is a contract's creation code.
        """
        check_transaction_signer(signer)
        with self.reading_ahead():
            self.read_ahead(*self._sender.readers(signer.address, data, to, value))
            built = self._sender.build(signer.address, data, to, value, extra_gas, most_gas)
            return self._sender.send(signer, built)

    def send_many(
        self,
        signer: Signer,
        calls: Iterable[Call | ContractFunction],
        *,
        on_progress: Callable[[int], object] | None = None,
    ) -> list[Outcome]:
        """Send many calls of one account, with up to 500 transactions under way, and return the outcome of each.

        Each call becomes one transaction, in the given order. The transactions are signed here, noted in the account's
        journal on this machine, and broadcast in batches. If the node loses a transaction, it is broadcast again.

        The calls must not depend on each other: a call is simulated together with up to 499 others, before any of them
        is mined. A call that would fail is not sent, and its failure does not affect the other calls. If a transaction
        of another program takes the nonce of a call, the call is sent again with a later nonce.

        Args:
            signer: The account that sends the transactions and pays the gas.
            calls: Functions with their arguments, or `Call` objects, which can also set a value in wei and a gas limit.
            on_progress: A function that is called with the number of known outcomes whenever the number grows. An error
                that the function raises is only logged.

        Returns:
            The outcome of each call: its receipt, or the error that `send` would raise. The error is NotSent if earlier
            transactions of the list were not mined in time, or the signer failed. After NotMined or OutcomeUnknown,
            look the transaction up before you send the call again.

        Raises:
            InvalidConfig: ``signer`` is not a signer, or cannot sign transactions, or a field of a call is malformed.
            AccountBusy: Another program on this machine is sending for the account, and nothing was sent.
            NetworkError: The node does not give a usable answer, and nothing was sent.
        """
        check_transaction_signer(signer)
        with self.typed_errors():
            listed = [each if isinstance(each, Call) else Call(encode_call(each), each.address) for each in calls]
        for place, call in enumerate(listed):
            check_call(call, place)
        sending = partial(send_many, self, self._accounts, self._sender, signer, listed)
        return sending(confirmations=self._confirmations, on_progress=on_progress)

    def replace_transaction(self, signer: Signer, raw: bytes, *, max_percent: int = MAX_FEE_PERCENT) -> str | None:
        """Send a transaction that waits to be mined again, with the same nonce and higher prices. Do not wait for it.

        Only one of the two can be mined. The new prices are those of a new transaction, and at least 12.5 % higher than
        the old ones.

        Args:
            signer: The account that sent the transaction.
            raw: The signed bytes of the transaction.
            max_percent: The highest new price, in percent of what a new transaction would offer now.

        Returns:
            The hash of the new transaction, whether the node took it or not. None if the price would be too high, or if
            the bytes are of another type than 2, or have an access list. Nothing was signed then.

        Raises:
            AccountBusy: Another program on this machine is sending for the account.
            NetworkError: The node does not give a usable answer.
        """
        check_transaction_signer(signer)
        return replace_waiting(self, self._accounts, signer, raw, max_percent=max_percent)

    @contextmanager
    def paying(self, *readers: Reader) -> Iterator[None]:
        """Read ahead as `reading_ahead` does, for a payment.

        If the payment fails, forget all facts about plans and tokens, because a wrong one may be the cause.
        """
        try:
            with self.reading_ahead(*readers):
                yield
        except NvmChainError:
            self.facts.forget()
            raise

    def sending_readers(
        self, sender: ChecksumAddress, function: ContractFunction, value: int = 0
    ) -> tuple[Reader, ...]:
        """Return a reader for each read that `send` makes before it signs the call, for `read_ahead`. No request."""
        with self.typed_errors():
            data = encode_call(function)
        return self._sender.readers(sender, data, function.address, value)

    def divide(self, sender: ChecksumAddress, count: int, build: Callable[[int, int], Call]) -> list[Portion]:
        """Divide a list of items into calls that each fit into one transaction and one block.

        One request, and at least one more for each returned call.

        Args:
            sender: The address that will send the calls.
            count: The number of items.
            build: A function that returns the call for a part. It gets the indexes of the part's first and last item.

        Raises:
            TooMuchGas: A single item needs more gas than a transaction or a block may use.
            TransactionError: A call would fail. The error is the contract's own.
            NetworkError: The node does not give a usable answer.
        """
        return divide(self, self._sender, sender, count, build)

    def deploy(self, signer: Signer, creation_code: bytes) -> ChecksumAddress:
        """Deploy a contract with CREATE, and return its address. One transaction. Raises as `send` does."""
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
        """Return a complete unsigned transaction that the sender can pay for, and that would succeed now.

        Raises as `send` does. One request, or five if the node does not accept batches.
        """
        with self.reading_ahead(*self._sender.readers(sender, data, to, value)):
            built = self._sender.build(sender, data, to, value, extra_gas)
            return cast(TxParams, {**built, "nonce": Nonce(self.count_sent(sender, "pending"))})

    def estimate_gas(
        self, sender: ChecksumAddress, data: str, to: ChecksumAddress | None = None, value: int = 0
    ) -> int:
        """Return the gas limit for a transaction: the estimate and a margin of 20 %. Two requests.

        Raises:
            TransactionError: The transaction would revert. The error is the contract's own.
            TooMuchGas: The transaction needs more gas than a transaction or a block may use.
            NetworkError: The node does not give a usable answer.
        """
        return self._sender.estimate(sender, data, to, value)

    def read_fees(self) -> tuple[int, int]:
        """Return the highest price of a unit of gas, and the tip within it, in wei (EIP-1559). Two requests.

        The tip is 0 on a chain without EIP-1559.
        """
        fees = read_fees(self)
        return fees.max_fee, fees.tip or 0

    def read_journal(self, address: ChecksumAddress) -> list[Sent]:
        """Return the transactions that this machine has sent for an account on this chain, oldest first. No request."""
        return self._accounts.read_journal(address)

    # ------------------------------------------------------------------ events

    def read_events(self, contract: Contract, name: str, receipt: TxReceipt) -> list[EventData]:
        """Return the events named ``name`` that a contract emitted in a transaction, from its receipt. No request."""
        found = contract.events[name]().process_receipt(receipt, errors=DISCARD)
        return [event for event in found if event["address"] == contract.address]

    def read_event(self, contract: Contract, name: str, receipt: TxReceipt, **wanted: object) -> EventData:
        """Return the first event named ``name`` whose arguments have the wanted values. No request.

        Raises OutcomeUnknown if the receipt has no such event. The transaction must be one that always emits the event,
        so a receipt without it is incomplete.
        """
        for event in self.read_events(contract, name, receipt):
            if all(event["args"][key] == value for key, value in wanted.items()):
                return event
        raise report_lost_event(name, receipt)

    def read_logs(self, contract: Contract, wanted: EventFilter, first_block: int, last_block: int) -> list[Event]:
        """Return the events of a contract that match a filter, in a range of blocks. One request.

        Other events in the node's answer are left out.

        Args:
            contract: The contract that emits the events.
            wanted: The filter.
            first_block: The first block.
            last_block: The last block, included.

        Raises:
            BlockReplaced: The node marks an event as removed, because the event's block was replaced.
            RpcFailed: The node refuses the number of blocks, or its answer cannot be read.
            ConnectionFailed: The node does not answer.
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
        """Return the events named ``event`` that a contract emitted in a mined transaction. One request.

        Raises RpcFailed if the transaction is not mined.
        """
        return self.read_events(contract, event, self.read_mined(transaction_hash))


def _has_topics(found: Sequence[bytes], wanted: Sequence[Sequence[str] | None]) -> bool:
    """Return whether the topics of a log match the requested topics."""
    words = [f"0x{bytes(topic).hex()}" for topic in found]
    if len(words) < len(wanted):
        return False
    return all(allowed is None or word in allowed for word, allowed in zip(words, wanted, strict=False))


def _build_event(contract: Contract, names: Mapping[str, str], log: LogReceipt) -> Event:
    """Decode a log of the contract. Raises BlockReplaced if the node marks the log as removed."""
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
    """Connect to a node. One request, and one more for each endpoint if there are several.

    Args:
        url: The node's URL: http(s), ws(s), ``ipc:///path``, or a path that ends in ``.ipc``. Several endpoints of one
            chain are given as a list, or as text with commas between them. While an endpoint is down, busy or behind,
            reads go to the next one. If an endpoint gives no usable answer, a transaction goes to the next one too.
        timeout_seconds: The longest wait for a receipt, in seconds.
        confirmations: The number of blocks that must follow the block of a transaction before it counts as done.

    Raises:
        ConnectionFailed: No endpoint answers.
        WrongChain: The endpoints serve different chains.
    """
    provider = NodeProvider(url, min(timeout_seconds, READ_PATIENCE_SECONDS))
    provider.check_endpoints()
    return Chain(build_web3(provider), provider.label, timeout_seconds=timeout_seconds, confirmations=confirmations)
