"""One class per error of the contracts: same name, same fields in snake case, same order.

A test compares this file with the ABIs, so neither can have an error that the other lacks.
"""

from dataclasses import dataclass
from typing import Final

from nvm_chain.errors import ContractError
from nvm_chain.types import PlanKind

# ---------------------------------------------------------------- registration


@dataclass(eq=False)
class PlanAlreadyRegistered(ContractError):
    """Raised when the same creator has registered the same terms with the same salt before."""

    plan_id: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"Plan {self.plan_id:#066x} is registered already. Use it, or register with another salt."


@dataclass(eq=False)
class ZeroCredits(ContractError):
    """Raised when a purchase would grant no credits."""

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return "A purchase has to grant at least 1 credit. Set credits above zero."


@dataclass(eq=False)
class ZeroDuration(ContractError):
    """Raised when a time plan has periods of no length."""

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return "A period of a time plan has to last at least 1 second. Set duration above zero."


@dataclass(eq=False)
class TermNotAllowed(ContractError):
    """Raised when a term has no meaning together with the others and so must be left at zero."""

    term: bytes

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"Term {self.term.rstrip(bytes(1)).decode(errors='replace')!r} has no meaning together with the others. "
            "Set it to zero; the configs of nvm_chain.pricing set only what belongs together."
        )


@dataclass(eq=False)
class InvalidRedeemRange(ContractError):
    """Raised when the redemption range is empty or starts at zero."""

    min_redeem: int
    max_redeem: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"A redemption of {self.min_redeem} to {self.max_redeem} credits is not a range. Use 1 <= least <= most."


@dataclass(eq=False)
class TooManySplits(ContractError):
    """Raised when a price has more receivers than an order can pay."""

    count: int
    max: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"A price may have {self.max} receivers, not {self.count}. Pay the others from one of them."


@dataclass(eq=False)
class InvalidSplit(ContractError):
    """Raised when a split pays nothing, or pays the zero address or the contract."""

    index: int
    receiver: str
    amount: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"Split {self.index} pays {self.amount} to {self.receiver}. "
            "Give an amount above zero and a receiver that is neither zero nor the Credits contract."
        )


@dataclass(eq=False)
class TokenWithoutCode(ContractError):
    """Raised when the price is in a token that has no code on this chain."""

    token: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"There is no token at {self.token} on this chain. Check the address and the network."


@dataclass(eq=False)
class QuoterWithoutCode(ContractError):
    """Raised when the quoter has no code on this chain."""

    quoter: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"There is no quoter at {self.quoter} on this chain. Check the address and the network."


@dataclass(eq=False)
class QuoteWithoutReceivers(ContractError):
    """Raised when a quoted price has nobody to go to."""

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return "A quoted price needs at least one receiver. Give a split for each, with its weight as amount."


@dataclass(eq=False)
class FeeAboveMax(ContractError):
    """Raised when the protocol fee is higher than the plan's creator accepts, in basis points."""

    fee_bps: int
    max_fee_bps: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"The plan would carry a protocol fee of {self.fee_bps} basis points for ever, and you accept {self.max_fee_bps}. "
            f"Check the fee again; if you accept it, give max_fee_bps={self.fee_bps}."
        )


# ---------------------------------------------------------------- plans


@dataclass(eq=False)
class UnknownPlan(ContractError):
    """Raised when no plan has this id."""

    plan_id: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"There is no plan {self.plan_id:#066x} on this chain. Check the id and the network."


@dataclass(eq=False)
class PlanNotActive(ContractError):
    """Raised when a plan takes no new orders."""

    plan_id: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"Plan {self.plan_id:#066x} takes no new orders. Ask its owner, or order another plan."


@dataclass(eq=False)
class WrongKind(ContractError):
    """Raised when a plan of this kind cannot be used so: usage plans are paid and never granted, all others never paid."""

    plan_id: int
    kind: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"Plan {self.plan_id:#066x} is of kind {PlanKind(self.kind).name}. "
            "Use pay_usage for usage plans, and order_plan or mint_credits for all others."
        )


@dataclass(eq=False)
class PaidExternally(ContractError):
    """Raised when a plan is ordered whose price is paid outside the chain."""

    plan_id: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"Plan {self.plan_id:#066x} is paid outside the chain. Pay its seller, who then grants it with grant_external."


@dataclass(eq=False)
class NotPlanOwner(ContractError):
    """Raised when the caller is not the plan's owner."""

    plan_id: int
    caller: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.caller} does not own plan {self.plan_id:#066x}. Sign with the plan owner's key."


@dataclass(eq=False)
class NotPendingPlanOwner(ContractError):
    """Raised when the caller accepts a plan that was not offered to them."""

    plan_id: int
    caller: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"Plan {self.plan_id:#066x} was not offered to {self.caller}. Ask its owner to offer it first."


# ---------------------------------------------------------------- orders


@dataclass(eq=False)
class InvalidQuantity(ContractError):
    """Raised when an order has quantity 0 or above 2**32 - 1, or a trial any other quantity than 1."""

    plan_id: int
    quantity: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"Quantity {self.quantity} cannot be ordered. Order at least 1, and exactly 1 of a trial."


@dataclass(eq=False)
class CostAboveMax(ContractError):
    """Raised when an order costs more than the payer allowed, in base units."""

    cost: int
    max_cost: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"The order costs {self.cost} base units and you allowed {self.max_cost}. Raise max_cost if you agree."


@dataclass(eq=False)
class QuoteFailed(ContractError):
    """Raised when a plan's quoter names no price."""

    plan_id: int
    quoter: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"The quoter {self.quoter} of plan {self.plan_id:#066x} names no price for this order. "
            "Ask the plan's owner, or order another quantity."
        )


@dataclass(eq=False)
class AuthorizationFailed(ContractError):
    """Raised when a token does not move the money of a signed order."""

    token: str
    payer: str
    value: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"Token {self.token} did not move {self.value} base units from {self.payer} for this signed order. "
            "Check the payer's balance and whether the order is theirs, still valid and unused; else have a new one signed."
        )


@dataclass(eq=False)
class WrongValue(ContractError):
    """Raised when the native coin sent is not exactly what the order needs, in wei."""

    expected: int
    sent: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"The order needs exactly {self.expected} wei with it and came with {self.sent}. Send {self.expected}."


@dataclass(eq=False)
class PaymentFailed(ContractError):
    """Raised when a receiver of the price could not be paid; ``token`` is zero for the native coin."""

    token: str
    payer: str
    receiver: str
    amount: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"{self.amount} base units of token {self.token} could not be paid from {self.payer} to {self.receiver}. "
            "Check the payer's balance and allowance, and that the token is not paused and blocks neither."
        )


@dataclass(eq=False)
class TrialAlreadyTaken(ContractError):
    """Raised when a holder has had the one grant of a trial plan."""

    plan_id: int
    holder: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.holder} has had the trial {self.plan_id:#066x}, ordered by them or for them. Order a plan that is not a trial."


@dataclass(eq=False)
class TrialOrderedForOther(ContractError):
    """Raised when a trial is ordered for somebody else, who would lose their one trial by it."""

    plan_id: int
    payer: str
    receiver: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"{self.payer} cannot order the trial {self.plan_id:#066x} for {self.receiver}. "
            "Ask the receiver to order it, or the plan's owner to give it with mint_credits."
        )


# ---------------------------------------------------------------- credits


@dataclass(eq=False)
class NotMinter(ContractError):
    """Raised when the caller is neither the plan's owner nor one of their minters."""

    plan_id: int
    caller: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.caller} may not mint plan {self.plan_id:#066x}. Its owner can, or can allow you with set_minter."


@dataclass(eq=False)
class ZeroAmount(ContractError):
    """Raised when zero credits would be minted or burned."""

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return "Zero credits change nothing. Give an amount above zero."


@dataclass(eq=False)
class ReferenceUsed(ContractError):
    """Raised when a plan was granted for this external payment before."""

    plan_id: int
    payment_reference: bytes

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"Plan {self.plan_id:#066x} was granted for payment 0x{self.payment_reference.hex()} before. "
            "Give another payment its own reference; for this one nothing is left to do."
        )


@dataclass(eq=False)
class CreditsOverflow(ContractError):
    """Raised when a holder would have too many live credits of one plan, or have made too many purchases that expire.

    At most 2**54 - 1 live credits, half as many where they expire; 2**64 - 1 periods at once; and 2**24 purchases of an
    expiring plan since nothing was left of them.
    """

    plan_id: int
    holder: str
    amount: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.amount} more credits do not fit in the account of {self.holder}. Use or burn some first, or another address."


@dataclass(eq=False)
class InsufficientCredits(ContractError):
    """Raised when a holder has fewer credits than needed."""

    plan_id: int
    holder: str
    available: int
    required: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"{self.holder} has {self.available} credits of plan {self.plan_id:#066x} and needs {self.required}. "
            "Order the plan again to get more."
        )


@dataclass(eq=False)
class RedeemNotAllowed(ContractError):
    """Raised when the plan's redemption rule does not name the caller."""

    plan_id: int
    holder: str
    caller: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"{self.caller} may not redeem credits of {self.holder}. "
            "The plan's rule says who may; where it names redeemers, the plan's owner can allow you with set_redeemer."
        )


@dataclass(eq=False)
class RedeemOutOfRange(ContractError):
    """Raised when a redemption is outside the plan's range."""

    plan_id: int
    amount: int
    min_redeem: int
    max_redeem: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"A request of this plan takes {self.min_redeem} to {self.max_redeem} credits, not {self.amount}. "
            "Give an amount in that range."
        )


@dataclass(eq=False)
class NotRedeemable(ContractError):
    """Raised when nothing is redeemed on a plan: its access begins at purchase, or each request is paid."""

    plan_id: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"Nothing is redeemed on plan {self.plan_id:#066x}. "
            "Use read_access_until on a time plan, and pay_usage for each request on a usage plan."
        )


@dataclass(eq=False)
class NotRedeemer(ContractError):
    """Raised when the caller is neither the plan's owner nor one of their redeemers."""

    plan_id: int
    caller: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.caller} may not settle vouchers of plan {self.plan_id:#066x}. The plan's owner can allow it with set_redeemer."


@dataclass(eq=False)
class SettlementsNotAccepted(ContractError):
    """Raised when a plan takes no settlements."""

    plan_id: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"Plan {self.plan_id:#066x} takes no vouchers: its credits are transferable, or are not for requests. "
            "Use redeem_credits, or pay_usage on a usage plan."
        )


@dataclass(eq=False)
class NotTransferable(ContractError):
    """Raised when credits of a plan that is not transferable would be transferred."""

    plan_id: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"Credits of plan {self.plan_id:#066x} cannot be transferred. Order for the other address instead, if it is not a trial."


@dataclass(eq=False)
class NotEnoughGas(ContractError):
    """Raised when too little gas is left to give every item of a batch its full share."""

    available: int
    required: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.available} gas is left and {self.required} is needed. Send more gas, or a smaller batch."


@dataclass(eq=False)
class NotSelf(ContractError):
    """Raised when somebody else calls a function that the contract keeps for itself."""

    caller: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.caller} called a function that the contract keeps for itself. Use mint or order."


# ---------------------------------------------------------------- protocol fee


@dataclass(eq=False)
class FeeAboveCap(ContractError):
    """Raised when the protocol fee would exceed its cap, in basis points."""

    fee_bps: int
    cap_bps: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"A fee of {self.fee_bps} basis points is above the cap, which is fixed. Set at most {self.cap_bps}."


@dataclass(eq=False)
class InvalidFeeReceiver(ContractError):
    """Raised when a fee is set with the contract as receiver, or a fee above zero without one."""

    receiver: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.receiver} cannot receive fees. Give an address that is neither zero nor the Credits contract."


@dataclass(eq=False)
class OwnableUnauthorizedAccount(ContractError):
    """Raised when the caller is not the owner who sets the protocol fee."""

    account: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.account} does not own the protocol fee. Sign with the fee owner's key."


@dataclass(eq=False)
class OwnableInvalidOwner(ContractError):
    """Raised when the contract would be deployed without a fee owner."""

    owner: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.owner} cannot own the protocol fee. Give an address that somebody has the key of."


# ---------------------------------------------------------------- agents


@dataclass(eq=False)
class CreditsWithoutCode(ContractError):
    """Raised when the registry would be deployed for a Credits contract that is not there."""

    credits: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"There is no Credits at {self.credits} on this chain. Check the address and the network, or deploy Credits first."


@dataclass(eq=False)
class NotAgentOwner(ContractError):
    """Raised when the caller is not the agent's owner."""

    agent_id: int
    caller: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.caller} does not own agent {self.agent_id}. Sign with the agent owner's key."


@dataclass(eq=False)
class DetachNotAllowed(ContractError):
    """Raised when the caller owns neither the agent nor the plan that would be detached."""

    agent_id: int
    plan_id: int
    caller: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"{self.caller} owns neither agent {self.agent_id} nor plan {self.plan_id:#066x}. "
            "Sign with the key of one of their owners."
        )


@dataclass(eq=False)
class PlanAlreadyAttached(ContractError):
    """Raised when a plan would be attached to an agent twice."""

    agent_id: int
    plan_id: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"Agent {self.agent_id} accepts plan {self.plan_id:#066x} already, or the list has it twice. "
            "Give each plan once; to change its cost, use replace_plans."
        )


@dataclass(eq=False)
class PlanNotAttached(ContractError):
    """Raised when a plan is not attached to an agent."""

    agent_id: int
    plan_id: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"Agent {self.agent_id} does not accept plan {self.plan_id:#066x}. "
            "Use one of its plans, or ask its owner to attach this one."
        )


@dataclass(eq=False)
class InvalidCreditsRange(ContractError):
    """Raised when the least that a request would cost is above the most."""

    plan_id: int
    min_credits: int
    max_credits: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"A request of {self.min_credits} to {self.max_credits} credits of plan {self.plan_id:#066x} is not a range. "
            "Give the least first."
        )


@dataclass(eq=False)
class TooManyPlans(ContractError):
    """Raised when an agent would have more plans than are allowed."""

    count: int
    max: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"An agent may have {self.max} plans, not {self.count}. Use another agent for the others."


# ---------------------------------------------------------------- ERC-6093


@dataclass(eq=False)
class ERC1155InsufficientBalance(ContractError):
    """Raised by the standard where a balance is too low; Credits itself says InsufficientCredits."""

    sender: str
    balance: int
    needed: int
    token_id: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return (
            f"{self.sender} has {self.balance} of token {self.token_id:#066x} and needs {self.needed}. "
            "Give a smaller amount, or get more first."
        )


@dataclass(eq=False)
class ERC1155InvalidSender(ContractError):
    """Raised when credits would come from the zero address."""

    sender: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.sender} cannot send credits. Give the holder's address."


@dataclass(eq=False)
class ERC1155InvalidReceiver(ContractError):
    """Raised when the receiver is zero, or a contract that does not accept ERC-1155 tokens."""

    receiver: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.receiver} cannot receive credits. Give an account, or a contract that accepts ERC-1155 tokens."


@dataclass(eq=False)
class ERC1155MissingApprovalForAll(ContractError):
    """Raised when the caller is neither the holder nor their operator."""

    operator: str
    owner: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.operator} may not move or burn credits of {self.owner}, who can allow it with setApprovalForAll."


@dataclass(eq=False)
class ERC1155InvalidApprover(ContractError):
    """Raised when the zero address would approve an operator."""

    approver: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.approver} cannot approve anyone. Sign with the holder's key."


@dataclass(eq=False)
class ERC1155InvalidOperator(ContractError):
    """Raised when the zero address would become an operator."""

    operator: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.operator} cannot be an operator. Give the operator's address."


@dataclass(eq=False)
class ERC1155InvalidArrayLength(ContractError):
    """Raised when two lists that belong together differ in length."""

    ids_length: int
    values_length: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"The lists have {self.ids_length} and {self.values_length} items. Give lists of one length."


@dataclass(eq=False)
class ERC721InvalidOwner(ContractError):
    """Raised when the balance of the zero address is asked for."""

    owner: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.owner} owns nothing. Give the owner's address."


@dataclass(eq=False)
class ERC721NonexistentToken(ContractError):
    """Raised when no agent has this id."""

    token_id: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"There is no agent {self.token_id} on this chain. Check the id and the network."


@dataclass(eq=False)
class ERC721IncorrectOwner(ContractError):
    """Raised when an agent would be taken from somebody who does not own it."""

    sender: str
    token_id: int
    owner: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"Agent {self.token_id} belongs to {self.owner}, not to {self.sender}. Give its owner's address."


@dataclass(eq=False)
class ERC721InvalidSender(ContractError):
    """Raised when an agent would come from the zero address."""

    sender: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.sender} cannot send an agent. Give its owner's address."


@dataclass(eq=False)
class ERC721InvalidReceiver(ContractError):
    """Raised when the receiver is zero, or a contract that does not accept ERC-721 tokens."""

    receiver: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.receiver} cannot receive an agent. Give an account, or a contract that accepts ERC-721 tokens."


@dataclass(eq=False)
class ERC721InsufficientApproval(ContractError):
    """Raised when the caller may not move an agent."""

    operator: str
    token_id: int

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.operator} may not move agent {self.token_id}. Sign with its owner's key, or with one that they approved."


@dataclass(eq=False)
class ERC721InvalidApprover(ContractError):
    """Raised when the caller may not approve anyone for an agent."""

    approver: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.approver} cannot approve anyone. Sign with the agent owner's key."


@dataclass(eq=False)
class ERC721InvalidOperator(ContractError):
    """Raised when the zero address would become an operator."""

    operator: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.operator} cannot be an operator. Give the operator's address."


CONTRACT_ERRORS: Final[dict[str, type[ContractError]]] = {
    error.__name__: error for error in ContractError.__subclasses__()
}
"""Every contract error by its Solidity name."""
