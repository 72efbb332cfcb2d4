"""Where an account signs in: at the gateway, or at the host of a service to which its request came."""

from nvm_chain.gateway.addresses import find_address
from nvm_chain.gateway.own.asked import Asked
from nvm_chain.meter.settings import MeterSettings


def find_origin(settings: MeterSettings, base: str, asked: Asked) -> str:
    """Return the origin at which an account signs in. Whatever port a request names, it is one of the settings.

    Args:
        settings: The settings of the meter, with at least one origin.
        base: The URL of the gateway.
        asked: The request of the account.
    """
    if asked.service is None:
        return settings.origins[0]
    origins = [origin for origin, did in settings.own_origins.items() if did == asked.service.did]
    came_to = find_address("", base, asked.incoming.host).origin
    return came_to if came_to in origins else origins[0]
