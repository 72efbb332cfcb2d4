"""Requests that the meter refuses, and bindings, sign-ins and receipts that it does not accept."""

from nvm_chain.errors.families import CEILING, IndexFailure, InputError, NetworkError, RequestRefused, SignatureError
from nvm_chain.errors.fields import (
    Choices,
    Compared,
    Credits,
    Name,
    Number,
    Others,
    Phrase,
    PlanId,
    Quantity,
    Seconds,
    Signer,
    Time,
)

_CEILING = CEILING


class CreditsUsedUp(RequestRefused):
    """Raised when a holder has too few credits for a request. Credits of open requests and disputed credits do not count."""

    next_ceiling: Credits
    plan_id: PlanId
    holder: str
    available: Credits
    required: Credits

    problem = "{holder} has {available} for new requests on plan {plan_id}, but this request may take {required}."
    next_step = f"Order more credits, or wait until open requests end. {_CEILING}"


class ExposureReached(RequestRefused):
    """Raised when too many credits of a holder are served or held, and not settled yet."""

    next_ceiling: Credits
    plan_id: PlanId
    holder: str
    exposure: Credits
    outstanding: Credits
    required: Credits

    problem = (
        "{holder} has {outstanding} open or not settled on plan {plan_id}. The seller allows {exposure}, and this "
        "request may take {required}."
    )
    next_step = f"Try again after the next settlement. {_CEILING}"


class CeilingTooLow(RequestRefused):
    """Raised when no live voucher of the holder covers a request. ``ceiling`` is the highest live ceiling, or 0."""

    next_ceiling: Credits
    plan_id: PlanId
    holder: str
    ceiling: Credits

    problem = (
        "The highest live ceiling of {holder} on plan {plan_id} is {ceiling:number}. This request needs "
        "{next_ceiling:number}, which is {next_ceiling:minus ceiling} more."
    )
    next_step = "Sign a voucher with the ceiling {next_ceiling:number}."


class BooksBehind(RequestRefused):
    """Raised when the seller's keys took more on the chain than the books say was charged, as after a restored backup."""

    next_ceiling: Credits
    plan_id: PlanId
    holder: str
    committed: Credits
    taken: Credits

    problem = (
        "The meter's books have {committed} as charged to {holder} on plan {plan_id}, but the seller's keys took {taken} "
        "on the chain."
    )
    next_step = f"Ask the seller to bring the books up to date. {_CEILING}"


class HolderCannotPay(RequestRefused):
    """Raised when the account behind an allowance does not pay for a request. Its user is not told how the account stands."""

    next_ceiling: Credits
    plan_id: PlanId
    holder: str
    required: Credits

    problem = "The account of {holder} on plan {plan_id} cannot pay {required} for this request of an allowance."
    next_step = "Ask the holder to order credits, or to sign a new allowance."


class HolderNotSettled(RequestRefused):
    """Raised when too many credits of the account behind an allowance are served or held, and not settled yet."""

    next_ceiling: Credits
    plan_id: PlanId
    holder: str
    required: Credits

    problem = (
        "Too many credits of {holder} on plan {plan_id} are open or not settled to serve this request for {required}."
    )
    next_step = "Try again after the next settlement."


class AuthorityOver(RequestRefused):
    """Raised when a voucher, a session or a sign-in has ended. ``end`` is its last second."""

    next_ceiling: Credits
    authority: Name
    end: Time
    now: Time

    problem = "The {authority} was valid until {end}. The time is now {now}."
    next_step = f"Sign a new one. {_CEILING}"


class AuthorityRevoked(RequestRefused):
    """Raised when a session or a sign-in was revoked, by its holder or by the seller."""

    next_ceiling: Credits
    authority: Name

    problem = "The {authority} was revoked."
    next_step = f"Sign a new one. {_CEILING}"


class WalletChangedItsMind(RequestRefused):
    """Raised when a contract wallet no longer accepts the signature that it accepted before. What it opened is closed."""

    next_ceiling: Credits
    authority: Name
    holder: str

    problem = "The contract wallet {holder} no longer accepts its signature of the {authority}."
    next_step = f"Open a new session with a signature that the wallet accepts. {_CEILING}"


class AuthorityUsedUp(RequestRefused):
    """Raised when a voucher, a session or a sign-in has no uses left."""

    next_ceiling: Credits
    authority: Name
    uses: Quantity

    problem = "The {authority} was already used. Its number of allowed uses is {uses}."
    next_step = f"Sign a new one. {_CEILING}"


class LimitReached(RequestRefused):
    """Raised when a request could take more than what is left of the limit of a session."""

    next_ceiling: Credits
    authority: Name
    limit: Credits
    available: Credits
    required: Credits

    problem = "The {authority} has {available} left of {limit}. This request may take {required}."
    next_step = f"Open a new session, or ask for less. {_CEILING}"


class RequestAboveLimit(RequestRefused):
    """Raised when a request could take more than a session allows for one request."""

    next_ceiling: Credits
    authority: Name
    per_request: Credits
    required: Credits

    problem = "The {authority} allows {per_request} for a request, but this request may take {required}."
    next_step = f"Open a session that allows {{required}} for a request, or ask for less. {_CEILING}"


class PeriodLimitReached(RequestRefused):
    """Raised when a request could take more than what a session has left in this period. The next one begins at ``reset``."""

    next_ceiling: Credits
    authority: Name
    per_period: Credits
    available: Credits
    required: Credits
    reset: Time

    problem = "The {authority} has {available} left of {per_period} in this period. This request may take {required}."
    next_step = f"Try again from {{reset}} on. {_CEILING}"


class ServiceNotCovered(RequestRefused):
    """Raised when a session or a sign-in is for other services than the one that a request is for."""

    next_ceiling: Credits
    authority: Name
    service: Name
    services: Choices

    problem = "The {authority} is not for {service}. It is for {services}."
    next_step = f"Open a session for this service. {_CEILING}"


class BoundToOtherRequest(RequestRefused):
    """Raised when the context of a request voucher is that of another request. Both are 32 bytes."""

    next_ceiling: Credits
    signed: bytes
    computed: bytes

    problem = "The voucher's context is {signed}, but that of this request is {computed}."
    next_step = f"Sign a voucher with the context of this request. {_CEILING}"


class WindowClosed(RequestRefused):
    """Raised when a holder of a time plan has no access now. ``until`` is the first second without access, or 0."""

    next_ceiling: Credits
    plan_id: PlanId
    holder: str
    until: Time
    now: Time

    problem = "The access of {holder} on plan {plan_id} ended at {until}. The time is now {now}."
    next_step = "Order the plan again, or wait until the last order is deep enough in the chain."


class AccessOpening(RequestRefused):
    """Raised when a holder's access to a time plan that starts on first use is being opened. The seller sends a transaction."""

    next_ceiling: Credits
    plan_id: PlanId
    holder: str
    retry_seconds: Seconds

    problem = "The access of {holder} on plan {plan_id} is being opened."
    next_step = "Try again in {retry_seconds}."


class AccessNotOpened(RequestRefused):
    """Raised when the seller could not open a holder's access to a time plan that starts on first use."""

    next_ceiling: Credits
    plan_id: PlanId
    holder: str
    reason: Phrase
    retry_seconds: Seconds

    problem = "The access of {holder} on plan {plan_id} was not opened: {reason}."
    next_step = "Try again in {retry_seconds}."


class PeriodsNotStated(RequestRefused):
    """Raised when a sign-in does not let the seller open as many access periods as one opening needs.

    ``stated`` is how many the sign-in message lets the seller open in all, and ``opened`` is how many of them are used.
    """

    next_ceiling: Credits
    plan_id: PlanId
    holder: str
    stated: Quantity
    opened: Quantity
    required: Quantity

    problem = (
        "The sign-in of {holder} lets the seller open {stated:number} periods of plan {plan_id}, and {opened:number} of them "
        "are used. An opening needs {required:number}."
    )
    next_step = "Sign in again with a message that says how many access periods the seller may open."


class OnlyHolderOpens(RequestRefused):
    """Raised when access to a time plan has to be opened, and the plan's rule lets nobody but the holder open it."""

    next_ceiling: Credits
    plan_id: PlanId
    holder: str
    required: Quantity

    problem = "The access of {holder} on plan {plan_id} is not open, and by the plan's rule only the holder opens it."
    next_step = "Redeem {required:number} on the plan as the holder, with `redeem_credits`."


class TooManyOpenRequests(RequestRefused):
    """Raised when a holder of a time plan has as many requests running as the seller allows."""

    next_ceiling: Credits
    plan_id: PlanId
    holder: str
    max_open: Quantity

    problem = "{holder} has {max_open} requests running on plan {plan_id}, as many as the seller allows."
    next_step = "Try again when one of them has ended."


class TooManyRequests(RequestRefused):
    """Raised when a holder sends more requests to a service than the seller allows in a period."""

    next_ceiling: Credits
    plan_id: PlanId
    holder: str
    service: Name
    limit: Quantity
    period_seconds: Seconds
    retry_seconds: Seconds

    problem = "{holder} may send {limit:number} requests in {period_seconds} to {service} with plan {plan_id}, and has sent them."
    next_step = "Try again in {retry_seconds}."


class QuotaReached(RequestRefused):
    """Raised when a request could take more credits than what a holder may still use at a service in this period."""

    next_ceiling: Credits
    plan_id: PlanId
    holder: str
    service: Name
    quota: Credits
    available: Credits
    required: Credits
    retry_seconds: Seconds

    problem = (
        "{holder} has {available} left of {quota} for {service} on plan {plan_id} in this period, but this request may take "
        "{required}."
    )
    next_step = "Try again in {retry_seconds}."


class TooManyReleases(RequestRefused):
    """Raised when too many requests of a holder to a service were sent on and not served within an hour."""

    next_ceiling: Credits
    plan_id: PlanId
    holder: str
    service: Name
    limit: Quantity
    retry_seconds: Seconds

    problem = "{limit:number} requests of {holder} to {service} on plan {plan_id} failed in this hour, as many as the seller allows."
    next_step = "Try again in {retry_seconds}, with requests that the service can serve."


class BindingMismatch(SignatureError):
    """Raised when a binding says something else than the request that it came with. ``binding`` is the right one, as JSON."""

    field: Name
    signed: Compared
    computed: Compared
    binding: str

    problem = "The {field} of the binding is {signed}, but that of the request is {computed}."
    next_step = "Sign a voucher whose context is the hash of the binding that was computed from the request."


class BindingTooWeak(SignatureError):
    """Raised when a voucher is bound to less of its request than the service wants."""

    level: Name
    least: Name

    problem = "The voucher has the binding level {level}, but the service wants {least}."
    next_step = "Sign a voucher whose context is the hash of a binding with the level {least}."


class DeadlineOutOfRange(SignatureError):
    """Raised when the deadline of a voucher is too near or too far away."""

    deadline: Time
    earliest: Time
    latest: Time

    problem = "The voucher's deadline is {deadline}. It has to be from {earliest} to {latest}."
    next_step = "Sign a voucher with a deadline in this range."


class SignInMismatch(SignatureError):
    """Raised when a sign-in message is for another place, chain or challenge than expected."""

    field: Name
    expected: Compared
    actual: Compared

    problem = "The {field} of the sign-in message is {actual}, not {expected}."
    next_step = "Sign in again, with the message that this service gives."


class SignInNotYetValid(SignatureError):
    """Raised when a sign-in message is from the future."""

    start: Time
    now: Time

    problem = "The sign-in message is valid from {start} on. The time is now {now}."
    next_step = "Check the clock of the machine that signs, and sign in again."


class SignInExpired(SignatureError):
    """Raised when a sign-in message has expired. ``end`` is the first Unix second in which it is not valid."""

    end: Time
    now: Time

    problem = "The sign-in message expired at {end}. The time is now {now}."
    next_step = "Sign in again."


class SignInSignatureInvalid(SignatureError):
    """Raised when a sign-in message is not signed by its account. ``recovered`` is who signed, or None if malformed."""

    account: str
    recovered: Signer

    problem = "{account} did not sign the sign-in message. It is signed {recovered}."
    explained = "{account} did not sign the sign-in message."
    next_step = "If {account} is a contract wallet, check the signature with `ask_chain`. Otherwise sign in again."


class NonceNotAccepted(SignatureError):
    """Raised when the nonce of a sign-in message is not one that this meter gave out, has expired, or was used before."""

    reason: Phrase

    problem = "The nonce of the sign-in message {reason}."
    next_step = "Sign in again, with a new nonce of this service."


class TooManyAuthorities(SignatureError):
    """Raised when a holder has as many sessions, allowances and sign-ins that have not ended as the meter keeps."""

    plan_id: PlanId
    holder: str
    limit: Quantity

    problem = "{holder} has {limit:number} sessions and sign-ins on plan {plan_id}, as many as the meter keeps."
    next_step = "Use one of them, or wait until one ends."


class TooManyTokens(SignatureError):
    """Raised when as many tokens of a session were given out as the meter keeps."""

    authority: Name
    limit: Quantity

    problem = "The {authority} has {limit:number} tokens, as many as the meter keeps for one."
    next_step = "Use one of its tokens, or open a new session."


class ReceiptMismatch(SignatureError):
    """Raised when a receipt is for another plan, holder, redeemer or request than expected."""

    field: Name
    expected: Compared
    actual: Compared

    problem = "The receipt's {field} is {actual}, not {expected}."
    next_step = "Ask the seller for the receipt of this request."


class ReceiptSignatureInvalid(SignatureError):
    """Raised when a receipt is not signed by its redeemer. ``recovered`` is who signed, or None if malformed."""

    redeemer: str
    recovered: Signer

    problem = "{redeemer} did not sign the receipt. It is signed {recovered}."
    explained = "{redeemer} did not sign the receipt."
    next_step = "Do not rely on this receipt. Ask the seller for another one."


class InvalidTarget(InputError):
    """Raised when the path or the query of a request is written in a way that servers read differently."""

    target: Others
    reason: Phrase

    problem = "The target {target} {reason}."
    next_step = "Write the path and the query without it."


class ChargeAboveHold(InputError):
    """Raised when a request should be charged more than was held for it, or more than the account holds at all."""

    cost: Credits
    held: Credits

    problem = "A charge of {cost} is more than the hold of {held}."
    next_step = "Charge at most what was held. Hold more before the next request."


class ViewUnusable(InputError):
    """Raised when a view of an account contradicts itself, or is not of an ancestor of the view before."""

    block_number: Number
    reason: Phrase

    problem = "The view of block {block_number} cannot be used: {reason}."
    next_step = "Read the account again, at one block hash."


class HoldOver(InputError):
    """Raised when a hold is charged that is over: it has ended before, or its time has passed. Nothing was charged."""

    hold_id: Name
    cost: Credits
    until: Time

    problem = "The hold {hold_id} is over, so {cost} cannot be charged. It could be charged until {until}."
    next_step = "Give requests less time, or give holds more."


class ReceiptUnavailable(InputError):
    """Raised when a receipt of a hold cannot be signed."""

    hold_id: Name
    reason: Phrase

    problem = "There is not a receipt of the hold {hold_id}: {reason}."
    next_step = "Ask for receipts of charged requests, at the meter that charged them."


class TooManyVouchers(RequestRefused):
    """Raised when the meter would have to keep too many vouchers of a holder, because their deadlines fall."""

    next_ceiling: Credits
    plan_id: PlanId
    holder: str
    limit: Quantity

    problem = "{holder} has {limit:number} vouchers on plan {plan_id}, and each one ends later than those with a higher ceiling."
    next_step = f"Sign a voucher that ends later than the ones before. {_CEILING}"


class AuthorityUnknown(SignatureError):
    """Raised when the meter does not know a session, an allowance or a sign-in."""

    authority_id: Name

    problem = "The meter does not know the authority {authority_id}."
    next_step = "Open a new session, or sign in again."


class VoucherBeforeRestore(SignatureError):
    """Raised when a voucher may be older than a backup of the meter's books that was restored."""

    deadline: Time
    closed_until: Time

    problem = "The voucher ends at {deadline}. The books were restored, and vouchers that end until {closed_until} may be spent."
    next_step = "Sign a new voucher that ends later than {closed_until}."


class MeterClosed(InputError):
    """Raised when a meter is used after it was closed."""

    problem = "The meter was closed."
    next_step = "Open the meter again."


class ViewTooOld(NetworkError):
    """Raised when the meter has not read the chain for too long, so that it serves nothing on credit. Nothing was held."""

    age_seconds: Seconds
    limit_seconds: Seconds

    problem = "The meter read the chain {age_seconds} ago, and {limit_seconds} is the limit."
    next_step = "Check the node and the process that follows the chain, then try again."


class PlanNotReadYet(NetworkError):
    """Raised when the meter has not read a plan from the chain yet, as at the start of a new gateway. Nothing was held."""

    plan_id: PlanId

    problem = "Plan {plan_id} was not read from the chain yet."
    next_step = "Try again later. If it stays so, check the node and the process that follows the chain."


class ServiceUnknown(InputError):
    """Raised when a request is for a service that the meter does not serve."""

    service: Name

    problem = "The meter does not serve {service}."
    next_step = "Give the DID of an agent that is in the meter's settings."


class PlanNotAccepted(SignatureError):
    """Raised when a credential is for a plan that does not pay for the service."""

    plan_id: PlanId
    service: Name

    problem = "The plan {plan_id} does not pay for {service}."
    next_step = "Use a plan that the agent lists."


class KeyReused(InputError):
    """Raised when an idempotency key comes with another request than before. Nothing was held."""

    problem = "The idempotency key was used for another request."
    next_step = "Send the same request again, or use a new key."


class RequestRunning(InputError):
    """Raised when a request comes again with its idempotency key, and the first one is still running. Nothing was held."""

    problem = "The request with this idempotency key is still running."
    next_step = "Wait a moment, then send it again with the same key."


class AnswerNotKept(InputError):
    """Raised when a request comes again with its key, and its answer is not kept any more, or was too large."""

    hold_id: Name

    problem = "The request was served before (hold {hold_id}), and its answer is not kept."
    next_step = "Use a new key to send and pay the request again. The receipt of the hold says what was charged."


class SecondSettler(IndexFailure):
    """Raised when another process settles with the same key from the same books. Nothing was sent."""

    redeemer: str
    until: Time

    problem = "Another process settles with the key of {redeemer}. Its lease ends at {until} if it does not go on."
    next_step = "Let one process settle with a key. If the other one has ended, try again after its lease."
