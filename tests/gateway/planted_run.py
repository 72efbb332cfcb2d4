"""A gateway with a mistake on purpose: ``python -m tests.gateway.planted_run PLANT gateway run``. Kills have to find it."""

import sys

from nvm_chain.cli import main
from nvm_chain.gateway.outcomes import PaidOutcome
from tests.support.meter_runner import _leave_out_commits

CHARGES_FAILURES = "charges what was not served"
LEAVES_OUT = "leaves out commits"
PLANTS = (CHARGES_FAILURES, LEAVES_OUT)


def charge_failures() -> None:
    """Charge each request, whatever became of it."""
    finish = PaidOutcome.finish

    def finish_all(outcome: PaidOutcome) -> None:
        outcome.note_gone()
        finish(outcome)

    PaidOutcome.finish = finish_all  # type: ignore[assignment,method-assign]


if __name__ == "__main__":
    name = sys.argv.pop(1)
    assert name in PLANTS
    {CHARGES_FAILURES: charge_failures, LEAVES_OUT: _leave_out_commits}[name]()
    main()
