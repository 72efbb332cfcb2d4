"""Stage of the demo: a development chain, its accounts by role, and the sent transactions."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain, open_rpc
from nvm_chain.chain.dev_accounts import derive_dev_accounts
from nvm_chain.chain.embedded import deploy_all, open_embedded
from nvm_chain.demo.results import NotRefused, Step, find_error_name
from nvm_chain.errors import InvalidConfig, NvmChainError, WrongChain
from nvm_chain.operations.credits import read_balance
from nvm_chain.operations.tokens import read_token_balance, read_token_info
from nvm_chain.types.amounts import format_units
from nvm_chain.types.receipts import Transaction

ROLES: Final = ("deployer", "builder", "subscriber", "stranger", "comparison_payer", "comparison_payee", "gateway")
"""Roles of the chain's first accounts. Those of the comparison only move USDC, to compare the gas with a plain transfer. The
gateway's account settles."""

DEV_BALANCE_WEI: Final = 100 * 10**18
"""Minimum coins of a development account, in wei. On other chains it has fewer, because its key is public."""


def open_demo_chain(rpc_url: str | None = None, chain_id: int | None = None) -> Chain:
    """Open the embedded chain, or a development node such as anvil by its URL. Deploy new contracts.

    Sends three transactions to a node. Raises ConnectionFailed, WrongChain if the node has another chain id, and
    InvalidConfig if the chain is not a development chain.
    """
    if rpc_url is None:
        return open_embedded()
    chain = open_rpc(rpc_url)
    if chain_id is not None and chain.chain_id != chain_id:
        raise WrongChain(chain_id, chain.chain_id)
    if not is_development_chain(chain):
        raise InvalidConfig(
            f"the demo needs funded accounts, and chain {chain.chain_id} does not have them",
            "run it on a development node such as anvil",
        )
    chain.accounts = derive_dev_accounts()
    deploy_all(chain, chain.accounts[0])
    return chain


def is_development_chain(chain: Chain) -> bool:
    """Return whether the development accounts have coins on the chain. Makes one request."""
    first = (chain.accounts or derive_dev_accounts())[0]
    return chain.read_coin_balance(first.address) >= DEV_BALANCE_WEI


@dataclass
class Stage:
    """Stage of the demo: the chain, its accounts by role, the sent transactions, and the refused attempts."""

    chain: Chain
    on_step: Callable[[Step], object]
    sent: dict[str, list[Transaction]] = field(default_factory=dict)
    refusals: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Assign the roles to accounts. Raises InvalidConfig on a chain without USDC."""
        if self.chain.usdc is None:
            raise InvalidConfig(f"the demo needs a TestUSDC, and none is known on chain {self.chain.chain_id}")
        self.usdc: ChecksumAddress = self.chain.usdc
        self.signers: dict[str, LocalAccount] = dict(zip(ROLES, self.chain.accounts, strict=False))
        self.decimals = read_token_info(self.chain, self.usdc).decimals

    def connect_again(self) -> Chain:
        """Return a second connection to the chain, for another thread. About five requests."""
        chain = Chain(self.chain.web3, self.chain.label, self.chain.accounts)
        chain.use_credits(self.chain.credits.address)
        chain.use_agents(self.chain.agents.address)
        return chain

    def address(self, role: str) -> ChecksumAddress:
        """Return the address of a role."""
        return self.signers[role].address

    def money(self, base_units: int) -> str:
        """Format base units of USDC for people."""
        return f"{format_units(base_units, self.decimals)} USDC"

    def read_money(self, role: str) -> int:
        """Read the USDC balance of a role, in base units."""
        return read_token_balance(self.chain, self.usdc, self.address(role))

    def read_credits(self, plan_id: int, role: str = "subscriber") -> int:
        """Read the credits of a role on a plan."""
        return read_balance(self.chain, plan_id, self.address(role))

    def tell(self, actor: str, action: str, outcome: str, *, opens: str = "") -> None:
        """Report a completed step. The step may open an act."""
        self.on_step(Step(actor, action, outcome, opens=opens))

    def expect_refusal(
        self, actor: str, attempt: str, expected: type[NvmChainError], act: Callable[[], object]
    ) -> None:
        """Make a forbidden attempt, compare its error with the expected error, and report the step.

        Raises NotRefused if the chain accepts the attempt.
        """
        try:
            act()
        except expected as error:
            step = Step(actor, f"tries to {attempt}", f"refused with {find_error_name(error)}", error)
            self.refusals.append(step)
            self.on_step(step)
        else:
            raise NotRefused(f"The {actor}'s attempt to {attempt}")
