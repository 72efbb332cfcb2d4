"""What this package cannot do for a caller: work of a vendor, of a gateway, and access without credits."""

from nvm_chain.errors.families import InputError
from nvm_chain.errors.fields import Choices, Name, Phrase, Sentence


class NeedsVendor(InputError):
    """Raised when something needs a vendor, who would have power over other people's money, cards or secrets."""

    what: Phrase
    advice: Sentence

    problem = "This package has no vendor, and this needs one: {what}."
    next_step = "{advice}."


class HostedName(NeedsVendor, AttributeError):
    """Raised when a name of the hosted API's package is read that has no meaning without a vendor."""

    problem = "{what} belongs to the hosted API. This package does not have it."


class HostedImport(NeedsVendor, ImportError):
    """Raised when a name of the hosted API's package is imported that has no meaning without a vendor."""

    problem = "{what} belongs to the hosted API. This package does not have it."


class NeedsGateway(InputError):
    """Raised when a gateway in front of a service has to answer, and none is configured."""

    what: Phrase

    problem = "{what} comes from the seller's gateway, and none is configured."
    next_step = "Give its address: `Payments(…, gateway=Gateway(url, redeemer))`."


class NoAccess(InputError):
    """Raised when an account has neither credits nor an open access window on any plan of an asset."""

    asset: Name
    holder: str
    plans: Choices

    problem = "{holder} has no access to {asset}."
    next_step = "Order one of its plans: {plans}."
