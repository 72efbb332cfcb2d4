"""First act of the demo: a plan is registered, ordered and used, credits are burned, and a stranger's attempts fail.

The plan has the numbers of the documents: 100 credits for 20 USDC, and one credit per request.
"""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from nvm_chain.chain.artifacts import read_artifact
from nvm_chain.chain.receipts import summarize
from nvm_chain.demo.results import NotRefused
from nvm_chain.demo.stage import Stage
from nvm_chain.errors import (
    ERC1155MissingApprovalForAll,
    InsufficientCredits,
    InsufficientFunds,
    NotMinter,
    NotPlanOwner,
    NvmChainError,
    RedeemNotAllowed,
    RedeemOutOfRange,
)
from nvm_chain.operations.credits import burn_credits, mint_credits, redeem_credits
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.plans import read_terms, register_plan, set_plan_active
from nvm_chain.operations.tokens import mint_test_usdc
from nvm_chain.types.amounts import usdc
from nvm_chain.types.credits import get_fixed_credits_config
from nvm_chain.types.prices import get_erc20_price_config
from nvm_chain.types.receipts import OrderReceipt

PRICE: Final = usdc("20")
FUNDS: Final = usdc("50")
CREDITS: Final = 100
REQUESTS: Final = 5
BONUS: Final = 10
BURNED: Final = 25

THEFT: Final = "redeem the subscriber's credits"
ARSON: Final = "burn the subscriber's credits"
GREED: Final = "redeem more than a request takes"


Attempt: TypeAlias = tuple[str, str, type[NvmChainError], Callable[[], object]]
"""A forbidden attempt: the actor, the action, the expected error, and the call."""


class Purchase:
    """First act of the demo: the plan of the documents, its purchase and its use."""

    def __init__(self, stage: Stage) -> None:
        """Store the stage."""
        self.stage = stage
        self.chain = stage.chain
        self.signers = stage.signers
        self.plan_id = 0
        self.paid = 0
        self.changes: dict[str, int] = {}

    def play(self) -> OrderReceipt:
        """Run the act. Sends about ten transactions."""
        self.register()
        receipt = self.order()
        self.use()
        self.mint()
        self.burn()
        self.try_what_must_fail()
        return receipt

    # ------------------------------------------------------------ what happens

    def register(self) -> None:
        """Register the plan."""
        builder = self.signers["builder"]
        price = get_erc20_price_config(PRICE, self.stage.usdc, builder.address)
        plan = register_plan(self.chain, builder, price, get_fixed_credits_config(CREDITS))
        self.plan_id = plan.plan_id
        self.stage.sent["register"] = [plan.transaction]
        terms = read_terms(self.chain, plan.plan_id)
        action = f"registers a plan: {terms.credits} credits for {self.stage.money(terms.price)}, {terms.max_redeem} per request"
        self.stage.tell("builder", action, f"plan {plan.plan_id:#066x}", opens="Act 1: a hundred credits")

    def order(self) -> OrderReceipt:
        """Take test money from the faucet, and order the plan, as the subscriber."""
        subscriber = self.signers["subscriber"]
        self.stage.sent["faucet"] = [mint_test_usdc(self.chain, subscriber, subscriber.address, FUNDS)]
        before = self.stage.read_money("subscriber")
        self.stage.tell("subscriber", "takes test money from the faucet", f"has {self.stage.money(before)}")
        receipt = order_plan(self.chain, subscriber, self.plan_id, payment_method="permit")
        self.paid = before - self.stage.read_money("subscriber")
        self.stage.sent["order"] = [receipt.transaction]
        self.changes["granted"] = self.stage.read_credits(self.plan_id)
        got = f"has {self.changes['granted']} credits and {self.stage.money(before - self.paid)}"
        self.stage.tell("subscriber", "signs a permit and orders, in one transaction", got)
        self.stage.tell(
            "builder", "is paid in the same transaction", f"has {self.stage.money(self.stage.read_money('builder'))}"
        )
        return receipt

    def use(self) -> None:
        """Redeem credits for requests, as the subscriber."""
        before, subscriber = self.stage.read_credits(self.plan_id), self.signers["subscriber"]
        self.stage.sent["redeem"] = [
            redeem_credits(self.chain, subscriber, self.plan_id, 1, context=f"request-{number}").transaction
            for number in range(1, REQUESTS + 1)
        ]
        left = self.stage.read_credits(self.plan_id)
        self.changes["redeemed"] = before - left
        action = f"makes {len(self.stage.sent['redeem'])} requests, each with its id in the redemption's event"
        self.stage.tell("subscriber", action, f"{before - left} credits used, {left} left")

    def mint(self) -> None:
        """Mint bonus credits, as the builder."""
        before, builder = self.stage.read_credits(self.plan_id), self.signers["builder"]
        minted = mint_credits(self.chain, builder, self.plan_id, self.stage.address("subscriber"), BONUS)
        self.stage.sent["mint"] = [minted.transaction]
        after = self.stage.read_credits(self.plan_id)
        self.changes["minted"] = after - before
        self.stage.tell("builder", f"mints a bonus of {after - before} credits", f"the subscriber has {after}")

    def burn(self) -> None:
        """Burn some credits, as the subscriber."""
        before, subscriber = self.stage.read_credits(self.plan_id), self.signers["subscriber"]
        self.stage.sent["burn"] = [burn_credits(self.chain, subscriber, self.plan_id, BURNED).transaction]
        after = self.stage.read_credits(self.plan_id)
        self.changes["burned"] = before - after
        self.stage.tell("subscriber", f"burns {before - after} credits", f"{after} left")

    # ------------------------------------------------------------ what must not happen

    def try_what_must_fail(self) -> None:
        """Attempt forbidden calls. Compare each error, and check that no balance has changed."""
        before = self._read_held()
        for attempt in (*self._attempts_of_the_stranger(), *self._attempts_of_the_parties()):
            self.stage.expect_refusal(*attempt)
        if self._read_held() != before:
            raise NotRefused("A change of balances")

    def _attempts_of_the_stranger(self) -> Iterator[Attempt]:
        chain, plan, holder, stranger = (
            self.chain,
            self.plan_id,
            self.stage.address("subscriber"),
            self.signers["stranger"],
        )
        yield from (
            ("stranger", THEFT, RedeemNotAllowed, lambda: redeem_credits(chain, stranger, plan, 1, holder=holder)),
            (
                "stranger",
                ARSON,
                ERC1155MissingApprovalForAll,
                lambda: burn_credits(chain, stranger, plan, 1, holder=holder),
            ),
            ("stranger", "mint credits", NotMinter, lambda: mint_credits(chain, stranger, plan, stranger.address, 1)),
            ("stranger", "close the plan", NotPlanOwner, lambda: set_plan_active(chain, stranger, plan, False)),
            (
                "stranger",
                "redeem without credits",
                InsufficientCredits,
                lambda: redeem_credits(chain, stranger, plan, 1),
            ),
            ("stranger", "order without money", InsufficientFunds, lambda: order_plan(chain, stranger, plan)),
        )

    def _attempts_of_the_parties(self) -> Iterator[Attempt]:
        chain, plan, holder = self.chain, self.plan_id, self.stage.address("subscriber")
        left, most = self.stage.read_credits(plan), read_terms(chain, plan).max_redeem
        builder, subscriber = (self.signers[role] for role in ("builder", "subscriber"))
        yield from (
            ("builder", THEFT, RedeemNotAllowed, lambda: redeem_credits(chain, builder, plan, 1, holder=holder)),
            ("subscriber", GREED, RedeemOutOfRange, lambda: redeem_credits(chain, subscriber, plan, most + 1)),
            (
                "subscriber",
                "burn more credits than they have",
                InsufficientCredits,
                lambda: burn_credits(chain, subscriber, plan, left + 1),
            ),
        )

    def _read_held(self) -> dict[str, tuple[int, int]]:
        roles = ("builder", "subscriber", "stranger")
        return {role: (self.stage.read_money(role), self.stage.read_credits(self.plan_id, role)) for role in roles}

    # ------------------------------------------------------------ what it came to

    def compare(self) -> None:
        """Measure the gas of a plain transferFrom of the same amount, with a fresh allowance and a fresh receiver."""
        payer, payee = self.signers["comparison_payer"], self.signers["comparison_payee"]
        functions = self.chain.bind(self.stage.usdc, read_artifact("TestUSDC").abi).functions
        mint_test_usdc(self.chain, payer, payer.address, FUNDS)
        approved = self.chain.send(payer, functions.approve(payee.address, self.paid))
        moved = self.chain.send(payee, functions.transferFrom(payer.address, payee.address, self.paid))
        self.stage.sent["approve"] = [summarize(approved)]
        self.stage.sent["transfer_from"] = [summarize(moved)]
