"""Programs that judge: each ends with all that it has started, also when it takes too long."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ended:
    """What a program said."""

    code: int
    text: str


def run_limited(command: Sequence[str], seconds: float, folder: Path, environment: Mapping[str, str]) -> Ended | None:
    """Run a program and return what it said, or None if it took longer, and was ended with its children."""
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env={**os.environ, **environment},
        start_new_session=True,
    ) as process:
        try:
            text, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            with suppress(ProcessLookupError):  # nothing is left of them
                os.killpg(process.pid, signal.SIGKILL)
    return Ended(process.returncode, text)
