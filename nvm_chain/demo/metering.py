"""Second act of the demo: a thousand requests by signature. One transaction settles the vouchers of many holders."""

import time
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from typing import Final, TypeVar

from eth_account import Account
from eth_account.signers.local import LocalAccount

from nvm_chain.demo.results import MeteredResult, NotRefused
from nvm_chain.demo.stage import Stage
from nvm_chain.errors import NotRedeemer, VoucherAlreadySettled, VoucherMismatch, VoucherSignatureInvalid
from nvm_chain.operations.credits import mint_credits_batch
from nvm_chain.operations.plans import read_terms, register_plan
from nvm_chain.operations.settlement import settle_vouchers
from nvm_chain.operations.signed_orders import relay_order, sign_plan_order
from nvm_chain.operations.voucher_checks import check_voucher
from nvm_chain.signing.eip712 import sign_struct
from nvm_chain.signing.signatures import keccak
from nvm_chain.signing.vouchers import (
    VOUCHER,
    SignedVoucher,
    Voucher,
    VoucherVerifier,
    build_voucher,
    credits_domain,
    next_ceiling,
    sign_voucher,
)
from nvm_chain.types.amounts import usdc
from nvm_chain.types.credits import get_fixed_credits_config
from nvm_chain.types.prices import get_erc20_price_config
from nvm_chain.types.receipts import OrderReceipt, SettlementOutcome, SettlementReceipt

PRICE: Final = usdc("20")
CREDITS: Final = 2000
REQUESTS: Final = 1000
HOLDERS: Final = 9
HOLDER_REQUESTS: Final = 10
VALID_SECONDS: Final = 3600

Made = TypeVar("Made")


class Metering:
    """Second act of the demo: the metered plan, and the vouchers of its holders."""

    def __init__(self, stage: Stage) -> None:
        """Create the accounts of the other holders. They need no coins, because they only sign."""
        self.stage = stage
        self.chain = stage.chain
        self.builder, self.subscriber, self.stranger = (
            stage.signers[role] for role in ("builder", "subscriber", "stranger")
        )
        self.holders: list[LocalAccount] = [
            Account.from_key(keccak(f"nvm_chain demo: holder {number}".encode())) for number in range(1, HOLDERS + 1)
        ]
        self.plan_id = 0
        self.deadline = 0

    def play(self) -> MeteredResult:
        """Run this act of the demo, and return its result. Sends five transactions."""
        coins = self.chain.read_coin_balance(self.subscriber.address)
        self.register()
        receipt = self.order(coins)
        others = self.equip_others()
        vouchers, signing = self.sign_requests()
        checked, checking = self.check_requests(vouchers)
        settlement = self.settle([vouchers[-1], *others])
        repeated = self.settle_again(vouchers)
        self.try_what_must_fail(vouchers)
        return MeteredResult(
            plan_id=self.plan_id,
            price_paid=receipt.paid,
            gas_paid_wei=coins - self.chain.read_coin_balance(self.subscriber.address),
            credits_granted=receipt.credits_granted,
            vouchers_signed=len(vouchers),
            vouchers_checked=checked,
            signing_milliseconds=signing,
            checking_milliseconds=checking,
            outcomes=settlement.outcomes,
            repeated=repeated.outcomes,
            credits_left=self.stage.read_credits(self.plan_id),
        )

    # ------------------------------------------------------------ what happens

    def register(self) -> None:
        """Register the metered plan."""
        price = get_erc20_price_config(PRICE, self.stage.usdc, self.builder.address)
        plan = register_plan(self.chain, self.builder, price, get_fixed_credits_config(CREDITS))
        self.plan_id = plan.plan_id
        self.deadline = self.chain.read_time() + VALID_SECONDS
        self.stage.sent["register_metered"] = [plan.transaction]
        terms = read_terms(self.chain, plan.plan_id)
        action = f"registers a metered plan: {terms.credits:,} credits for {self.stage.money(terms.price)}"
        self.stage.tell(
            "builder", action, f"plan {plan.plan_id:#066x}", opens="Act 2: a thousand requests by signature"
        )

    def order(self, coins: int) -> OrderReceipt:
        """Sign an order as the subscriber, and send the order to the chain as the builder."""
        signed = sign_plan_order(self.chain, self.subscriber, self.plan_id)
        receipt = relay_order(self.chain, self.builder, signed)
        self.stage.sent["relay"] = [receipt.transaction]
        spent = coins - self.chain.read_coin_balance(self.subscriber.address)
        held = f"{self.stage.read_credits(self.plan_id):,} credits and {self.stage.money(self.stage.read_money('subscriber'))}"
        action = "signs an order, and the builder sends it to the chain"
        self.stage.tell("subscriber", action, f"has {held}, and spent {spent} wei on gas")
        return receipt

    def equip_others(self) -> list[SignedVoucher]:
        """Mint credits for the other holders. Each of them signs a voucher for ten requests."""
        amounts = {holder.address: HOLDER_REQUESTS for holder in self.holders}
        minted = mint_credits_batch(self.chain, self.builder, self.plan_id, amounts)
        self.stage.sent["mint_batch"] = [minted.transaction]
        action = f"gives {len(minted.minted)} other holders {HOLDER_REQUESTS} credits each, in one transaction"
        self.stage.tell("builder", action, f"each signs a voucher for {HOLDER_REQUESTS} requests")
        return [self.sign(holder, HOLDER_REQUESTS) for holder in self.holders]

    def sign_requests(self) -> tuple[list[SignedVoucher], int]:
        """Sign a voucher for each request as the subscriber. Each ceiling is one credit above the last ceiling."""

        def sign_all() -> list[SignedVoucher]:
            ceiling, vouchers = 0, []
            for number in range(1, REQUESTS + 1):
                ceiling = next_ceiling(ceiling, 1)
                vouchers.append(self.sign(self.subscriber, ceiling, f"request-{number}"))
            return vouchers

        vouchers, milliseconds = measure(sign_all)
        action = f"makes {len(vouchers):,} requests and signs a voucher for each, off the chain"
        held = self.stage.read_credits(self.plan_id)
        outcome = f"the last ceiling is {vouchers[-1].voucher.ceiling:,}, and the subscriber still has {held:,} credits"
        self.stage.tell("subscriber", action, outcome)
        return vouchers, milliseconds

    def check_requests(self, vouchers: list[SignedVoucher]) -> tuple[int, int]:
        """Check the signatures as the builder, and return how many were checked.

        Without coincurve a thousand checks take seven seconds, so only the last signature is checked.
        """
        batch = vouchers if find_spec("coincurve") else vouchers[-1:]
        redeemer, now = self.builder.address, self.chain.read_time()

        def check_all() -> None:
            verifier = VoucherVerifier(self.chain.chain_id, self.chain.credits.address)
            for signed in batch:
                verifier.verify(signed, plan_id=self.plan_id, redeemer=redeemer, now=now)

        _, milliseconds = measure(check_all)
        bring = check_voucher(self.chain, vouchers[-1], redeemer=redeemer).available
        which = f"all {len(batch):,} signatures" if len(batch) > 1 else "the last signature"
        self.stage.tell("builder", f"checks {which}", f"the last voucher alone would bring {bring:,} credits")
        return len(batch), milliseconds

    def settle(self, batch: list[SignedVoucher]) -> SettlementReceipt:
        """Settle the subscriber's last voucher together with the vouchers of the other holders."""
        receipt = settle_vouchers(self.chain, self.builder, self.plan_id, batch)
        self.stage.sent["settle"] = [receipt.transaction]
        left = self.stage.read_credits(self.plan_id)
        action = f"settles the last voucher and those of {len(batch) - 1} others in one transaction"
        self.stage.tell("builder", action, f"{receipt.credits:,} credits taken, the subscriber has {left:,} left")
        return receipt

    # ------------------------------------------------------------ what must not happen

    def settle_again(self, vouchers: list[SignedVoucher]) -> SettlementReceipt:
        """Settle vouchers that must not take credits: the last one again, an earlier one, and a forged one."""
        batch = [vouchers[-1], vouchers[len(vouchers) // 2], self.forge()]
        before = self.stage.read_credits(self.plan_id)
        receipt = settle_vouchers(self.chain, self.builder, self.plan_id, batch)
        self.stage.sent["settle_again"] = [receipt.transaction]
        if receipt.credits or self.stage.read_credits(self.plan_id) != before:
            raise NotRefused("A settlement of used and forged vouchers")
        action = "settles that voucher again, an earlier one, and one that the stranger forged"
        self.stage.tell("builder", action, f"nothing taken: {', '.join(map(describe_outcome, receipt.outcomes))}")
        return receipt

    def try_what_must_fail(self, vouchers: list[SignedVoucher]) -> None:
        """Attempt forbidden calls, and compare each error with the expected error."""
        chain, plan, stranger, last = self.chain, self.plan_id, self.stranger, vouchers[-1]
        stolen = SignedVoucher(replace(last.voucher, redeemer=stranger.address), last.signature)
        for actor, attempt, expected, act in (
            ("subscriber", "pay with a settled voucher", VoucherAlreadySettled, lambda: check_voucher(chain, last)),
            (
                "stranger",
                "pay with a forged voucher",
                VoucherSignatureInvalid,
                lambda: check_voucher(chain, self.forge()),
            ),
            (
                "stranger",
                "settle the builder's vouchers",
                VoucherMismatch,
                lambda: settle_vouchers(chain, stranger, plan, [last]),
            ),
            (
                "stranger",
                "settle vouchers in their name",
                NotRedeemer,
                lambda: settle_vouchers(chain, stranger, plan, [stolen]),
            ),
        ):
            self.stage.expect_refusal(actor, attempt, expected, act)

    # ------------------------------------------------------------ vouchers

    def build(self, holder: LocalAccount, ceiling: int, context: str = "") -> Voucher:
        """Build a holder's voucher, with the builder as its redeemer."""
        return build_voucher(
            self.plan_id,
            holder=holder.address,
            redeemer=self.builder.address,
            ceiling=ceiling,
            deadline=self.deadline,
            context=context,
        )

    def sign(self, holder: LocalAccount, ceiling: int, context: str = "") -> SignedVoucher:
        """Sign a voucher as its holder."""
        voucher = self.build(holder, ceiling, context)
        return sign_voucher(holder, voucher, chain_id=self.chain.chain_id, contract=self.chain.credits.address)

    def forge(self) -> SignedVoucher:
        """Sign a voucher over all credits of the subscriber with the stranger's key."""
        voucher = self.build(self.subscriber, CREDITS)
        domain = credits_domain(self.chain.chain_id, self.chain.credits.address)
        return SignedVoucher(voucher, sign_struct(self.stranger, domain, VOUCHER, voucher.as_tuple()))


def describe_outcome(outcome: SettlementOutcome) -> str:
    """Describe the outcome of a voucher."""
    return outcome.result.name.lower().replace("_", " ")


def measure(act: Callable[[], Made]) -> tuple[Made, int]:
    """Call a function, and return its result and its duration in milliseconds."""
    started = time.perf_counter_ns()
    made = act()
    return made, (time.perf_counter_ns() - started) // 10**6
