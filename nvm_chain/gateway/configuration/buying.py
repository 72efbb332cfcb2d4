"""The table `[x402]` of a configuration file: whether transfers of buyers are taken, how many, and the key that grants plans for them."""

from pathlib import Path
from typing import Final

from nvm_chain.gateway.buying.settings import BuyingSettings
from nvm_chain.gateway.configuration.parts import RedeemerPart
from nvm_chain.gateway.configuration.services import MOST, read_reference
from nvm_chain.gateway.configuration.tables import Table
from nvm_chain.gateway.sealing.references import parse_reference
from nvm_chain.types.paths import parse_path

LIMITS: Final = ("orders_per_account", "orders_per_day", "requests_per_account", "requests_per_day")
SOURCES: Final = ("keyfile", "key_env", "dev_account")
KEYS: Final = ("exact", "minter", *LIMITS)


def read_buying(table: Table) -> BuyingSettings:
    """Return the settings of buying. Raises InvalidConfig."""
    usual = BuyingSettings()
    limits = {name: table.read_number(name, getattr(usual, name), 1, MOST) for name in LIMITS}
    return BuyingSettings(exact=table.read_flag("exact", default=usual.exact), **limits)


def read_minter_part(table: Table, folder: Path) -> RedeemerPart | None:
    """Return the key that grants plans for transfers, by name. None if the file names no key. Raises InvalidConfig.

    Args:
        table: The table.
        folder: The folder of the file, to which a path belongs.
    """
    part = table.read_table("minter", (*SOURCES, "password"))
    if part is None:
        return None
    given = [key for key in SOURCES if key in part]
    if len(given) != 1:
        problem = "are there together" if given else "are missing"
        raise part.refuse("`, `".join(given or SOURCES), problem, f"write exactly one of `{'`, `'.join(SOURCES)}`")
    if "password" in part and "keyfile" not in part:
        raise part.refuse("password", "is there without a key file", "leave it out, or write `keyfile`")
    keyfile, variable = part.find_text("keyfile"), part.find_text("key_env")
    if variable is not None:
        with part.naming("key_env"):
            parse_reference(f"env:{variable}")
    return RedeemerPart(
        keyfile=None if keyfile is None else folder / parse_path(keyfile, "path"),
        password=read_reference(part, "password") if "password" in part else None,
        key_env=variable,
        dev_account=part.read_number("dev_account", 0, 0, 9) if "dev_account" in part else None,
    )
