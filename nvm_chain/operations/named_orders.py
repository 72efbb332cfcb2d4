"""Named orders: the payer gives an order a name, and an order with the same name is not paid twice."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.chain.batches import Reader
from nvm_chain.chain.client import Chain
from nvm_chain.chain.embedded import LABEL
from nvm_chain.errors import InvalidConfig, NotMined, NvmChainError, OrderAlreadyMade, OutcomeUnknown
from nvm_chain.errors.fields import Quantity
from nvm_chain.operations.order_nonces import find_made_order, find_order_nonce
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.plan_terms import find_known_terms, plan_readers
from nvm_chain.operations.plans import QUANTITY_BITS, read_plan_state
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
SMALL_QUANTITIES: Final = range(1, 11)
"""The quantities for which `order_once` looks, besides its own, so that one name is not paid for two quantities."""


@dataclass(frozen=True, slots=True)
class NamedOrder:
    """The receipt of a named order. ``repeated`` is True if another call made the order."""

    receipt: OrderReceipt
    repeated: bool


def can_be_named(signer: Signer, plan: PlanState) -> bool:
    """Return whether an order of a plan can have a name. No request.

    The plan needs a fixed price in a token, and the signer has to be able to sign messages. The token also has to
    accept authorizations (EIP-3009), but this function does not ask the token.
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
    """Order a plan under a name, unless the payer has made the same order before. At most one transaction.

    Two orders are the same if their plan, payer, receiver, quantity and name are equal. Then their authorizations
    (EIP-3009) have the same nonce, and the token accepts a nonce once. So you can repeat a call with an unknown
    outcome, even from another process. A call that repeats the name with another quantity is refused, if the earlier
    quantity was from 1 to 10 and the node accepts batches. Another plan, payer or receiver makes another order.

    Args:
        chain: The connection to the plan's chain.
        signer: The account that pays. It has to be able to sign messages.
        plan_id: The plan's id, as an int, text or DID.
        name: A text that you choose, such as an invoice's number. Blanks around it are removed. `nvm_chain.Payments`
            calls the name ``agreementId``.
        receiver: The address that gets the credits. The signer's address if not given.
        quantity: The number of purchases.
        max_cost: The highest accepted cost of the whole order, in base units. The plan's price if not given.

    Returns:
        The order's receipt, and whether another call made the order before.

    Raises:
        InvalidConfig: The name is empty or cannot be printed. Or an order of the plan cannot have a name: the plan is
            free, quoted or priced in the coin, or the signer signs only transactions.
        InvalidAmount: The quantity is out of range.
        TokenCannotSign: The plan's token does not accept authorizations.
        OrderAlreadyMade: The payer canceled the order, or the node does not find the order's transaction. Or the order
            was made before with another quantity.
        NvmChainError: The same errors as `nvm_chain.order_plan`.
    """
    check_signer(signer)
    check_uint(quantity, QUANTITY_BITS, "quantity", minimum=1)
    salt = hash_order_name(name)
    known = [
        partial(_ask_known, chain, signer, plan_id, receiver, each, salt)
        for each in (quantity, *_list_other_quantities(quantity))
    ]
    with chain.paying(*plan_readers(chain, plan_id), *known):
        plan = read_plan_state(chain, plan_id)
        if not can_be_named(signer, plan):
            reason = "its price has to be a fixed one in a token such as USDC, and the signer has to sign messages"
            raise InvalidConfig(f"an order of this plan cannot have a name, as {reason}", NAME_ADVICE)
        to = signer.address if receiver is None else parse_address(receiver, "receiver address")
        order = _NamedOrder(chain, signer, plan, to, quantity, salt)
        chain.read_ahead(*order.use_readers())
        made = order.find()
        if made is not None:
            return NamedOrder(made, repeated=True)
        order.refuse_other_quantity()
        return order.send(max_cost)


def _list_other_quantities(quantity: int) -> list[int]:
    """Return the small quantities without the given one."""
    return [each for each in SMALL_QUANTITIES if each != quantity]


def _ask_known(
    chain: Chain, signer: Signer, plan_id: int | str, receiver: str | None, quantity: int, salt: bytes
) -> None:
    """Ask the token whether the order was made, if the plan's terms are known on this connection. Up to one request."""
    terms = find_known_terms(chain, plan_id)
    if terms is not None and terms.token != ZERO_ADDRESS:
        most = terms.price * quantity
        nonce = find_order_nonce(
            chain, plan_id, signer.address, receiver=receiver, quantity=quantity, max_cost=most, salt=salt
        )
        is_authorization_used(chain, terms.token, signer.address, nonce)


@dataclass(frozen=True, slots=True)
class _NamedOrder:
    """A named order. ``salt`` is the hash of the name."""

    chain: Chain
    signer: Signer
    plan: PlanState
    receiver: ChecksumAddress
    quantity: Quantity
    salt: bytes

    def use_readers(self) -> tuple[Reader, ...]:
        """Return the readers of `find` and `refuse_other_quantity`, for `Chain.read_ahead`. No request."""
        return tuple(partial(self._is_made, each) for each in (self.quantity, *_list_other_quantities(self.quantity)))

    def refuse_other_quantity(self) -> None:
        """Refuse the order if it was made under the same name with another small quantity. Raises OrderAlreadyMade.

        No request after `Chain.read_ahead`. A node that accepts no batches is not asked, as that would take a request
        for each quantity. The embedded chain is asked.
        """
        if not self.chain.takes_batches and self.chain.label != LABEL:
            return
        other = next((each for each in _list_other_quantities(self.quantity) if self._is_made(each)), None)
        if other is not None:
            raise OrderAlreadyMade(self.signer.address, self._find_nonce(other)).explain(
                f"its name stands for a quantity of {other}, and this order has a quantity of {self.quantity}",
                f"repeat the order with a quantity of {other}, or give a new order another name",
            )

    def _is_made(self, quantity: int) -> bool:
        """Return whether the order was made or canceled with this quantity. One request."""
        return is_authorization_used(self.chain, self.plan.terms.token, self.signer.address, self._find_nonce(quantity))

    def _find_nonce(self, quantity: int) -> bytes:
        return find_order_nonce(
            self.chain,
            self.plan.plan_id,
            self.signer.address,
            receiver=self.receiver,
            quantity=quantity,
            max_cost=self.plan.terms.price * quantity,
            salt=self.salt,
        )

    def send(self, max_cost: int | None) -> NamedOrder:
        """Send the order. If another thread or process makes the same order first, return the receipt of that one."""
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
        """After a failure to send, search for the same order from another thread or process.

        Return None if there is no such order, or the search fails. Raises OrderAlreadyMade.
        """
        self.chain.forget_ahead()
        try:
            return self.find()
        except OrderAlreadyMade:
            raise
        except NvmChainError:
            return None

    def find(self) -> OrderReceipt | None:
        """Return the receipt of the order, or None if it was not made. Raises the errors of `find_made_order`."""
        return find_made_order(
            self.chain, self.signer.address, self.plan, self.salt, receiver=self.receiver, quantity=self.quantity
        )
