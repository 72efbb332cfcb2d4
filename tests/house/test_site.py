"""The site has every page that there is, its links lead somewhere, and nothing in it comes from outside."""

import doctest
import json
import subprocess
from importlib import import_module
from pathlib import Path

import pytest

from tests.support.documents import PAGES, ROOT
from tools.site.__main__ import FETCHED, WORKER, stay_at_home, write_sources
from tools.site.links import BrokenLink, list_targets, rewrite, split_code
from tools.site.navigation import Section, expand, read_navigation
from tools.site.pages import Site, collect, move, place_of
from tools.site.settings import build_settings, write_toml

SITE = collect()
SECTIONS = expand(read_navigation(), SITE.texts)


@pytest.mark.parametrize("module", ["anchors", "links", "pages", "settings"])
def test_examples__of_the_builder__print_what_they_say(module: str) -> None:
    done = doctest.testmod(import_module(f"tools.site.{module}"))
    assert (done.failed, done.attempted > 0) == (0, True)


def test_navigation__has_every_page_of_the_documents_once() -> None:
    listed = [page for section in SECTIONS for page in section.pages]
    assert sorted(listed) == sorted(set(listed))
    assert {str(path.relative_to(ROOT)) for path in PAGES} - set(listed) == set()


def test_navigation__as_it_is_written__names_only_what_is_there() -> None:
    assert {page for section in SECTIONS for page in section.pages} <= set(SITE.texts)


def test_site__with_its_links_for_their_places__has_none_that_is_broken() -> None:
    pages = SITE.render()
    assert {"index.md", "reference/index.md", "errors.md", "project/SECURITY.md"} <= set(pages)
    assert "## InsufficientCredits\n" in pages["errors.md"].replace("###", "##")
    assert "<!--" not in pages["operations/order.md"]


def test_write_sources__to_a_folder__has_pages_pictures_and_settings(tmp_path: Path) -> None:
    write_sources(SITE, tmp_path / "site")
    written = {str(path.relative_to(tmp_path / "site")) for path in (tmp_path / "site").rglob("*") if path.is_file()}
    assert {"zensical.toml", "pages/index.md", "pages/assets/flow.svg", "pages/reference/payments.md"} <= written


def test_settings__have_a_tab_for_each_section() -> None:
    nav = build_settings([Section("Start", ("docs/README.md",)), Section("All", ("docs/reference/enums.md",))])
    assert nav["project"]["nav"] == [{"Start": ["index.md"]}, {"All": [{"enums": "reference/enums.md"}]}]
    assert write_toml({"a b": [1, "x", False]}) == '{"a b" = [1, "x", false]}'


# ---------------------------------------------------------------------- links

PLACES = {"docs/a.md": "a.md", "docs/b/c.md": "b/c.md", "SECURITY.md": "project/SECURITY.md"}
TEXTS = {
    "docs/a.md": "# A\n\n## Same\n\n## Same\n",
    "docs/b/c.md": "# C\n",
    "SECURITY.md": "# Security\n\n## I & you\n",
}


@pytest.mark.parametrize(
    ("page", "text", "expected"),
    [
        ("docs/b/c.md", "[a](../a.md#same-1)", "[a](../a.md#same_1)"),
        ("docs/b/c.md", "[s](../../SECURITY.md#i--you)", "[s](../project/SECURITY.md#i-you)"),
        ("SECURITY.md", "[c](docs/b/c.md)", "[c](../b/c.md)"),
        ("docs/a.md", "[here](#same)", "[here](#same)"),
        ("docs/a.md", "`[no](x.md)` and\n\n```\n[no](x.md)\n```\n", "`[no](x.md)` and\n\n```\n[no](x.md)\n```\n"),
        ("docs/a.md", "[`c`](b/c.md), `d`", "[`c`](b/c.md), `d`"),
        ("docs/a.md", "[out](https://example.com/x.md)", "[out](https://example.com/x.md)"),
    ],
)
def test_rewrite__of_samples__leads_to_the_place_in_the_site(page: str, text: str, expected: str) -> None:
    assert rewrite(page, text, PLACES, TEXTS) == expected


@pytest.mark.parametrize("text", ["[x](x.md)", "[a](a.md#nowhere)", "![p](p.svg)"])
def test_rewrite__of_a_broken_link__fails(text: str) -> None:
    with pytest.raises(BrokenLink, match=r"^docs/a\.md links to "):
        rewrite("docs/a.md", text, PLACES, TEXTS)


def test_collect__of_a_page_with_a_broken_link__fails(tmp_path: Path) -> None:
    site = Site({"docs/a.md": "[b](b.md)"})
    with pytest.raises(BrokenLink):
        site.render()


def test_move__of_an_index__has_links_for_its_new_place() -> None:
    assert move("docs/reference/README.md", "[a](a.md#b) [e](../errors.md)", "docs/reference.md") == (
        "[a](reference/a.md#b) [e](errors.md)"
    )


def test_split_code__of_a_page__keeps_all_of_it() -> None:
    text = "a `b` [`c`](d) ``e`f``\n```\n`g\n```\n"
    assert "".join(part for _, part in split_code(text)) == text
    assert list_targets(text) == ["d"]


@pytest.mark.parametrize("path", ["docs/README.md", "tests/attacks/README.md", "contracts/credits/IQuoter.sol"])
def test_place_of__a_file__is_in_the_site_and_a_page(path: str) -> None:
    assert place_of(path) in SITE.places.values()
    assert place_of(path).endswith(".md")


# ---------------------------------------------------------------------- nothing from outside


def test_stay_at_home__of_pages__fetches_our_own_script(tmp_path: Path) -> None:
    (tmp_path / "assets" / "javascripts").mkdir(parents=True)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.html").write_text(
        f'<script src="{FETCHED}"></script><a href="https://example.com">x</a>', "utf-8"
    )
    stay_at_home(tmp_path)
    assert f'<script src="../assets/javascripts/{WORKER.name}">' in (tmp_path / "a" / "b.html").read_text("utf-8")
    assert (tmp_path / "assets" / "javascripts" / WORKER.name).is_file()


@pytest.mark.parametrize(
    "tag",
    [
        '<script src="https://example.com/a.js"></script>',
        '<link rel="stylesheet" href="https://example.com/a.css">',
        '<img alt="" src="https://example.com/a.png">',
    ],
)
def test_stay_at_home__of_a_page_that_fetches_something_else__fails(tmp_path: Path, tag: str) -> None:
    (tmp_path / "assets" / "javascripts").mkdir(parents=True)
    (tmp_path / "a.html").write_text(tag, "utf-8")
    with pytest.raises(BrokenLink, match=r"a\.html fetches https://example\.com/a"):
        stay_at_home(tmp_path)


# ---------------------------------------------------------------------- the search of pages that are opened from a disk


def run_worker(script: Path, protocol: str) -> dict[str, object]:
    """Run the stand-in for Worker in a page of node's, and return what the page has in the end."""
    page = Path(__file__).parent / "fake_page.mjs"
    done = subprocess.run(["node", page, script, protocol], capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout)


def test_worker__on_a_page_from_a_disk__gives_copies_to_the_search_and_back() -> None:
    """With the page's own object, the search would empty the text that is being typed."""
    answer = run_worker(WORKER, "file:")
    assert answer == {"worker": True, "question": {"query": "plan"}, "answer": {"items": ["plan"]}}


@pytest.mark.parametrize(
    ("copy", "changed"),
    [
        ("const copy = structuredClone(data)", {"question": {"query": ""}}),
        ("{ data: structuredClone(data) }", {"answer": {"items": []}}),
    ],
)
def test_worker__that_gives_no_copy__is_seen(tmp_path: Path, copy: str, changed: dict[str, object]) -> None:
    script, text = tmp_path / "worker.js", WORKER.read_text("utf-8")
    assert text.count(copy) == 1
    script.write_text(text.replace(copy, copy.replace("structuredClone(data)", "data")), "utf-8")
    answer = run_worker(script, "file:")
    assert {key: answer[key] for key in changed} == changed


def test_worker__on_a_page_from_a_server__is_the_browsers() -> None:
    assert run_worker(WORKER, "https:") == {"worker": False}
