"""Model and contract, step by step beside each other, and what of both must be equal."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from tests.assurance.invariants.abi import encode, selector, topic, words
from tests.assurance.invariants.engine import CHAIN_ID, ORDER, START, Engine, Reverted
from tests.assurance.invariants.facts import (
    COIN,
    ERRORS,
    EVENTS,
    ISOLATED_GAS,
    MAX_FEE_BPS,
    MAX_QUANTITY,
    MAX_SPLITS,
    Expected,
    RawEvent,
    Refused,
)
from tests.assurance.invariants.histories import FOCUS, Step
from tests.assurance.invariants.model import Model
from tests.assurance.invariants.rebuilt import Rebuilt

MONEY_STEPS = {"order", "order_with_permit", "order_with_authorization", "pay_usage", "fund", "fork"}
CONSTANTS = {
    "MAX_QUANTITY()": MAX_QUANTITY,
    "MAX_FEE_BPS()": MAX_FEE_BPS,
    "MAX_SPLITS()": MAX_SPLITS,
    "ISOLATED_GAS()": ISOLATED_GAS,
}
EVERYTHING_EACH = 100
"""Steps between two comparisons of everything."""


class Disagreement(AssertionError):
    """Model and contract differ."""


@dataclass
class Tally:
    """How often each operation was tried, and how often it succeeded."""

    tried: Counter[str] = field(default_factory=Counter)
    succeeded: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    first_listed: Counter[bool] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        """Add another run's."""
        self.tried += other.tried
        self.succeeded += other.succeeded
        self.refusals += other.refusals
        self.first_listed += other.first_listed

    def table(self) -> str:
        """Return it as a table."""
        rows = [f"{name:26}{self.tried[name]:8}{self.succeeded[name]:8}" for name in sorted(self.tried)]
        errors = ", ".join(f"{name} {count}" for name, count in sorted(self.refusals.items()))
        head = f"{'operation':26}{'tried':>8}{'done':>8}"
        total = f"{'all':26}{self.tried.total():8}{self.succeeded.total():8}"
        return "\n".join([head, *rows, total, f"refused with: {errors}"])


class Comparison:
    """One history on both. Give it steps; it raises Disagreement at the first difference."""

    def __init__(self, creation_code: bytes | None = None) -> None:
        self.engine = Engine(creation_code)
        engine = self.engine
        self.model = Model(
            chain_id=CHAIN_ID,
            address=engine.credits,
            owner=engine.issuer,
            token=engine.token,
            quoter=engine.quoter,
            now=START,
        )
        self.model.code |= {*engine.broken_quoters, engine.no_hook, engine.rejects_coin, engine.wallet}
        self.model.no_hook |= {engine.no_hook, engine.rejects_coin}
        self.model.wallets[engine.wallet] = engine.wallet_key
        self.model.money[COIN].blocked = {engine.rejects_coin, engine.token, engine.credits}
        self.model.money[engine.token].blocked = {engine.token}
        self.people = engine.parties
        self.payees = [*self.people, engine.no_hook, engine.rejects_coin, engine.credits]
        for address in self.people:
            self.model.money[COIN].balances[address] = engine.coins(address)
        self.tally = Tally()
        self.log: list[tuple[int, RawEvent]] = []
        """Every event of Credits, with its timestamp."""
        self.steps = 0

    def run(self, step: Step) -> None:
        """Do one step on both and compare."""
        self.steps += 1
        self.tally.tried[step.name] += 1
        if step.name == "redeem":
            self._compare_can_redeem(*step.arguments[:3])
        if step.name in {"settle", "order_with_authorization"}:
            self._compare_signed(step)
        outcomes, refused, expected = None, None, []
        try:
            expected = getattr(self.model, step.name)(step.caller, *step.arguments)
        except Refused as refusal:
            refused = refusal
        if step.name == "settle" and refused is None:
            expected, outcomes = expected
        try:
            answer = self.engine.apply(step.name, step.caller, step.arguments)
        except Reverted as reverted:
            if refused is None:
                raise Disagreement(
                    f"the model does it, the contract refuses it with {show_revert(reverted.data)}"
                ) from None
            self._compare_refusal(refused, reverted.data)
        else:
            if refused is not None:
                raise Disagreement(f"the contract does it, the model refuses it with {refused}") from None
            self.tally.succeeded[step.name] += 1
            self.log += [(self.model.now, raw) for raw in self.engine.events]
            self._compare_events(expected, self.engine.events)
            if outcomes is not None:
                self._compare_outcomes(outcomes, words(answer))
        self._compare_after(step)

    def compare_rebuilt(self) -> None:
        """Keep the books a third time, from events alone, and compare them with what the contract has stored."""
        books, now = Rebuilt(self.log), self.model.now
        for plan_id in self.model.plans:
            for holder in self.people:
                key = (plan_id, holder)
                rebuilt = (books.balance(plan_id, holder, now), books.settled[key], books.until[key])
                self._same(f"books of {holder:#x} on {plan_id:#x}", self.engine.account(plan_id, holder)[:3], rebuilt)

    # ------------------------------------------------------------------ one step

    def _compare_refusal(self, refused: Refused, data: bytes) -> None:
        named = [fault for fault in refused.faults if fault.data == data]
        if refused.faults and not named:
            raise Disagreement(f"the model refuses it with {refused}, the contract with {show_revert(data)}")
        if named:
            self.tally.refusals[named[0].name] += 1
            self.tally.first_listed[named[0] == refused.faults[0]] += 1

    def _compare_events(self, expected: list[Expected], actual: list[RawEvent]) -> None:
        missing, left = [], list(actual)
        for choices in expected:
            found = next((raw for raw in left if raw in choices), None)
            if found is None:
                missing.append(choices)
            else:
                left.remove(found)
        if missing or left:
            raise Disagreement(
                f"events: the model misses {show_events(missing)}; besides there are {show_events([left])}"
            )

    def _compare_outcomes(self, outcomes: list[tuple[int, int]], answer: list[int]) -> None:
        actual = list(zip(answer[2::2], answer[3::2], strict=True))
        for index, (expected, pair) in enumerate(zip(outcomes, actual, strict=True)):
            if pair != expected:
                raise Disagreement(f"item {index}: the model says {expected}, the contract {pair}")

    def _compare_can_redeem(self, plan_id: int, holder: int, amount: int) -> None:
        faults = self.model.redeem_faults(plan_id, holder, amount)
        able, reason = self.engine.read("canRedeem(uint256,address,uint256)", plan_id, holder, amount)
        reasons = {int.from_bytes(fault.data[:4].ljust(32, b"\0"), "big") for fault in faults} or {0}
        if bool(able) is bool(faults) or reason not in reasons:
            raise Disagreement(f"canRedeem: the model says {faults}, the contract {bool(able)}, {reason:064x}")

    def _compare_signed(self, step: Step) -> None:
        """Compare what the contract says is to be signed with what is signed here."""
        if step.name == "settle":
            for item in step.arguments[1][:1]:
                digest = int.from_bytes(self.engine.voucher_digest(item.signed, self.model.chain_id), "big")
                signature = "voucherDigestOf((uint256,address,address,uint64,bytes32,uint64))"
                self._same("digest", self.engine.read(signature, item.signed), [digest])
        else:
            order = step.arguments[2]
            nonce = self.engine.authorization_nonce(order, self.model.chain_id)
            self._same("nonce", self.engine.read(f"authorizationNonceOf({ORDER})", order), [nonce])

    # ------------------------------------------------------------------ state

    def _compare_after(self, step: Step) -> None:
        if self.steps % EVERYTHING_EACH == 0:
            self.compare_everything()
            return
        recent = list(self.model.plans)[-FOCUS:]
        self._compare_balances(recent)
        touched = [value for value in step.arguments if isinstance(value, int) and value in self.model.plans]
        for plan_id in touched:
            self._compare_plan(plan_id)
        if step.name in MONEY_STEPS:
            self._compare_money()

    def compare_everything(self) -> None:
        """Compare all that can be read, of every plan."""
        plan_ids = list(self.model.plans)
        self._compare_balances(plan_ids)
        for plan_id in plan_ids:
            self._compare_plan(plan_id)
            self._compare_settings(plan_id)
        self._compare_money()
        for holder in self.people:
            for operator in self.people:
                approved = self.engine.read("isApprovedForAll(address,address)", holder, operator)[0]
                self._same("approval", bool(approved), (holder, operator) in self.model.approvals)
        for signature, constant in CONSTANTS.items():
            self._same(signature, self.engine.read(signature), [constant])
        domain = encode(0x0F << 248, "nvm_chain Credits", "1", self.model.chain_id, self.engine.credits, 0, [])
        self._same("eip712Domain", self.engine.read("eip712Domain()"), words(domain))
        fee = self.engine.read("protocolFee()")
        self._same("protocol fee", fee, [self.model.fee_bps, self.model.fee_receiver])

    def _compare_balances(self, plan_ids: list[int]) -> None:
        if not plan_ids:
            return
        model = [self.model.balance(plan_id, holder) for plan_id in plan_ids for holder in self.people]
        actual = self.engine.balances(self.people, plan_ids)
        if actual != model:
            at = next(i for i, pair in enumerate(zip(actual, model, strict=True)) if pair[0] != pair[1])
            plan_id, holder = plan_ids[at // len(self.people)], self.people[at % len(self.people)]
            self._same(f"balance of {holder:#x} on {plan_id:#x}", actual[at], model[at])

    def _compare_plan(self, plan_id: int) -> None:
        plan = self.model.plans[plan_id]
        live = 0
        for holder in self.people:
            account = self.model.account(plan_id, holder)
            live += account[0]
            self._same(f"account of {holder:#x} on {plan_id:#x}", self.engine.account(plan_id, holder), account)
            until = self.engine.read("accessUntil(uint256,address)", plan_id, holder)[0]
            self._same("accessUntil", until, account[2])
            if plan.terms.expires:
                page = 1 + (self.steps + holder) % 4
                actual = self.engine.lots(plan_id, holder, page)
                self._same(f"lots of {holder:#x} on {plan_id:#x}", merge(actual), self.model.lots(plan_id, holder))
                self._same("sum of lots", sum(credits for credits, _ in actual), account[0])
        # I2
        self._same("sum of live balances", live, plan.granted - plan.redeemed - plan.burned - plan.expired)

    def _compare_settings(self, plan_id: int) -> None:
        plan = self.model.plans[plan_id]
        state = [plan.owner, plan.pending_owner, int(plan.active), plan.fee_bps]
        self._same("state", self.engine.read("stateOf(uint256)", plan_id), state)
        terms = self.engine.read("termsOf(uint256)", plan_id)
        self._same("terms", terms, words(encode(plan.terms.as_value())))
        self._same("uri", self.engine.read("uri(uint256)", plan_id), words(encode(plan.uri)))
        for account in self.people:
            for role in ("redeemer", "minter"):
                allowed = bool(self.engine.read(f"is{role.title()}(uint256,address)", plan_id, account)[0])
                self._same(role, allowed, self.model.is_allowed(role, plan_id, account))
            self._compare_quote(plan_id, account, 1)
            self._compare_quote(plan_id, account, 3)
        for reference in [*range(6), *list(plan.references)[:6]]:
            used = bool(self.engine.read("isReferenceUsed(uint256,bytes32)", plan_id, reference)[0])
            self._same("reference", used, reference in plan.references)

    def _compare_quote(self, plan_id: int, payer: int, quantity: int) -> None:
        try:
            expected: int | Refused = self.model.quote(plan_id, payer, quantity)
        except Refused as refused:
            expected = refused
        try:
            actual = self.engine.read("quote(uint256,address,uint256)", plan_id, payer, quantity)[0]
        except Reverted as reverted:
            if not isinstance(expected, Refused) or reverted.data not in [fault.data for fault in expected.faults]:
                raise Disagreement(f"quote: {reverted} instead of {expected}") from None
        else:
            self._same("quote", actual, expected)

    def _compare_money(self) -> None:
        tokens, coins = self.model.money[self.engine.token], self.model.money[COIN]
        for account in self.payees:
            self._same(f"tokens of {account:#x}", self.engine.tokens(account), tokens.balances[account])
            self._same(f"coins of {account:#x}", self.engine.coins(account), coins.balances[account])
        for account in self.people:
            self._same(f"allowance of {account:#x}", self.engine.allowance(account), tokens.allowances[account])
        # I1
        self._same("tokens of Credits", self.engine.tokens(self.engine.credits), 0)
        self._same("coins of Credits", self.engine.coins(self.engine.credits), 0)

    def _same(self, what: str, actual: object, expected: object) -> None:
        if actual != expected:
            raise Disagreement(f"{what}: the model says {expected}, the contract {actual}")


def merge(lots: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return lots with those of one second as one, in the order given."""
    merged: dict[int, int] = defaultdict(int)
    for credits, expiry in lots:
        merged[expiry] += credits
    return [(credits, expiry) for expiry, credits in merged.items()]


def show_revert(data: bytes) -> str:
    """Return what a revert carries for a human."""
    names = {selector(signature): name for name, signature in ERRORS.items()}
    if not data:
        return "no data"
    return f"{names.get(data[:4], data[:4].hex())}{tuple(hex(word) for word in words(data[4:]))}"


def show_events(groups: list) -> str:
    """Return events for a human."""
    names = {topic(signature): name for name, signature in EVENTS.items()}
    lines = []
    for raw in (raw for group in groups for raw in group):
        topics, data = raw
        lines.append(
            f"{names.get(topics[0], hex(topics[0]))}{[hex(t) for t in topics[1:]]}{[hex(w) for w in words(data)]}"
        )
    return "; ".join(lines) or "nothing"
