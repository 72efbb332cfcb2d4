"""Downloads of a buyer whose earlier vouchers are not known here: the ceiling is corrected once from the gateway's refusal."""

from pathlib import Path
from typing import Any

import pytest

from nvm_chain.errors import DownloadFailed, InsufficientCredits
from nvm_chain.payments import file_payments
from nvm_chain.payments.tokens import sign_request
from nvm_chain.signing.vouchers import SignedVoucher
from nvm_chain.storage.http import Answer
from tests.gateway.shop import Shop
from tests.gateway.test_files import COST, FileGate, fill, open_buyer, publish, read_places, wait_for_order

EARLIER = 5
"""How many requests were served before, of which the next program knows nothing."""
FILES = [{"url": "gateway:numbers.csv"}, {"url": "gateway:2026/tea%20list.txt", "name": "tea.txt"}]


def open_files(shop: Shop, folder: Path, files: list[dict[str, str]]) -> Any:
    """Run a gateway in front of files of an asset."""
    return publish(shop, files).open(folder, "", files=fill(folder), public_url=None, auth=None)


def serve_earlier(gate: FileGate) -> None:
    """Serve some requests that are not settled."""
    wait_for_order(gate)
    for _ in range(EARLIER):
        assert gate.fetch("/numbers.csv").status_code == 200
    gate.wait_for("charged", str(EARLIER * COST))


@pytest.mark.parametrize("count", [1, 2])
def test_download_file__after_requests_that_are_not_known__is_corrected_and_paid_once(
    shop: Shop, tmp_path: Path, count: int
) -> None:
    target = tmp_path / "mine"
    target.mkdir()
    with open_files(shop, tmp_path, FILES[:count]) as opened:
        gate = FileGate(opened.shop, opened.url, opened.buyer)
        serve_earlier(gate)
        buyer = open_buyer(gate)
        assert buyer.download_file(opened.shop.did, str(target)).success
        assert len(read_places(target)) == count
        gate.ceiling = (EARLIER + count) * COST
        gate.wait_for("charged", str((EARLIER + count) * COST))
        buyer.download_file(opened.shop.did, str(target), overwrite=True)  # the corrected ceiling is known now
        gate.ceiling += count * COST
        gate.wait_for("charged", str((EARLIER + 2 * count) * COST))


def answer_with(told: list[str], monkeypatch: pytest.MonkeyPatch) -> list[SignedVoucher]:
    """Let the gateway say other next ceilings, and return the vouchers that are signed."""
    signed: list[SignedVoucher] = []
    sign = sign_request

    def note(*arguments: Any, **named: Any) -> Any:
        found = sign(*arguments, **named)
        signed.append(found[0])
        return found

    def say(self: Any, answer: Answer) -> None:
        if told:
            self._told = int(told.pop(0))

    monkeypatch.setattr(file_payments, "sign_request", note)
    monkeypatch.setattr(file_payments.FilePayment, "note_refusal", say)
    return signed


def test_download_file__that_is_refused_again__is_not_signed_a_third_time(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "mine"
    target.mkdir()
    with open_files(shop, tmp_path, FILES[:1]) as opened:
        gate = FileGate(opened.shop, opened.url, opened.buyer)
        serve_earlier(gate)
        signed = answer_with(["3", "4", "5"], monkeypatch)
        with pytest.raises(DownloadFailed, match="402"):
            open_buyer(gate).download_file(opened.shop.did, str(target))
        assert [each.voucher.ceiling for each in signed] == [COST, 3]
        gate.ceiling = EARLIER * COST
        assert gate.wait_for("held", "0")["charged"] == str(EARLIER * COST)


@pytest.mark.parametrize(("told", "error"), [("1", DownloadFailed), (str(10**12), InsufficientCredits)])
def test_download_file__with_a_ceiling_that_is_no_correction__is_refused(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str, error: type[Exception]
) -> None:
    """A gateway that wants more than the account has gets no signature for it."""
    target = tmp_path / "mine"
    target.mkdir()
    with open_files(shop, tmp_path, FILES[:1]) as opened:
        gate = FileGate(opened.shop, opened.url, opened.buyer)
        serve_earlier(gate)
        signed = answer_with([told], monkeypatch)
        with pytest.raises(error):
            open_buyer(gate).download_file(opened.shop.did, str(target))
        assert [each.voucher.ceiling for each in signed] == [COST]
        assert read_places(target) == []
