"""Methods of `Payments` that register plans, with the parameters of the first documented generation."""

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
    """Methods of `Payments` that register plans."""

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
        """Register a plan of credits. Its price is paid to this account. Sends one transaction.

        Each service of the plan sets the cost of a request, from 1 credit to all credits of a purchase.

        Args:
            name: The name of the plan.
            description: The description of the plan.
            price: The price of one purchase, in base units of the token. 0 is free.
            token_address: The address of the token. The zero address is the native coin.
            amount_of_credits: The credits of one purchase.
            tags: Search words for the plan.
            allow_tiny_price: Whether a price below a thousandth of one token, or a billionth of the native coin, is
                allowed. A price of exactly 1, as in the documents' example, is allowed and logs a warning.

        Raises:
            SuspiciousPrice: The price is below the limit of ``allow_tiny_price``, and probably counts whole tokens.
            InvalidMetadata: The name, the description or the tags are invalid.
            NvmChainError: The errors of `nvm_chain.register_plan`.
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
        """Register a plan of access time in *days*, or in another unit. The time starts at the purchase. Sends one transaction.

        Args:
            name: The name of the plan.
            description: The description of the plan.
            price: The price of one purchase, in base units of the token. 0 is free.
            token_address: The address of the token. The zero address is the native coin.
            duration: The units of time of one purchase. 0 is for ever, which is 136 years.
            tags: Search words for the plan.
            duration_unit: ``hours``, ``days``, ``weeks``, ``months`` of 30 days, or ``years`` of 365 days.
            allow_tiny_price: As in `create_credits_plan`.

        Raises:
            InvalidAmount: The duration is not a whole number of units, or is too long.
            NvmChainError: The errors of `create_credits_plan`.
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
