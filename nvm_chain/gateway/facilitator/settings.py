"""The facilitator of a gateway, as its settings have it."""

from dataclasses import dataclass

from eth_typing import ChecksumAddress

from nvm_chain.errors import InvalidConfig
from nvm_chain.errors.fields import BaseUnits, Number, Quantity, Seconds
from nvm_chain.operations.authorized_transfers import TRANSFER_GAS
from nvm_chain.x402.facilitator.callers import Caller
from nvm_chain.x402.facilitator.settings import FacilitatorSettings


@dataclass(frozen=True, slots=True)
class FacilitatorPart:
    """Who may ask, what is taken, and what is spent at most. See `FacilitatorSettings`.

    If there are no ``tokens``, the chain's USDC is taken.
    """

    callers: tuple[Caller, ...]
    tokens: tuple[ChecksumAddress, ...] = ()
    factories: tuple[ChecksumAddress, ...] = ()
    least: BaseUnits = 1
    gas: Quantity = TRANSFER_GAS
    per_account: Number = 500
    per_day: Number = 20_000
    per_minute: Number = 1_200
    gas_per_day: Number = 500_000_000
    gwei: Number = 500
    failures: Number = 3
    wait_seconds: Seconds = 25

    def fill(self, usdc: ChecksumAddress | None) -> FacilitatorSettings:
        """Return the rules on a chain whose USDC is known, or not. Raises InvalidConfig if no token is taken."""
        tokens = self.tokens or (() if usdc is None else (usdc,))
        if not tokens:
            advice = "name the tokens that the facilitator takes, as `assets` or with --asset"
            raise InvalidConfig("no USDC is known on this chain", advice)
        return FacilitatorSettings(
            tokens=tokens,
            factories=self.factories,
            least=self.least,
            gas=self.gas,
            per_account=self.per_account,
            per_day=self.per_day,
            per_minute=self.per_minute,
            gas_per_day=self.gas_per_day,
            gwei=self.gwei,
            failures=self.failures,
            wait_seconds=self.wait_seconds,
        )
