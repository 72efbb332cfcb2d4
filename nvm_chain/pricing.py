"""Price and credits configs, under the names that the user's documents give them."""

from collections.abc import Mapping

from nvm_chain.addresses import ZERO_ADDRESS, parse_address, parse_address_or_zero
from nvm_chain.errors import InvalidConfig
from nvm_chain.types import Amounts, CreditsConfig, PriceConfig, Rule, Split, Terms
from nvm_chain.units import check_bool, check_uint

MAX_SPLITS = 16
AMOUNT_BITS = 96
CREDITS_BITS = 32
DURATION_BITS = 32


def get_erc20_price_config(amount: int, token_address: str, receiver_address: str) -> PriceConfig:
    """Price a plan in an ERC-20 token, paid to one receiver.

    ``amount`` is in base units of the token: ``usdc("20")`` or ``20_000_000`` is 20 USDC, ``20`` is 0.00002 USDC.
    Raises InvalidAmount or InvalidAddress.

    >>> get_erc20_price_config(20_000_000, "0x" + "11" * 20, "0x" + "22" * 20).total
    20000000
    """
    return get_split_price_config(parse_address(token_address, "token address"), {receiver_address: amount})


def get_native_token_price_config(amount: int, receiver_address: str) -> PriceConfig:
    """Price a plan in the chain's native coin, paid to one receiver. ``amount`` is in wei, see `nvm_chain.ether`.

    >>> get_native_token_price_config(10**15, "0x" + "22" * 20).token
    '0x0000000000000000000000000000000000000000'
    """
    return get_split_price_config(ZERO_ADDRESS, {receiver_address: amount})


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


def get_fixed_credits_config(
    credits_granted: int,
    credits_per_request: int = 1,
    *,
    rule: Rule = Rule.HOLDER,
    trial: bool = False,
    transferable: bool = False,
) -> CreditsConfig:
    """Grant a number of credits per purchase; every request costs the same.

    Both numbers are whole credits, 1 to 2**32 - 1. Raises InvalidAmount or InvalidConfig.

    >>> get_fixed_credits_config(100).max_redeem
    1
    """
    return get_dynamic_credits_config(
        credits_granted, credits_per_request, credits_per_request, rule=rule, trial=trial, transferable=transferable
    )


def get_dynamic_credits_config(
    credits_granted: int,
    min_credits_per_request: int = 1,
    max_credits_per_request: int = 1,
    *,
    rule: Rule = Rule.HOLDER,
    trial: bool = False,
    transferable: bool = False,
) -> CreditsConfig:
    """Grant a number of credits per purchase; a request costs between a minimum and a maximum.

    All numbers are whole credits, 1 to 2**32 - 1. Raises InvalidAmount or InvalidConfig.

    >>> get_dynamic_credits_config(100, 1, 5)
    CreditsConfig(credits=100, min_redeem=1, max_redeem=5, rule=<Rule.HOLDER: 0>, trial=False, transferable=False)
    """
    check_uint(credits_granted, CREDITS_BITS, "credits granted", minimum=1)
    check_uint(min_credits_per_request, CREDITS_BITS, "least credits per request", minimum=1)
    check_uint(max_credits_per_request, CREDITS_BITS, "most credits per request", minimum=1)
    if min_credits_per_request > max_credits_per_request:
        raise InvalidConfig(f"a request cannot cost {min_credits_per_request} to {max_credits_per_request} credits")
    return CreditsConfig(
        credits_granted,
        min_credits_per_request,
        max_credits_per_request,
        _check_rule(rule),
        check_bool(trial, "trial"),
        check_bool(transferable, "transferable"),
    )


def _check_rule(rule: int) -> Rule:
    if isinstance(rule, bool) or rule not in list(Rule):
        raise InvalidConfig(f"{rule!r} is no redemption rule; give Rule.HOLDER, Rule.REDEEMER or Rule.OWNER")
    return Rule(rule)


def build_terms(price: PriceConfig, credits: CreditsConfig) -> Terms:
    """Join a price and a credits config to the terms that a plan is registered with."""
    return Terms(
        kind=credits.kind,
        activation=credits.activation,
        token=price.token,
        splits=price.splits,
        quoter=price.quoter or ZERO_ADDRESS,
        settled_outside=price.settled_outside,
        credits=credits.credits,
        duration=credits.duration,
        min_redeem=credits.min_redeem,
        max_redeem=credits.max_redeem,
        rule=credits.rule,
        trial=credits.trial,
        transferable=credits.transferable,
    )
