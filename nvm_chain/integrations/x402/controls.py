"""Spend controls of the official client. Without them it pays its own default tokens only, at most a dollar for a payment.

Credits of a plan and most tokens are not such tokens. So each asset is allowed, with the highest amount of one payment.
"""

from collections.abc import Mapping
from typing import Any

from nvm_chain.client.buyer import Buyer
from nvm_chain.operations.plans import read_plan_state
from nvm_chain.x402.networks import format_network

Controls = Mapping[str, Any]


def build_spend_controls(buyer: Buyer, own: Controls | None = None) -> dict[str, Any]:
    """Return spend controls with which the official client pays from credits, and buys the plans of the budgets.

    Reads each plan of a budget from the chain. The highest amounts are those of the buyer: credits for a request, and the cost of
    an order in base units of the plan's token.

    Args:
        buyer: The buyer.
        own: The program's own spend controls. They are kept, and what the buyer needs is added.

    Raises:
        UnknownPlan: A plan of a budget is not registered.
        NetworkError: The node does not give a usable answer.
    """
    controls = dict(own or {})
    if controls.get("allowed_assets") is True:
        return controls
    network = format_network(buyer.chain.chain_id)
    needed: dict[str, int] = {buyer.chain.credits.address: buyer.limits.per_request}
    for token, most in read_order_tokens(buyer).items():
        needed[token] = max(most, needed.get(token, 0))
    kept = [entry for entry in controls.get("allowed_assets") or [] if not _is_any(entry, network, needed)]
    added = [
        {"network": network, "asset": asset, "max_amount_per_payment": str(most)} for asset, most in needed.items()
    ]
    return {**controls, "allowed_assets": [*added, *kept]}


def find_caps_of_others(buyer: Buyer, own: Controls | None = None) -> dict[tuple[str, str], int]:
    """Return the max amount that other schemes may pay of each token of a budget, in base units, by network and asset in small letters.

    The official client has one cap for an asset, whatever the scheme. So an order of a budget would raise it for a scheme that
    pays for one request. Here that scheme keeps what the program's own controls say of the asset. If they say nothing, it pays nothing.

    Args:
        buyer: The buyer, whose budgets name plans.
        own: The program's own spend controls.

    Raises:
        UnknownPlan: A plan of a budget is not registered.
        NetworkError: The node does not give a usable answer.
    """
    network = format_network(buyer.chain.chain_id)
    if (own or {}).get("allowed_assets") is True:
        return {}
    named = {
        str(entry["asset"]).lower(): int(entry.get("max_amount_per_payment") or 1 << 256)
        for entry in (own or {}).get("allowed_assets") or []
        if entry["network"] == network
    }
    return {(network, token.lower()): named.get(token.lower(), 0) for token in read_order_tokens(buyer)}


def read_order_tokens(buyer: Buyer) -> dict[str, int]:
    """Return the tokens of the plans of the budgets, and the highest cost of one order in each. One or two requests for a plan."""
    found: dict[str, int] = {}
    for plan_id, budget in buyer.budgets.items():
        with buyer.chain_lock:
            token = read_plan_state(buyer.chain, plan_id).terms.token
        found[token] = max(budget.max_cost, found.get(token, 0))
    return found


def _is_any(entry: Mapping[str, Any], network: str, assets: Mapping[str, int]) -> bool:
    return entry["network"] == network and str(entry["asset"]).lower() in {asset.lower() for asset in assets}
