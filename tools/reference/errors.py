"""Page of errors: the errors of the package by family, each with an anchor."""

import re
from collections.abc import Iterator
from inspect import cleandoc

from nvm_chain import errors
from nvm_chain.errors import CONTRACT_ERRORS, NvmChainError
from nvm_chain.errors.templates import show_template
from tools.reference.samples import build_sample


def list_error_classes() -> dict[str, type[NvmChainError]]:
    """Return every class of error by name, families before their members."""
    found = [item for item in vars(errors).values() if isinstance(item, type) and issubclass(item, NvmChainError)]
    return {item.__name__: item for item in walk(NvmChainError) if item in found}


def walk(root: type[NvmChainError]) -> Iterator[type[NvmChainError]]:
    """Yield a class and all its subclasses once each, in the order of definition.

    >>> next(walk(NvmChainError)).__name__
    'NvmChainError'
    """
    seen = [root]
    for item in seen:
        yield item
        seen += [child for child in item.__subclasses__() if child not in seen]


def list_families() -> dict[str, list[type[NvmChainError]]]:
    """Return the direct subclasses of the root, each with its members. The family itself comes first."""
    known = list(list_error_classes().values())
    families = [item for item in known if NvmChainError in item.__bases__]
    return {item.__name__: [each for each in walk(item) if each in known] for item in families}


def write_error_pages() -> str:
    """Return the generated part after the prose of docs/errors.md: every class with its anchor."""
    blocks = [describe(NvmChainError, "##")]
    for name, members in list_families().items():
        blocks.append(describe(members[0], "##"))
        blocks += [describe(item, "###") for item in members[1:]]
        assert members[0].__name__ == name
    return "\n\n".join(blocks) + "\n"


def describe(error: type[NvmChainError], mark: str) -> str:
    """Return the entry of one class: heading, docstring, the two templates, an example of the message, fields."""
    parts = [f"{mark} {error.__name__}", read_purpose(error)]
    for label, template in (("Problem", error.problem), ("Next step", error.next_step)):
        if template:
            parts.append(f"**{label}:** {write_template(template)}")
    if error.problem:
        parts.append(f"**Example:** {escape(build_sample(error).message())}")
    if error.field_names:
        parts.append("**Fields:** " + ", ".join(f"`{name}`" for name in error.field_names))
    if error.__name__ in CONTRACT_ERRORS:
        parts.append("A contract reverts with it; the package raises it before anything is sent where it can.")
    return "\n\n".join(part for part in parts if part)


def read_purpose(error: type[NvmChainError]) -> str:
    """Return a class's own docstring as Markdown, without inherited docstrings."""
    text = cleandoc(error.__dict__.get("__doc__") or "")
    drawn = re.split(r"\n\s*\n", text)
    prose = [" ".join(part.split()).replace("``", "`") for part in drawn if not re.search(r"[├└│]", part)]
    return "\n\n".join(part for part in prose if not part.startswith(f"{error.__name__}("))


def write_template(template: str) -> str:
    """Return a template with its slots as code, as Markdown.

    >>> write_template("{holder} has {available} credits. <2")
    '`holder` has `available` credits. &lt;2'
    """
    text = escape(show_template(template))
    return re.sub(r"``(\w+)``", r"`\1`", text)


def escape(text: str) -> str:
    """Return a plain text as Markdown.

    >>> escape("less than <1>")
    'less than &lt;1>'
    """
    return text.replace("<", "&lt;").replace("**", r"\*\*")
