"""What `paywall` takes, and what of a browser's word it keeps. The browser itself is in test_streamlit.py."""

import subprocess
import time
from typing import Any

import pytest

from nvm_chain.errors import InvalidAgentId, InvalidConfig, MissingExtra
from nvm_chain.streamlit.paywall import _keep, _read_gateway, _read_token, paywall
from tests.browser.streamlit_serving import PYTHON, ROOT

DID = "did:nv:" + "00" * 31 + "07"
URL = "https://gateway.example.com/services/did/ask"
TOKEN = "t" * 43


def told(**changes: Any) -> dict[str, Any]:
    return {"token": TOKEN, "end": int(time.time()) + 60, **changes}


@pytest.mark.parametrize("did", ["", "did:nv:1", "tea", -1])
def test_paywall__of_something_else_than_an_agent__raises(did: Any) -> None:
    with pytest.raises(InvalidAgentId):
        paywall(did, gateway="https://gateway.example.com")


@pytest.mark.parametrize(
    ("gateway", "more"),
    [
        ("gateway.example.com", {}),
        ("ftp://gateway.example.com", {}),
        ("javascript:alert(1)", {}),
        ("https://user@gateway.example.com", {}),
        ("https://gateway.example.com?x=1", {}),
        ("https://gateway.example.com:0", {}),
        ("https://[", {}),
        ("https://gateway.example.com", {"path": "ask"}),
        ("https://gateway.example.com", {"key": "nvm"}),
    ],
)
def test_paywall__of_what_cannot_work__raises(gateway: str, more: dict[str, str]) -> None:
    with pytest.raises(InvalidConfig):
        paywall(DID, gateway=gateway, **more)  # type: ignore[arg-type]


def test_paywall__without_streamlit__says_what_to_install() -> None:
    with pytest.raises(MissingExtra, match=r"nvm-chain\[streamlit\]"):
        paywall(DID, gateway="https://gateway.example.com")


@pytest.mark.parametrize(
    ("gateway", "base", "origin"),
    [
        ("https://Gateway.example.com/", "https://Gateway.example.com", "https://gateway.example.com"),
        ("https://g.example.com:443/pay", "https://g.example.com:443/pay", "https://g.example.com"),
        ("http://127.0.0.1:8402", "http://127.0.0.1:8402", "http://127.0.0.1:8402"),
        ("http://[::1]:8402", "http://[::1]:8402", "http://[::1]:8402"),
    ],
)
def test_read_gateway__of_a_url__has_the_origin_as_browsers_write_it(gateway: str, base: str, origin: str) -> None:
    assert _read_gateway(gateway) == (base, origin)


@pytest.mark.parametrize(
    "word",
    [
        None,
        "token",
        [],
        {},
        told(token=None),
        told(token=7),
        told(token="short"),
        told(token="t" * 5_000),
        told(token="with a space and more"),
        told(token="with-a-line\r\nX-Header: 1"),
        told(end=None),
        told(end="9e9"),
        told(end=time.time() + 60.5),
        told(end=int(time.time()) - 1),
    ],
)
def test_read_token__of_what_is_no_token_or_has_ended__is_none(word: Any) -> None:
    assert _read_token(word) is None


def test_keep__of_a_token__keeps_it_until_there_is_none() -> None:
    state: dict[str, Any] = {}
    assert _keep(state, _read_token(told()), URL) == {"jwt": TOKEN, "url": URL}
    assert state == {"nvm": {"jwt": TOKEN, "url": URL}}
    assert _keep(state, None, URL) is None
    assert state == {}


def test_keep__without_a_token__leaves_that_of_another_paywall() -> None:
    state = {"nvm": {"jwt": TOKEN, "url": f"{URL}/other"}}
    assert _keep(state, None, URL) is None
    assert state == {"nvm": {"jwt": TOKEN, "url": f"{URL}/other"}}


def test_paywall__in_an_app_without_a_browser__shows_the_component_and_blocks_nothing_below() -> None:
    app = f"""
import streamlit as st
from nvm_chain.streamlit import paywall
st.write(paywall({DID!r}, gateway="https://gateway.example.com"))
st.write("below")
"""
    program = f"""
from streamlit.testing.v1 import AppTest
seen = AppTest.from_string({app!r}, default_timeout=60).run()
print([each.type for each in seen.main], [each.message for each in seen.exception], "nvm" in seen.session_state)
"""
    command = [str(PYTHON), "-W", "ignore", "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "['main', 'bidi_component', 'markdown', 'markdown'] [] False\n"
