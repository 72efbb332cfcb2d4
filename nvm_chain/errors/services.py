"""Calls that this package cannot carry out, because they need a vendor, a gateway or credits."""

from nvm_chain.errors.families import InputError
from nvm_chain.errors.fields import Choices, Name, Phrase, Sentence


class NeedsVendor(InputError):
    """Raised when something needs a vendor with power over other people's money, cards or secrets."""

    what: Phrase
    advice: Sentence

    problem = "This package works without a vendor, so it does not support {what}."
    next_step = "{advice}."


class HostedName(NeedsVendor, AttributeError):
    """Raised when a program reads a name of the hosted API that has no meaning without a vendor."""

    problem = "{what} belongs to the hosted API. This package does not have it."


class HostedImport(NeedsVendor, ImportError):
    """Raised when a program imports a name of the hosted API that has no meaning without a vendor."""

    problem = "{what} belongs to the hosted API. This package does not have it."


class NeedsGateway(InputError):
    """Raised when a call needs the gateway in front of a service, and no gateway is configured."""

    what: Phrase

    problem = "{what} comes from the plan owner's gateway, but no gateway is configured."
    next_step = "Give the gateway's address: `Payments(…, gateway=Gateway(url, redeemer))`."


class NoAccess(InputError):
    """Raised when an account has neither credits nor an open access window on any plan of an asset."""

    asset: Name
    holder: str
    plans: Choices

    problem = "{holder} has no access to {asset}."
    next_step = "Order one of its plans: {plans}."
