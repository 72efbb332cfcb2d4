"""The rules of solhint's recommended set that the house's configuration turns off."""

import json
from pathlib import Path

from tests.assurance.static.ledger import Find
from tests.assurance.static.project import ROOT


def find_rules_off(root: Path = ROOT) -> list[Find]:
    """Return each rule that is off."""
    rules: dict[str, object] = json.loads((root / ".solhint.json").read_text("utf-8"))["rules"]
    return [{"rule": name} for name, setting in sorted(rules.items()) if setting == "off"]
