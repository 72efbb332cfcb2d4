"""The plug-in: one call, and the official client pays from credits, corrects ceilings, and buys plans within budgets."""

from typing import TypeVar

from nvm_chain.client.buyer import Buyer
from nvm_chain.integrations.x402.addresses import AddressNotes
from nvm_chain.integrations.x402.choosing import Chooser
from nvm_chain.integrations.x402.controls import Controls, build_spend_controls, find_caps_of_others
from nvm_chain.integrations.x402.credits_scheme import CreditsScheme
from nvm_chain.integrations.x402.official import x402Client, x402ClientSync
from nvm_chain.integrations.x402.order_scheme import OrderScheme
from nvm_chain.integrations.x402.plans import Plans
from nvm_chain.integrations.x402.purse import Vouchers
from nvm_chain.integrations.x402.signing_in import SignIns
from nvm_chain.x402.networks import format_network

Client = TypeVar("Client", x402Client, x402ClientSync)


def pay_from_credits(client: Client, buyer: Buyer, *urls: str, spend_controls: Controls | None = None) -> Client:
    """Let the official client of x402 pay servers from the credits of a buyer, within the buyer's limits and budgets.

    Reads the plans of the budgets from the chain. Everything else that the client does stays as it is.

    Args:
        client: The official client, ``x402Client()`` for httpx or ``x402ClientSync()`` for requests.
        buyer: The account, its limits, and the plans that it may buy.
        *urls: The servers that are paid. An offer of another server is not paid, whatever it says.
        spend_controls: The program's own spend controls. The official client has one set, which this call replaces.

    Returns:
        The same client.

    Raises:
        MissingExtra: The official client is not installed.
        InvalidUrl: A URL is malformed.
        UnknownPlan: A plan of a budget is not registered.
    """
    vouchers, plans = Vouchers(buyer, urls), Plans(buyer)
    orders = OrderScheme(vouchers, plans)
    network = format_network(buyer.chain.chain_id)
    client.set_spend_controls(build_spend_controls(buyer, spend_controls))  # type: ignore[arg-type]
    client.register(network, CreditsScheme(vouchers, plans))
    client.register(network, orders)
    sign_ins = SignIns(vouchers)
    client.register_policy(Chooser(vouchers, plans, orders, sign_ins, find_caps_of_others(buyer, spend_controls)))
    client.register_extension(AddressNotes(vouchers))
    client.register_extension(sign_ins)
    return client
