"""What an error keeps of text that may be a secret, wherever it shows the text."""

import pytest

from nvm_chain.errors import InvalidAmount, InvalidConfig, InvalidPlanId, KeyFailure, NvmChainError, RpcFailed
from nvm_chain.errors.secrets import hide_keys, hide_tokens
from nvm_chain.payments import Gateway
from nvm_chain.signing.key_files import write_new_keyfile
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.ids import parse_agent_id, parse_plan_id

KEY = "4f3edf983ac636a65a842ce7c78d9aa706d3b113bce9c46f30d7d21715b23b1d"
JWT = "eyJhbGciOiJIUzI1NiJ9.SECRETSECRET.signature"
REDEEMER = "0x" + "11" * 20


def shown(error: NvmChainError) -> str:
    return f"{error}{error!r}{error.args}{error.to_dict()}{error.fields}"


@pytest.mark.parametrize(
    "url", ["https://user:SECRET@g.example.com", "https://g.example.com/?api_key=SECRET", f"{JWT}"]
)
def test_gateway__of_a_url_with_a_password__does_not_repeat_it(url: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        Gateway(url, REDEEMER)
    assert "SECRET" not in shown(caught.value)


def test_gateway__of_a_url_with_a_key_in_its_path__does_not_show_it() -> None:
    gateway = Gateway("https://g.example.com/SECRET", REDEEMER)
    assert repr(gateway) == f"Gateway(url='https://g.example.com', redeemer='{REDEEMER}')"


@pytest.mark.parametrize("parse", [parse_plan_id, parse_agent_id])
@pytest.mark.parametrize("value", [f"0x{KEY} x", f"{KEY}0", f"key {KEY}", JWT, f"nvm:{JWT}"])
def test_parse_id__of_what_may_be_a_secret__does_not_repeat_it(parse: object, value: str) -> None:
    with pytest.raises(NvmChainError) as caught:
        parse(value)  # type: ignore[operator]
    assert KEY not in shown(caught.value)
    assert "SECRET" not in shown(caught.value)


def test_write_new_keyfile__of_a_key_as_its_path__does_not_repeat_it() -> None:
    with pytest.raises(KeyFailure) as caught:
        write_new_keyfile(f"/nope/0x{KEY}", "password")
    assert KEY not in shown(caught.value)


def test_check_uint__of_a_key__does_not_repeat_it() -> None:
    with pytest.raises(InvalidAmount) as caught:
        check_uint(f"0x{KEY}", 256, "credits")  # type: ignore[arg-type]
    assert KEY not in shown(caught.value)


def test_rpc_failed__with_a_url_in_the_nodes_words__does_not_repeat_its_password() -> None:
    assert "SECRET" not in shown(RpcFailed("upstream https://me:SECRET@host/ refused ?token=SECRET"))


@pytest.mark.parametrize(
    "text",
    [
        REDEEMER,
        "did:nv:" + "ab" * 31,
        "a@b.example",
        "https://host/path?page=2&monkeys=3",
        "https://host/users/@me",
        "eyJ",
        "the key is missing",
    ],
)
def test_hide__of_text_without_a_secret__changes_nothing(text: str) -> None:
    assert hide_tokens(text) == hide_keys(text) == text


def test_invalid_plan_id__of_a_near_miss__shows_what_was_given() -> None:
    assert InvalidPlanId("did:nv:12").problem == "'did:nv:12' is not a plan id."
