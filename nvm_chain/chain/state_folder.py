"""The folder of what this machine remembers between programs."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

STATE_VARIABLE: Final = "NVM_CHAIN_STATE"
"""The environment variable with the folder. If it is not set, the user's state folder is used."""


def find_state_folder() -> Path | None:
    """Return the folder of this machine's state, or None if the user has no home folder."""
    named = os.environ.get(STATE_VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    with suppress(RuntimeError, KeyError):
        base = os.environ.get("XDG_STATE_HOME") or (Path.home() / ".local" / "state")
        return Path(base) / "nvm_chain"
    return None
