"""metadata.openapi.operations and references: what a document's operations are, and which pointers are followed."""

from typing import Any

import pytest

from nvm_chain.errors import InvalidOpenApi
from nvm_chain.metadata.openapi.operations import MAX_OPERATIONS, METHODS, read_operations
from nvm_chain.metadata.openapi.references import MAX_REFERENCES, read_path_item


def names(document: dict[str, Any]) -> list[str]:
    """Return the operations of a document by name."""
    return [operation.name for operation in read_operations(document)]


def test_read_operations__of_a_path_item__are_its_methods_and_nothing_else() -> None:
    item: dict[str, Any] = {method: {} for method in METHODS}
    item |= {"summary": "x", "parameters": [], "servers": [], "x-extension": {}, "query": {}, "GET": {}}
    document = {"paths": {"/a": item, "x-paths": {"get": {}}}, "webhooks": {"w": {"post": {}}}}
    assert names(document) == [f"{method.upper()} /a" for method in METHODS]


def test_read_operations__of_each_operation__has_its_id_and_tags() -> None:
    operation = {"operationId": "listPets", "tags": ["pets", 7], "x-internal": False}
    (found,) = read_operations({"paths": {"/a": {"get": operation}}})
    assert (found.operation_id, found.tags, found.is_internal, found.server) == ("listPets", ("pets", "7"), False, None)


@pytest.mark.parametrize(
    "item", [{"get": {"x-internal": True}}, {"x-internal": True, "get": {}}, {"x-internal": "yes", "get": {}}]
)
def test_read_operations__of_what_is_marked_internal__says_so(item: dict[str, Any]) -> None:
    (found,) = read_operations({"paths": {"/a": item}})
    assert found.is_internal


@pytest.mark.parametrize(
    ("document", "place", "reason"),
    [
        ({}, "paths", "it has no paths"),
        ({"webhooks": {}}, "paths", "it has no paths"),
        ({"paths": []}, "paths", "it has no paths"),
        ({"paths": {}}, "paths", "it has no operations"),
        ({"paths": {"/a": {}}}, "paths", "it has no operations"),
        ({"paths": {"a": {}}}, r"paths\.a", "a path begins with /"),
        ({"paths": {"/a": []}}, "paths./a", "it is not an object"),
        ({"paths": {"/a": None}}, "paths./a", "it is not an object"),
        ({"paths": {"/a": {"get": None}}}, "paths./a.get", "it is not an object"),
        ({"paths": {"/a": {"get": {"tags": "x"}}}}, "paths./a.get.tags", "it is not a list"),
        ({"paths": {"/a": {"get": {"tags": [None]}}}}, "paths./a.get.tags", "it is not a text"),
        ({"paths": {"/a": {"get": {"operationId": []}}}}, "paths./a.get.operationId", "it is not a text"),
        ({"paths": {"/a": {"get": {"operationId": True}}}}, "paths./a.get.operationId", "it is not a text"),
        ({"paths": {"/a": {"get": {}, "servers": {}}}}, "paths./a.servers", "it is not a list"),
        ({"paths": {"/\ud800": {"get": {}}}}, "paths", "it has half a character"),
        ({"paths": {"/a": {"get": {"tags": ["\ud800"]}}}}, "paths./a.get.tags", "it has half a character"),
        ({"paths": {"/a": {"get": {"servers": [1]}}}}, r"paths./a.get.servers\[0\]", "it is not an object"),
        ({"paths": {"/a": {"get": {}}}, "servers": {"url": "x"}}, "servers", "it is not a list"),
    ],
)
def test_read_operations__of_a_malformed_document__says_where(
    document: dict[str, Any], place: str, reason: str
) -> None:
    with pytest.raises(InvalidOpenApi, match=rf"\({place}\): {reason}"):
        read_operations(document)


def test_read_operations__of_many__reads_up_to_the_limit() -> None:
    paths: dict[str, Any] = {f"/{number}": {"get": {}} for number in range(MAX_OPERATIONS)}
    assert len(read_operations({"paths": paths})) == MAX_OPERATIONS
    with pytest.raises(InvalidOpenApi, match="more than 5,000 operations"):
        read_operations({"paths": {**paths, "/more": {"get": {}}}})


# ---------------------------------------------------------------- references


@pytest.mark.parametrize(
    "reference",
    [
        "#/components/pathItems/a~1b",
        "#/components/pathItems/a%7E1b",
        "#/paths/~1b",
        "#/x-list/1",
    ],
)
def test_read_path_item__with_a_pointer__has_what_it_leads_to(reference: str) -> None:
    target = {"get": {"operationId": "x"}}
    document = {"components": {"pathItems": {"a/b": target}}, "paths": {"/b": target}, "x-list": [{}, target]}
    assert read_path_item(document, {"$ref": reference}, "paths./a") == target


def test_read_path_item__with_fields_beside_the_reference__has_both() -> None:
    document = {"a": {"get": {}, "summary": "there", "servers": [1]}}
    item = {"$ref": "#/a", "post": {}, "summary": "here"}
    assert read_path_item(document, item, "paths") == {"post": {}, "summary": "here", "get": {}, "servers": [1]}


@pytest.mark.parametrize("field", ["get", "servers", "x-internal", "parameters"])
def test_read_path_item__with_a_field_on_both_sides__is_refused(field: str) -> None:
    """Neither has priority by the specification. So no choice of ours may make an internal operation public."""
    document = {"a": {"$ref": "#/b"}, "b": {field: []}}
    with pytest.raises(InvalidOpenApi, match=f"{field} is beside a \\$ref and behind it too"):
        read_path_item(document, {"$ref": "#/a", field: {}}, "paths")


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("other.yaml", "leads to another document"),
        ("./paths/a.yaml#/a", "leads to another document"),
        ("https://example.com/a.yaml#/a", "leads to another document"),
        ("file:///etc/passwd", "leads to another document"),
        ("", "leads to another document"),
        ("#", "is not a pointer"),
        ("#anchor", "is not a pointer"),
        ("#/nowhere", "leads nowhere"),
        ("#/x-list/2", "leads nowhere"),
        ("#/x-list/-1", "leads nowhere"),
        ("#/x-list/1e0", "leads nowhere"),
        ("#/x-list/99999999999", "leads nowhere"),
        ("#/x-list/²", "leads nowhere"),
        ("#/text/0", "leads nowhere"),
        ("#/text", "it is not an object"),
        (7, "a \\$ref is not a text"),
        (None, "a \\$ref is not a text"),
    ],
)
def test_read_path_item__with_another_reference__is_refused(reference: object, reason: str) -> None:
    document = {"x-list": [{}, {}], "text": "x"}
    with pytest.raises(InvalidOpenApi, match=reason):
        read_path_item(document, {"$ref": reference}, "paths")


def test_read_path_item__of_another_document__says_to_bundle() -> None:
    with pytest.raises(InvalidOpenApi, match="Bundle the document into one file"):
        read_path_item({}, {"$ref": "other.yaml"}, "paths")


def test_read_path_item__through_a_chain__follows_up_to_the_limit() -> None:
    document: dict[str, Any] = {f"r{n}": {"$ref": f"#/r{n + 1}"} for n in range(MAX_REFERENCES + 1)}
    document[f"r{MAX_REFERENCES}"] = {"get": {}}
    assert read_path_item(document, {"$ref": "#/r1"}, "paths") == {"get": {}}
    with pytest.raises(InvalidOpenApi, match="leads through more than 16 others, or in a circle"):
        read_path_item(document, {"$ref": "#/r0"}, "paths")


@pytest.mark.parametrize("document", [{"a": {"$ref": "#/a"}}, {"a": {"$ref": "#/b"}, "b": {"$ref": "#/a"}}])
def test_read_path_item__in_a_circle__is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(InvalidOpenApi, match="in a circle"):
        read_path_item(document, document["a"], "paths")
