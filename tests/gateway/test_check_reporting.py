"""The check of webhooks and sellers: what would never be told, and who could not see what is theirs."""

from pathlib import Path

from nvm_chain.gateway.checks.findings import Verdict
from nvm_chain.gateway.checks.reporting import check_sellers, check_shared_plans, check_webhooks
from nvm_chain.gateway.checks.services import Attachment
from nvm_chain.gateway.config import read_config
from nvm_chain.gateway.configuration.parts import GatewayConfig
from nvm_chain.gateway.settings import ServiceSettings
from nvm_chain.types.agents import AttachedPlan
from tests.gateway.files import start_text, write_config

HOOK = '[[webhooks]]\nname = "ops"\nurl = "https://ops.example.com/"\nsecret = "sealed:hook"\n'
HASH = "sha256:" + "ab" * 32


def read(folder: Path, more: str, *changes: tuple[str, str]) -> GatewayConfig:
    text = start_text()
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return read_config(write_config(folder, f"{text}\n{more}"))


def test_check_webhooks__without_thresholds__says_what_is_never_told(tmp_path: Path) -> None:
    (found,) = check_webhooks(read(tmp_path, HOOK))
    assert found.verdict is Verdict.NOTE
    assert "balance.low, credits.ending, access.ending" in found.text
    assert "`low_balance` and `soon`" in (found.next_step or "")


def test_check_webhooks__with_one_threshold__names_the_other(tmp_path: Path) -> None:
    line = '# warnings = { low_balance = 100, soon = "3 days" }'
    (found,) = check_webhooks(read(tmp_path, HOOK, (line, "warnings = { low_balance = 100 }")))
    assert (found.verdict, "balance.low" in found.text, "credits.ending" in found.text) == (Verdict.NOTE, False, True)
    (found,) = check_webhooks(read(tmp_path, HOOK, (line, line[2:])))
    assert found.verdict is Verdict.GOOD


def test_check_webhooks__that_hear_of_settlements_only__are_good(tmp_path: Path) -> None:
    (found,) = check_webhooks(read(tmp_path, HOOK + 'events = ["settlement.failed", "settlement.stuck"]\n'))
    assert (found.verdict, found.subject) == (Verdict.GOOD, "webhook ops")


def test_check_sellers__without_services_or_tokens__says_so(tmp_path: Path) -> None:
    seller = '[[sellers]]\nname = "acme"\n'
    change = ('# seller = "acme"', 'seller = "acme"')
    (found,) = check_sellers(read(tmp_path, seller))
    assert (found.verdict, found.text) == (Verdict.NOTE, "No service belongs to it.")
    (found,) = check_sellers(read(tmp_path, seller, change))
    assert "no token" in found.text
    (found,) = check_sellers(read(tmp_path, f'{seller}tokens = [{{ token = "{HASH}" }}]\n', change))
    assert found.verdict is Verdict.GOOD


def test_check_shared_plans__of_two_sellers__names_both() -> None:
    def accept(number: int, seller: str | None, plan_id: int) -> Attachment:
        return Attachment(ServiceSettings(str(number), "http://h", seller=seller), AttachedPlan(plan_id, 1, 1))

    shared = {5: [accept(1, "acme", 5), accept(2, "bolt", 5)], 6: [accept(1, "acme", 6), accept(3, "acme", 6)]}
    (found,) = check_shared_plans(shared)
    assert "acme and bolt" in found.text
    (found,) = check_shared_plans({5: [accept(1, "acme", 5), accept(2, None, 5)]})
    assert "acme and the operator" in found.text
