"""Webhooks: signed in the form of Standard Webhooks, sent again until they are accepted, and harmless to everything else."""

import asyncio
import base64
import hmac
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from nvm_chain.errors import InvalidConfig
from nvm_chain.gateway import live_secrets
from nvm_chain.gateway.live_secrets import LiveSecrets
from nvm_chain.gateway.sealing.sealed_files import SealedFile, SecretPlaces
from nvm_chain.gateway.secrets import Secrets
from nvm_chain.gateway.webhooks.events import EVENTS, build_message, name_message
from nvm_chain.gateway.webhooks.sending import MOST_OPEN, WebhookSender
from nvm_chain.gateway.webhooks.settings import WebhookSettings
from nvm_chain.gateway.webhooks.signing import parse_secrets, sign_message
from nvm_chain.gateway.workers import Workers
from nvm_chain.meter.deliveries import Target
from nvm_chain.meter.notices import MOST_ATTEMPTS, Notice, NoticeKind
from nvm_chain.meter.store.deliveries import count_deliveries, list_dead, send_again
from nvm_chain.meter.store.notice_causes import add_notices
from nvm_chain.meter.store.notices import read_now
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.writer import Writer
from tests.gateway.serving import Upstream, reply, served, until_gone
from tests.gateway.shop import Shop
from tests.support.accounts import HOLDER, PLAN
from tests.support.meter_stores import open_books

SPEC_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""The secret of the example that Standard Webhooks and its libraries test with."""
SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
NEW_SECRET = "whsec_" + base64.b64encode(b"n" * 32).decode()
SOON = 20.0
"""How long a test waits for what comes in some milliseconds."""


def build_notice(number: int = 1, kind: NoticeKind = NoticeKind.LOW_BALANCE, **more: Any) -> Notice:
    now = 1_800_000_000
    return Notice(bytes([number]) * 32, kind, PLAN, HOLDER, 7, more.pop("end", 0), now, now, **more)


# ---------------------------------------------------------------------- signatures


def test_sign_message__of_the_example_of_standard_webhooks__has_its_signature() -> None:
    keys = parse_secrets(SPEC_SECRET, "ops")
    headers = sign_message(keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_sign_message__with_two_keys__has_a_signature_of_each() -> None:
    both = sign_message(parse_secrets(f"{NEW_SECRET} {SECRET}", "ops"), "msg_1", 5, b"{}")["webhook-signature"]
    alone = [
        sign_message(parse_secrets(each, "ops"), "msg_1", 5, b"{}")["webhook-signature"]
        for each in (NEW_SECRET, SECRET)
    ]
    assert both == " ".join(alone)


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "whsec_",
        "whsec_not base64",
        "whsec_" + base64.b64encode(b"s" * 23).decode(),
        "whsec_" + base64.b64encode(b"s" * 65).decode(),
        "whsec_" + "é" * 40,
        " ".join([SECRET] * 5),
    ],
)
def test_parse_secrets__of_a_malformed_secret__is_refused_and_not_shown(wrong: str) -> None:
    with pytest.raises(InvalidConfig) as refused:
        parse_secrets(wrong, "ops")
    assert "ops" in str(refused.value)
    assert not wrong.removeprefix("whsec_")[:12].strip() or wrong.removeprefix("whsec_")[:12] not in str(refused.value)


@pytest.mark.parametrize("size", [24, 64])
def test_parse_secrets__of_the_shortest_and_the_longest__is_taken(size: int) -> None:
    assert parse_secrets("whsec_" + base64.b64encode(b"s" * size).decode(), "ops") == (b"s" * size,)


# ---------------------------------------------------------------------- messages


@pytest.mark.parametrize(
    ("notice", "data"),
    [
        (build_notice(), {"holder": HOLDER, "credits": "7"}),
        (build_notice(kind=NoticeKind.LOT_ENDS, end=9), {"holder": HOLDER, "credits": "7", "endsAt": 9}),
        (build_notice(kind=NoticeKind.ACCESS_ENDS, end=9), {"holder": HOLDER, "endsAt": 9}),
        (
            build_notice(kind=NoticeKind.SESSION_OPENED, end=9, about="0505"),
            {"holder": HOLDER, "session": "0505", "maxCredits": "7", "endsAt": 9},
        ),
        (
            build_notice(kind=NoticeKind.SETTLEMENT_FAILED, about="0xab"),
            {"redeemer": HOLDER, "holders": 7, "transaction": "0xab"},
        ),
        (
            build_notice(kind=NoticeKind.SETTLEMENT_FAILED, about="NotSent"),
            {"redeemer": HOLDER, "holders": 7, "error": "NotSent"},
        ),
        (
            build_notice(kind=NoticeKind.SETTLEMENT_STUCK, about="0xab"),
            {"redeemer": HOLDER, "holders": 7, "transaction": "0xab"},
        ),
    ],
)
def test_build_message__of_each_kind__says_what_has_happened(notice: Notice, data: dict[str, Any]) -> None:
    told = json.loads(build_message(notice))
    assert told == {
        "type": next(name for name, kind in EVENTS.items() if kind is notice.kind),
        "timestamp": "2027-01-15T08:00:00Z",
        "data": {"planId": str(PLAN), **data},
    }
    assert set(EVENTS.values()) == set(NoticeKind)


# ---------------------------------------------------------------------- a sender that runs


class Receiver(Upstream):
    """The operator's program. It answers with statuses in turn, the last one again and again."""

    def __init__(self, *statuses: int, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        super().__init__()
        self.statuses, self.headers = [*(statuses or (204,))], headers
        self.answers["/hook"] = Receiver.answer_hook

    async def answer_hook(self, scope: Any, receive: Any, send: Any) -> None:
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        await reply(send, b"" if status == 204 else b"no", status, self.headers)

    def check(self, *secrets: str) -> list[str]:
        """Check the signatures of all messages as a receiver would, and return their ids in order."""
        return [check(seen, *secrets) for seen in self.seen]


def check(seen: Any, *secrets: str) -> str:
    """Check one message by its headers, and return its id."""
    name, second = seen.header("webhook-id"), seen.header("webhook-timestamp")
    assert abs(int(second) - time.time()) < 300
    signed = f"{name}.{second}.{seen.body.decode()}".encode()
    found = [part.removeprefix("v1,") for part in seen.header("webhook-signature").split()]
    for secret in secrets:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        assert base64.b64encode(hmac.digest(key, signed, "sha256")).decode() in found
    assert len(found) == len(secrets)
    return str(name)


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Writer]:
    """Books in a file."""
    writer = Writer(open_books(str(tmp_path / "meter.db")))
    yield writer
    writer.close()


def write_notices(writer: Writer, *numbers: int) -> None:
    """Write notices that are due now."""

    def work(store: Store) -> None:
        with store.asking() as pen:
            now = read_now(pen)
            add_notices(
                pen,
                [
                    Notice(bytes([number]) * 32, NoticeKind.LOW_BALANCE, PLAN, HOLDER, number, 0, now, now)
                    for number in numbers
                ],
            )

    writer.run(work)


def hurry(writer: Writer) -> None:
    """Let all that waits be due now."""

    def work(store: Store) -> None:
        with store.asking() as pen:
            pen.change("UPDATE deliveries SET due_at = 0 WHERE state = 0")

    writer.run(work)


@asynccontextmanager
async def sending(
    writer: Writer, urls: dict[str, str], *, seconds: float = 15, find_keys: Any = None
) -> AsyncIterator[Workers]:
    """Run a sender of webhooks."""
    hooks = {name: WebhookSettings(name, url, SECRET) for name, url in urls.items()}
    targets = {name: Target(name, hook.kinds) for name, hook in hooks.items()}
    keys = find_keys or (lambda name: parse_secrets(SECRET, name))
    workers = Workers(lambda _: None, again_seconds=0.01)
    sender = WebhookSender(writer, hooks, targets, keys, on_trouble=lambda _: None, seconds=seconds)
    task = asyncio.ensure_future(workers.keep("webhook sender", lambda: sender.run(0.02)))
    try:
        yield workers
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(holds: Callable[[], bool], seconds: float = SOON) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not await asyncio.to_thread(holds):
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.01)


def read_states(writer: Writer) -> dict[str, tuple[int, int]]:
    """Return how many messages of each webhook wait and were given up."""
    return {each.webhook: (each.waiting, each.given_up) for each in writer.run(count_deliveries)}


def read_counts(writer: Writer) -> list[tuple[Any, ...]]:
    def work(store: Store) -> list[tuple[Any, ...]]:
        with store.asking() as pen:
            return [
                tuple(row) for row in pen.ask("SELECT state, count(*) FROM deliveries GROUP BY state ORDER BY state")
            ]

    return writer.run(work)


def test_sender__of_notices__sends_each_once_with_a_good_signature(books: Writer) -> None:
    receiver = Receiver()

    async def act(url: str) -> None:
        async with sending(books, {"ops": f"{url}/hook?team=7"}):
            await until(lambda: read_counts(books) == [(1, 20)])

    write_notices(books, *range(1, 21))
    with served(receiver) as url:
        asyncio.run(act(url))
    assert sorted(receiver.check(SECRET)) == sorted(name_message(build_notice(number)) for number in range(1, 21))
    assert {(seen.method, seen.target, seen.header("content-type")) for seen in receiver.seen} == {
        ("POST", "/hook?team=7", "application/json")
    }
    assert sorted(json.loads(seen.body)["data"]["credits"] for seen in receiver.seen) == sorted(map(str, range(1, 21)))


def test_sender__whose_receiver_fails__sends_the_same_message_again_after_a_pause(books: Writer) -> None:
    receiver = Receiver(500, 302, 204, headers=((b"location", b"/elsewhere"),))

    async def act(url: str) -> None:
        async with sending(books, {"ops": f"{url}/hook"}):
            for count in (1, 2):
                await until(lambda count=count: len(receiver.seen) == count)  # type: ignore[misc]
                await until(lambda: read_trouble(books) != "")
                assert read_states(books) == {"ops": (1, 0)}
                hurry(books)
            await until(lambda: read_counts(books) == [(1, 1)])

    write_notices(books, 1)
    with served(receiver) as url:
        asyncio.run(act(url))
    assert len(set(receiver.check(SECRET))) == 1
    assert len({seen.body for seen in receiver.seen}) == 1
    assert [seen.target for seen in receiver.seen] == ["/hook"] * 3  # no redirect was followed


def read_trouble(writer: Writer) -> str:
    def work(store: Store) -> str:
        with store.asking() as pen:
            return str(pen.ask("SELECT trouble FROM deliveries WHERE due_at > 1000")[0][0])

    try:
        return writer.run(work)
    except IndexError:
        return ""


@pytest.mark.parametrize(
    ("status", "trouble"), [(410, "it answered with status 410"), (503, "it answered with status 503")]
)
def test_sender__at_the_end__keeps_a_dead_letter_that_can_be_sent_again(
    books: Writer, status: int, trouble: str
) -> None:
    receiver = Receiver(status)

    async def act(url: str) -> None:
        async with sending(books, {"ops": f"{url}/hook"}):
            if status != 410:
                await until(lambda: len(receiver.seen) == 1)
                await until(lambda: read_trouble(books) != "")
                books.run(skip_attempts)
                hurry(books)
            await until(lambda: read_states(books) == {"ops": (0, 1)})
            (dead,) = await asyncio.to_thread(books.run, lambda store: list_dead(store, 10))
            assert dead.trouble == trouble
            receiver.statuses = [200]
            assert await asyncio.to_thread(books.run, send_again) == 1
            await until(lambda: read_counts(books) == [(1, 1)])

    write_notices(books, 1)
    with served(receiver) as url:
        asyncio.run(act(url))
    assert len(set(receiver.check(SECRET))) == 1


def skip_attempts(store: Store) -> None:
    with store.asking() as pen:
        pen.change("UPDATE deliveries SET attempt = ?", (MOST_ATTEMPTS - 1,))


def test_sender__with_a_receiver_that_hangs__delays_no_other_and_has_few_open(books: Writer) -> None:
    good, hanging = Receiver(), Receiver()
    held = threading.Event()

    async def hang(upstream: Any, scope: Any, receive: Any, send: Any) -> None:
        await until_gone(receive, held)

    hanging.answers["/hook"] = hang

    async def act(bad: str, url: str) -> None:
        async with sending(books, {"slow": f"{bad}/hook", "good": f"{url}/hook"}, seconds=1):
            await until(lambda: len(good.seen) == 30)
            assert len(hanging.seen) <= MOST_OPEN
            await until(held.is_set)
            await until(lambda: read_counts(books) == [(0, 30), (1, 30)])

    write_notices(books, *range(1, 31))
    with served(hanging) as bad, served(good) as url:
        asyncio.run(act(bad, url))
    troubles = books.run(read_troubles)
    assert "it did not answer within 1 seconds" in troubles


def read_troubles(store: Store) -> set[str]:
    with store.asking() as pen:
        return {str(row[0]) for row in pen.ask("SELECT DISTINCT trouble FROM deliveries")}


async def answer_too_much(upstream: Any, scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    gone = asyncio.ensure_future(until_gone(receive, upstream.gone))
    while not gone.done():
        await send({"type": "http.response.body", "body": bytes(65_536), "more_body": True})
        await asyncio.sleep(0)


def test_sender__with_an_answer_without_an_end__reads_no_more_than_its_status(books: Writer) -> None:
    receiver = Receiver()
    receiver.answers["/hook"] = answer_too_much

    async def act(url: str) -> None:
        async with sending(books, {"ops": f"{url}/hook"}):
            await until(lambda: read_counts(books) == [(1, 1)])
            await until(receiver.gone.is_set)

    write_notices(books, 1)
    with served(receiver) as url:
        asyncio.run(act(url))


def test_sender__without_a_connection__says_so_and_does_not_show_the_url(books: Writer) -> None:
    with served(Receiver()) as url:
        pass  # nobody listens there any more

    async def act() -> None:
        async with sending(books, {"ops": f"{url}/hook/secret-in-the-path"}):
            await until(lambda: read_trouble(books) != "")

    write_notices(books, 1)
    asyncio.run(act())
    assert read_trouble(books) == "there is no connection to it"


def test_sender__that_fails_by_a_mistake__is_told_and_begins_again(
    books: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    receiver, failures = Receiver(), iter((True, False))

    def find_keys(name: str) -> tuple[bytes, ...]:
        if next(failures, False):
            raise RuntimeError("a mistake")
        return parse_secrets(SECRET, name)

    async def act(url: str) -> None:
        async with sending(books, {"ops": f"{url}/hook"}, find_keys=find_keys) as workers:
            await until(lambda: bool(workers.list_troubles()))
            assert [(each["worker"], each["error"]) for each in workers.list_troubles()] == [
                ("webhook sender", "RuntimeError")
            ]
            hurry(books)
            await until(lambda: read_counts(books) == [(1, 1)])
            assert b'nvm_worker_failures_total{worker="webhook sender"} 1' in workers.write_metrics()

    write_notices(books, 1)
    with served(receiver) as url:
        asyncio.run(act(url))
    assert "The webhook sender failed with RuntimeError, and begins again." in caplog.text
    assert "a mistake" in caplog.text  # the trace


# ---------------------------------------------------------------------- secrets


def test_webhook_keys__whose_secret_changes__sign_with_both_and_then_with_the_new_one(tmp_path: Path) -> None:
    places = SecretPlaces(tmp_path / "secrets.sealed", tmp_path / "gateway.key")
    sealed = SealedFile(places)
    sealed.make()
    sealed.put("hook", SECRET)
    clock = iter(range(100))
    troubles: list[Any] = []
    secrets = Secrets(places, tmp_path)
    keys = LiveSecrets(
        {"ops": "sealed:hook"}, secrets, parse_secrets, on_trouble=troubles.append, clock=lambda: next(clock)
    )
    assert keys.find("ops") == (b"s" * 32,)
    sealed.put("hook", f"{NEW_SECRET} {SECRET}")
    assert keys.find("ops") == (b"n" * 32, b"s" * 32)
    sealed.put("hook", "whsec_oops")
    assert keys.find("ops") == keys.find("ops") == (b"n" * 32, b"s" * 32)
    assert len(troubles) == 1
    assert "oops" not in str(troubles[0])
    sealed.put("hook", NEW_SECRET)
    assert keys.find("ops") == (b"n" * 32,)
    assert live_secrets.PAUSE_SECONDS == 1


def test_webhook_settings__shown__has_neither_url_nor_secret() -> None:
    shown = repr(WebhookSettings("ops", "https://hooks.example.com/T00/B00/token", SECRET))
    assert "token" not in shown
    assert SECRET not in shown


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "a b"},
        {"url": "ftp://example.com"},
        {"url": "https://user@example.com"},
        {"url": "https://example.com/#part"},
        {"url": "http:///hook"},
        {"events": ("balance.lo",)},
        {"events": ()},
    ],
)
def test_webhook_settings__that_cannot_be__is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfig):
        WebhookSettings(**{"name": "ops", "url": "https://example.com/hook", "secret": SECRET, **changes})


# ---------------------------------------------------------------------- a gateway


def test_gateway__with_webhooks__tells_of_a_low_balance(shop: Shop, upstream_url: str, tmp_path: Path) -> None:
    receiver = Receiver()
    with served(receiver) as url:
        hook = WebhookSettings("ops", f"{url}/hook", SECRET, ("balance.low",), shop.did)
        with shop.open(tmp_path, upstream_url, webhooks={"ops": hook}, low_balance=199_997) as gate:
            assert gate.paid("POST", "/ask", b"tea?").status_code == 200
            assert gate.paid("POST", "/ask", b"more?").status_code == 200
            end = time.monotonic() + SOON
            while not receiver.seen and time.monotonic() < end:
                threading.Event().wait(0.05)
    assert len(receiver.check(SECRET)) == 1
    told = json.loads(receiver.seen[0].body)
    assert (told["type"], told["data"]) == (
        "balance.low",
        {"planId": str(shop.credits_plan), "holder": gate.buyer.address, "credits": "199996"},
    )
