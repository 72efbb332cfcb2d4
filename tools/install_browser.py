"""Set up the browser of the tests as `.browser/chrome` in this clone.

npm brings Chromium as one compressed program, which is unpacked here by node. Libraries that it needs and this system does
not have come from the same package, and so do the fonts, so that a page looks the same on each machine. Where npm's program
does not run, a Chromium or Chrome on the path takes its place. Whichever it is has to show a page first.

    python tools/install_browser.py
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import matplotlib
from playwright.sync_api import Error, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".browser"
PROGRAM = FOLDER / "chrome"
PACKAGE = ROOT / "node_modules" / "@sparticuz" / "chromium" / "bin"
OTHERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
"""Names of the same browser on the path."""

UNPACK = """
const { createReadStream, createWriteStream } = require("fs");
const { pipeline } = require("stream");
const [from, to] = process.argv.slice(1);
pipeline(createReadStream(from), require("zlib").createBrotliDecompress(), createWriteStream(to), (error) => {
  if (error) throw error;
});
"""
SCRIPT = """\
#!/bin/sh
# Written by tools/install_browser.py.
folder=$(cd "$(dirname "$0")" && pwd)
{lines}exec "{program}" "$@"
"""
DEJAVU = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono", "DejaVuSansMono-Bold")
"""Fonts of matplotlib: of equal width, and for what Open Sans does not have."""
FONTS = Path(__file__).parent / "fonts.conf"


def main() -> int:
    """Write the program, and show a page with it. Print which browser it is."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    reasons: list[str] = []
    choices: list[tuple[str, Callable[[], bool]]] = [("npm's", unpack)]
    choices += [(f"{other} on the path", partial(find, other)) for other in OTHERS]
    for name, prepare in choices:
        if prepare():
            try:
                print(f"The tests use Chromium {show_page()}, {name}")
                return 0
            except Error as error:
                reasons.append(f"{name}: {error.message.partition(chr(10))[0]}")
    print(
        "No browser for the tests runs here. On Debian: apt-get install chromium. Then run make again.", file=sys.stderr
    )
    print("\n".join(reasons), file=sys.stderr)
    return 1


def unpack() -> bool:
    """Unpack npm's browser with its fonts. Return whether there is one for this machine."""
    if not (PACKAGE / "chromium.br").exists():
        return False
    decompress("chromium.br", FOLDER / "chromium")
    (FOLDER / "chromium").chmod(0o755)
    extract("fonts.tar.br")
    for font in DEJAVU:
        shutil.copy(Path(matplotlib.get_data_path(), "fonts", "ttf", f"{font}.ttf"), FOLDER / "fonts")
    shutil.copy(FONTS, FOLDER)
    lines = 'export FONTCONFIG_FILE="$folder/fonts.conf"\n'
    needed = subprocess.run(["ldd", FOLDER / "chromium"], capture_output=True, text=True, check=False).stdout
    if "not found" in needed:
        extract("al2023.tar.br")
        lines += 'export LD_LIBRARY_PATH="$folder/lib:$LD_LIBRARY_PATH"\n'
    write_script(lines, "$folder/chromium")
    return True


def find(name: str) -> bool:
    """Take a browser of the path. Return whether there is one."""
    program = shutil.which(name)
    if program:
        write_script("", program)
    return program is not None


def decompress(name: str, target: Path) -> None:
    """Decompress a file of the package with node, which knows the format."""
    subprocess.run(["node", "-e", UNPACK, PACKAGE / name, target], check=True)


def extract(name: str) -> None:
    """Extract an archive of the package into the folder."""
    archive = FOLDER / name.removesuffix(".br")
    decompress(name, archive)
    with tarfile.open(archive) as files:
        files.extractall(FOLDER, filter="data")
    archive.unlink()


def write_script(lines: str, program: str) -> None:
    """Write the program that tests start."""
    PROGRAM.write_text(SCRIPT.format(lines=lines, program=program))
    PROGRAM.chmod(0o755)


def show_page() -> str:
    """Show a page, and return the version of the browser."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=PROGRAM, chromium_sandbox=False)
        page = browser.new_page()
        page.set_content("<p>shown</p>")
        page.get_by_text("shown").wait_for()
        version = browser.version
        browser.close()
        return version


if __name__ == "__main__":
    sys.exit(main())
