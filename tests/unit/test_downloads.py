"""downloads: a file comes whole and as declared, or nothing is left of it and nothing has changed."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from stat import S_ISDIR
from typing import Any

import pytest
import requests

from nvm_chain.errors import DownloadFailed, DownloadMismatch, InvalidConfig, NvmChainError, TargetExists
from nvm_chain.storage import http as http_client
from nvm_chain.storage.downloads import Download, download, fetch
from nvm_chain.storage.ipfs_store import IpfsStore
from tests.support.full_disk import full_disk
from tests.support.http_server import PlainAdapter, Request, Route, Server, run_server
from tests.support.ipfs_stub import raw_cid, run_ipfs
from tests.support.reverts import reverts

BODY = bytes(range(256)) * 1024
HASH = sha256(BODY).hexdigest()
OLD = "what was there"


@pytest.fixture
def server() -> Iterator[Server]:
    with run_server() as running:
        yield running


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A place in a folder of its own, which is empty."""
    (tmp_path / "downloads").mkdir()
    return tmp_path / "downloads" / "file.bin"


def left(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir())


def fails(expected: NvmChainError, url: str, target: Path, **options: Any) -> None:
    """Expect an error, with nothing left; and the same where there is a file already, which stays."""
    with reverts(expected):
        download(url, target, **options)
    assert left(target) == []
    target.write_text(OLD)
    with reverts(expected):
        download(url, target, overwrite=True, **options)
    assert left(target) == [target.name]
    assert target.read_text() == OLD
    target.unlink()


# ---------------------------------------------------------------------- http


@pytest.mark.parametrize(
    "declared",
    [
        {},
        {"length": len(BODY)},
        {"sha256": HASH},
        {"length": len(BODY), "sha256": HASH.upper(), "max_bytes": len(BODY)},
    ],
)
def test_download__as_declared__is_there_whole(server: Server, target: Path, declared: dict[str, Any]) -> None:
    url = server.route("/file", BODY)
    assert download(url, str(target), **declared) == Download(target, len(BODY), HASH)
    assert target.read_bytes() == BODY
    assert left(target) == [target.name]


def test_download__of_nothing__is_an_empty_file(server: Server, target: Path) -> None:
    assert download(server.route("/file", b""), target, length=0).size == 0
    assert target.read_bytes() == b""


def test_download__makes_a_file_with_the_permissions_that_others_get(server: Server, target: Path) -> None:
    other = target.parent / "other"
    other.touch()
    download(server.route("/file", BODY), target)
    assert target.stat().st_mode == other.stat().st_mode


def test_progress__of_a_download__counts_up_to_the_total(server: Server, target: Path) -> None:
    told: list[tuple[int, int | None]] = []
    download(server.route("/file", BODY), target, on_progress=lambda size, total: told.append((size, total)))
    assert told[0] == (0, len(BODY))
    assert told[-1] == (len(BODY), len(BODY))
    assert told == sorted(told)
    assert len(told) > 4


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> Route:
    """Answer in chunks, whose end may be missing."""

    def route(request: Request) -> None:
        request.protocol_version = "HTTP/1.1"
        request.reply(b"", headers={"Content-Length": "", "Transfer-Encoding": "chunked"})
        for chunk in chunks:
            request.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        request.wfile.write(end)

    return route


def test_download__in_chunks__is_there_whole_with_no_total_in_between(server: Server, target: Path) -> None:
    told: list[int | None] = []
    url = server.route("/file", chunked(BODY[:1000], BODY[1000:]))
    assert download(url, target, on_progress=lambda _, total: told.append(total)).sha256 == HASH
    assert set(told) == {None}


def test_download__without_a_length__ends_with_the_connection(server: Server, target: Path) -> None:
    url = server.route("/file", BODY, headers={"Content-Length": ""})
    assert download(url, target, length=len(BODY)).sha256 == HASH


@pytest.mark.parametrize(
    "route",
    [
        lambda request: request.reply(BODY[:-1], headers={"Content-Length": str(len(BODY))}),
        chunked(BODY, end=b""),
        chunked(BODY, end=b"zz\r\n"),
        chunked(end=b"40000\r\n" + BODY[:-1]),
    ],
    ids=["length", "no last chunk", "no chunk", "half a chunk"],
)
def test_download__cut_off__fails(server: Server, target: Path, route: Route) -> None:
    url = server.route("/file", route)
    fails(DownloadFailed(url, "the connection broke off"), url, target)


def test_download__longer_than_the_server_says__is_cut_where_http_cuts_it_and_found_by_its_hash(
    server: Server, target: Path
) -> None:
    url = server.route(
        "/file", lambda request: request.reply(BODY + b"more", headers={"Content-Length": str(len(BODY))})
    )
    assert download(url, target, sha256=HASH).size == len(BODY)
    target.unlink()
    more = sha256(BODY + b"more").hexdigest()
    fails(DownloadMismatch(url, "SHA-256", more, HASH), url, target, sha256=more)


def test_download__in_chunks_of_another_length_than_is_said__fails(server: Server, target: Path) -> None:
    def route(request: Request) -> None:
        request.protocol_version = "HTTP/1.1"
        request.reply(b"3\r\nabc\r\n0\r\n\r\n", headers={"Content-Length": "5", "Transfer-Encoding": "chunked"})

    url = server.route("/file", route)
    fails(DownloadFailed(url, "3 bytes arrived, and the server announced 5"), url, target)


@pytest.mark.parametrize("length", [len(BODY) - 1, len(BODY) + 1])
def test_download__of_another_length_than_declared__fails_before_it_comes(
    server: Server, target: Path, length: int
) -> None:
    url = server.route("/file", BODY)
    told: list[int] = []
    with reverts(DownloadMismatch(url, "length", str(length), str(len(BODY)))):
        download(url, target, length=length, on_progress=lambda size, _: told.append(size))
    assert told == []
    fails(DownloadMismatch(url, "length", str(length), str(len(BODY))), url, target, length=length)


def test_download__without_a_length__of_fewer_bytes_than_declared__fails(server: Server, target: Path) -> None:
    url = server.route("/file", chunked(b"abc"))
    fails(DownloadMismatch(url, "length", "4", "3"), url, target, length=4)


def test_download__of_another_hash__fails(server: Server, target: Path) -> None:
    url = server.route("/file", BODY)
    fails(DownloadMismatch(url, "SHA-256", "ab" * 32, HASH), url, target, sha256="AB" * 32)


def endless(request: Request) -> None:
    request.reply(b"", headers={"Content-Length": ""})
    request.pour(b"a" * 1000)


def test_download__that_never_ends__stops_at_the_limit(server: Server, target: Path) -> None:
    url = server.route("/file", endless)
    fails(DownloadFailed(url, "it is longer than the 5000 bytes of max_bytes"), url, target, max_bytes=5000)
    assert server.gone.wait(10)


def test_download__that_never_ends__stops_behind_the_declared_length(server: Server, target: Path) -> None:
    with pytest.raises(DownloadMismatch, match=r"should be 5000, but is '[0-9]+ bytes or more'"):
        download(server.route("/file", endless), target, length=5000)
    assert left(target) == []


def test_download__that_says_it_is_too_long__is_not_begun(server: Server, target: Path) -> None:
    url = server.route("/file", lambda request: request.reply(b"", headers={"Content-Length": "999999999999"}))
    fails(DownloadFailed(url, "it is longer than the 17179869184 bytes of max_bytes"), url, target)


def test_download__compressed_unasked__fails(server: Server, target: Path) -> None:
    url = server.route("/file", b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    fails(DownloadFailed(url, "the server sends a compressed answer without a request for compression"), url, target)
    assert {headers["Accept-Encoding"] for _, headers in server.seen} == {"identity"}


def test_download__that_stalls__is_left_after_the_timeout(server: Server, target: Path) -> None:
    def route(request: Request) -> None:
        request.reply(b"a", headers={"Content-Length": "2"})
        request.stall()

    url = server.route("/file", route)
    with reverts(DownloadFailed(url, "the server said nothing for 1 seconds")):
        download(url, target, timeout_seconds=1)
    assert left(target) == []


@pytest.mark.parametrize("status", [204, 206, 304, 401, 402, 404, 500])
def test_download__with_another_status__says_it(server: Server, target: Path, status: int) -> None:
    url = server.route("/file", b"", status=status)
    fails(DownloadFailed(url, f"the server answers {status}"), url, target)


def test_download__without_a_server__fails(target: Path) -> None:
    with run_server() as server:
        url = server.url + "/file"
    fails(DownloadFailed(url, "the server cannot be reached"), url, target)


def test_error__of_a_url_with_secrets__shows_none(target: Path) -> None:
    with run_server() as server:
        url = f"{server.url}/file"
        fails(DownloadFailed(url, "the server answers 404"), url + "?signature=s3cret#s3cret", target)
    with pytest.raises(DownloadFailed) as caught:
        download(url.replace("//", "//name:s3cret@") + "?signature=s3cret", target)
    assert caught.value.args == (url, "there is a user name in the URL")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("ftp://127.0.0.1/file", "files are fetched from http, https, data, file and ipfs"),
        ("file.bin", "files are fetched from http, https, data, file and ipfs"),
        ("http:///file", "the URL is not an http or https URL with a host"),
        ("http://127.0.0.1:0/file", "the URL is not an http or https URL with a host"),
        ("http://127.0.0.1:99999/file", "the text is not a URL"),
        ("http://127.0.0.1\\.example.com/file", "the URL is not an http or https URL with a host"),
        ("http://127.0.0.1/\nfile", "the URL is not an http or https URL with a host"),
        ("http://*example.com/file", "the text is not a URL"),
    ],
)
def test_download__of_what_is_no_url__fails(target: Path, url: str, problem: str) -> None:
    fails(DownloadFailed(url, problem), url, target)


def test_download__with_a_header_that_cannot_be__fails(server: Server, target: Path) -> None:
    url = server.route("/file", BODY)
    fails(DownloadFailed(url, "a header has an invalid value"), url, target, headers={"A": "b\r\nC: d"})
    assert server.seen == []


# ---------------------------------------------------------------------- redirects


def test_redirect__on_the_same_host__is_followed_with_the_headers(server: Server, target: Path) -> None:
    server.route("/b/there", BODY)
    url = server.route("/a/file", lambda request: request.redirect("../b/there?a=1"))
    assert download(url, target, headers={"Authorization": "Bearer x", "X-Voucher": "v"}).sha256 == HASH
    assert [path for path, _ in server.seen] == ["/a/file", "/b/there?a=1"]
    assert [(headers["Authorization"], headers["X-Voucher"]) for _, headers in server.seen] == [("Bearer x", "v")] * 2


def test_redirect__to_a_name_beyond_ascii__is_followed(server: Server, target: Path) -> None:
    server.route("/r%C3%A9sum%C3%A9", BODY)
    url = server.route("/file", lambda request: request.redirect("/résumé".encode().decode("latin-1")))
    assert download(url, target).sha256 == HASH


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_redirect__to_another_host_or_port__is_followed_without_the_headers(
    server: Server, target: Path, host: str
) -> None:
    with run_server() as other:
        there = other.route("/there", BODY).replace("127.0.0.1", host)
        url = server.route("/file", lambda request: request.redirect(there))
        assert download(url, target, headers={"Authorization": "Bearer x", "X-Voucher": "v"}).sha256 == HASH
        ((_, headers),) = other.seen
    assert not {"Authorization", "X-Voucher", "Cookie"} & set(headers)


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [
        ("http://a.example/", "https://a.example/", True),
        ("http://a.example:80/", "https://A.example:443/", True),
        ("https://a.example/", "https://a.example:443/", True),
        ("http://a.example/", "https://b.example/", False),
        ("http://a.example/", "https://a.example:8443/", False),
        ("http://a.example:8080/", "https://a.example/", False),
        ("https://a.example/", "https://a.example:80/", False),
    ],
)
def test_redirect__keeps_headers__on_the_same_host_and_port_or_its_https(old: str, new: str, kept: bool) -> None:
    headers = {"Authorization": "Bearer x"}
    assert http_client._redirect(old, new, headers, False, AssertionError) == (headers if kept else None)  # type: ignore[arg-type]


def test_redirect__from_https_to_http__is_not_followed(
    server: Server, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests.Session, "get_adapter", lambda session, url: PlainAdapter())
    plain = server.route("/there", BODY)
    url = server.route("/file", lambda request: request.redirect(plain)).replace("http:", "https:")
    fails(DownloadFailed(url, "it is redirected from https to http"), url, target)
    assert {path for path, _ in server.seen} == {"/file"}


@pytest.mark.parametrize("count", [5, 6])
def test_redirects__in_a_row__are_followed_up_to_five(server: Server, target: Path, count: int) -> None:
    for number in range(count):
        server.route(f"/{number}", lambda request, following=number + 1: request.redirect(f"/{following}"))
    url = server.route(f"/{count}", BODY).rpartition("/")[0] + "/0"
    if count == 5:
        assert download(url, target).sha256 == HASH
    else:
        fails(DownloadFailed(url, "it leads through more than 5 redirects"), url, target)


def test_redirect__in_a_circle__fails(server: Server, target: Path) -> None:
    url = server.route("/file", lambda request: request.redirect("/file", 308))
    fails(DownloadFailed(url, "it leads through more than 5 redirects"), url, target)
    assert len(server.seen) == 12


def test_redirect__with_an_endless_body__is_followed_without_reading_it(server: Server, target: Path) -> None:
    def route(request: Request) -> None:
        request.reply(b"", status=302, headers={"Location": "/there", "Content-Length": ""})
        request.pour(b"a" * 1000)

    server.route("/there", BODY)
    assert download(server.route("/file", route), target).sha256 == HASH
    assert server.gone.wait(10)


@pytest.mark.parametrize(
    ("location", "problem"),
    [
        ("file:///etc/passwd", "the URL is not an http or https URL with a host"),
        ("data:,hello", "the URL is not an http or https URL with a host"),
        ("http://user:password@127.0.0.1/", "there is a user name in the URL"),
    ],
)
def test_redirect__to_what_is_no_web_server__fails(server: Server, target: Path, location: str, problem: str) -> None:
    url = server.route("/file", lambda request: request.redirect(location))
    fails(DownloadFailed(url, problem), url, target)


def test_request__to_a_host_in_netrc__has_no_password_of_it(
    server: Server, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = target.parent.parent / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password s3cret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert requests.utils.get_netrc_auth(server.url) == ("me", "s3cret")
    download(server.route("/file", BODY), target)
    assert "Authorization" not in server.seen[0][1]


# ---------------------------------------------------------------------- data, file, ipfs


@pytest.mark.parametrize(
    ("url", "content"),
    [
        ("data:,hello%20world%21", b"hello world!"),
        ("data:text/plain;charset=utf-8,a,b?c#d", b"a,b?c#d"),
        ("data:application/octet-stream;base64,AAEC", b"\0\1\2"),
        ("DATA:;BASE64,AA%3D%3D", b"\0"),
        ("data:,", b""),
    ],
)
def test_data__is_downloaded_without_network(target: Path, url: str, content: bytes) -> None:
    assert download(url, target, sha256=sha256(content).hexdigest()).size == len(content)
    assert target.read_bytes() == content


@pytest.mark.parametrize(
    ("url", "problem"),
    [("data:text", "a data: URL has a comma before its data"), ("data:;base64,a", "its data is not base64")],
)
def test_data__that_is_damaged__fails(target: Path, url: str, problem: str) -> None:
    fails(DownloadFailed(url, problem), url, target)


NOT_ALLOWED = (
    "it is a file of this machine, which is read only if you allow it: allow_file=True for download, "
    "allow_file_urls=True for Payments, --allow-file-urls in the shell"
)


def test_file__that_is_allowed__is_copied(tmp_path: Path, target: Path) -> None:
    source = tmp_path / "a file"
    source.write_bytes(BODY)
    assert download(source.as_uri(), target, allow_file=True).sha256 == HASH
    assert source.read_bytes() == BODY
    target.unlink()
    fails(
        DownloadFailed(source.as_uri(), NOT_ALLOWED),
        source.as_uri(),
        target,
    )


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: None, "No such file or directory"),
        (Path.mkdir, "It is not a regular file"),
        (os.mkfifo, "It is not a regular file"),
    ],
    ids=["missing", "folder", "pipe"],
)
def test_file__that_is_none__fails(tmp_path: Path, target: Path, make: Callable[[Path], None], problem: str) -> None:
    make(tmp_path / "source")
    url = (tmp_path / "source").as_uri()
    fails(DownloadFailed(url, problem), url, target, allow_file=True)


def test_file__that_cannot_be_read__fails(target: Path) -> None:
    url = "file:///proc/self/mem"
    fails(DownloadFailed(url, "Input/output error"), url, target, allow_file=True)


@pytest.mark.parametrize(
    ("url", "problem"),
    [("file://example.com/a", "it is a file of another machine"), ("file:///a%00b", "it is not a path of a file")],
)
def test_file__of_another_form__fails(target: Path, url: str, problem: str) -> None:
    fails(DownloadFailed(url, problem), url, target, allow_file=True)


def test_ipfs__of_raw_bytes__is_verified_by_its_cid(target: Path) -> None:
    url = f"ipfs://{raw_cid(BODY)}"
    with run_ipfs() as node:
        node.blocks[raw_cid(BODY)] = BODY
        assert download(url, target, ipfs=IpfsStore(node.url)).sha256 == HASH
        target.unlink()
        node.lie = b"other bytes"
        lied = sha256(b"other bytes").hexdigest()
        fails(DownloadMismatch(url, "SHA-256", HASH, lied), url, target, ipfs=IpfsStore(node.url))


@pytest.mark.parametrize("path", ["QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdG", f"{raw_cid(b'x')}/a file"])
def test_ipfs__of_another_cid__needs_a_declared_hash(target: Path, path: str) -> None:
    with run_ipfs() as node:
        node.blocks[path] = BODY
        ipfs, url = IpfsStore(node.url), f"ipfs://{path}"
        fails(
            DownloadFailed(url, "its CID does not contain the hash of its bytes; declare its sha256"),
            url,
            target,
            ipfs=ipfs,
        )
        assert node.asked() == []
        assert download(url, target, ipfs=ipfs, sha256=HASH).size == len(BODY)
        target.unlink()
        fails(DownloadMismatch(url, "SHA-256", "00" * 32, HASH), url, target, ipfs=ipfs, sha256="00" * 32)


def test_ipfs__longer_than_the_limit__fails(target: Path) -> None:
    url = f"ipfs://{raw_cid(BODY)}"
    with run_ipfs() as node:
        node.blocks[raw_cid(BODY)] = BODY
        expected = DownloadFailed(url, "it is longer than the 9 bytes of max_bytes")
        fails(expected, url, target, ipfs=IpfsStore(node.url), max_bytes=9)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        (f"ipfs://{raw_cid(BODY)}", "it is on IPFS, and no IpfsStore was passed"),
        ("ipfs://", "it is not an ipfs:// and a CID"),
        ("ipfs:abc", "it is not an ipfs:// and a CID"),
        ("ipfs://../etc", "it is not an ipfs:// and a CID"),
    ],
)
def test_ipfs__without_a_store_or_a_cid__fails(target: Path, url: str, problem: str) -> None:
    fails(DownloadFailed(url, problem), url, target)


# ---------------------------------------------------------------------- the target


def test_target__that_exists__is_refused_before_anything_is_asked(server: Server, target: Path) -> None:
    target.write_text(OLD)
    with reverts(TargetExists(str(target))):
        download(server.route("/file", BODY), target)
    assert server.seen == []
    assert target.read_text() == OLD
    assert download(server.url + "/file", target, overwrite=True).sha256 == HASH
    assert target.read_bytes() == BODY
    assert left(target) == [target.name]


def test_target__that_is_a_dangling_link__counts_as_there(target: Path) -> None:
    target.symlink_to(target.parent / "nowhere")
    with reverts(TargetExists(str(target))):
        download("data:,a", target)


def test_target__that_is_a_link__is_replaced_and_not_what_it_points_at(target: Path) -> None:
    other = target.parent / "other"
    other.write_text(OLD)
    target.symlink_to(other)
    download("data:,a", target, overwrite=True)
    assert (target.read_text(), target.is_symlink(), other.read_text()) == ("a", False, OLD)


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        ("missing/file", "No such file or directory"),
        ("a" * 300, "File name too long"),
    ],
    ids=["missing folder", "long name"],
)
def test_target__where_no_file_can_be__fails(target: Path, place: str, problem: str) -> None:
    with reverts(DownloadFailed("data:,a", problem)):
        download("data:,a", target.parent / place)
    assert left(target) == []


def test_target__that_is_a_folder__is_refused_even_to_overwrite(target: Path) -> None:
    for folder in (target.parent, Path("/")):
        with reverts(DownloadFailed("data:,a", "the target is a folder")):
            download("data:,a", folder, overwrite=True)


def test_target__that_comes_meanwhile__is_not_overwritten(target: Path) -> None:
    with fetch("data:,a", target) as fetched:
        target.write_text(OLD)
        with reverts(TargetExists(str(target))):
            fetched.keep()
        target.unlink()
        assert fetched.keep().path == target
    assert target.read_text() == "a"
    assert left(target) == [target.name]


@pytest.mark.parametrize("there", [False, True])
def test_target__on_a_file_system_without_links__is_renamed_and_not_overwritten(
    target: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with fetch("data:,a", target) as fetched:
        if there:
            target.write_text(OLD)
            with reverts(TargetExists(str(target))):
                fetched.keep()
        else:
            fetched.keep()
    assert target.read_text() == (OLD if there else "a")
    assert left(target) == [target.name]


@pytest.mark.parametrize("failing", ["replace", "fsync"])
def test_disk__that_fails__leaves_nothing_new(target: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    target.write_text(OLD)
    monkeypatch.setattr(os, failing, fail)
    with reverts(DownloadFailed("data:,a", "No space left on device")):
        download("data:,a", target, overwrite=True)
    assert left(target) == [target.name]
    assert target.read_text() == OLD


def test_disk__has_the_bytes_before_the_name_and_then_the_name(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[bool, bool]] = []
    sync = os.fsync

    def record(descriptor: int) -> None:
        synced.append((S_ISDIR(os.fstat(descriptor).st_mode), target.exists()))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    download("data:,a", target)
    assert synced == [(False, False), (True, True)]


def test_disk__that_is_full_while_bytes_come__fails(server: Server, target: Path) -> None:
    url = server.route("/file", BODY)
    with reverts(DownloadFailed(url, "File too large")), full_disk(len(BODY) // 2):
        download(url, target)
    assert left(target) == []


# ---------------------------------------------------------------------- in two halves


def test_fetch__before_it_is_kept__is_verified_and_beside_its_place(server: Server, target: Path) -> None:
    with fetch(server.route("/file", BODY), target, sha256=HASH) as fetched:
        assert not target.exists()
        (name,) = left(target)
        assert name.startswith(".file.bin.")
        assert name.endswith(".part")
        assert (fetched.path.name, fetched.size, fetched.sha256) == (name, len(BODY), HASH)
        assert fetched.path.read_bytes() == BODY
        assert fetched.keep() == Download(target, len(BODY), HASH)
    assert left(target) == [target.name]


def test_fetch__that_is_not_kept__leaves_nothing(target: Path) -> None:
    with fetch("data:,a", target):
        pass
    assert left(target) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), InvalidConfig("it failed"), OSError("mine")])
def test_fetch__whose_block_fails__leaves_nothing_and_passes_the_error_on(target: Path, error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, fetch("data:,a", target):
        raise error
    assert caught.value is error
    assert left(target) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError("mine")])
def test_download__interrupted_while_bytes_come__leaves_nothing(
    server: Server, target: Path, error: BaseException
) -> None:
    def interrupt(size: int, _: int | None) -> None:
        assert left(target) != []
        if size:
            raise error

    with pytest.raises(type(error)) as caught:
        download(server.route("/file", BODY), target, on_progress=interrupt)
    assert caught.value is error
    assert left(target) == []


def test_download__by_many_threads_to_one_place__is_done_by_one(server: Server, target: Path) -> None:
    url = server.route("/file", BODY)

    def attempt(_: int) -> bool:
        try:
            return download(url, target).size > 0
        except TargetExists:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(16))) == 1
    assert target.read_bytes() == BODY
    assert left(target) == [target.name]


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        ({"length": -1}, "a file's length is 0 or more bytes"),
        ({"max_bytes": -1}, "a file's length is 0 or more bytes"),
        ({"sha256": "ab"}, "a file's SHA-256 is 64 hexadecimal digits"),
        ({"sha256": "0x" + "ab" * 31}, "a file's SHA-256 is 64 hexadecimal digits"),
    ],
)
def test_declared__that_cannot_be__is_refused(target: Path, declared: dict[str, Any], problem: str) -> None:
    fails(InvalidConfig(problem), "data:,a", target, **declared)
