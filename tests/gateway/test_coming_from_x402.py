"""The page "Coming from x402" names every option of the installed middleware, in Python and in TypeScript, and no other one."""

import dataclasses
import inspect
import re
from pathlib import Path

import pytest
from x402.http.middleware.fastapi import payment_middleware, payment_middleware_from_config
from x402.http.types import PaymentOption, PaywallConfig, RouteConfig
from x402.http.x402_http_server import x402HTTPResourceServer
from x402.server import x402ResourceServer

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "coming-from-x402.md").read_text("utf-8")
PACKAGES = ROOT / "node_modules" / "@x402"
CORE = "\n".join(path.read_text("utf-8") for path in sorted((PACKAGES / "core/dist/esm").glob("*.d.mts")))
EXPRESS = (PACKAGES / "express/dist/esm/index.d.mts").read_text("utf-8")
_NAME = re.compile(r"`([A-Za-z_]+)`")


def read_table(first_row: str) -> tuple[set[str], set[str]]:
    """Return the names in the first two columns of the table that has a row. A cell of other words names nothing."""
    block = next(block for block in PAGE.split("\n\n") if f"\n| {first_row} |" in f"\n{block}")
    cells = [[cell.strip() for cell in line.split("|")[1:3]] for line in block.splitlines()[2:]]
    python, typescript = ({found[1] for row in cells if (found := _NAME.fullmatch(row[i]))} for i in (0, 1))
    return python, typescript


def list_fields(kind: type) -> set[str]:
    """Return the fields of a dataclass of the Python package."""
    return {field.name for field in dataclasses.fields(kind)}


def list_members(name: str, text: str = CORE) -> set[str]:
    """Return the members of an interface of the TypeScript package."""
    (body,) = re.findall(rf"^interface {name} \{{\n(.*?)^\}}", text, re.DOTALL | re.MULTILINE)
    bare = re.sub(r"/\*.*?\*/", "", body, flags=re.DOTALL)
    return set(re.findall(r"^    ([A-Za-z]+)\??:", bare, re.MULTILINE))


def list_parameters() -> set[str]:
    """Return the parameters of all functions that make a middleware in TypeScript."""
    heads = re.findall(r"^declare function paymentMiddleware\w*\((.*?)\): \(req", EXPRESS, re.MULTILINE)
    assert len(heads) == 3
    return {name for head in heads for name in re.findall(r"(\w+)\??: ", head)}


def list_hooks() -> tuple[set[str], set[str]]:
    """Return the hooks of a server in both languages."""
    python = {name for kind in (x402ResourceServer, x402HTTPResourceServer) for name in dir(kind)}
    classes = re.findall(r"^declare class x402(?:HTTP)?ResourceServer \{\n(.*?)^\}", CORE, re.DOTALL | re.MULTILINE)
    assert len(classes) == 2
    typescript = {name for body in classes for name in re.findall(r"^    (on[A-Z]\w*)\(", body, re.MULTILINE)}
    return {name for name in python if name.startswith("on_")}, typescript


def test_table__of_routes__names_every_option() -> None:
    assert read_table("`accepts` | `accepts`") == (list_fields(RouteConfig), list_members("RouteConfig"))


def test_table__of_payment_options__names_every_field() -> None:
    assert read_table("`scheme` | `scheme`") == (list_fields(PaymentOption), list_members("PaymentOption"))


def test_table__of_the_middleware__names_every_parameter() -> None:
    python = {
        name
        for function in (payment_middleware, payment_middleware_from_config)
        for name in inspect.signature(function).parameters
    }
    assert read_table("`routes` | `routes`") == (python, list_parameters())


def test_table__of_the_paywall__names_every_field() -> None:
    assert read_table("`app_name` | `appName`") == (list_fields(PaywallConfig), list_members("PaywallConfig"))


def test_table__of_overrides__names_every_field() -> None:
    assert read_table("`amount` | `amount`")[1] == list_members("SettlementOverrides")


def test_table__of_hooks__names_every_hook() -> None:
    assert read_table("`on_before_verify` | `onBeforeVerify`") == list_hooks()


@pytest.mark.parametrize("name", ["pay_to", "hook_timeout_seconds", "onBeforeSettle"])
def test_table__without_a_row__would_be_found(name: str) -> None:
    tables = [
        read_table(f"`{a}` | `{b}`")
        for a, b in (("accepts", "accepts"), ("scheme", "scheme"), ("on_before_verify", "onBeforeVerify"))
    ]
    assert sum(name in python | typescript for python, typescript in tables) == 1
