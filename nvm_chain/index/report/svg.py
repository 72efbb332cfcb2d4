"""Drawings of matplotlib as parts of a page: ids of their own, a title and a description, colours of the page."""

import re
from typing import Final
from xml.etree import ElementTree

from nvm_chain.index.report.markup import Markup

NAMES: Final = ("s0", "s1", "s2", "s3", "s4", "muted", "line")
PAINTS: Final = {name: f"#fe00{number:02x}" for number, name in enumerate(NAMES)}
"""Colours that charts are drawn with. On the page each becomes the variable of its name, which has a dark form too."""
_PAINT: Final = re.compile("#fe00([0-9a-f]{2})")
_SVG: Final = "http://www.w3.org/2000/svg"
_LINK: Final = "{http://www.w3.org/1999/xlink}href"
_LEFT_OUT: Final = frozenset({f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"})
"""Elements that are left out. The style would count for the whole page, and metadata has addresses of other hosts."""


def dress_svg(drawing: str, key: str, title: str, summary: str, class_: str) -> Markup:
    """Return a drawing as an element of a page. ``key`` begins its ids, which are unique on the page."""
    root = ElementTree.fromstring(drawing[drawing.index("<svg") :])  # noqa: S314  matplotlib has just written it
    _clean(root)
    for node in root.iter():
        node.tag = node.tag.removeprefix(f"{{{_SVG}}}")
        for name, value in list(node.attrib.items()):
            del node.attrib[name]
            if name == "id" and not _is_used(drawing, value):
                continue
            node.attrib["href" if name == _LINK else name] = _rewrite(value, key, is_id=name == "id")
    _describe(root, key, title, summary)
    del root.attrib["version"], root.attrib["width"], root.attrib["height"]
    root.attrib["class"] = class_
    return Markup(ElementTree.tostring(root, encoding="unicode", short_empty_elements=True))


def _clean(node: ElementTree.Element) -> None:
    for child in list(node):
        if child.tag in _LEFT_OUT:
            node.remove(child)
        else:
            _clean(child)


def _is_used(drawing: str, name: str) -> bool:
    return f"#{name}" in drawing


def _rewrite(value: str, key: str, *, is_id: bool) -> str:
    if is_id:
        return f"{key}-{value}"
    value = re.sub(r"url\(#|^#(?!fe00)", lambda found: f"{found[0]}{key}-", value)
    return _PAINT.sub(lambda found: f"var(--{NAMES[int(found[1], 16)]})", value)


def _describe(root: ElementTree.Element, key: str, title: str, summary: str) -> None:
    """Give the drawing a title and a description for people who do not see it."""
    for number, (tag, text) in enumerate((("title", title), ("desc", summary))):
        part = ElementTree.Element(tag, {"id": f"{key}-{tag}"})
        part.text = text
        root.insert(number, part)
    root.attrib |= {"role": "img", "aria-labelledby": f"{key}-title {key}-desc"}
