"""Splitter of texts into sentences, without code, table rules and link targets."""

import re
from collections.abc import Iterator
from typing import Final

CODE: Final = "CODE"
"""What stands for a piece of code in a sentence."""
_FENCE: Final = re.compile(r"^(`{3,}|~{3,}).*?^\1", re.MULTILINE | re.DOTALL)
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
_SPAN: Final = re.compile(r"(`{1,2})(?!`).+?\1", re.DOTALL)
_LINK: Final = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_EXAMPLE: Final = re.compile(r"^\s*(?:>>>|\.\.\.).*(?:\n(?!\s*$).*)*", re.MULTILINE)
_DRAWING: Final = re.compile(r"^.*(?:\n.*[├└│].*)+", re.MULTILINE)
_SECTION: Final = re.compile(r"^\s*(?:Args|Returns|Raises|Yields|Attributes):\s*$", re.MULTILINE)
_ITEM: Final = re.compile(r"^\s*(?:[-*+]|\d+\.|#+|>)\s+", re.MULTILINE)
_FIELD: Final = re.compile(r"^ *\*{0,2}[A-Za-z_]\w*: ", re.MULTILINE)
_END: Final = re.compile(r"(?<=[.!?:;])(?<!e\.g\.)(?<!i\.e\.)[\"')]?\s+(?=[A-Z\"'(`\d])|(?<=;)\s+")


def split_blocks(text: str) -> Iterator[str]:
    """Yield the paragraphs, list items, table cells and headings of a text in Markdown or a docstring."""
    for pattern in (_FENCE, _COMMENT, _EXAMPLE, _DRAWING):
        text = pattern.sub("\n\n", text)
    text = _SECTION.sub("\n", text)
    text = _ITEM.sub("\n\n", _FIELD.sub("\n\n", text))
    for block in re.split(r"\n\s*\n", text):
        cells = block.split("|") if block.lstrip().startswith("|") else [block]
        yield from (cell.strip() for cell in cells if re.search("[A-Za-z]", cell))


def split_sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text, each on one line, with `CODE` for what is in backticks."""
    for block in split_blocks(text):
        plain = _SPAN.sub(CODE, _LINK.sub(r"\1", block))
        yield from (sentence for each in _END.split(plain) if (sentence := " ".join(each.split())))
