"""`nvm-chain plan new`: a plan from a template or from answers. All terms are shown in words before anything is signed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from nvm_chain.cli.answers import describe_in_words, describe_terms, format_gas, name_plan, transaction_rows
from nvm_chain.cli.command import chain_command
from nvm_chain.cli.confirmation import answered, confirm
from nvm_chain.cli.descriptions import read_plan_description
from nvm_chain.cli.lazy import amounts, errors, formatting, plan_drafts, plans
from nvm_chain.cli.output import Rows, print_rows
from nvm_chain.cli.plan_options import PlanOptions, plan_options
from nvm_chain.cli.plan_questions import ask_plan, ask_price
from nvm_chain.cli.plan_templates import TemplateName, begin_with
from nvm_chain.cli.price_questions import PriceQuestions
from nvm_chain.cli.prices import build_price
from nvm_chain.cli.session import Session
from nvm_chain.terms.templates import TEMPLATES

if TYPE_CHECKING:
    from nvm_chain.chain.client import Chain
    from nvm_chain.operations.plan_drafts import PlanDraft
    from nvm_chain.signing.keys import Signer
    from nvm_chain.terms.templates import Template
    from nvm_chain.terms.term import Term
    from nvm_chain.types.credits import CreditsConfig
    from nvm_chain.types.plans import RegisteredPlan
    from nvm_chain.types.prices import PriceConfig
    from nvm_chain.types.receipts import Transaction

NOBODY: Final = "give --template, --price and --yes to register without questions"


@chain_command(
    "new",
    signs=True,
    examples=(
        'nvm-chain plan new --template month --price "20 USDC" --name Pro \\\n    --yes --keyfile builder.json',
        "nvm-chain plan new --template trial --dry-run --dev-account 1",
        (
            'nvm-chain plan new --template 100-requests --price "20 USDC" --grants 500 \\\n'
            "    --dry-run --keyfile builder.json --json"
        ),
        (
            'nvm-chain plan new --template year --split $BUILDER="150 USDC" \\\n'
            '    --split $PARTNER="50 USDC" --yes --dev-account 1 --json'
        ),
    ),
)
@click.option(
    "--template",
    type=TemplateName(),
    metavar="NAME",
    help=f"Plan to begin with: {', '.join(TEMPLATES)}. The options below change single terms of it.",
)
@plan_options
@click.option("--yes", is_flag=True, help="Register without a question.")
@click.option("--dry-run", is_flag=True, help="Show all terms and what would be sent. Sign and send nothing.")
def new(session: Session, template: "Template | None", yes: bool, dry_run: bool, **values: Any) -> None:
    """Register a plan from a template, or from answers to questions.

    Without --template and without --grants, --period or --usage the command asks for everything. It shows all terms in
    words, and asks before it signs, because the terms never change. With --dry-run it only shows them. A month is 30
    days, and a year is 365 days.
    """
    options = PlanOptions.read(values)
    if template is not None:
        options = begin_with(template, options)
    asks = not (yes or session.as_json)
    if not asks:
        _require_grant(options)
        options.check()
    signer: Signer | None = None
    if dry_run:
        chain, creator = session.connect_to_review()
    else:
        chain, signer = session.connect_to_sign()
        creator = signer.address
    if asks:
        options = _ask(session, chain, creator, template, options)
    sale = _Sale.build(chain, creator, options)
    draft = sale.draft(chain, creator)
    words = describe_in_words(chain, draft.terms, draft.fee_bps)
    if signer is None:
        session.answer(_describe(chain, draft, words, None), _review_rows(chain, draft, words))
        return
    _show(session, chain, draft, words)
    if not yes:
        question = "Register this plan? Its terms never change."
        confirm(session, question, verb="register", look="look at the terms with --dry-run")
    plan = sale.register(chain, signer, draft)
    rows = [("plan id", formatting.format_plan_id(plan.plan_id)), *transaction_rows(plan.transaction)]
    session.answer(_describe(chain, draft, words, plan.transaction), rows)


def _require_grant(options: PlanOptions) -> None:
    if not options.has_grant:
        raise errors.InvalidConfig(
            "the template is missing",
            f"give --template {formatting.list_choices(TEMPLATES)}; or --grants N, --period 30d or --usage",
        )


def _ask(
    session: Session, chain: "Chain", creator: str, template: "Template | None", options: PlanOptions
) -> PlanOptions:
    """Ask for what is missing: for everything, or only for the price if the template or the grant was given."""
    session.progress.stop()
    prices = PriceQuestions(chain, creator, options.allow_tiny_price)
    with answered(NOBODY):
        if template is None and not options.has_grant:
            return ask_plan(options, prices)
        return ask_price(template, options, prices)


@dataclass(frozen=True, slots=True)
class _Sale:
    """What `register_plan` takes."""

    price: "PriceConfig"
    credits: "CreditsConfig"
    uri: str
    options: PlanOptions

    @classmethod
    def build(cls, chain: "Chain", creator: str, options: PlanOptions) -> "_Sale":
        price, credits, uri = options.check()
        return cls(build_price(chain, price, creator), credits, uri, options)

    def draft(self, chain: "Chain", creator: str) -> "PlanDraft":
        return plan_drafts.draft_plan(
            chain,
            creator,
            self.price,
            self.credits,
            uri=self.uri,
            salt=self.options.salt,
            allow_tiny_price=self.options.allow_tiny_price,
            max_fee_bps=self.options.max_fee_bps,
        )

    def register(self, chain: "Chain", signer: "Signer", draft: "PlanDraft") -> "RegisteredPlan":
        most = self.options.max_fee_bps
        return plans.register_plan(
            chain,
            signer,
            self.price,
            self.credits,
            uri=self.uri,
            salt=draft.salt,
            allow_tiny_price=self.options.allow_tiny_price,
            max_fee_bps=draft.fee_bps if most is None else most,
        )


# ---------------------------------------------------------------- answer


def _show(session: Session, chain: "Chain", draft: "PlanDraft", words: "tuple[Term, ...]") -> None:
    session.progress.stop()
    if not session.as_json:
        click.echo(err=True)
        print_rows(_review_rows(chain, draft, words), stderr=True)


def _review_rows(chain: "Chain", draft: "PlanDraft", words: "tuple[Term, ...]") -> Rows:
    """Return the rows of a review: the metadata, all terms in words, and the transaction."""
    cost = amounts.format_units(draft.max_cost_wei, amounts.NATIVE_DECIMALS)
    rows: Rows = read_plan_description(draft.uri).rows() if draft.uri else []
    rows += [(term.title.lower(), term.text) for term in words]
    return [
        *rows,
        ("transaction", f"registerPlan of {chain.credits.address} on chain {chain.chain_id}, by {draft.creator}"),
        ("gas", f"{format_gas(draft.gas)} at most, which cost at most {cost} ETH now"),
        ("salt", f"0x{draft.salt.hex()}"),
        ("id with this salt", formatting.format_plan_id(draft.plan_id)),
    ]


def _describe(
    chain: "Chain", draft: "PlanDraft", words: "tuple[Term, ...]", transaction: "Transaction | None"
) -> dict[str, Any]:
    return {
        **name_plan(draft.plan_id),
        "creator": draft.creator,
        "uri": draft.uri,
        "metadata": read_plan_description(draft.uri).as_json(),
        "terms": describe_terms(draft.terms),
        "words": words,
        "salt": draft.salt,
        "fee_bps": draft.fee_bps,
        "contract": chain.credits.address,
        "gas": draft.gas,
        "max_cost_wei": str(draft.max_cost_wei),
        "transaction": transaction,
    }
