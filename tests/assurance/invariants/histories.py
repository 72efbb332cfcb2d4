"""Random histories: what many people might do to many plans, mostly sensible, often enough not.

A history depends on its seed alone, and each step of it is plain data, so that it can be done again without the chance.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.assurance.invariants.engine import Engine
from tests.assurance.invariants.facts import (
    COIN,
    CREDITS,
    HOLDER,
    MAX_CREDITS,
    MAX_EXPIRING_CREDITS,
    MAX_FEE_BPS,
    MAX_PERIODS,
    MAX_QUANTITY,
    MAX_TOTAL,
    NEVER,
    ON_FIRST_USE,
    ON_PURCHASE,
    TIME,
    USAGE,
    Refused,
    SettlementItem,
    Terms,
)
from tests.assurance.invariants.model import Model

FOCUS = 10
"""Most steps are about this many plans: those registered last."""
DAY = 86_400
MOODS: dict[str, dict[str, int]] = {
    "usual": {},
    # Terms of every sort, of which many make no plan.
    "terms": {"register_plan": 200},
    # Amounts as large as they may be, over and over, so that counters go round.
    "numbers": {"register_plan": 1, "mint": 60, "burn": 50, "redeem": 20, "settle": 30, "move_time": 12},
}
"""What a history does more of than others."""

TRANSFERABLE = Terms(
    kind=CREDITS,
    activation=ON_PURCHASE,
    token=COIN,
    splits=(),
    quoter=0,
    paid_externally=False,
    credits=100,
    duration=0,
    min_redeem=1,
    max_redeem=10,
    rule=HOLDER,
    trial=False,
    transferable=True,
)
PAID_BY_USE = replace(TRANSFERABLE, kind=USAGE, credits=0, min_redeem=0, max_redeem=0, transferable=False)


@dataclass(frozen=True)
class Step:
    """One operation, of the model and the engine alike."""

    name: str
    caller: int
    arguments: tuple


class Historian:
    """Makes up the next step from what the model knows."""

    def __init__(self, model: Model, engine: Engine, seed: int, mood: str = "usual") -> None:
        self.model, self.engine = model, engine
        self.mood = mood
        self.random = random.Random(seed)
        # Few people and few plans, where the same account is to be filled and emptied many times.
        self.people = engine.parties[:3] if mood == "numbers" else engine.parties
        self.plenty_of_plans = 3 if mood == "numbers" else 6
        self.salt = 0
        self.registered: list[tuple[int, Terms, int]] = []
        self.chain_ids = [model.chain_id]
        self.settled: list[Step] = []
        self.deadlines: list[int] = []
        self.makers: dict[str, tuple[int, Callable[[], Step]]] = {
            "register_plan": (4, self._register_plan),
            "set_protocol_fee": (3, self._set_protocol_fee),
            "set_plan_uri": (2, self._set_plan_uri),
            "set_plan_active": (2, self._set_plan_active),
            "set_redeemer": (4, lambda: self._set_role("set_redeemer")),
            "set_minter": (3, lambda: self._set_role("set_minter")),
            "transfer_plan_ownership": (5, self._transfer_plan_ownership),
            "accept_plan_ownership": (2, self._accept_plan_ownership),
            "order": (14, self._order),
            "order_with_permit": (5, self._order_with_permit),
            "order_with_authorization": (7, self._order_with_authorization),
            "pay_usage": (5, self._pay_usage),
            "mint": (8, self._mint),
            "mint_batch": (5, self._mint_batch),
            "grant_external": (5, self._grant_external),
            "redeem": (14, self._redeem),
            "settle": (12, self._settle),
            "burn": (9, self._burn),
            "set_approval_for_all": (3, self._set_approval_for_all),
            "safe_transfer_from": (6, lambda: self._transfer(1)),
            "safe_batch_transfer_from": (4, lambda: self._transfer(self.random.choice((0, 1, 2, 2, 3)))),
            "fund": (1, self._fund),
            "approve": (2, self._approve),
            "block": (2, self._block),
            "set_unit_price": (2, self._set_unit_price),
            "move_time": (12, self._move_time),
            "fork": (2, self._fork),
        }

    def next_step(self) -> Step:
        """Return the next step. The first ones see to it that everybody has money and there are plans."""
        started = len(self.model.plans)
        if started < self.plenty_of_plans and self.random.random() < 0.5:
            return self._register_plan()
        weights = [MOODS[self.mood].get(name, weight) for name, (weight, _) in self.makers.items()]
        name = self.random.choices(list(self.makers), weights)[0]
        return self.makers[name][1]()

    def opening(self) -> list[Step]:
        """Return the first steps: everybody has tokens and has allowed Credits to take them, and there are
        plans to transfer of and to pay."""
        steps = [Step("fund", person, (10**15,)) for person in self.people]
        steps += [
            Step("register_plan", self.people[0], (terms, 0, "", MAX_FEE_BPS)) for terms in (TRANSFERABLE, PAID_BY_USE)
        ]
        return steps + [Step("approve", person, (10**14,)) for person in self.people]

    # ------------------------------------------------------------------ choices

    def _chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def _pick(self, *choices: int) -> int:
        return self.random.choice(choices)

    def _person(self) -> int:
        return self.random.choice(self.people)

    def _receiver(self) -> int:
        if self._chance(0.93):
            return self._person()
        return self._pick(0, self.engine.no_hook, self.engine.token, self.engine.credits)

    def _receiver_of(self, plan_id: int, payer: int) -> int:
        """Return who an order is for: of a trial mostly who pays."""
        plan = self.model.plans.get(plan_id)
        return payer if plan and plan.terms.trial and self._chance(0.8) else self._receiver()

    def _chain_id(self) -> int:
        """Return the chain that something is signed for: this one, or now and then one of before."""
        return self.random.choice(self.chain_ids) if self._chance(0.05) else self.model.chain_id

    def _any_plan(self, wanted: Callable[[Terms], bool] = lambda terms: True, share: float = 0.85) -> int:
        """Return a plan, usually one that fits; now and then one that nobody registered."""
        if not self.model.plans or self._chance(0.01):
            return self.random.randrange(2**256)
        recent = list(self.model.plans)[-FOCUS:]
        fitting = [plan_id for plan_id in recent if wanted(self.model.plans[plan_id].terms)]
        return self.random.choice(fitting if fitting and self._chance(share) else recent)

    def _held(self, wanted: Callable[[Terms], bool] = lambda terms: True) -> tuple[int, int]:
        """Return a plan and somebody who has credits of it, or nearly."""
        fitting = [plan_id for plan_id, plan in self.model.plans.items() if wanted(plan.terms)]
        pairs = [
            (plan_id, person)
            for plan_id in fitting[-FOCUS:]
            for person in self.people
            if self.model.balance(plan_id, person)
        ]
        return self.random.choice(pairs) if pairs and self._chance(0.9) else (self._any_plan(), self._person())

    def _owner_of(self, plan_id: int, share: float = 0.8) -> int:
        plan = self.model.plans.get(plan_id)
        return plan.owner if plan and self._chance(share) else self._near(plan_id)

    def _near(self, plan_id: int, holder: int | None = None) -> int:
        """Return anybody, mostly somebody who has some right of a plan or of a holder's, which may be the wrong one."""
        plan = self.model.plans.get(plan_id)
        if plan is None or self._chance(0.3):
            return self._person()
        groups = [
            [plan.owner],
            [self.engine.issuer],
            [holder] if holder else [],
            [person for person in self.people if self.model.is_allowed("redeemer", plan_id, person)],
            [person for person in self.people if self.model.is_allowed("minter", plan_id, person)],
            [person for person in self.people if (holder, person) in self.model.approvals],
        ]
        if plan.pending_owner and self._chance(0.25):
            return plan.pending_owner
        return self.random.choice(self.random.choice([group for group in groups if group]))

    def _with_role(self, role: str, plan_id: int) -> int:
        plan = self.model.plans.get(plan_id)
        helpers = [person for person in self.people if self.model.is_allowed(role, plan_id, person)]
        if plan is None or self._chance(0.15):
            return self._near(plan_id)
        return self.random.choice([plan.owner, *helpers])

    def _around(self, number: int) -> int:
        """Return a number of interest up to a limit: the limit, beside it, or well below."""
        exact = (number, number, number + 1, max(0, number - 1), 1)
        return self.random.choice(exact) if self._chance(0.6) else self.random.randint(0, max(1, number))

    def _context(self) -> int:
        return self.random.randrange(2**256)

    # ------------------------------------------------------------------ plans

    def _terms(self) -> Terms:
        counted = self.mood == "numbers"
        kind = self.random.choices((CREDITS, TIME, USAGE), (9, 1, 0) if counted else (6, 3, 2))[0]
        activation = self._pick(ON_PURCHASE, ON_FIRST_USE) if kind == TIME else ON_PURCHASE
        redeemed = kind == CREDITS or activation == ON_FIRST_USE
        durations = (3600, DAY, 9 * DAY) if counted else (1, 2, 60, 3600, 3600, DAY, DAY, 2**32 - 1)
        duration = 0 if kind == USAGE or (kind == CREDITS and self._chance(0.5)) else self.random.choice(durations)
        outside = kind != USAGE and self._chance(0.08)
        free = outside or self._chance(0.1)
        least = self.random.choice((1, 1, 1, 2, 5)) if redeemed else 0
        most = least + self.random.choice((0, 1, 10, 1000, 2**32 - 6)) if redeemed else 0
        count = 0 if free else self.random.choice((1, 1, 1, 2, 2, 3, 5, 16))
        quoted = count > 0 and self._chance(0.3)
        quoters = (self.engine.quoter,) * 18 + tuple(self.engine.broken_quoters)
        plenty = self.random.choice((1, 2, 10, 100, 1000, 2**32 - 1))
        return Terms(
            kind=kind,
            activation=activation,
            token=COIN if outside else self.random.choices((self.engine.token, COIN), (4, 1))[0],
            splits=tuple(self._split(quoted) for _ in range(count)),
            quoter=self.random.choice(quoters) if quoted else 0,
            paid_externally=outside,
            credits=0 if kind == USAGE else plenty,
            duration=duration,
            min_redeem=least,
            max_redeem=most,
            rule=self._pick(0, 1, 2) if redeemed else HOLDER,
            trial=kind != USAGE and not counted and self._chance(0.1),
            transferable=kind == CREDITS and duration == 0 and self._chance(0.75),
        )

    def _split(self, quoted: bool) -> tuple[int, int]:
        odd = (self.engine.no_hook, self.engine.rejects_coin)
        receiver = self.random.choice(odd) if self._chance(0.08) else self._person()
        amounts = (1, 3, 7, 999, 10_001, 2**96 - 1 if quoted else 5_000_000)
        return (receiver, self.random.choice(amounts))

    def _spoilt(self, terms: Terms) -> Terms:
        """Return terms with one term as it should perhaps not be."""
        one = (self._person(), 1)
        changes: list[dict] = [
            {"kind": self._pick(0, 1, 2)},
            {"activation": self._pick(0, 1)},
            {"token": self._pick(self._person(), self.engine.token, COIN)},
            {"quoter": self._pick(self._person(), self.engine.quoter, 0)},
            {"paid_externally": not terms.paid_externally},
            {"credits": self._pick(0, 1)},
            {"duration": self._pick(0, 1)},
            {"min_redeem": self._pick(0, 1, terms.max_redeem + 1 if terms.max_redeem < 2**32 - 1 else 0)},
            {"max_redeem": self._pick(0, 1, 2)},
            {"rule": self._pick(0, 1, 2)},
            {"trial": not terms.trial},
            {"transferable": not terms.transferable},
            {"splits": ()},
            {"splits": (one,) * self._pick(15, 16, 17)},
            {"splits": (one, (self._pick(0, self.engine.credits, self._person()), self._pick(0, 1)))},
        ]
        return replace(terms, **self.random.choice(changes))

    def _register_plan(self) -> Step:
        caller, terms = self.random.choice(self.people[:3]), self._terms()
        for _ in range(self.random.choice((1, 1, 2) if self.mood == "terms" else (0, 0, 0, 1, 1, 2))):
            terms = self._spoilt(terms)
        self.salt += 1
        salt = self.salt
        if self.registered and self._chance(0.05):
            # The same again, which is another plan only on another chain.
            caller, terms, salt = self.random.choice(self.registered)
        self.registered.append((caller, terms, salt))
        uri = self.random.choice(("", "ipfs://plan", "https://builder.example/plans/" + "x" * 40))
        fee = self.model.fee_bps
        most = self._pick(fee, fee, MAX_FEE_BPS, 2**16 - 1) if self._chance(0.97) else max(0, fee - 1)
        return Step("register_plan", caller, (terms, salt, uri, most))

    def _set_protocol_fee(self) -> Step:
        caller = self.engine.issuer if self._chance(0.8) else self._person()
        receiver = self._pick(*self.people, self.engine.rejects_coin, 0, self.engine.credits)
        return Step("set_protocol_fee", caller, (self._pick(0, 1, 250, 999, 1000, 1001), receiver))

    def _set_plan_uri(self) -> Step:
        plan_id = self._any_plan()
        return Step("set_plan_uri", self._owner_of(plan_id), (plan_id, "ipfs://other"))

    def _set_plan_active(self) -> Step:
        plan_id = self._any_plan()
        return Step("set_plan_active", self._owner_of(plan_id), (plan_id, self._chance(0.85)))

    def _set_role(self, name: str) -> Step:
        plan_id = self._any_plan()
        return Step(name, self._owner_of(plan_id), (plan_id, self._person(), self._chance(0.75)))

    def _transfer_plan_ownership(self) -> Step:
        plan_id = self._any_plan()
        new_owner = 0 if self._chance(0.1) else self._person()
        return Step("transfer_plan_ownership", self._owner_of(plan_id), (plan_id, new_owner))

    def _accept_plan_ownership(self) -> Step:
        offered = [plan_id for plan_id, plan in self.model.plans.items() if plan.pending_owner]
        if offered and self._chance(0.85):
            plan_id = self.random.choice(offered)
            pending = self.model.plans[plan_id].pending_owner
            return Step("accept_plan_ownership", pending if self._chance(0.9) else self._person(), (plan_id,))
        return Step("accept_plan_ownership", self._person(), (self._any_plan(),))

    # ------------------------------------------------------------------ orders

    def _quantity(self, plan_id: int) -> int:
        plan = self.model.plans.get(plan_id)
        if plan and plan.terms.trial and self._chance(0.9):
            return 1
        large = (0, MAX_QUANTITY, MAX_QUANTITY + 1, 2**255)
        return self.random.choice((1, 1, 1, 2, 3, 10)) if self._chance(0.93) else self.random.choice(large)

    def _cost(self, plan_id: int, payer: int, quantity: int) -> int:
        try:
            return self.model.quote(plan_id, payer, quantity)
        except Refused:
            return 0

    def _max_cost(self, cost: int) -> int:
        choices = (*(cost,) * 8, cost + 1, cost + 1000, cost + 1000, max(0, cost - 1))
        return min(self.random.choice(choices), 2**256 - 1)

    def _coin_for(self, plan_id: int, cost: int) -> int:
        plan = self.model.plans.get(plan_id)
        right = cost if plan and plan.terms.token == COIN else 0
        return right if self._chance(0.93) or right > 10**25 else right + 1

    def _order(self) -> Step:
        plan_id = self._any_plan(lambda terms: terms.kind != USAGE and not terms.paid_externally)
        caller, quantity = self._person(), self._quantity(plan_id)
        cost = self._cost(plan_id, caller, quantity)
        value = self._coin_for(plan_id, cost)
        if value > 10**27:
            value = 0
        return Step(
            "order", caller, (plan_id, self._receiver_of(plan_id, caller), quantity, self._max_cost(cost), value)
        )

    def _order_with_permit(self) -> Step:
        plan_id = self._any_plan(lambda t: t.kind != USAGE and not t.paid_externally and t.token != COIN, 0.92)
        caller, quantity = self._person(), self._quantity(plan_id)
        max_cost = self._max_cost(self._cost(plan_id, caller, quantity))
        nonce = self.model.money[self.engine.token].nonces[caller]
        own = self.engine.wallet_key if caller == self.engine.wallet else caller
        good = (own, max_cost, nonce, self.model.now + self._pick(0, 1, 1000))
        bad = self.random.choice(
            (
                (self._person_with_key(), *good[1:]),
                (own, max_cost + 1, *good[2:]),
                (*good[:2], nonce + 1, good[3]),
                (*good[:3], self.model.now - 1),
            )
        )
        permit = good if self._chance(0.8) else bad
        receiver = self._receiver_of(plan_id, caller)
        return Step("order_with_permit", caller, (plan_id, receiver, quantity, max_cost, *permit))

    def _person_with_key(self) -> int:
        return self.random.choice([person for person in self.people if person != self.engine.wallet])

    def _order_with_authorization(self) -> Step:
        plan_id = self._any_plan(lambda t: t.kind != USAGE and not t.paid_externally and t.token != COIN, 0.92)
        payer, quantity, now = self._person(), self._quantity(plan_id), self.model.now
        max_cost = self._max_cost(self._cost(plan_id, payer, quantity))
        after = now - self._pick(0, *(1,) * 8, 1000)
        before = now + self._pick(0, *(1,) * 8, 2, 1000)
        salt = 0 if self._chance(0.1) else self._context()
        signed = (plan_id, payer, self._receiver_of(plan_id, payer), quantity, max_cost, after, before, salt)
        order = list(signed)
        if self._chance(0.1):
            position = self.random.randrange(8)
            order[position] = self._person() if position in {1, 2} else order[position] ^ 1
        signer = self.engine.wallet_key if payer == self.engine.wallet else payer
        if self._chance(0.03):
            signer = self._person_with_key()
        return Step("order_with_authorization", self._person(), (tuple(order), signer, signed, self._chain_id()))

    def _pay_usage(self) -> Step:
        plan_id = self._any_plan(lambda terms: terms.kind == USAGE, 0.93)
        caller, quantity = self._person(), self._quantity(plan_id)
        cost = self._cost(plan_id, caller, quantity)
        value = self._coin_for(plan_id, cost)
        if value > 10**27:
            value = 0
        return Step("pay_usage", caller, (plan_id, quantity, self._max_cost(cost), self._context(), value))

    # ------------------------------------------------------------------ credits

    def _amount_to_mint(self, plan_id: int, to: int) -> int:
        if self._chance(0.5 if self.mood == "numbers" else 0.9):
            return self.random.choice((1, 2, 5, 100, 1000))
        plan = self.model.plans.get(plan_id)
        most = MAX_EXPIRING_CREDITS if plan and plan.terms.expires else MAX_CREDITS
        if plan and plan.terms.opens_at_once:
            most = MAX_PERIODS
        room = most - min(most, self.model.balance(plan_id, to))
        large = (room // 2, room // 3, room, room, room + 1, max(0, room - 1))
        return self.random.choice(large if self.mood == "numbers" else (0, *large[2:], 2**64, 2**128, 2**256 - 1))

    def _mint(self) -> Step:
        plan_id = self._any_plan(lambda terms: terms.kind != USAGE, 0.9)
        to = self._receiver()
        return Step("mint", self._with_role("minter", plan_id), (plan_id, to, self._amount_to_mint(plan_id, to)))

    def _mint_batch(self) -> Step:
        plan_id = self._any_plan(lambda terms: terms.kind != USAGE, 0.9)
        to = [self._receiver() for _ in range(self.random.randrange(5))]
        amounts = [self._amount_to_mint(plan_id, receiver) for receiver in to]
        if self._chance(0.05):
            amounts.append(1)
        return Step("mint_batch", self._with_role("minter", plan_id), (plan_id, to, amounts))

    def _grant_external(self) -> Step:
        plan_id = self._any_plan(lambda terms: terms.kind != USAGE, 0.9)
        used = list(self.model.plans[plan_id].references) if plan_id in self.model.plans else []
        reference = self.random.choice([*used, self.random.randrange(6)]) if self._chance(0.4) else self._context()
        arguments = (plan_id, self._receiver(), self._quantity(plan_id), reference)
        return Step("grant_external", self._with_role("minter", plan_id), arguments)

    def _redeem(self) -> Step:
        plan_id, holder = self._held(lambda terms: terms.is_redeemed)
        plan = self.model.plans.get(plan_id)
        if plan is None:
            return Step("redeem", holder, (plan_id, holder, 1, 0))
        entitled = [person for person in self.people if self.model._may_redeem(plan_id, holder, person)]
        caller = self.random.choice(entitled) if entitled and self._chance(0.85) else self._near(plan_id, holder)
        low, high, balance = plan.terms.min_redeem, plan.terms.max_redeem, self.model.balance(plan_id, holder)
        usual = self.random.choice((low, max(low, min(high, balance)), max(low, min(high, balance // 2))))
        amount = usual if self._chance(0.85) else self._around(self._pick(low, high, balance))
        return Step("redeem", caller, (plan_id, holder, amount, self._context()))

    def _burn(self) -> Step:
        plan_id, holder = self._held()
        operators = [person for person in self.people if (holder, person) in self.model.approvals]
        caller = self.random.choice([holder, holder, *operators]) if self._chance(0.9) else self._near(plan_id, holder)
        balance = self.model.balance(plan_id, holder)
        amount = self._around(balance) if self._chance(0.4) else self.random.randint(0, min(balance, 3))
        return Step("burn", caller, (plan_id, holder, amount))

    def _settle(self) -> Step:
        if self.settled and self._chance(0.15):
            # A batch once more, by who sent it or by another settler.
            again = self.random.choice(self.settled[-6:])
            caller = again.caller if self._chance(0.6) else self._with_role("redeemer", again.arguments[0])
            return replace(again, caller=caller)
        plan_id = self._any_plan(lambda terms: terms.kind == CREDITS and not terms.transferable, 0.95)
        caller = self._with_role("redeemer", plan_id)
        items = [self._item(plan_id, caller) for _ in range(self.random.choice((0, 1, 1, 2, 3, 6)))]
        if items and self._chance(0.1):
            items.append(self.random.choice(items))
        step = Step("settle", caller, (plan_id, items))
        self.settled.append(step)
        return step

    def _item(self, plan_id: int, redeemer: int) -> SettlementItem:
        held = [person for person in self.people if self.model.balance(plan_id, person)]
        holder = self.random.choice(held) if held and self._chance(0.85) else self._person()
        _, settled, _, _ = self.model.account(plan_id, holder)
        balance = self.model.balance(plan_id, holder)
        most = self.random.choice((1, 2, 5, balance, balance + 1, 2**64))
        ceiling = min(MAX_TOTAL, settled + (most if self._chance(0.9) else -min(settled, 1)))
        total = self._around(ceiling) if self._chance(0.3) else settled + self._around(max(0, ceiling - settled))
        total = min(MAX_TOTAL, total)
        deadline = self.model.now + self._pick(0, 0, 1, 60, 3600, DAY)
        if self._chance(0.06):
            deadline = self.model.now - 1
        self.deadlines.append(deadline)
        context = self._context()
        signed = [plan_id, holder, redeemer, ceiling, context, deadline]
        if self._chance(0.15):
            position = self.random.choice((0, 1, 2, 2, 2, 3, 4, 5, 5))
            changed = (
                signed[0] ^ 1,
                self._person(),
                self._near(plan_id, holder),
                ceiling ^ 1,
                0,
                deadline - self._pick(-1, 1),
            )
            signed[position] = changed[position]
        signer = self.engine.wallet_key if holder == self.engine.wallet else holder
        if self._chance(0.03):
            signer = self._person_with_key()
        plan = self.model.plans.get(plan_id)
        by_rule = plan is not None and self.model._may_redeem(plan_id, holder, redeemer)
        if self._chance(0.6 if by_rule else 0.1):
            signer = 0
        made = (signed[0], signed[1], signed[2], signed[3], signed[4], signed[5])
        form = 65 if holder == self.engine.wallet else self._pick(65, 65, 64)
        return SettlementItem(holder, total, ceiling, context, deadline, signer, made, self._chain_id(), form)

    # ------------------------------------------------------------------ ERC-1155

    def _set_approval_for_all(self) -> Step:
        operator = 0 if self._chance(0.05) else self._person()
        return Step("set_approval_for_all", self._person(), (operator, self._chance(0.7)))

    def _transfer(self, count: int) -> Step:
        plan_id, holder = self._held(lambda terms: terms.transferable)
        operators = [person for person in self.people if (holder, person) in self.model.approvals]
        caller = self.random.choice([holder, holder, *operators]) if self._chance(0.9) else self._near(plan_id, holder)
        recent = list(self.model.plans)[-FOCUS:]
        fitting = [other for other in recent if self.model.plans[other].terms.transferable] or [plan_id]
        plan_ids = [plan_id] + [self.random.choice(fitting) for _ in range(count - 1)] if count else []
        amounts = []
        to = self._receiver()
        if self._chance(0.05):
            caller = to if to in self.people else caller
        for each in plan_ids:
            balance = self.model.balance(each, holder)
            amounts.append(self._around(balance) if self._chance(0.3) else self.random.randint(0, balance // 2))
        if count == 1 and self._chance(0.8):
            return Step("safe_transfer_from", caller, (holder, to, plan_ids[0], amounts[0]))
        if self._chance(0.04):
            amounts.append(1)
        return Step("safe_batch_transfer_from", caller, (holder, to, plan_ids, amounts))

    # ------------------------------------------------------------------ the world around

    def _fund(self) -> Step:
        return Step("fund", self._person(), (10**13,))

    def _approve(self) -> Step:
        amount = self.random.choice((*(10**14,) * 8, 2**256 - 1, 1000, 0))
        return Step("approve", self._person(), (amount,))

    def _block(self) -> Step:
        blocked = list(self.model.money[self.engine.token].blocked)
        if blocked and self._chance(0.9):
            return Step("block", self.engine.issuer, (self.random.choice(blocked), False))
        return Step("block", self.engine.issuer, (self._person(), True))

    def _set_unit_price(self) -> Step:
        usual = (0, 1, 10, 12_345, 1_000_003, 5_000_000)
        odd = (2**128 - 1, 2**128, 2**255, 2**256 - 1)
        price = self.random.choice(usual if self._chance(0.9) else odd)
        return Step("set_unit_price", self._person(), (self._person(), price))

    def _move_time(self) -> Step:
        """Land on a second where something ends, one before, one after, or anywhere."""
        now = self.model.now
        if self._chance(0.5):
            return Step("move_time", 0, (self.random.choice((1, 2, 30, 600, 3600, DAY // 2)),))
        ends = [
            end
            for holding in self.model.holdings.values()
            for end in (holding.until, *(expiry for _, expiry in holding.lots))
            if now < end < NEVER
        ]
        ends += [deadline for deadline in self.deadlines[-10:] if deadline > now]
        near = [end for end in sorted(set(ends))[:8] if end - now < 40 * DAY] or [now + 2]
        end = self.random.choice(near) + self._pick(-1, 0, 0, 1)
        return Step("move_time", 0, (max(0, end - now),))

    def _fork(self) -> Step:
        """The chain splits, seldom; or the history goes on on a side it was on before, with what was signed there."""
        chain_id = self._pick(*self.chain_ids, self.random.randrange(1, 2**63))
        if chain_id not in self.chain_ids:
            self.chain_ids.append(chain_id)
        return Step("fork", 0, (chain_id,))
