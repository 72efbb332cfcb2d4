"""Names of the hosted API that need its vendor. Each name has advice for its replacement."""

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
_FIND: Final = "there is no search: ask the seller for the plan id, and read the plan with `nvm_chain.read_plan()`"
_BY_NAME: Final = "give the method its arguments by name, as `create_credits_plan(name=…, price=…)` takes them"
_EVENTS: Final = "read a statement from the chain, such as `nvm_chain.read_builder_statement()`"
HOSTING_ADVICE: Final = "run the service on your own server, and put its URL into `endpoints`"
_KEY: Final = "the account signs with its own key, so no login is needed"
_PLAN_WORD: Final = "a subscription is now called a plan: use the method with `plan` in its name"


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
    **_all("set_onchain_mirror", "leave it out: every plan is on the chain only"),
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
    **_all("set_onchain_mirror", "leave it out: every plan is on the chain only"),
    **_all(
        "CreateCreditsPlanDto CreateTimePlanDto CreateServiceDto CreateFileDto CreateAgentDto "
        "CreateAgentAndPlanResultDto",
        _BY_NAME,
    ),
}
"""Names that scripts import."""


class Refuses:
    """Base class that raises `HostedName` for names of the hosted API. `hasattr` returns False for them."""

    _hosted_prefix = ""
    _hosted: Mapping[str, str] = {}

    if not TYPE_CHECKING:  # type checkers know which names are missing

        def __getattr__(self, name: str) -> NoReturn:
            """Refuse an unknown attribute. Raises HostedName with advice for a name of the hosted API, else AttributeError."""
            if name in self._hosted:
                raise HostedName(f"{self._hosted_prefix}.{name}", self._hosted[name])
            snake = _snake(name)
            if snake != name and hasattr(type(self), snake):
                raise HostedName(f"{self._hosted_prefix}.{name}", f"call `{snake}()` in Python")
            if snake in self._hosted:
                raise HostedName(f"{self._hosted_prefix}.{name}", self._hosted[snake])
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)


class RefusedOnClass:
    """Name of the hosted API that is refused on the class too, where Python does not call ``Refuses.__getattr__``."""

    def __set_name__(self, owner: type, name: str) -> None:
        """Store the name and its advice."""
        self._error = (f"{owner.__name__}.{name}", ON_PAYMENTS[name])

    def __get__(self, instance: object, owner: type | None = None) -> NoReturn:
        """Refuse the name. Raises HostedName."""
        raise HostedName(*self._error)


@dataclass(frozen=True)
class HostedImports:
    """Import hook that refuses names of the hosted API in a package.

    `hasattr` returns False for these names. An import raises HostedImport, which names the replacement.
    """

    package: str
    names: frozenset[str]
    """Names of the package."""

    @classmethod
    def install(cls, package: str, names: Iterable[str]) -> "HostedImports":
        """Install the hook once. Python then asks it for every unknown name of the package."""
        own = cls(package, frozenset(names))
        if own not in sys.meta_path:
            sys.meta_path.append(own)
        return own

    def find_advice(self, name: str) -> str | None:
        """Return the advice for a name of the hosted API, or None."""
        snake = _snake(name)
        return TO_IMPORT.get(name, f"call `{snake}()` in Python" if snake != name and snake in self.names else None)

    def refuse(self, name: str) -> NoReturn:
        """Refuse an unknown name of the package. Raises HostedName for a name of the hosted API, else AttributeError."""
        advice = self.find_advice(name)
        if advice is not None:
            raise HostedName(f"{self.package}.{name}", advice)
        raise AttributeError(f"module {self.package!r} has no attribute {name!r}", name=name)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return None for an unknown module. Raises HostedImport for a name of the hosted API."""
        package, _, name = fullname.rpartition(".")
        advice = self.find_advice(name) if package == self.package else None
        if advice is not None:
            raise HostedImport(name, advice)
        return None


def list_hosted_names() -> Iterator[tuple[str, str]]:
    """Return every name of the hosted API as written in code, with its advice."""
    owners = {"payments": ON_PAYMENTS, "payments.plans": ON_PLANS, "payments.agents": ON_AGENTS}
    yield from ((f"{owner}.{name}", advice) for owner, names in owners.items() for name, advice in names.items())
    yield from TO_IMPORT.items()


def _snake(name: str) -> str:
    """Convert a TypeScript name to its Python form.

    >>> _snake("registerCreditsPlan"), _snake("getERC20PriceConfig")
    ('register_credits_plan', 'get_erc20_price_config')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", name).lower()
