"""The browser of the tests and its helpers: the wallet signs and refuses, the guard sees, axe finds."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data
from playwright.sync_api import Page, expect

from nvm_chain.chain.client import Chain
from tests.browser.axe import check_axe, find_axe
from tests.browser.conftest import NewPage
from tests.browser.guard import Guard
from tests.browser.wallet import Wallet
from tests.support.http_server import Server, run_server

POLICY = "default-src 'none'; script-src 'self'; connect-src *; frame-src *"
PAGE = """<!doctype html><html lang="en"><head><title>A page</title><script src="/page.js" defer></script></head><body>
<main><h1>A page</h1><button id="ask">Ask</button><output id="told"></output><output id="news"></output><ol></ol></main>
</body></html>"""
SCRIPT = """// Asks the wallet for what the address says, and writes what it answered.
const write = (id, text) => (document.getElementById(id).textContent = text);
const providers = [];
addEventListener('eip6963:announceProvider', ({ detail }) => {
  providers.push(detail.provider);
  document.querySelector('ol').append(Object.assign(document.createElement('li'), { textContent: detail.info.name }));
  detail.provider.on('accountsChanged', (accounts) => write('news', 'accounts ' + accounts));
  detail.provider.on('chainChanged', (chain) => write('news', 'chain ' + chain));
});
dispatchEvent(new Event('eip6963:requestProvider'));
document.getElementById('ask').onclick = async () => {
  try {
    const answers = [];
    for (const asked of JSON.parse(decodeURIComponent(location.hash.slice(1)))) answers.push(await providers[0].request(asked));
    write('told', 'answered ' + JSON.stringify(answers));
  } catch (error) {
    write('told', 'failed ' + error.code + ' ' + error.message);
  }
};
"""
CONNECT = {"method": "eth_requestAccounts"}
TYPED = {
    "types": {
        "EIP712Domain": [{"name": "chainId", "type": "uint256"}],
        "Cup": [{"name": "size", "type": "uint256"}],
    },
    "primaryType": "Cup",
    "domain": {"chainId": 31_337},
    "message": {"size": str(2**255)},
}


@pytest.fixture
def site(guard: Guard) -> Iterator[Server]:
    """A page with a strict policy, on loopback."""
    with run_server() as server:
        headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": POLICY}
        server.route("/", PAGE.encode(), headers=headers)
        server.route("/page.js", SCRIPT.encode(), headers={"Content-Type": "text/javascript"})
        server.route("/favicon.ico", b"", status=204)
        guard.allow(server.url)
        yield server


@pytest.fixture
def wallet(anvil_chain: Chain, site: Server) -> Iterator[Wallet]:
    """A wallet of two accounts that the site sees. What it does to the chain is undone."""
    wallet = Wallet(anvil_chain.label, list(anvil_chain.accounts[5:7]), origins=(site.url,))
    snapshot = wallet.ask_node("evm_snapshot", [])
    yield wallet
    wallet.switch_chain(31_337)
    wallet.ask_node("evm_revert", [snapshot])


def ask(page: Page, site: Server, *asked: dict[str, Any]) -> str:
    """Let the page ask its wallet, and return what it wrote."""
    page.goto("about:blank")
    page.goto(f"{site.url}/#{json.dumps(asked)}")
    page.get_by_role("button", name="Ask").click()
    told = page.locator("#told")
    expect(told).to_contain_text(re.compile("answered|failed"))
    return told.inner_text()


def read_answers(told: str) -> list[Any]:
    return list(json.loads(told.removeprefix("answered ")))


# ---------------------------------------------------------------------- the wallet


def test_wallet__is_announced__to_its_origin_only(wallet: Wallet, new_page: NewPage, site: Server) -> None:
    page = new_page(wallet)
    page.goto(site.url)
    expect(page.get_by_role("listitem")).to_have_text("Test wallet")
    page.goto(site.url.replace("127.0.0.1", "localhost"))
    expect(page.get_by_role("heading")).to_have_text("A page")
    expect(page.get_by_role("listitem")).to_have_count(0)
    assert wallet.asked == []


@pytest.fixture(autouse=True)
def allow_other_name(guard: Guard, site: Server) -> None:
    """Allow the same server by its other name."""
    guard.allow(site.url.replace("127.0.0.1", "localhost"))


def test_wallet__signs__as_the_account_that_is_chosen(wallet: Wallet, new_page: NewPage, site: Server) -> None:
    me = wallet.account.address
    text = {"method": "personal_sign", "params": [f"0x{b'tea'.hex()}", me]}
    typed = {"method": "eth_signTypedData_v4", "params": [me, json.dumps(TYPED)]}
    answers = read_answers(ask(new_page(wallet), site, CONNECT, text, typed))
    assert answers[0] == [me]
    assert Account.recover_message(encode_defunct(text="tea"), signature=answers[1]) == me
    assert Account.recover_message(encode_typed_data(full_message=TYPED), signature=answers[2]) == me
    assert wallet.asked == ["eth_requestAccounts", "personal_sign", "eth_signTypedData_v4"]


def test_wallet__sends_a_transaction__which_is_mined(
    wallet: Wallet, new_page: NewPage, site: Server, anvil_chain: Chain
) -> None:
    to = Account.create().address
    sent = {"from": wallet.account.address, "to": to, "value": "0x5"}
    ask(new_page(wallet), site, CONNECT, {"method": "eth_sendTransaction", "params": [sent]})
    assert int(str(wallet.ask_node("eth_getBalance", [to, "latest"])), 16) == 5


def test_wallet__before_it_is_connected__shows_no_account_and_signs_nothing(
    wallet: Wallet, new_page: NewPage, site: Server
) -> None:
    page = new_page(wallet)
    assert read_answers(ask(page, site, {"method": "eth_accounts"})) == [[]]
    told = ask(page, site, {"method": "personal_sign", "params": ["0x74", wallet.account.address]})
    assert told.startswith("failed 4100")


def test_wallet__of_a_person_who_refuses__fails_with_4001(wallet: Wallet, new_page: NewPage, site: Server) -> None:
    wallet.refuse.add("eth_requestAccounts")
    page = new_page(wallet)
    assert ask(page, site, CONNECT) == "failed 4001 User rejected the request."
    wallet.refuse.clear()
    assert read_answers(ask(page, site, CONNECT)) == [[wallet.account.address]]
    assert wallet.count("eth_requestAccounts") == 2


def test_wallet__whose_account_is_switched__tells_the_page_and_signs_for_the_new_one_only(
    wallet: Wallet, new_page: NewPage, site: Server
) -> None:
    page = new_page(wallet)
    old, new = wallet.accounts
    ask(page, site, CONNECT)
    wallet.switch_account(new)
    expect(page.locator("#news")).to_have_text(f"accounts {new.address}")
    sign = {"method": "personal_sign", "params": ["0x74", old.address]}
    assert ask(page, site, sign).startswith("failed 4100")


def test_wallet__whose_account_is_switched_while_it_is_asked__refuses_the_old_one(
    wallet: Wallet, new_page: NewPage, site: Server
) -> None:
    old, new = wallet.accounts
    wallet.before["personal_sign"] = lambda: wallet.choose(new)
    assert ask(
        new_page(wallet), site, CONNECT, {"method": "personal_sign", "params": ["0x74", old.address]}
    ).startswith("failed 4100")


def test_wallet__on_another_chain__refuses_typed_data_until_it_is_switched(
    wallet: Wallet, new_page: NewPage, site: Server
) -> None:
    page = new_page(wallet)
    page.goto(site.url)
    wallet.switch_chain(1)
    expect(page.locator("#news")).to_have_text("chain 0x1")
    typed = {"method": "eth_signTypedData_v4", "params": [wallet.account.address, json.dumps(TYPED)]}
    assert ask(page, site, CONNECT, typed).startswith("failed -32603 Provided chainId 31337 must match")
    switch = {"method": "wallet_switchEthereumChain", "params": [{"chainId": hex(31_337)}]}
    assert len(read_answers(ask(page, site, switch, typed))) == 2
    unknown = {"method": "wallet_switchEthereumChain", "params": [{"chainId": "0x1092"}]}
    assert ask(page, site, unknown).startswith("failed 4902")


# ---------------------------------------------------------------------- the guard


def test_guard__of_a_page_that_does_nothing_wrong__finds_nothing(page: Page, site: Server, guard: Guard) -> None:
    page.goto(site.url)
    assert [url for url in guard.asked if "favicon" not in url] == [f"{site.url}/", f"{site.url}/page.js"]
    assert guard.find() == []


def test_guard__of_a_page_that_asks_another_host__finds_the_url(page: Page, site: Server, guard: Guard) -> None:
    page.goto(site.url)
    with run_server() as other, page.expect_request(f"{other.url}/spy"):
        page.evaluate("url => { fetch(url).catch(() => 0) }", f"{other.url}/spy")
    assert guard.find() == [f"asked {other.url}/spy"]
    guard.forget()


def test_guard__of_a_page_whose_script_fails__finds_the_error(page: Page, site: Server, guard: Guard) -> None:
    page.goto(site.url)
    with page.context.expect_event("weberror"):
        page.evaluate("() => { setTimeout(() => { throw new Error('spilled') }) }")
    assert guard.find() == ["failed with spilled"]
    guard.forget()


def test_guard__of_a_page_that_its_policy_stops__finds_what_was_refused(page: Page, site: Server, guard: Guard) -> None:
    page.goto(site.url)
    with page.expect_console_message():
        page.evaluate("() => { document.body.append(Object.assign(document.createElement('script'), {text: '1'})) }")
    assert [line.partition(":")[0] for line in guard.find()] == ["was refused"]
    guard.forget()


# ---------------------------------------------------------------------- axe


def test_check_axe__of_a_page_for_everybody__finds_nothing(page: Page, site: Server) -> None:
    page.goto(site.url)
    check_axe(page)


def test_check_axe__of_a_field_without_a_label__fails_and_names_it(page: Page, site: Server) -> None:
    page.goto(site.url)
    page.evaluate("() => { document.querySelector('main').append(document.createElement('input')) }")
    assert [found["id"] for found in find_axe(page)] == ["label"]
    with pytest.raises(AssertionError, match=r"label \(critical\)"):
        check_axe(page)
