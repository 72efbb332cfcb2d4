"""README for a package index. Links into the repository become links to the source, or plain words.

An index shows the README alone, without the files beside it. With a URL named ``Source`` in `project.urls`, links of the
repository lead there; as long as there is none, a link keeps its words and loses its target, and a picture goes.
"""

import re
from pathlib import Path
from typing import Any, Final

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK: Final = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|#|mailto:)([^)]+)\)")


def rewrite_readme(text: str, source: str = "") -> str:
    """Return a README without relative links. With ``source``, the URL of the source tree, relative links become absolute.

    >>> rewrite_readme("See [docs](docs/README.md). ![A picture](docs/a.svg)")
    'See docs. '
    >>> rewrite_readme("See [docs](docs/README.md).", "https://host/tree/main/")
    'See [docs](https://host/tree/main/docs/README.md).'
    """

    def replace(found: re.Match[str]) -> str:
        picture, words, target = found.groups()
        if source:
            return f"{picture}[{words}]({source.rstrip('/')}/{target})"
        return "" if picture else words

    return LINK.sub(replace, text)


class IndexReadme(MetadataHookInterface):
    """Metadata hook of the build: sets the README for a package index."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the README in the metadata."""
        text = (Path(self.root) / "README.md").read_text("utf-8")
        source = metadata.get("urls", {}).get("Source", "")
        metadata["readme"] = {"content-type": "text/markdown", "text": rewrite_readme(text, source)}
