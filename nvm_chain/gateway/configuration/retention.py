"""The table `[retention]` of a configuration file: how long the books keep what they need no longer."""

from typing import Final

from nvm_chain.gateway.configuration.tables import Table
from nvm_chain.meter.retention import Retention

KEYS: Final = ("charges", "sessions", "notices")


def read_retention(table: Table) -> Retention:
    """Return how long things are kept. Raises InvalidConfig."""
    usual = Retention()
    with table.naming():
        return Retention(**{key: table.read_duration(key, getattr(usual, key)) for key in KEYS})
