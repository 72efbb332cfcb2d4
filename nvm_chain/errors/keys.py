"""Keys that could not be read. No error ever contains a key."""

from nvm_chain.errors.base import NvmChainError
from nvm_chain.errors.fields import GivenName, Phrase, Sentence


class KeyFailure(NvmChainError):
    """Raised when a private key cannot be read. The error never contains the key."""

    source: GivenName
    reason: Phrase
    advice: Sentence = "Give a key file with its password, or the environment variable that holds the key"

    problem = "No key from {source}: {reason}."
    next_step = "{advice}."
