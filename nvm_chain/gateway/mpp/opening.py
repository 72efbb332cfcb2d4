"""Charges of MPP, opened on a gateway that sells for money."""

from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.gateway.buying.opening import Opened
from nvm_chain.gateway.buying.troubles import Tell
from nvm_chain.gateway.mpp.challenging import Challenges
from nvm_chain.gateway.mpp.charges import Charges
from nvm_chain.gateway.mpp.orders import OrderCharges
from nvm_chain.gateway.mpp.till import ChargeTill
from nvm_chain.gateway.serving import Server

PURPOSE: Final = b"challenges of MPP"


async def open_charges(server: Server, buying: Opened, keys: tuple[ChecksumAddress, ...], tell: Tell) -> None:
    """Have a server take charges: for requests, and for plans. Raises IndexFailure if the books cannot be read.

    Args:
        server: What serves.
        buying: What takes payments.
        keys: The keys of the gateway.
        tell: Tells the operator of errors.
    """
    challenges = Challenges(await server.meter.derive_key(PURPOSE), base=server.base)
    till = ChargeTill(challenges, server.meter.writer, keys, tell)
    server.charges = Charges(server, buying.requests, till)
    server.buying_paths = OrderCharges(server, buying.paths, buying.purchases, till)
