"""Draw the pictures of docs/assets: `python -m tools.pictures`, which `make docs` runs. One that says the same is left as it is."""

from pathlib import Path
from typing import Final

from tools.pictures.demo import draw_acts, read_lines
from tools.pictures.flow import PURCHASE, draw_flow

ASSETS: Final = Path(__file__).parent.parent.parent / "docs" / "assets"


def main() -> None:
    """Write each picture that is out of date, and say which; numbers of the demo that vary do not make it so."""
    ASSETS.mkdir(exist_ok=True)
    for name, svg in {"flow.svg": draw_flow(PURCHASE), **draw_acts()}.items():
        path = ASSETS / name
        old = path.read_text("utf-8") if path.exists() else ""
        if old != svg and not (name != "flow.svg" and list(read_lines(old)) == list(read_lines(svg))):
            path.write_text(svg, "utf-8")
            print(f"wrote docs/assets/{name}")


if __name__ == "__main__":
    main()
