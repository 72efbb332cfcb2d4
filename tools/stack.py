"""Test the package with the oldest and the newest versions of its dependencies.

    .venv/bin/python -m tools.stack [3.11 3.12 3.13]

The versions are those that uv finds in the ranges of `pyproject.toml`, for each Python and both ends. Where an interpreter of
that Python is found, they are installed into `.stack/`. The tests that touch web3, eth-account and eth-tester run there, on the
embedded chain and on anvil. For other Pythons it says that the versions fit together, and that nothing was run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".stack"
BIN = ROOT / ".venv" / "bin"
PYTHONS = ("3.11", "3.12", "3.13")
ENDS = {"oldest": "lowest-direct", "newest": "highest"}
"""Resolution mode of uv for each end. Indirect dependencies have the newest version that fits."""
BESIDE = ("hexbytes",)
"""Indirect dependency that is tested with its oldest version too, because web3's answers consist of its types."""
TOOLS = ("coincurve", "hypothesis", "pytest", "pytest-cov", "pytest-randomly", "pytest-xdist", "safe-pysha3")
"""Packages that the tests need, in the newest versions that `pyproject.toml` allows."""
SHOWN = (
    "web3",
    "eth-account",
    "eth-tester",
    "py-evm",
    "eth-abi",
    "eth-keys",
    "eth-typing",
    "eth-utils",
    "hexbytes",
    "pydantic",
)
ON_BOTH_CHAINS = "\nEMBEDDED_TOO = True\n"
"""Line in a test file that runs its tests on the embedded chain and on anvil."""
TESTS = (
    "tests/unit",
    "tests/integration/test_connecting.py",
    "tests/integration/test_mempool.py",
    "tests/integration/test_payment_methods.py",
    "tests/integration/test_signed_vectors.py",
)
"""Other test files to run."""


def main(arguments: list[str]) -> int:
    """Resolve both ends for each Python, run the tests if the Python is installed, and print the results."""
    if unknown := set(arguments) - set(PYTHONS):
        print(f"give some of {', '.join(PYTHONS)}, not {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    results = {(python, end): try_end(python, end) for python in arguments or PYTHONS for end in ENDS}
    for (python, end), result in results.items():
        print(f"    Python {python}, {end:6}  {result}")
    return 0 if all(result != "FAILED" for result in results.values()) and "passed" in results.values() else 1


def try_end(python: str, end: str) -> str:
    """Test one end of the version ranges on one Python. Return the result in words."""
    versions = resolve(python, end)
    if versions is None:
        return "FAILED"
    shown = [line for line in versions.read_text("utf-8").split() if line.partition("==")[0] in SHOWN]
    interpreter = find_python(python)
    print(f"==> Python {python} with the {end}: {', '.join(shown)}", flush=True)
    if interpreter is None:
        return f"fits together; not run, for no python{python} was found"
    environment = FOLDER / f"{python}-{end}"
    done = install(environment, interpreter, versions) and run_tests(environment)
    return "passed" if done else "FAILED"


def resolve(python: str, end: str) -> Path | None:
    """Resolve one end for one Python to a requirements file. Return the file, or None if no versions fit."""
    FOLDER.mkdir(exist_ok=True)
    versions = FOLDER / f"{python}-{end}.txt"
    chosen = (
        "--python-version",
        python,
        "--resolution",
        ENDS[end],
        "--only-binary",
        ":all:",
        "--no-header",
        "--no-annotate",
    )
    options = (*chosen, "--upgrade", "--output-file", str(versions))
    return versions if run(uv("pip", "compile", "pyproject.toml", "-", *options), "\n".join(BESIDE)) else None


def find_python(version: str) -> str | None:
    """Return the path of a working interpreter of one version, from the path or from pyenv."""
    for path in _candidates(version):
        test = (path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])")
        if subprocess.run(test, capture_output=True, text=True, check=False).stdout.strip() == version:
            return path
    return None


def _candidates(version: str) -> Iterator[str]:
    yield str(Path(sys._base_executable))  # type: ignore[attr-defined]  # noqa: SLF001  what .venv was made with
    if found := shutil.which(f"python{version}"):
        yield found
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python")))


def install(environment: Path, interpreter: str, versions: Path) -> bool:
    """Create an environment with these versions, the test tools and the package. Return whether they fit."""
    into = ("--python", str(environment))
    pinned = ("--requirement", str(versions), "--constraint", str(versions))
    return (
        run(uv("venv", "--clear", "--python", interpreter, str(environment)))
        and run(uv("pip", "install", *into, *pinned, *read_tools()))
        and run(uv("pip", "install", *into, "--no-deps", "--no-build-isolation", "--editable", "."))
        and run(uv("pip", "check", *into))
    )


def read_tools() -> list[str]:
    """Return the requirements of the tests and of the build, with the ranges of `pyproject.toml`."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    named = [entry for entry in groups["dev"] if isinstance(entry, str) and entry.partition(">")[0] in TOOLS]
    return [*groups["build"], *named]


def list_tests() -> list[str]:
    """Return the test files that use web3, eth-account or eth-tester."""
    files = (path for path in (ROOT / "tests").rglob("test_*.py") if ON_BOTH_CHAINS in path.read_text("utf-8"))
    return [*TESTS, *sorted(str(path.relative_to(ROOT)) for path in files)]


def run_tests(environment: Path) -> bool:
    """Run the tests in an environment, with anvil from `.venv`. Return whether the tests passed."""
    path = os.pathsep.join((str(environment / "bin"), str(BIN), os.environ.get("PATH", os.defpath)))
    workers = os.environ.get("WORKERS", "2")
    command = (
        str(environment / "bin" / "python"),
        "-m",
        "pytest",
        "-q",
        "-n",
        workers,
        "-p",
        "no:cacheprovider",
        "--chain",
        "both",
        *list_tests(),
    )
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": path}, check=False).returncode == 0


def uv(*arguments: str) -> tuple[str, ...]:
    """Return a command of uv that downloads no interpreter."""
    path = os.pathsep.join((str(ROOT / ".venv-uv" / "bin"), os.environ.get("PATH", os.defpath)))
    return (shutil.which("uv", path=path) or "uv", *arguments[:1], "--quiet", "--no-python-downloads", *arguments[1:])


def run(command: tuple[str, ...], text: str = "") -> bool:
    """Run a command, and print its output only after a failure. Return whether the command succeeded."""
    done = subprocess.run(command, cwd=ROOT, input=text, stdout=subprocess.DEVNULL, text=True, check=False)
    return done.returncode == 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
