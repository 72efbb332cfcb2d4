"""The mistakes made by hand can still be made: what each replaces is in its module, once."""

import pytest

from tests.assurance.mutation_python.by_hand import MISTAKES, Mistake
from tests.assurance.static.project import ROOT


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_mistake__what_it_replaces__is_there_once(mistake: Mistake) -> None:
    source = (ROOT / "nvm_chain" / f"{mistake.module}.py").read_text("utf-8")
    assert source.count(mistake.right) == 1
    assert mistake.wrong != mistake.right
