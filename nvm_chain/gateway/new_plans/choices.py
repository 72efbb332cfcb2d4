"""The choices of a seller, checked: the grant, the price and the metadata of a new plan."""

import re
from typing import Final

from nvm_chain.chain.client import Chain
from nvm_chain.errors import InvalidAmount, InvalidConfig, InvalidMetadata
from nvm_chain.gateway.new_plans.bodies import PlanBody, ReceiverBody
from nvm_chain.gateway.new_plans.problems import LABELS, Problems
from nvm_chain.metadata.documents import PlanMetadata, build_metadata_uri
from nvm_chain.operations.tokens import read_token_info
from nvm_chain.terms.grant_choices import GrantChoice
from nvm_chain.terms.template_configs import find_template
from nvm_chain.terms.templates import CUSTOM, FREE, Template
from nvm_chain.types.addresses import ZERO_ADDRESS, parse_address, parse_token_address
from nvm_chain.types.amounts import NATIVE_DECIMALS, USDC_DECIMALS, check_uint, format_units, parse_units
from nvm_chain.types.credits import CREDITS_BITS, CreditsConfig
from nvm_chain.types.durations import parse_duration
from nvm_chain.types.prices import PriceConfig, get_free_price_config, get_split_price_config

USDC: Final = "USDC"
COIN: Final = "ETH"
NEVER: Final = "never"
MAX_NAME: Final = 120
MAX_TEXT: Final = 2_000
"""The largest numbers of characters that the page of a plan shows."""
_DIGITS: Final = re.compile("[0-9]{1,78}")


# ---------------------------------------------------------------------- the grant


def build_grant(body: PlanBody, problems: Problems) -> CreditsConfig | None:
    """Return what a purchase grants: the template, with what was chosen in its place. None if there are problems."""
    before, template = problems.count, _find_template(body, problems)
    grants = _read_count(body.grants, "grants", "number", problems)
    period = _read_period(body, template, problems)
    per_request = _read_range(body, problems)
    expires = _read_expiry(body, problems)
    if template is None or problems.count > before:
        return None
    is_redeemed = body.kind == "credits" or (body.kind == "time" and body.starts == "first-use")
    choice = GrantChoice(
        grants=grants,
        per_request=per_request,
        expires=expires,
        period=period,
        starts=body.starts if body.kind == "time" else None,
        usage=body.kind == "usage",
        rule=body.rule if is_redeemed else None,
        trial=body.trial,
        transferable=body.transferable,
        allow_small_grant=body.allow_small_grant and body.kind == "credits",
    )
    with problems.about("grants"):
        return choice.begin_with(template, LABELS.__getitem__).build(LABELS.__getitem__)
    return None


def _find_template(body: PlanBody, problems: Problems) -> Template | None:
    with problems.about("template"):
        template = find_template(body.template)
        kind = "credits" if template.period is None else "time"
        if template.name != CUSTOM and body.kind != kind:
            raise InvalidConfig(f"the template {template.name} sells {kind}", f"choose the template {CUSTOM}")
        return template
    return None


def _read_count(text: str, field: str, name: str, problems: Problems) -> int | None:
    """Return a number from 1 to the largest of the contract. None for an empty text."""
    if not text.strip():
        return None
    with problems.about(field):
        if not _DIGITS.fullmatch(text.strip()):
            raise InvalidAmount(f"the {name} {text!r}", "is not a whole number", "write digits only, such as 100")
        return check_uint(int(text.strip()), CREDITS_BITS, f"the {name}", minimum=1)
    return None


def _read_period(body: PlanBody, template: Template | None, problems: Problems) -> int | None:
    if body.kind != "time":
        return None
    with problems.about("period"):
        if body.period.strip():
            return parse_duration(body.period, "the length")
        if template is not None and template.period is None:
            raise InvalidConfig("the length of a period is missing", "write it, such as 30 days or 12 hours")
    return None


def _read_range(body: PlanBody, problems: Problems) -> tuple[int, int] | None:
    """Return the credits of a request. None for the usual one credit, and for plans on which no request takes credits."""
    if body.kind != "credits":
        return None
    least = _read_count(body.least_per_request, "leastPerRequest", "number", problems)
    most = _read_count(body.most_per_request, "mostPerRequest", "number", problems)
    if least is None and most is None:
        return None
    least = least or 1
    with problems.about("mostPerRequest"):
        if most is not None and most < least:
            raise InvalidConfig(
                f"a request cannot cost {least} to {most} credits", "write a larger number, or leave it empty"
            )
    return least, most or least


def _read_expiry(body: PlanBody, problems: Problems) -> int | None:
    if body.kind != "credits" or body.expires.strip().lower() in ("", NEVER):
        return None
    with problems.about("expires"):
        return parse_duration(body.expires, "the expiry")
    return None


# ---------------------------------------------------------------------- the price


def build_price(chain: Chain, body: PlanBody, creator: str, problems: Problems) -> PriceConfig | None:
    """Return the price of a purchase. ``creator`` gets all if no receiver is named. At most one request. None if there are problems."""
    if body.token == FREE:
        with problems.about("receivers"):
            if body.receivers:
                raise InvalidConfig("a free plan has no price to share", "remove the receivers")
        with problems.about("price"):
            if body.price.strip():
                raise InvalidConfig("a free plan has no price", "choose a token, or leave the price empty")
        return get_free_price_config()
    unit = _find_unit(chain, body, problems)
    if unit is None:
        return None
    before, (token, decimals) = problems.count, unit
    price = _read_amount(body.price, decimals, "price", problems)
    _check_receivers(body.receivers, {chain.credits.address, token}, problems)
    splits = _read_splits(body.receivers, decimals, creator, price, problems)
    if price is None or splits is None or problems.count > before:
        return None
    with problems.about("receivers"):
        return get_split_price_config(token, splits)
    return None


def _find_unit(chain: Chain, body: PlanBody, problems: Problems) -> tuple[str, int] | None:
    """Return the address and the decimals of the token of a price."""
    with problems.about("token"):
        if body.token == COIN:
            return ZERO_ADDRESS, NATIVE_DECIMALS
        if body.token != USDC:
            info = read_token_info(chain, parse_token_address(body.token))
            return info.address, info.decimals
        if chain.usdc is None:
            raise InvalidConfig("no USDC is known on this network", "choose the token by its address")
        return chain.usdc, USDC_DECIMALS
    return None


def _read_amount(text: str, decimals: int, field: str, problems: Problems) -> int | None:
    with problems.about(field):
        if not text.strip():
            raise InvalidAmount("the amount", "is missing", "write a number of whole tokens, such as 20 or 0.5")
        return check_uint(parse_units(text, decimals), 96, "the amount", minimum=1)
    return None


def _check_receivers(receivers: list[ReceiverBody], contracts: set[str], problems: Problems) -> None:
    """Check who is paid. Money that is sent to the contract of the credits or of the token is lost, or cannot be sent."""
    for at, each in enumerate(receivers):
        with problems.about(f"receivers.{at}.address"):
            if parse_address(each.address, "receiver address") in contracts:
                raise InvalidConfig(
                    f"{each.address} is the contract of the credits or of the token, and cannot be paid",
                    "name an account that belongs to somebody",
                )


def _read_splits(
    receivers: list[ReceiverBody], decimals: int, creator: str, price: int | None, problems: Problems
) -> list[tuple[str, int]] | None:
    """Return who is paid how much. Without receivers, the creator is paid everything."""
    if not receivers:
        return None if price is None else [(creator, price)]
    amounts = [
        _read_amount(each.amount, decimals, f"receivers.{at}.amount", problems) for at, each in enumerate(receivers)
    ]
    known = [amount for amount in amounts if amount is not None]
    if price is None or len(known) < len(receivers):
        return None
    with problems.about("receivers"):
        if sum(known) != price:
            added, whole = format_units(sum(known), decimals), format_units(price, decimals)
            raise InvalidConfig(
                f"the shares add up to {added}, and the price is {whole}", "correct a share or the price"
            )
        return [(each.address, amount) for each, amount in zip(receivers, known, strict=True)]
    return None


# ---------------------------------------------------------------------- the metadata


def build_uri(body: PlanBody, problems: Problems) -> str:
    """Return the URI with the metadata of a plan, which is stored on the chain. Empty without a name."""
    for field, text, most in (("name", body.name, MAX_NAME), ("description", body.description, MAX_TEXT)):
        with problems.about(field):
            if len(text) > most:
                raise InvalidMetadata(field, f"it has {len(text):,} characters, and pages of plans show {most:,}")
    with problems.about("author"):
        if len(body.author) > MAX_NAME:
            raise InvalidMetadata(
                "author", f"it has {len(body.author):,} characters, and pages of plans show {MAX_NAME}"
            )
    with problems.about("name"):
        if body.name.strip():
            return build_metadata_uri(PlanMetadata(body.name.strip(), body.description, body.author))
        if body.description.strip() or body.author.strip():
            raise InvalidMetadata("name", "it is empty, and a description or an author needs one")
    return ""
