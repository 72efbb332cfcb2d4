"""keys: read from a key file or the environment, and shown nowhere, whatever goes wrong."""

import io
import json
import logging
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import HexStr
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.chain.embedded import open_embedded
from nvm_chain.errors import KeyFailure, NvmChainError
from nvm_chain.signing.keys import read_key_from_environment, read_keyfile
from tests.support.reverts import reverts

CANARY = "0x" + "c0ffee" * 10 + "beef"
ADDRESS = Account.from_key(CANARY).address
PASSWORD = "correct horse battery staple"
VARIABLE = "NVM_TEST_KEY"
NO_KEY = ("it is not a private key", "give 0x and 64 hexadecimal digits")
MALFORMED = "its 'crypto' section is malformed"
RESTORE = "restore the file from a copy that nobody has changed"
PATH = "give the path of a key file"
OTHER_KEY = "it holds another key than that of the address in it"
KEYFILE = "give a key file as eth-account writes it"
NO_KEYFILE = "it has no 'crypto' section"
NO_JSON = "it is not JSON"


@pytest.fixture(scope="session")
def keyfile_content() -> dict[str, Any]:
    """An encrypted key file of the canary key, with few rounds: the tests of failures need no strength."""
    return Account.encrypt(HexStr(CANARY), PASSWORD, kdf="scrypt", iterations=2)


@pytest.fixture
def keyfile(tmp_path: Path, keyfile_content: dict[str, Any]) -> Path:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(keyfile_content), "utf-8")
    return path


@pytest.fixture
def everything_logged() -> Iterator[io.StringIO]:
    """What every logger says at DEBUG while the test runs."""
    stream, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(stream), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def assert_secret(text: str) -> None:
    """Insist that neither the canary key, nor half of it, nor the password is in a text."""
    lowered = text.lower()
    assert CANARY[2:34] not in lowered
    assert CANARY[34:] not in lowered
    assert str(int(CANARY, 16)) not in text
    assert PASSWORD not in text


def shown(error: BaseException) -> str:
    """Return all that Python and this package would show of an error."""
    return "\n".join([str(error), repr(error), repr(error.args), *traceback.format_exception(error)])


# ---------------------------------------------------------------------- environment


@pytest.mark.parametrize("value", [CANARY, CANARY[2:], CANARY.upper().replace("X", "x"), f" {CANARY}\n"])
def test_read_key_from_environment__of_a_key__gives_its_account(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(VARIABLE, value)
    assert read_key_from_environment(VARIABLE).address == ADDRESS


def test_read_key_from_environment__that_is_not_set__raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with reverts(
        KeyFailure(
            f"environment variable {VARIABLE}",
            "it is not set",
            f"set it first: `read -rs {VARIABLE}; export {VARIABLE}` keeps it out of the shell's history",
        )
    ):
        read_key_from_environment(VARIABLE)


GROUP_ORDER = "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
NO_KEYS = [
    "",
    "0x",
    CANARY[:-1],
    CANARY + "0",
    CANARY + "00",
    CANARY[:-1] + "g",
    "0x" + "0" * 64,
    GROUP_ORDER,
    "key",
    "0x" + "é" * 64,
]


@pytest.mark.parametrize("value", NO_KEYS, ids=range(len(NO_KEYS)))
def test_read_key_from_environment__of_no_key__raises_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(KeyFailure) as caught:
        read_key_from_environment(VARIABLE)
    assert caught.value.args == (f"environment variable {VARIABLE}", *NO_KEY)
    assert_secret(shown(caught.value))


def test_read_key_from_environment__given_the_key_for_the_name__does_not_show_it() -> None:
    with pytest.raises(KeyFailure) as caught:
        read_key_from_environment(CANARY)
    assert caught.value.reason == "it is not set"
    assert_secret(shown(caught.value))


# ---------------------------------------------------------------------- key files


def test_read_keyfile__with_its_password__gives_its_account(keyfile: Path) -> None:
    assert read_keyfile(keyfile, PASSWORD).address == read_keyfile(str(keyfile), PASSWORD).address == ADDRESS


def test_read_keyfile__with_pbkdf2__gives_its_account(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(Account.encrypt(HexStr(CANARY), PASSWORD, kdf="pbkdf2", iterations=2)), "utf-8")
    assert read_keyfile(path, PASSWORD).address == ADDRESS


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD + " "])
def test_read_keyfile__with_another_password__raises(keyfile: Path, password: str) -> None:
    with pytest.raises(KeyFailure) as caught:
        read_keyfile(keyfile, password)
    assert caught.value.args == (f"key file {keyfile}", "the password is wrong", "try the password again")
    assert_secret(shown(caught.value))


def test_read_keyfile__that_is_missing__raises(tmp_path: Path) -> None:
    path = tmp_path / "none.json"
    with reverts(KeyFailure(f"key file {path}", "cannot read it (No such file or directory)", PATH)):
        read_keyfile(path, PASSWORD)


def test_read_keyfile__that_is_a_folder__raises(tmp_path: Path) -> None:
    with reverts(KeyFailure(f"key file {tmp_path}", "cannot read it (Is a directory)", PATH)):
        read_keyfile(tmp_path, PASSWORD)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", NO_JSON),
        (b"no json", NO_JSON),
        (b"\xff\xfe", NO_JSON),
        (CANARY.encode(), NO_JSON),
        (b"[" * 100_000, NO_JSON),
        (b"[]", NO_KEYFILE),
        (b'"crypto"', NO_KEYFILE),
        (b"null", NO_KEYFILE),
        (b'{"address": "0x1"}', NO_KEYFILE),
        (b'{"crypto": {}, "version": 3}', MALFORMED),
        (b'{"crypto": null, "version": 3}', MALFORMED),
        (b'{"crypto": [], "version": 3}', MALFORMED),
        (b'{"crypto": {"kdf": "scrypt"}}', MALFORMED),
    ],
    ids=lambda value: repr(value)[:20] if isinstance(value, bytes) else "",
)
def test_read_keyfile__that_is_none__raises(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "key.json"
    path.write_bytes(content)
    with pytest.raises(KeyFailure) as caught:
        read_keyfile(path, PASSWORD)
    assert caught.value.args[:2] == (f"key file {path}", problem)
    assert_secret(shown(caught.value))


def paths_in(content: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the way to every value in a nested dictionary."""
    for key, value in content.items():
        yield (*path, key)
        if isinstance(value, dict):
            yield from paths_in(value, (*path, key))


def changed(
    content: dict[str, Any], path: tuple[str, ...], change: Callable[[dict[str, Any], str], None]
) -> dict[str, Any]:
    """Return a copy of a nested dictionary with one entry changed."""
    copied: dict[str, Any] = json.loads(json.dumps(content))
    inner = copied
    for key in path[:-1]:
        inner = inner[key]
    change(inner, path[-1])
    return copied


SKETCH = {
    "version": 3,
    "crypto": {
        "cipher": "aes-128-ctr",
        "cipherparams": {"iv": ""},
        "ciphertext": "",
        "kdf": "scrypt",
        "kdfparams": {"dklen": 32, "n": 2, "r": 8, "p": 1, "salt": ""},
        "mac": "",
    },
}
ENTRIES = list(paths_in(SKETCH))
WRONG_VALUES: list[Any] = [None, 0, -1, 2**70, "", "zz", CANARY, [], {}, True, 1.5]


def fail_or_succeed(path: Path, content: Any) -> None:
    """Read a key file, which must either give the account or raise a KeyFailure that shows no secret."""
    path.write_text(json.dumps(content), "utf-8")
    try:
        assert read_keyfile(path, PASSWORD).address == ADDRESS
    except KeyFailure as error:
        assert error.reason in {MALFORMED, NO_KEYFILE, OTHER_KEY, "the password is wrong"}
        assert_secret(shown(error))


@pytest.mark.parametrize("entry", ENTRIES, ids=".".join)
def test_read_keyfile__with_any_entry_missing_or_wrong__raises_key_failure_only(
    tmp_path: Path, keyfile_content: dict[str, Any], entry: tuple[str, ...]
) -> None:
    assert set(ENTRIES) <= set(paths_in(keyfile_content))
    path = tmp_path / "key.json"
    fail_or_succeed(path, changed(keyfile_content, entry, lambda inner, key: inner.pop(key)))
    for value in WRONG_VALUES:

        def replace(inner: dict[str, Any], key: str, value: object = value) -> None:
            inner[key] = value

        fail_or_succeed(path, changed(keyfile_content, entry, replace))


@pytest.mark.parametrize(
    ("name", "number"), [("dklen", 31), ("dklen", 33), ("dklen", 2**24), ("n", 2**30), ("p", 2**28)]
)
def test_read_keyfile__with_a_damaged_number__does_not_start_to_derive_a_key(
    tmp_path: Path, keyfile_content: dict[str, Any], name: str, number: int
) -> None:
    def damage(inner: dict[str, Any], key: str) -> None:
        inner[key] = number

    path = tmp_path / "key.json"
    path.write_text(json.dumps(changed(keyfile_content, ("crypto", "kdfparams", name), damage)))
    with reverts(KeyFailure(f"key file {path}", MALFORMED, RESTORE)):
        read_keyfile(path, PASSWORD)


@pytest.mark.parametrize("prefix", ["0x", ""])
def test_read_keyfile__whose_address_is_anothers__raises(
    tmp_path: Path, keyfile_content: dict[str, Any], prefix: str
) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps({**keyfile_content, "address": prefix + "11" * 20}))
    with reverts(KeyFailure(f"key file {path}", OTHER_KEY, RESTORE)):
        read_keyfile(path, PASSWORD)


@pytest.mark.parametrize("address", [ADDRESS, ADDRESS.lower()[2:], ADDRESS.upper()[2:], "", None])
def test_read_keyfile__whose_address_is_its_own_or_missing__gives_its_account(
    tmp_path: Path, keyfile_content: dict[str, Any], address: str | None
) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps({**keyfile_content, "address": address}))
    assert read_keyfile(path, PASSWORD).address == ADDRESS


def test_read_keyfile__of_any_size__reads_only_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps({"crypto": {}, "padding": " " * 20_000}))
    with reverts(KeyFailure(f"key file {path}", NO_JSON, KEYFILE)):
        read_keyfile(path, PASSWORD)


def test_read_keyfile__of_another_ciphertext__is_refused_by_its_mac(
    tmp_path: Path, keyfile_content: dict[str, Any]
) -> None:
    path, text = tmp_path / "key.json", keyfile_content["crypto"]["ciphertext"]
    other = text[:-1] + ("0" if text[-1] != "0" else "1")
    path.write_text(
        json.dumps(changed(keyfile_content, ("crypto", "ciphertext"), lambda inner, key: inner.update({key: other})))
    )
    with reverts(KeyFailure(f"key file {path}", "the password is wrong", "try the password again")):
        read_keyfile(path, PASSWORD)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["kdf", "mac", "crypto", "x"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(json_values)
def test_read_keyfile__of_any_json__raises_key_failure_only(
    tmp_path_factory: pytest.TempPathFactory, content: Any
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps({"version": 3, "crypto": content}), "utf-8")
    with pytest.raises(KeyFailure):
        read_keyfile(path, PASSWORD)


# ---------------------------------------------------------------------- where keys must not be


def test_account__printed__shows_no_key(keyfile: Path) -> None:
    account = read_keyfile(keyfile, PASSWORD)
    assert_secret(f"{account} {account!r} {account!s} {[account]!r}")


def spend(account: LocalAccount) -> NvmChainError:
    """Do with an account whatever signs, on a chain where it has no coin, and return the error."""
    chain = open_embedded()
    transaction: dict[str, Any] = {
        "to": account.address,
        "value": 0,
        "gas": 21_000,
        "nonce": 0,
        "chainId": 1,
        "gasPrice": 1,
    }
    account.sign_transaction(transaction)
    with pytest.raises(NvmChainError) as caught:
        chain.send(account, chain.credits.functions.setProtocolFee(0, account.address))
    return caught.value


def test_key__used_and_failing__is_in_no_log_and_no_error(
    monkeypatch: pytest.MonkeyPatch, keyfile: Path, everything_logged: io.StringIO
) -> None:
    monkeypatch.setenv(VARIABLE, CANARY)
    for account in (read_key_from_environment(VARIABLE), read_keyfile(keyfile, PASSWORD)):
        assert_secret(shown(spend(account)))
    with pytest.raises(KeyFailure):
        read_keyfile(keyfile, "wrong")
    logging.getLogger("nvm_chain").debug("the end")
    assert "the end" in everything_logged.getvalue()
    assert_secret(everything_logged.getvalue())
