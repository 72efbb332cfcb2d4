"""`nvm-chain plan register`: registers a plan with the terms of its options."""

from typing import TYPE_CHECKING, Any

from nvm_chain.cli.answers import describe_terms, name_plan, terms_rows, transaction_rows
from nvm_chain.cli.command import chain_command
from nvm_chain.cli.descriptions import read_plan_description
from nvm_chain.cli.lazy import formatting, plans
from nvm_chain.cli.plan_options import PlanOptions, plan_options
from nvm_chain.cli.prices import build_price
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from nvm_chain.chain.client import Chain
    from nvm_chain.types.plans import RegisteredPlan


@chain_command(
    "register",
    signs=True,
    examples=(
        'nvm-chain plan register --price "20 USDC" --grants 100 --keyfile builder.json',
        (
            "nvm-chain plan register --name Translations --description 'Per page.' \\\n"
            '    --price "20 USDC" --grants 100 --dev-account 1'
        ),
        'nvm-chain plan register --price "0.01 ETH" --grants 50 --per-request 1..5 \\\n    --dev-account 1',
        "nvm-chain plan register --price free --grants 3 --trial --rule owner \\\n    --dev-account 1",
        'nvm-chain plan register --price "20 USDC" --grants 100 --expires 30d \\\n    --dev-account 1',
        'nvm-chain plan register --price "5 USDC" --period "1 month" --dev-account 1',
        'nvm-chain plan register --price "5 USDC" --period 1d --grants 7 \\\n    --starts first-use --dev-account 1',
        'nvm-chain plan register --price "0.01 USDC" --usage --dev-account 1',
        'nvm-chain plan register --split $BUILDER="15 USDC" --split $PARTNER="5 USDC" \\\n    --grants 100 --dev-account 1',
        (
            "nvm-chain plan register --quoter $QUOTER --token USDC --split $BUILDER=3 \\\n"
            "    --split $PARTNER=1 --grants 100 --dev-account 1"
        ),
        "nvm-chain plan register --paid-externally --grants 100 --dev-account 1",
        "nvm-chain plan register --price-base-units 20000000 --token $USDC \\\n    --grants 100 --dev-account 1 --json",
    ),
)
@plan_options
def register(session: Session, **values: Any) -> None:
    """Register a plan. The signer becomes its owner, and subscribers can order it at once.

    A plan sells credits (--grants), time (--period) or single requests (--usage). The terms of a plan never change. The
    command prints the plan id. Subscribers need the plan id to order. It asks nothing; `nvm-chain plan new` shows all terms
    and asks before it registers.
    """
    options = PlanOptions.read(values)
    price, grant, uri = options.check()
    chain, signer = session.connect_to_sign()
    plan = plans.register_plan(
        chain,
        signer,
        build_price(chain, price, signer.address),
        grant,
        uri=uri,
        salt=options.salt,
        allow_tiny_price=options.allow_tiny_price,
        max_fee_bps=options.max_fee_bps,
    )
    _answer_registered(session, chain, plan, uri)


def _answer_registered(session: Session, chain: "Chain", plan: "RegisteredPlan", described: str) -> None:
    data = {
        **name_plan(plan.plan_id),
        "creator": plan.creator,
        "uri": described,
        "metadata": read_plan_description(described).as_json(),
        "terms": describe_terms(plan.terms),
        "salt": plan.salt,
        "fee_bps": plan.fee_bps,
        "transaction": plan.transaction,
    }
    rows = [
        ("plan id", formatting.format_plan_id(plan.plan_id)),
        *(read_plan_description(described).rows() if described else ()),
        *terms_rows(chain, plan.terms, plan.fee_bps),
        *transaction_rows(plan.transaction),
    ]
    session.answer(data, rows)
