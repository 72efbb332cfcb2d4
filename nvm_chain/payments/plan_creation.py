"""The part of `Payments` that registers plans, with all the parameters of the first documented generation."""

from collections.abc import Sequence

from nvm_chain.metadata.documents import PlanMetadata
from nvm_chain.payments.durations import read_duration
from nvm_chain.payments.parameters import read_amount
from nvm_chain.payments.plan_registration import register
from nvm_chain.payments.results import CreateAssetResultDto
from nvm_chain.payments.session import Session
from nvm_chain.types.addresses import parse_token_address
from nvm_chain.types.credits import CreditsConfig, get_dynamic_credits_config, get_expirable_duration_config
from nvm_chain.types.ids import format_did
from nvm_chain.types.prices import PriceConfig, get_crypto_price_config, get_free_price_config


class CreatingPlans:
    """What `Payments` registers plans with."""

    _session: Session

    def create_credits_plan(
        self,
        name: str,
        description: str,
        price: int | str,
        token_address: str,
        amount_of_credits: int | str,
        tags: Sequence[str] | None = None,
        *,
        allow_tiny_price: bool = False,
    ) -> CreateAssetResultDto:
        """Register a plan of so many credits, paid to this account. One transaction.

        A request of the plan may cost 1 credit up to all of them: its services say how many.

        Args:
            name: The plan's name.
            description: What the plan says of itself.
            price: What a purchase costs, in base units of the token. 0 is free.
            token_address: The token; the zero address is the native coin.
            amount_of_credits: The credits of a purchase.
            tags: Words to find the plan by.
            allow_tiny_price: Whether a price below a thousandth of its token is meant. A price of exactly 1, as in the
                document's example, is taken with a warning.

        Raises:
            SuspiciousPrice: The price looks as if whole tokens were meant.
            InvalidMetadata: The name, the description or the tags cannot be metadata.
            NvmChainError: As `nvm_chain.register_plan`.
        """
        amount = read_amount(amount_of_credits, "amount_of_credits")
        credits = get_dynamic_credits_config(amount, 1, max(amount, 1))
        metadata = PlanMetadata(name, description, tags=tags or ())
        return self._create_plan(metadata, self._read_price(price, token_address), credits, allow_tiny_price)

    def create_time_plan(
        self,
        name: str,
        description: str,
        price: int | str,
        token_address: str,
        duration: int | str | None = 0,
        tags: Sequence[str] | None = None,
        *,
        duration_unit: str = "days",
        allow_tiny_price: bool = False,
    ) -> CreateAssetResultDto:
        """Register a plan of so many *days*, or other units, which begin with the purchase. One transaction.

        Args:
            name: The plan's name.
            description: What the plan says of itself.
            price: What a purchase costs, in base units of the token. 0 is free.
            token_address: The token; the zero address is the native coin.
            duration: How many units a purchase lasts. 0 is for ever, 136 years.
            tags: Words to find the plan by.
            duration_unit: ``hours``, ``days``, ``weeks``, ``months`` of 30 days, or ``years`` of 365 days.
            allow_tiny_price: As of `create_credits_plan`.

        Raises:
            InvalidAmount: The duration is not a whole number of units, or too long.
            NvmChainError: As `create_credits_plan`.
        """
        credits = get_expirable_duration_config(read_duration(duration, duration_unit))
        metadata = PlanMetadata(name, description, tags=tags or ())
        return self._create_plan(metadata, self._read_price(price, token_address), credits, allow_tiny_price)

    def _create_plan(
        self, metadata: PlanMetadata, price: PriceConfig, credits: CreditsConfig, allow_tiny_price: bool
    ) -> CreateAssetResultDto:
        registered = register(
            self._session, metadata, price, credits, allow_tiny_price=allow_tiny_price, takes_one=True
        )
        return CreateAssetResultDto(did=format_did(registered.plan_id), txHash=registered.transaction.hash)

    def _read_price(self, price: int | str, token_address: str) -> PriceConfig:
        amount = read_amount(price, "price")
        if amount == 0:
            parse_token_address(token_address, or_coin=True)
            return get_free_price_config()
        return get_crypto_price_config(amount, self._session.address, token_address)
