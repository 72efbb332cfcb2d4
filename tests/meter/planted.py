"""Planted mistakes: copies of the meter with one change each, which histories have to tell from the right one."""

import sys
from dataclasses import dataclass
from pathlib import Path

import nvm_chain
from tests.meter.histories import PACKAGE, Difference, History, Meter

FOLDER = Path(nvm_chain.__file__).parent / "meter"


@dataclass(frozen=True)
class Mistake:
    """A change of one file: the text that stands there once, and what stands there instead."""

    file: str
    right: str
    wrong: str

    def __str__(self) -> str:
        return f"{self.file}: {self.right.strip()[:60]} -> {self.wrong.strip()[:40]}"


BACKED = "account.committed + account.held + account.blocked + credits <= funds + account.written_off"
EXPOSED = "account.owed + account.held + credits <= exposure"
SIGNED = "account.view.settled + account.owed + account.held + case.ask.credits <= ceiling"
USED = "authority.spent + authority.held + credits <= authority.limit"


def drop(file: str, rule: str, *terms: str) -> list[Mistake]:
    """Return one mistake for each term of a sum, which leaves the term out."""
    return [Mistake(file, rule, rule.replace(term, "0", 1)) for term in terms]


TERMS = [
    *drop(
        "admission", BACKED, "account.committed", "account.held", "account.blocked", "credits", "account.written_off"
    ),
    *drop("admission", EXPOSED, "account.owed", "account.held", "credits"),
    *drop("admission", SIGNED, "account.view.settled", "account.owed", "account.held", "case.ask.credits"),
    *drop("agreements", USED, "authority.spent", "authority.held", "credits"),
    *(Mistake("admission", f" {term},", "") for term in ("_agrees", "_is_backed", "_is_within_exposure")),
    Mistake("admission", ", _is_within_ceiling)", ")"),
    *(
        Mistake("agreements", f"    {check},\n", "")
        for check in (
            *("_is_revoked", "_is_over", "_is_used_up", "_is_for_other_service", "_is_for_other_request"),
            *("_is_above_request_limit", "_is_above_period_limit", "_is_above_limit"),
        )
    ),
]
"""Each term of the rule of admission, left out once: each sum, and each number in a sum."""

OTHERS = [
    Mistake("admission", "not case.policy.by_vouchers or ", ""),
    Mistake("books", "self.ceiling if now <= self.ceiling_end else 0", "self.ceiling"),
    Mistake(
        "books",
        "return self.least_backing - self.view.find_lapsed(now)",
        "return self.view.backing - self.view.find_lapsed(now)",
    ),
    Mistake(
        "books",
        "return self.least_backing - self.view.find_lapsed(now)",
        "return self.least_backing - self.view.lapsed",
    ),
    Mistake("books", "release(notice_ends(account, now), held)", "release(account, held)"),
    Mistake("books", "self.committed - write_off(noticed, ended, self.view.taken)", "self.committed"),
    Mistake("books", "+ self.least_others)", "+ self.view.others)"),
    Mistake("books", "min(owed, lot.credits)", "lot.credits"),
    Mistake("books", "min(owed, lot.credits)", "owed"),
    Mistake("books", "if lot.end > since:", "if lot.end:"),
    Mistake("books", "- taken - lost", "- lost"),
    Mistake("views", "self.balance + self.taken + self.lapsed", "self.balance + self.taken"),
    Mistake("views", "self.balance + self.taken + self.lapsed", "self.balance + self.lapsed"),
    Mistake("views", "if lot.end <= now)", "if lot.end < now)"),
    Mistake("views", "(older[-1], *(entry", "(older[0], *(entry"),
    Mistake("views", "if entry.block_number <= first]", "if entry.block_number <= first + 1]"),
    Mistake("view_changes", "if account.past and view.block_number <= account.view.block_number:", "if False:"),
    Mistake("view_changes", "written_off=known[-1].written_off", "written_off=account.written_off"),
    Mistake("view_changes", "if entry.block_number < view.block_number)", "if True)"),
    Mistake("view_changes", "min(lost, max(0, account.committed - view.taken))", "lost"),
    Mistake("view_changes", "min(lost, max(0, account.committed - view.taken))", "account.written_off"),
    Mistake("view_changes", "notice_ends(account, max(now, view.time))", "account"),
    Mistake("view_changes", "*(Mark(end, 0) for end in late)", "*()"),
    Mistake("authorities", "return max(self.period, ", "return min(self.period, "),
    Mistake("authorities", "self.period_used if self.find_period(now) == self.period else 0", "self.period_used"),
    Mistake(
        "authorities", "authority.period_used - unused if is_same else authority.period_used", "authority.period_used"
    ),
    Mistake("authorities", "return freed if was_sent else replace(freed, used=authority.used - 1)", "return freed"),
    Mistake(
        "authorities",
        "return freed if was_sent else replace(freed, used=authority.used - 1)",
        "return replace(freed, used=authority.used - 1)",
    ),
    Mistake("voucher_fronts", "one.voucher.ceiling >= other.voucher.ceiling and ", ""),
    Mistake("voucher_fronts", " and one.voucher.deadline >= other.voucher.deadline", ""),
]
"""Mistakes elsewhere: in views, lots, rollbacks, periods, and in which vouchers are kept."""


def load_with(mistake: Mistake, folder: Path) -> Meter:
    """Return a copy of the meter with a mistake. The copy is a package of its own in a folder."""
    package = f"meter_{folder.name.replace('-', '_')}"
    (folder / package).mkdir()
    for path in FOLDER.glob("*.py"):
        text = path.read_text("utf-8").replace(f"{PACKAGE}.", f"{package}.")
        if path.stem == mistake.file:
            assert text.count(mistake.right) == 1, (
                f"{mistake.right!r} stands in {path.name} {text.count(mistake.right)} times"
            )
            text = text.replace(mistake.right, mistake.wrong)
        (folder / package / path.name).write_text(text, "utf-8")
    sys.path.insert(0, str(folder))
    try:
        return Meter(package)
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.startswith(package)]:
            del sys.modules[name]


def find_difference(meter: Meter, seeds: range, steps: int = 100) -> str | None:
    """Return what first goes wrong in some histories, or None."""
    for seed in seeds:
        history = History(seed, meter, is_honest=bool(seed % 2))
        try:
            history.run(steps)
            history.finish()
        except (Difference, ValueError) as error:  # errors of this package are ValueErrors here
            return f"history {seed}: {error}"
    return None
