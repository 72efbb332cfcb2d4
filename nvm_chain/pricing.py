"""Price and credits configs, under the names that the user's documents give them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.addresses import ZERO_ADDRESS, parse_address, parse_address_or_zero
from nvm_chain.errors import InvalidConfig, NeedsVendor
from nvm_chain.types import (
    REDEMPTION_TYPES,
    Activation,
    Amounts,
    CreditsConfig,
    PlanKind,
    PlanRedemptionType,
    PriceConfig,
    RedemptionRule,
    Split,
    Terms,
)
from nvm_chain.units import check_bool, check_uint

MAX_SPLITS: Final = 16
AMOUNT_BITS: Final = 96
CREDITS_BITS: Final = 32
DURATION_BITS: Final = 32
BPS: Final = 10_000

ONE_HOUR_DURATION: Final = 3600
"""Seconds. So are the others."""
ONE_DAY_DURATION: Final = 86_400
ONE_WEEK_DURATION: Final = 7 * 86_400
ONE_MONTH_DURATION: Final = 30 * 86_400
ONE_YEAR_DURATION: Final = 365 * 86_400
FOREVER: Final = 2**DURATION_BITS - 1
"""The longest period of a time plan: 136 years."""
_RULES: Final = {name: rule for rule, name in REDEMPTION_TYPES.items()}
FIAT_WAY: Final = (
    "take the money yourself, price the plan with get_external_price_config() and grant it with grant_external()"
)


def get_erc20_price_config(amount: int, token_address: str, receiver: str) -> PriceConfig:
    """Price a plan in an ERC-20 token, paid to one receiver.

    ``amount`` is in base units of the token: ``usdc("20")`` or ``20_000_000`` is 20 USDC, ``20`` is 0.00002 USDC.
    Raises InvalidAmount or InvalidAddress.

    >>> get_erc20_price_config(20_000_000, "0x" + "11" * 20, "0x" + "22" * 20).total
    20000000
    """
    return get_split_price_config(parse_address(token_address, "token address"), {receiver: amount})


def get_crypto_price_config(amount: int, receiver: str, token_address: str = ZERO_ADDRESS) -> PriceConfig:
    """Price a plan in an ERC-20 token or, if none is given, in the chain's native coin, paid to one receiver.

    ``amount`` is in base units of the token, or in wei. Raises InvalidAmount or InvalidAddress.

    >>> get_crypto_price_config(10**15, "0x" + "22" * 20) == get_native_token_price_config(10**15, "0x" + "22" * 20)
    True
    """
    return get_split_price_config(token_address, {receiver: amount})


def get_native_token_price_config(amount: int, receiver: str) -> PriceConfig:
    """Price a plan in the chain's native coin, paid to one receiver. ``amount`` is in wei, see `nvm_chain.ether`.

    >>> get_native_token_price_config(10**15, "0x" + "22" * 20).token
    '0x0000000000000000000000000000000000000000'
    """
    return get_split_price_config(ZERO_ADDRESS, {receiver: amount})


def get_free_price_config() -> PriceConfig:
    """Make a plan free.

    >>> get_free_price_config().total
    0
    """
    return PriceConfig(token=ZERO_ADDRESS, splits=())


def get_split_price_config(token_address: str, amounts: Amounts) -> PriceConfig:
    """Price a plan with 1 to 16 receivers, each paid straight from the payer.

    ``token_address`` is the zero address for the native coin. ``amounts`` maps receivers to base units, 1 to
    2**96 - 1 each; given as pairs, a receiver may appear twice. Raises InvalidAddress, InvalidAmount, InvalidConfig.

    >>> get_split_price_config("0x" + "11" * 20, {"0x" + "22" * 20: 15, "0x" + "33" * 20: 5}).total
    20
    """
    token = parse_address_or_zero(token_address, "token address")
    pairs = amounts.items() if isinstance(amounts, Mapping) else amounts
    splits = tuple(
        Split(parse_address(receiver, "receiver address"), check_uint(amount, AMOUNT_BITS, "price", minimum=1))
        for receiver, amount in pairs
    )
    if not 1 <= len(splits) <= MAX_SPLITS:
        raise InvalidConfig(f"a price has 1 to {MAX_SPLITS} receivers, not {len(splits)}")
    return PriceConfig(token=token, splits=splits)


def get_quoted_price_config(token_address: str, quoter_address: str, weights: Amounts) -> PriceConfig:
    """Price a plan by a contract that is asked for the cost of each order (IQuoter), shared by receivers as weights.

    ``token_address`` is the zero address for the native coin. ``weights`` maps 1 to 16 receivers to their parts, 1 to
    2**96 - 1 each: 3 and 1 are three quarters and one quarter. Raises InvalidAddress, InvalidAmount, InvalidConfig.

    >>> get_quoted_price_config("0x" + "11" * 20, "0x" + "44" * 20, {"0x" + "22" * 20: 1}).total
    0
    """
    price = get_split_price_config(token_address, weights)
    return replace(price, quoter=parse_address(quoter_address, "quoter address"))


def get_external_price_config() -> PriceConfig:
    """Price a plan outside the chain, such as by card: it cannot be ordered, and its seller grants it.

    >>> get_external_price_config().paid_externally
    True
    """
    return PriceConfig(token=ZERO_ADDRESS, splits=(), paid_externally=True)


def get_fixed_credits_config(
    credits_granted: int,
    credits_per_request: int = 1,
    *,
    duration_seconds: int = 0,
    rule: RedemptionRule = RedemptionRule.HOLDER,
    trial: bool = False,
    transferable: bool = False,
) -> CreditsConfig:
    """Grant a number of credits per purchase; every request costs the same.

    Both numbers are whole credits, 1 to 2**32 - 1. With a duration each purchase's credits expire so many seconds after it;
    0 means never. Raises InvalidAmount or InvalidConfig.

    >>> get_fixed_credits_config(100).max_redeem
    1
    """
    return get_dynamic_credits_config(
        credits_granted,
        credits_per_request,
        credits_per_request,
        duration_seconds=duration_seconds,
        rule=rule,
        trial=trial,
        transferable=transferable,
    )


def get_dynamic_credits_config(
    credits_granted: int,
    min_credits_per_request: int = 1,
    max_credits_per_request: int = 1,
    *,
    duration_seconds: int = 0,
    rule: RedemptionRule = RedemptionRule.HOLDER,
    trial: bool = False,
    transferable: bool = False,
) -> CreditsConfig:
    """Grant a number of credits per purchase; a request costs between a minimum and a maximum.

    All numbers are whole credits, 1 to 2**32 - 1. With a duration each purchase's credits expire so many seconds after it;
    0 means never. Raises InvalidAmount or InvalidConfig.

    >>> get_dynamic_credits_config(100, 1, 5, duration_seconds=30 * 86_400).duration
    2592000
    """
    check_uint(credits_granted, CREDITS_BITS, "credits granted", minimum=1)
    check_uint(duration_seconds, DURATION_BITS, "duration")
    if check_bool(transferable, "transferable") and duration_seconds:
        raise InvalidConfig("credits that expire cannot be transferable; leave one of the two out")
    return CreditsConfig(
        credits_granted,
        *_check_range(min_credits_per_request, max_credits_per_request),
        rule=_check_rule(rule),
        trial=check_bool(trial, "trial"),
        transferable=transferable,
        duration=duration_seconds,
    )


def get_expirable_duration_config(
    duration_of_plan: int,
    periods: int = 1,
    *,
    activation: Activation = Activation.ON_PURCHASE,
    max_periods_per_redemption: int = 1,
    rule: RedemptionRule = RedemptionRule.HOLDER,
    trial: bool = False,
) -> CreditsConfig:
    """Grant periods of time, in which requests cost nothing. ``duration_of_plan`` is one period's length in seconds.

    ON_PURCHASE a purchase opens the access window, or extends it; ON_FIRST_USE the holder redeems a period to do so, and
    may redeem up to ``max_periods_per_redemption`` at once. A purchase grants ``periods`` of them, 1 to 2**32 - 1.
    ``rule`` says who may redeem, so it has no meaning ON_PURCHASE. Raises InvalidAmount or InvalidConfig.

    >>> get_expirable_duration_config(86_400).kind
    <PlanKind.TIME: 1>
    """
    check_uint(duration_of_plan, DURATION_BITS, "duration", minimum=1)
    check_uint(periods, CREDITS_BITS, "periods", minimum=1)
    activation = _check_activation(activation)
    opens_on_use = activation is Activation.ON_FIRST_USE
    if not opens_on_use and _check_rule(rule) is not RedemptionRule.HOLDER:
        raise InvalidConfig("a period that starts on purchase is not redeemed, so no rule says by whom; leave it out")
    return CreditsConfig(
        periods,
        *(_check_range(1, max_periods_per_redemption) if opens_on_use else (0, 0)),
        rule=_check_rule(rule),
        trial=check_bool(trial, "trial"),
        kind=PlanKind.TIME,
        activation=activation,
        duration=duration_of_plan,
    )


def get_non_expirable_duration_config() -> CreditsConfig:
    """Grant access for ever, which is `FOREVER` seconds, 136 years: the longest period that a plan can have.

    >>> get_non_expirable_duration_config().duration == FOREVER
    True
    """
    return get_expirable_duration_config(FOREVER)


def get_pay_as_you_go_price_config(
    amount: int, receiver: str, token_address: str = ZERO_ADDRESS, template_address: str | None = None
) -> PriceConfig:
    """Price each request of a usage plan, in an ERC-20 token or, if none is given, in the native coin.

    The other half is `get_pay_as_you_go_credits_config`. No contract but Credits takes part, so there is no template to name:
    raises InvalidConfig for a ``template_address``, InvalidAmount or InvalidAddress.

    >>> get_pay_as_you_go_price_config(10_000, "0x" + "22" * 20, "0x" + "11" * 20).total
    10000
    """
    if template_address is not None:
        raise InvalidConfig("Credits takes payments for usage itself, without a template; leave template_address out")
    return get_crypto_price_config(amount, receiver, token_address)


def get_pay_as_you_go_credits_config() -> CreditsConfig:
    """Grant nothing: each request is paid on its own, see `nvm_chain.pay_usage`.

    >>> get_pay_as_you_go_credits_config().kind
    <PlanKind.USAGE: 2>
    """
    return CreditsConfig(credits=0, min_redeem=0, max_redeem=0, kind=PlanKind.USAGE)


def set_redemption_type(
    credits_config: CreditsConfig, redemption_type: PlanRedemptionType | RedemptionRule
) -> CreditsConfig:
    """Return the same credits under another redemption rule.

    ``redemption_type`` is a RedemptionRule, or a PlanRedemptionType of the hosted system. Raises InvalidConfig where nothing is redeemed,
    NeedsVendor for the role that a vendor held over everybody's credits.

    >>> set_redemption_type(get_fixed_credits_config(100), PlanRedemptionType.ONLY_PLAN_ROLE).rule
    <RedemptionRule.REDEEMER: 1>
    """
    if isinstance(redemption_type, PlanRedemptionType):
        rule = _RULES.get(redemption_type)
        if rule is None:
            raise NeedsVendor(
                "a global role over everybody's credits", "name redeemers of your own: RedemptionRule.REDEEMER"
            )
    elif isinstance(redemption_type, RedemptionRule):
        rule = redemption_type
    else:
        raise InvalidConfig(
            f"{redemption_type!r} is not a redemption rule, as its number may mean two; give a RedemptionRule or PlanRedemptionType"
        )
    if rule is not RedemptionRule.HOLDER and credits_config.max_redeem == 0:
        raise InvalidConfig("nothing of this plan is redeemed, so no rule says by whom; leave it as it is")
    return replace(credits_config, rule=rule)


def get_fiat_price_config(amount: int, receiver: str, currency: str = "USD") -> PriceConfig:
    """Refuse: nobody takes cards here. Raises NeedsVendor, which names the way that there is.

    >>> try:
    ...     get_fiat_price_config(2_000_000, "0x" + "22" * 20)
    ... except NeedsVendor as error:
    ...     print(error.way)
    take the money yourself, price the plan with get_external_price_config() and grant it with grant_external()
    """
    raise NeedsVendor(f"a price of {amount!r} in {currency!r} paid to {receiver!r} by card", FIAT_WAY)


def _check_range(least: int, most: int) -> tuple[int, int]:
    check_uint(least, CREDITS_BITS, "least credits per request", minimum=1)
    check_uint(most, CREDITS_BITS, "most credits per request", minimum=1)
    if least > most:
        raise InvalidConfig(f"a request cannot cost {least} to {most} credits")
    return least, most


def _check_activation(activation: int) -> Activation:
    if isinstance(activation, bool) or activation not in list(Activation):
        raise InvalidConfig(
            f"{activation!r} is not an activation; give Activation.ON_PURCHASE or Activation.ON_FIRST_USE"
        )
    return Activation(activation)


def _check_rule(rule: int) -> RedemptionRule:
    if isinstance(rule, bool) or rule not in list(RedemptionRule):
        raise InvalidConfig(
            f"{rule!r} is not a redemption rule; give RedemptionRule.HOLDER, RedemptionRule.REDEEMER or RedemptionRule.OWNER"
        )
    return RedemptionRule(rule)


def build_terms(price: PriceConfig, credits: CreditsConfig) -> Terms:
    """Join a price and a credits config to the terms that a plan is registered with."""
    return Terms(
        kind=credits.kind,
        activation=credits.activation,
        token=price.token,
        splits=price.splits,
        quoter=price.quoter or ZERO_ADDRESS,
        paid_externally=price.paid_externally,
        credits=credits.credits,
        duration=credits.duration,
        min_redeem=credits.min_redeem,
        max_redeem=credits.max_redeem,
        rule=credits.rule,
        trial=credits.trial,
        transferable=credits.transferable,
    )


def share_cost(terms: Terms, cost: int, fee_bps: int) -> tuple[list[tuple[ChecksumAddress, int]], int]:
    """Return what each split's receiver gets of a cost, and the protocol fee taken out of it, as the contract divides it.

    All in base units; together they are the cost. Parts are rounded down and the first split gets what is left; the fee is
    rounded down for each split. ``fee_bps`` in basis points.
    """
    total = sum(split.amount for split in terms.splits)
    dues = [cost * split.amount // total for split in terms.splits[1:]]
    dues = [cost - sum(dues), *dues] if terms.splits else []
    fees = [due * fee_bps // BPS for due in dues]
    shares = [(split.receiver, due - fee) for split, due, fee in zip(terms.splits, dues, fees, strict=True)]
    return shares, sum(fees)
