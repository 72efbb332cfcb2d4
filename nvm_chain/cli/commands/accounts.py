"""`nvm-chain balance`, `account`, `access` and `lots`: the state of a plan's holders on the chain."""

from typing import TYPE_CHECKING

import click

from nvm_chain.cli.answers import name_plan
from nvm_chain.cli.command import argument, chain_command, plan_argument
from nvm_chain.cli.exit_codes import EXIT_NO
from nvm_chain.cli.lazy import credits, formatting, json_values, plan_terms, plans
from nvm_chain.cli.output import Rows
from nvm_chain.cli.parameters import Address
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from nvm_chain.chain.client import Chain
    from nvm_chain.types.plans import Terms


@chain_command(
    "balance",
    examples=("nvm-chain balance $PLAN $SUBSCRIBER", "nvm-chain balance $PLAN $SUBSCRIBER $PARTNER --json"),
)
@plan_argument()
@argument(
    "holders",
    type=Address(),
    nargs=-1,
    required=True,
    metavar="HOLDER...",
    help="Address of a holder. Repeat for each holder.",
)
def balance(session: Session, plan: int, holders: tuple[str, ...]) -> None:
    """Show the credits of a plan that each given holder has."""
    chain = session.connect()
    session.say("Reading balances")
    plans.read_terms(chain, plan)  # an unknown plan is an error, not a balance of 0
    found = dict(zip(holders, credits.read_balances(chain, [(plan, holder) for holder in holders]), strict=True))
    rows = [
        ("plan id", formatting.format_plan_id(plan)),
        *(("credits", f"{holder}  {amount:,}") for holder, amount in found.items()),
    ]
    session.answer({**name_plan(plan), "balances": found}, rows)


@chain_command(
    "account", examples=("nvm-chain account $PLAN $SUBSCRIBER", "nvm-chain account $PLAN $SUBSCRIBER --json")
)
@plan_argument()
@argument("holder", type=Address(), help="Address of the holder.")
def account(session: Session, plan: int, holder: str) -> None:
    """Show a holder's account on a plan: credits, settled credits, access and trial."""
    chain = session.connect()
    session.say("Reading the account")
    terms = plans.read_terms(chain, plan)
    found = credits.read_account(chain, plan, holder)
    rows: Rows = [
        ("plan id", formatting.format_plan_id(plan)),
        ("holder", holder),
        _balance_row(terms, found.balance),
        *_settled_rows(terms, found.settled),
        *_access_rows(chain, terms, found.access_until),
        *([("trial", "taken" if found.trial_taken else "not taken")] if terms.trial else []),
    ]
    session.answer({**name_plan(plan), "holder": holder, **json_values.fields_of(found)}, rows)


def _balance_row(terms: "Terms", balance: int) -> tuple[str, object]:
    if terms.kind.name == "TIME":
        return "periods", f"{balance:,} not used yet" if balance else "none left to use"
    return "credits", "none, as each request is paid for" if terms.kind.name == "USAGE" else f"{balance:,} left"


def _settled_rows(terms: "Terms", settled: int) -> Rows:
    """Return the row of the settled credits, if the plan has settlements."""
    if not terms.accepts_vouchers:
        return []
    return [("settled", f"{formatting.count(settled, 'credit')} so far" if settled else "nothing so far")]


def _access_rows(chain: "Chain", terms: "Terms", until: int) -> Rows:
    """Return the row of the access window, if the plan sells time. Makes at most one request."""
    if terms.kind.name != "TIME":
        return []
    if not until:
        return [("access", "never opened")]
    is_open = until > chain.read_time()
    return [
        (
            "access",
            f"open until {formatting.format_utc(until)}" if is_open else f"ended on {formatting.format_utc(until)}",
        )
    ]


@chain_command(
    "access",
    examples=("nvm-chain access $PLAN $SUBSCRIBER", "nvm-chain access $PLAN $SUBSCRIBER --cost 3 --json"),
)
@plan_argument()
@argument("holder", type=Address(), help="Address of the holder.")
@click.option("--cost", type=int, metavar="N", default=1, show_default=True, help="Credits that the request costs.")
def access(session: Session, plan: int, holder: str, cost: int) -> None:
    """Check whether a holder may make a request now. The exit code gives the answer.

    The exit code is 0 for yes and 9 for no, so `if nvm-chain access …; then` works. Errors have other exit codes.

    On a time plan the access window has to be open, and requests are free. On a credits plan the balance has to cover
    the cost, and the cost has to be in the plan's range for a request. On a pay-per-use plan the answer is always no,
    because the holder pays for each request.
    """
    chain = session.connect()
    session.say("Reading the account")
    allowed = credits.has_access(chain, plan, holder, cost)
    until = credits.read_access_until(chain, plan, holder)
    terms = plan_terms.find_known_terms(chain, plan)
    reason = None if allowed or terms is None else _explain_no(terms, cost)
    rows: Rows = [
        ("plan id", formatting.format_plan_id(plan)),
        ("holder", holder),
        ("access", "yes" if allowed else f"no: {reason}"),
        *([("until" if allowed else "ended", formatting.format_utc(until))] if until else []),
    ]
    answer = {"holder": holder, "access": allowed, "access_until": until, "reason": reason}
    session.answer({**name_plan(plan), **answer}, rows)
    if not allowed:
        click.get_current_context().exit(EXIT_NO)


def _explain_no(terms: "Terms", cost: int) -> str:
    """Return why a holder may not make a request of this cost on a plan."""
    if terms.kind.name == "TIME":
        return "the access window is not open"
    if terms.kind.name == "USAGE":
        return "each request is paid on its own"
    if not terms.allows_cost(cost):
        allowed = formatting.format_range(terms.min_redeem, terms.max_redeem, "credit")
        return f"a request on this plan takes {allowed}, not {cost:,}"
    return f"the balance does not cover {formatting.count(cost, 'credit')}"


@chain_command("lots", examples=("nvm-chain lots $PLAN $SUBSCRIBER", "nvm-chain lots $PLAN $SUBSCRIBER --json"))
@plan_argument()
@argument("holder", type=Address(), help="Address of the holder.")
@click.option("--offset", type=int, metavar="N", default=0, help="Number of lots to skip at the front. Default: 0.")
@click.option("--limit", type=int, metavar="N", default=100, show_default=True, help="Largest number of lots to show.")
def lots(session: Session, plan: int, holder: str, offset: int, limit: int) -> None:
    """Show the remaining credits of each purchase or grant on a plan with expiring credits.

    The earliest expiry comes first.
    """
    chain = session.connect()
    session.say("Reading the lots")
    terms = plans.read_terms(chain, plan)  # an unknown plan is an error, not a plan without lots
    found = credits.read_lots(chain, plan, holder, offset=offset, limit=limit)
    rows: Rows = [
        ("plan id", formatting.format_plan_id(plan)),
        ("holder", holder),
        *(
            ("lot", f"{formatting.count(lot.credits, 'credit')} until {formatting.format_utc(lot.expires_at)}")
            for lot in found
        ),
        *([] if found else [("lots", _describe_no_lots(terms, offset))]),
    ]
    session.answer({**name_plan(plan), "holder": holder, "lots": found}, rows)


def _describe_no_lots(terms: "Terms", offset: int) -> str:
    """Return the text for an empty list of lots. Only credits that expire have lots."""
    if terms.kind.name == "CREDITS" and not terms.duration:
        return "none: credits of this plan do not expire; see `nvm-chain balance`"
    if terms.kind.name != "CREDITS":
        return "none: this plan has no credits that expire; see `nvm-chain account`"
    return "none after the skipped ones" if offset else "none"
