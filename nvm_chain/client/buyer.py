"""The buyer: an account with limits, and what it knows about the services that it pays. Any number of transports share one."""

import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.client.bodies import MAX_BODY
from nvm_chain.client.ceilings import CeilingFile, Ceilings, MemoryCeilings
from nvm_chain.client.limits import Budget, SpendingLimits
from nvm_chain.client.places import Place
from nvm_chain.client.purse import Purse, Reserved
from nvm_chain.client.signed_allowances import Allowance
from nvm_chain.client.transfers.payer import TokenPayer
from nvm_chain.client.wire import Offered
from nvm_chain.errors import InvalidConfig, UnknownPlan
from nvm_chain.errors.fields import Credits, PlanId, Quantity, Time
from nvm_chain.operations.credits import read_account
from nvm_chain.operations.plans import is_redeemer, read_plan_state
from nvm_chain.signing.keys import Signer, check_message_signer
from nvm_chain.types.accounts import Account
from nvm_chain.types.ids import parse_plan_id

VOUCHER_SECONDS: Final = 4_500
"""How long a voucher for one request is valid. It pays for an answer of an hour, and the settlement has time after that."""
RENEW_SECONDS: Final = 30
"""How long before its end a token is renewed."""


@dataclass(slots=True)
class HeldToken:
    """A token that a gateway gave out. ``reserved`` is there for a session, until it is over and nothing is in flight."""

    token: str = field(repr=False)
    base: str
    service: str | None
    plan_id: PlanId
    end: Time
    reserved: Reserved | None = None
    spent: Credits = 0
    in_flight: Quantity = 0
    is_over: bool = False


Known: TypeAlias = Offered | HeldToken
"""How a service was paid the last time."""


class Buyer:
    """An account that pays for requests, within limits.

    Threads share one buyer. Processes share the state file. The chain is asked by one thread at a time.
    """

    def __init__(
        self,
        chain: Chain,
        signer: Signer,
        limits: SpendingLimits,
        *,
        state: Path | str | None = None,
        budgets: Iterable[Budget] = (),
        tokens: TokenPayer | None = None,
        max_body: int = MAX_BODY,
    ) -> None:
        """Take the account and its limits. No network.

        Args:
            chain: The connection to the chain of the plans. For threads of your own, connect a second time.
            signer: The account that pays.
            limits: What may be signed, see `build_limits`.
            state: A file for the ceilings, the credits that are signed, and the orders. Without one they are kept in memory, and
                a new process starts from zero.
            budgets: Which plans may be ordered again when credits or access are used up, see `build_budget`.
            tokens: What pays by signed transfers of a token where credits and budgets do not, see `TokenPayer`.
            max_body: The largest body, in bytes, that is kept if it can be read only once.

        Raises:
            InvalidConfig: The signer cannot sign messages, or the state file cannot be used.
        """
        self.chain, self.limits = chain, limits
        self.signer, self.wallet = check_message_signer(signer), signer
        self.max_body, self.tokens = max_body, tokens
        self.budgets: Mapping[int, Budget] = {budget.plan_id: budget for budget in budgets}
        self.ceilings: Ceilings = _open_state(chain, signer, state)
        self.purse = Purse(self.ceilings, limits, self.read_account)
        self.chain_lock = threading.RLock()
        """Held while the chain is asked, because a connection serves one thread."""
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str | None], Known] = {}
        self._allowances: dict[tuple[str, str | None], Allowance] = {}
        self._redeemers: set[tuple[int, str]] = set()
        self._ahead: int | None = None

    # ------------------------------------------------------------------ what the chain says

    def read_account(self, plan_id: int | str) -> Account:
        """Read the account of the buyer on a plan. One request."""
        with self.chain_lock:
            return read_account(self.chain, parse_plan_id(plan_id), self.signer.address)

    def may_redeem(self, plan_id: PlanId, redeemer: ChecksumAddress) -> bool:
        """Return whether the plan's owner lets an address take credits. At most two requests, and none the second time."""
        if (plan_id, redeemer) in self._redeemers:
            return True
        is_known = False
        with self.chain_lock, suppress(UnknownPlan):
            is_known = is_redeemer(self.chain, plan_id, redeemer)
            is_known = is_known or read_plan_state(self.chain, plan_id).owner == redeemer
        if is_known:
            self._redeemers.add((plan_id, redeemer))
        return is_known

    def find_now(self, *, anew: bool = False) -> Time:
        """Return the time from which signatures count: the chain's or this machine's, whichever is later."""
        clock = int(time.time())
        if self._ahead is None or anew:
            with self.chain_lock:
                self._ahead = max(0, self.chain.read_time() - clock)
        return clock + self._ahead

    # ------------------------------------------------------------------ what is known of services

    def find_known(self, place: Place) -> Known | None:
        """Return how a service was paid the last time. None for a new service, and after the end of a token."""
        known = self._known.get((place.base, place.service))
        if isinstance(known, HeldToken) and known.end <= self.find_now() + RENEW_SECONDS:
            self.forget(known)
            return None
        return known

    def remember(self, place: Place, known: Known) -> None:
        """Remember how a service was paid. An open session stays until it ends."""
        with self._lock:
            before = self._known.get((place.base, place.service))
            session = before if isinstance(before, HeldToken) and before.reserved is not None else None
            if session is not None and isinstance(known, Offered):
                return
            self._known[place.base, place.service] = known
        if session is not None and session is not known:
            self._end(session)

    def remember_allowance(self, place: Place, allowance: Allowance) -> None:
        """Remember what somebody else lets the buyer use at a service. Its token is renewed with it."""
        self._allowances[place.base, place.service] = allowance

    def find_allowance(self, place: Place) -> Allowance | None:
        """Return what somebody else lets the buyer use at a service now, or None."""
        found = self._allowances.get((place.base, place.service))
        return found if found is not None and found.terms.end > self.find_now() + RENEW_SECONDS else None

    def forget_allowance(self, base: str, service: str | None) -> None:
        """Forget what somebody else let the buyer use at a service."""
        self._allowances.pop((base, service), None)

    def forget(self, token: HeldToken) -> None:
        """Forget a token. What a session did not spend is given back, once none of its requests is in flight."""
        with self._lock:
            key = (token.base, token.service)
            if self._known.get(key) is token:
                del self._known[key]
        self._end(token)

    def _end(self, token: HeldToken) -> None:
        """Give back what a session did not spend, once none of its requests is in flight."""
        with self._lock:
            token.is_over = True
        self._give_back(token)

    def note_sent(self, token: HeldToken) -> None:
        """Note that a request with a token is in flight."""
        with self._lock:
            token.in_flight += 1

    def note_ended(self, token: HeldToken, credits: Credits = 0) -> None:
        """Note that a request with a token has ended, and what it cost."""
        with self._lock:
            token.in_flight -= 1
            token.spent += credits
        self._give_back(token)

    def _give_back(self, token: HeldToken) -> None:
        with self._lock:
            if not token.is_over or token.in_flight:
                return
            reserved, token.reserved = token.reserved, None
        if reserved is not None:
            self.purse.give_back(reserved, token.spent)


def require_buyer(payer: Buyer | TokenPayer) -> Buyer:
    """Return a payer that has credits. Raises InvalidConfig for one that has signed transfers alone."""
    if isinstance(payer, Buyer):
        return payer
    raise InvalidConfig(
        "a payer of tokens has neither sessions nor allowances, which are credits of a plan",
        "mount a `Buyer`, and give it the payer of tokens: `Buyer(…, tokens=payer)`",
    )


def _open_state(chain: Chain, signer: Signer, state: Path | str | None) -> Ceilings:
    if state is None:
        return MemoryCeilings()
    return CeilingFile(state, f"eip155:{chain.chain_id}:{chain.credits.address}:{signer.address}")
