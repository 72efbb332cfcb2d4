"""Credits that cannot be minted, redeemed, settled or transferred."""

from nvm_chain.errors.families import ContractError
from nvm_chain.errors.fields import Context, Credits, PlanId, Quantity


class NotMinter(ContractError):
    """Raised when the caller is neither the plan owner nor a minter that the owner allowed."""

    plan_id: PlanId
    caller: str

    problem = "{caller} may not mint credits of plan {plan_id}."
    next_step = "Ask the plan owner to mint the credits, or to allow {caller} with `set_minter`."


class ZeroAmount(ContractError):
    """Raised when zero credits are minted or burned."""

    problem = "An amount of zero credits cannot be minted or burned."
    next_step = "Give an amount above zero."


class ReferenceUsed(ContractError):
    """Raised when a plan was already granted for the same external payment."""

    plan_id: PlanId
    payment_reference: Context

    problem = "Plan {plan_id} was already granted for payment {payment_reference}."
    next_step = (
        "If this is the same payment, nothing is left to do. If it is another payment, give it another reference."
    )


class CreditsOverflow(ContractError):
    """Raised when an account cannot take more credits or periods of a plan.

    The limits are 2**54 - 1 unused credits, or half as many if they expire; 2**64 - 1 periods in one grant; and 2**24
    purchases of an expiring plan, if credits of at least two purchases were always left.
    """

    plan_id: PlanId
    holder: str
    amount: Quantity

    problem = "The account of {holder} cannot take {amount} more credits or periods of plan {plan_id}."
    next_step = "Use or burn some credits first, order less at once, or give another address."


class InsufficientCredits(ContractError):
    """Raised when a holder has fewer credits than needed."""

    plan_id: PlanId
    holder: str
    available: Credits
    required: Quantity

    problem = "{holder} has {available} of plan {plan_id}, but needs {required}."
    next_step = "Order the plan, or ask the plan owner to grant credits."


class RedeemNotAllowed(ContractError):
    """Raised when the plan's redemption rule does not allow the caller to redeem."""

    plan_id: PlanId
    holder: str
    caller: str

    problem = "{caller} may not redeem credits of {holder} on plan {plan_id}."
    next_step = (
        "Read the plan's redemption rule. If the rule is REDEEMER or OWNER, the plan owner can allow {caller} with "
        "`set_redeemer`."
    )


class RedeemOutOfRange(ContractError):
    """Raised when a redemption is outside the plan's range."""

    plan_id: PlanId
    amount: Quantity
    min_redeem: Credits
    max_redeem: Credits

    problem = "A request on plan {plan_id} takes {min_redeem:to max_redeem}, not {amount}."
    next_step = "Redeem {min_redeem:to max_redeem} for each request."


class NotRedeemable(ContractError):
    """Raised when a plan has nothing to redeem, because access starts at purchase or each request is paid."""

    plan_id: PlanId

    problem = "Plan {plan_id} has no credits to redeem: its access starts at purchase, or each of its requests is paid."
    next_step = (
        "Read the access of a time plan with `read_access_until`. Pay each request of a usage plan with `pay_usage`."
    )


class NotRedeemer(ContractError):
    """Raised when the caller is neither the plan owner nor a redeemer that the owner allowed."""

    plan_id: PlanId
    caller: str

    problem = "{caller} may not settle vouchers of plan {plan_id}."
    next_step = "Ask the plan owner to allow {caller} with `set_redeemer`."


class SettlementsNotAccepted(ContractError):
    """Raised when vouchers are settled on a plan that does not accept settlements."""

    plan_id: PlanId

    problem = (
        "Plan {plan_id} does not accept vouchers: its credits are transferable, or it sells time or single requests."
    )
    next_step = "Use `redeem_credits`, or `pay_usage` on a usage plan."


class NotTransferable(ContractError):
    """Raised when somebody transfers credits of a plan whose credits are not transferable."""

    plan_id: PlanId

    problem = "Credits of plan {plan_id} cannot be transferred."
    next_step = "If the plan is not a trial, order it for the other address."


class NotEnoughGas(ContractError):
    """Raised when too little gas is left for the next item of a batch."""

    available: Quantity
    required: Quantity

    problem = "The next item of the batch needs {required} gas, but {available} gas is left."
    next_step = "Send more gas, or a smaller batch."


class NotSelf(ContractError):
    """Raised when an account calls a function that only the contract itself may call."""

    caller: str

    problem = "{caller} called a function that only the Credits contract itself may call."
    next_step = "Use `mint_credits` or `order_plan`."
