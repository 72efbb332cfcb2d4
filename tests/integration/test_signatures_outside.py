"""Permits, signed orders and vouchers that viem and cast have signed are taken by the contract, through this package's API."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress

from nvm_chain.enums import SettlementResult
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.plans import set_redeemer
from nvm_chain.operations.settlement import settle_vouchers
from nvm_chain.operations.signed_orders import relay_order
from nvm_chain.operations.token_domains import read_token_domain
from nvm_chain.operations.tokens import read_allowance
from nvm_chain.operations.voucher_checks import check_voucher
from nvm_chain.signing.signed_orders import SignedOrder, authorization_nonce, build_order_authorization
from nvm_chain.signing.vouchers import SignedVoucher, build_voucher
from nvm_chain.types.plans import RegisteredPlan
from nvm_chain.types.receipts import SettlementOutcome
from tests.integration.test_signed_vectors import cast, list_members
from tests.support.world import CREDITS, FUNDS, PRICE, World

SCRIPT = Path(__file__).parent / "outside_signer.mjs"
DOMAIN = "string name,string version,uint256 chainId,address verifyingContract"
VOUCHER = "uint256 planId,address holder,address redeemer,uint64 ceiling,bytes32 context,uint64 deadline"
AUTHORIZATION = "address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce"

Sign: TypeAlias = Callable[[LocalAccount, dict[str, Any], dict[str, Any], str, dict[str, Any]], bytes]


def write(value: Any) -> Any:
    """Write a value as JSON has it: integers as decimal text, bytes as hex."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return str(value) if isinstance(value, int) else value


def sign_by_viem(
    account: LocalAccount, domain: dict[str, Any], types: dict[str, Any], name: str, message: dict[str, Any]
) -> bytes:
    """Let viem sign typed data."""
    written = {"domain": domain, "types": types, "primaryType": name, "message": message}
    data = {"key": "0x" + bytes(account.key).hex(), "messages": [written]}
    command = ["node", str(SCRIPT), json.dumps(data)]
    done = subprocess.run(command, cwd=SCRIPT.parent, capture_output=True, text=True, timeout=60, check=True)
    return bytes.fromhex(json.loads(done.stdout)[0][2:])


def sign_by_cast(
    account: LocalAccount, domain: dict[str, Any], types: dict[str, Any], name: str, message: dict[str, Any]
) -> bytes:
    """Let cast sign typed data."""
    types = {"EIP712Domain": list_members(DOMAIN), **types}
    data = {"types": types, "primaryType": name, "domain": domain, "message": message}
    key = "0x" + bytes(account.key).hex()
    return bytes.fromhex(cast("wallet", "sign", "--private-key", key, "--data", json.dumps(data))[2:])


@pytest.fixture(params=[sign_by_viem, sign_by_cast], ids=["viem", "cast"])
def sign(request: pytest.FixtureRequest) -> Sign:
    """One of the outside signers."""
    signer: Sign = request.param
    return signer


@dataclass(frozen=True)
class Signature:
    """What a signer returns."""

    signature: bytes


class OutsideWallet:
    """A wallet whose typed data an outside program signs; its transactions are the account's."""

    def __init__(self, account: LocalAccount, sign: Sign) -> None:
        self.address: ChecksumAddress = account.address
        self.sign_transaction = account.sign_transaction
        self.signed: list[str] = []
        self._account, self._sign = account, sign

    def sign_typed_data(
        self, domain_data: dict[str, Any], message_types: dict[str, Any], message_data: dict[str, Any]
    ) -> Signature:
        """Let the program sign."""
        (name,) = message_types
        self.signed.append(name)
        message = {member: write(value) for member, value in message_data.items()}
        return Signature(self._sign(self._account, domain_data, message_types, name, message))


def test_order_plan__with_a_permit_signed_outside__is_one_transaction(
    world: World, plan: RegisteredPlan, sign: Sign
) -> None:
    world.send(world.subscriber, world.usdc.functions.mint(world.subscriber.address, FUNDS))
    wallet = OutsideWallet(world.subscriber, sign)
    nonce = world.chain.web3.eth.get_transaction_count(wallet.address)
    receipt = order_plan(world.chain, wallet, plan.plan_id)
    assert (wallet.signed, receipt.approval, receipt.paid) == (["Permit"], None, PRICE)
    assert world.chain.web3.eth.get_transaction_count(wallet.address) == nonce + 1
    assert read_allowance(world.chain, world.usdc.address, wallet.address) == 0


def test_relay_order__of_an_order_written_and_signed_outside__is_made(
    world: World, plan: RegisteredPlan, sign: Sign
) -> None:
    """The outside program is given the values of the token's own type; nothing of this package signs or hashes them."""
    world.send(world.subscriber, world.usdc.functions.mint(world.subscriber.address, FUNDS))
    token = read_token_domain(world.chain, world.usdc.address)
    order = build_order_authorization(
        plan.plan_id, payer=world.subscriber.address, max_cost=PRICE, valid_before=world.now + 3600
    )
    fields = (order.plan_id, order.payer, order.receiver, order.quantity, order.max_cost, order.salt)
    nonce = cast(
        "keccak",
        cast(
            "abi-encode",
            "f(uint256,address,uint256,address,address,uint256,uint256,bytes32)",
            *map(str, map(write, (world.chain.chain_id, world.credits.address, *fields))),
        ),
    )
    contract = world.credits.address
    assert nonce == "0x" + authorization_nonce(order, chain_id=world.chain.chain_id, contract=contract).hex()
    message = {
        "from": order.payer,
        "to": contract,
        "value": str(PRICE),
        "validAfter": "0",
        "validBefore": str(order.valid_before),
        "nonce": nonce,
    }
    types = {"ReceiveWithAuthorization": list_members(AUTHORIZATION)}
    signature = sign(world.subscriber, token.as_data(), types, "ReceiveWithAuthorization", message)
    receipt = relay_order(world.chain, world.relayer, SignedOrder(order, token, contract, signature))
    assert (receipt.payer, receipt.receivers) == (order.payer, {world.builder.address: PRICE})
    assert world.balance(plan.plan_id, order.payer) == CREDITS


def test_settle_vouchers__of_a_voucher_signed_outside__is_settled(
    world: World, plan: RegisteredPlan, sign: Sign
) -> None:
    holder, redeemer = world.subscriber, world.redeemer.address
    set_redeemer(world.chain, world.builder, plan.plan_id, redeemer, True)
    world.grant(plan.plan_id, holder.address, 10)
    voucher = build_voucher(
        plan.plan_id, holder=holder.address, redeemer=redeemer, ceiling=7, deadline=world.now + 3600, context="r1"
    )
    domain = {
        "name": "nvm_chain Credits",
        "version": "1",
        "chainId": world.chain.chain_id,
        "verifyingContract": world.credits.address,
    }
    names = [member["name"] for member in list_members(VOUCHER)]
    message = {name: write(value) for name, value in zip(names, voucher.as_tuple(), strict=True)}
    signed = SignedVoucher(voucher, sign(holder, domain, {"Voucher": list_members(VOUCHER)}, "Voucher", message))
    assert check_voucher(world.chain, signed, redeemer=redeemer).available == 7
    receipt = settle_vouchers(world.chain, world.redeemer, plan.plan_id, [signed])
    assert receipt.outcomes == (SettlementOutcome(holder.address, 7, SettlementResult.SETTLED),)
