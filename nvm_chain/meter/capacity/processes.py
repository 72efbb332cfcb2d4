"""How many processes serve some traffic, and how many connections to the database they take."""

from dataclasses import dataclass
from typing import Final

from nvm_chain.errors.fields import Number, Quantity
from nvm_chain.meter.capacity.settlements import DAY, Traffic, divide_up
from nvm_chain.types.amounts import check_uint

CONNECTIONS: Final = 4
"""The connections of a process that serves: one to write the books, and at most three to read the index."""
CONNECTIONS_OF_SETTLER: Final = 1
SPARE_PERCENT: Final = 50
"""How much of a process is kept free, so that a group of requests does not wait for the one before it."""


@dataclass(frozen=True, slots=True)
class Rates:
    """How many requests a process and a database store in a second, and how much more than the average the busiest second has.

    The rates are those of requests that each bring a fresh voucher. `python -m tests.bench meter` measures ``process``.
    """

    process: Quantity
    database: Quantity
    peak_percent: Number = 300

    def __post_init__(self) -> None:
        """Check the numbers. Raises InvalidAmount."""
        for name in ("process", "database", "peak_percent"):
            check_uint(getattr(self, name), 63, name, minimum=1)


@dataclass(frozen=True, slots=True)
class Processes:
    """What serves some traffic. ``connections`` are those of all processes together, with the settler.

    ``databases`` is how many databases the traffic takes. With more than one, each has the accounts of some plans, processes
    and a settler with a key of its own.
    """

    requests_a_second: Quantity
    peak: Quantity
    processes: Quantity
    databases: Quantity
    connections: Quantity


def find_processes(traffic: Traffic, rates: Rates) -> Processes:
    """Return how many processes and connections some traffic takes.

    One process can have its books in a file of SQLite, and then needs no connection. More than one need PostgreSQL.

    Args:
        traffic: The traffic.
        rates: What a process and a database can do.
    """
    average = divide_up(traffic.requests_a_day, DAY)
    peak = divide_up(average * rates.peak_percent, 100)
    processes = divide_up(peak * 100, rates.process * (100 - SPARE_PERCENT))
    databases = divide_up(peak * 100, rates.database * (100 - SPARE_PERCENT))
    processes = max(processes, databases)
    connections = processes * CONNECTIONS + databases * CONNECTIONS_OF_SETTLER
    return Processes(average, peak, processes, databases, connections)
