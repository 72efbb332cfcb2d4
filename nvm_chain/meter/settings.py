"""Settings of a meter: which services it serves, on which plans, and what the seller risks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.errors import InvalidConfig, PlanNotAccepted, ServiceUnknown
from nvm_chain.errors.fields import Number, Seconds
from nvm_chain.meter.admission import Policy
from nvm_chain.meter.bindings import Level
from nvm_chain.types.amounts import check_uint

REQUEST_SECONDS: Final = 120
"""How long a request may take, if its service says nothing else."""
SPARE_SECONDS: Final = 60
"""How much later than its request a hold ends, so that a charge at the last second is in time."""
MAX_VIEW_AGE_SECONDS: Final = 300
DEPTH: Final = 2


@dataclass(frozen=True, slots=True)
class ServiceTerms:
    """What pays for an agent's service. ``service`` is its DID.

    ``policies`` are the plans that pay, each with what the seller risks. ``level`` is the least binding that a request
    voucher must have. ``request_seconds`` is how long a request may take.
    """

    service: str
    policies: Mapping[int, Policy]
    level: Level = Level.FULL
    request_seconds: Seconds = REQUEST_SECONDS

    def find_policy(self, plan_id: int) -> Policy:
        """Return the policy of a plan. Raises PlanNotAccepted."""
        try:
            return self.policies[plan_id]
        except KeyError:
            raise PlanNotAccepted(plan_id, self.service) from None


@dataclass(frozen=True, slots=True)
class MeterSettings:
    """Settings of a meter.

    ``redeemer`` is the address of the seller's key that settles. ``depth`` is how many blocks have to follow a grant before
    it counts. ``max_view_age_seconds`` is how long ago the chain may have been read. ``former_redeemers`` are keys of the seller
    that settled before: what they took counts as taken.
    """

    chain_id: Number
    credits: ChecksumAddress
    redeemer: ChecksumAddress
    services: Mapping[str, ServiceTerms] = field(default_factory=dict)
    depth: Number = DEPTH
    max_view_age_seconds: Seconds = MAX_VIEW_AGE_SECONDS
    former_redeemers: tuple[ChecksumAddress, ...] = ()

    def __post_init__(self) -> None:
        """Check the numbers. Raises an InputError."""
        check_uint(self.depth, 16, "depth")
        check_uint(self.max_view_age_seconds, 32, "view age", minimum=1)
        for did, terms in self.services.items():
            if did != terms.service:
                raise InvalidConfig(
                    f"the service {did} has the terms of {terms.service}", "give each service its own terms"
                )

    def find_service(self, service: str) -> ServiceTerms:
        """Return the terms of a service. Raises ServiceUnknown."""
        try:
            return self.services[service]
        except KeyError:
            raise ServiceUnknown(service) from None

    @property
    def plan_ids(self) -> frozenset[int]:
        """All plans of all services."""
        return frozenset(plan_id for terms in self.services.values() for plan_id in terms.policies)
