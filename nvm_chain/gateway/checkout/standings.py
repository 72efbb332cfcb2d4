"""How an account stands on a plan, for the account's own eyes: what it has, and what it could pay with."""

from functools import partial
from typing import Any

from eth_typing import ChecksumAddress

from nvm_chain.chain.batches import Reader
from nvm_chain.chain.client import Chain
from nvm_chain.enums import PlanKind
from nvm_chain.errors.formatting import count, format_utc
from nvm_chain.gateway.checkout.cards import PlanCard
from nvm_chain.operations.credits import read_account
from nvm_chain.operations.tokens import read_token_balance
from nvm_chain.terms.money import write_money
from nvm_chain.types.accounts import Account
from nvm_chain.types.addresses import ZERO_ADDRESS


def read_standing(chain: Chain, card: PlanCard, holder: ChecksumAddress) -> dict[str, Any]:
    """Return how an account stands: credits, access, money, and what it has in words. One round trip."""
    plan_id, token = card.plan.plan_id, card.plan.terms.token
    readers: list[Reader] = [
        partial(read_account, chain, plan_id, holder),
        partial(chain.read_coin_balance, holder),
        partial(chain.has_code, holder),
        chain.read_time,
    ]
    if token != ZERO_ADDRESS:
        readers.append(partial(read_token_balance, chain, token, holder))
    with chain.reading_ahead(*readers):
        account, now = read_account(chain, plan_id, holder), chain.read_time()
        money = chain.read_coin_balance(holder) if token == ZERO_ADDRESS else read_token_balance(chain, token, holder)
        return {
            "account": holder,
            "hasCode": chain.has_code(holder),
            "credits": str(account.balance),
            "accessUntil": str(account.access_until),
            "trialTaken": account.trial_taken,
            "money": str(money),
            "words": {
                "has": _describe(card, account, now),
                "money": write_money(money, token, card.label),
                "renewal": _describe_renewal(card, account, now),
            },
        }


def _describe(card: PlanCard, account: Account, now: int) -> str:
    terms = card.plan.terms
    if terms.kind is not PlanKind.TIME:
        return count(account.balance, "credit") if account.balance else "no credits yet"
    window = f"access until {format_utc(account.access_until)}" if account.access_until > now else ""
    is_waiting = account.balance and not terms.starts_on_purchase
    unused = f"{count(account.balance, 'period')} not used yet" if is_waiting else ""
    ended = f"access ended on {format_utc(account.access_until)}" if account.access_until and not window else ""
    return ", ".join(filter(None, (window, ended, unused))) or "no access yet"


def _describe_renewal(card: PlanCard, account: Account, now: int) -> str:
    """Return what a further order adds. Empty for an account that has nothing, and for a trial."""
    terms = card.plan.terms
    if terms.trial or not (account.access_until > now if terms.starts_on_purchase else account.balance):
        return ""
    if terms.starts_on_purchase:
        return "You can renew now. The new time is added to the end of the present one, so no time is lost."
    if terms.kind is PlanKind.TIME:
        return "You can order again now. The new periods are added to those that are not used yet."
    if terms.duration:
        return "You can order again now. The new credits are added, and have an end of their own. Those that end first are used first."
    return "You can order again now. The new credits are added to those that you have."
