"""storage: what a URI names is verified, with the store that fits, and nothing else is read."""

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import requests

from nvm_chain.errors import InvalidMetadata, MetadataMismatch, MetadataUnavailable, UnverifiableUri
from nvm_chain.metadata.data_uris import MAX_JSON, URI_PREFIX
from nvm_chain.metadata.documents import AgentMetadata, build_metadata_uri, format_metadata
from nvm_chain.storage.folder_store import FolderStore
from nvm_chain.storage.ipfs_store import IpfsStore
from nvm_chain.storage.stores import InlineStore, MetadataStore, load_metadata
from tests.support.http_server import PlainAdapter, Request, Server, run_server
from tests.support.ipfs_stub import run_ipfs
from tests.support.reverts import reverts

TEXT = '{"name":"Écho"}'
HASH = sha256(TEXT.encode()).hexdigest()
LONGEST = '"' + "a" * (MAX_JSON - 2) + '"'


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that is reached by https, as far as the code under test can see."""
    monkeypatch.setattr(requests.Session, "get_adapter", lambda session, url: PlainAdapter())
    monkeypatch.setattr(PlainAdapter, "checked", [])
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(variable, raising=False)
    with run_server() as running:
        yield running


def https(url: str) -> str:
    return url.replace("http:", "https:", 1)


def serve(server: Server, body: bytes = TEXT.encode(), expected: str = HASH) -> str:
    return https(server.route(f"/plans/{expected}.json", body))


# ---------------------------------------------------------------------- inline


def test_inline__saved_and_loaded__is_the_text_and_the_uri_that_metadata_writes() -> None:
    metadata = AgentMetadata("Écho")
    uri = InlineStore().save(format_metadata(metadata))
    assert uri == build_metadata_uri(metadata)
    assert InlineStore().load(uri) == format_metadata(metadata)
    InlineStore().discard(uri)
    assert load_metadata(uri) == format_metadata(metadata)


def test_inline__of_the_longest_document__is_the_text() -> None:
    assert load_metadata(InlineStore().save(LONGEST)) == LONGEST


def test_inline__of_a_document_one_byte_too_long__is_refused_both_ways() -> None:
    with reverts(InvalidMetadata("as JSON", f"it has {MAX_JSON + 1} bytes, and at most {MAX_JSON} are allowed")):
        InlineStore().save(LONGEST + " ")
    uri = URI_PREFIX + b64encode(LONGEST.encode() + b" ").decode()
    with reverts(MetadataUnavailable(uri, f"its document has more than {MAX_JSON} bytes")):
        InlineStore().load(uri)


def test_inline__of_half_a_surrogate__is_refused() -> None:
    with reverts(InvalidMetadata("as JSON", "it has half a surrogate pair")):
        InlineStore().save("\ud800")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("e30=é", "its data is not base64"),
        ("/w==", "it is not UTF-8 text"),
        ("a" * (MAX_JSON * 4 // 3 + 7), f"its document has more than {MAX_JSON} bytes"),
    ],
)
def test_inline__that_is_damaged__is_unavailable(data: str, problem: str) -> None:
    with reverts(MetadataUnavailable(URI_PREFIX + data, problem)):
        InlineStore().load(URI_PREFIX + data)


# ---------------------------------------------------------------------- which store


def test_load__of_each_form__asks_the_store_that_wrote_it(tmp_path: Path) -> None:
    with run_ipfs() as node:
        stores: list[MetadataStore] = [InlineStore(), FolderStore(tmp_path), IpfsStore(node.url)]
        uris = [store.save(TEXT) for store in stores]
        assert [uri.partition(":")[0] for uri in uris] == ["data", "file", "ipfs"]
        assert [load_metadata(uri, stores) for uri in uris] == [TEXT] * 3


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "https://example.com/plan.json",
        f"https://example.com/{HASH}",
        f"https://example.com/{HASH}.json?download",
        f"https://example.com/{HASH}.json#a",
        f"https://user@example.com/{HASH}.json",
        f"https://example.com/{HASH.upper()}.json",
        f"https://example.com/x{HASH}.json",
        f"https://example.com\\@elsewhere/{HASH}.json",
        f"https://{HASH}.json",
        f"http://127.0.0.1:9/{HASH}.json",
        f"file:///etc/{HASH}.json",
        "ipfs://bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e",
        "javascript:alert(1)",
    ],
)
def test_load__without_a_store__of_what_cannot_be_verified__is_refused(uri: str) -> None:
    with reverts(UnverifiableUri(uri, "no store is configured for it")):
        load_metadata(uri)


def test_load__with_stores_that_do_not_know_it__says_why_for_each(tmp_path: Path) -> None:
    stores: list[MetadataStore] = [FolderStore(tmp_path), IpfsStore()]
    problems = f"it is not a document of {tmp_path.as_uri()}; "
    problems += "it is not an ipfs:// and the CIDv1 of raw bytes with SHA-256, in base32"
    with reverts(UnverifiableUri("ar://x", problems)):
        load_metadata("ar://x", stores)


def test_message__of_a_uri_with_control_and_bidi_characters__is_escaped_and_short() -> None:
    message = str(UnverifiableUri("x:\x1b[2J\u202e" + "a" * 10_000, "no store is configured for it"))
    assert message.isprintable()
    assert len(message) < 600


# ---------------------------------------------------------------------- https


def test_https__with_its_hash_in_the_name__is_loaded_with_certificates_checked(server: Server) -> None:
    assert load_metadata(serve(server)) == TEXT
    assert PlainAdapter.checked == [True]


def test_https__of_another_document__is_a_mismatch(server: Server) -> None:
    uri = serve(server, b"{}")
    with reverts(MetadataMismatch(uri, HASH, sha256(b"{}").hexdigest())):
        load_metadata(uri)


def test_https__of_bytes_that_are_no_text__is_unavailable(server: Server) -> None:
    uri = serve(server, b"\xff", sha256(b"\xff").hexdigest())
    with reverts(MetadataUnavailable(uri, "it is not UTF-8 text")):
        load_metadata(uri)


def test_https__of_the_longest_document__is_loaded_and_one_byte_more_is_not(server: Server) -> None:
    longest = LONGEST.encode()
    assert load_metadata(serve(server, longest, sha256(longest).hexdigest())) == LONGEST
    uri = serve(server, longest + b" ", sha256(longest + b" ").hexdigest())
    with reverts(MetadataUnavailable(uri, f"it has more than {MAX_JSON} bytes")):
        load_metadata(uri)


def test_https__that_never_ends__is_left_early(server: Server) -> None:
    def route(request: Request) -> None:
        request.reply(b"", headers={"Content-Length": ""})
        request.pour(b"a" * 4096)

    uri = https(server.route(f"/{HASH}.json", route))
    with reverts(MetadataUnavailable(uri, f"it has more than {MAX_JSON} bytes")):
        load_metadata(uri)
    assert server.gone.wait(10)


def test_https__that_drips__is_left_when_its_time_is_over(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(range(0, 1000, 7))
    monkeypatch.setattr("nvm_chain.storage.http.monotonic", lambda: next(times))

    def route(request: Request) -> None:
        request.reply(b"{", headers={"Content-Length": "100"})
        request.stall()

    uri = https(server.route(f"/{HASH}.json", route))
    with reverts(MetadataUnavailable(uri, "it takes longer than 5 seconds")):
        load_metadata(uri, timeout_seconds=5)


def test_https__that_says_nothing__is_left_after_the_timeout(server: Server) -> None:
    uri = https(server.route(f"/{HASH}.json", lambda request: request.stall()))
    with reverts(MetadataUnavailable(uri, "the server said nothing for 1 seconds")):
        load_metadata(uri, timeout_seconds=1)


def test_https__that_is_missing__says_the_status(server: Server) -> None:
    uri = https(f"{server.url}/{HASH}.json")
    with reverts(MetadataUnavailable(uri, "the server answers 404")):
        load_metadata(uri)


def test_https__redirected_on_its_host__is_followed_and_verified(server: Server) -> None:
    server.route("/there", TEXT.encode())
    assert load_metadata(https(server.route(f"/{HASH}.json", lambda request: request.redirect("/there")))) == TEXT


@pytest.mark.parametrize(
    ("location", "problem"),
    [
        ("https://localhost:1/x", "it is redirected to another host"),
        ("//127.0.0.1:1/x", "it is redirected to another host"),
        ("http://127.0.0.1:1/x", "it is redirected from https to http"),
        ("file:///etc/passwd", "the URL is not an http or https URL with a host"),
    ],
)
def test_https__redirected_elsewhere__is_unavailable(server: Server, location: str, problem: str) -> None:
    uri = https(server.route(f"/{HASH}.json", lambda request: request.redirect(location)))
    with reverts(MetadataUnavailable(uri, problem)):
        load_metadata(uri)
    assert len(server.seen) == 1


def test_https__of_a_server_without_tls__is_unavailable() -> None:
    with run_server() as plain:
        uri = https(f"{plain.url}/{HASH}.json")
        with reverts(MetadataUnavailable(uri, "the server's certificate is not accepted")):
            load_metadata(uri)
    assert plain.seen == []
