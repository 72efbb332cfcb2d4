"""Install the Solidity compiler as `.solc/solc-v0.8.37` in this clone. There py-solc-x and Ape find the compiler.

Two builds of the same compiler give the same bytecode. The native one is downloaded by py-solc-x; where its site cannot
be reached, npm's `solc` (the compiler as WebAssembly, behind `tools/solc.js`) takes its place. Whichever it is has to
compile a small contract to the expected bytes first.

    python tools/install_solc.py

`NVM_CHAIN_SOLC=native` or `NVM_CHAIN_SOLC=npm` asks for one of the two and fails where it cannot be had.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

VERSION = "0.8.37"
BUILD = "0.8.37+commit.f401782d"
SOLJSON_SHA256 = "221d7a667378b5068d913e75fe092507e061363cd1d23b64c49ae82febabad4c"

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".solc"
WRAPPER = FOLDER / f"solc-v{VERSION}"
# Holds node_modules and nothing else. Were it the clone itself, the native compiler would find every contract twice
# (there and in the copy of the project that Ape compiles) and call the import ambiguous.
INCLUDE = FOLDER / "include"
NATIVE = FOLDER / "native" / f"solc-v{VERSION}"
SOLJSON = ROOT / "node_modules" / "solc" / "soljson.js"

REACH_SECONDS = 5
DOWNLOAD_SECONDS = 300

COMMANDS = {
    "native": '"$root/.solc/native/solc-v{version}"',
    "npm": 'node "$root/tools/solc.js"',
}
NAMES = {
    "native": "the native build, from py-solc-x",
    "npm": "the WebAssembly build, from npm",
}
SCRIPT = """\
#!/bin/sh
# Written by tools/install_solc.py: {name}.
# Ape compiles a copy of the project that has no node_modules; imports from there are looked up in this clone.
root=$(cd "$(dirname "$0")/.." && pwd)
base= last=
for word in "$@"; do
  [ "$last" = --base-path ] && base=$word
  last=$word
done
if [ -n "$base" ] && [ ! -e "$base/node_modules" ]; then
  set -- "$@" --include-path "$root/.solc/include" --allow-paths "$root/node_modules"
fi
exec {command} "$@"
"""

# A contract that takes an import from node_modules, and the bytes it has to become.
SAMPLE = {
    "language": "Solidity",
    "sources": {
        "Sample.sol": {
            "content": "// SPDX-License-Identifier: Apache-2.0\n"
            "pragma solidity ^0.8.30;\n"
            'import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";\n'
            "contract Sample is IERC165 {\n"
            "    function supportsInterface(bytes4 id) external pure returns (bool) {\n"
            "        return id == type(IERC165).interfaceId;\n"
            "    }\n"
            "}\n"
        }
    },
    "settings": {
        "evmVersion": "cancun",
        "metadata": {"bytecodeHash": "none"},
        "optimizer": {"enabled": True, "runs": 1_000_000},
        "outputSelection": {"Sample.sol": {"Sample": ["evm.deployedBytecode.object"]}},
        "remappings": ["@openzeppelin/contracts=node_modules/@openzeppelin/contracts"],
        "viaIR": True,
    },
}
SAMPLE_SHA256 = "0cc7effc1cef44ef7dd55189292234fb08446e8cbc3d557f64e4e653d1f2034a"


class CannotBeHad(Exception):
    """Raised when a build of the compiler is not usable. Its message is a short reason."""


def main() -> int:
    """Install the compiler if it is missing or broken. Print the chosen build and the reason."""
    wanted = os.environ.get("NVM_CHAIN_SOLC", "")
    if wanted not in ("", *COMMANDS):
        return fail(f"NVM_CHAIN_SOLC is {wanted!r}; it may be 'native', 'npm' or unset")

    present = installed()
    if present and wanted in ("", present):
        say(f"{NAMES[present]}, set up before")
        return 0

    reasons = []
    for build in [wanted] if wanted else list(COMMANDS):
        try:
            install(build)
        except CannotBeHad as reason:
            reasons.append(f"{NAMES[build]}: {reason}")
        else:
            say(NAMES[build] + "".join(f" (not {reason})" for reason in reasons))
            return 0
    return fail("no compiler is available. " + "; ".join(reasons))


def say(text: str) -> None:
    """Print one line about the compiler."""
    print(f"solc {BUILD}: {text}", flush=True)


def fail(text: str) -> int:
    """Print the problem, and return its exit code."""
    print(f"solc {BUILD}: {text}", file=sys.stderr)
    return 1


def installed() -> str | None:
    """Return the installed and working build, or None."""
    for build in COMMANDS:
        if WRAPPER.is_file() and WRAPPER.read_text() == script(build):
            try:
                check(build)
            except CannotBeHad:
                return None
            return build
    return None


def install(build: str) -> None:
    """Fetch and check a build, and write its wrapper. After a failure no wrapper is left."""
    FOLDER.mkdir(exist_ok=True)
    WRAPPER.unlink(missing_ok=True)
    if build == "native":
        download()
    link_node_modules()
    # Written beside and moved, so that a compile under way never sees half a script.
    draft = FOLDER / "draft"
    draft.write_text(script(build))
    draft.chmod(0o755)
    draft.replace(WRAPPER)
    try:
        check(build)
    except CannotBeHad:
        WRAPPER.unlink(missing_ok=True)
        if build == "native":
            NATIVE.unlink(missing_ok=True)
        raise


def script(build: str) -> str:
    """Return the text of the wrapper of a build."""
    return SCRIPT.format(name=NAMES[build], command=COMMANDS[build].format(version=VERSION))


def link_node_modules() -> None:
    """Link `node_modules` as the only entry of the folder for imports."""
    INCLUDE.mkdir(parents=True, exist_ok=True)
    link = INCLUDE / "node_modules"
    if not link.is_symlink():
        link.symlink_to(Path("..", "..", "node_modules"))


def download() -> None:
    """Download the native compiler with py-solc-x into this clone, if its site answers within a few seconds."""
    if NATIVE.is_file():
        return
    NATIVE.parent.mkdir(parents=True, exist_ok=True)
    # In processes of their own: py-solc-x sets no time limit, and neither has a name look-up.
    try:
        run_python(
            "import requests, solcx.install as install\n"
            "url = install.BINARY_DOWNLOAD_BASE.format('macosx' if sys.platform == 'darwin' else 'linux', 'list.json')\n"
            f"requests.head(url, timeout={REACH_SECONDS}).raise_for_status()",
            REACH_SECONDS,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        raise CannotBeHad("its site cannot be reached from here") from None
    say(f"downloading {NAMES['native']}")
    try:
        run_python(f"import solcx\nsolcx.install_solc({VERSION!r})", DOWNLOAD_SECONDS)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        NATIVE.unlink(missing_ok=True)
        raise CannotBeHad("the download failed, or does not run on this machine") from None


def run_python(program: str, seconds: int) -> None:
    """Run Python code in a new process of this interpreter. py-solc-x uses the folder of this clone."""
    subprocess.run(
        [sys.executable, "-c", f"import sys\n{program}"],
        check=True,
        timeout=seconds,
        capture_output=True,
        env={**os.environ, "SOLCX_BINARY_PATH": str(NATIVE.parent)},
    )


def check(build: str) -> None:
    """Check the version of the compiler, and compile the sample with the arguments of Ape."""
    if not (ROOT / "node_modules" / "@openzeppelin").is_dir():
        raise CannotBeHad("node_modules is missing; run `npm ci` (or `make setup`, which does)")
    if build == "npm":
        check_npm()
    version = run_solc("--version")
    if f"Version: {BUILD}." not in version:
        raise CannotBeHad(f"it is another version: {version.strip()[-80:]}")
    with tempfile.TemporaryDirectory() as empty:
        answer = run_solc("--standard-json", "--base-path", empty, stdin=json.dumps(SAMPLE))
    try:
        code = json.loads(answer)["contracts"]["Sample.sol"]["Sample"]["evm"]["deployedBytecode"]["object"]
    except (KeyError, ValueError):
        raise CannotBeHad(f"it did not compile the sample: {answer[:300]}") from None
    if hashlib.sha256(bytes.fromhex(code)).hexdigest() != SAMPLE_SHA256:
        raise CannotBeHad(f"it compiled the sample to other bytes than expected: {code}")


def check_npm() -> None:
    """Check the requirements of npm's build: Node.js, and soljson.js with the pinned hash."""
    if shutil.which("node") is None:
        raise CannotBeHad("Node.js is missing; install version 20 or newer")
    if not SOLJSON.is_file():
        raise CannotBeHad("node_modules/solc is missing; run `npm ci` (or `make setup`, which does)")
    found = hashlib.sha256(SOLJSON.read_bytes()).hexdigest()
    if found != SOLJSON_SHA256:
        raise CannotBeHad(f"soljson.js has SHA-256 {found}, not the pinned {SOLJSON_SHA256}; run `npm ci`")


def run_solc(*args: str, stdin: str = "") -> str:
    """Run the wrapper, and return its output."""
    try:
        done = subprocess.run([WRAPPER, *args], input=stdin, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        detail = getattr(error, "stderr", None) or str(error)
        raise CannotBeHad(f"it does not run: {detail.strip()[-300:]}") from None
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
