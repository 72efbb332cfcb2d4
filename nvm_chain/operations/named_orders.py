"""Orders with a name of the payer's own: however often one is sent, it is paid once."""

from dataclasses import dataclass
from functools import partial

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.errors import InvalidConfig, NotMined, NvmChainError, OrderAlreadyMade, OutcomeUnknown
from nvm_chain.errors.fields import Quantity
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.plan_terms import find_known_terms, plan_questions
from nvm_chain.operations.plans import QUANTITY_BITS, read_plan_state
from nvm_chain.operations.signed_orders import find_made_order, find_order_nonce
from nvm_chain.operations.token_domains import is_authorization_used
from nvm_chain.signing.eip712 import HashSigner, TypedDataSigner
from nvm_chain.signing.keys import Signer
from nvm_chain.signing.order_names import hash_order_name
from nvm_chain.signing.signers import check_signer
from nvm_chain.types.addresses import ZERO_ADDRESS, parse_address
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.plans import PlanState
from nvm_chain.types.receipts import OrderReceipt

NAME_ADVICE = "leave the name out, and each call orders"


@dataclass(frozen=True, slots=True)
class NamedOrder:
    """An order under a name, and whether it was made before this call."""

    receipt: OrderReceipt
    repeated: bool


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
    """Order a plan under a name, unless the payer made the same order under that name before. At most one transaction.

    The same order is one of the same plan, payer, receiver and quantity. Its authorization (EIP-3009) has a nonce that
    the token takes once. So a call whose outcome is not known can be repeated, by another process too.

    Args:
        chain: Where the plan is.
        signer: Who pays. It has to sign messages.
        plan_id: The plan, in any spelling.
        name: A text of your own, such as an invoice's number; blanks around it do not count. `nvm_chain.Payments` calls
            it ``agreementId``.
        receiver: Who gets the credits. The signer if not given.
        quantity: How many purchases.
        max_cost: The limit of the whole order, in base units. The plan's price if not given.

    Returns:
        What the order came to, and whether it was made before.

    Raises:
        InvalidConfig: The name is empty or cannot be printed, or the plan's orders cannot have a name. They cannot if the
            plan is free, quoted or priced in the coin, or if the signer signs transactions only.
        InvalidAmount: The quantity is out of range.
        TokenCannotSign: The plan's token takes no authorizations.
        OrderAlreadyMade: The order was withdrawn, or was made and the node does not find its transaction.
        NvmChainError: As `nvm_chain.order_plan`.
    """
    check_signer(signer)
    check_uint(quantity, QUANTITY_BITS, "quantity", minimum=1)
    salt = hash_order_name(name)
    with chain.paying(
        *plan_questions(chain, plan_id), partial(_ask_known, chain, signer, plan_id, receiver, quantity, salt)
    ):
        plan = read_plan_state(chain, plan_id)
        if not can_be_named(signer, plan):
            reason = "its price has to be a fixed one in a token such as USDC, and the signer has to sign messages"
            raise InvalidConfig(f"an order of this plan cannot have a name, as {reason}", NAME_ADVICE)
        to = signer.address if receiver is None else parse_address(receiver, "receiver address")
        order = _NamedOrder(chain, signer, plan, to, quantity, salt)
        made = order.find()
        if made is not None:
            return NamedOrder(made, repeated=True)
        return order.send(max_cost)


def _ask_known(
    chain: Chain, signer: Signer, plan_id: int | str, receiver: str | None, quantity: int, salt: bytes
) -> None:
    """Ask whether an order was made, if the plan is known: what is asked first for any other plan."""
    terms = find_known_terms(chain, plan_id)
    if terms is not None and terms.token != ZERO_ADDRESS:
        most = terms.price * quantity
        nonce = find_order_nonce(
            chain, plan_id, signer.address, receiver=receiver, quantity=quantity, max_cost=most, salt=salt
        )
        is_authorization_used(chain, terms.token, signer.address, nonce)


@dataclass(frozen=True, slots=True)
class _NamedOrder:
    """One order under a salt."""

    chain: Chain
    signer: Signer
    plan: PlanState
    receiver: ChecksumAddress
    quantity: Quantity
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
            made = self._find_others()
            if made is None:
                raise
            return NamedOrder(made, repeated=True)
        return NamedOrder(receipt, repeated=False)

    def _find_others(self) -> OrderReceipt | None:
        """Find the order after it failed here. The failure says more than an error of the search."""
        self.chain.forget_ahead()
        try:
            return self.find()
        except OrderAlreadyMade:
            raise
        except NvmChainError:
            return None

    def find(self) -> OrderReceipt | None:
        """Find the order if it was made. Raises as `find_made_order`."""
        return find_made_order(
            self.chain, self.signer.address, self.plan, self.salt, receiver=self.receiver, quantity=self.quantity
        )
