"""metadata.openapi: no endpoint makes an operation public, free or cheap that was chosen to be something else."""

from typing import Any

import pytest

from nvm_chain.errors import EndpointsOverlap, InvalidEndpoint
from nvm_chain.metadata.endpoints import match_endpoint
from tests.unit.openapi_imports import HOST, build, patterns, run

DELETED = "DELETE /a/{b}"


@pytest.mark.parametrize(
    ("operations", "choice", "name", "chosen", "found"),
    [
        (("GET /users/{id}", "GET /users/me"), {"exclude": ("/users/me",)}, "GET /users/me", "private", "paid"),
        (
            ("GET /a/{b}", "DELETE /a/{b}"),
            {"opened": ("GET /a*",), "exclude": ("DELETE*",)},
            DELETED,
            "private",
            "open",
        ),
        (("GET /a/{b}", "GET /a/x"), {"opened": ("/a/x",)}, "GET /a/x", "open", "paid"),
        (("GET /A", "GET /a"), {"exclude": ("/A",)}, "GET /A", "private", "paid"),
        (("GET /a", "GET /a/"), {"exclude": ("/a/",)}, "GET /a/", "private", "paid"),
        (("GET /{a}", "GET /{b}"), {"exclude": ("/{b}",)}, "GET /{b}", "private", "paid"),
        (("GET /{a+}", "GET /x/y"), {"exclude": ("/x/y",)}, "GET /x/y", "private", "paid"),
    ],
)
def test_import_endpoints__where_an_endpoint_matches_another_operation__says_which(
    operations: tuple[str, ...], choice: dict[str, Any], name: str, chosen: str, found: str
) -> None:
    document = build(*operations)
    with pytest.raises(EndpointsOverlap) as caught:
        run(document, **choice)
    fields = caught.value.fields
    assert (fields["operation"], fields["chosen"], fields["found"]) == (name, chosen, found)
    accepted = run(document, **choice, allow_overlap=True)
    assert {each.access for each in accepted.operations if f"{each.method} {each.path}" == name} == {found}


def test_import_endpoints__of_equal_paths_with_two_costs__says_that_one_is_never_charged() -> None:
    document = build("GET /{a}", "GET /{b}")
    with pytest.raises(
        EndpointsOverlap, match=r"should be paid with exactly 5 credits, but .* paid with exactly 1 credit"
    ):
        run(document, costs=(("/{a}", (1, 1)), ("/{b}", (5, 5))))
    with pytest.raises(EndpointsOverlap, match=r"should be paid with 1 to 5 credits, but .* makes it paid"):
        run(document, costs=(("/{b}", (1, 5)),))


def test_import_endpoints__of_concrete_and_templated_paths__charges_each_its_own_cost() -> None:
    """OpenAPI matches concrete paths first, and of an agent's endpoints the first counts."""
    document = build("GET /{a}/{b}", "GET /users/{id}", "GET /users/{id}.json", "GET /users/me")
    costs = {"/{a}/{b}": 1, "/users/{id}": 2, "/users/{id}.json": 3, "/users/me": 4}
    api = run(document, costs=tuple((path, (cost, cost)) for path, cost in costs.items()))
    for path, cost in (("/x/y", 1), ("/users/7", 2), ("/users/7.json", 3), ("/users/me", 4)):
        found = match_endpoint(api.endpoints, api.open_endpoints, "GET", HOST + path)
        assert found is not None
        assert found.endpoint is not None
        assert api.costs[found.endpoint] == (cost, cost)


@pytest.mark.parametrize(
    ("method", "choice", "access"),
    [
        ("HEAD", {"include": ("GET /a",)}, "paid"),
        ("OPTIONS", {"include": ("GET /a",)}, "private"),
        ("HEAD", {"include": ("GET /a",), "opened": ("GET /a",)}, "open"),
        ("OPTIONS", {"include": ("GET /a",), "opened": ("GET /a",)}, "open"),
    ],
)
def test_import_endpoints__of_methods_that_tell_about_others__lets_them_follow(
    method: str, choice: dict[str, Any], access: str
) -> None:
    api = run(build("GET /a", f"{method} /a"), **choice)
    assert {each.method: each.access for each in api.operations}[method] == access


def test_import_endpoints__of_a_head_that_another_paths_endpoint_matches__is_refused() -> None:
    with pytest.raises(EndpointsOverlap, match=r"HEAD /users/me should be private"):
        run(build("GET /users/{id}", "HEAD /users/me"), include=("GET /*",))


# ---------------------------------------------------------------- open endpoints that the seller writes


def test_import_endpoints__with_open_url_patterns__opens_what_they_match() -> None:
    document = build("GET /public/a", "POST /public/{id}", "GET /private")
    api = run(document, open_endpoints=(f"{HOST}/public/*rest", f"{HOST}/docs"))
    assert patterns(api) == [f"GET {HOST}/private"]
    assert api.open_endpoints == (f"{HOST}/public/*rest", f"{HOST}/docs")
    assert [each.access for each in api.operations] == ["open", "open", "paid"]


def test_import_endpoints__with_an_open_url_pattern_over_a_private_operation__is_refused() -> None:
    document = build("GET /a/b", "DELETE /a/c")
    with pytest.raises(EndpointsOverlap, match="DELETE /a/c should be private"):
        run(document, exclude=("DELETE /*",), open_endpoints=(f"{HOST}/a/*rest",))
    with pytest.raises(InvalidEndpoint):
        run(document, open_endpoints=("not a url",))
