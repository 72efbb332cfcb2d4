"""Small libraries in C that a process is started with, so that its files or its clock behave as on a bad day."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent


def build_shim(name: str, folder: Path) -> Path:
    """Compile a library, and return its path. Fails the test if there is no compiler."""
    compiler = shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc")
    if compiler is None:
        pytest.fail("a C compiler is missing. On Debian and Ubuntu: apt-get install gcc libc6-dev")
    source, path = FOLDER / f"{name}.c", folder / f"{name}.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", str(path), str(source), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return path
