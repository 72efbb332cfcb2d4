"""What the page of a new plan is told: transactions for the wallet, and who the gateway is."""

from typing import Any

from eth_typing import ChecksumAddress

from nvm_chain.operations.order_steps import Call


def tell_call(call: Call, sender: ChecksumAddress, chain_id: int) -> dict[str, Any]:
    """Return a transaction for the wallet."""
    transaction = {"from": sender, "to": call.to, "data": call.data, "value": hex(call.value)}
    if call.gas is not None:
        transaction["gas"] = hex(call.gas)
    return {"chainId": str(chain_id), "transaction": transaction}


def name_gateway(text: str, redeemer: ChecksumAddress) -> str:
    """Return a sentence that begins with the gateway's key in words that say whose key it is.

    >>> name_gateway("0x1f may settle.", "0x1f")
    'The key of this gateway, 0x1f, may settle.'
    """
    return f"The key of this gateway, {redeemer},{text.removeprefix(redeemer)}" if text.startswith(redeemer) else text
