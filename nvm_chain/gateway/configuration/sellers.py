"""The tables `[[sellers]]` of a configuration file: who may see what of the services that belong to them."""

from typing import Any, Final

from nvm_chain.errors import InvalidConfig
from nvm_chain.gateway.configuration.parts import SellerPart, TokenPart
from nvm_chain.gateway.configuration.services import read_reference
from nvm_chain.gateway.configuration.tables import Table
from nvm_chain.gateway.sellers.settings import check_name
from nvm_chain.gateway.sellers.tokens import HASHED, Role, build_token
from nvm_chain.gateway.settings import ServiceSettings

KEYS: Final = ("name", "tokens")
TOKEN_KEYS: Final = ("role", "token")


def read_sellers(file: str, values: Any, services: dict[str, ServiceSettings]) -> dict[str, SellerPart]:
    """Return the sellers by their names. Raises InvalidConfig, also if a service names a seller who is not there."""
    found: dict[str, SellerPart] = {}
    if values is not None and not isinstance(values, list):
        raise InvalidConfig(f"{file}: `sellers` is not a list of tables", "write [[sellers]], with two brackets")
    for number, given in enumerate(values or (), start=1):
        table = Table(file, f"[[sellers]] number {number}", given, KEYS)
        part = _read_seller(table)
        if part.name in found:
            raise table.refuse("name", "is that of another seller of the file", "write each seller once")
        found[part.name] = part
    for did, service in services.items():
        if service.seller is not None and service.seller not in found:
            raise InvalidConfig(
                f"{file}: the service {did} belongs to the seller {service.seller[:40]}, who is not in the file",
                f'write [[sellers]] with name = "{service.seller[:40]}", or leave `seller` out',
            )
    return found


def _read_seller(table: Table) -> SellerPart:
    table.require("name", 'write a name such as "acme", and `seller = "acme"` at the services that belong to it')
    name = table.read_text("name")
    with table.naming("name"):
        check_name(name)
    return SellerPart(name, tuple(_read_token(each, name) for each in table.read_tables("tokens", TOKEN_KEYS)))


def _read_token(table: Table, seller: str) -> TokenPart:
    table.require("token", 'write a reference such as "sealed:acme", or "sha256:" and the hash of the token')
    role, text = table.read_choice("role", Role, Role.READER), table.read_text("token")
    if not text.startswith(HASHED):
        return TokenPart(role, read_reference(table, "token"))
    with table.naming("token"):
        build_token(role, text, seller)
    return TokenPart(role, text)
