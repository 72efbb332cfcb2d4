"""`make` in a folder where somebody has a `.venv` already: what they installed there stays."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the Makefile, a `.venv` of somebody's own, and a uv that installs nothing."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / ".venv")], check=True)
    (tmp_path / ".venv" / "theirs").write_text("installed by hand")
    (tmp_path / "requirements").mkdir()
    uv = tmp_path / ".venv-uv" / "bin" / "uv"
    uv.parent.mkdir(parents=True)
    uv.write_text("#!/bin/sh\n")
    uv.chmod(0o755)
    for name in ("requirements/uv.lock", "requirements/run.lock", ".venv-uv/index", ".venv-uv/done"):
        (tmp_path / name).touch()
    return tmp_path


def make(folder: Path) -> str:
    command = ["make", f"PYTHON={sys.executable}", ".venv/done-run"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return ran.stdout


def test_make__where_a_venv_exists__keeps_what_is_installed_there_and_says_so(folder: Path) -> None:
    assert "Keeping .venv and what else is installed there" in make(folder)
    assert (folder / ".venv" / "theirs").exists()


def test_make__where_the_venv_has_no_python_that_runs__makes_it_anew_and_says_so(folder: Path) -> None:
    for python in (folder / ".venv" / "bin").glob("python*"):
        python.unlink()
    assert "Making .venv anew: it has no Python 3.11 or newer" in make(folder)
    assert not (folder / ".venv" / "theirs").exists()


def test_make__where_no_venv_is__makes_one(folder: Path) -> None:
    shutil.rmtree(folder / ".venv")
    assert ".venv anew" not in make(folder)
    assert (folder / ".venv" / "bin" / "python").exists()
