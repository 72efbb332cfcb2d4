"""A chain with Credits, and short methods for tests."""

from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, cast
from weakref import WeakKeyDictionary

from eth_abi.abi import encode
from eth_account.datastructures import SignedTransaction
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from eth_utils.conversions import to_hex
from web3.contract.contract import Contract, ContractFunction
from web3.types import TxReceipt

from nvm_chain.chain.client import Chain
from nvm_chain.chain.embedded import LABEL
from nvm_chain.chain.replays import explain_failure
from nvm_chain.chain.state_folder import find_state_folder
from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.types.plans import Terms
from nvm_chain.types.prices import Split
from tests.support.calls import decode_result, encode_call, is_plain
from tests.support.compiled import read_abi, read_creation_code
from tests.support.receipts import build_receipt, decode_events

PRICE = 20_000_000
CREDITS = 100
FUNDS = 1_000_000_000
MAX_FEE_BPS = 1000
"""The highest protocol fee that registrations accept. It is the contract's cap, so no fee is too high."""
MAX_UINT = 2**256 - 1
ZERO = "0x" + "00" * 20
NO_CONTEXT = bytes(32)
PLENTY_OF_GAS = 3_000_000
GAS_LIMIT = 10_000_000
MIN_RESULT = 66
TIP = 10**9
MAX_FEE = 10 * TIP
BASE_FEE = 10**9
_MINERS = count(0xC0DE0001)
_USDC: WeakKeyDictionary[Chain, Contract] = WeakKeyDictionary()
"""The TestUSDC contract object of each chain, because building one takes longer than a call."""


@dataclass
class World:
    """A chain, Credits, a TestUSDC, and one account per role."""

    chain: Chain
    known: list[Contract] = field(default_factory=list)
    _salt: int = 0

    def __post_init__(self) -> None:
        """Give each account a role."""
        (
            self.fee_owner,
            self.builder,
            self.subscriber,
            self.stranger,
            self.redeemer,
            self.minter,
            self.relayer,
            self.fee_receiver,
            self.partner,
            self.other,
        ) = self.chain.accounts

    # ------------------------------------------------------------------ contracts

    @property
    def credits(self) -> Contract:
        """The Credits contract. `send` and `read` take calls such as `self.credits.functions.order(...)`."""
        return self.chain.credits

    @property
    def usdc(self) -> Contract:
        """The TestUSDC contract."""
        assert self.chain.usdc is not None
        bound = _USDC.get(self.chain)
        if bound is None or bound.address != self.chain.usdc:
            bound = _USDC[self.chain] = self.chain.bind(self.chain.usdc, read_abi("TestUSDC"))
        return bound

    def deploy(self, name: str, *arguments: Any, value: int = 0, signer: LocalAccount | None = None) -> Contract:
        """Deploy a contract of contracts/ by name."""
        abi = read_abi(name)
        types = [_type_of(item) for entry in abi if entry["type"] == "constructor" for item in entry["inputs"]]
        data = read_creation_code(name) + encode(types, arguments).hex()
        receipt = self.chain.send_data(signer or self.fee_owner, data, value=value)
        contract = self.chain.bind(cast(ChecksumAddress, receipt["contractAddress"]), abi)
        self.known.append(contract)
        return contract

    # ------------------------------------------------------------------ doing

    def send(self, signer: LocalAccount, function: ContractFunction, value: int = 0) -> TxReceipt:
        """Send a call. Raises the typed error if the call would revert.

        On anvil this takes three requests instead of the nine of `Chain.send`, because sending is most of a test's
        time.
        """
        if self.chain.label == LABEL:
            return self.chain.send(signer, function, value)
        data = encode_call(function)
        call = {"from": signer.address, "to": function.address, "data": data, "value": hex(value)}
        if "error" in self._answer("eth_call", call, "latest"):
            return self.chain.send(signer, function, value)  # which raises the typed error
        sent = self._sign(signer, function, data, GAS_LIMIT, value)
        receipt = self._publish(sent)
        if receipt["status"] != 1:
            raise explain_failure(self.chain, self.chain.web3.eth.get_transaction(sent.hash), receipt)
        return receipt

    def send_with_gas(self, signer: LocalAccount, function: ContractFunction, gas: int, value: int = 0) -> TxReceipt:
        """Send a call with an exact gas limit and without a simulation. Return the receipt whatever its status."""
        return self._publish(self._sign(signer, function, encode_call(function), gas, value))

    def _publish(self, sent: SignedTransaction) -> TxReceipt:
        """Send a transaction, and return its receipt.

        One request if the node can send and wait in one request, else two or more.
        """
        raw = to_hex(sent.raw_transaction)
        answer: dict[str, Any] = {"error": None}
        if self.chain.label != LABEL:
            answer = self._answer("eth_sendRawTransactionSync", raw)
        if "error" not in answer:
            return build_receipt(answer["result"])
        if self.chain.find_transaction(to_hex(sent.hash)) is None:
            self.chain.web3.eth.send_raw_transaction(raw)
        return self.chain.web3.eth.wait_for_transaction_receipt(sent.hash, poll_latency=0.002)

    def _sign(
        self, signer: LocalAccount, function: ContractFunction, data: str, gas: int, value: int
    ) -> SignedTransaction:
        transaction: dict[str, Any] = {
            "from": signer.address,
            "to": function.address,
            "data": data,
            "value": value,
            "chainId": self.chain.chain_id,
            "nonce": self._count_transactions(signer.address),
            "gas": gas,
            "maxFeePerGas": MAX_FEE,
            "maxPriorityFeePerGas": TIP,
        }
        return signer.sign_transaction(transaction)

    def _count_transactions(self, sender: ChecksumAddress) -> int:
        if self.chain.label == LABEL:
            return self.chain.web3.eth.get_transaction_count(sender)
        return int(self._request("eth_getTransactionCount", sender, "latest"), 16)

    def read(self, function: ContractFunction, sender: ChecksumAddress | None = None, value: int = 0) -> Any:
        """Call without a transaction. Raises the typed error if the call reverts."""
        if self.chain.label == LABEL or not is_plain(function):
            return self.chain.read(function, sender, value)
        call = {"to": function.address, "data": encode_call(function), "value": hex(value)}
        answer = self._answer("eth_call", {**call, "from": sender} if sender else call, "latest")
        if len(answer.get("result", "0x")) < MIN_RESULT:
            return self.chain.read(function, sender, value)  # which raises the typed error
        return decode_result(function, bytes.fromhex(answer["result"][2:]))

    # ------------------------------------------------------------------ factories

    def terms(self, **changes: Any) -> Terms:
        """Return valid terms with changes: 100 credits for 20 USDC to the builder, 1 to 10 credits for each request."""
        values: dict[str, Any] = {
            "kind": PlanKind.CREDITS,
            "activation": Activation.ON_PURCHASE,
            "token": self.chain.usdc,
            "splits": (Split(self.builder.address, PRICE),),
            "quoter": ZERO,
            "paid_externally": False,
            "credits": CREDITS,
            "duration": 0,
            "min_redeem": 1,
            "max_redeem": 10,
            "rule": RedemptionRule.HOLDER,
            "trial": False,
            "transferable": False,
        }
        return Terms(**{**values, **changes})

    def register(self, *, signer: LocalAccount | None = None, uri: str = "", **changes: Any) -> int:
        """Register a plan of the builder with `terms(**changes)`, and return its id."""
        self._salt += 1
        function = self.credits.functions.registerPlan(
            self.terms(**changes).as_tuple(), self._salt.to_bytes(32, "big"), uri, MAX_FEE_BPS
        )
        receipt = self.send(signer or self.builder, function)
        return int(self.chain.read_events(self.credits, "PlanRegistered", receipt)[0]["args"]["planId"])

    def fund(self, payer: LocalAccount, token: Contract | None = None, amount: int = FUNDS) -> None:
        """Give tokens to an account, and let it approve Credits for them."""
        token = token or self.usdc
        self.send(payer, token.functions.mint(payer.address, amount))
        self.send(payer, token.functions.approve(self.credits.address, amount))

    def order(
        self,
        plan_id: int,
        payer: LocalAccount | None = None,
        *,
        receiver: str | None = None,
        quantity: int = 1,
        value: int = 0,
    ) -> TxReceipt:
        """Order a plan for the subscriber, without a highest cost. The payer must have the funds."""
        payer = payer or self.subscriber
        function = self.credits.functions.order(plan_id, receiver or payer.address, quantity, MAX_UINT)
        return self.send(payer, function, value)

    def grant(self, plan_id: int, holder: str, amount: int) -> None:
        """Give a holder credits of a plan of the builder, without payment."""
        self.send(self.builder, self.credits.functions.mint(plan_id, holder, amount))

    def set_fee(self, bps: int, receiver: str | None = None) -> None:
        """Set the protocol fee for plans that are registered from now on."""
        to = self.fee_receiver.address if receiver is None else receiver
        self.send(self.fee_owner, self.credits.functions.setProtocolFee(bps, to))

    # ------------------------------------------------------------------ looking

    def balance(self, plan_id: int, holder: str) -> int:
        """Return a holder's credits."""
        return int(self.read(self.credits.functions.balanceOf(holder, plan_id)))

    def tokens(self, holder: str, token: Contract | None = None) -> int:
        """Return a holder's balance of a token in base units."""
        return int(self.read((token or self.usdc).functions.balanceOf(holder)))

    def spent(self, account: LocalAccount) -> int:
        """Return the amount that an account has spent of the tokens from ``fund``."""
        return FUNDS - self.tokens(account.address)

    def coins(self, holder: str) -> int:
        """Return a holder's balance of the native coin in wei."""
        return self.chain.read_coin_balance(holder)  # type: ignore[arg-type]

    def events(self, receipt: TxReceipt) -> list[tuple[str, dict[str, Any]]]:
        """Return every event that Credits emitted in a transaction, in order, as (name, arguments)."""
        return decode_events(self.credits, receipt)

    # ------------------------------------------------------------------ time and state

    @property
    def now(self) -> int:
        """The timestamp of the latest block, in seconds."""
        return self.chain.web3.eth.get_block("latest")["timestamp"]

    def mine_at(self, timestamp: int) -> None:
        """Mine an empty block with this timestamp, now or later. The chain's clock then stands still until the state is restored.

        Otherwise a slow machine would read a second later what a test says of one second.
        """
        if self.chain.label == LABEL:
            # eth-tester sets the time of the next block, but calls see the block before it
            self._tester.time_travel(timestamp + 1)
        else:
            self._request("evm_setNextBlockTimestamp", timestamp)
            self._request("evm_mine")
            self._request("anvil_setBlockTimestampInterval", 0)

    def send_at(
        self, timestamp: int, signer: LocalAccount, function: ContractFunction, gas: int = PLENTY_OF_GAS
    ) -> TxReceipt:
        """Send a call that must succeed, in a block with this timestamp, which is later than now.

        The call is not simulated first, because the simulation would see an earlier time.
        """
        if self.chain.label == LABEL:
            self._tester.time_travel(timestamp)
        else:
            self._request("evm_setNextBlockTimestamp", timestamp)
        receipt = self.send_with_gas(signer, function, gas)
        assert (receipt["status"], self.now) == (1, timestamp)
        return receipt

    @property
    def _tester(self) -> Any:
        return self.chain.web3.provider.ethereum_tester  # type: ignore[attr-defined]

    def _request(self, method: str, *arguments: Any) -> Any:
        answer = self._answer(method, *arguments)
        assert "error" not in answer, answer
        return answer["result"]

    def _answer(self, method: str, *arguments: Any) -> Any:
        return self.chain.web3.provider.make_request(method, list(arguments))  # type: ignore[arg-type]

    def take_snapshot(self) -> Any:
        """Save the state of the chain."""
        if self.chain.label == LABEL:
            return self._tester.take_snapshot()
        return self._request("evm_snapshot")

    def revert_to(self, snapshot: Any) -> None:
        """Restore a saved state of the chain."""
        if self.chain.label == LABEL:
            self._tester.revert_to_snapshot(snapshot)
        else:
            self._request("evm_revert", snapshot)
            # Anvil tells of a mined transaction before it takes it out of its pool, where an undone one would be left.
            self._request("anvil_dropAllTransactions")
            self._request("anvil_removeBlockTimestampInterval")
            self._change_next_blocks()
            self._forget_sent()

    def _change_next_blocks(self) -> None:
        """Have the next blocks begin with the usual base fee, and name another miner than the undone blocks.

        Anvil does not restore the base fee. It keeps states by the hashes of blocks: if an undone block has the same
        hash as a later one, the state of the later one is dropped when the undone block gets old.
        """
        self._request("anvil_setNextBlockBaseFeePerGas", hex(BASE_FEE))
        self._request("anvil_setCoinbase", f"0x{next(_MINERS):040x}")

    def _forget_sent(self) -> None:
        """Remove the journals, because the transactions in them are undone."""
        for journal in (find_state_folder() or Path()).glob(f"{self.chain.chain_id}-0x*.jsonl"):
            journal.unlink()


def _type_of(item: dict[str, Any]) -> str:
    if item["type"].startswith("tuple"):
        inner = ",".join(_type_of(part) for part in item["components"])
        return f"({inner}){item['type'][5:]}"
    return str(item["type"])
