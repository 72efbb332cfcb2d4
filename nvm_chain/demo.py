"""The whole story on a development chain: a plan is registered, ordered, used and burned, and a stranger gets nowhere.

Its numbers are those of the user's documents: 100 credits for 20 USDC, one credit per request.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.artifacts import read_artifact
from nvm_chain.chain import Chain, open_rpc, summarize
from nvm_chain.contract_errors import (
    ERC1155MissingApprovalForAll,
    InsufficientCredits,
    NotMinter,
    NotPlanOwner,
    RedeemNotAllowed,
    RedeemOutOfRange,
)
from nvm_chain.credits import burn_credits, mint_credits, read_balance, read_balances, redeem_credits
from nvm_chain.dev_accounts import derive_dev_accounts
from nvm_chain.embedded import deploy_all, open_embedded
from nvm_chain.errors import InsufficientFunds, InvalidConfig, NvmChainError, WrongChain
from nvm_chain.keys import Signer
from nvm_chain.orders import order_plan
from nvm_chain.plans import read_plan, register_plan, set_plan_active
from nvm_chain.pricing import get_erc20_price_config, get_fixed_credits_config
from nvm_chain.tokens import mint_test_usdc, read_token_balance, read_token_info
from nvm_chain.types import OrderReceipt, Transaction
from nvm_chain.units import format_units, usdc

PRICE: Final = usdc("20")
FUNDS: Final = usdc("50")
CREDITS: Final = 100
REQUESTS: Final = 5
BONUS: Final = 10
BURNED: Final = 25

THEFT: Final = "redeem the subscriber's credits"
ARSON: Final = "burn the subscriber's credits"
GREED: Final = "redeem more than a request takes"

ROLES: Final = ("deployer", "builder", "subscriber", "stranger", "comparison_payer", "comparison_payee")
"""Who the chain's first accounts are. The last two only move USDC, so that gas can be compared with that of a transfer."""

DEV_BALANCE_WEI: Final = 100 * 10**18
"""What the accounts of a development node have and more. Their keys are public, so nowhere else do they keep as much."""


@dataclass(eq=False)
class NotRefused(NvmChainError):
    """Thrown when the chain let something happen that it must refuse."""

    attempt: str

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return f"{self.attempt} was not refused. Do not use this deployment, and please report it."


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the story, after it happened. ``error`` is what refused it, if it was to be refused."""

    actor: str
    action: str
    outcome: str
    error: NvmChainError | None = None

    def __str__(self) -> str:
        """Tell the step in a sentence."""
        return f"The {self.actor} {self.action}: {self.outcome}."


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the story came to, every number read back from the chain. Money in base units of ``usdc``."""

    chain: str
    """``eth-tester``, or the node's URL without secrets."""
    chain_id: int
    credits_contract: ChecksumAddress
    usdc: ChecksumAddress
    accounts: Mapping[str, ChecksumAddress]
    """Addresses by role."""
    plan_id: int
    price_paid: int
    """What the order took from the subscriber."""
    receivers: Mapping[ChecksumAddress, int]
    """Who was paid how much by it."""
    credits_granted: int
    """What the order gave the subscriber."""
    credits_minted: int
    credits_redeemed: int
    credits_burned: int
    credits_left: int
    """granted + minted - redeemed - burned."""
    balances: Mapping[str, Mapping[str, int]]
    """By role, ``usdc`` and ``credits``, at the end."""
    gas: Mapping[str, int]
    """Gas used by operation, of its last transaction; ``transfer_from`` is a plain ERC-20 transfer of the same amount."""
    transactions: Mapping[str, tuple[str, ...]]
    """Hashes by operation, in order."""
    refusals: tuple[Step, ...]

    def __str__(self) -> str:
        """Tell the result in a sentence."""
        return (
            f"Plan {self.plan_id:#066x}: {self.price_paid} base units of USDC paid, {self.credits_granted} credits granted, "
            f"{self.credits_left} left, {len(self.refusals)} attempts refused."
        )


# ---------------------------------------------------------------- where it runs


def open_demo_chain(rpc_url: str | None = None, chain_id: int | None = None) -> Chain:
    """Open the embedded chain, or a development node such as anvil by its URL, with Credits and a TestUSDC of its own.

    A node gets two transactions. Raises ConnectionFailed, WrongChain if it is not the chain expected, and InvalidConfig
    if it is no development chain.
    """
    if rpc_url is None:
        return open_embedded()
    chain = open_rpc(rpc_url)
    if chain_id is not None and chain.chain_id != chain_id:
        raise WrongChain(chain_id, chain.chain_id)
    if not is_development_chain(chain):
        raise InvalidConfig(
            f"the demo needs the funded accounts of a development node such as anvil, and chain {chain.chain_id} has none"
        )
    chain.accounts = derive_dev_accounts()
    deploy_all(chain, chain.accounts[0])
    return chain


def is_development_chain(chain: Chain) -> bool:
    """Return whether the well-known development accounts have coins here. At most one request."""
    return bool(chain.accounts) or chain.read_coin_balance(derive_dev_accounts()[0].address) >= DEV_BALANCE_WEI


# ---------------------------------------------------------------- the story


def run_demo(chain: Chain, on_step: Callable[[Step], object]) -> DemoResult:
    """Tell the story on a development chain and return what it came to; ``on_step`` hears of each step when it is done.

    The chain has to have accounts, Credits and a TestUSDC: see `open_demo_chain`. About 15 transactions. Raises NotRefused
    if the chain lets a stranger do what it must refuse.
    """
    story = _Story(chain, on_step)
    story.register()
    receipt = story.order()
    story.use()
    story.mint()
    story.burn()
    story.try_what_must_fail()
    story.compare()
    return story.close(receipt)


@dataclass
class _Story:
    """The story so far: who is who, and what was sent."""

    chain: Chain
    on_step: Callable[[Step], object]
    plan_id: int = 0
    paid: int = 0
    changes: dict[str, int] = field(default_factory=dict)
    sent: dict[str, list[Transaction]] = field(default_factory=dict)
    refusals: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.chain.usdc is None:
            raise InvalidConfig(f"the demo needs a TestUSDC, and none is known on chain {self.chain.chain_id}")
        self.usdc = self.chain.usdc
        self.signers: dict[str, Signer] = dict(zip(ROLES, self.chain.accounts, strict=False))
        self.decimals = read_token_info(self.chain, self.usdc).decimals

    def address(self, role: str) -> ChecksumAddress:
        return self.signers[role].address

    def money(self, base_units: int) -> str:
        return f"{format_units(base_units, self.decimals)} USDC"

    def read_money(self, role: str) -> int:
        return read_token_balance(self.chain, self.usdc, self.address(role))

    def read_credits(self) -> int:
        return read_balance(self.chain, self.plan_id, self.address("subscriber"))

    def tell(self, actor: str, action: str, outcome: str) -> None:
        self.on_step(Step(actor, action, outcome))

    # ------------------------------------------------------------ what happens

    def register(self) -> None:
        builder = self.signers["builder"]
        price = get_erc20_price_config(PRICE, self.usdc, builder.address)
        plan = register_plan(self.chain, builder, price, get_fixed_credits_config(CREDITS))
        self.plan_id = plan.plan_id
        self.sent["register"] = [plan.transaction]
        terms = read_plan(self.chain, plan.plan_id).terms
        action = (
            f"registers a plan: {terms.credits} credits for {self.money(terms.price)}, {terms.max_redeem} per request"
        )
        self.tell("builder", action, f"plan {plan.plan_id:#066x}")

    def order(self) -> OrderReceipt:
        subscriber = self.signers["subscriber"]
        self.sent["faucet"] = [mint_test_usdc(self.chain, subscriber, subscriber.address, FUNDS)]
        before = self.read_money("subscriber")
        self.tell("subscriber", "takes test money from the faucet", f"has {self.money(before)}")
        receipt = order_plan(self.chain, subscriber, self.plan_id)
        self.paid = before - self.read_money("subscriber")
        self.sent["approve"] = [receipt.approval] if receipt.approval else []
        self.sent["order"] = [receipt.transaction]
        self.changes["granted"] = self.read_credits()
        got = f"has {self.changes['granted']} credits and {self.money(before - self.paid)}"
        self.tell("subscriber", "approves exactly the price and orders", got)
        self.tell("builder", "is paid in the same transaction", f"has {self.money(self.read_money('builder'))}")
        return receipt

    def use(self) -> None:
        before, subscriber = self.read_credits(), self.signers["subscriber"]
        self.sent["redeem"] = [
            redeem_credits(self.chain, subscriber, self.plan_id, 1, context=f"request-{number}").transaction
            for number in range(1, REQUESTS + 1)
        ]
        left = self.read_credits()
        self.changes["redeemed"] = before - left
        action = f"makes {len(self.sent['redeem'])} requests, each with its id in the redemption's event"
        self.tell("subscriber", action, f"{before - left} credits used, {left} left")

    def mint(self) -> None:
        before, builder = self.read_credits(), self.signers["builder"]
        minted = mint_credits(self.chain, builder, self.plan_id, self.address("subscriber"), BONUS)
        self.sent["mint"] = [minted.transaction]
        after = self.read_credits()
        self.changes["minted"] = after - before
        self.tell("builder", f"mints a bonus of {after - before} credits", f"the subscriber has {after}")

    def burn(self) -> None:
        before, subscriber = self.read_credits(), self.signers["subscriber"]
        self.sent["burn"] = [burn_credits(self.chain, subscriber, self.plan_id, BURNED).transaction]
        after = self.read_credits()
        self.changes["burned"] = before - after
        self.tell("subscriber", f"burns {before - after} credits", f"{after} left")

    # ------------------------------------------------------------ what must not happen

    def try_what_must_fail(self) -> None:
        """Attempt what the contract has to refuse, each time with the one right error, and see that nothing has changed."""
        before = self._read_all()
        chain, plan, holder = self.chain, self.plan_id, self.address("subscriber")
        left, most = before["subscriber"]["credits"], read_plan(chain, plan).terms.max_redeem
        stranger, builder, subscriber = (self.signers[role] for role in ("stranger", "builder", "subscriber"))
        for actor, attempt, expected, act in (
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
            ("builder", THEFT, RedeemNotAllowed, lambda: redeem_credits(chain, builder, plan, 1, holder=holder)),
            ("subscriber", GREED, RedeemOutOfRange, lambda: redeem_credits(chain, subscriber, plan, most + 1)),
            (
                "subscriber",
                "burn more than there is",
                InsufficientCredits,
                lambda: burn_credits(chain, subscriber, plan, left + 1),
            ),
        ):
            self.expect_refusal(actor, attempt, expected, act)
        if self._read_all() != before:
            raise NotRefused("A change of balances")

    def expect_refusal(
        self, actor: str, attempt: str, expected: type[NvmChainError], act: Callable[[], object]
    ) -> None:
        try:
            act()
        except expected as error:
            step = Step(actor, f"tries to {attempt}", f"refused with {type(error).__name__}", error)
            self.refusals.append(step)
            self.on_step(step)
        else:
            raise NotRefused(f"The {actor}'s attempt to {attempt}")

    # ------------------------------------------------------------ what it came to

    def compare(self) -> None:
        """Send the same money by a plain transferFrom, from a fresh allowance to a fresh account as the order did."""
        payer, payee = self.signers["comparison_payer"], self.signers["comparison_payee"]
        functions = self.chain.bind(self.usdc, read_artifact("TestUSDC").abi).functions
        mint_test_usdc(self.chain, payer, payer.address, FUNDS)
        self.chain.send(payer, functions.approve(payee.address, self.paid))
        moved = self.chain.send(payee, functions.transferFrom(payer.address, payee.address, self.paid))
        self.sent["transfer_from"] = [summarize(moved)]

    def close(self, receipt: OrderReceipt) -> DemoResult:
        """Read the end from the chain."""
        balances = self._read_all()
        return DemoResult(
            chain=self.chain.label,
            chain_id=self.chain.chain_id,
            credits_contract=self.chain.credits.address,
            usdc=self.usdc,
            accounts={role: self.address(role) for role in ROLES},
            plan_id=self.plan_id,
            price_paid=self.paid,
            receivers=receipt.receivers,
            credits_granted=self.changes["granted"],
            credits_minted=self.changes["minted"],
            credits_redeemed=self.changes["redeemed"],
            credits_burned=self.changes["burned"],
            credits_left=balances["subscriber"]["credits"],
            balances=balances,
            gas={name: sent[-1].gas_used for name, sent in self.sent.items() if sent},
            transactions={name: tuple(item.hash for item in sent) for name, sent in self.sent.items()},
            refusals=tuple(self.refusals),
        )

    def _read_all(self) -> dict[str, dict[str, int]]:
        roles = ("builder", "subscriber", "stranger")
        credits = read_balances(self.chain, [(self.plan_id, self.address(role)) for role in roles])
        return {
            role: {"usdc": self.read_money(role), "credits": amount}
            for role, amount in zip(roles, credits, strict=True)
        }
