"""ipfs_store: documents go to a node and come back verified, and a node that lies is found out."""

import logging
from collections.abc import Iterator

import pytest

from nvm_chain.errors import InvalidConfig, MetadataMismatch, MetadataNotSaved, MetadataUnavailable, UnverifiableUri
from nvm_chain.metadata.data_uris import MAX_JSON
from nvm_chain.storage.ipfs_store import IpfsStore, compute_cid, read_cid_hash
from nvm_chain.storage.stores import load_metadata
from tests.support.http_server import Request, run_server
from tests.support.ipfs_stub import IpfsStub, raw_cid, run_ipfs
from tests.support.reverts import reverts

TEXT = '{"name":"Écho"}'
CID = raw_cid(TEXT.encode())
URI = f"ipfs://{CID}"

# As py-cid, another implementation, writes them.
VECTORS = {
    b"": "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
    b"{}": "bafkreicecnx2gvntm6fbcrvnc336qze6st5u7qq7457igegamd3bzkx7ri",
    b"hello world": "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e",
}


@pytest.fixture
def node() -> Iterator[IpfsStub]:
    with run_ipfs() as stub:
        yield stub


@pytest.mark.parametrize("content", VECTORS)
def test_compute_cid__of_known_content__is_what_others_compute(content: bytes) -> None:
    assert compute_cid(content) == raw_cid(content) == VECTORS[content]


def test_read_cid_hash__of_a_raw_cid__is_the_sha256_and_of_others_none() -> None:
    assert read_cid_hash(VECTORS[b"hello world"]) == "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"
    assert read_cid_hash("bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi") is None
    assert read_cid_hash("QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdG") is None


# ---------------------------------------------------------------------- save, load


def test_save__then_load__is_the_text_pinned_under_its_cid(node: IpfsStub) -> None:
    store = IpfsStore(node.url + "/")
    assert store.save(TEXT) == URI
    assert node.blocks == {CID: TEXT.encode()}
    assert node.pins == {CID}
    assert store.load(URI) == load_metadata(URI, [store]) == TEXT
    assert node.asked() == ["pin/ls", "add", "cat", "cat"]


def test_save__by_a_node_that_names_it_otherwise__is_a_mismatch(node: IpfsStub) -> None:
    node.named = raw_cid(b"something else")
    with reverts(MetadataMismatch(URI, CID, node.named)):
        IpfsStore(node.url).save(TEXT)


def test_save__by_a_server_that_is_no_node__is_a_mismatch() -> None:
    with run_server() as server:
        server.route("/api/v0/pin/ls", b"[]")
        server.route("/api/v0/add", b"<html>")
        with reverts(MetadataMismatch(URI, CID, "None")):
            IpfsStore(server.url).save(TEXT)


def test_save__by_a_node_that_fails__says_what_the_node_says(node: IpfsStub) -> None:
    node.broken = {"add"}
    with reverts(MetadataNotSaved(node.url, "the node answers 500 and says 'something is broken'")):
        IpfsStore(node.url).save(TEXT)


def test_save__without_a_node__says_that_it_cannot_be_reached() -> None:
    with run_server() as server:
        url = server.url
    with reverts(MetadataNotSaved(url, "the server cannot be reached")):
        IpfsStore(url).save(TEXT)


def test_load__of_content_that_the_node_changed__is_a_mismatch(node: IpfsStub) -> None:
    store = IpfsStore(node.url)
    store.save(TEXT)
    node.lie = b"{}"
    with reverts(MetadataMismatch(URI, CID, VECTORS[b"{}"])):
        store.load(URI)


def test_load__of_content_that_is_too_long__is_unavailable(node: IpfsStub) -> None:
    content = b"a" * (MAX_JSON + 1)
    node.blocks[raw_cid(content)] = content
    uri = f"ipfs://{raw_cid(content)}"
    with reverts(MetadataUnavailable(uri, f"it has more than {MAX_JSON} bytes")):
        IpfsStore(node.url).load(uri)


def test_load__of_a_node_that_never_stops__is_left_early() -> None:
    def route(request: Request) -> None:
        request.reply(b"", headers={"Content-Length": ""})
        request.pour(b"a" * 4096)

    with run_server() as server:
        server.route("/api/v0/cat", route)
        with reverts(MetadataUnavailable(URI, f"it has more than {MAX_JSON} bytes")):
            IpfsStore(server.url).load(URI)
        assert server.gone.wait(10)


def test_load__of_a_node_that_says_nothing__is_left_after_the_timeout() -> None:
    with run_server() as server:
        server.route("/api/v0/cat", lambda request: request.stall())
        with reverts(MetadataUnavailable(URI, "the server said nothing for 1 seconds")):
            IpfsStore(server.url, timeout_seconds=1).load(URI)


def test_load__of_a_node_that_leads_elsewhere__is_not_followed() -> None:
    with run_server() as server:
        server.route("/api/v0/cat", lambda request: request.redirect("/there", 307))
        server.route("/there", TEXT.encode())
        with reverts(MetadataUnavailable(URI, "the node answers 307")):
            IpfsStore(server.url).load(URI)
        assert len(server.seen) == 1


def test_load__of_a_cid_that_the_node_has_not__says_what_the_node_says(node: IpfsStub) -> None:
    with pytest.raises(MetadataUnavailable) as caught:
        IpfsStore(node.url).load(URI)
    assert caught.value.reason.startswith("the node answers 500 and says 'block was not found locally")
    assert len(caught.value.reason) < 150


@pytest.mark.parametrize(
    "uri",
    [
        CID,
        f"ipfs://{CID}/file",
        f"ipfs://{CID}?a",
        f"ipfs://{CID.upper()}",
        f"ipfs://{CID[:-1]}",
        f"ipfs://{CID}\n",
        f"ipfs:{CID}",
        f"ipns://{CID}",
        "ipfs://QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdG",
        "ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi",
    ],
)
def test_load__of_another_uri__is_refused_without_a_request(node: IpfsStub, uri: str) -> None:
    with reverts(UnverifiableUri(uri, "it is not an ipfs:// and the CIDv1 of raw bytes with SHA-256, in base32")):
        IpfsStore(node.url).load(uri)
    assert node.asked() == []


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("127.0.0.1:5001", "the URL is not an http or https URL with a host"),
        ("ftp://127.0.0.1", "the URL is not an http or https URL with a host"),
        ("http://user:password@127.0.0.1", "there is a user name in the URL"),
        ("http://[::1", "the text is not a URL"),
    ],
)
def test_api_url__that_is_none__is_refused(url: str, problem: str) -> None:
    with reverts(InvalidConfig(f"the API of an IPFS node cannot be used: {problem}")):
        IpfsStore(url)


# ---------------------------------------------------------------------- discard


def test_discard__of_a_new_document__unpins_it_once(node: IpfsStub) -> None:
    store = IpfsStore(node.url)
    store.discard(store.save(TEXT))
    assert node.pins == set()
    store.discard(URI)
    assert node.asked() == ["pin/ls", "add", "pin/rm"]


def test_discard__of_one_of_two_saves__keeps_it_for_the_other(node: IpfsStub) -> None:
    store = IpfsStore(node.url)
    store.save(TEXT)
    store.save(TEXT)
    store.discard(URI)
    assert node.pins == {CID}
    store.discard(URI)
    assert node.pins == set()


def test_discard__of_what_was_pinned_before__keeps_it(node: IpfsStub) -> None:
    IpfsStore(node.url).save(TEXT)
    store = IpfsStore(node.url)
    store.discard(store.save(TEXT))
    assert node.pins == {CID}


def test_discard__where_the_node_could_not_tell_its_pins__keeps_it(node: IpfsStub) -> None:
    node.broken = {"pin/ls"}
    store = IpfsStore(node.url)
    store.discard(store.save(TEXT))
    assert node.pins == {CID}


def test_discard__of_another_uri__does_nothing(node: IpfsStub) -> None:
    store = IpfsStore(node.url)
    store.save(TEXT)
    store.discard("ipfs://" + VECTORS[b"{}"])
    assert node.pins == {CID}


def test_discard__that_the_node_refuses__is_logged_and_raises_nothing(
    node: IpfsStub, caplog: pytest.LogCaptureFixture
) -> None:
    store = IpfsStore(node.url)
    uri = store.save(TEXT)
    node.broken = {"pin/rm"}
    with caplog.at_level(logging.WARNING, "nvm_chain"):
        store.discard(uri)
    assert "could not be unpinned" in caplog.text
    assert node.pins == {CID}
