"""What a request costs in the meter, against verifying its voucher alone. Both sides take turns in one process.

`python -m tests.bench meter --json` prints one JSON object. Each request brings a fresh voucher, and its hold is durable
before it is served. 64 requests are in flight. CPU is that of this process, so on PostgreSQL it is the client's side. The
accounts were read before: that is once for each account, and not for each request.
"""

import asyncio
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eth_account import Account as keys  # noqa: N813
from eth_account.signers.local import LocalAccount

from nvm_chain.meter.admission import Policy
from nvm_chain.meter.bindings import Level
from nvm_chain.meter.books import Account
from nvm_chain.meter.credentials import Credential, TokenCredential, VoucherCredential
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.requests import Request
from nvm_chain.meter.session_terms import build_session_terms
from nvm_chain.meter.settings import MeterSettings, ServiceTerms
from nvm_chain.meter.store.account_changes import SeeView
from nvm_chain.meter.store.group_rows import AccountKey, StoredAccount
from nvm_chain.meter.store.opening import open_store
from nvm_chain.meter.store.packing import pack_account
from nvm_chain.meter.store.schema import accounts as ACCOUNTS  # noqa: N812
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.writer import Writer
from nvm_chain.meter.views import View
from nvm_chain.meter.voucher_fronts import VoucherFront
from nvm_chain.signing.vouchers import SignedVoucher, Voucher, VoucherVerifier, sign_voucher
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.ids import format_did
from tests.bench.figures import Figure
from tests.support.postgres import run_postgres

CHAIN_ID: Final = 31_337
CREDITS: Final = parse_address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
REDEEMER: Final = parse_address("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC")
PLAN: Final = 2**255 + 1
SERVICE: Final = format_did(7)
REQUESTS: Final = 4_000
HOLDERS: Final = 200
IN_FLIGHT: Final = 64
ROUNDS: Final = 3
FILLED_AT_ONCE: Final = 10_000
FEW_ACCOUNTS, MANY_ACCOUNTS = 1_000, 1_000_000


@dataclass(frozen=True)
class Cost:
    """Seconds for each request: by the clock, and of the processor."""

    wall: float
    cpu: float


class Given:
    """Views of accounts that have plenty of credits since long ago."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def want(self, key: AccountKey) -> "Future[None]":
        """Put two views into the books."""
        done = Future[None]()
        self._writer.give(see(key), lambda _: done.set_result(None))
        return done


def see(key: AccountKey) -> SeeView:
    """Return the change with two views of an account."""
    views = (View(number, bytes(32), int(time.time()) - 100 + number, 10**12, 0, 0) for number in (1, 10))
    return SeeView(key, tuple(views), depth=1)


# ---------------------------------------------------------------- vouchers


def sign_all(holders: Sequence[LocalAccount], count: int, *, above: int = 0) -> list[SignedVoucher]:
    """Return vouchers with rising ceilings above a number, each holder's in turn."""
    deadline = int(time.time()) + 3_600
    return [
        sign_voucher(
            holder,
            Voucher(
                PLAN, parse_address(holder.address), REDEEMER, above + number // len(holders) + 1, bytes(32), deadline
            ),
            chain_id=CHAIN_ID,
            contract=CREDITS,
        )
        for number, holder in zip(range(count), [*holders] * (count // len(holders) + 1), strict=False)
    ]


def verify_all(vouchers: Sequence[SignedVoucher]) -> Cost:
    """Return what it costs to verify the vouchers, and nothing else."""
    verifier = VoucherVerifier(CHAIN_ID, CREDITS)
    now = int(time.time())
    return measure_cost(
        lambda: [verifier.verify(signed, redeemer=REDEEMER, now=now) for signed in vouchers], len(vouchers)
    )


def measure_cost(work: Callable[[], object], count: int) -> Cost:
    """Return what some work costs for each request."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Cost((time.perf_counter() - wall) / count, (time.process_time() - cpu) / count)


# ---------------------------------------------------------------- the meter


@contextmanager
def open_meter(where: str) -> Iterator[Callable[[Callable[[Meter], object]], object]]:
    """Open a meter on new books, and yield a function that runs something with it in an event loop."""
    store = open_store(where, chain_id=CHAIN_ID, credits=CREDITS)
    store.note_head(10, bytes(32), int(time.time()), int(time.time()) + 3_600)
    writer = Writer(store)
    policy = Policy(exposure=10**12)
    terms = ServiceTerms(SERVICE, {PLAN: policy}, Level.NONE)
    settings = MeterSettings(CHAIN_ID, CREDITS, REDEEMER, {SERVICE: terms})
    with asyncio.Runner() as runner:

        def run(work: Callable[[Meter], object]) -> object:
            return runner.run(work(meter))  # type: ignore[arg-type]

        async def build() -> Meter:
            return Meter(writer, settings, Given(writer))

        meter = runner.run(build())
        yield run
        runner.run(meter.close())


async def serve(meter: Meter, credentials: Iterator[Credential]) -> None:
    """Admit and charge a request for each credential, some at a time."""
    request = Request(SERVICE, "POST", "/ask", "-")

    async def work() -> None:
        for credential in credentials:
            hold = await meter.admit(request, credential, 1)
            last.append(meter.charge(hold, 1))  # type: ignore[arg-type]

    last: list[asyncio.Future[object]] = []
    await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
    await asyncio.gather(*last)


async def read_accounts(meter: Meter, vouchers: Sequence[SignedVoucher]) -> None:
    """Read the accounts of all holders for the first time."""
    for holder in {signed.voucher.holder for signed in vouchers}:
        await meter.account(PLAN, holder)


def serve_vouchers(where: str, vouchers: Sequence[SignedVoucher]) -> Cost:
    """Return what requests with fresh vouchers cost."""
    with open_meter(where) as run:
        run(lambda meter: read_accounts(meter, vouchers))
        credentials = iter([VoucherCredential(signed) for signed in vouchers])
        return measure_cost(lambda: run(lambda meter: serve(meter, credentials)), len(vouchers))


def serve_session(where: str, holder: LocalAccount, count: int) -> Cost:
    """Return what requests with one session token cost."""
    terms = build_session_terms(PLAN, holder=holder.address, limit=10**9, services=(7,), end=int(time.time()) + 7_200)
    voucher = Voucher(PLAN, terms.holder, REDEEMER, 10**9, terms.context, terms.end)
    signed = sign_voucher(holder, voucher, chain_id=CHAIN_ID, contract=CREDITS)
    with open_meter(where) as run:
        opened: Any = run(lambda meter: meter.open_session(signed, terms))
        credentials = iter([TokenCredential(opened[0])] * count)
        return measure_cost(lambda: run(lambda meter: serve(meter, credentials)), count)


def fill(where: str, accounts: int) -> None:
    """Write accounts straight into the rows of a store, each with a view and a voucher."""
    store: Store = open_store(where, chain_id=CHAIN_ID, credits=CREDITS)
    view = View(10, bytes(32), int(time.time()), 10**12, 0, 0)
    voucher = Voucher(PLAN, REDEEMER, REDEEMER, 1, bytes(32), int(time.time()) + 3_600)
    front = VoucherFront((SignedVoucher(voucher, bytes(65)),))
    account = Account(PLAN, REDEEMER, view=view, least_backing=view.backing, ceiling=1, ceiling_end=voucher.deadline)
    row = pack_account(StoredAccount(account, front))
    with store.asking() as pen:
        for start in range(0, accounts, FILLED_AT_ONCE):
            count = min(FILLED_AT_ONCE, accounts - start)
            pen.add(ACCOUNTS, [(row[0], secrets.token_bytes(20), *row[2:]) for _ in range(count)])
    store.close()


# ---------------------------------------------------------------- figures


def measure() -> dict[str, Figure]:
    """Return the ratios of the meter to verifying alone, of sessions to vouchers, and of many accounts to few."""
    holders = [keys.create() for _ in range(HOLDERS)]
    vouchers = sign_all(holders, REQUESTS)
    verify_all(vouchers)  # with the caches full
    with tempfile.TemporaryDirectory() as folder, run_postgres() as server:
        places: dict[str, Callable[[], str]] = {
            "sqlite": lambda: str(Path(tempfile.mkdtemp(dir=folder)) / "meter.db"),
            "postgres": server.new_database,
        }
        figures: dict[str, Figure] = {}
        for engine, cpu_aim, rate_aim in (("sqlite", 2.6, 0.3), ("postgres", 4.5, 0.2)):
            pairs = [(verify_all(vouchers), serve_vouchers(places[engine](), vouchers)) for _ in range(ROUNDS)]
            session = min(serve_session(places[engine](), holders[0], REQUESTS).wall for _ in range(ROUNDS))
            figures |= compare(engine, pairs, session, cpu_aim, rate_aim)
        rates = []
        spread = sign_all([*holders, *(keys.create() for _ in range(FEW_ACCOUNTS - HOLDERS))], REQUESTS)
        for accounts in (FEW_ACCOUNTS, MANY_ACCOUNTS):
            stores = [places["sqlite"]() for _ in range(ROUNDS)]
            for where in stores:
                fill(where, accounts - FEW_ACCOUNTS)
            rates.append(min(serve_vouchers(where, spread).wall for where in stores))
        figures["many_accounts"] = {
            "value": round(rates[0] / rates[1], 2),
            "unit": "x the rate at 1,000 accounts, at 1 M",
            "aim": ">= 0.9",
        }
    return figures


def compare(
    engine: str, pairs: Sequence[tuple[Cost, Cost]], session: float, cpu_aim: float, rate_aim: float
) -> dict[str, Figure]:
    """Return the figures of one engine, from the best round of each side."""
    alone = Cost(min(pair[0].wall for pair in pairs), min(pair[0].cpu for pair in pairs))
    meter = Cost(min(pair[1].wall for pair in pairs), min(pair[1].cpu for pair in pairs))
    return {
        f"{engine}_requests": {"value": round(1 / meter.wall), "unit": "requests a second", "aim": ""},
        f"{engine}_cpu": {
            "value": round(meter.cpu / alone.cpu, 2),
            "unit": "x CPU of verifying alone",
            "aim": f"<= {cpu_aim}",
        },
        f"{engine}_rate": {
            "value": round(alone.wall / meter.wall, 2),
            "unit": "x rate of verifying alone",
            "aim": f">= {rate_aim}",
        },
        f"{engine}_session": {
            "value": round(meter.wall / session, 2),
            "unit": "x the rate of vouchers, by token",
            "aim": ">= 3",
        },
    }
