"""Files of agents behind a gateway: who has paid gets them, and nobody else does."""

import asyncio
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests

import nvm_chain as nvm
from nvm_chain.errors import DownloadFailed, InsufficientCredits, NeedsGateway, UnknownEndpoint
from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.checks.files import check_files, check_folder
from nvm_chain.gateway.checks.findings import Verdict
from nvm_chain.gateway.file_folders import FileUpstreams
from nvm_chain.gateway.files import find_files, find_path
from nvm_chain.gateway.settings import ServiceSettings
from nvm_chain.gateway.upstream import Answer, UpstreamCall
from nvm_chain.metadata.documents import AgentMetadata
from nvm_chain.metadata.endpoints import Endpoint
from nvm_chain.metadata.file_entries import FileEntry
from nvm_chain.meter.bindings import Level
from nvm_chain.payments import Payments
from nvm_chain.payments.session import Gateway
from nvm_chain.types.agents import AttachedPlan
from nvm_chain.types.ids import format_did
from tests.gateway.serving import Upstream, reply, served
from tests.gateway.shop import BALANCE, PUBLIC, Gate, Shop

NUMBERS = b"".join(b"%d,%d\n" % (n, n * n) for n in range(40_000))
COST = 1


@dataclass
class FileGate(Gate):
    """A gateway in front of files, and the folder that has them."""

    folder: Path = Path()

    def fetch(self, target: str, method: str = "GET", **headers: str) -> requests.Response:
        """Ask for a file with a payment for exactly this request."""
        return self.ask(method, target, {**self.pay(method, target, cost=COST), **headers})


def publish(shop: Shop, files: list[dict[str, Any]], url: str = "http://127.0.0.1") -> Shop:
    """Register an asset with files as a seller does, and return the shop that sells it."""
    seller = Payments(shop.connect(), shop.builder, gateway=Gateway(url, shop.redeemer.address))
    made = seller.create_file(shop.credits_plan, "dataset", "Numbers", "", files, amount_of_credits=COST)
    return replace(shop, did=made.did)


def fill(folder: Path) -> Path:
    """Put files into a folder, and things that nobody may get."""
    place = folder / "for-sale"
    (place / "2026").mkdir(parents=True)
    (place / "numbers.csv").write_bytes(NUMBERS)
    (place / "2026" / "tea list.txt").write_text("green\n")
    (place / ".env").write_text("KEY=secret")
    (folder / "private.txt").write_text("not for sale")
    (place / "out.txt").symlink_to(folder / "private.txt")
    (place / "in.csv").symlink_to(place / "numbers.csv")
    (place / "page.html").write_text("<script>alert(1)</script>")
    return place


NAMES = ("numbers.csv", "2026/tea%20list.txt", ".env", "out.txt", "in.csv", "page.html", "gone.csv", "2026")


@pytest.fixture(scope="module")
def open_files(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FileGate]:
    """A gateway in front of a folder."""
    folder = tmp_path_factory.mktemp("files")
    place = fill(folder)
    selling = publish(shop, [{"url": f"gateway:{name}", "name": f"f{n}"} for n, name in enumerate(NAMES)])
    with selling.open(folder, "", files=place, public_url=None, auth=None) as gate:
        yield FileGate(gate.shop, gate.url, gate.buyer, folder=place)


@pytest.fixture
def gate(open_files: FileGate) -> FileGate:
    """The gateway, for a buyer of this test's own."""
    return FileGate(open_files.shop, open_files.url, open_files.shop.new_buyer(), folder=open_files.folder)


# ---------------------------------------------------------------------- from a folder


def test_file__without_a_payment__is_not_served(gate: FileGate) -> None:
    refused = gate.ask("GET", "/numbers.csv")
    assert (refused.status_code, refused.json()["accepts"][0]["amount"]) == (402, str(COST))
    assert b"1,1" not in refused.content


def test_file__that_is_paid_for__comes_whole_with_its_type(gate: FileGate) -> None:
    answer = gate.fetch("/numbers.csv")
    assert (answer.status_code, answer.content == NUMBERS) == (200, True)
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.headers["Content-Length"] == str(len(NUMBERS))
    assert answer.headers["Cache-Control"] == "no-store, private"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert gate.wait_for("charged", str(COST))


def test_file__in_a_subfolder_with_a_space__is_served_by_its_encoded_name(gate: FileGate) -> None:
    assert gate.fetch("/2026/tea%20list.txt").text == "green\n"


def test_file__by_range__has_that_part_and_the_same_etag(gate: FileGate) -> None:
    whole = gate.fetch("/numbers.csv", "HEAD")
    part = gate.fetch("/numbers.csv", Range="bytes=100-199", **{"If-Range": whole.headers["ETag"]})
    assert (part.status_code, part.content) == (206, NUMBERS[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(NUMBERS)}"
    assert part.headers["ETag"] == whole.headers["ETag"]
    older = gate.fetch("/numbers.csv", Range="bytes=100-199", **{"If-Range": '"another"'})
    assert (older.status_code, len(older.content)) == (200, len(NUMBERS))


def test_file__by_a_range_behind_its_end__costs_nothing(gate: FileGate) -> None:
    answer = gate.fetch("/numbers.csv", Range="bytes=99999999-")
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{len(NUMBERS)}")
    assert gate.wait_for("held", "0")["charged"] == "0"


def test_file__by_head__has_the_headers_and_no_body(gate: FileGate) -> None:
    answer = gate.fetch("/numbers.csv", "HEAD")
    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", str(len(NUMBERS)))


def test_file__that_the_buyer_may_have_already__is_sent_all_the_same(gate: FileGate) -> None:
    """A paid request is never answered with nothing."""
    etag = gate.fetch("/numbers.csv", "HEAD").headers["ETag"]
    assert gate.fetch("/numbers.csv", **{"If-None-Match": etag}).content == NUMBERS


def test_file__that_a_browser_could_run__is_a_download(gate: FileGate) -> None:
    answer = gate.fetch("/page.html")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("target", ["/.env", "/out.txt", "/gone.csv", "/2026"])
def test_file__that_is_hidden_or_outside_or_none__is_not_found_and_costs_nothing(gate: FileGate, target: str) -> None:
    answer = gate.fetch(target)
    assert (answer.status_code, answer.content) == (404, b"")
    assert gate.wait_for("held", "0")["charged"] == "0"


def test_file__by_a_link_within_the_folder__is_served(gate: FileGate) -> None:
    assert gate.fetch("/in.csv").content == NUMBERS


@pytest.mark.parametrize(
    "target",
    [
        "/../private.txt",
        "/%2e%2e/private.txt",
        "/2026/..%2f..%2fprivate.txt",
        "/2026/..\\..\\private.txt",
        "//etc/passwd",
    ],
)
def test_file__by_a_path_that_leads_out__is_refused(gate: FileGate, target: str) -> None:
    url = f"{gate.service_url}{target}"
    request = requests.Request("GET", url, headers=gate.pay("GET", "/numbers.csv", cost=COST)).prepare()
    request.url = url  # as it is, because requests would take the dots away
    with requests.Session() as session:
        answer = session.send(request, timeout=60)
    assert answer.status_code == 400
    assert b"not for sale" not in answer.content


@pytest.mark.parametrize("target", ["/", "/page", "/numbers.csv/", "/private.txt", "/2026/"])
def test_path__that_is_not_a_file_of_the_agent__is_not_sold(gate: FileGate, target: str) -> None:
    assert gate.ask("GET", target).status_code == 404


def test_file__asked_for_by_post__is_not_sold(gate: FileGate) -> None:
    assert gate.ask("POST", "/numbers.csv").status_code == 404


def test_payment__for_one_file__is_not_taken_for_another(gate: FileGate) -> None:
    """S6."""
    answer = gate.ask("GET", "/numbers.csv", gate.pay("GET", "/page.html", cost=COST))
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (402, "BindingMismatch")


def test_file__that_cannot_be_read__is_an_error_of_the_service_and_costs_nothing(gate: FileGate) -> None:
    place = gate.folder / "gone.csv"
    place.symlink_to(place)
    try:
        answer = gate.fetch("/gone.csv")
    finally:
        place.unlink()
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (502, "UpstreamFailed")
    assert str(gate.folder) not in answer.text
    assert gate.wait_for("held", "0")["charged"] == "0"


def test_file__that_gets_shorter_while_it_is_read__ends_the_connection(gate: FileGate) -> None:
    place = gate.folder / "gone.csv"
    place.write_bytes(bytes(64 * 2**20))
    try:
        with requests.get(
            f"{gate.service_url}/gone.csv", headers=gate.pay("GET", "/gone.csv", cost=COST), timeout=60, stream=True
        ) as answer:
            assert answer.headers["Content-Length"] == str(64 * 2**20)
            answer.raw.read(1_000)
            os.truncate(place, 1_000)
            with pytest.raises(requests.exceptions.ChunkedEncodingError):
                for _ in answer.iter_content(2**20):
                    pass
    finally:
        place.unlink()


def test_large_file__to_a_buyer_who_does_not_read__is_not_read_ahead(gate: FileGate) -> None:
    """Memory stays flat: what is not read by the buyer stays on the disk."""
    place, size = gate.folder / "gone.csv", 2**30
    with place.open("wb") as file:
        file.truncate(size)  # a sparse file takes no room
    before = _read_resident()
    try:
        with requests.get(
            f"{gate.service_url}/gone.csv", headers=gate.pay("GET", "/gone.csv", cost=COST), timeout=60, stream=True
        ) as answer:
            read = sum(len(answer.raw.read(2**20)) for _ in range(64))
            assert read == 64 * 2**20
            assert _read_resident() - before < 128 * 2**20
    finally:
        place.unlink()
    assert gate.wait_for("charged", str(COST))  # who goes away in the middle has got a part


def _read_resident() -> int:
    text = Path("/proc/self/status").read_text("ascii")
    (line,) = [line for line in text.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1_024


# ---------------------------------------------------------------------- spellings of a path

OTHER_SPELLINGS = (
    "/numbers.csv/",
    "/numbers.csv//",
    "//numbers.csv",
    "/./numbers.csv",
    "/x/../numbers.csv",
    "/numbers.csv%2F",
    "/numbers.csv%2f",
    "/%2Fnumbers.csv",
    "/numbers.csv%00",
    "/numbers.csv;a=1",
    "/numbers.csv%3Ba=1",
    "/numbers%252ecsv",
    "/NUMBERS.CSV",
    "/Numbers.csv",
    "/numbers.csv.",
    "/numbers.csv%20",
    "/numbers.csv%2F%2e",
    "/%EF%BD%8Eumbers.csv",
    "/\\numbers.csv",
    "/%5cnumbers.csv",
)
"""Spellings of ``/numbers.csv`` that some server takes for it."""


def send_raw(url: str, method: str = "GET", **headers: str) -> requests.Response:
    """Send a request to a URL as it is. requests would take dots and slashes away."""
    request = requests.Request(method, "http://127.0.0.1/", headers=headers).prepare()
    request.url = url
    with requests.Session() as session:
        return session.send(request, timeout=60, allow_redirects=False)


def publish_mixed(shop: Shop, **changes: Any) -> Shop:
    """Register an agent with a file, and with endpoints that match its path too: an open one, or what is given."""
    known = {"files": (FileEntry("gateway:numbers.csv"),), "open_endpoints": (f"{PUBLIC}/:page",), **changes}
    metadata = AgentMetadata("Mixed", **known)
    attached = [AttachedPlan(shop.credits_plan, COST, 9)]
    made = nvm.register_agent(shop.chain, shop.builder, metadata, attached)
    return replace(shop, did=format_did(made.agent_id))


def test_folder__beside_an_open_endpoint__gives_nothing_without_a_payment(shop: Shop, tmp_path: Path) -> None:
    place = fill(tmp_path)
    (place / "notlisted.csv").write_bytes(NUMBERS)
    with publish_mixed(shop).open(tmp_path, "", files=place, auth=None) as gate:
        assert gate.ask("GET", "/numbers.csv").status_code == 402
        assert gate.ask("HEAD", "/numbers.csv").status_code == 402
        assert gate.ask("GET", "/numbers%2Ecsv?page=1").status_code == 402
        for target in (*OTHER_SPELLINGS, "/notlisted.csv", "/page.html", "/2026", "/in.csv"):
            answer = send_raw(gate.service_url + target)
            assert answer.status_code in (400, 404), target
            assert answer.json()["nvm"]["type"] in ("UnknownEndpoint", "InvalidTarget"), target
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            assert gate.ask(method, "/numbers.csv").status_code == 404, method


def test_folder__beside_a_paid_endpoint__sells_files_at_their_paths_only(shop: Shop, tmp_path: Path) -> None:
    place, pages = fill(tmp_path), Endpoint("GET", f"{PUBLIC}/:page")
    costs = {"nvmCosts": {f"GET {PUBLIC}/:page": 5}}
    selling = publish_mixed(shop, open_endpoints=(), endpoints=(pages,), extras=costs)
    with selling.open(tmp_path, "", files=place, auth=None, charges_failures=True) as opened:
        gate = FileGate(opened.shop, opened.url, opened.buyer)
        wait_for_order(gate)
        assert gate.fetch("/numbers.csv").content == NUMBERS
        assert [gate.fetch(target).status_code for target in ("/numbers.csv/", "/page.html", "/none")] == [404] * 3
        gate.ceiling = COST
        assert gate.wait_for("charged", str(COST))["held"] == "0"


def test_folder__of_an_agent_without_files__serves_nothing(shop: Shop, tmp_path: Path) -> None:
    selling = publish_mixed(shop, files=(), open_endpoints=())
    with selling.open(tmp_path, "", files=fill(tmp_path), public_url=None, auth=None) as gate:
        wait_for_order(FileGate(gate.shop, gate.url, gate.buyer))
        for target in ("/numbers.csv", "/", "/none"):
            answer = gate.ask("GET", target, gate.pay("GET", target, cost=COST))
            assert (answer.status_code, answer.json()["nvm"]["type"]) == (404, "UnknownEndpoint")
        gate.ceiling = 0
        assert (gate.account()["charged"], gate.account()["held"]) == ("0", "0")


def test_storage__asked_for_a_file_by_another_spelling__is_not_called(shop: Shop, tmp_path: Path) -> None:
    with served(storage := Upstream()) as url, publish_mixed(shop).open(tmp_path, url) as gate:
        for target in OTHER_SPELLINGS:
            assert send_raw(gate.service_url + target).status_code in (400, 404), target
        assert storage.seen == []
        assert gate.ask("GET", "/numbers").status_code == 200
        assert [seen.target for seen in storage.seen] == ["/numbers"]


def test_folder__with_an_upstream__asks_it_for_what_is_not_a_file(shop: Shop, tmp_path: Path) -> None:
    place = fill(tmp_path)
    with served(upstream := Upstream()) as url, publish_mixed(shop).open(tmp_path, url, files=place) as gate:
        assert gate.ask("GET", "/page.html").json()["target"] == "/page.html"
        assert gate.ask("POST", "/numbers.csv").json()["method"] == "POST"
        assert gate.ask("GET", "/numbers.csv").status_code == 402
        assert len(upstream.seen) == 2


async def end(upstreams: FileUpstreams) -> None:
    """Close the connections, and wait until the files are closed too."""
    await upstreams.close()
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))


def test_call__for_what_is_not_a_file_of_a_folder__opens_nothing(tmp_path: Path) -> None:
    """Whatever the endpoints let through."""
    own = ServiceSettings("7", files=fill(tmp_path))
    metadata = AgentMetadata("Files", files=(FileEntry("gateway:numbers.csv"),))
    sold = SoldService(own, metadata, {}, {}, find_files(metadata.files, own, ""))

    async def call(method: str, target: str) -> int:
        upstreams = FileUpstreams({own.did: sold})
        try:
            answer = await upstreams.call(UpstreamCall(method, target, [], None, own.did))
            answer.close()
            return answer.status
        finally:
            await end(upstreams)

    assert asyncio.run(call("GET", "/numbers.csv?v=1")) == 200
    for target in (*OTHER_SPELLINGS, "/page.html"):
        with pytest.raises(UnknownEndpoint):
            asyncio.run(call("GET", target))
    with pytest.raises(UnknownEndpoint):
        asyncio.run(call("POST", "/numbers.csv"))


# ---------------------------------------------------------------------- so many at the same time


def test_files__above_max_running__wait_until_a_download_ends(tmp_path: Path) -> None:
    own = ServiceSettings("7", files=fill(tmp_path))
    metadata = AgentMetadata("Files", files=(FileEntry("gateway:numbers.csv"), FileEntry("gateway:gone.csv")))
    sold = SoldService(own, metadata, {}, {}, find_files(metadata.files, own, ""))

    async def run() -> None:
        upstreams, connected = FileUpstreams({own.did: sold}), list[str]()

        def call(name: str) -> "asyncio.Task[Answer]":
            note = partial(connected.append, name)
            target = "/gone.csv" if name == "gone" else "/numbers.csv"
            return asyncio.ensure_future(
                upstreams.call(UpstreamCall("GET", target, [], None, own.did, 1, on_connected=note))
            )

        try:
            first = await call("first")
            waiting = call("second")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert (connected, waiting.done()) == (["first"], False)
            first.close()
            first.close()  # a place is given back once
            second = await waiting
            more = True
            while more:
                _, more = await second.read_piece()
            second.finish()
            second.close()
            third = await call("third")
            fourth = call("fourth")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert not fourth.done()
            third.close()
            (await fourth).close()
            missing = await call("gone")  # which is not there
            assert missing.status == 404
            missing.close()
            (await call("last")).close()
            assert connected == ["first", "second", "third", "fourth", "gone", "last"]
        finally:
            await end(upstreams)

    asyncio.run(run())


# ---------------------------------------------------------------------- for users of Payments


def wait_for_order(gate: FileGate) -> None:
    """Wait until the gateway has the credits of the buyer."""
    gate.wait_for("available", str(BALANCE))


def open_buyer(gate: FileGate, **changes: Any) -> Payments:
    """Return the documented class for the buyer of a test."""
    return Payments(gate.shop.connect(), gate.buyer, gateway=Gateway(gate.url, gate.shop.redeemer.address), **changes)


def read_places(folder: Path) -> list[str]:
    """Return what is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_download_file__from_a_folder_behind_the_gateway__is_paid_and_verified(shop: Shop, tmp_path: Path) -> None:
    place, target = fill(tmp_path), tmp_path / "mine"
    target.mkdir()
    files: list[dict[str, Any]] = [
        {"url": "gateway:numbers.csv", "contentLength": len(NUMBERS), "sha256": hashlib.sha256(NUMBERS).hexdigest()},
        {"url": "gateway:2026/tea%20list.txt", "name": "tea.txt"},
    ]
    with publish(shop, files).open(tmp_path, "", files=place, public_url=None, auth=None) as opened:
        gate = FileGate(opened.shop, opened.url, opened.buyer)
        wait_for_order(gate)
        result = open_buyer(gate).download_file(opened.shop.did, str(target))
        assert (result.success, result.txHash) == (True, "")
        assert ((target / "numbers.csv").read_bytes() == NUMBERS, (target / "tea.txt").read_text()) == (True, "green\n")
        gate.ceiling = 2 * COST
        gate.wait_for("charged", str(2 * COST))


def test_download_file__without_credits__gets_nothing(gate: FileGate, tmp_path: Path) -> None:
    poor = Payments(
        gate.shop.connect(),
        gate.shop.chain.accounts[9],
        gateway=Gateway(gate.url, gate.shop.redeemer.address),
    )
    with pytest.raises(Exception, match="plan") as caught:
        poor.download_file(gate.shop.did, str(tmp_path))
    assert type(caught.value).__name__ in ("NoAccess", InsufficientCredits.__name__)
    assert read_places(tmp_path) == []


def test_download_file__without_a_gateway__says_that_one_is_needed(gate: FileGate, tmp_path: Path) -> None:
    alone = Payments(gate.shop.connect(), gate.buyer)
    with pytest.raises(NeedsGateway, match="A file of a gateway"):
        alone.download_file(gate.shop.did, str(tmp_path))


def test_download_file__of_a_file_that_the_seller_took_away__costs_nothing(shop: Shop, tmp_path: Path) -> None:
    selling, target = publish(shop, [{"url": "gateway:gone.csv"}]), tmp_path / "mine"
    target.mkdir()
    with selling.open(tmp_path, "", files=fill(tmp_path), public_url=None, auth=None) as opened:
        gate = FileGate(opened.shop, opened.url, opened.buyer)
        wait_for_order(gate)
        payments = open_buyer(gate)
        for _ in range(2):  # the voucher is taken back, so the second one has the same ceiling
            with pytest.raises(DownloadFailed, match="404"):
                payments.download_file(opened.shop.did, str(target))
        assert read_places(target) == []
        gate.ceiling = COST
        assert gate.wait_for("held", "0")["charged"] == "0"


def test_get_service_token__of_a_file_behind_the_gateway__pays_for_a_download(shop: Shop, tmp_path: Path) -> None:
    """As the documents have it: a token in the header Authorization."""
    selling = publish(shop, [{"url": "gateway:numbers.csv"}])
    with selling.open(tmp_path, "", files=fill(tmp_path), public_url=None, auth=None, level=Level.NONE) as opened:
        gate = FileGate(opened.shop, opened.url, opened.buyer)
        wait_for_order(gate)
        config = open_buyer(gate).get_service_token(opened.shop.did)
        headers = {"Authorization": f"Bearer {config.accessToken}"}
        url = f"{config.neverminedProxyUri}/numbers.csv"
        assert requests.get(url, headers=headers, timeout=60).content == NUMBERS
        again = requests.get(url, headers=headers, timeout=60)
        assert (again.status_code, again.json()["nvm"]["type"]) == (402, "AuthorityUsedUp")


# ---------------------------------------------------------------------- from a storage


def test_file__of_a_storage_with_a_secret__is_fetched_from_there_and_names_it_nowhere(
    shop: Shop, tmp_path: Path
) -> None:
    async def answer(upstream: Upstream, scope: Any, receive: Any, send: Any) -> None:
        is_ours = dict(scope["headers"]).get(b"authorization") == b"Bearer sk-canary-5f0d8a61"
        await reply(send, NUMBERS if is_ours else b"", 200 if is_ours else 403)

    storage = Upstream(answers={"/bucket/numbers.csv": answer})
    with served(storage) as url, ExitStack() as stack:
        selling = publish(shop, [{"url": "gateway:numbers.csv"}])
        opened = stack.enter_context(selling.open(tmp_path, f"{url}/bucket", public_url=None))
        gate = FileGate(opened.shop, opened.url, opened.buyer)
        assert gate.fetch("/numbers.csv").content == NUMBERS
        told = [gate.ask("GET", "/numbers.csv"), requests.get(f"{gate.url}/services", timeout=60)]
        assert all(url not in each.text and "bucket" not in each.text for each in told)
        assert requests.get(f"{url}/bucket/numbers.csv", timeout=60).status_code == 403


def test_agent__with_a_service_and_files__has_both(shop: Shop, tmp_path: Path) -> None:
    files = [{"url": "gateway:numbers.csv"}]
    with served(Upstream()) as url:
        selling = publish(shop, files)
        seller = Payments(shop.connect(), shop.builder)
        api = {"endpoints": [{"POST": f"{PUBLIC}/ask"}]}
        seller.agents.update_agent_metadata(selling.did, {"name": "Both", "files": files}, api)
        with selling.open(tmp_path, url, files=fill(tmp_path)) as opened:
            gate = FileGate(opened.shop, opened.url, opened.buyer)
            assert gate.fetch("/numbers.csv").content == NUMBERS
            assert gate.paid("POST", "/ask", b"tea?", COST).json()["body"] == "tea?"


# ---------------------------------------------------------------------- what is published, and checked


def test_metadata__of_a_file_behind_the_gateway__says_nothing_of_where_it_is(shop: Shop) -> None:
    selling = publish(shop, [{"url": "gateway:numbers.csv"}])
    details = Payments(shop.connect(), shop.builder).get_file_details(selling.did)
    text = json.dumps(details, default=str)
    assert "gateway:numbers.csv" in text
    assert "http://127.0.0.1" not in text


def test_check__of_a_folder_for_an_agent_without_files__says_that_nothing_is_served(tmp_path: Path) -> None:
    service = ServiceSettings("7", files=tmp_path)
    for files in ((), (FileEntry("https://elsewhere.example.com/a.csv"),)):
        told = check(AgentMetadata("Files", files=files), service)
        assert [text for verdict, text in told if verdict is Verdict.MISSING] == [
            f"No file of {tmp_path} is served, because the agent names no file that can be asked for here."
        ]


def test_check__of_endpoints_without_an_upstream__says_that_they_are_not_served(tmp_path: Path) -> None:
    place = fill(tmp_path)
    metadata = AgentMetadata(
        "Both", files=(FileEntry("gateway:numbers.csv"),), open_endpoints=("https://service.example.com/about",)
    )
    told = check(metadata, ServiceSettings("7", files=place))
    assert [verdict for verdict, _ in told] == [Verdict.MISSING, Verdict.GOOD]
    assert "1 endpoint of the agent cannot be asked for" in told[0][1]
    told = check(metadata, ServiceSettings("7", upstream="https://service.example.com", files=place))
    assert [verdict for verdict, _ in told] == [Verdict.GOOD]


def check(metadata: AgentMetadata, service: ServiceSettings) -> list[tuple[Verdict, str]]:
    """Return what the check of files finds."""
    found = [*check_files(service, metadata, "https://gateway.example.com")]
    return [(finding.verdict, finding.text) for finding in found]


def test_check__of_files_in_a_folder__compares_them_with_what_is_declared(tmp_path: Path) -> None:
    place = fill(tmp_path)
    service = ServiceSettings("7", files=place)
    entries = (
        FileEntry("gateway:numbers.csv", length=len(NUMBERS), sha256=hashlib.sha256(NUMBERS).hexdigest()),
        FileEntry("gateway:page.html", length=1),
        FileEntry("gateway:2026/tea%20list.txt", sha256="00" * 32),
        FileEntry("gateway:out.txt"),
        FileEntry("gateway:.env", name="env"),
    )
    found = check(AgentMetadata("Files", files=entries), service)
    assert [verdict for verdict, _ in found] == [Verdict.MISSING] * 4 + [Verdict.GOOD]
    assert [finding.verdict for finding in check_folder(service, place)] == [Verdict.GOOD]
    assert [finding.verdict for finding in check_folder(service, place / "no")] == [Verdict.MISSING]


@pytest.mark.parametrize(("status", "found"), [(200, [Verdict.NOTE]), (403, [])])
def test_check__of_a_url_that_answers_to_everybody__warns(status: int, found: list[Verdict]) -> None:
    async def answer(upstream: Upstream, scope: Any, receive: Any, send: Any) -> None:
        await reply(send, b"", status)

    with served(Upstream(answers={"/numbers.csv": answer})) as url:
        metadata = AgentMetadata("Files", files=(FileEntry(f"{url}/numbers.csv"),))
        told = check(metadata, ServiceSettings("7", upstream=url))
    assert [verdict for verdict, _ in told] == found
    assert all("without a payment" in text for _, text in told)


def test_check__of_an_address_in_somebodys_network__does_not_ask_it() -> None:
    with served(storage := Upstream()) as url:
        metadata = AgentMetadata("Files", files=(FileEntry(f"{url}/numbers.csv"),))
        (told,) = check(metadata, ServiceSettings("7", upstream="http://127.0.0.1:9"))
    assert (told[0], storage.seen) == (Verdict.NOTE, [])
    assert "leads elsewhere" in told[1]


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("gateway:a.csv", "/a.csv"),
        ("gateway:/a/b%20c.csv", "/a/b c.csv"),
        ("https://gateway.example.com/services/x/a.csv?v=1", "/a.csv"),
        ("https://gateway.example.com/services/xy/a.csv", None),
        ("https://elsewhere.example.com/a.csv", None),
    ],
)
def test_find_path__of_a_url__is_below_the_service(url: str, path: str | None) -> None:
    assert find_path(FileEntry(url), ["https://gateway.example.com/services/x"]) == path
