"""Pictures of a terminal with the output of `nvm-chain demo`, one for each act."""

import html
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from nvm_chain.cli.commands.demo import Teller
from nvm_chain.demo import Step, open_demo_chain, run_demo

WIDTH: Final = 80
THEME: Final = TerminalTheme(
    (22, 27, 34),
    (201, 209, 217),
    [
        (22, 27, 34),
        (255, 123, 114),
        (63, 185, 80),
        (210, 153, 34),
        (88, 166, 255),
        (188, 140, 255),
        (57, 197, 207),
        (201, 209, 217),
    ],
)
FORMAT: Final = (Path(__file__).parent / "terminal.svg").read_text("utf-8")
"""rich's own frame without its fonts, which it fetches."""
NUMBERS: Final = re.compile(r"0x[0-9a-f]+|\d[\d,.]*")


class ActTeller(Teller):
    """Printer of the demo with a separate console for each act."""

    def __init__(self) -> None:
        """Start before the first act."""
        super().__init__(open_console())
        self.acts: list[Console] = []

    def tell(self, step: Step) -> None:
        """Print a step. The first step of an act opens a new console."""
        if step.opens:
            self._console = open_console()
            if not self.acts:
                self._console.print("$ nvm-chain demo", style="dim")
            self.acts.append(self._console)
        super().tell(step)


def open_console() -> Console:
    """Return a console that records its output in colours."""
    return Console(
        width=WIDTH,
        file=io.StringIO(),
        record=True,
        force_terminal=True,
        color_system="standard",
        highlight=False,
        markup=False,
        emoji=False,
        _environ={},
    )


def draw_acts() -> dict[str, str]:
    """Run the demo on a chain in this process. Return the picture of each act, by file name."""
    teller = ActTeller()
    run_demo(open_demo_chain(None, None), teller.tell)
    return {f"demo-act-{number}.svg": draw(act, f"act{number}") for number, act in enumerate(teller.acts, 1)}


def draw(console: Console, name: str) -> str:
    """Return the recorded output of a console as a picture."""
    svg = console.export_svg(title="nvm-chain demo", theme=THEME, code_format=FORMAT, unique_id=name)
    return re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE)


def read_lines(svg: str) -> Iterator[str]:
    """Yield the text lines of a picture with N for each number, because some numbers vary between runs."""
    rows: dict[str, str] = {}
    for row, text in re.findall(r'<text [^>]*clip-path="url\(#\w+-line-(\d+)\)">(.*?)</text>', svg):
        rows[row] = rows.get(row, "") + html.unescape(text).replace("\xa0", " ")
    for row in sorted(rows, key=int):
        yield NUMBERS.sub("N", rows[row]).rstrip()
