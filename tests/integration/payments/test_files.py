"""create_file and download_file: who has access gets what was declared and pays once; nobody pays for what did not come."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from nvm_chain import types as pricing
from nvm_chain.enums import Activation
from nvm_chain.errors import (
    CostOutOfRange,
    DownloadFailed,
    DownloadMismatch,
    InvalidConfig,
    InvalidMetadata,
    NoAccess,
    RedeemNotAllowed,
    RpcFailed,
    TargetExists,
    UnsafeFileName,
)
from nvm_chain.operations.agents import attach_plan
from nvm_chain.operations.settlement import settle_vouchers
from nvm_chain.payments import (
    Gateway,
    Payments,
    PlanMetadata,
    PlanRedemptionType,
    progress,
    read_service_token,
    set_redemption_type,
)
from nvm_chain.payments import file_downloads as downloading
from nvm_chain.types.atomic_files import Draft
from nvm_chain.types.ids import parse_agent_id
from nvm_chain.x402.payments import CreditsPayment, read_payment
from tests.integration.payments.conftest import PRICE
from tests.support.http_server import Request, Server
from tests.support.world import World

CONTENT = b"a,b\n1,2\n"
DECLARED = {"contentLength": len(CONTENT), "sha256": sha256(CONTENT).hexdigest()}


@pytest.fixture
def make_file(builder: Payments, file_server: Server) -> Callable[..., str]:
    """A factory of file assets with one file, served by the web server."""

    def make(plan: str, name: str = "file1.csv", content: bytes = CONTENT, cost: Any = 5, **declared: Any) -> str:
        entry = {"name": name, "url": file_server.route("/file1.csv", content), **declared}
        return builder.create_file(plan, "dataset", "Sample", "A sample", [entry], amount_of_credits=cost).did

    return make


@pytest.fixture
def holder(subscriber: Payments, credits_did: str) -> Payments:
    """The subscriber, who has ordered the plan."""
    subscriber.order_plan(credits_did)
    return subscriber


def balance(payments: Payments, did: str) -> int:
    """Return the account's credits."""
    return payments.get_plan_balance(did).balance


# ---------------------------------------------------------------------- create


def test_create_file__with_every_parameter__keeps_it(builder: Payments, credits_did: str) -> None:
    extras: dict[str, Any] = {
        "data_schema": "a,b",
        "sample_code": "print(1)",
        "files_format": "csv",
        "usage_example": "read it",
        "programming_language": "Python",
        "framework": "none",
        "task": "counting",
        "training_details": "no training",
        "variations": "one",
        "fine_tunable": False,
    }
    files = [{"url": "https://example.com/file1.csv", "name": "file1.csv", **DECLARED}]
    did = builder.create_file(
        credits_did, "model", "Sample", "A sample", files, **extras, amount_of_credits=3, tags=["csv"]
    ).did
    details = builder.get_file_details(did)
    assert details["metadata"]["files"] == files
    assert {name: details["metadata"][name] for name in ("agentType", "tags")} == {
        "agentType": "model",
        "tags": ["csv"],
    }
    assert details["metadata"]["fineTunable"] is False
    assert details["metadata"]["programmingLanguage"] == "Python"
    assert details["registry"]["plans"][0]["maxCredits"] == 3
    assert builder.get_asset_ddo(did)["service"][0]["attributes"]["main"]["files"] == files


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"asset_type": "agent"}, InvalidConfig),
        ({"files": []}, InvalidConfig),
        ({"files": [{"name": "x"}]}, InvalidMetadata),
        ({"files": [{"url": "file1.csv"}]}, InvalidMetadata),
        ({"files": [{"url": "https://u:p@example.com/a"}]}, ValueError),
        ({"amount_of_credits": 101}, CostOutOfRange),
        ({"amount_of_credits": "many"}, ValueError),
    ],
)
def test_create_file__with_what_cannot_be__registers_nothing(
    builder: Payments, credits_did: str, change: dict[str, Any], error: type[Exception], requests_made: list[str]
) -> None:
    values = {
        "asset_type": "file",
        "name": "x",
        "description": "",
        "files": [{"url": "https://example.com/a"}],
        **change,
    }
    with pytest.raises(error):
        builder.create_file(credits_did, **values)
    assert "eth_sendRawTransaction" not in requests_made


@pytest.mark.parametrize(("cost", "charged"), [(None, 1), (0, 0), ("7", 7)])
def test_create_file__amount_of_credits__is_what_a_download_costs(
    make_file: Callable[..., str], holder: Payments, credits_did: str, tmp_path: Path, cost: Any, charged: int
) -> None:
    result = holder.download_file(make_file(credits_did, cost=cost), str(tmp_path))
    assert balance(holder, credits_did) == 100 - charged
    assert bool(result.txHash) is bool(charged)


# ---------------------------------------------------------------------- download


@pytest.mark.parametrize("agreement", [None, "", "0x"])
def test_download_file__into_a_folder__is_there_and_paid_once(
    world: World, make_file: Callable[..., str], holder: Payments, credits_did: str, tmp_path: Path, agreement: Any
) -> None:
    did = make_file(credits_did, **DECLARED)
    result = holder.download_file(did, str(tmp_path), agreement)
    assert (result.success, result.files) == (True, (str(tmp_path / "file1.csv"),))
    assert (tmp_path / "file1.csv").read_bytes() == CONTENT
    assert balance(holder, credits_did) == 95
    (event,) = world.chain.read_transaction_events(world.chain.credits, "Redeemed", result.txHash)
    assert int.from_bytes(event["args"]["context"]) == parse_agent_id(did)


def test_download_file__to_a_path__has_that_name(
    make_file: Callable[..., str], holder: Payments, credits_did: str, tmp_path: Path
) -> None:
    holder.download_file(make_file(credits_did), str(tmp_path / "mine.csv"))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]


def test_download_file__of_several_files__comes_whole_and_costs_once(
    builder: Payments, holder: Payments, credits_did: str, file_server: Server, tmp_path: Path
) -> None:
    files = [{"url": file_server.route(f"/{n}.csv", CONTENT * n)} for n in (1, 2, 3)]
    did = builder.create_file(credits_did, "file", "Three", "", files, amount_of_credits=2).did
    assert len(holder.download_file(did, str(tmp_path)).files) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.csv", "2.csv", "3.csv"]
    assert balance(holder, credits_did) == 98


def test_download_file__without_access__fetches_and_changes_nothing(
    make_file: Callable[..., str], stranger: Payments, credits_did: str, file_server: Server, tmp_path: Path
) -> None:
    did = make_file(credits_did)
    with pytest.raises(NoAccess, match=credits_did):
        stranger.download_file(did, str(tmp_path))
    assert (file_server.seen, list(tmp_path.iterdir())) == ([], [])


@pytest.mark.parametrize(
    ("declared", "error"),
    [
        ({"sha256": "ab" * 32}, DownloadMismatch),
        ({"checksum": "ab" * 32, "checksumType": "SHA256"}, DownloadMismatch),
        ({"contentLength": len(CONTENT) - 1}, DownloadMismatch),
        ({"contentLength": len(CONTENT) + 1}, DownloadMismatch),
    ],
)
def test_download_file__that_is_not_as_declared__costs_nothing_and_leaves_nothing(
    make_file: Callable[..., str],
    holder: Payments,
    credits_did: str,
    tmp_path: Path,
    declared: dict[str, Any],
    error: type[Exception],
) -> None:
    with pytest.raises(error):
        holder.download_file(make_file(credits_did, **declared), str(tmp_path))
    assert (balance(holder, credits_did), list(tmp_path.iterdir())) == (100, [])


def test_download_file__of_which_one_is_missing__costs_nothing_and_leaves_nothing(
    builder: Payments, holder: Payments, credits_did: str, file_server: Server, tmp_path: Path
) -> None:
    files = [{"url": file_server.route("/a.csv", CONTENT)}, {"url": f"{file_server.url}/gone.csv"}]
    did = builder.create_file(credits_did, "file", "Two", "", files).did
    with pytest.raises(DownloadFailed, match="404"):
        holder.download_file(did, str(tmp_path))
    assert (balance(holder, credits_did), list(tmp_path.iterdir())) == (100, [])


def test_download_file__whose_payment_fails__leaves_nothing(
    make_file: Callable[..., str], holder: Payments, credits_did: str, tmp_path: Path, monkeypatch: Any
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise RpcFailed("it is busy")

    monkeypatch.setattr(downloading, "redeem_credits", refuse)
    with pytest.raises(RpcFailed):
        holder.download_file(make_file(credits_did), str(tmp_path))
    assert (balance(holder, credits_did), list(tmp_path.iterdir())) == (100, [])


def test_download_file__where_only_the_seller_redeems__is_no_access_of_the_holders(
    builder: Payments, subscriber: Payments, usdc: str, file_server: Server, tmp_path: Path
) -> None:
    price = pricing.get_erc20_price_config(PRICE, usdc, builder.account_address)
    credits = set_redemption_type(pricing.get_fixed_credits_config(10), PlanRedemptionType.ONLY_OWNER)
    plan = builder.plans.register_credits_plan(PlanMetadata("Owner's"), price, credits)["planId"]
    did = builder.create_file(plan, "file", "x", "", [{"url": file_server.route("/a.csv", CONTENT)}]).did
    subscriber.order_plan(plan)
    with pytest.raises(RedeemNotAllowed, match="ask the seller"):
        subscriber.download_file(did, str(tmp_path))
    assert (balance(subscriber, plan), file_server.seen) == (10, [])


@pytest.mark.parametrize("there", ["file1.csv", "mine.csv"])
def test_download_file__where_something_is__does_not_overwrite_it(
    make_file: Callable[..., str], holder: Payments, credits_did: str, tmp_path: Path, there: str
) -> None:
    (tmp_path / there).write_text("mine")
    destination = tmp_path if there == "file1.csv" else tmp_path / there
    with pytest.raises(TargetExists):
        holder.download_file(make_file(credits_did), str(destination))
    assert ((tmp_path / there).read_text(), balance(holder, credits_did)) == ("mine", 100)


@pytest.mark.parametrize("there", ["file1.csv", "mine.csv"])
def test_download_file__again_with_overwrite__replaces_it(
    make_file: Callable[..., str], holder: Payments, credits_did: str, tmp_path: Path, there: str
) -> None:
    destination, did = str(tmp_path if there == "file1.csv" else tmp_path / there), make_file(credits_did)
    holder.download_file(did, destination)
    (tmp_path / there).write_text("older")
    with pytest.raises(TargetExists, match="remove what is there"):
        holder.download_file(did, destination)
    assert holder.download_file(did, destination, overwrite=True).files == (str(tmp_path / there),)
    assert [path.name for path in tmp_path.iterdir()] == [there]
    assert ((tmp_path / there).read_bytes(), balance(holder, credits_did)) == (CONTENT, 90)


@pytest.mark.parametrize("has_links", [True, False])
def test_download_file__with_overwrite_that_fails_half_way__puts_back_what_was_there(
    builder: Payments,
    holder: Payments,
    credits_did: str,
    file_server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    has_links: bool,
) -> None:
    files = [{"url": file_server.route(f"/{n}.csv", CONTENT)} for n in (1, 2, 3)]
    did = builder.create_file(credits_did, "file", "Three", "", files).did
    (tmp_path / "1.csv").write_text("older")
    put = Draft.put

    def fail_at_the_third(self: Draft, *, overwrite: bool) -> None:
        if self.target.name == "3.csv":
            raise OSError(28, "No space left on device")
        put(self, overwrite=overwrite)

    def refuse(*_: Any) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(Draft, "put", fail_at_the_third)
    if not has_links:
        monkeypatch.setattr(Path, "hardlink_to", refuse)
    with pytest.raises(DownloadFailed, match="No space left"):
        holder.download_file(did, str(tmp_path), overwrite=True)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("1.csv", "older")]


@pytest.mark.parametrize(
    ("destination", "says"),
    [
        ("~/dl", "'~' is not a folder, so '~/dl' cannot be in it. Make the folder first; ~ is only a name here"),
        ("no/dl", "'no' is not a folder, so 'no/dl' cannot be in it. Make the folder first."),
        ("no/", "'no/' is not a folder. Make the folder first."),
        ("", "The destination is empty. Give a folder."),
    ],
)
def test_download_file__of_one_file_to_no_place__says_what_is_missing(
    make_file: Callable[..., str],
    holder: Payments,
    credits_did: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    destination: str,
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidConfig) as caught:
        holder.download_file(make_file(credits_did), destination)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "name", ["../evil.csv", "/etc/passwd", "..", "a\\b", "CON", "a\n.csv", "\u202etxt.exe", ".bashrc"]
)
def test_download_file__with_a_hostile_name__is_refused(
    builder: Payments,
    make_file: Callable[..., str],
    holder: Payments,
    credits_did: str,
    tmp_path: Path,
    name: str,
) -> None:
    with pytest.raises(UnsafeFileName):
        make_file(credits_did, name=name)
    hostile = {"name": "x", "files": [{"url": "https://example.com/a.csv", "name": name}]}
    did = builder.agents.register_agent(hostile, {}, [credits_did])["agentId"]  # as somebody without this check would
    with pytest.raises(UnsafeFileName):
        holder.download_file(did, str(tmp_path))
    assert (balance(holder, credits_did), list(tmp_path.iterdir())) == (100, [])


def test_download_file__to_no_folder__says_so(
    builder: Payments, holder: Payments, make_file: Callable[..., str], credits_did: str, tmp_path: Path
) -> None:
    did = make_file(credits_did)
    with pytest.raises(InvalidConfig, match="not a folder"):
        holder.download_file(did, str(tmp_path / "missing" / "file1.csv"))
    two = [{"url": "https://example.com/a.csv"}, {"url": "https://example.org/A.CSV"}]
    with pytest.raises(InvalidConfig, match="same name"):
        builder.create_file(credits_did, "file", "Same", "", two)
    same = builder.agents.register_agent({"name": "Same", "files": two}, {}, [credits_did])["agentId"]
    with pytest.raises(InvalidConfig, match="same name"):
        holder.download_file(same, str(tmp_path))
    two[1]["url"] = "https://example.org/b.csv"
    apart = builder.create_file(credits_did, "file", "Apart", "", two).did
    with pytest.raises(InvalidConfig, match="not a folder"):
        holder.download_file(apart, str(tmp_path / "one.csv"))


def test_download_file__of_a_service__has_no_files(builder: Payments, holder: Payments, credits_did: str) -> None:
    did = builder.create_agent(credits_did, "Echo", "", "fixed", "none").did
    with pytest.raises(InvalidConfig, match="no files"):
        holder.download_file(did, "/tmp")


@pytest.mark.parametrize("allowed", [True, False])
def test_download_file__from_this_machines_disk__only_where_it_was_allowed(
    world: World, builder: Payments, holder: Payments, credits_did: str, tmp_path: Path, allowed: bool
) -> None:
    (tmp_path / "source.csv").write_bytes(CONTENT)
    did = builder.create_file(credits_did, "file", "x", "", [{"url": (tmp_path / "source.csv").as_uri()}]).did
    payments = Payments(world.chain, world.subscriber, allow_file_urls=allowed)
    if allowed:
        assert payments.download_file(did, str(tmp_path / "copy.csv")).success
    else:
        with pytest.raises(DownloadFailed):
            payments.download_file(did, str(tmp_path / "copy.csv"))
    assert (tmp_path / "copy.csv").exists() is allowed


def test_download_file__where_something_comes_to_lie_meanwhile__keeps_it_and_says_what_was_paid(
    builder: Payments, holder: Payments, credits_did: str, file_server: Server, tmp_path: Path, monkeypatch: Any
) -> None:
    files = [{"url": file_server.route(f"/{n}.csv", CONTENT)} for n in (1, 2)]
    did = builder.create_file(credits_did, "file", "Two", "", files).did
    spend = downloading.spend

    def spend_and_write(*arguments: Any) -> str:
        transaction = spend(*arguments)
        (tmp_path / "2.csv").write_text("mine")
        return transaction

    monkeypatch.setattr(downloading, "spend", spend_and_write)
    with pytest.raises(DownloadFailed, match=r"0x[0-9a-f]{64}"):
        holder.download_file(did, str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["2.csv"]
    assert (tmp_path / "2.csv").read_text() == "mine"


# ---------------------------------------------------------------------- which plan


def test_download_file__with_an_agreement__uses_the_plan_of_that_order(
    world: World, holder: Payments, builder: Payments, credits_did: str, make_file: Callable[..., str], tmp_path: Path
) -> None:
    other = builder.create_credits_plan("Other", "", PRICE, world.chain.usdc or "", 100).did
    did = make_file(credits_did)
    builder.agents.remove_plan_from_agent(credits_did, did)
    attach_plan(builder.chain, world.builder, did, other, 2)
    attach_plan(builder.chain, world.builder, did, credits_did, 5)
    named = holder.order_plan(other, "invoice 7")
    mined = holder.order_plan(other)
    for n, agreement in enumerate((named.agreementId, mined.agreementId, named.txHash)):
        holder.download_file(did, str(tmp_path / f"{n}.csv"), agreement)
    assert (balance(holder, credits_did), balance(holder, other)) == (100, 200 - 3 * 2)


def test_download_file__with_an_agreement_of_something_else__is_refused(
    builder: Payments, holder: Payments, credits_did: str, usdc: str, make_file: Callable[..., str], tmp_path: Path
) -> None:
    did, other = make_file(credits_did), builder.create_credits_plan("Other", "", PRICE, usdc, 100).did
    order = holder.order_plan(other)
    minted = builder.mint_credits(other, 1, holder.account_address)
    for agreement, says in (
        (order.agreementId, "another plan"),
        (minted.userOpHash, "is not an order"),
        ("invoice 9", "not an order that was made here"),
    ):
        with pytest.raises(InvalidConfig, match=says):
            holder.download_file(did, str(tmp_path), agreement)
    assert list(tmp_path.iterdir()) == []


def test_download_file__on_a_plan_in_time__costs_nothing_while_it_is_open(
    world: World, make_file: Callable[..., str], subscriber: Payments, time_did: str, tmp_path: Path
) -> None:
    did = make_file(time_did)
    subscriber.order_plan(time_did)
    for n in range(2):
        assert subscriber.download_file(did, str(tmp_path / f"{n}.csv")).txHash == ""
    world.mine_at(world.now + 30 * 86_400)
    with pytest.raises(NoAccess):
        subscriber.download_file(did, str(tmp_path / "3.csv"))


def test_download_file__on_a_plan_that_starts_on_use__opens_the_window(
    builder: Payments, subscriber: Payments, make_file: Callable[..., str], usdc: str, tmp_path: Path
) -> None:
    price = pricing.get_erc20_price_config(PRICE, usdc, builder.account_address)
    credits = pricing.get_expirable_duration_config(86_400, 2, activation=Activation.ON_FIRST_USE)
    plan = builder.plans.register_time_plan(PlanMetadata("Later"), price, credits)["planId"]
    did = make_file(plan)
    subscriber.order_plan(plan)
    transactions = [subscriber.download_file(did, str(tmp_path / f"{n}.csv")).txHash for n in range(2)]
    assert [bool(transaction) for transaction in transactions] == [True, False]
    assert balance(subscriber, plan) == 1


# ---------------------------------------------------------------------- gateway


def read_credits(headers: Mapping[str, str]) -> CreditsPayment:
    """Return the payment with credits that a request brought."""
    payment = read_payment(headers["PAYMENT-SIGNATURE"])
    assert isinstance(payment, CreditsPayment)
    return payment


def test_download_file__from_the_gateway__carries_a_voucher_in_place_of_a_transaction(
    world: World,
    make_file: Callable[..., str],
    holder: Payments,
    credits_did: str,
    file_server: Server,
    tmp_path: Path,
) -> None:
    gateway = Gateway(file_server.url, world.builder.address)
    payments = Payments(world.chain, world.subscriber, gateway=gateway)
    did = make_file(credits_did, **DECLARED)
    result = payments.download_file(did, str(tmp_path))
    assert (result.success, result.txHash, balance(holder, credits_did)) == (True, "", 100)
    ((_, headers),) = file_server.seen
    payment = read_credits(headers)
    assert payment.binding is not None
    assert (payment.binding.service, payment.binding.method, payment.binding.target) == (did, "GET", "/file1.csv")
    voucher = payment.signed
    assert settle_vouchers(world.chain, world.builder, credits_did, [voucher]).credits == 5
    assert balance(holder, credits_did) == 95


def test_download_file__from_elsewhere__shows_no_voucher_to_strangers(
    world: World,
    make_file: Callable[..., str],
    holder: Payments,
    credits_did: str,
    file_server: Server,
    tmp_path: Path,
) -> None:
    gateway = Gateway("https://gateway.example.com", world.builder.address)
    payments = Payments(world.chain, world.subscriber, gateway=gateway)
    assert payments.download_file(make_file(credits_did), str(tmp_path)).txHash
    assert not {"Authorization", "PAYMENT-SIGNATURE"} & set(file_server.seen[0][1])


def test_download_file__from_a_gateway_that_fails__takes_back_the_voucher_that_was_not_served(
    world: World, builder: Payments, holder: Payments, credits_did: str, file_server: Server, tmp_path: Path
) -> None:
    payments = Payments(world.chain, world.subscriber, gateway=Gateway(file_server.url, world.builder.address))
    files = [{"url": file_server.route(f"/{n}.csv", CONTENT)} for n in (1, 2)]
    did = builder.create_file(credits_did, "file", "Two", "", files, amount_of_credits=5).did
    file_server.route("/2.csv", b"", status=503)
    with pytest.raises(DownloadFailed, match="503"):
        payments.download_file(did, str(tmp_path))
    file_server.route("/2.csv", CONTENT)
    assert len(payments.download_file(did, str(tmp_path)).files) == 2
    payments_seen = [read_credits(headers) for _, headers in file_server.seen]
    assert [each.signed.voucher.ceiling for each in payments_seen] == [5, 10, 10, 15]  # one for each file


def test_download_file__that_fails__takes_back_its_own_voucher_only(
    world: World, builder: Payments, holder: Payments, credits_did: str, file_server: Server, tmp_path: Path
) -> None:
    """What was signed meanwhile on another plan, or later on the same, stays signed."""
    payments = Payments(world.chain, world.subscriber, gateway=Gateway(file_server.url, world.builder.address))
    other = builder.create_credits_plan("Other", "", PRICE, world.chain.usdc or "", 100).did
    payments.order_plan(other)
    services = [builder.create_agent(plan, "A", "", "fixed", "none").did for plan in (credits_did, other)]

    def fail(request: Request) -> None:
        for service in services:
            payments.get_service_token(service)
        request.reply(b"", status=503)

    did = builder.create_file(
        credits_did, "file", "x", "", [{"url": file_server.route("/x.csv", fail)}], amount_of_credits=5
    ).did
    with pytest.raises(DownloadFailed):
        payments.download_file(did, str(tmp_path))
    tokens = [payments.get_service_token(service).accessToken for service in services]
    assert [read_service_token(token).voucher.ceiling for token in tokens] == [5 + 1 + 1, 1 + 1]


def test_download_file__of_several_large_files_on_a_terminal__shows_a_bar_for_each(
    builder: Payments,
    holder: Payments,
    credits_did: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "LARGE_FILE", 1)
    files = [{"url": "data:,a%2Cb", "name": f"{n}.csv"} for n in (1, 2)]
    did = builder.create_file(credits_did, "file", "Two", "", files).did
    holder.download_file(did, str(tmp_path))
    shown = capsys.readouterr().err
    assert all(name in shown for name in ("1.csv", "2.csv"))
