"""Draw the pictures of docs/assets: `python -m tools.pictures`, which `make docs` runs. A picture with equal text is left unchanged."""

from pathlib import Path
from typing import Final

from tools.pictures.demo import draw_acts, read_lines
from tools.pictures.flow import PURCHASE, draw_flow

ASSETS: Final = Path(__file__).parent.parent.parent / "docs" / "assets"


def main() -> None:
    """Write each outdated picture, and print its name. Varying numbers of the demo do not make a picture outdated."""
    ASSETS.mkdir(exist_ok=True)
    for name, svg in {"flow.svg": draw_flow(PURCHASE), **draw_acts()}.items():
        path = ASSETS / name
        old = path.read_text("utf-8") if path.exists() else ""
        if old != svg and not (name != "flow.svg" and list(read_lines(old)) == list(read_lines(svg))):
            path.write_text(svg, "utf-8")
            print(f"wrote docs/assets/{name}")


if __name__ == "__main__":
    main()
