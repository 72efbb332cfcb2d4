"""The linters of forge and solhint say nothing that has not been looked at, and no rule is off without a reason."""

from tests.assurance.static.arithmetic import find_narrowing_casts
from tests.assurance.static.ledger import check_list
from tests.assurance.static.lint import find_lint
from tests.assurance.static.project import HERE
from tests.assurance.static.solhint_off import find_rules_off

CASTS = "unsafe-typecast"


def test_forge_lint__all_rules__say_only_what_is_accepted() -> None:
    check_list([find for find in find_lint() if find["rule"] != CASTS], HERE / "accepted" / "forge_lint.toml")


def test_forge_lint__casts__are_all_in_the_list_of_casts() -> None:
    found = {find["code"] for find in find_lint() if find["rule"] == CASTS}
    assert found
    assert found <= {find["code"] for find in find_narrowing_casts()}


def test_solhint__each_rule_that_is_off__has_its_reason() -> None:
    check_list(find_rules_off(), HERE / "accepted" / "solhint.toml")
