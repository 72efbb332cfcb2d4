"""The table `[checkout]` of a configuration file: whether the gateway sends signed orders of buyers, and how many."""

from typing import Final

from nvm_chain.gateway.checkout.settings import CheckoutSettings
from nvm_chain.gateway.configuration.services import MOST
from nvm_chain.gateway.configuration.tables import Table

KEYS: Final = ("relays", "relays_per_account", "relays_per_day")


def read_checkout(table: Table) -> CheckoutSettings:
    """Return the settings of the checkout. Raises InvalidConfig."""
    usual = CheckoutSettings()
    return CheckoutSettings(
        relays=table.read_flag("relays", default=usual.relays),
        relays_per_account=table.read_number("relays_per_account", usual.relays_per_account, 1, MOST),
        relays_per_day=table.read_number("relays_per_day", usual.relays_per_day, 1, MOST),
    )
