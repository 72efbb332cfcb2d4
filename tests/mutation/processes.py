"""Programs that judge: each ends with all that it has started, also when it takes too long."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ended:
    """What a program said."""

    code: int
    text: str


def run_limited(command: Sequence[str], seconds: float, folder: Path, environment: Mapping[str, str]) -> Ended | None:
    """Run a program and return what it said, or None if it took longer, and was ended with its children."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env={**os.environ, **environment},
        start_new_session=True,
    )
    try:
        text, _ = process.communicate(timeout=seconds)
    except BaseException as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if isinstance(error, subprocess.TimeoutExpired):
            return None
        raise
    return Ended(process.returncode, text)
