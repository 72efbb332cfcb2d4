"""Credits that cannot be minted, redeemed, settled or transferred."""

from nvm_chain.errors.families import ContractError
from nvm_chain.errors.fields import Context, Credits, PlanId, Quantity


class NotMinter(ContractError):
    """Raised when the caller is neither the plan's owner nor a minter of the owner."""

    plan_id: PlanId
    caller: str

    problem = "{caller} may not mint credits of plan {plan_id}."
    next_step = "Ask the plan's owner to mint, or to allow you with `set_minter`."


class ZeroAmount(ContractError):
    """Raised when zero credits would be minted or burned."""

    problem = "Zero credits change nothing."
    next_step = "Give an amount above zero."


class ReferenceUsed(ContractError):
    """Raised when a plan was granted for this external payment before."""

    plan_id: PlanId
    payment_reference: Context

    problem = "Plan {plan_id} was granted for payment {payment_reference} before."
    next_step = "Nothing is left to do for this payment. Give another payment a reference of its own."


class CreditsOverflow(ContractError):
    """Raised when a holder would have too many live credits of one plan, or have made too many purchases that expire.

    At most 2**54 - 1 live credits, half as many where they expire; 2**64 - 1 periods at once; and 2**24 purchases of an
    expiring plan since nothing was left of them.
    """

    plan_id: PlanId
    holder: str
    amount: Credits

    problem = "Another {amount} of plan {plan_id} do not fit in the account of {holder}."
    next_step = "Use or burn some first, or give another address."


class InsufficientCredits(ContractError):
    """Raised when a holder has fewer credits than needed."""

    plan_id: PlanId
    holder: str
    available: Credits
    required: Quantity

    problem = "{holder} has {available} of plan {plan_id} and needs {required}."
    next_step = "Order the plan, or ask its owner to grant some."


class RedeemNotAllowed(ContractError):
    """Raised when the plan's redemption rule does not name the caller."""

    plan_id: PlanId
    holder: str
    caller: str

    problem = "{caller} may not redeem credits of {holder} on plan {plan_id}."
    next_step = (
        "Look at the plan's rule, which says who may. "
        "Where it is REDEEMER or OWNER, the plan's owner can allow you with `set_redeemer`."
    )


class RedeemOutOfRange(ContractError):
    """Raised when a redemption is outside the plan's range."""

    plan_id: PlanId
    amount: Quantity
    min_redeem: Credits
    max_redeem: Credits

    problem = "A request of plan {plan_id} takes {min_redeem:to max_redeem}, not {amount}."
    next_step = "Redeem {min_redeem:to max_redeem} for one request."


class NotRedeemable(ContractError):
    """Raised when a plan has nothing to redeem, because access starts at purchase or each request is paid."""

    plan_id: PlanId

    problem = "Plan {plan_id} has nothing to redeem."
    next_step = (
        "Read the access of a time plan with `read_access_until`. Pay each request of a usage plan with `pay_usage`."
    )


class NotRedeemer(ContractError):
    """Raised when the caller is neither the plan's owner nor a redeemer of the owner."""

    plan_id: PlanId
    caller: str

    problem = "{caller} may not settle vouchers of plan {plan_id}."
    next_step = "Ask the plan's owner to allow this address with `set_redeemer`."


class SettlementsNotAccepted(ContractError):
    """Raised when a plan takes no settlements."""

    plan_id: PlanId

    problem = "Plan {plan_id} takes no vouchers: its credits are transferable, or it sells time or single requests."
    next_step = "Use `redeem_credits`, or `pay_usage` on a usage plan."


class NotTransferable(ContractError):
    """Raised when credits of a plan that is not transferable would be transferred."""

    plan_id: PlanId

    problem = "Credits of plan {plan_id} cannot be transferred."
    next_step = "Order for the other address instead, if the plan is not a trial."


class NotEnoughGas(ContractError):
    """Raised when too little gas is left to give every item of a batch its full share."""

    available: Quantity
    required: Quantity

    problem = "{available} gas is left and {required} is needed."
    next_step = "Send more gas, or a smaller batch."


class NotSelf(ContractError):
    """Raised when an account calls a function that only the contract itself may call."""

    caller: str

    problem = "{caller} called a function that only the contract itself may call."
    next_step = "Use `mint_credits` or `order_plan`."
