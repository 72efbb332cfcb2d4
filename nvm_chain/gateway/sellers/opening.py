"""The addresses of sellers, opened on the meter of a gateway that serves."""

from collections.abc import Callable, Mapping

from nvm_chain.chain.client import Chain
from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.metrics import Metrics
from nvm_chain.gateway.sellers.paths import SellerPaths
from nvm_chain.gateway.sellers.tokens import FindTokens
from nvm_chain.gateway.sellers.views import SellerView, build_view
from nvm_chain.gateway.settings import GatewaySettings
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.settings import MeterSettings
from nvm_chain.meter.settling.outlooks import Outlook
from nvm_chain.meter.settling.rules import SettleRules
from nvm_chain.meter.settling.settler import Settler
from nvm_chain.signing.keys import Signer


def build_seller_paths(
    meter: Meter,
    metrics: Metrics,
    services: Mapping[str, SoldService],
    settings: GatewaySettings,
    look: Callable[[MeterSettings], Outlook],
    find_tokens: FindTokens | None = None,
) -> SellerPaths | None:
    """Return the addresses of sellers, or None for a gateway without sellers.

    Args:
        meter: The meter.
        metrics: The numbers of all services.
        services: What is sold.
        settings: The settings of the gateway, with the sellers.
        look: A function that returns what would be settled with some settings.
        find_tokens: A function that returns the tokens as they are now. Those of the settings if not given.
    """
    if not settings.sellers:
        return None
    views = build_views(settings, services)
    return SellerPaths(meter, views, find_tokens or keep_tokens(settings), look, metrics)


def build_views(settings: GatewaySettings, services: Mapping[str, SoldService]) -> dict[str, SellerView]:
    """Return what each seller may see, by its name."""
    return {name: build_view(name, services) for name in settings.sellers}


def keep_tokens(settings: GatewaySettings) -> FindTokens:
    """Return a function that returns the tokens of the settings, which stay as they are."""
    tokens = {name: seller.tokens for name, seller in settings.sellers.items()}
    return lambda: tokens


def look(
    connect: Callable[[], Chain], signer: Signer, meter: Meter, rules: SettleRules | None, settings: MeterSettings
) -> Outlook:
    """Return what would be settled with some settings. It connects to the chain, and sends nothing."""
    return Settler(connect(), signer, meter.writer, settings, rules).look()
