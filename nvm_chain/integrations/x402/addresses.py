"""An extension of the official client whose hook learns from where a 402 came. It adds nothing to payments."""

from typing import Any, Final

from nvm_chain.errors import InvalidConfig
from nvm_chain.integrations.x402.asked import note_required
from nvm_chain.integrations.x402.official import AnyClient, PaymentRequiredContext
from nvm_chain.integrations.x402.purse import Vouchers
from nvm_chain.x402.payments import PAYMENT_IDENTIFIER

KEY: Final = PAYMENT_IDENTIFIER
"""Hooks of an extension run if the 402 declares it. Each 402 of a gateway declares this one."""


class AddressNotes:
    """Notes the address of each 402, for the schemes. ``vouchers`` are those that the client signs."""

    key = KEY
    hooks = None

    def __init__(self, vouchers: Vouchers) -> None:
        """Take what signs vouchers."""
        self.vouchers = vouchers
        self.transport_hooks: Any = self
        self.http = self

    def on_payment_required(self, declaration: Any, context: PaymentRequiredContext) -> None:
        """Note the address. The official client calls this before it chooses an offer."""
        note_required(context.payment_required, context.request_url)

    def enrich_payment_payload(self, payment_payload: Any, payment_required: Any) -> Any:
        """Return the payment as it is."""
        return payment_payload


def find_vouchers(client: AnyClient) -> Vouchers:
    """Return what signs the vouchers of a client. Raises InvalidConfig if `pay_from_credits` was not called for it."""
    for extension in client.get_extensions():
        if isinstance(extension, AddressNotes):
            return extension.vouchers
    raise InvalidConfig(
        "the client of x402 does not pay from credits", "call `pay_from_credits(client, buyer, url)` first"
    )
