"""Build the site: `python -m tools.site`, or `make site`. A broken link or a page outside the navigation stops the build."""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tools.site.links import BrokenLink
from tools.site.navigation import ROOT, expand, read_navigation
from tools.site.pages import Site, collect, place_of
from tools.site.settings import build_settings, write_toml

BUILD: Final = ROOT / "build" / "site"
BUILDER: Final = ROOT / ".venv-site" / "bin" / "zensical"
WORKER: Final = Path(__file__).parent / "worker.js"
FETCHED: Final = "https://unpkg.com/iframe-worker/shim"
"""What the builder has pages fetch, so that search works on pages that are opened from a disk."""
OUTSIDE: Final = re.compile(
    r"""<(?:script|img|iframe|source)[^>]* src="?'?(https?://[^"'> ]+)|<link[^>]* href=["']?(https?://[^"'> ]+)"""
)


def write_sources(site: Site, folder: Path) -> None:
    """Write the input of the builder: pages, pictures and settings."""
    shutil.rmtree(folder, ignore_errors=True)
    pages = folder / "pages"
    for place, text in site.render().items():
        path = pages / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    for picture in site.pictures:
        path = pages / place_of(picture)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / picture, path)
    project = build_settings(expand(read_navigation(), site.texts))["project"]
    lines = [f"{key} = {write_toml(value)}" for key, value in project.items()]
    (folder / "zensical.toml").write_text("\n".join(["[project]", *lines, ""]), "utf-8")


def stay_at_home(html: Path) -> None:
    """Replace the external script of each page with a local one.

    Raises:
        BrokenLink: a page fetches something else from outside.
    """
    shutil.copyfile(WORKER, html / "assets" / "javascripts" / WORKER.name)
    for path in sorted(html.rglob("*.html")):
        root = "/" if path.name == "404.html" else "../" * (len(path.relative_to(html).parts) - 1)
        text = path.read_text("utf-8").replace(FETCHED, f"{root}assets/javascripts/{WORKER.name}")
        fetched = [found for pair in OUTSIDE.findall(text) for found in pair if found]
        if fetched:
            raise BrokenLink(f"{path.name} fetches {fetched[0]}")
        path.write_text(text, "utf-8")


def main() -> int:
    """Write the sources of the site, build the site, and print its path."""
    parser = argparse.ArgumentParser(prog="python -m tools.site", description=__doc__)
    parser.add_argument("--folder", type=Path, default=BUILD, help="where sources and pages go")
    parser.add_argument("--sources-only", action="store_true", help="write what the builder reads, and stop")
    options = parser.parse_args()
    try:
        write_sources(collect(), options.folder)
    except BrokenLink as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    if options.sources_only:
        return 0
    command = [str(BUILDER), "build", "--strict", "--clean", "--config-file", str(options.folder / "zensical.toml")]
    environment = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout + done.stderr.partition("Traceback")[0], file=sys.stderr)
        return done.returncode
    try:
        stay_at_home(options.folder / "html")
    except BrokenLink as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    print(f"written: {os.path.relpath(options.folder / 'html' / 'index.html')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
