"""`nvm-chain gateway usage` and `webhooks`: what was used, as a sum and as lines, and what webhooks did not accept."""

import csv
import io
import json
from functools import partial

from nvm_chain.gateway.webhooks.events import name_message
from nvm_chain.meter.deliveries import Target
from nvm_chain.meter.notices import Notice, NoticeKind
from nvm_chain.meter.store.deliveries import hand_over, note_failed, take_deliveries
from nvm_chain.meter.store.forgetting_holds import raise_horizon
from nvm_chain.meter.store.notice_causes import add_notices
from nvm_chain.meter.store.notices import read_now
from nvm_chain.meter.store.payment_rows import NewPayment, PaymentPurpose, Place
from nvm_chain.meter.store.payments import claim_payment, note_by_hand, note_paid
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.usage import CHARGES
from nvm_chain.types.ids import format_did
from tests.integration.cli.conftest import Shell
from tests.integration.cli.test_cli_gateway import init
from tests.meter.settling_shop import open_shop
from tests.support.accounts import HOLDER, PLAN


def test_usage__of_books__is_a_sum_or_lines_that_add_up(shell: Shell) -> None:
    init(shell)
    with open_shop(shell.world, shell.folder, "meter.db") as shop:
        for ceiling, cost in ((30, 20), (40, 5)):
            shop.charge(shop.sign(ceiling), cost)
    answer = shell("gateway", "usage", "--json").json
    assert (answer["requests"], answer["credits"], answer["kept_since"]) == (2, "25", 0)
    assert answer["services"] == [{"service": format_did(7), "requests": 2, "credits": "25"}]
    assert "2 requests, 25 credits" in shell("gateway", "usage").stdout
    lines = shell("gateway", "usage", "--format", "jsonl").stdout.splitlines()
    rows = list(csv.DictReader(io.StringIO(shell("gateway", "usage", "--format", "csv").stdout)))
    assert [json.loads(line)["credits"] for line in lines] == [row["credits"] for row in rows] == ["20", "5"]
    assert {row["holder"] for row in rows} == {shell.world.subscriber.address}
    for more in (("--service", "8"), ("--to", "2020-01-01"), ("--from", "2999-01-01")):
        assert shell("gateway", "usage", *more, "--json").json["requests"] == 0
    assert shell("gateway", "usage", "--service", "7", "--from", "2020-01-01", "--json").json["requests"] == 2


def test_usage__from_a_second_that_no_book_has__says_the_largest_one(shell: Shell) -> None:
    init(shell)
    with open_shop(shell.world, shell.folder, "meter.db"):
        pass
    for option in ("--from", "--to"):
        refused = shell("gateway", "usage", option, str(2**64 - 1), "--json")
        assert (refused.exit_code, refused.error["type"]) == (2, "InvalidAmount")
        assert "must be from 0 to 9223372036854775807" in refused.error["message"]


def test_usage__of_a_period_that_begins_before_what_is_kept__says_so(shell: Shell) -> None:
    init(shell)
    with open_shop(shell.world, shell.folder, "meter.db") as shop:
        shop.writer.run(lambda store: _forget(store, 1_700_000_000))
    ran = shell("gateway", "usage", "--format", "csv")
    assert "before 2023-11-14 22:13:20 UTC may not be kept any more" in ran.stderr
    assert shell("gateway", "usage", "--from", "2024-01-01", "--format", "csv").stderr == ""


def _forget(store: Store, until: int) -> None:
    with store.asking() as pen:
        raise_horizon(pen, CHARGES, until)


def _give_up(store: Store) -> bytes:
    with store.asking() as pen:
        now = read_now(pen)
        add_notices(pen, [Notice(b"\7" * 32, NoticeKind.LOW_BALANCE, PLAN, HOLDER, 5, 0, now, now)])
    hand_over(store, [Target("ops", frozenset(NoticeKind))], 10)
    (delivery,) = take_deliveries(store, "ops", 10, 60)
    note_failed(store, delivery, "it answered with status 410", is_final=True)
    return delivery.notice.notice_id


def test_webhooks__that_were_given_up__are_listed_and_sent_again(shell: Shell) -> None:
    init(shell)
    with open_shop(shell.world, shell.folder, "meter.db") as shop:
        notice_id = shop.writer.run(_give_up)
    (dead,) = shell("gateway", "webhooks", "list", "--json").json["given_up"]
    assert (dead["webhook"], dead["event"], dead["attempts"]) == ("ops", "balance.low", 1)
    assert dead["reason"] == "it answered with status 410"
    assert "balance.low to ops" in shell("gateway", "webhooks", "list").stdout
    (counts,) = shell("gateway", "status", "--json").json["webhooks"]
    assert (counts["webhook"], counts["waiting"], counts["given_up"]) == ("ops", 0, 1)
    assert "0 waiting, 1 given up" in shell("gateway", "status").stdout
    assert shell("gateway", "webhooks", "resend", "--webhook", "other", "--json").json["due"] == 0
    message = dead["message"]
    assert message == name_message(Notice(notice_id, NoticeKind.LOW_BALANCE, PLAN, HOLDER, 5, 0, 0, 0))
    assert shell("gateway", "webhooks", "resend", "--message", message, "--json").json["due"] == 1
    assert shell("gateway", "webhooks", "list", "--json").json["given_up"] == []
    assert "nothing was given up" in shell("gateway", "webhooks", "list").stdout


def test_webhooks__resend_of_a_text_that_is_no_message__is_refused(shell: Shell) -> None:
    init(shell)
    ran = shell("gateway", "webhooks", "resend", "--message", "zz", "--json")
    assert ran.error["type"] == "InvalidMessage"


def test_payments__of_books__are_those_that_can_still_change_and_those_by_hand(shell: Shell) -> None:
    init(shell)
    address = shell.world.subscriber.address
    with open_shop(shell.world, shell.folder, "meter.db") as shop:
        for nonce in (1, 2):
            new = NewPayment(
                chain_id=shell.world.chain.chain_id,
                token=address,
                payer=address,
                nonce=bytes([nonce]) * 32,
                purpose=PaymentPurpose.ORDER,
                payee=address,
                value=20_000_000,
                valid_before=2_000_000_000,
                call_to=address,
                call_data=b"call",
                plan_id=PLAN,
            )
            shop.writer.run(partial(claim_payment, new=new))
        shop.writer.run(lambda store: note_paid(store, new.payment_id, Place(b"\7" * 32, 9, b"\x09" * 32)))
        shop.writer.run(lambda store: note_by_hand(store, new.payment_id, "the key is not a minter"))
    told = shell("gateway", "payments", "--json").json
    assert [each["state"] for each in told["payments"]] == ["claimed", "by hand"]
    only = shell("gateway", "payments", "--by-hand", "--json").json
    assert (only["by_hand"], len(only["payments"]), only["payments"][0]["reason"]) == (1, 1, "the key is not a minter")
    assert (only["payments"][0]["payment"], only["payments"][0]["amount"]) == (f"0x{new.payment_id.hex()}", "20000000")
    assert "by hand, order of" in shell("gateway", "payments").stdout
