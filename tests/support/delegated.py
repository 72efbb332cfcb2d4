"""Accounts with a key that run a contract's code (EIP-7702)."""

from typing import Any

from eth_account.signers.local import LocalAccount

from tests.support.world import World


def delegate(world: World, account: LocalAccount, code: str) -> None:
    """Make an account run a contract's code. The relayer sends the account's signed delegation."""
    eth = world.chain.web3.eth
    nonce = eth.get_transaction_count(account.address)
    signed = account.sign_authorization({"chainId": world.chain.chain_id, "address": code, "nonce": nonce})
    max_fee, tip = world.chain.read_fees()
    transaction: dict[str, Any] = {
        "chainId": world.chain.chain_id,
        "nonce": eth.get_transaction_count(world.relayer.address),
        "to": world.relayer.address,
        "value": 0,
        "data": "0x",
        "gas": 200_000,
        "maxFeePerGas": max_fee,
        "maxPriorityFeePerGas": tip,
        "authorizationList": [signed],
    }
    sent = eth.send_raw_transaction(world.relayer.sign_transaction(transaction).raw_transaction)
    assert eth.wait_for_transaction_receipt(sent, poll_latency=0.02)["status"] == 1
    assert len(eth.get_code(account.address)) == 23
