"""Buyers that send paid requests without a pause, in threads: some sign each voucher themselves, some have the client that pays."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import requests
from requests.adapters import HTTPAdapter

from nvm_chain.client.buyer import Buyer
from nvm_chain.client.limits import build_limits
from nvm_chain.client.payment import find_payment
from nvm_chain.client.requests_adapter import PayingAdapter
from nvm_chain.errors import NvmChainError
from tests.gateway.shop import BALANCE, Gate, Shop

COST: Final = 2
TIMEOUT_SECONDS: Final = 60
"""After this time, a buyer goes away. The longest that a worker stands still is shorter."""
PAUSE_SECONDS: Final = 0.02
"""How long a buyer waits after a request that was not served."""
BROKEN: Final = 0
"""The status of a request that got no whole answer."""
WHOLE: Final = b"tea tea tea "


@dataclass(frozen=True)
class Sent:
    """A request whose voucher a buyer has signed, with the status of its answer."""

    headers: dict[str, str]
    body: bytes
    status: int
    hold: str | None
    """The id of its hold, as the answer told it."""


@dataclass
class Load:
    """The buyers, what they sent, and what came of it."""

    shop: Shop
    url: str
    signers: int = 4
    clients: int = 2
    whole: bytes | None = WHOLE
    """The body of every whole answer, if the service answers all requests alike."""
    sent: list[Sent] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    left: int = 0
    """How many buyers went away, because nothing came."""
    buyers: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _troubles: list[BaseException] = field(default_factory=list)

    @property
    def threads(self) -> int:
        """How many requests may run at the same time."""
        return self.signers + self.clients

    @property
    def served(self) -> int:
        """How many answers came whole."""
        return self.statuses[200]

    @contextmanager
    def running(self) -> Iterator["Load"]:
        """Let the buyers send until the block ends."""
        gates = [Gate(self.shop, self.url, self.shop.new_buyer()) for _ in range(self.threads)]
        self.buyers += [gate.buyer.address for gate in gates]
        work = [partial(self._sign_each, gate) for gate in gates[: self.signers]]
        work += [partial(self._use_client, gate, self._build_buyer(gate)) for gate in gates[self.signers :]]
        threads = [threading.Thread(target=self._work, args=(each,)) for each in work]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()
        if self._troubles:
            raise self._troubles[0]

    def _work(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (AssertionError, NvmChainError, requests.RequestException) as error:
            self._troubles.append(error)

    def _sign_each(self, gate: Gate) -> None:
        number = 0
        with requests.Session() as session:
            session.mount("http://", HTTPAdapter(max_retries=0))
            while not self._stop.is_set():
                number += 1
                body = f"{gate.buyer.address} {number}".encode()
                sent = self.present(session, gate.service_url, gate.pay("POST", "/ask", body, COST), body)
                self._stop.wait(0 if sent.status == 200 else PAUSE_SECONDS)

    def present(self, session: requests.Session, service: str, headers: dict[str, str], body: bytes) -> Sent:
        """Send a request with a voucher, and note what came of it."""
        hold = None
        try:
            answer = session.post(f"{service}/ask", data=body, headers=headers, timeout=TIMEOUT_SECONDS)
            status = answer.status_code
            found = find_payment(answer)
            hold = None if found is None else found.hold
            if status == 200:
                assert self.whole is None or answer.content == self.whole
            elif status not in (200, 402):
                self.refusals[f"{status} {answer.text[:200]}"] += 1
        except requests.RequestException as error:
            status = BROKEN
            self.left += isinstance(error, requests.Timeout)
        self.statuses[status] += 1
        self.sent.append(Sent(headers, body, status, hold))
        return self.sent[-1]

    def _build_buyer(self, gate: Gate) -> Buyer:
        limits = build_limits(per_request=10, in_all=BALANCE, plans=[self.shop.credits_plan])
        return Buyer(self.shop.connect(), gate.buyer, limits)

    def _use_client(self, gate: Gate, buyer: Buyer) -> None:
        number = 0
        with requests.Session() as session:
            session.mount("http://", PayingAdapter(buyer, self.url))
            while not self._stop.is_set():
                number += 1
                try:
                    answer = session.post(f"{gate.service_url}/ask", data=f"{number}", timeout=TIMEOUT_SECONDS)
                    self.statuses[answer.status_code] += 1
                except (requests.RequestException, NvmChainError) as error:
                    self.statuses[BROKEN] += 1
                    self.left += isinstance(error, requests.Timeout)
                    self.refusals[type(error).__name__] += 1
                    self._stop.wait(PAUSE_SECONDS)
