"""Offers and payments of this package, for tests of their wire, and the vectors that the official package has written."""

import base64
import json
from typing import Any, Final

from eth_account import Account
from eth_account.signers.local import LocalAccount

from nvm_chain.meter.bindings import build_binding
from nvm_chain.meter.bodies import hash_body
from nvm_chain.signing.authorizations import build_transfer_authorization, sign_transfer_authorization
from nvm_chain.signing.eip712 import Domain
from nvm_chain.signing.signed_orders import build_order_authorization, sign_order
from nvm_chain.signing.vouchers import build_voucher, sign_voucher
from nvm_chain.types.addresses import parse_address
from nvm_chain.x402.exact import ExactOffer, write_exact_payment
from nvm_chain.x402.offers import CreditsAccount, CreditsOffer
from nvm_chain.x402.orders import OrderOffer
from nvm_chain.x402.payments import write_order_payment, write_payment
from tests.support.vectors import FOLDER

VECTORS: Final[dict[str, Any]] = json.loads((FOLDER / "x402.json").read_text("utf-8"))
BUYER: Final[LocalAccount] = Account.from_key(VECTORS["key"])
CHAIN: Final = 84_532
CREDITS: Final = parse_address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
SHOP: Final = parse_address("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC")
TOKEN: Final = Domain("USDC", "2", CHAIN, parse_address("0x036CbD53842c5426634e7929541eC2318f3dCF7e"))
PLAN: Final = 2**255 + 12_345
DID: Final = f"did:nv:{7:064x}"

CREDITS_OFFER: Final = CreditsOffer(CHAIN, CREDITS, PLAN, SHOP, 2, 60, DID, "full")
CORRECTED_OFFER: Final = CreditsOffer(
    CHAIN, CREDITS, PLAN, SHOP, 2, 60, DID, "full", CreditsAccount(parse_address(BUYER.address), 9, 7, 40)
)
ORDER_OFFER: Final = OrderOffer(TOKEN, CREDITS, PLAN, 20_000_000, 100, SHOP, 300, 2, DID, "full")
PLAN_OFFER: Final = OrderOffer(TOKEN, CREDITS, PLAN, 20_000_000, 100, SHOP, 300)
EXACT_OFFER: Final = ExactOffer(TOKEN, SHOP, 10_000, 300, PLAN)
SERVED_FIRST_OFFER: Final = ExactOffer(TOKEN, SHOP, 10_000, 300, flow="")
OFFERS: Final = (CREDITS_OFFER, CORRECTED_OFFER, ORDER_OFFER, PLAN_OFFER, EXACT_OFFER, SERVED_FIRST_OFFER)
BINDING: Final = build_binding(7, "POST", "/ask", hash_body(b"tea?"), "pay_0123456789abcdef")
VOUCHER: Final = sign_voucher(
    BUYER,
    build_voucher(
        PLAN, holder=BUYER.address, redeemer=SHOP, ceiling=9, deadline=1_800_000_000, context=BINDING.context
    ),
    chain_id=CHAIN,
    contract=CREDITS,
)
ORDER: Final = sign_order(
    BUYER,
    build_order_authorization(
        PLAN, payer=BUYER.address, max_cost=20_000_000, valid_before=1_800_000_000, salt=b"\x5a" * 32
    ),
    token=TOKEN,
    contract=CREDITS,
)
TRANSFER: Final = sign_transfer_authorization(
    BUYER,
    build_transfer_authorization(
        payer=BUYER.address, payee=SHOP, value=10_000, valid_before=1_800_000_000, nonce=b"\xa5" * 32
    ),
    token=TOKEN,
)
NAME: Final = "pay_0123456789abcdef"
PAYMENTS: Final = {
    "credits": write_payment(CREDITS_OFFER.to_json(), VOUCHER, BINDING),
    "credits, corrected": write_payment(CORRECTED_OFFER.to_json(), VOUCHER, BINDING),
    "credits, named": write_payment(CREDITS_OFFER.to_json(), VOUCHER, BINDING, NAME),
    "order": write_order_payment(ORDER_OFFER.to_json(), ORDER, VOUCHER, BINDING),
    "order of a plan alone": write_order_payment(PLAN_OFFER.to_json(), ORDER),
    "exact": write_exact_payment(EXACT_OFFER.to_json(), TRANSFER, resource={"url": "https://api.example.com/ask"}),
}
"""A payment of each kind, as a header."""


def open_header(header: str) -> Any:
    """Return the JSON of a header."""
    return json.loads(base64.b64decode(header))


def close_header(value: Any) -> str:
    """Return JSON as a header."""
    return base64.b64encode(json.dumps(value).encode()).decode()


def to_floats(value: Any) -> Any:
    """Return JSON in which each number is a fraction, as protocols over protobuf have it."""
    if isinstance(value, dict):
        return {name: to_floats(each) for name, each in value.items()}
    if isinstance(value, list):
        return [to_floats(each) for each in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
