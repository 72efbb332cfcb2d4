"""Errors of charges over MPP: a credential whose challenge is not good for the request. Nothing was sent."""

from nvm_chain.errors.families import SignatureError
from nvm_chain.errors.fields import Name, Phrase


class ChallengeRefused(SignatureError):
    """Raised when the challenge in a credential was not given out for this request, or is over."""

    reason: Phrase

    problem = "The challenge of the credential is not good for this request: {reason}."
    next_step = "Pay a challenge of this answer."


class MethodNotTaken(SignatureError):
    """Raised when a credential pays by a method or an intent that a server does not take."""

    method: Name
    intent: Name

    problem = "The credential is for the method {method} and the intent {intent}, which this server does not take."
    next_step = "Pay a challenge of this answer, by the method evm and the intent charge."
