"""The settlers of a gateway's books: which process may settle with which key, and until when."""

from dataclasses import dataclass
from typing import Final

from nvm_chain.errors.fields import Seconds
from nvm_chain.meter.store.statements import CLOCK
from nvm_chain.meter.store.store import Store

_LEASES: Final = "SELECT name, until - {clock} FROM leases WHERE until >= {clock} ORDER BY name"
_NAME: Final = "settle with "


@dataclass(frozen=True, slots=True)
class RunningSettler:
    """A process that settles with a key. Its lease ends after some seconds, unless it takes it again."""

    redeemer: str
    seconds: Seconds


def list_settlers(store: Store) -> list[RunningSettler]:
    """Return who settles now, by the database's clock. Raises IndexFailure if the books cannot be read."""
    with store.asking() as pen:
        rows = pen.ask(_LEASES.format(clock=CLOCK[store.engine.dialect.name]))
    return [
        RunningSettler(str(name).removeprefix(_NAME), int(seconds)) for name, seconds in rows if name.startswith(_NAME)
    ]
