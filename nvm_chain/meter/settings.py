"""Settings of a meter: which services it serves, on which plans, and what the seller risks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.errors import InvalidConfig, PlanNotAccepted, ServiceUnknown
from nvm_chain.errors.fields import Number, Seconds
from nvm_chain.meter.admission import Policy
from nvm_chain.meter.bindings import Level
from nvm_chain.meter.limits import Limited, Limits
from nvm_chain.meter.notices import NoticeRule
from nvm_chain.meter.retention import Retention
from nvm_chain.meter.voucher_fronts import MIN_SECONDS
from nvm_chain.meter.windows import WindowPolicy
from nvm_chain.types.amounts import check_uint

REQUEST_SECONDS: Final = 120
"""How long a request may take, if its service says nothing else."""
MAX_ANSWER_SECONDS: Final = 3_600
"""How long a request may take whose answer goes on, if its service says nothing else."""
SPARE_SECONDS: Final = 60
"""How much later than its request a hold ends, so that a charge at the last second is in time."""
MAX_VIEW_AGE_SECONDS: Final = 300
DEPTH: Final = 2
SIGN_IN_SECONDS: Final = 3_600
"""How long the token of a sign-in is good, if the settings say nothing else."""


@dataclass(frozen=True, slots=True)
class ServiceTerms:
    """What pays for an agent's service. ``service`` is its DID.

    ``policies`` are the plans that pay, each with what the seller risks. ``level`` is the least binding that a request
    voucher must have. ``request_seconds`` is how long a request may take until its answer begins, and ``max_answer_seconds`` how
    long while its answer goes on. ``windows`` are the time plans that give access, each with what a holder may do at the same
    time. ``limits`` are those of each holder.
    """

    service: str
    policies: Mapping[int, Policy]
    level: Level = Level.FULL
    request_seconds: Seconds = REQUEST_SECONDS
    windows: Mapping[int, WindowPolicy] = field(default_factory=dict)
    limits: Limits | None = None
    max_answer_seconds: Seconds = MAX_ANSWER_SECONDS

    @property
    def limited(self) -> Limited | None:
        """What counts the requests of a holder, or None."""
        return None if self.limits is None else Limited(self.service, self.limits)

    @property
    def sign_in_plans(self) -> tuple[int, ...]:
        """The plans of which a sign-in is enough: time plans, and those whose rule lets the seller's key redeem."""
        return (*self.windows, *(plan_id for plan_id, policy in self.policies.items() if not policy.by_vouchers))

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
    that settled before: what they took counts as taken. ``min_voucher_seconds`` is how long a voucher has to live: one that ends
    sooner costs a settlement of its own. ``origins`` are where accounts sign in, such as
    ``https://api.example.com``. ``own_origins`` are those at which accounts sign in to one service alone, each with the DID of the
    service. ``sign_in_seconds`` is how long the token of a sign-in is good. ``notices`` are the plans of
    whose holders notices are written. ``retention`` is how long books keep what they need no longer.
    """

    chain_id: Number
    credits: ChecksumAddress
    redeemer: ChecksumAddress
    services: Mapping[str, ServiceTerms] = field(default_factory=dict)
    depth: Number = DEPTH
    max_view_age_seconds: Seconds = MAX_VIEW_AGE_SECONDS
    former_redeemers: tuple[ChecksumAddress, ...] = ()
    min_voucher_seconds: Seconds = MIN_SECONDS
    origins: tuple[str, ...] = ()
    own_origins: Mapping[str, str] = field(default_factory=dict)
    sign_in_seconds: Seconds = SIGN_IN_SECONDS
    notices: Mapping[int, NoticeRule] = field(default_factory=dict)
    retention: Retention = field(default_factory=Retention)

    def __post_init__(self) -> None:
        """Check the numbers. Raises an InputError."""
        check_uint(self.depth, 16, "depth")
        check_uint(self.max_view_age_seconds, 32, "view age", minimum=1)
        check_uint(self.min_voucher_seconds, 32, "life of a voucher", minimum=1)
        check_uint(self.sign_in_seconds, 32, "life of a sign-in", minimum=1)
        for did, terms in self.services.items():
            if did != terms.service:
                raise InvalidConfig(
                    f"the service {did} has the terms of {terms.service}", "give each service its own terms"
                )

        self._check_origins()
        both = self.time_plans.intersection(self.policies)
        if both:
            raise InvalidConfig(
                f"the plan {min(both)} is among the time plans and among those of credits", "name it once, by its kind"
            )
        for plan_id in sorted(self.time_plans):
            self._check_periods(plan_id)

    def _check_periods(self, plan_id: int) -> None:
        """Check that the requests on a time plan are counted in the same periods at all services, because they are one count."""
        policies = [terms.windows[plan_id] for terms in self.services.values() if plan_id in terms.windows]
        lengths = sorted({policy.per_period.seconds for policy in policies if policy.per_period is not None})
        if len(lengths) > 1:
            raise InvalidConfig(
                f"the plan {plan_id} has periods of {lengths[0]} and of {lengths[-1]} seconds",
                "give a time plan periods of one length at all services",
            )

    def _check_origins(self) -> None:
        """Check that the domain of a sign-in message names one origin."""
        domains = [origin.rpartition("://")[2].lower() for origin in self.origins]
        for origin, domain in zip(self.origins, domains, strict=True):
            if domains.count(domain) > 1:
                raise InvalidConfig(
                    f"several origins have the domain of {origin}",
                    "name each domain once, with the scheme that is served",
                )

    def find_service(self, service: str) -> ServiceTerms:
        """Return the terms of a service. Raises ServiceUnknown."""
        try:
            return self.services[service]
        except KeyError:
            raise ServiceUnknown(service) from None

    @property
    def keys(self) -> tuple[ChecksumAddress, ...]:
        """The seller's keys, the one that vouchers are signed for now first. Each is there once."""
        return tuple(dict.fromkeys((self.redeemer, *self.former_redeemers)))

    @property
    def policies(self) -> dict[int, Policy]:
        """The policy of each plan. If several services have one of a plan, it is the one with the most exposure."""
        found: dict[int, Policy] = {}
        for terms in self.services.values():
            for plan_id, policy in terms.policies.items():
                known = found.get(plan_id)
                if known is None or policy.exposure > known.exposure:
                    found[plan_id] = policy
        return found

    @property
    def time_plans(self) -> frozenset[int]:
        """The time plans of all services."""
        return frozenset(plan_id for terms in self.services.values() for plan_id in terms.windows)

    @property
    def plan_ids(self) -> frozenset[int]:
        """All plans of all services."""
        return frozenset(plan_id for terms in self.services.values() for plan_id in (*terms.policies, *terms.windows))
