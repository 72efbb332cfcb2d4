"""Errors of payments over x402: signed transfers that cannot be accepted, and payments that a facilitator refuses."""

from nvm_chain.errors.families import SignatureError
from nvm_chain.errors.fields import Compared, Money, Name, PaymentReference, Phrase, Signer, Time


class TransferMismatch(SignatureError):
    """Raised when a signed transfer is for another token, payee or amount than expected."""

    field: Name
    expected: Compared
    actual: Compared

    problem = "The signed transfer's {field} is {actual}, not {expected}."
    next_step = "Ask the payer to sign a transfer whose {field} is {expected}."


class TransferNotYetValid(SignatureError):
    """Raised when a signed transfer is not valid yet. It is valid after the Unix second ``valid_after``."""

    valid_after: Time
    now: Time

    problem = "The signed transfer is valid only after {valid_after}. The time is now {now}."
    next_step = "Send the transfer after that time."


class TransferExpired(SignatureError):
    """Raised when a signed transfer has expired, or would before it can be mined. ``valid_before`` is a Unix second."""

    valid_before: Time
    now: Time

    problem = "The signed transfer is valid only before {valid_before}, and the time is now {now}."
    next_step = "Ask the payer to sign another transfer."


class TransferSignatureInvalid(SignatureError):
    """Raised when a transfer is not signed by its payer. ``recovered`` is the account that signed, or None if the signature is malformed."""

    payer: str
    recovered: Signer

    problem = "{payer} did not sign the transfer. It is signed {recovered}."
    explained = "{payer} did not sign the transfer."
    next_step = "Ask for a new signature."


class TransferAlreadyUsed(SignatureError):
    """Raised when a signed transfer was already made, or its payer has canceled it."""

    payer: str
    nonce: PaymentReference

    problem = "The transfer of {payer} with nonce {nonce} was already made or canceled."
    next_step = "Look at the payee's balance. For another payment, ask the payer to sign a new transfer."


class TransferRefused(SignatureError):
    """Raised when a token does not make a signed transfer, which was tried without a transaction."""

    token: str
    payer: str
    value: Money

    problem = "The token {token} does not transfer {value:short} from {payer}."
    next_step = "Check whether the token is paused or blocks an account, and ask the payer for a new signature."


class WalletNotDeployed(SignatureError):
    """Raised when a contract wallet that does not exist yet has signed, and does not say how it is deployed (ERC-6492)."""

    payer: str

    problem = "{payer} has no code that could accept the signature, which is not that of a key."
    next_step = "Deploy the wallet first, or wrap its signature with its deployment (ERC-6492)."


class FactoryNotAllowed(SignatureError):
    """Raised when the deployment in a wallet's signature calls a contract that is not on the list of allowed factories."""

    factory: str

    problem = "The wallet would be deployed by {factory}, which is not an allowed factory."
    next_step = "Deploy the wallet first, or ask the operator to allow the factory."


class WalletNotDeployable(SignatureError):
    """Raised when the deployment in a wallet's signature does not make a contract at the payer's address."""

    payer: str
    factory: str

    problem = "The factory {factory} does not deploy a wallet at {payer} with the call in the signature."
    next_step = "Ask the payer for a signature with the right deployment, or deploy the wallet first."


class PaymentRefused(SignatureError):
    """Raised when a facilitator refuses a payment by its own rules. ``code`` is the word that the protocol has for the reason."""

    code: Name
    reason: Phrase

    problem = "The facilitator refuses the payment with {code}: {reason}."
    next_step = "Correct that, or ask the operator of the facilitator."
