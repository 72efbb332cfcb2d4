"""The tables of webhooks, sellers and retention: what they mean, and each mistake with its next step."""

import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from nvm_chain.errors import InvalidConfig
from nvm_chain.gateway.config import fill_secrets, open_secrets, read_config
from nvm_chain.gateway.configuration.sellers import KEYS as SELLER_KEYS
from nvm_chain.gateway.configuration.webhooks import KEYS as WEBHOOK_KEYS
from nvm_chain.gateway.sellers.tokens import Role, build_token
from tests.gateway.files import DID, seal, start_text, write_config

HASH = "sha256:" + "ab" * 32
GOOD = 'url = "https://ops.example.com/hook"\nsecret = "sealed:hook"\n'
SECRET = "whsec_" + "c2VjcmV0" * 4
PAGE = Path(__file__).parent.parent.parent / "docs" / "gateway.md"
MISTAKES = {
    "a webhook without a name": (f"[[webhooks]]\n{GOOD}", ("[[webhooks]] number 1: `name` is missing", "operations")),
    "a webhook without a url": ('[[webhooks]]\nname = "a"\n', ("`url` is missing", "env:HOOK_URL")),
    "a webhook without a secret": (
        '[[webhooks]]\nname = "a"\nurl = "http://h/"\n',
        ("`secret` is missing", "sealed:hook"),
    ),
    "a secret in the file": (
        '[[webhooks]]\nname = "a"\nurl = "http://h/"\nsecret = "whsec_canary"\n',
        ("`secret` is not a reference to a secret", "sealed:"),
    ),
    "two webhooks of one name": (
        f'[[webhooks]]\nname = "a"\n{GOOD}[[webhooks]]\nname = "a"\n{GOOD}',
        ("[[webhooks]] number 2: `name` is that of another webhook", "of its own"),
    ),
    "a name with blanks": (f'[[webhooks]]\nname = "a b"\n{GOOD}', ("`name` is not 1 to 64 letters", "operations")),
    "an unknown event": (
        f'[[webhooks]]\nname = "a"\nevents = ["balance.lo"]\n{GOOD}',
        ("`events` has 'balance.lo', which is not an event", "balance.low"),
    ),
    "no events": (f'[[webhooks]]\nname = "a"\nevents = []\n{GOOD}', ("`events` is empty", "leave `events` out")),
    "a service of nobody": (
        f'[[webhooks]]\nname = "a"\nservice = "8"\n{GOOD}',
        ("`service` is not one of the services", "`did`"),
    ),
    "a service that is no did": (f'[[webhooks]]\nname = "a"\nservice = "x"\n{GOOD}', ("`service` is not one of",)),
    "a url of another kind": (
        '[[webhooks]]\nname = "a"\nurl = "mailto:a@b.c"\nsecret = "sealed:hook"\n',
        ("[[webhooks]] number 1: `url`", "https://ops.example.com/hook"),
    ),
    "webhooks as one table": ("[webhooks]\n", ("`webhooks` is not a list of tables", "two brackets")),
    "a seller without a name": ("[[sellers]]\n", ("[[sellers]] number 1: `name` is missing", "acme")),
    "two sellers of one name": (
        '[[sellers]]\nname = "a"\n[[sellers]]\nname = "a"\n',
        ("[[sellers]] number 2: `name` is that of another seller", "once"),
    ),
    "a seller in capitals": ('[[sellers]]\nname = "Acme"\n', ("`name`", "small letters")),
    "a token in the file": (
        '[[sellers]]\nname = "a"\ntokens = [{ token = "canary-canary-canary-canary" }]\n',
        ("[[sellers]] number 1 tokens number 1: `token` is not a reference", "sealed:"),
    ),
    "a hash that is too short": (
        '[[sellers]]\nname = "a"\ntokens = [{ token = "sha256:abc" }]\n',
        ("`token`", "is not the hash of one", "hashlib.sha256", "secrets.token_urlsafe"),
    ),
    "an unknown role": (
        f'[[sellers]]\nname = "a"\ntokens = [{{ role = "ownr", token = "{HASH}" }}]\n',
        ("`role` has a value that is not known", 'Did you mean "owner"?'),
    ),
    "tokens as texts": (f'[[sellers]]\nname = "a"\ntokens = ["{HASH}"]\n', ("is a text, and not a table",)),
    "sellers as one table": ("[sellers]\n", ("`sellers` is not a list of tables", "two brackets")),
    "charges for too short": (
        '[retention]\ncharges = "59 days"\n',
        ("[retention]", "shorter than their sessions", "60 days"),
    ),
    "sessions for an hour": ('[retention]\nsessions = "1 hour"\n', ("[retention]", "seconds for sessions")),
}


def write(folder: Path, more: str, *, change: tuple[str, str] | None = None) -> Path:
    """Write a configuration with more tables. ``[retention]`` is there already, without values."""
    text = start_text()
    if more.startswith("[retention]"):
        text, more = text.replace("[retention]\n", more), ""
    if change is not None:
        assert text.count(change[0]) == 1
        text = text.replace(*change)
    return write_config(folder, f"{text}\n{more}")


@pytest.mark.parametrize("mistake", MISTAKES)
def test_read_config__with_a_mistake__says_where_and_what_to_do(tmp_path: Path, mistake: str) -> None:
    more, parts = MISTAKES[mistake]
    with pytest.raises(InvalidConfig) as refused:
        read_config(write(tmp_path, more))
    told = f"{refused.value.problem} {refused.value.next_step}"
    for part in ("gateway.toml", *parts):
        assert part in told
    assert "canary" not in told


def test_read_config__of_a_service_of_an_unknown_seller__is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "", change=('# seller = "acme"', 'seller = "acme"'))
    with pytest.raises(InvalidConfig, match="belongs to the seller acme, who is not in the file"):
        read_config(path)


def test_fill_secrets__of_webhooks_and_sellers__puts_them_in_and_keeps_hashes_only(tmp_path: Path) -> None:
    token = "t" * 24
    more = (
        f'[[webhooks]]\nname = "ops"\nurl = "sealed:url"\nsecret = "sealed:hook"\n'
        f'[[sellers]]\nname = "acme"\ntokens = [{{ role = "owner", token = "sealed:acme" }}, {{ token = "{HASH}" }}]\n'
    )
    path = write(tmp_path, more, change=('# seller = "acme"', 'seller = "acme"'))
    seal(tmp_path, url="https://ops.example.com/T0/B0", hook=SECRET, acme=token)
    config = read_config(path)
    assert set(config.references.values()) == {"sealed:url", "sealed:hook", "sealed:acme"}
    filled = fill_secrets(config, open_secrets(config)).settings
    hook, seller = filled.webhooks["ops"], filled.sellers["acme"]
    assert (hook.url, hook.secret) == ("https://ops.example.com/T0/B0", SECRET)
    assert seller.tokens == (build_token(Role.OWNER, token, "acme"), build_token(Role.READER, HASH, "acme"))
    assert filled.services[DID].seller == "acme"
    assert token not in repr(filled)
    assert SECRET not in repr(filled)


def test_fill_secrets__of_two_sellers_with_one_token__is_refused(tmp_path: Path) -> None:
    more = "".join(
        f'[[sellers]]\nname = "{name}"\ntokens = [{{ token = "{text}" }}]\n'
        for name, text in (("acme", "sealed:acme"), ("bolt", "sha256:" + sha256(b"t" * 24).hexdigest()))
    )
    path = write(tmp_path, more)
    seal(tmp_path, acme="t" * 24)
    config = read_config(path)
    with pytest.raises(InvalidConfig, match="acme and bolt have the same token") as refused:
        fill_secrets(config, open_secrets(config))
    assert "ttt" not in str(refused.value)


def test_page_of_reporting__has_a_placeholder_for_a_hash_and_a_command_that_makes_one() -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "reporting.md").read_text("utf-8")
    (written,) = re.findall(r'"(sha256:[^"]*)"', page)
    with pytest.raises(InvalidConfig, match="is not the hash of one") as refused:
        build_token(Role.READER, written, "acme")
    (command,) = re.findall(r'^python -c "(.*)"$', page, re.MULTILINE)
    assert f'python -c "{command}"' in refused.value.next_step
    made = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    token, text = made.split()
    assert build_token(Role.OWNER, token, "acme") == build_token(Role.OWNER, text, "acme")


@pytest.mark.parametrize(
    ("secret", "problem"), [("whsec_oops!", "is not Base64"), ("whsec_c2hvcnQ=", "24 to 64 bytes")]
)
def test_fill_secrets__of_a_webhook_with_a_bad_secret__is_refused(tmp_path: Path, secret: str, problem: str) -> None:
    path = write(tmp_path, f'[[webhooks]]\nname = "ops"\n{GOOD}')
    seal(tmp_path, hook=secret)
    config = read_config(path)
    with pytest.raises(InvalidConfig) as refused:
        fill_secrets(config, open_secrets(config))
    assert problem in str(refused.value)
    assert secret not in str(refused.value)


@pytest.mark.parametrize(("table", "keys"), [("[[webhooks]]", WEBHOOK_KEYS), ("[[sellers]]", SELLER_KEYS)])
def test_page_of_the_gateway__has_every_key_of_each_list(table: str, keys: tuple[str, ...]) -> None:
    section = PAGE.read_text("utf-8").partition(f"\n### `{table}`")[2].partition("\n##")[0]
    rows = [line.partition(" |")[0] for line in section.splitlines() if line.startswith("| `")]
    assert [row.removeprefix("| `").removesuffix("`") for row in rows] == [*keys]
