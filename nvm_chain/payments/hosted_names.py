"""Names of the hosted API's package that have no meaning without its vendor, each with what to do instead."""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Final, NoReturn

from nvm_chain.errors import HostedImport, HostedName

CONSTRUCT: Final = "call `Payments(chain, signer)` with a chain from `nvm_chain.connect()` and a key of your own"
_SERVE: Final = (
    "where you serve requests, read the token with `read_service_token()`, check it with `nvm_chain.check_voucher()` "
    "and settle it with `nvm_chain.settle_vouchers()`"
)
_VOUCHER: Final = (
    "`get_service_token()` signs a voucher as the token of a request, and `nvm_chain.check_voucher()` checks it"
)
_CALL: Final = "call the service itself, with the token of `get_service_token()` in the Authorization header"
_FIND: Final = "there is no search: whoever offers a plan tells its id, and `nvm_chain.read_plan()` reads it"
_BY_NAME: Final = "give the method its arguments by name, as `create_credits_plan(name=…, price=…)` takes them"
_EVENTS: Final = "read what happened from the chain: `nvm_chain.read_builder_statement()` and its like"
HOSTING_ADVICE: Final = "run the service where you like, and name its URL in `endpoints`"
_KEY: Final = "the account signs with its own key, so there is nobody to log in to"
_PLAN_WORD: Final = "a subscription is called a plan since then: use the method with `plan` in its name"


def _all(names: str, advice: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), advice)


ON_PAYMENTS: Final[Mapping[str, str]] = {
    **_all("get_instance get_browser_instance", CONSTRUCT),
    **_all("requests", _SERVE),
    **_all("x402 facilitator delegation mpp", _VOUCHER),
    **_all("query a2a mcp", _CALL),
    **_all("ai_protocol", HOSTING_ADVICE),
    **_all("observability contracts organizations", _EVENTS),
    **_all("connect logout is_logged_in", _KEY),
    **_all("environment environment_name nvm_api_key app_id version headers backend_options", CONSTRUCT),
    **_all("search_plans search_agents", _FIND),
    **_all("create_agent_and_plan", "call `payments.agents.register_agent_and_plan()`"),
    **_all("create_subscription", "call `create_credits_plan()` or `create_time_plan()`"),
    **_all(
        "order_subscription get_subscription_balance get_subscription_details get_checkout_subscription "
        "get_subscription_associated_services get_subscription_associated_files",
        _PLAN_WORD,
    ),
}
"""Names of a Payments object."""
ON_PLANS: Final[Mapping[str, str]] = {
    **_all("get_instance", CONSTRUCT),
    **_all("get_plans", _FIND),
    **_all("set_onchain_mirror", "leave it out: every plan is on the chain, and nowhere else"),
}
"""Names of ``payments.plans``."""
ON_AGENTS: Final[Mapping[str, str]] = {
    **_all("get_instance", CONSTRUCT),
    **_all("get_agents", _FIND),
    **_all("start_processing_request is_valid_request redeem_credits_from_request", _SERVE),
}
"""Names of ``payments.agents``."""
TO_IMPORT: Final[Mapping[str, str]] = {
    **_all("PaymentOptions Environment Environments EnvironmentInfo EnvironmentName get_environment", CONSTRUCT),
    **_all("AgentRequestsAPI StartAgentRequest AgentAccessCredentials TrackAgentSubTaskDto AgentTaskStatus", _SERVE),
    **_all("AIQueryApi", _CALL),
    **_all(
        "FacilitatorAPI NeverminedFacilitator X402TokenAPI X402TokenOptions X402SchemeType PaymentRequirements "
        "PaymentPayload SessionKeyPayload VerifyResponse SettleResponse DelegationAPI DelegationConfig",
        _VOUCHER,
    ),
    **_all("ObservabilityAPI OrganizationsAPI", _EVENTS),
    **_all("PlansAPI", "it is called `PlansApi` here, and `payments.plans` is one"),
    **_all("AgentsAPI", "it is called `AgentsApi` here, and `payments.agents` is one"),
    **_all("BasePaymentsAPI NvmAPIResult", CONSTRUCT),
    **_all("ZeroAddress", "write 0x and 40 zeros, or call `get_native_token_price_config()` for the native coin"),
    **_all("decode_access_token", "call `read_service_token()`"),
    **_all("set_onchain_mirror", "leave it out: every plan is on the chain, and nowhere else"),
    **_all(
        "CreateCreditsPlanDto CreateTimePlanDto CreateServiceDto CreateFileDto CreateAgentDto "
        "CreateAgentAndPlanResultDto",
        _BY_NAME,
    ),
}
"""Names that scripts import."""


class Refuses:
    """A class that answers names of the hosted API with `HostedName`. To `hasattr` they are not there."""

    _hosted_prefix = ""
    _hosted: Mapping[str, str] = {}

    if not TYPE_CHECKING:  # type checkers know which names are missing

        def __getattr__(self, name: str) -> NoReturn:
            """Refuse a name that is not there, with what to do instead if that is known. Raises AttributeError."""
            if name in self._hosted:
                raise HostedName(f"{self._hosted_prefix}.{name}", self._hosted[name])
            snake = _snake(name)
            if snake != name and hasattr(type(self), snake):
                raise HostedName(f"{self._hosted_prefix}.{name}", f"call `{snake}()` in Python")
            if snake in self._hosted:
                raise HostedName(f"{self._hosted_prefix}.{name}", self._hosted[snake])
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)


class RefusedOnClass:
    """A name that is refused on the class too, where Python does not ask `Refuses`."""

    def __set_name__(self, owner: type, name: str) -> None:
        """Take the name and its advice."""
        self._error = (f"{owner.__name__}.{name}", ON_PAYMENTS[name])

    def __get__(self, instance: object, owner: type | None = None) -> NoReturn:
        """Refuse. Raises HostedName."""
        raise HostedName(*self._error)


@dataclass(frozen=True)
class HostedImports:
    """Refuses names of the hosted API that are asked of a package.

    `hasattr` says that they are not there; an import says what is there instead.
    """

    package: str
    names: frozenset[str]
    """What the package has."""

    @classmethod
    def install(cls, package: str, names: Iterable[str]) -> "HostedImports":
        """Have Python ask for each name that an import does not find in the package, once."""
        own = cls(package, frozenset(names))
        if own not in sys.meta_path:
            sys.meta_path.append(own)
        return own

    def find_advice(self, name: str) -> str | None:
        """Return what to use in place of a name of the hosted API, or None."""
        snake = _snake(name)
        return TO_IMPORT.get(name, f"call `{snake}()` in Python" if snake != name and snake in self.names else None)

    def refuse(self, name: str) -> NoReturn:
        """Refuse a name that is not in the package. Raises HostedName for one of the hosted API's, else AttributeError."""
        advice = self.find_advice(name)
        if advice is not None:
            raise HostedName(f"{self.package}.{name}", advice)
        raise AttributeError(f"module {self.package!r} has no attribute {name!r}", name=name)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find nothing. `from … import` asks here last, for a name that may be a module. Raises HostedImport."""
        package, _, name = fullname.rpartition(".")
        advice = self.find_advice(name) if package == self.package else None
        if advice is not None:
            raise HostedImport(name, advice)
        return None


def list_hosted_names() -> Iterator[tuple[str, str]]:
    """Return every name as it is written in code, with what to use here instead."""
    owners = {"payments": ON_PAYMENTS, "payments.plans": ON_PLANS, "payments.agents": ON_AGENTS}
    yield from ((f"{owner}.{name}", advice) for owner, names in owners.items() for name, advice in names.items())
    yield from TO_IMPORT.items()


def _snake(name: str) -> str:
    """Write a name of TypeScript as Python does.

    >>> _snake("registerCreditsPlan"), _snake("getERC20PriceConfig")
    ('register_credits_plan', 'get_erc20_price_config')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", name).lower()
