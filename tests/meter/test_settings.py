"""Settings of a meter: what cannot be meant is refused before anything is opened."""

import pytest

from nvm_chain.errors import InvalidConfig
from nvm_chain.meter.session_terms import PeriodLimit
from nvm_chain.meter.settings import MeterSettings
from nvm_chain.meter.windows import WindowPolicy
from tests.meter.services import TIME_PLAN, build_plans, build_terms
from tests.meter.test_engine import OTHER_SERVICE

API = "https://api.example.com"


@pytest.mark.parametrize("other", ["http://api.example.com", API, "https://API.example.com"])
def test_meter_settings__two_origins_with_one_domain__are_refused(other: str) -> None:
    """A sign-in message names the domain. The one that counts would depend on their order."""
    with pytest.raises(InvalidConfig, match=r"api\.example\.com"):
        build_plans(origins=("https://shop.example.com", API, other))


def test_meter_settings__origins_with_a_domain_each__are_kept() -> None:
    origins = (API, "https://api.example.com:8443", "http://localhost:8000")
    settings: MeterSettings = build_plans(origins=origins)
    assert settings.origins == origins


def test_meter_settings__one_time_plan_with_periods_of_two_lengths__are_refused() -> None:
    """All services count a holder's requests in one count, so a request in a short period would end the count of a long one."""

    def build(*lengths: int | None) -> MeterSettings:
        policies = [WindowPolicy(2, None if length is None else PeriodLimit(5, length)) for length in lengths]
        names = (build_terms().service, OTHER_SERVICE)
        return build_plans(
            *(build_terms(name, windows={TIME_PLAN: policy}) for name, policy in zip(names, policies, strict=True))
        )

    with pytest.raises(InvalidConfig, match="3600 and of 86400 seconds"):
        build(86_400, 3_600)
    for lengths in ((3_600, 3_600), (3_600, None)):
        assert build(*lengths).time_plans == {TIME_PLAN}
