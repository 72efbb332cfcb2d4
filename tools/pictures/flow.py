"""Sequence diagrams as SVG: lifelines from left to right, messages from top to bottom."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

COLUMN: Final = 330
MARGIN: Final = 130
ROW: Final = 58
TOP: Final = 118
STYLE: Final = """
svg { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; font-size: 15px; }
.card { fill: #ffffff; stroke: #d0d7de; }
.who { fill: #eef4ff; stroke: #3b6fd4; stroke-width: 1.5; }
.name { font-weight: 600; fill: #1f2328; text-anchor: middle; }
.role { font-size: 12.5px; fill: #59636e; text-anchor: middle; }
.life { stroke: #b6c0cb; stroke-dasharray: 4 5; }
.text { fill: #1f2328; text-anchor: middle; }
.chain { stroke: #3b6fd4; stroke-width: 2; fill: none; }
.money { stroke: #1a7f37; stroke-width: 3; fill: none; }
.signed { stroke: #8250df; stroke-width: 2; fill: none; stroke-dasharray: 7 4; }
.key { font-size: 12.5px; fill: #59636e; }
"""
KEYS: Final = {"chain": "a transaction", "money": "money", "signed": "signed, off the chain: no gas"}


@dataclass(frozen=True, slots=True)
class Message:
    """Arrow from one column to another, with a text above it."""

    sender: int
    receiver: int
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Flow:
    """Sequence diagram: columns with roles, and messages in order."""

    title: str
    columns: tuple[tuple[str, str], ...]
    messages: tuple[Message, ...]


SUBSCRIBER, CREDITS, BUILDER = range(3)
PURCHASE: Final = Flow(
    "How a plan is sold and used",
    (("Subscriber", "buys and uses"), ("Credits", "the contract; holds no money"), ("Builder", "sells an AI service")),
    (
        Message(BUILDER, CREDITS, "register a plan: 100 credits for 20 USDC", "chain"),
        Message(SUBSCRIBER, CREDITS, "order, with a signed permit", "chain"),
        Message(SUBSCRIBER, BUILDER, "20 USDC, in the same transaction", "money"),
        Message(CREDITS, SUBSCRIBER, "100 credits (ERC-1155)", "chain"),
        Message(SUBSCRIBER, BUILDER, "each request with a voucher: “up to N credits of mine”", "signed"),
        Message(BUILDER, CREDITS, "settle the latest vouchers of many", "chain"),
    ),
)


def draw_flow(flow: Flow) -> str:
    """Return a sequence diagram as SVG."""
    width = 2 * MARGIN + COLUMN * (len(flow.columns) - 1)
    height = TOP + ROW * len(flow.messages) + 44
    shapes = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        f"<title>{escape(flow.title)}</title>",
        f"<style>{STYLE}</style>",
        "<defs>",
        *(mark(kind, colour) for kind, colour in (("chain", "#3b6fd4"), ("money", "#1a7f37"), ("signed", "#8250df"))),
        "</defs>",
        f'<rect class="card" x="1" y="1" width="{width - 2}" height="{height - 2}" rx="10"/>',
        *(shape for place, who in enumerate(flow.columns) for shape in draw_column(place, *who, height)),
        *(shape for row, message in enumerate(flow.messages) for shape in draw_message(row, message)),
        *draw_keys({message.kind for message in flow.messages}, height),
        "</svg>",
    ]
    return "\n".join(shapes) + "\n"


def mark(kind: str, colour: str) -> str:
    """Return the head of an arrow."""
    path = f'<path d="M0 0 L10 5 L0 10 z" fill="{colour}"/>'
    size = 'markerWidth="11" markerHeight="11" markerUnits="userSpaceOnUse"'
    return f'<marker id="{kind}" viewBox="0 0 10 10" refX="10" refY="5" {size} orient="auto">{path}</marker>'


def draw_column(place: int, name: str, role: str, height: int) -> Iterator[str]:
    """Yield a box and its lifeline."""
    x = MARGIN + COLUMN * place
    yield f'<line class="life" x1="{x}" y1="72" x2="{x}" y2="{height - 40}"/>'
    yield f'<rect class="who" x="{x - 108}" y="18" width="216" height="54" rx="8"/>'
    yield f'<text class="name" x="{x}" y="41">{escape(name)}</text>'
    yield f'<text class="role" x="{x}" y="60">{escape(role)}</text>'


def draw_message(row: int, message: Message) -> Iterator[str]:
    """Yield the numbered text of a message and its arrow. The text covers the lifelines behind it."""
    y = TOP + ROW * row
    start, end = (MARGIN + COLUMN * place for place in (message.sender, message.receiver))
    text = f"{row + 1}. {message.text}"
    middle, half = (start + end) / 2, len(text) * 3.9
    yield f'<rect x="{middle - half:g}" y="{y - 24}" width="{2 * half:g}" height="20" fill="#ffffff"/>'
    yield f'<text class="text" x="{middle:g}" y="{y - 9}">{escape(text)}</text>'
    yield f'<line class="{message.kind}" x1="{start}" y1="{y}" x2="{end}" y2="{y}" marker-end="url(#{message.kind})"/>'


def draw_keys(kinds: set[str], height: int) -> Iterator[str]:
    """Yield the legend of the kinds of arrows."""
    x = 24
    for kind, words in KEYS.items():
        if kind in kinds:
            yield f'<line class="{kind}" x1="{x}" y1="{height - 20}" x2="{x + 34}" y2="{height - 20}"/>'
            yield f'<text class="key" x="{x + 42}" y="{height - 16}">{escape(words)}</text>'
            x += 70 + round(len(words) * 6.4)
