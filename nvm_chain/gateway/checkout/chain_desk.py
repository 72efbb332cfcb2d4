"""The checkout's connections to the chain: a few threads, each with a connection of its own, and a bounded queue."""

from nvm_chain.chain.client import Chain
from nvm_chain.gateway.checkout.desks import Desk


class ChainDesk(Desk[Chain]):
    """Asks the chain for the pages."""
