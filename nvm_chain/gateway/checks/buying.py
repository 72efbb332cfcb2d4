"""Checks of buying by x402: the key that grants plans for transfers, and which plans are sold by transfers."""

from collections.abc import Iterator, Sequence
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.errors import NvmChainError
from nvm_chain.errors.fields import COIN
from nvm_chain.errors.formatting import format_money, format_plan_id
from nvm_chain.gateway.buying.prices import Ways, find_payee, read_price
from nvm_chain.gateway.checks.findings import Finding, good, missing, missing_by, name_plan, note
from nvm_chain.gateway.configuration.parts import GatewayConfig
from nvm_chain.gateway.connecting import read_minter
from nvm_chain.gateway.secrets import Secrets
from nvm_chain.types.addresses import ZERO_ADDRESS
from nvm_chain.types.plans import PlanState

SUBJECT: Final = "x402"
GRANT_GAS: Final = 150_000
"""The gas of a grant."""


def check_buying(
    config: GatewayConfig,
    secrets: Secrets,
    chain: Chain,
    redeemer: ChecksumAddress | None,
    plans: Sequence[PlanState],
) -> Iterator[Finding]:
    """Yield whether the minter can grant, and for each plan whether it is sold by transfers. A few requests for each plan.

    Args:
        config: The configuration.
        secrets: Its secrets.
        chain: The chain.
        redeemer: The gateway's key. None if it cannot be read.
        plans: The plans that its services accept.
    """
    if not config.settings.buying.exact:
        if config.minter is not None:
            yield note(SUBJECT, "It has a minter, and takes no transfers.", "Write exact = true below [x402].")
        return
    try:
        account = read_minter(config, secrets, chain)
        minter = None if account is None else account.address
        if minter is not None:
            yield from _check_minter(chain, minter, redeemer)
        for plan in plans:
            yield from _check_plan(chain, plan, Ways(exact=True, minter=minter))
    except NvmChainError as error:
        yield missing_by(SUBJECT, error)


def _check_minter(chain: Chain, minter: ChecksumAddress, redeemer: ChecksumAddress | None) -> Iterator[Finding]:
    if minter == redeemer:
        text = "The minter is the redeemer. Whoever gets that key grants without limit."
        yield note(SUBJECT, text, "Make another key with `nvm-chain key new`, and allow that one.")
    balance, needed = chain.read_coin_balance(minter), GRANT_GAS * chain.read_fees()[0]
    if balance < needed:
        text = f"The minter {minter} has {format_money(balance, *COIN)}, and so cannot pay for the gas of a grant."
        yield missing(SUBJECT, text, f"Send it at least {format_money(needed, *COIN)}.")
    else:
        yield good(SUBJECT, f"The minter is {minter}, with {format_money(balance, *COIN)} for gas.")


def _check_plan(chain: Chain, plan: PlanState, ways: Ways) -> Iterator[Finding]:
    """Yield whether a plan is sold by transfers, and if not, why."""
    subject, terms = name_plan(plan.plan_id), plan.terms
    if terms.paid_externally or not terms.splits:
        return
    reason = _find_reason(plan)
    if reason is None and find_payee(chain, plan, ways) is None:
        yield _ask_for_minter(plan, ways.minter)
    elif reason is None and read_price(chain, plan, ways) is None:
        yield note(subject, "It is not sold by transfers, because its token takes none.", "Sell for USDC.")
    elif reason is not None:
        yield note(subject, f"It is not sold by transfers, because {reason}.", "Switch on [checkout] relays for it.")
    else:
        yield good(subject, f"It is sold by transfers to {terms.splits[0].receiver}.")


def _find_reason(plan: PlanState) -> str | None:
    """Return what in the terms of a plan keeps it from being sold by transfers."""
    terms = plan.terms
    if terms.token == ZERO_ADDRESS:
        return "it costs the native coin"
    if terms.is_quoted:
        return "a contract names its price"
    if len(terms.splits) != 1:
        return "it has several receivers"
    if plan.fee_bps:
        return "a fee is taken from its price"
    return "it is a trial" if terms.trial else None


def _ask_for_minter(plan: PlanState, minter: ChecksumAddress | None) -> Finding:
    subject = name_plan(plan.plan_id)
    if minter is None:
        text = "It is not sold by transfers, because nobody grants it."
        return note(subject, text, "Write `minter` below [x402], or leave it so: orders need none.")
    command = f"nvm-chain plan set-minter {format_plan_id(plan.plan_id)} {minter}"
    text = f"It is not sold by transfers, because {minter} is not its minter."
    return note(subject, text, f"Run `{command}` with the key of the plan's owner, {plan.owner}.")
