"""What Credits should do, written down a second time: from the documentation alone, in plain Python, naive on purpose.

Every purchase stays a list entry of its own, credits are taken one lot at a time, windows are sums, money is a table of
balances. Nothing here is clever, packed or fast, so that what the contract saves cannot be saved wrongly in the same way here.

An operation returns the events it expects, or raises `Refused` with the errors that may meet it: where several rules are broken
at once, the documentation does not say which one is named.
"""

import copy
from collections import defaultdict
from dataclasses import dataclass, field

from tests.assurance.invariants.abi import hash_words, selector, text_word
from tests.assurance.invariants.facts import (
    ALREADY_SETTLED,
    BPS,
    COIN,
    CREDITS,
    ERRORS,
    EXPIRED,
    HOLDER,
    MAX_CREDITS,
    MAX_EXPIRING_CREDITS,
    MAX_FEE_BPS,
    MAX_PERIODS,
    MAX_QUANTITY,
    MAX_QUOTE,
    MAX_SPLITS,
    NEVER,
    NOT_SIGNED,
    ON_PURCHASE,
    REDEEMER,
    SETTLED,
    SHORT,
    TIME,
    USAGE,
    Expected,
    Fault,
    Refused,
    SettlementItem,
    Terms,
    event,
)


@dataclass
class Plan:
    """A plan with all that is known of it."""

    terms: Terms
    owner: int
    fee_bps: int
    uri: str
    pending_owner: int = 0
    active: bool = True
    references: set[int] = field(default_factory=set)
    granted: int = 0
    redeemed: int = 0
    burned: int = 0
    expired: int = 0


@dataclass
class Holding:
    """What one holder has of one plan: lots of (credits, expiry) in the order they came, a window, and two memories."""

    lots: list[list[int]] = field(default_factory=list)
    until: int = 0
    settled: int = 0
    trial_taken: bool = False


@dataclass
class Money:
    """One token, or the coin: who has how much, who allowed Credits how much, and who cannot be paid."""

    balances: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    allowances: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    blocked: set[int] = field(default_factory=set)
    nonces: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    used: set[tuple[int, int]] = field(default_factory=set)

    def move(self, sender: int, receiver: int, amount: int) -> bool:
        """Move money if it can be moved, and tell whether it was."""
        if {sender, receiver} & self.blocked or receiver == 0 or self.balances[sender] < amount:
            return False
        self.balances[sender] -= amount
        self.balances[receiver] += amount
        return True

    def pull(self, sender: int, receiver: int, amount: int) -> bool:
        """Move money that Credits was allowed to move."""
        if self.allowances[sender] < amount or not self.move(sender, receiver, amount):
            return False
        self.allowances[sender] -= amount
        return True


@dataclass(frozen=True)
class Purchase:
    """What every way of buying comes down to. Without a receiver, a usage plan is paid."""

    caller: int
    plan_id: int
    payer: int
    receiver: int | None
    quantity: int
    max_cost: int
    value: int
    context: int = 0
    is_signed: bool = False


class Model:
    """The books. ``now`` moves from outside."""

    def __init__(self, *, chain_id: int, address: int, owner: int, token: int, quoter: int, now: int) -> None:
        self.chain_id, self.address, self.owner, self.token = chain_id, address, owner, token
        self.quoter = quoter
        self.now = now
        self.code = {address, token, quoter}
        """Addresses with code."""
        self.no_hook = {address, token, quoter}
        """Contracts that take no credits."""
        self.wallets: dict[int, int] = {}
        """Contract wallets and whose key signs for them."""
        self.unit_price: dict[int, int] = {}
        """What the quoter was told to ask of each payer, per purchase. Any other contract names no price."""
        self.fee_bps, self.fee_receiver = 0, 0
        self.plans: dict[int, Plan] = {}
        self.holdings: dict[tuple[int, int], Holding] = defaultdict(Holding)
        self.roles: set[tuple[str, int, int, int]] = set()
        self.approvals: set[tuple[int, int]] = set()
        self.money: dict[int, Money] = defaultdict(Money)

    # ------------------------------------------------------------------ reads

    def balance(self, plan_id: int, holder: int) -> int:
        """Return the ERC-1155 balance."""
        plan, holding = self.plans.get(plan_id), self.holdings.get((plan_id, holder))
        if plan is None or holding is None:
            return 0
        if plan.terms.opens_at_once:
            left = max(0, holding.until - self.now)
            return -(-left // plan.terms.duration)
        return sum(credits for credits, expiry in holding.lots if expiry > self.now)

    def account(self, plan_id: int, holder: int) -> tuple[int, int, int, int]:
        """Return balance, settled counter, end of access and whether the trial was taken."""
        holding = self.holdings.get((plan_id, holder), Holding())
        return (self.balance(plan_id, holder), holding.settled, holding.until, int(holding.trial_taken))

    def lots(self, plan_id: int, holder: int) -> list[tuple[int, int]]:
        """Return the live lots of an expiring plan, earliest expiry first; those of one second as one."""
        plan = self.plans.get(plan_id)
        if plan is None or not plan.terms.expires:
            return []
        merged: dict[int, int] = defaultdict(int)
        for credits, expiry in self.holdings.get((plan_id, holder), Holding()).lots:
            if expiry > self.now and credits:
                merged[expiry] += credits
        return [(merged[expiry], expiry) for expiry in sorted(merged)]

    def is_allowed(self, role: str, plan_id: int, account: int) -> bool:
        """Return whether the plan's present owner gave an account a role."""
        plan = self.plans.get(plan_id)
        return plan is not None and (role, plan_id, plan.owner, account) in self.roles

    def quote(self, plan_id: int, payer: int, quantity: int) -> int:
        """Return what an order costs."""
        plan = self._plan(plan_id)
        faults = []
        if plan.terms.paid_externally:
            faults.append(Fault("PaidExternally", (plan_id,)))
        faults += self._quantity_faults(plan_id, quantity)
        dues = self._dues(plan, payer, quantity)
        if dues is None:
            faults.append(Fault("QuoteFailed", (plan_id, plan.terms.quoter)))
        if faults or dues is None:
            raise Refused(faults)
        return sum(dues)

    def redeem_faults(self, plan_id: int, holder: int, amount: int) -> list[Fault]:
        """Return what is wrong with a redemption, whoever makes it."""
        plan = self.plans.get(plan_id)
        if plan is None:
            return [Fault("UnknownPlan", (plan_id,))]
        terms = plan.terms
        if not terms.is_redeemed:
            return [Fault("NotRedeemable", (plan_id,))]
        faults = []
        if not terms.min_redeem <= amount <= terms.max_redeem:
            faults.append(Fault("RedeemOutOfRange", (plan_id, amount, terms.min_redeem, terms.max_redeem)))
        if (balance := self.balance(plan_id, holder)) < amount:
            faults.append(Fault("InsufficientCredits", (plan_id, holder, balance, amount)))
        return faults

    # ------------------------------------------------------------------ protocol fee

    def set_protocol_fee(self, caller: int, fee_bps: int, receiver: int) -> list[Expected]:
        """Set the fee of plans to come, and the receiver of all."""
        faults = []
        if caller != self.owner:
            faults.append(Fault("OwnableUnauthorizedAccount", (caller,)))
        if fee_bps > MAX_FEE_BPS:
            faults.append(Fault("FeeAboveCap", (fee_bps, MAX_FEE_BPS)))
        if receiver == self.address or (receiver == 0 and fee_bps > 0):
            faults.append(Fault("InvalidFeeReceiver", (receiver,)))
        _refuse(faults)
        self.fee_bps, self.fee_receiver = fee_bps, receiver
        return [event("ProtocolFeeSet", (receiver,), fee_bps)]

    # ------------------------------------------------------------------ plans

    def plan_id(self, creator: int, terms: Terms, salt: int) -> int:
        """Return the id of a plan."""
        return hash_words(self.chain_id, self.address, creator, terms.as_value(), salt)

    def register_plan(self, caller: int, terms: Terms, salt: int, uri: str, max_fee_bps: int) -> list[Expected]:
        """Register a plan."""
        plan_id = self.plan_id(caller, terms, salt)
        faults = self._terms_faults(terms)
        if self.fee_bps > max_fee_bps:
            faults.append(Fault("FeeAboveMax", (self.fee_bps, max_fee_bps)))
        if plan_id in self.plans:
            faults.append(Fault("PlanAlreadyRegistered", (plan_id,)))
        _refuse(faults)
        self.plans[plan_id] = Plan(terms, caller, self.fee_bps, uri)
        return [
            event("PlanRegistered", (plan_id, caller), terms.as_value(), salt, self.fee_bps),
            event("URI", (plan_id,), uri),
        ]

    def _terms_faults(self, terms: Terms) -> list[Fault]:
        faults = []
        if terms.kind != USAGE and terms.credits == 0:
            faults.append(Fault("ZeroCredits", ()))
        if terms.kind == TIME and terms.duration == 0:
            faults.append(Fault("ZeroDuration", ()))
        if terms.is_redeemed and not 1 <= terms.min_redeem <= terms.max_redeem:
            faults.append(Fault("InvalidRedeemRange", (terms.min_redeem, terms.max_redeem)))
        faults += [Fault("TermNotAllowed", (text_word(name),)) for name in self._needless_terms(terms)]
        if len(terms.splits) > MAX_SPLITS:
            faults.append(Fault("TooManySplits", (len(terms.splits), MAX_SPLITS)))
        for index, (receiver, amount) in enumerate(terms.splits):
            if amount == 0 or receiver in {0, self.address}:
                faults.append(Fault("InvalidSplit", (index, receiver, amount)))
        if terms.splits and terms.token and terms.token not in self.code:
            faults.append(Fault("TokenWithoutCode", (terms.token,)))
        if terms.quoter and terms.quoter not in self.code:
            faults.append(Fault("QuoterWithoutCode", (terms.quoter,)))
        if terms.quoter and not terms.splits:
            faults.append(Fault("QuoteWithoutReceivers", ()))
        return faults

    def _needless_terms(self, terms: Terms) -> list[str]:
        usage, outside = terms.kind == USAGE, terms.paid_externally
        for_requests = terms.kind == CREDITS
        found = {
            "credits": usage and terms.credits > 0,
            "duration": usage and terms.duration > 0,
            "trial": usage and terms.trial,
            "paidExternally": usage and outside,
            "redeem range": not terms.is_redeemed and (terms.min_redeem, terms.max_redeem) != (0, 0),
            "rule": not terms.is_redeemed and terms.rule != HOLDER,
            "activation": terms.kind != TIME and terms.activation != ON_PURCHASE,
            "transferable": terms.transferable and not (for_requests and terms.duration == 0),
            "token": outside and terms.token != 0,
            "quoter": outside and terms.quoter != 0,
            "splits": outside and len(terms.splits) > 0,
        }
        return [name for name, wrong in found.items() if wrong]

    def set_plan_uri(self, caller: int, plan_id: int, uri: str) -> list[Expected]:
        """Change where the metadata is."""
        self._owned(caller, plan_id).uri = uri
        return [event("URI", (plan_id,), uri)]

    def set_plan_active(self, caller: int, plan_id: int, active: bool) -> list[Expected]:
        """Take new orders or not."""
        self._owned(caller, plan_id).active = active
        return [event("PlanActiveSet", (plan_id,), active)]

    def set_redeemer(self, caller: int, plan_id: int, account: int, allowed: bool) -> list[Expected]:
        """Allow or forbid a redeemer."""
        self._set_role("redeemer", caller, plan_id, account, allowed)
        return [event("RedeemerSet", (plan_id, caller, account), allowed)]

    def set_minter(self, caller: int, plan_id: int, account: int, allowed: bool) -> list[Expected]:
        """Allow or forbid a minter."""
        self._set_role("minter", caller, plan_id, account, allowed)
        return [event("MinterSet", (plan_id, caller, account), allowed)]

    def _set_role(self, role: str, caller: int, plan_id: int, account: int, allowed: bool) -> None:
        self._owned(caller, plan_id)
        entry = (role, plan_id, caller, account)
        self.roles.discard(entry)
        if allowed:
            self.roles.add(entry)

    def transfer_plan_ownership(self, caller: int, plan_id: int, new_owner: int) -> list[Expected]:
        """Offer a plan to a new owner."""
        self._owned(caller, plan_id).pending_owner = new_owner
        return [event("PlanOwnershipOffered", (plan_id, caller, new_owner))]

    def accept_plan_ownership(self, caller: int, plan_id: int) -> list[Expected]:
        """Accept a plan that was offered."""
        plan = self._plan(plan_id)
        if plan.pending_owner != caller:
            raise Refused([Fault("NotPendingPlanOwner", (plan_id, caller))])
        previous, plan.owner, plan.pending_owner = plan.owner, caller, 0
        return [event("PlanOwnershipTransferred", (plan_id, previous, caller))]

    # ------------------------------------------------------------------ orders

    def order(
        self, caller: int, plan_id: int, receiver: int, quantity: int, max_cost: int, value: int
    ) -> list[Expected]:
        """Order as the caller, who pays."""
        return self._buy(Purchase(caller, plan_id, caller, receiver, quantity, max_cost, value))

    def order_with_permit(
        self, caller: int, plan_id: int, receiver: int, quantity: int, max_cost: int, *permit: int
    ) -> list[Expected]:
        """Order with a permit: of which key, over which value, nonce and deadline."""
        plan = self._plan(plan_id)
        signer, value, nonce, deadline = permit
        before = copy.deepcopy(self.money[plan.terms.token])
        if plan.terms.token != COIN:
            money = self.money[plan.terms.token]
            meant = value == max_cost and nonce == money.nonces[caller] and deadline >= self.now
            if meant and self._signs(signer, caller):
                money.allowances[caller] = max_cost
                money.nonces[caller] += 1
        try:
            return self._buy(Purchase(caller, plan_id, caller, receiver, quantity, max_cost, 0))
        except Refused:
            self.money[plan.terms.token] = before
            raise

    def order_with_authorization(
        self,
        caller: int,
        order: tuple[int, int, int, int, int, int, int, int],
        signer: int,
        signed: tuple,
        chain_id: int,
    ) -> list[Expected]:
        """Bring a signed order; ``signed`` is the order that the signer really signed, for the chain with this id."""
        plan_id, payer, receiver, quantity, max_cost, after, before, salt = order
        token = self._plan(plan_id).terms.token
        money = self.money[token]
        nonce = hash_words(self.chain_id, self.address, plan_id, payer, receiver, quantity, max_cost, salt)
        valid = after < self.now < before and signed == order and self._signs(signer, payer)
        valid = valid and chain_id == self.chain_id
        broke = money.balances[payer] < max_cost or payer in money.blocked
        faults = []
        if token not in self.code:
            faults.append(Fault("TokenWithoutCode", (token,)))
        elif token != self.token or max_cost == 0 or not valid or broke or (payer, nonce) in money.used:
            faults.append(Fault("AuthorizationFailed", (token, payer, max_cost)))
        events = self._buy(Purchase(caller, plan_id, payer, receiver, quantity, max_cost, 0, is_signed=True), faults)
        self.money[token].used.add((payer, nonce))
        return events

    def pay_usage(
        self, caller: int, plan_id: int, quantity: int, max_cost: int, context: int, value: int
    ) -> list[Expected]:
        """Pay for a request of a usage plan."""
        return self._buy(Purchase(caller, plan_id, caller, None, quantity, max_cost, value, context))

    def _buy(self, purchase: Purchase, more_faults: list[Fault] | None = None) -> list[Expected]:
        plan, plan_id, payer = self._plan(purchase.plan_id), purchase.plan_id, purchase.payer
        terms, receiver, quantity = plan.terms, purchase.receiver, purchase.quantity
        faults = self._purchase_faults(purchase) + (more_faults or [])
        dues = self._dues(plan, payer, quantity)
        if dues is None:
            raise Refused([*faults, Fault("QuoteFailed", (plan_id, terms.quoter))])
        cost = sum(dues)
        if cost > purchase.max_cost:
            faults.append(Fault("CostAboveMax", (cost, purchase.max_cost)))
        needed = cost if terms.token == COIN and not purchase.is_signed else 0
        if purchase.value != needed:
            faults.append(Fault("WrongValue", (needed, purchase.value)))
        money, forgone = copy.deepcopy(self.money[terms.token]), 0
        if {fault.name for fault in faults} <= {"ERC1155InvalidReceiver"}:
            forgone, unpaid = self._pay(money, purchase, dues)
            faults += unpaid
        _refuse(faults)
        self.money[terms.token] = money
        events = [event("FeeForgone", (plan_id, self.fee_receiver), forgone)] if forgone else []
        if receiver is None:
            return [event("UsagePaid", (plan_id, payer, purchase.context), quantity, cost), *events]
        return [
            *self._grant(purchase.caller, plan_id, receiver, terms.credits * quantity),
            event("Ordered", (plan_id, payer, receiver), quantity, cost),
            *events,
        ]

    def _purchase_faults(self, purchase: Purchase) -> list[Fault]:
        """Return what is wrong with a purchase, whatever it costs."""
        plan_id, receiver = purchase.plan_id, purchase.receiver
        terms = self.plans[plan_id].terms
        faults = []
        if not self.plans[plan_id].active:
            faults.append(Fault("PlanNotActive", (plan_id,)))
        if (terms.kind == USAGE) != (receiver is None):
            faults.append(Fault("WrongKind", (plan_id, terms.kind)))
        if terms.paid_externally:
            faults.append(Fault("PaidExternally", (plan_id,)))
        faults += self._quantity_faults(plan_id, purchase.quantity)
        if terms.trial and receiver is not None and receiver != purchase.payer:
            faults.append(Fault("TrialOrderedForOther", (plan_id, purchase.payer, receiver)))
        if receiver is not None and terms.kind != USAGE:
            faults += self._grant_faults(plan_id, receiver, terms.credits * purchase.quantity)
        return faults

    def _dues(self, plan: Plan, payer: int, quantity: int) -> list[int] | None:
        """Return what each split is due, before the fee; None if there is no price."""
        terms = plan.terms
        if not terms.quoter:
            return [amount * quantity for _, amount in terms.splits]
        if terms.quoter != self.quoter:
            return None
        cost = self.unit_price.get(payer, 0) * quantity % 2**256
        if cost > MAX_QUOTE:
            return None
        weights = [amount for _, amount in terms.splits]
        dues = [cost * weight // sum(weights) for weight in weights]
        dues[0] += cost - sum(dues)
        return dues

    def _pay(self, money: Money, purchase: Purchase, dues: list[int]) -> tuple[int, list[Fault]]:
        """Pay everybody; return the fee that was forgone, and why it fails if it does."""
        plan, payer, signed = self.plans[purchase.plan_id], purchase.payer, purchase.is_signed
        token, receivers = plan.terms.token, [receiver for receiver, _ in plan.terms.splits]
        fees = [due * plan.fee_bps // BPS for due in dues]
        nets = [due - fee for due, fee in zip(dues, fees, strict=True)]
        fee = sum(fees)
        # What a signed order has moved to the contract, the contract pays on, and is what the error names as payer.
        source = self.address if signed else payer
        if signed:
            money.move(payer, self.address, purchase.max_cost)
        send = money.move if signed or token == COIN else money.pull
        pairs = list(zip(receivers, nets, strict=True))
        unpaid = [Fault("PaymentFailed", (token, source, receiver, net)) for receiver, net in pairs]
        unpaid += [Fault("PaymentFailed", (token, source, receiver, fee)) for receiver in receivers[:1]]
        if not all(net == 0 or send(source, receiver, net) for receiver, net in pairs):
            return 0, unpaid
        forgone = 0
        if fee and not (self.fee_receiver and send(source, self.fee_receiver, fee)):
            forgone = fee
            if not send(source, receivers[0], fee):
                return 0, unpaid
        if signed:
            money.move(self.address, payer, purchase.max_cost - sum(dues))
        return forgone, []

    def _quantity_faults(self, plan_id: int, quantity: int) -> list[Fault]:
        trial = self.plans[plan_id].terms.trial
        good = quantity == 1 if trial else 1 <= quantity <= MAX_QUANTITY
        return [] if good else [Fault("InvalidQuantity", (plan_id, quantity))]

    # ------------------------------------------------------------------ credits

    def mint(self, caller: int, plan_id: int, to: int, amount: int) -> list[Expected]:
        """Give credits without payment."""
        plan = self._plan(plan_id)
        faults = self._mint_faults(plan_id, to, amount)
        if not self._is_minter(plan_id, caller):
            faults.append(Fault("NotMinter", (plan_id, caller)))
        _refuse(faults)
        assert plan.terms.kind != USAGE
        return self._grant(caller, plan_id, to, amount)

    def _mint_faults(self, plan_id: int, to: int, amount: int) -> list[Fault]:
        if self.plans[plan_id].terms.kind == USAGE:
            return [Fault("WrongKind", (plan_id, USAGE))]
        faults = [Fault("ZeroAmount", ())] if amount == 0 else []
        return faults + self._grant_faults(plan_id, to, amount)

    def mint_batch(self, caller: int, plan_id: int, to: list[int], amounts: list[int]) -> list[Expected]:
        """Give credits to many; what cannot be given is left out."""
        self._plan(plan_id)
        faults = []
        if not self._is_minter(plan_id, caller):
            faults.append(Fault("NotMinter", (plan_id, caller)))
        if self.plans[plan_id].terms.kind == USAGE:
            faults.append(Fault("WrongKind", (plan_id, USAGE)))
        if len(to) != len(amounts):
            faults.append(Fault("ERC1155InvalidArrayLength", (len(to), len(amounts))))
        _refuse(faults)
        events: list[Expected] = []
        for receiver, amount in zip(to, amounts, strict=True):
            skipped = self._mint_faults(plan_id, receiver, amount)
            reasons = {int.from_bytes(selector(ERRORS[fault.name]).ljust(32, b"\0"), "big") for fault in skipped}
            choices = [event("MintSkipped", (plan_id, receiver), amount, reason) for reason in reasons]
            events += [set().union(*choices)] if skipped else self._grant(caller, plan_id, receiver, amount)
        return events

    def grant_external(self, caller: int, plan_id: int, to: int, quantity: int, reference: int) -> list[Expected]:
        """Grant a plan for a payment made outside the chain."""
        plan = self._plan(plan_id)
        faults = []
        if not self._is_minter(plan_id, caller):
            faults.append(Fault("NotMinter", (plan_id, caller)))
        if plan.terms.kind == USAGE:
            faults.append(Fault("WrongKind", (plan_id, USAGE)))
        faults += self._quantity_faults(plan_id, quantity)
        if reference in plan.references:
            faults.append(Fault("ReferenceUsed", (plan_id, reference)))
        faults += self._grant_faults(plan_id, to, plan.terms.credits * quantity)
        _refuse(faults)
        plan.references.add(reference)
        grant = self._grant(caller, plan_id, to, plan.terms.credits * quantity)
        return [event("GrantedExternal", (plan_id, to, reference), quantity), *grant]

    def redeem(self, caller: int, plan_id: int, holder: int, amount: int, context: int) -> list[Expected]:
        """Take credits for a request."""
        faults = self.redeem_faults(plan_id, holder, amount)
        plan = self.plans.get(plan_id)
        if plan is not None and not self._may_redeem(plan_id, holder, caller):
            faults.append(Fault("RedeemNotAllowed", (plan_id, holder, caller)))
        _refuse(faults)
        assert plan is not None
        self._take(plan_id, holder, amount)
        plan.redeemed += amount
        events = [event("TransferSingle", (caller, holder, 0), plan_id, amount)]
        if plan.terms.kind == TIME:
            holding = self.holdings[plan_id, holder]
            holding.until = max(self.now, holding.until) + amount * plan.terms.duration
            events.append(event("AccessChanged", (plan_id, holder), holding.until))
        return [*events, event("Redeemed", (plan_id, holder, caller), amount, context)]

    def _may_redeem(self, plan_id: int, holder: int, caller: int) -> bool:
        plan = self.plans[plan_id]
        helper = self.is_allowed("redeemer", plan_id, caller)
        if plan.terms.rule == HOLDER:
            return caller == holder
        if plan.terms.rule == REDEEMER:
            return caller == holder or helper
        return caller == plan.owner or helper

    def settle(
        self, caller: int, plan_id: int, items: list[SettlementItem]
    ) -> tuple[list[Expected], list[tuple[int, int]]]:
        """Redeem by vouchers, or where the rule lets the caller; return the events and, of each item, credits taken and what became of it."""
        plan = self._plan(plan_id)
        faults = []
        if plan.terms.transferable or plan.terms.kind != CREDITS:
            faults.append(Fault("SettlementsNotAccepted", (plan_id,)))
        if plan.owner != caller and not self.is_allowed("redeemer", plan_id, caller):
            faults.append(Fault("NotRedeemer", (plan_id, caller)))
        _refuse(faults)
        events: list[Expected] = []
        outcomes: list[tuple[int, int]] = []
        count = total = 0
        for item in items:
            taken, result = self._settle_one(caller, plan_id, item)
            outcomes.append((taken, result))
            if taken:
                count, total = count + 1, total + taken
                events.append(event("TransferSingle", (caller, item.holder, 0), plan_id, taken))
            if result != SETTLED:
                events.append(event("NotFullySettled", (plan_id, item.holder), taken, result))
        plan.redeemed += total
        return [*events, event("Settled", (plan_id, caller), count, total)], outcomes

    def _settle_one(self, caller: int, plan_id: int, item: SettlementItem) -> tuple[int, int]:
        holding = self.holdings[plan_id, item.holder]
        # Without a signature a holder's credits are redeemed, and nothing of a voucher is read.
        by_voucher = bool(item.signer) or not self._may_redeem(plan_id, item.holder, caller)
        aim = min(item.total, item.ceiling) if by_voucher else item.total
        meant = (plan_id, item.holder, caller, item.ceiling, item.context, item.deadline)
        if by_voucher and self.now > item.deadline:
            return 0, EXPIRED
        if holding.settled >= aim:
            return 0, ALREADY_SETTLED
        signed = item.signed == meant and item.chain_id == self.chain_id and self._signs(item.signer, item.holder)
        if by_voucher and not signed:
            return 0, NOT_SIGNED
        wanted = aim - holding.settled
        taken = min(wanted, self.balance(plan_id, item.holder))
        self._take(plan_id, item.holder, taken)
        holding.settled += taken
        return taken, SETTLED if taken == wanted else SHORT

    def burn(self, caller: int, plan_id: int, holder: int, amount: int) -> list[Expected]:
        """Destroy credits."""
        faults = []
        if caller != holder and (holder, caller) not in self.approvals:
            faults.append(Fault("ERC1155MissingApprovalForAll", (caller, holder)))
        if amount == 0:
            faults.append(Fault("ZeroAmount", ()))
        if (balance := self.balance(plan_id, holder)) < amount:
            faults.append(Fault("InsufficientCredits", (plan_id, holder, balance, amount)))
        _refuse(faults)
        plan = self.plans[plan_id]
        plan.burned += amount
        events = [event("TransferSingle", (caller, holder, 0), plan_id, amount)]
        if plan.terms.opens_at_once:
            holding = self.holdings[plan_id, holder]
            holding.until = max(self.now, holding.until - amount * plan.terms.duration)
            events.append(event("AccessChanged", (plan_id, holder), holding.until))
        else:
            self._take(plan_id, holder, amount)
        return events

    # ------------------------------------------------------------------ ERC-1155

    def set_approval_for_all(self, caller: int, operator: int, approved: bool) -> list[Expected]:
        """Approve an operator or not."""
        if operator == 0:
            raise Refused([Fault("ERC1155InvalidOperator", (0,))])
        self.approvals.discard((caller, operator))
        if approved:
            self.approvals.add((caller, operator))
        return [event("ApprovalForAll", (caller, operator), approved)]

    def safe_transfer_from(self, caller: int, holder: int, to: int, plan_id: int, amount: int) -> list[Expected]:
        """Transfer credits of one plan."""
        self._transfer(caller, holder, to, [plan_id], [amount])
        return [event("TransferSingle", (caller, holder, to), plan_id, amount)]

    def safe_batch_transfer_from(
        self, caller: int, holder: int, to: int, plan_ids: list[int], amounts: list[int]
    ) -> list[Expected]:
        """Transfer credits of many plans."""
        self._transfer(caller, holder, to, plan_ids, amounts)
        batch = event("TransferBatch", (caller, holder, to), plan_ids, amounts)
        if len(plan_ids) == 1:
            batch |= event("TransferSingle", (caller, holder, to), plan_ids[0], amounts[0])
        return [batch]

    def _transfer(self, caller: int, holder: int, to: int, plan_ids: list[int], amounts: list[int]) -> None:
        faults = []
        if caller != holder and (holder, caller) not in self.approvals:
            faults.append(Fault("ERC1155MissingApprovalForAll", (caller, holder)))
        if to == 0 or to in self.no_hook:
            faults.append(Fault("ERC1155InvalidReceiver", (to,)))
        if len(plan_ids) != len(amounts):
            _refuse([*faults, Fault("ERC1155InvalidArrayLength", (len(plan_ids), len(amounts)))])
        before = {key: copy.deepcopy(self.holdings[key]) for plan in plan_ids for key in ((plan, holder), (plan, to))}
        for plan_id, amount in zip(plan_ids, amounts, strict=True):
            faults += self._move(plan_id, holder, to, amount)
        if faults:
            self.holdings.update(before)
        _refuse(faults)

    def _move(self, plan_id: int, holder: int, to: int, amount: int) -> list[Fault]:
        """Move credits as far as there are some, and return what is wrong with it."""
        if plan_id not in self.plans:
            return [Fault("UnknownPlan", (plan_id,))]
        faults = []
        if not self.plans[plan_id].terms.transferable:
            faults.append(Fault("NotTransferable", (plan_id,)))
        if (balance := self.balance(plan_id, holder)) < amount:
            faults.append(Fault("InsufficientCredits", (plan_id, holder, balance, amount)))
        if faults:
            return faults
        self._take(plan_id, holder, amount)
        if self.balance(plan_id, to) + amount > MAX_CREDITS:
            faults.append(Fault("CreditsOverflow", (plan_id, to, amount)))
        self.holdings[plan_id, to].lots.append([amount, NEVER])
        return faults

    # ------------------------------------------------------------------ the world around

    def fund(self, caller: int, amount: int) -> list[Expected]:
        """Make tokens for somebody; anyone may on a chain of tests."""
        if caller in self.money[self.token].blocked:
            raise Refused([])
        self.money[self.token].balances[caller] += amount
        return []

    def approve(self, caller: int, amount: int) -> list[Expected]:
        """Allow Credits to move tokens."""
        self.money[self.token].allowances[caller] = amount
        return []

    def block(self, caller: int, account: int, blocked: bool) -> list[Expected]:
        """Let the token's issuer block an account, or end that."""
        self.money[self.token].blocked.discard(account)
        if blocked:
            self.money[self.token].blocked.add(account)
        return []

    def set_unit_price(self, caller: int, payer: int, price: int) -> list[Expected]:
        """Tell the quoter what to ask."""
        self.unit_price[payer] = price
        return []

    def fork(self, caller: int, chain_id: int) -> list[Expected]:
        """Let the chain split in two, and go on on the side with a new id: what is kept stays, what was signed does not count."""
        self.chain_id = chain_id
        return []

    def move_time(self, caller: int, seconds: int) -> list[Expected]:
        """Let time pass, and count what expires."""
        later = self.now + seconds
        for plan_id, plan in self.plans.items():
            if not plan.terms.opens_at_once:
                continue
            for (of_plan, _), holding in self.holdings.items():
                if of_plan == plan_id:
                    left = max(0, holding.until - self.now), max(0, holding.until - later)
                    plan.expired += -(-left[0] // plan.terms.duration) - -(-left[1] // plan.terms.duration)
        self.now = later
        for (plan_id, _), holding in self.holdings.items():
            gone = [lot for lot in holding.lots if lot[1] <= later]
            if gone:
                self.plans[plan_id].expired += sum(credits for credits, _ in gone)
                holding.lots = [lot for lot in holding.lots if lot[1] > later]
        return []

    # ------------------------------------------------------------------ within

    def _plan(self, plan_id: int) -> Plan:
        if plan_id not in self.plans:
            raise Refused([Fault("UnknownPlan", (plan_id,))])
        return self.plans[plan_id]

    def _owned(self, caller: int, plan_id: int) -> Plan:
        plan = self._plan(plan_id)
        if plan.owner != caller:
            raise Refused([Fault("NotPlanOwner", (plan_id, caller))])
        return plan

    def _is_minter(self, plan_id: int, caller: int) -> bool:
        return caller == self.plans[plan_id].owner or self.is_allowed("minter", plan_id, caller)

    def _signs(self, signer: int, account: int) -> bool:
        return self.wallets.get(account, account) == signer

    def _grant_faults(self, plan_id: int, to: int, amount: int) -> list[Fault]:
        faults = []
        if self.plans[plan_id].terms.trial and self.holdings.get((plan_id, to), Holding()).trial_taken:
            faults.append(Fault("TrialAlreadyTaken", (plan_id, to)))
        # Windows are bounded grant by grant: together they may last longer.
        terms = self.plans[plan_id].terms
        had = 0 if terms.opens_at_once else self.balance(plan_id, to)
        most = MAX_PERIODS if terms.opens_at_once else MAX_EXPIRING_CREDITS if terms.expires else MAX_CREDITS
        if had + amount > most:
            faults.append(Fault("CreditsOverflow", (plan_id, to, amount)))
        if to == 0 or to in self.no_hook:
            faults.append(Fault("ERC1155InvalidReceiver", (to,)))
        return faults

    def _grant(self, operator: int, plan_id: int, to: int, amount: int) -> list[Expected]:
        plan, holding = self.plans[plan_id], self.holdings[plan_id, to]
        plan.granted += amount
        holding.trial_taken = holding.trial_taken or plan.terms.trial
        events = [event("TransferSingle", (operator, 0, to), plan_id, amount)]
        if plan.terms.opens_at_once:
            holding.until = max(self.now, holding.until) + amount * plan.terms.duration
            return [*events, event("AccessChanged", (plan_id, to), holding.until)]
        expiry = self.now + plan.terms.duration if plan.terms.expires else NEVER
        holding.lots.append([amount, expiry])
        return events

    def _take(self, plan_id: int, holder: int, amount: int) -> None:
        """Take credits one lot at a time, earliest expiry first."""
        if amount == 0:
            return
        holding = self.holdings[plan_id, holder]
        for lot in sorted(holding.lots, key=lambda lot: lot[1]):
            if lot[1] > self.now:
                part = min(lot[0], amount)
                lot[0] -= part
                amount -= part
        assert amount == 0
        holding.lots = [lot for lot in holding.lots if lot[0] > 0]


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise Refused(faults)
