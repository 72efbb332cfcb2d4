"""metadata.openapi: a seller's choice of operations becomes endpoints, and nothing else becomes public."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.errors import EndpointsOverlap, InvalidConfig, InvalidOpenApi, NvmChainError
from nvm_chain.metadata.documents import AgentMetadata, describe_metadata
from nvm_chain.metadata.endpoint_costs import read_costs
from nvm_chain.metadata.endpoints import match_endpoint
from nvm_chain.metadata.openapi.documents import parse_openapi
from nvm_chain.metadata.openapi.importing import import_endpoints
from nvm_chain.metadata.openapi.operations import METHODS, Operation
from nvm_chain.metadata.openapi.selection import Choice, Selector
from nvm_chain.metadata.openapi.servers import Location
from tests.unit.openapi_imports import DOCUMENTS, HOST, PETS, SHOP, build, patterns, run

EU, FILES = "https://eu.example.com/v1", "https://files.example.com"


# ---------------------------------------------------------------- the shop


def test_import_endpoints__of_the_shop__publishes_what_was_chosen() -> None:
    api = run(SHOP, exclude=("tag:admin",), opened=("/health",), costs=(("*", (1, 1)), ("tag:reports", (2, 5))))
    assert sorted(patterns(api)) == sorted(
        [
            f"GET {EU}/orders",
            f"POST {EU}/orders",
            f"GET {EU}/orders/:order_id",
            f"HEAD {EU}/orders/:order_id",
            f"GET {EU}/orders/latest",
            f"GET {FILES}/reports/:year/:name.csv",
            f"POST {EU}/reports/:id\\:refresh",
        ]
    )
    assert api.open_endpoints == (f"{EU}/health",)
    assert {f"{each.method} {each.url_pattern}": cost for each, cost in api.costs.items() if cost != (1, 1)} == {
        f"GET {FILES}/reports/:year/:name.csv": (2, 5),
        f"POST {EU}/reports/:id\\:refresh": (2, 5),
    }
    assert {each.operation_id: each.access for each in api.operations} == {
        **dict.fromkeys(("listOrders", "createOrder", "readOrder", "probeOrder", "readLatest"), "paid"),
        **dict.fromkeys(("readReport", "refreshReport"), "paid"),
        **dict.fromkeys(("deleteOrder", "listUsers", "deleteUsers", "debug"), "private"),
        "readHealth": "open",
    }
    assert api.other_servers == ("http://10.0.0.5:8080",)


def test_import_endpoints__of_the_shop__makes_nothing_else_public() -> None:
    api = run(SHOP, exclude=("tag:admin",), opened=("/health",), costs=(("tag:reports", (5, 5)),))
    metadata = AgentMetadata("Shop", endpoints=api.endpoints, open_endpoints=api.open_endpoints, extras=api.extras)
    written = json.dumps(describe_metadata(metadata))
    assert set(describe_metadata(metadata)) == {"name", "agentType", "endpoints", "openEndpoints", "nvmCosts"}
    hidden = ("-words", "secret", "10.0.0.5", "admin", "debug", "listOrders", "Production", "X-Key", "paging", "tags")
    assert not [word for word in hidden if word in written]
    assert read_costs(metadata) == api.costs


def test_import_endpoints__with_server_variables__uses_them() -> None:
    api = run(SHOP, include=("listOrders",), variables={"region": "us", "base": "v2"})
    assert patterns(api) == ["GET https://us.example.com/v2/orders"]


def test_import_endpoints__of_relative_servers_and_a_reference__resolves_both() -> None:
    api = run(PETS, include=("readPhotos",), server=HOST)
    assert patterns(api) == [f"GET {HOST}/api/photos/:petId", f"GET {HOST}/api/pets/:petId/photos"]


@pytest.mark.parametrize(
    ("name", "server", "count", "first"),
    [
        ("petstore.yaml", "", 20, "POST http://petstore.swagger.io/v2/pet"),
        ("petstore.json", "", 20, "POST http://petstore.swagger.io/v2/pet"),
        ("uspto.yaml", "", 3, "GET https://developer.uspto.gov/ds-api/"),
        ("server-variables.yaml", "", 4, "POST https://demo.example.com/v2/global"),
        ("server-path-level.yaml", HOST, 7, f"GET {HOST}/v2/relative-path-server"),
    ],
)
def test_import_endpoints__of_a_published_document__publishes_each_operation(
    name: str, server: str, count: int, first: str
) -> None:
    document = parse_openapi((DOCUMENTS / "readme" / name).read_bytes())
    api = run(document, server=server)
    assert len(api.endpoints) == len(api.operations) == count
    assert first in patterns(api)
    AgentMetadata("Published", endpoints=api.endpoints, extras=api.extras)


# ---------------------------------------------------------------- selectors


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("tag:pets", {"listPets", "createPet", "readPet", "deletePet"}),
        ("tag:*", {"listPets", "createPet", "readPet", "deletePet", "readPhotos"}),
        ("tag:pet", set()),
        ("tag:Pets", set()),
        ("/pets", {"listPets", "createPet"}),
        ("/pets/{petId}", {"readPet", "deletePet"}),
        ("/pets/*", {"readPet", "deletePet", "readPhotos"}),
        ("/pets*", {"listPets", "createPet", "readPet", "deletePet", "readPhotos"}),
        ("GET /pets", {"listPets"}),
        ("get /pets", {"listPets"}),
        ("DELETE /*", {"deletePet"}),
        ("Get /pets", set()),
        ("listPets", {"listPets"}),
        ("list*", {"listPets"}),
        ("*Pet", {"createPet", "readPet", "deletePet"}),
        ("*", {"listPets", "createPet", "readPet", "deletePet", "readPhotos", "readHealth"}),
        ("listpets", set()),
        ("/pe.s", set()),
        ("pets", set()),
    ],
)
def test_selector__of_each_form__chooses_its_operations(text: str, chosen: set[str]) -> None:
    if not chosen:
        with pytest.raises(InvalidConfig, match="chooses no operation of the OpenAPI document"):
            run(PETS, include=(text,), server=HOST)
        return
    api = run(PETS, include=(text,), server=HOST, allow_overlap=True)
    assert {each.operation_id for each in api.operations if each.access == "paid"} == chosen


@given(st.text("ab*", max_size=8), st.text("ab", max_size=8))
def test_selector__with_stars__chooses_as_a_regular_expression_does(pattern: str, text: str) -> None:
    chosen = Selector(f"/{pattern}").selects(Operation("GET", f"/{text}", "", (), None, False))
    assert chosen == (re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), text) is not None)


def test_selector__with_many_stars__answers_at_once() -> None:
    operation = Operation("GET", "/" + "a" * 100_000, "", (), None, False)
    assert not Selector("/" + "*a" * 200 + "*b").selects(operation)


@pytest.mark.parametrize("text", ["", "  ", "x" * 501])
def test_selector__of_what_is_none__is_refused(text: str) -> None:
    with pytest.raises(InvalidConfig, match="does not choose operations"):
        Selector(text)


@pytest.mark.parametrize("option", ["include", "exclude", "opened"])
def test_import_endpoints__with_a_mistyped_selector__publishes_nothing(option: str) -> None:
    with pytest.raises(InvalidConfig, match="'tag:admn' chooses no operation"):
        run(PETS, server=HOST, **{option: ("tag:admn",)})  # type: ignore[arg-type]


def test_import_endpoints__with_all_lists__gives_exclude_priority() -> None:
    api = run(PETS, server=HOST, include=("tag:pets",), exclude=("tag:admin",), opened=("readHealth", "deletePet"))
    access = {each.operation_id: each.access for each in api.operations if each.path != "/photos/{petId}"}
    assert access == {
        **dict.fromkeys(("listPets", "createPet", "readPet"), "paid"),
        **dict.fromkeys(("deletePet", "readPhotos"), "private"),
        "readHealth": "open",
    }


def test_import_endpoints__of_several_costs__takes_the_last_that_fits() -> None:
    api = run(PETS, server=HOST, costs=(("*", (1, 1)), ("tag:pets", (2, 2)), ("GET /pets*", (3, 4)), ("*Pet", (5, 5))))
    assert {f"{each.method} {each.path}": (each.min_credits, each.max_credits) for each in api.operations} == {
        "GET /pets": (3, 4),
        **dict.fromkeys(("POST /pets", "GET /pets/{petId}", "DELETE /pets/{petId}"), (5, 5)),
        "GET /pets/{petId}/photos": (3, 4),
        **dict.fromkeys(("GET /photos/{petId}", "GET /health"), (1, 1)),
    }


@pytest.mark.parametrize("selector", ["tag:admn", "readHealth", "deletePet"])
def test_import_endpoints__with_a_cost_for_nothing_paid__is_refused(selector: str) -> None:
    with pytest.raises(InvalidConfig, match="is for no paid operation"):
        run(PETS, server=HOST, opened=("readHealth",), exclude=("deletePet",), costs=((selector, (5, 5)),))


def test_import_endpoints__with_an_unknown_server_variable__is_refused() -> None:
    with pytest.raises(InvalidConfig, match=r"has the variable zone\. Give one of base, port, region"):
        run(SHOP, variables={"zone": "a"})
    with pytest.raises(InvalidConfig, match=r"has the variable zone\. Leave it out"):
        run(PETS, server=HOST, variables={"zone": "a"})


@pytest.mark.parametrize(
    "choice", [{"exclude": ("*",)}, {"include": ("debug",)}, {"opened": ("debug",), "exclude": ("*",)}]
)
def test_import_endpoints__of_nothing__is_refused(choice: dict[str, Any]) -> None:
    """An agent without endpoints means a service whose every path is for sale."""
    with pytest.raises(InvalidConfig, match="No operation of the OpenAPI document would be public"):
        run(SHOP, **choice)


def test_import_endpoints__of_internal_operations__keeps_them_private_whatever_is_chosen() -> None:
    api = run(SHOP, include=("debug", "listOrders"), opened=("debug",))
    assert {each.access for each in api.operations if each.operation_id == "debug"} == {"private"}


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize(
    "name", ["GET /a?x=1", "GET /a/{b}{c}", "GET /a//b", "GET /a/../b", "GET /a%2fb", "GET /a/%252e"]
)
def test_import_endpoints__of_a_path_that_no_request_has__is_refused_unless_left_out(name: str) -> None:
    document = build(name, "GET /z")
    with pytest.raises(InvalidOpenApi, match="leave the operation out with `exclude`"):
        run(document)
    assert patterns(run(document, exclude=(name.partition(" ")[2],))) == [f"GET {HOST}/z"]
    with pytest.raises(InvalidOpenApi):
        run(document, opened=(name.partition(" ")[2],))


def test_import_endpoints__of_a_private_operation_without_a_server__does_not_mind() -> None:
    document = build("GET /a", "GET /b")
    document["paths"]["/b"]["servers"] = [{"url": "http://10.0.0.5"}]
    with pytest.raises(InvalidOpenApi, match="inside a private network"):
        run(document)
    assert patterns(run(document, exclude=("/b",))) == [f"GET {HOST}/a"]


def test_import_endpoints__of_more_than_metadata_holds__shows_them_all_the_same() -> None:
    document = build(*(f"GET /long-path-of-an-operation/{number}" for number in range(400)))
    api = run(document, exclude=("/*/399",))
    assert len(api.endpoints) == 399
    with pytest.raises(NvmChainError, match="at most 16384"):
        AgentMetadata("Large", endpoints=api.endpoints)


# ---------------------------------------------------------------- whatever a document says

WORDS = st.sampled_from(["/a", "/a/{b}", "/a/b", "/{a}", "/a/{b}:c", "/A/b/", "/a?b", "/a//b", "/a/{b+}"])
OPERATIONS = st.lists(st.tuples(st.sampled_from(METHODS), WORDS), min_size=1, max_size=6, unique=True)


@given(OPERATIONS, st.data())
def test_import_endpoints__of_any_choice__is_what_requests_get(operations: list[tuple[str, str]], data: Any) -> None:
    """Each operation has the access and the cost that a request to it gets, or the import is refused."""
    document = build(*(f"{method.upper()} {path}" for method, path in operations))
    ids = [f"{method.upper()}{path}" for method, path in operations]
    excluded, opened = (tuple(data.draw(st.lists(st.sampled_from(ids), max_size=3, unique=True))) for _ in range(2))
    costs = tuple((name, (number, number)) for number, name in enumerate(ids) if data.draw(st.booleans()))
    priced = tuple((name, cost) for name, cost in costs if name not in excluded + opened)
    try:
        api = run(document, exclude=excluded, opened=opened, costs=priced)
    except (EndpointsOverlap, InvalidOpenApi):
        return
    except InvalidConfig:
        assert set(ids) <= set(excluded)
        return
    for each in api.operations:
        name = f"{each.method}{each.path}"
        wanted = "private" if name in excluded else "open" if name in opened else "paid"
        follows = each.method in ("HEAD", "OPTIONS") and wanted == "private"
        assert each.access == wanted or follows
        if each.access == "private" or "?" in each.path or "//" in each.path:
            continue
        url = HOST + each.path.replace("{b+}", "x/y").replace("{b}", "v").replace("{a}", "v")
        found = match_endpoint(api.endpoints, api.open_endpoints, each.method, url)
        assert found is not None
        assert ("open" if found.endpoint is None else "paid") == each.access
        cost = None if found.endpoint is None else api.costs.get(found.endpoint)
        assert cost == (None if each.min_credits is None else (each.min_credits, each.max_credits))


WORDS_OF_OPENAPI = (
    "paths /a /{b} get post servers url variables v default enum tags operationId $ref x-internal components"
)
KEYS = st.sampled_from([*WORDS_OF_OPENAPI.split(), "pathItems", "openapi", "info", "parameters"])
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-3, 9)
    | st.floats(allow_nan=False)
    | st.sampled_from(
        [
            "#/paths/~1a",
            "#/components",
            HOST,
            "\ud800",
            "/v1",
            "https://{v}.example.com",
            "",
            "x",
            "tag",
            "#",
            "http://10.0.0.1",
        ]
    )
)
ANYTHING = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=12
)


@given(st.dictionaries(KEYS, ANYTHING, max_size=6), st.dictionaries(KEYS, ANYTHING, max_size=4))
def test_import_endpoints__of_any_document__imports_or_refuses(document: dict[str, Any], items: dict[str, Any]) -> None:
    """A refusal is an error of this package, with a place and a next step."""
    shaped = {"servers": [{"url": HOST}], **document, "paths": {"/a": {"get": {}}, **items}}
    for each in (document, shaped):
        try:
            import_endpoints(each, Choice(), Location("", ""))
        except NvmChainError as error:
            assert str(error).isprintable()
