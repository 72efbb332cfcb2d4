"""Secrets of a gateway: sealed under a key, rotated, read again without a restart, and shown by nothing (S7)."""

import base64
import logging
import pickle
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from nvm_chain.errors import InvalidConfig, KeyFailure, NvmChainError
from nvm_chain.gateway.configuration.parts import AuthKind, UpstreamAuth
from nvm_chain.gateway.sealing import sealed_files
from nvm_chain.gateway.sealing.keys import VARIABLE, make_key, read_keys, write_keys
from nvm_chain.gateway.sealing.references import MAX_VALUE, parse_reference
from nvm_chain.gateway.sealing.sealed_files import SealedFile, SecretPlaces
from nvm_chain.gateway.secrets import Secrets
from nvm_chain.gateway.settings import UpstreamHeader
from nvm_chain.gateway.upstream_headers import PAUSE, UpstreamHeaders, build_header
from nvm_chain.types.atomic_files import write_whole
from tests.gateway.files import CANARY, DID, age, seal


def places(folder: Path) -> SecretPlaces:
    """Return where the sealed secrets of a folder are."""
    return SecretPlaces(folder / "secrets.sealed", folder / "gateway.key")


def open_secrets(folder: Path, **environment: str) -> Secrets:
    """Return the secrets of a folder."""
    return Secrets(places(folder), folder, environment)


def fail(call: Callable[[], object]) -> NvmChainError:
    """Return the error of a call. It has a next step, and shows no canary."""
    with pytest.raises(NvmChainError) as caught:
        call()
    error = caught.value
    assert error.next_step
    assert CANARY not in f"{error}{error!r}{error.args}{error.to_dict()}{error.__context__!r}"
    return error


# ---------------------------------------------------------------------- the sealed file


def test_sealed_file__after_a_secret_was_stored__has_it_for_its_owner_only(tmp_path: Path) -> None:
    sealed = seal(tmp_path, service=CANARY)
    assert sealed.read().secrets == {"service": CANARY}
    for name in ("secrets.sealed", "gateway.key"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    content = (tmp_path / "secrets.sealed").read_bytes()
    assert CANARY.encode() not in content
    assert b"service" not in base64.urlsafe_b64decode(content)


def test_put__of_a_name_that_is_there__replaces_the_secret(tmp_path: Path) -> None:
    sealed = seal(tmp_path)
    assert (sealed.put("a", "1"), sealed.put("b", "2"), sealed.put("a", "3")) == (True, True, False)
    assert sealed.read().secrets == {"a": "3", "b": "2"}


def test_put__without_a_file_and_a_key__makes_both(tmp_path: Path) -> None:
    sealed = SealedFile(places(tmp_path), {})
    assert sealed.put("service", CANARY)
    assert SealedFile(places(tmp_path), {}).read().secrets == {"service": CANARY}


def test_put__with_a_file_whose_key_is_lost__makes_no_new_key(tmp_path: Path) -> None:
    sealed = seal(tmp_path, service=CANARY)
    (tmp_path / "gateway.key").unlink()
    error = fail(lambda: sealed.put("other", "x"))
    assert isinstance(error, KeyFailure)
    assert not (tmp_path / "gateway.key").exists()


def test_remove__of_a_secret__leaves_the_others(tmp_path: Path) -> None:
    sealed = seal(tmp_path, a="1", b="2")
    sealed.remove("a")
    assert sealed.read().secrets == {"b": "2"}
    assert "secret list" in fail(lambda: sealed.remove("a")).next_step


def test_make__again__leaves_key_and_secrets_as_they_are(tmp_path: Path) -> None:
    sealed = seal(tmp_path, service=CANARY)
    before = sealed.read()
    assert sealed.make() is False
    assert sealed.read() == before
    assert len(before.answer_key) == 32
    (tmp_path / "other").mkdir()
    assert before.answer_key != seal(tmp_path / "other").read().answer_key


@pytest.mark.parametrize("name", ["", "a b", "../x", "ä", "-x", "x" * 65, "a/b", f"{CANARY} "])
def test_put__under_a_malformed_name__is_refused(tmp_path: Path, name: str) -> None:
    sealed = seal(tmp_path)
    assert isinstance(fail(lambda: sealed.put(name, "x")), InvalidConfig)
    assert sealed.read().secrets == {}


@pytest.mark.parametrize("value", ["", f"{CANARY}\nX-Other: 1", f"{CANARY}\0", CANARY * MAX_VALUE, f"{CANARY}\x7f"])
def test_put__of_a_value_that_no_header_can_have__is_refused(tmp_path: Path, value: str) -> None:
    sealed = seal(tmp_path)
    assert isinstance(fail(lambda: sealed.put("service", value)), InvalidConfig)
    assert sealed.read().secrets == {}


def test_read__under_another_key__says_which_key_does_not_fit(tmp_path: Path) -> None:
    sealed = seal(tmp_path, service=CANARY)
    (tmp_path / "gateway.key").write_text(make_key())
    error = fail(sealed.read)
    assert isinstance(error, KeyFailure)
    assert f"it does not open {tmp_path / 'secrets.sealed'}" in error.problem


@pytest.mark.parametrize("at", [0, 40, -20])
def test_read__of_a_file_that_was_changed__is_refused(tmp_path: Path, at: int) -> None:
    sealed = seal(tmp_path, service=CANARY)
    path = tmp_path / "secrets.sealed"
    content = bytearray(path.read_bytes())
    content[at] = ord("A") if content[at] != ord("A") else ord("B")
    path.write_bytes(content)
    assert isinstance(fail(sealed.read), KeyFailure)


@pytest.mark.parametrize("text", [b"[]", b"{}", b'{"answer_key":"AA==","secrets":{"a":1}}', b"\xff", CANARY.encode()])
def test_read__of_something_else_under_the_right_key__is_refused(tmp_path: Path, text: bytes) -> None:
    sealed = seal(tmp_path)
    key = (tmp_path / "gateway.key").read_text().strip()
    (tmp_path / "secrets.sealed").write_bytes(Fernet(key).encrypt(text))
    assert "does not have the form of sealed secrets" in fail(sealed.read).problem


def test_read__of_a_later_form__says_what_to_install(tmp_path: Path) -> None:
    sealed = seal(tmp_path)
    key = (tmp_path / "gateway.key").read_text().strip()
    text = b'{"answer_key":"AA==","secrets":{},"version":2}'
    (tmp_path / "secrets.sealed").write_bytes(Fernet(key).encrypt(text))
    assert "install the version that did" in fail(sealed.read).next_step.lower()


def test_read__of_a_file_that_is_too_large__is_refused(tmp_path: Path) -> None:
    sealed = seal(tmp_path)
    (tmp_path / "secrets.sealed").write_bytes(b"A" * (sealed_files.MAX_FILE + 1))
    assert "larger than" in fail(sealed.read).problem


def test_put__by_many_threads__loses_no_secret(tmp_path: Path) -> None:
    seal(tmp_path)
    threads = [
        threading.Thread(target=lambda number=number: SealedFile(places(tmp_path), {}).put(f"s{number}", str(number)))
        for number in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert SealedFile(places(tmp_path), {}).read().secrets == {f"s{number}": str(number) for number in range(16)}


def test_put__in_a_folder_that_is_not_there__says_so(tmp_path: Path) -> None:
    sealed = SealedFile(SecretPlaces(tmp_path / "none" / "secrets.sealed", tmp_path / "gateway.key"), {})
    assert isinstance(fail(lambda: sealed.put("service", CANARY)), InvalidConfig)


# ---------------------------------------------------------------------- the key


def test_read_keys__of_the_environment__counts_more_than_the_file(tmp_path: Path) -> None:
    seal(tmp_path)
    key = make_key()
    found = read_keys(tmp_path / "gateway.key", {VARIABLE: key})
    assert (found.keys, found.path, found.source) == ((key,), None, f"environment variable {VARIABLE}")
    assert key not in repr(found)


def test_read_keys__of_openssl__takes_its_base64(tmp_path: Path) -> None:
    raw = bytes(range(251, 256)) * 6 + b"ab"
    standard = base64.b64encode(raw).decode()
    assert "/" in standard or "+" in standard
    sealed = SealedFile(places(tmp_path), {VARIABLE: standard})
    assert sealed.put("service", CANARY)
    assert (
        SealedFile(places(tmp_path), {VARIABLE: base64.urlsafe_b64encode(raw).decode()}).read().secrets["service"]
        == CANARY
    )
    assert not (tmp_path / "gateway.key").exists()


@pytest.mark.parametrize(
    "text",
    ["", "  ", CANARY, "A" * 43, "A" * 44, make_key() + "=", f"{make_key()} {CANARY}"],
    ids=["empty", "blank", "secret", "short", "not padded", "padded twice", "with more"],
)
@pytest.mark.parametrize("in_file", [True, False])
def test_read_keys__of_something_else__is_refused(tmp_path: Path, text: str, in_file: bool) -> None:
    path = tmp_path / "gateway.key"
    path.write_text(text)
    path.chmod(0o600)
    error = fail(lambda: read_keys(path, {} if in_file else {VARIABLE: text}))
    assert isinstance(error, KeyFailure)
    assert "openssl rand -base64 32" in error.next_step


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o666])
def test_read_keys__of_a_file_that_others_can_read__is_refused(tmp_path: Path, mode: int) -> None:
    sealed = seal(tmp_path, service=CANARY)
    (tmp_path / "gateway.key").chmod(mode)
    error = fail(sealed.read)
    assert "others can read the file" in error.problem
    assert f"chmod 600 {tmp_path / 'gateway.key'}" in error.next_step


@pytest.mark.parametrize("mode", [0o400, 0o600])
def test_read_keys__of_a_file_for_its_owner__is_taken(tmp_path: Path, mode: int) -> None:
    sealed = seal(tmp_path, service=CANARY)
    (tmp_path / "gateway.key").chmod(mode)
    assert sealed.read().secrets == {"service": CANARY}


def test_read_keys__of_a_link_to_the_file__follows_it(tmp_path: Path) -> None:
    seal(tmp_path, service=CANARY)
    (tmp_path / "gateway.key").rename(tmp_path / "elsewhere")
    (tmp_path / "gateway.key").symlink_to(tmp_path / "elsewhere")
    assert SealedFile(places(tmp_path), {}).read().secrets == {"service": CANARY}


def test_read_keys__without_any__says_how_to_make_one(tmp_path: Path) -> None:
    error = fail(lambda: read_keys(tmp_path / "gateway.key", {}))
    assert "nvm-chain gateway init" in error.next_step
    assert VARIABLE in error.next_step


# ---------------------------------------------------------------------- rotation


def test_rotate__of_a_key_file__makes_the_old_key_worthless_and_keeps_the_secrets(tmp_path: Path) -> None:
    sealed = seal(tmp_path, service=CANARY)
    old, before = (tmp_path / "gateway.key").read_text().strip(), sealed.read()
    assert len(sealed.rotate().keys) == 1
    assert (tmp_path / "gateway.key").read_text().strip() != old
    assert sealed.read() == before
    assert isinstance(fail(SealedFile(places(tmp_path), {VARIABLE: old}).read), KeyFailure)
    assert (tmp_path / "gateway.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("writes", [1, 2, 3])
def test_rotate__that_ends_after_each_of_its_writes__leaves_secrets_that_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    sealed = seal(tmp_path, service=CANARY)
    left = [writes]

    def stop_after(write: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*arguments: object, **named: object) -> object:
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            return write(*arguments, **named)

        return wrapped

    with monkeypatch.context() as patch:
        patch.setattr(sealed_files, "write_keys", stop_after(write_keys))
        patch.setattr(sealed_files, "write_whole", stop_after(write_whole))
        if writes < 3:
            with pytest.raises(KeyboardInterrupt):
                sealed.rotate()
        else:
            sealed.rotate()
    assert SealedFile(places(tmp_path), {}).read().secrets == {"service": CANARY}
    sealed.rotate()
    assert SealedFile(places(tmp_path), {}).read().secrets == {"service": CANARY}
    assert len((tmp_path / "gateway.key").read_text().split()) == 1


def test_rotate__of_keys_in_the_environment__seals_with_the_first(tmp_path: Path) -> None:
    old, new = make_key(), make_key()
    SealedFile(places(tmp_path), {VARIABLE: old}).put("service", CANARY)
    error = fail(SealedFile(places(tmp_path), {VARIABLE: old}).rotate)
    assert "put a new one and a comma before it" in error.next_step.lower()
    SealedFile(places(tmp_path), {VARIABLE: f"{new},{old}"}).rotate()
    assert SealedFile(places(tmp_path), {VARIABLE: new}).read().secrets == {"service": CANARY}
    assert isinstance(fail(SealedFile(places(tmp_path), {VARIABLE: old}).read), KeyFailure)


def test_read__between_the_writes_of_a_rotation__reads_the_keys_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that has the old keys finds a file that is sealed with the new one."""
    sealed = seal(tmp_path, service=CANARY)
    read_once, reads = sealed.read_keys, list[int]()

    def read_and_rotate() -> object:
        keys = read_once()
        if not reads:
            reads.append(1)
            SealedFile(places(tmp_path), {}).rotate()
        return keys

    monkeypatch.setattr(sealed, "read_keys", read_and_rotate)
    assert sealed.read().secrets == {"service": CANARY}


# ---------------------------------------------------------------------- references


def test_resolve__of_each_kind__returns_the_secret(tmp_path: Path) -> None:
    seal(tmp_path, service=f"{CANARY}-sealed")
    (tmp_path / "token.txt").write_text(f"{CANARY}-file\r\n")
    secrets = open_secrets(tmp_path, TOKEN=f"{CANARY}-env")
    assert secrets.resolve("env:TOKEN") == f"{CANARY}-env"
    assert secrets.resolve("file:token.txt") == secrets.resolve(f"file:{tmp_path}/token.txt") == f"{CANARY}-file"
    assert secrets.resolve("sealed:service") == f"{CANARY}-sealed"
    assert CANARY not in repr(secrets)


@pytest.mark.parametrize(
    ("reference", "advice"),
    [
        ("env:MISSING", "set it before the gateway starts"),
        ("env:EMPTY", "put the secret there"),
        ("env:LINES", "on one line"),
        ("file:none.txt", "let this user read it"),
        ("file:.", "let this user read it"),
        ("file:binary", "as one line of text"),
        ("file:empty", "put the secret there"),
        ("file:long", "alone there"),
        ("sealed:other", "nvm-chain gateway secret set other"),
        (CANARY, "sealed:NAME"),
        (f"vault:{CANARY}", "sealed:NAME"),
        ("env:", "env:WEATHER_TOKEN"),
        (f"env:{CANARY}-", "env:WEATHER_TOKEN"),
        ("file:", "file:/run/secrets"),
        (f"sealed:{CANARY}/", "give a name such as weather"),
    ],
)
def test_resolve__of_what_is_not_there__says_what_to_do(tmp_path: Path, reference: str, advice: str) -> None:
    seal(tmp_path, service=CANARY)
    (tmp_path / "binary").write_bytes(b"\xff" + CANARY.encode())
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "long").write_text(CANARY * MAX_VALUE)
    secrets = open_secrets(tmp_path, EMPTY="", LINES=f"{CANARY}\n{CANARY}")
    assert advice.lower() in fail(lambda: secrets.resolve(reference)).next_step.lower()


def test_parse_reference__of_a_text__is_written_the_same_again() -> None:
    for text in ("env:TOKEN", "file:/run/x", "sealed:a.b-c_1"):
        assert str(parse_reference(text)) == text


def test_answer_key__without_a_sealed_file__is_none(tmp_path: Path) -> None:
    assert open_secrets(tmp_path).answer_key is None


def test_answer_key__after_changes_and_a_rotation__stays_the_same(tmp_path: Path) -> None:
    sealed = seal(tmp_path)
    key = open_secrets(tmp_path).answer_key
    sealed.put("service", CANARY)
    sealed.rotate()
    assert key == open_secrets(tmp_path).answer_key
    assert key is not None
    assert len(key) == 32


# ---------------------------------------------------------------------- read again


def test_reload_if_changed__after_nothing__reads_nothing(tmp_path: Path) -> None:
    seal(tmp_path, service=CANARY)
    secrets = open_secrets(tmp_path)
    assert not secrets.reload_if_changed()
    secrets.resolve("sealed:service")
    assert not secrets.reload_if_changed()
    assert secrets.version == 0


def test_reload_if_changed__after_a_change_of_each_file__has_the_new_secret(tmp_path: Path) -> None:
    sealed = seal(tmp_path, service="one")
    (tmp_path / "token.txt").write_text("one")
    secrets = open_secrets(tmp_path)
    assert secrets.resolve("sealed:service") == secrets.resolve("file:token.txt") == "one"
    sealed.put("service", "two")
    assert secrets.resolve("sealed:service") == "one"
    assert secrets.reload_if_changed()
    assert secrets.resolve("sealed:service") == "two"
    (tmp_path / "token.txt").write_text("two")
    age(tmp_path / "token.txt")
    assert secrets.reload_if_changed()
    assert (secrets.resolve("file:token.txt"), secrets.version) == ("two", 2)
    sealed.rotate()
    assert secrets.reload_if_changed()
    assert secrets.resolve("sealed:service") == "two"


def test_reload_if_changed__to_something_unreadable__loses_these_secrets_alone_and_tries_again(tmp_path: Path) -> None:
    sealed = seal(tmp_path, service="one")
    for name in ("first", "second"):
        (tmp_path / name).write_text("one")
    secrets = open_secrets(tmp_path)
    names = ("sealed:service", "file:first", "file:second")
    assert {secrets.resolve(name) for name in names} == {"one"}
    right = (tmp_path / "secrets.sealed").read_bytes()
    (tmp_path / "secrets.sealed").write_bytes(b"garbage")
    (tmp_path / "first").unlink()
    (tmp_path / "second").write_text("two, and longer")
    for _ in range(2):
        assert secrets.reload_if_changed()
        assert isinstance(fail(lambda: secrets.resolve("sealed:service")), KeyFailure)
        assert isinstance(fail(lambda: secrets.resolve("file:first")), InvalidConfig)
        assert secrets.resolve("file:second") == "two, and longer"
    (tmp_path / "secrets.sealed").write_bytes(right)
    sealed.put("service", "two")
    (tmp_path / "first").write_text("three")
    assert secrets.reload_if_changed()
    assert (secrets.resolve("sealed:service"), secrets.resolve("file:first")) == ("two", "three")
    assert not secrets.reload_if_changed()


def test_reload_if_changed__after_a_change_of_rights_alone__reads_again(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("one")
    secrets = open_secrets(tmp_path)
    secrets.resolve("file:token")
    (tmp_path / "token").chmod(0o400)
    assert secrets.reload_if_changed()
    assert secrets.resolve("file:token") == "one"


# ---------------------------------------------------------------------- headers of upstreams


def bearer(secret: str = "sealed:service") -> dict[str, UpstreamAuth]:
    """Return the auth of one service."""
    return {DID: UpstreamAuth(AuthKind.BEARER, secret)}


@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        (UpstreamAuth(AuthKind.BASIC, "", user="me"), ("Authorization", "Basic bWU6cMOkc3M=")),
        (UpstreamAuth(AuthKind.HEADER, "", "X-Api-Key"), ("X-Api-Key", "päss")),
    ],
)
def test_build_header__of_a_secret_with_other_letters__is_right_or_refused(
    auth: UpstreamAuth, expected: tuple[str, str]
) -> None:
    if auth.kind is AuthKind.HEADER:
        with pytest.raises(InvalidConfig) as caught:
            build_header(auth, expected[1])
        assert expected[1] not in str(caught.value)
        return
    assert build_header(auth, "päss") == UpstreamHeader(*expected)


def test_headers__of_a_service_without_auth__are_none(tmp_path: Path) -> None:
    headers = UpstreamHeaders({}, open_secrets(tmp_path))
    assert (headers.find(DID), headers.of(DID)()) == (None, None)


def test_headers__after_a_rotation_of_the_secret__change_without_a_restart(tmp_path: Path) -> None:
    sealed = seal(tmp_path, service="one")
    now = [0]
    find = UpstreamHeaders(bearer(), open_secrets(tmp_path), clock=lambda: now[0]).of(DID)
    assert find() == UpstreamHeader("Authorization", "Bearer one")
    sealed.put("service", "two")
    now[0] = PAUSE - 1
    assert find() == UpstreamHeader("Authorization", "Bearer one")
    now[0] = PAUSE
    assert find() == UpstreamHeader("Authorization", "Bearer two")


def test_headers__while_a_secret_is_unusable__stay_and_tell_it_once(tmp_path: Path) -> None:
    sealed = seal(tmp_path, service="one")
    now, told = [0], list[NvmChainError]()
    headers = UpstreamHeaders(bearer(), open_secrets(tmp_path), on_trouble=told.append, clock=lambda: now[0])

    def look() -> str:
        now[0] += PAUSE
        header = headers.find(DID)
        assert header is not None
        return header.value

    sealed.put("service", f"{CANARY}ä")
    assert [look(), look(), look()] == ["Bearer one"] * 3
    assert len(told) == 1
    assert CANARY not in str(told)
    sealed.remove("service")
    assert [look(), look()] == ["Bearer one"] * 2
    assert len(told) == 2
    assert "secret set service" in str(told[1])
    sealed.put("service", "two")
    assert look() == "Bearer two"
    sealed.remove("service")
    look()
    assert len(told) == 3


def test_headers__while_one_secret_is_missing__keep_it_and_change_the_other_one(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).write_text("one")
    now, told = [0], list[NvmChainError]()
    auths = {f"did {name}": UpstreamAuth(AuthKind.BEARER, f"file:{name}") for name in ("first", "second")}
    headers = UpstreamHeaders(auths, open_secrets(tmp_path), on_trouble=told.append, clock=lambda: now[0])
    (tmp_path / "first").unlink()
    (tmp_path / "second").write_text("two, and longer")
    for _ in range(3):
        now[0] += PAUSE
        found = [headers.find(f"did {name}") for name in ("first", "second")]
        assert [each and each.value for each in found] == ["Bearer one", "Bearer two, and longer"]
    assert len(told) == 1


def test_headers__of_a_secret_that_is_not_there__are_refused_at_the_start(tmp_path: Path) -> None:
    seal(tmp_path)
    assert "secret set service" in fail(lambda: UpstreamHeaders(bearer(), open_secrets(tmp_path))).next_step


def test_headers__by_many_threads_during_changes__are_always_whole(tmp_path: Path) -> None:
    sealed = seal(tmp_path, service="v0")
    told: list[NvmChainError] = []
    clock = iter(range(0, 10**18, PAUSE)).__next__
    headers = UpstreamHeaders(bearer(), open_secrets(tmp_path), on_trouble=told.append, clock=clock)
    stop, seen = threading.Event(), set[str]()

    def read() -> None:
        while not stop.is_set():
            header = headers.find(DID)
            assert header is not None
            seen.add(header.value)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(1, 20):
        sealed.put("service", f"v{number}")
        if number % 5 == 0:
            sealed.rotate()
    stop.set()
    for thread in threads:
        thread.join()
    assert headers.find(DID) == UpstreamHeader("Authorization", "Bearer v19")
    assert seen <= {f"Bearer v{number}" for number in range(20)}
    assert told == []


def test_canary__of_every_kind__is_in_no_repr_no_error_and_no_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sealed = seal(tmp_path, service=CANARY)
    secrets = open_secrets(tmp_path, TOKEN=CANARY)
    headers = UpstreamHeaders(bearer(), secrets)
    header = headers.find(DID)
    shown = [repr(each) for each in (sealed, sealed.read(), secrets, headers, header, bearer(), sealed.read_keys())]
    assert CANARY not in "".join(shown)
    assert (tmp_path / "gateway.key").read_text().strip() not in "".join(shown)
    error = fail(lambda: secrets.resolve("sealed:none"))
    assert CANARY.encode() not in pickle.dumps(error)
    assert CANARY not in caplog.text
    assert not list(tmp_path.glob(".*.part"))
