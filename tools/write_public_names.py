"""Write the table of public names and its stub for type checkers, from tools/public_names.toml.

python -m tools.write_public_names
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
SOURCE: Final = ROOT / "tools" / "public_names.toml"
TABLE: Final = ROOT / "nvm_chain" / "_public_names.py"
STUB: Final = ROOT / "nvm_chain" / "__init__.pyi"
_NOTE: Final = "Written by tools/write_public_names.py from tools/public_names.toml."


def write_table() -> str:
    """Return the source of the table's module: each public name with its module."""
    modules, homes = read_names()
    lines = [f'"""The public names, and where each is. {_NOTE}"""', "", "MODULES = {"]
    lines += [f'    "{name}": "nvm_chain.{module}",' for name, module in sorted(modules.items())]
    lines += ["}", "HOMES = {"]
    lines += [f'    "{name}": "nvm_chain.{module}",' for name, module in sorted(homes.items())]
    return "\n".join([*lines, "}", ""])


def write_stub() -> str:
    """Return the source of the stub that type checkers read in place of the lazy package."""
    return "\n".join([f"# {_NOTE}", "", *_stub_lines(), ""])


def read_names() -> tuple[dict[str, str], dict[str, str]]:
    """Return the public modules, and the module of each public name."""
    table = tomllib.loads(SOURCE.read_text("utf-8"))
    return table["modules"], {name: module for module, names in table["names"].items() for name in names}


def _stub_lines() -> Iterator[str]:
    modules, homes = read_names()
    for name, module in sorted(modules.items(), key=lambda item: (item[1], item[0])):
        package, _, last = f"nvm_chain.{module}".rpartition(".")
        yield f"from {package} import {last} as {name}"
    for name, module in sorted(homes.items(), key=lambda item: (item[1], item[0])):
        yield f"from nvm_chain.{module} import {name} as {name}"
    yield ""
    yield "__version__: str"
    yield "__all__: list[str]"


if __name__ == "__main__":
    TABLE.write_text(write_table(), "utf-8")
    STUB.write_text(write_stub(), "utf-8")
