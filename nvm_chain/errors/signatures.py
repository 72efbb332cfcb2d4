"""Signed vouchers and orders that cannot be accepted. Most of these errors need no request to a node."""

from nvm_chain.errors.families import SignatureError
from nvm_chain.errors.fields import Bytes, Compared, Credits, Name, PaymentReference, Quantity, Signer, Time

_ASK_CHAIN = "Ask for a new signature. If {holder} is a contract wallet, check the signature with `ask_chain`."


class VoucherMismatch(SignatureError):
    """Raised when a voucher is for another plan or redeemer than expected."""

    field: Name
    expected: Name
    actual: Name

    problem = "The voucher's {field} is {actual}, not {expected}."
    next_step = "Ask the holder to sign a voucher whose {field} is {expected}."


class VoucherExpired(SignatureError):
    """Raised when a voucher is used after its deadline, the last second in which it is valid. Times are Unix seconds."""

    deadline: Time
    now: Time

    problem = "The voucher was valid until {deadline}. The time is now {now}."
    next_step = "Ask the holder to sign another voucher."


class VoucherSignatureInvalid(SignatureError):
    """Raised when a voucher is not signed by its holder. ``recovered`` is the account that signed, or None if the signature is malformed."""

    holder: str
    recovered: Signer

    problem = "{holder} did not sign the voucher. It is signed {recovered}."
    explained = "{holder} did not sign the voucher."
    next_step = _ASK_CHAIN


class VoucherAlreadySettled(SignatureError):
    """Raised when settlements have taken as many credits of the holder as a voucher allows, or more."""

    ceiling: Quantity
    settled: Credits

    problem = "The voucher's ceiling is {ceiling}, but settlements have already taken {settled}."
    next_step = "Ask the holder to sign a voucher with a ceiling above {settled:number}."


class AuthorizationMismatch(SignatureError):
    """Raised when a signed order is for another chain, token or contract than expected."""

    field: Name
    expected: Compared
    actual: Compared

    problem = "The signed order's {field} is {actual}, not {expected}."
    next_step = "Ask the payer to sign an order whose {field} is {expected}."


class AuthorizationNotYetValid(SignatureError):
    """Raised when a signed order is not valid yet. It is valid after the Unix second ``valid_after``."""

    valid_after: Time
    now: Time

    problem = "The signed order is valid only after {valid_after}. The time is now {now}."
    next_step = "Send the order after that time."


class AuthorizationExpired(SignatureError):
    """Raised when a signed order has expired. ``valid_before`` is the first Unix second in which it is not valid."""

    valid_before: Time
    now: Time

    problem = "The signed order expired at {valid_before}. The time is now {now}."
    next_step = "Ask the payer to sign another order."


class AuthorizationSignatureInvalid(SignatureError):
    """Raised when an order is not signed by its payer. ``recovered`` is the account that signed, or None if the signature is malformed."""

    payer: str
    recovered: Signer

    problem = "{payer} did not sign the order. It is signed {recovered}."
    explained = "{payer} did not sign the order."
    next_step = _ASK_CHAIN.replace("{holder}", "{payer}")


class OrderAlreadyMade(SignatureError):
    """Raised when a signed order was already made, or its payer has canceled it."""

    payer: str
    nonce: PaymentReference

    problem = "The order of {payer} with nonce {nonce} was already made or canceled."
    next_step = "Look at the payer's credits. For another purchase, ask the payer to sign a new order."


class TokenCannotSign(SignatureError):
    """Raised when a token does not accept the kind of signature that is needed, or does not tell its signing domain."""

    token: str

    problem = "The token {token} does not accept this kind of signature."
    next_step = "Order with `payment_method='approve'`."


class SignatureNeedsChain(SignatureError):
    """Raised when a signature of ``size`` bytes cannot be that of a key. Only a contract at ``account`` could accept it."""

    account: str
    size: Bytes

    problem = "The signature has {size}, but a signature by a key has 64 or 65."
    next_step = "If {account} is a contract wallet, check the signature with `ask_chain`."
