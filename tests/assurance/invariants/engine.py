"""The real contract, on an EVM that takes a hundred thousand calls a second, behind the same operations as the model."""

import re
from collections.abc import Callable
from functools import cache
from typing import Final

import pyrevm
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress, Hash32
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from nvm_chain.chain.artifacts import read_artifact
from nvm_chain.signing.eip712 import Domain, StructType, hash_message
from tests.assurance.invariants.abi import WORD, Value, encode, hash_words, selector, words
from tests.assurance.invariants.facts import TERMS, RawEvent, SettlementItem, Terms
from tests.support.compiled import read_creation_code

CHAIN_ID: Final = 31337
START: Final = 1_750_000_000
PLENTY: Final = 10**30
GAS: Final = 100_000_000
LARGE: Final = 2**17
VOUCHER: Final = StructType(
    "Voucher(uint256 planId,address holder,address redeemer,uint64 ceiling,bytes32 context,uint64 deadline)"
)
RECEIVE: Final = StructType(
    "ReceiveWithAuthorization"
    "(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
)
PERMIT: Final = StructType("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)")

ORDER: Final = "(uint256,address,address,uint256,uint256,uint256,uint256,bytes32)"
ITEM: Final = "(address,uint64,uint64,bytes32,uint64,bytes)"

# A quoter in a few bytes: 64 bytes of call data set the price for a payer, anything else asks for price × quantity.
_SET_PRICE: Final = "602035" + "5f35" + "55" + "00"  # calldata[32], calldata[0], SSTORE, STOP
_ASK: Final = "604435" + "602435" + "54" + "02" + "5f52" + "60205ff3"  # quantity × storage[payer]
QUOTER: Final = bytes.fromhex("36604014" + "6015" + "57" + _ASK + "5b" + _SET_PRICE)
REVERTING_QUOTER: Final = bytes.fromhex("5f5ffd")
SILENT_QUOTER: Final = bytes.fromhex("00")

KEY_NAMES: Final = ("builder", "maker", "alice", "bob", "carol", "relayer", "stranger", "wallet key")


@cache
def keys() -> dict[int, LocalAccount]:
    """Return the accounts with keys, by address."""
    made = [Account.from_key(keccak(text=f"nvm_chain {name}")) for name in KEY_NAMES]
    return {int(account.address, 16): account for account in made}


@cache
def credits_creation_code() -> bytes:
    """Return the creation code that the package carries."""
    return read_artifact("Credits").creation_code


@cache
def sign(signer: int, digest: bytes, form: int = 65) -> bytes:
    """Sign a digest as 65 bytes, or as the 64 of EIP-2098."""
    signed = keys()[signer].unsafe_sign_hash(Hash32(digest))
    if form == 65:
        return bytes(signed.signature)
    return signed.r.to_bytes(WORD, "big") + ((signed.v - 27) << 255 | signed.s).to_bytes(WORD, "big")


def checksummed(address: int) -> str:
    """Return an address as the EVM's interface takes it."""
    return f"0x{address:040x}"


class Reverted(Exception):
    """A call reverted with this data."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data.hex() or "no data")
        self.data = data


class Engine:
    """Credits and what it meets, each at an address that is a number."""

    def __init__(self, creation_code: bytes | None = None, large: bool = False) -> None:
        # Code that was brought may be compiled without the optimizer, and too large for a chain.
        self._limit = LARGE if creation_code or large else None
        self.chain_id = CHAIN_ID
        self.evm = self._new_evm()
        self.now = START
        self.events: list[RawEvent] = []
        """What Credits emitted in the last operation that changed something."""
        addresses = list(keys())
        self.issuer = int.from_bytes(keccak(text="issuer")[12:], "big")
        for address in (*addresses, self.issuer):
            self.evm.set_balance(checksummed(address), PLENTY)
        self.wallet_key = addresses[-1]
        self.parties = addresses[:-1]
        self.credits = self._deploy(creation_code or credits_creation_code(), encode(self.issuer))
        self.token = self._deploy_compiled("TestUSDC")
        self.wallet = self._deploy_compiled("SmartWallet", encode(self.wallet_key))
        self.evm.set_balance(checksummed(self.wallet), PLENTY)
        self.no_hook = self._deploy_compiled("NoHook")
        self.rejects_coin = self._deploy_compiled("RejectsCoin")
        runtimes = (QUOTER, REVERTING_QUOTER, SILENT_QUOTER)
        self.quoter, *self.broken_quoters = [self._deploy(_creation_code_of(runtime)) for runtime in runtimes]
        self.parties.append(self.wallet)
        self.set_time(START)
        self._operations: dict[str, Callable[..., bytes]] = {
            "register_plan": self._register_plan,
            "order_with_permit": self._order_with_permit,
            "order_with_authorization": self._order_with_authorization,
            "settle": self._settle,
            "move_time": lambda caller, seconds: self.set_time(self.now + seconds),
            "fork": lambda caller, chain_id: self._fork(chain_id),
            "order": lambda caller, *values: self._call(caller, "order(uint256,address,uint256,uint256)", *values),
            "pay_usage": lambda caller, *values: self._call(
                caller, "payUsage(uint256,uint256,uint256,bytes32)", *values
            ),
            "safe_transfer_from": lambda caller, holder, to, plan_id, amount: self._send(
                caller,
                self.credits,
                "safeTransferFrom(address,address,uint256,uint256,bytes)",
                (holder, to, plan_id, amount, b""),
            ),
            "safe_batch_transfer_from": lambda caller, holder, to, plan_ids, amounts: self._send(
                caller,
                self.credits,
                "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)",
                (holder, to, plan_ids, amounts, b""),
            ),
            "fund": lambda caller, amount: self._send(caller, self.token, "mint(address,uint256)", (caller, amount)),
            "approve": lambda caller, amount: self._send(
                caller, self.token, "approve(address,uint256)", (self.credits, amount)
            ),
            "block": lambda caller, account, blocked: self._send(
                self.issuer, self.token, "blacklist(address)" if blocked else "unBlacklist(address)", (account,)
            ),
            "set_unit_price": lambda caller, payer, price: self._transact(caller, self.quoter, encode(payer, price), 0),
        }

    # ------------------------------------------------------------------ operations

    def apply(self, name: str, caller: int, arguments: tuple) -> bytes:
        """Do what the model's method of this name does, and return what the contract returned. Raises Reverted."""
        self.events = []
        if name in self._operations:
            return self._operations[name](caller, *arguments)
        return self._send(caller, self.credits, SIGNATURES[name], arguments)

    def _register_plan(self, caller: int, terms: Terms, salt: int, uri: str, max_fee_bps: int) -> bytes:
        signature = f"registerPlan({TERMS},bytes32,string,uint16)"
        return self._send(caller, self.credits, signature, (terms.as_value(), salt, uri, max_fee_bps))

    def _call(self, caller: int, signature: str, *values: int) -> bytes:
        """Call with the last value as coin."""
        return self._send(caller, self.credits, signature, values[:-1], values[-1])

    def _order_with_permit(self, caller: int, *values: int) -> bytes:
        *head, signer, value, nonce, deadline = values
        owner = signer if signer in self.parties else caller
        struct = PERMIT.hash((_with_checksum(owner), _with_checksum(self.credits), value, nonce, deadline))
        made = sign(signer, hash_message(_token_domain(self.token, self.chain_id), struct))
        permit = (deadline, made[64], int.from_bytes(made[:32], "big"), int.from_bytes(made[32:64], "big"))
        signature = "orderWithPermit(uint256,address,uint256,uint256,(uint256,uint8,bytes32,bytes32))"
        return self._send(caller, self.credits, signature, (*head, permit))

    def _order_with_authorization(self, caller: int, order: tuple, signer: int, signed: tuple, chain_id: int) -> bytes:
        _, payer, _, _, max_cost, after, before, _ = signed
        nonce = self.authorization_nonce(signed, chain_id).to_bytes(WORD, "big")
        message = (_with_checksum(payer), _with_checksum(self.credits), max_cost, after, before, nonce)
        made = sign(signer, hash_message(_token_domain(self.token, chain_id), RECEIVE.hash(message)))
        return self._send(caller, self.credits, f"orderWithAuthorization({ORDER},bytes)", (order, made))

    def _settle(self, caller: int, plan_id: int, items: list[SettlementItem]) -> bytes:
        made: list[Value] = []
        for item in items:
            digest = self.voucher_digest(item.signed, item.chain_id)
            signature = sign(item.signer, digest, item.form) if item.signer else b""
            made.append((item.holder, item.total, item.ceiling, item.context, item.deadline, signature))
        return self._send(caller, self.credits, f"settle(uint256,{ITEM}[])", (plan_id, made))

    def authorization_nonce(self, order: tuple, chain_id: int) -> int:
        """Return the nonce of an order that its payer signs."""
        plan_id, payer, receiver, quantity, max_cost, _, _, salt = order
        return hash_words(chain_id, self.credits, plan_id, payer, receiver, quantity, max_cost, salt)

    def voucher_digest(self, voucher: tuple[int, int, int, int, int, int], chain_id: int) -> bytes:
        """Return what a holder signs."""
        plan_id, holder, redeemer, ceiling, context, deadline = voucher
        values = (
            plan_id,
            _with_checksum(holder),
            _with_checksum(redeemer),
            ceiling,
            context.to_bytes(WORD, "big"),
            deadline,
        )
        return hash_message(_credits_domain(self.credits, chain_id), VOUCHER.hash(values))

    def _new_evm(self) -> pyrevm.EVM:
        config = pyrevm.CfgEnv(chain_id=self.chain_id, limit_contract_code_size=self._limit)
        return pyrevm.EVM(spec_id="CANCUN", env=pyrevm.Env(cfg=config))

    def _fork(self, chain_id: int) -> bytes:
        """Go on upon a chain with another id: the same accounts, code and storage, on an EVM of its own."""
        before, self.chain_id = self.evm, chain_id
        self.evm = self._new_evm()
        # Only the text of the journal tells what is stored.
        for account in _ACCOUNT.finditer(before.journal_str):
            address = to_checksum_address(account["address"])
            info = before.basic(address)
            code = before.get_code(address) or None
            self.evm.insert_account_info(address, pyrevm.AccountInfo(nonce=info.nonce, code=code))
            self.evm.set_balance(address, info.balance)
            for slot, value in _SLOT.findall(account["storage"]):
                self.evm.insert_account_storage(address, int(slot), int(value))
        return self.set_time(self.now)

    def set_time(self, now: int) -> bytes:
        """Set the timestamp of the calls to come."""
        self.now = now
        self.evm.set_block_env(pyrevm.BlockEnv(timestamp=now, number=now - START + 1))
        return b""

    # ------------------------------------------------------------------ reads

    def read(self, signature: str, *arguments: Value, address: int | None = None) -> list[int]:
        """Call without changing anything and return the answer's words. Raises Reverted."""
        data = selector(signature) + encode(*arguments)
        target = checksummed(self.credits if address is None else address)
        try:
            answer = self.evm.message_call(checksummed(self.issuer), target, calldata=data, gas=GAS, is_static=True)
        except RuntimeError as error:
            raise _reverted(error) from None
        return words(bytes(answer))

    def balances(self, holders: list[int], plan_ids: list[int]) -> list[int]:
        """Return the balances of all holders on all plans, plan by plan."""
        pairs = [(holder, plan_id) for plan_id in plan_ids for holder in holders]
        answer = self.read(
            "balanceOfBatch(address[],uint256[])", [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        )
        return answer[2:]

    def account(self, plan_id: int, holder: int) -> tuple[int, ...]:
        """Return a holder's account."""
        return tuple(self.read("accountOf(uint256,address)", plan_id, holder))

    def lots(self, plan_id: int, holder: int, page: int) -> list[tuple[int, int]]:
        """Return all lots, read in pages of a size."""
        found: list[tuple[int, int]] = []
        while True:
            answer = self.read("lotsOf(uint256,address,uint256,uint256)", plan_id, holder, len(found), page)[2:]
            found += list(zip(answer[::2], answer[1::2], strict=True))
            if len(answer) < 2 * page:
                return found

    def tokens(self, account: int) -> int:
        """Return an account's token balance."""
        return self.read("balanceOf(address)", account, address=self.token)[0]

    def coins(self, account: int) -> int:
        """Return an account's coin."""
        return int(self.evm.get_balance(checksummed(account)))

    def allowance(self, account: int) -> int:
        """Return what Credits may move of an account's tokens."""
        return self.read("allowance(address,address)", account, self.credits, address=self.token)[0]

    # ------------------------------------------------------------------ within

    def _send(self, caller: int, target: int, signature: str, arguments: tuple, value: int = 0) -> bytes:
        return self._transact(caller, target, selector(signature) + encode(*arguments), value)

    def _transact(self, caller: int, target: int, data: bytes, value: int) -> bytes:
        self.evm.reset_transient_storage()
        if by_wallet := caller == self.wallet:
            data = selector("call(address,uint256,bytes)") + encode(target, value, data)
            caller, target, value = self.issuer, self.wallet, 0
        try:
            answer = self.evm.message_call(checksummed(caller), checksummed(target), data, value=value, gas=GAS)
        except RuntimeError as error:
            raise _reverted(error) from None
        result = self.evm.result
        assert result is not None
        here = checksummed(self.credits)
        logs = [log for log in result.logs if log.address.lower() == here]
        self.events = [(tuple(int(topic, 16) for topic in log.topics), bytes(log.data[1])) for log in logs]
        # A wallet returns the answer as bytes: behind their offset and their length.
        return bytes(answer)[2 * WORD :] if by_wallet else bytes(answer)

    def _deploy(self, creation_code: bytes, arguments: bytes = b"") -> int:
        return int(self.evm.deploy(checksummed(self.issuer), creation_code + arguments), 16)

    def _deploy_compiled(self, name: str, arguments: bytes = b"") -> int:
        return self._deploy(bytes.fromhex(read_creation_code(name).removeprefix("0x")), arguments)


SIGNATURES: Final = {
    "set_protocol_fee": "setProtocolFee(uint16,address)",
    "set_plan_uri": "setPlanUri(uint256,string)",
    "set_plan_active": "setPlanActive(uint256,bool)",
    "set_redeemer": "setRedeemer(uint256,address,bool)",
    "set_minter": "setMinter(uint256,address,bool)",
    "transfer_plan_ownership": "transferPlanOwnership(uint256,address)",
    "accept_plan_ownership": "acceptPlanOwnership(uint256)",
    "mint": "mint(uint256,address,uint256)",
    "mint_batch": "mintBatch(uint256,address[],uint256[])",
    "grant_external": "grantExternal(uint256,address,uint256,bytes32)",
    "redeem": "redeem(uint256,address,uint256,bytes32)",
    "burn": "burn(uint256,address,uint256)",
    "set_approval_for_all": "setApprovalForAll(address,bool)",
}


_ACCOUNT: Final = re.compile(
    r"(?P<address>0x[0-9a-f]{40}): Account \{ info: .*?, storage: \{(?P<storage>.*?)\}, status: "
)
_SLOT: Final = re.compile(r"(\d+): StorageSlot \{ previous_or_original_value: \d+, present_value: (\d+)")


@cache
def _credits_domain(address: int, chain_id: int) -> bytes:
    return Domain("nvm_chain Credits", "1", chain_id, _with_checksum(address)).separator


@cache
def _token_domain(address: int, chain_id: int) -> bytes:
    return Domain("USDC", "2", chain_id, _with_checksum(address)).separator


def _creation_code_of(runtime: bytes) -> bytes:
    """Return code that deploys a runtime of less than 256 bytes."""
    return bytes.fromhex(f"60{len(runtime):02x}600a5f3960{len(runtime):02x}5ff3") + runtime


@cache
def _with_checksum(address: int) -> ChecksumAddress:
    return to_checksum_address(checksummed(address))


def _reverted(error: RuntimeError) -> Reverted:
    found = re.search(r"Revert \{.*output: 0x([0-9a-f]*)", str(error))
    if found is None:
        raise error
    return Reverted(bytes.fromhex(found[1]))
