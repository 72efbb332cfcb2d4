"""Link this clone's Foundry programs and compiler into the virtual environment, so that no variable has to be exported.

Foundry comes from npm as one package per program and platform. Its `anvil`, `cast` and `forge` are linked into
`.venv/bin`, and a `.pth` file there puts that folder on the path and tells py-solc-x where `.solc` is; so
`.venv/bin/ape test` works the same from a shell, from an editor and from make.

    .venv/bin/python tools/link_tools.py
"""

from __future__ import annotations

import shutil
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ("anvil", "cast", "forge")

# Python runs each line of a .pth file that starts with `import`, at every start. What the caller has set wins.
PTH = (
    "import os;"
    " os.environ.setdefault('SOLCX_BINARY_PATH', {solc!r});"
    " os.environ['PATH'] = os.environ.get('PATH', os.defpath)"
    " if {bin!r} in os.environ.get('PATH', '').split(os.pathsep)"
    " else os.pathsep.join([{bin!r}, os.environ.get('PATH', os.defpath)])\n"
)


def main() -> int:
    """Link the programs, and write the `.pth` file. Print the programs that npm does not have for this machine."""
    if sys.prefix == sys.base_prefix:
        print("run this with .venv/bin/python: it changes the environment it runs in", file=sys.stderr)
        return 1
    folder = Path(sys.prefix) / "bin"
    missing = [program for program in PROGRAMS if not link(program, folder)]
    line = PTH.format(solc=str(ROOT / ".solc"), bin=str(folder))
    Path(sysconfig.get_path("purelib"), "nvm_chain_tools.pth").write_text(line)
    if missing:
        print(
            f"npm brought no {', '.join(missing)} for this machine; install Foundry 1.7 and put it on PATH",
            file=sys.stderr,
        )
        return 1
    return 0


def link(program: str, folder: Path) -> bool:
    """Link one program of Foundry into a folder. Return whether npm or the path has the program."""
    here = folder / program
    here.unlink(missing_ok=True)
    for binary in ROOT.glob(f"node_modules/@foundry-rs/{program}-*/bin/{program}"):
        here.symlink_to(binary)
        return True
    return shutil.which(program) is not None


if __name__ == "__main__":
    sys.exit(main())
