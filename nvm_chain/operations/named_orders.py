"""Orders with a name of the payer's own: however often one is sent, it is paid once."""

from contextlib import suppress
from dataclasses import dataclass

from eth_typing import ChecksumAddress
from eth_utils.crypto import keccak

from nvm_chain.chain.client import Chain
from nvm_chain.errors import InvalidConfig, NotMined, NvmChainError, OrderAlreadyMade, OutcomeUnknown
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.plans import read_plan_state
from nvm_chain.operations.receipts import build_order_receipt
from nvm_chain.operations.token_domains import find_authorization_use, is_authorization_used
from nvm_chain.signing.eip712 import HashSigner, TypedDataSigner
from nvm_chain.signing.keys import Signer
from nvm_chain.signing.signed_orders import authorization_nonce, build_order_authorization
from nvm_chain.types.addresses import ZERO_ADDRESS, parse_address
from nvm_chain.types.plans import PlanState
from nvm_chain.types.receipts import OrderReceipt

NAME_ADVICE = "leave the name out, and each call orders"


@dataclass(frozen=True, slots=True)
class NamedOrder:
    """An order under a name, and whether it was made before this call."""

    receipt: OrderReceipt
    repeated: bool


def hash_order_name(name: object) -> bytes:
    """Return the salt that stands for a name, 32 bytes.

    Raises:
        InvalidConfig: The name is empty, or cannot be printed.
    """
    if not isinstance(name, str) or not name or not name.isprintable():
        raise InvalidConfig(f"the name of an order is a text of your own, such as 'invoice-17', not {name!r}")
    return bytes(keccak(text=name))


def can_be_named(signer: Signer, plan: PlanState) -> bool:
    """Return whether an order of a plan can have a name. No request.

    It can have one if it has a fixed price in a token, and the signer signs messages. Whether the token takes
    authorizations (EIP-3009) is not asked.
    """
    terms = plan.terms
    return isinstance(signer, HashSigner | TypedDataSigner) and terms.price > 0 and terms.token != ZERO_ADDRESS


def order_once(
    chain: Chain,
    signer: Signer,
    plan_id: int | str,
    name: str,
    *,
    receiver: str | None = None,
    quantity: int = 1,
    max_cost: int | None = None,
) -> NamedOrder:
    """Order a plan under a name, unless the same order was made under it before. At most one transaction.

    The same order is one of the same plan, payer, receiver and quantity. Its authorization (EIP-3009) has a nonce that
    the token takes once. So a call whose outcome is not known can be repeated, by another process too.

    Args:
        chain: Where the plan is.
        signer: Who pays. It has to sign messages.
        plan_id: The plan, in any spelling.
        name: A text of your own. `nvm_chain.Payments` calls it ``agreementId``.
        receiver: Who gets the credits. The signer if not given.
        quantity: How many purchases.
        max_cost: The limit of the whole order, in base units. The plan's price if not given.

    Returns:
        What the order came to, and whether it was made before.

    Raises:
        InvalidConfig: The plan's orders cannot have a name: it is free, quoted or priced in the coin, or the signer signs
            transactions only.
        TokenCannotSign: The plan's token takes no authorizations.
        OrderAlreadyMade: The order was withdrawn, or was made and the node does not find its transaction.
        NvmChainError: As `nvm_chain.order_plan`.
    """
    salt, plan = hash_order_name(name), read_plan_state(chain, plan_id)
    if not can_be_named(signer, plan):
        reason = "its price has to be a fixed one in a token such as USDC, and the signer has to sign messages"
        raise InvalidConfig(f"an order of this plan cannot have a name, as {reason}", NAME_ADVICE)
    to = signer.address if receiver is None else parse_address(receiver, "receiver address")
    order = _NamedOrder(chain, signer, plan, to, quantity, salt)
    made = order.find()
    if made is not None:
        return NamedOrder(made, repeated=True)
    return order.send(max_cost)


@dataclass(frozen=True, slots=True)
class _NamedOrder:
    """One order under a salt."""

    chain: Chain
    signer: Signer
    plan: PlanState
    receiver: ChecksumAddress
    quantity: int
    salt: bytes

    def send(self, max_cost: int | None) -> NamedOrder:
        """Send it; return that of another thread or process that was there first."""
        try:
            receipt = order_plan(
                self.chain,
                self.signer,
                self.plan.plan_id,
                receiver=self.receiver,
                quantity=self.quantity,
                max_cost=max_cost,
                payment_method="authorization",
                salt=self.salt,
            )
        except (NotMined, OutcomeUnknown):
            raise
        except NvmChainError:
            with suppress(NvmChainError):
                made = self.find()
                if made is not None:
                    return NamedOrder(made, repeated=True)
            raise
        return NamedOrder(receipt, repeated=False)

    def find(self) -> OrderReceipt | None:
        """Find the order if it was made. One to five requests."""
        most = self.plan.terms.price * self.quantity
        order = build_order_authorization(
            self.plan.plan_id,
            payer=self.signer.address,
            receiver=self.receiver,
            quantity=self.quantity,
            max_cost=most,
            valid_before=2,
            salt=self.salt,
        )
        nonce = authorization_nonce(order, chain_id=self.chain.chain_id, contract=self.chain.credits.address)
        if not is_authorization_used(self.chain, self.plan.terms.token, order.payer, nonce):
            return None
        made = find_authorization_use(self.chain, self.plan.terms.token, order.payer, nonce)
        receipt = None if made is None else self.chain.find_receipt(made)
        if receipt is None:
            raise OrderAlreadyMade(order.payer, nonce)
        return build_order_receipt(self.chain, self.plan, order.payer, receipt, collected=most)
