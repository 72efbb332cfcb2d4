"""The configuration file: what it means, and that each mistake ends in a sentence with the file, the table, the key and a next step."""

import dataclasses
import re
from pathlib import Path

import pytest
from eth_utils.address import to_checksum_address

from nvm_chain.errors import InvalidConfig
from nvm_chain.gateway.buying.settings import BuyingSettings
from nvm_chain.gateway.checkout.settings import CheckoutSettings
from nvm_chain.gateway.config import TABLES, fill_secrets, find_books, open_secrets, read_config, read_places
from nvm_chain.gateway.configuration.parts import (
    AuthKind,
    GatewayConfig,
    RedeemerPart,
    SellerPart,
    TokenPart,
    UpstreamAuth,
    WebhookPart,
)
from nvm_chain.gateway.configuration.services import KEYS
from nvm_chain.gateway.configuration.starting import Start, build_config_text
from nvm_chain.gateway.facilitator.settings import FacilitatorPart
from nvm_chain.gateway.sellers.tokens import Role
from nvm_chain.gateway.settings import ServiceSettings, UpstreamHeader
from nvm_chain.gateway.sockets.terms import SocketTerms, Unit
from nvm_chain.gateway.webhooks.events import EVENTS
from nvm_chain.meter.bindings import Level
from nvm_chain.meter.limits import Limits, Rate
from nvm_chain.meter.retention import Retention
from nvm_chain.meter.session_terms import PeriodLimit
from nvm_chain.meter.settling.rules import SettleRules
from nvm_chain.types.ids import format_did
from nvm_chain.x402.facilitator.callers import Caller
from tests.gateway.files import CANARY, DID, change, seal, start_text, write_config
from tests.support.world import ZERO

ADDRESS = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"
FULL = f"""
[chain]
network = "base:sepolia"
rpc = "env:NODE_URL"
chain_id = 84532
credits = "{ADDRESS}"
agents = "{ADDRESS}"
deployments = "records"

[gateway]
url = "https://api.example.com/"
host = "0.0.0.0"
port = 8443
workers = 3
cors_origins = ["https://app.example.com"]
meter = "env:BOOKS_URL"
index = "postgresql://db.example.com/index"
depth = 5
max_view_age = "1 minute"
sign_in = "10 minutes"
min_voucher = "1 hour"
metrics_token = "sealed:metrics"

[redeemer]
keyfile = "keys/redeemer.json"
password = "file:password.txt"
former = ["{ADDRESS}"]

[settler]
age = "6h"
max_credits = 500
exposure_percent = 25
margin = "1 hour"
stuck = "5 minutes"
max_fee_percent = 200

[checkout]
relays = true
relays_per_account = 2
relays_per_day = 30

[x402]
exact = true
minter = {{ keyfile = "keys/minter.json", password = "file:minter.txt" }}
orders_per_account = 3
orders_per_day = 40
requests_per_account = 500
requests_per_day = 6000

[facilitator]
callers = [{{ name = "shop", token = "sha256:{"cd" * 32}", pay_to = ["{ADDRESS}"], services = ["{DID}"] }}]
assets = ["{ADDRESS}"]
factories = ["{ADDRESS}"]
least = 1000
gas = 300000
gas_per_day = 9000000
gwei = 30
per_account = 20
per_day = 200
per_minute = 60
failures = 2
wait = "20 seconds"

[retention]
charges = "100 days"
sessions = "1 week"
notices = "2 days"

[secrets]
file = "../secrets.sealed"
key_file = "/run/keys/gateway"

[[services]]
did = "{DID}"
upstream = "http://127.0.0.1:9000/v1"
public_url = "https://service.example.com/v1"
files = "for-sale"
hosts = ["service.example.com"]
level = "resource"
exposure = 50
request_seconds = 30
max_answer_seconds = 600
max_running = 20
max_open = 4
per_period = {{ requests = 10, every = "1 week" }}
limits = {{ rate = {{ requests = 5, every = "10s" }}, quota = {{ credits = 40, every = "1 day" }}, releases = 3 }}
dynamic = true
charges_failures = true
forwards_redirects = true
websocket = {{ per = "minute", max_bytes = 4096, idle = "30 seconds" }}
warnings = {{ low_balance = 9, soon = "2 days" }}
seller = "acme"
embedded_in = ["https://chat.example.com"]
auth = {{ type = "basic", user = "gateway", secret = "sealed:service" }}

[[services]]
did = "{format_did(8)}"
upstream = "http://127.0.0.1:9001"
auth = {{ type = "header", name = "X-Api-Key", secret = "sealed:other" }}

[[webhooks]]
name = "ops"
url = "env:HOOK_URL"
secret = "sealed:hook"
events = ["balance.low", "settlement.failed"]
service = "{DID}"

[[webhooks]]
name = "all"
url = "http://10.0.0.7:9000/hook"
secret = "sealed:hook"

[[sellers]]
name = "acme"
tokens = [{{ role = "owner", token = "sealed:acme" }}, {{ token = "sha256:{"ab" * 32}" }}]
"""


def refuse(folder: Path, text: str) -> InvalidConfig:
    """Return why a file is refused."""
    with pytest.raises(InvalidConfig) as caught:
        read_config(write_config(folder, text))
    assert caught.value.next_step
    return caught.value


# ---------------------------------------------------------------------- what is read


def test_read_config__of_a_file_with_every_key__has_every_value(tmp_path: Path) -> None:
    config = read_config(write_config(tmp_path, FULL))
    assert dataclasses.astuple(config.chain) == (
        *("base:sepolia", "env:NODE_URL", 84_532, ADDRESS, ADDRESS, tmp_path / "records"),
    )
    assert dataclasses.astuple(config.redeemer) == (
        *(tmp_path / "keys" / "redeemer.json", "file:password.txt", None, None, (ADDRESS,)),
    )
    assert config.rules == SettleRules(500, 6 * 3_600, 25, 3_600, stuck_seconds=300, max_fee_percent=200)
    assert dataclasses.astuple(config.listen) == ("0.0.0.0", 8_443, 3)
    assert dataclasses.astuple(config.places) == (tmp_path / "../secrets.sealed", Path("/run/keys/gateway"))
    assert (config.metrics_token, config.settings.metrics_token) == ("sealed:metrics", None)
    settings = config.settings
    assert settings.retention == Retention(charges=100 * 86_400, sessions=7 * 86_400, notices=2 * 86_400)
    assert settings.checkout == CheckoutSettings(relays=True, relays_per_account=2, relays_per_day=30)
    assert settings.buying == BuyingSettings(True, 3, 40, 500, 6_000)
    assert config.minter == RedeemerPart(tmp_path / "keys" / "minter.json", "file:minter.txt")
    assert settings.facilitator == FacilitatorPart(
        callers=(Caller("shop", b"\xcd" * 32, frozenset({to_checksum_address(ADDRESS)}), frozenset({DID})),),
        tokens=(to_checksum_address(ADDRESS),),
        factories=(to_checksum_address(ADDRESS),),
        least=1_000,
        gas=300_000,
        gas_per_day=9_000_000,
        gwei=30,
        per_account=20,
        per_day=200,
        per_minute=60,
        failures=2,
        wait_seconds=20,
    )
    assert config.webhooks == {
        "ops": WebhookPart("ops", "env:HOOK_URL", "sealed:hook", ("balance.low", "settlement.failed"), DID),
        "all": WebhookPart("all", "http://10.0.0.7:9000/hook", "sealed:hook", tuple(EVENTS), None),
    }
    tokens = (TokenPart(Role.OWNER, "sealed:acme"), TokenPart(Role.READER, f"sha256:{'ab' * 32}"))
    assert config.sellers == {"acme": SellerPart("acme", tokens)}
    assert (settings.sign_in_seconds, settings.min_voucher_seconds) == (600, 3_600)
    assert (settings.url, settings.meter, settings.index, settings.depth, settings.max_view_age_seconds) == (
        *("https://api.example.com", "env:BOOKS_URL", "postgresql://db.example.com/index", 5, 60),
    )
    assert (settings.cors_origins, settings.answer_key) == (("https://app.example.com",), None)
    assert [*settings.services] == [DID, format_did(8)]
    assert settings.services[DID] == ServiceSettings(
        did=DID,
        upstream="http://127.0.0.1:9000/v1",
        public_url="https://service.example.com/v1",
        hosts=("service.example.com",),
        files=tmp_path / "for-sale",
        level=Level.RESOURCE,
        exposure=50,
        request_seconds=30,
        max_answer_seconds=600,
        max_running=20,
        max_open=4,
        per_period=PeriodLimit(10, 7 * 86_400),
        limits=Limits(Rate(5, 10), PeriodLimit(40, 86_400), 3),
        dynamic=True,
        charges_failures=True,
        forwards_redirects=True,
        websocket=SocketTerms(Unit.MINUTE, max_bytes=4_096, idle_seconds=30),
        low_balance=9,
        soon_seconds=2 * 86_400,
        seller="acme",
        embedded_in=("https://chat.example.com",),
    )
    assert config.auths == {
        DID: UpstreamAuth(AuthKind.BASIC, "sealed:service", user="gateway"),
        format_did(8): UpstreamAuth(AuthKind.HEADER, "sealed:other", "X-Api-Key"),
    }


def test_full_example__of_these_tests__has_every_key_that_is_read() -> None:
    keys = {key for keys in TABLES.values() for key in keys if key not in ("key_env", "dev_account")} | set(KEYS)
    assert {key for key in keys if not re.search(rf"^{key} = ", FULL, re.MULTILINE)} == set()


def test_read_config__of_what_init_writes__is_a_trial_on_this_machine(tmp_path: Path) -> None:
    config = read_config(write_config(tmp_path))
    assert (config.chain.rpc, config.chain.network, config.redeemer.dev_account) == ("http://127.0.0.1:8545", None, 3)
    assert (config.settings.url, config.settings.depth) == ("http://127.0.0.1:8402", 0)
    assert (config.settings.meter, config.settings.index) == (str(tmp_path / "meter.db"), str(tmp_path / "index.db"))
    assert config.settings.services == {DID: ServiceSettings(DID, "http://127.0.0.1:8000")}
    assert (config.rules, config.auths, config.references) == (SettleRules(), {}, {})


def test_start_text__of_a_known_network__has_a_key_file(tmp_path: Path) -> None:
    text = build_config_text(Start(did=DID, network="base:sepolia", url="https://api.example.com", chain_id=84_532))
    config = read_config(write_config(tmp_path, text))
    assert (config.chain.network, config.chain.rpc, config.chain.chain_id) == ("base:sepolia", None, 84_532)
    assert (config.redeemer.keyfile, config.settings.depth) == (tmp_path / "redeemer.json", 2)
    assert (config.settings.url, config.listen.port) == ("https://api.example.com", 8_402)


def test_start_text__with_every_example_put_in__can_be_read(tmp_path: Path) -> None:
    """Each line of the file that has no effect is right if it gets one."""
    text = re.sub(r"^# (?=[a-z_]+ = )", "", start_text(), flags=re.MULTILINE)
    text = change(change(text, 'key_env = "REDEEMER_KEY"\n', ""), 'seller = "acme"\n', "")
    text = (
        change(text, "dev_account = 3\n", "")
        .replace('"0x…"', f'"{ADDRESS}"')
        .replace('"sha256:…"', f'"sha256:{"ab" * 32}"')
        .replace("chain_id = 8453", "chain_id = 1")
    )
    config = read_config(write_config(tmp_path, text))
    usual = read_config(write_config(tmp_path))
    assert (config.rules, config.listen) == (usual.rules, usual.listen)
    assert config.auths == {DID: UpstreamAuth(AuthKind.BEARER, "sealed:service")}


@pytest.mark.parametrize("key", sorted({key for keys in (*TABLES.values(), KEYS) for key in keys}))
def test_start_text__has_a_line_and_a_sentence_for_each_key(key: str) -> None:
    lines = start_text().splitlines()
    (at,) = [number for number, line in enumerate(lines) if re.match(rf"(?:# )?{key} = ", line)]
    before = "\n".join(lines[: at + 1]).rpartition("[")[2] if key == "file" else lines[at - 1]
    assert "#" in before or " = " in before
    assert max(map(len, lines)) <= 130


def test_start_text__with_quotes_in_a_url__is_still_toml(tmp_path: Path) -> None:
    text = start_text(rpc='http://127.0.0.1:8545/"\\', deployments="a\tb")
    assert read_config(write_config(tmp_path, text)).chain.rpc == 'http://127.0.0.1:8545/"\\'


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('meter = "books/meter.db"', "{folder}/books/meter.db"),
        ('meter = "sqlite:///books.db"', "{folder}/books.db"),
        ('meter = "/var/lib/meter.db"', "/var/lib/meter.db"),
        ('meter = "postgresql://db.example.com/books"', "postgresql://db.example.com/books"),
        ('meter = "env:BOOKS"', "env:BOOKS"),
    ],
)
def test_read_config__of_each_place_of_books__belongs_to_the_folder_of_the_file(
    tmp_path: Path, line: str, expected: str
) -> None:
    config = read_config(write_config(tmp_path, change(start_text(), 'meter = "meter.db"', line)))
    assert config.settings.meter == expected.format(folder=tmp_path)


def test_read_config__of_an_agents_number__has_its_did(tmp_path: Path) -> None:
    config = read_config(write_config(tmp_path, change(start_text(), f'did = "{DID}"', 'did = "7"')))
    assert [*config.settings.services] == [DID]


def test_read_config__of_a_duration__takes_a_text_or_seconds(tmp_path: Path) -> None:
    for line in ('age = "2 hours"', "age = 7200"):
        text = change(start_text(), '# age = "24 hours"', line)
        assert read_config(write_config(tmp_path, text)).rules.age_seconds == 7_200


# ---------------------------------------------------------------------- what is refused

MISTAKES = {
    "a mistyped key": (
        'upstream = "http://127.0.0.1:8000"',
        'upstraem = "http://127.0.0.1:8000"',
        ("[[services]] number 1", "`upstraem` is not known", "did you mean `upstream`?"),
    ),
    "a mistyped table": ("[settler]", "[setler]", ("`setler` is not a table", "did you mean `settler`?")),
    "a key that nothing has": ("port = 8402", "speed = 9", ("[gateway]: the key `speed` is not known", "The keys here are url, host")),
    "a key of another table": ("port = 8402", "exposure = 9", ("[gateway]: the key `exposure` is not known", "below [[services]]")),
    "a number in quotes": ("port = 8402", 'port = "8402"', ("[gateway]: `port` is a text, and not a whole number", "without quotes")),
    "a flag in quotes": ("# dynamic = false", 'dynamic = "no"', ("`dynamic` is a text, and not true or false", "without quotes")),
    "a text without quotes": ('host = "127.0.0.1"', "host = true", ("`host` is true or false, and not a text", '"…"')),
    "a number that is a flag": ("port = 8402", "port = true", ("`port` is true or false, and not a whole number", "100")),
    "a float": ("port = 8402", "port = 8402.0", ("`port` is a value of another type, and not a whole number", "point")),
    "a number out of range": ("port = 8402", "port = 0", ("`port` is out of range", "1 to 65,535")),
    "an empty text": ('host = "127.0.0.1"', 'host = " "', ("`host` is empty", "leave `host` out")),
    "an unknown choice": ('# level = "full"', 'level = "ful"', ("`level` has a value that is not known", 'did you mean "full"?')),
    "a duration without a unit": ('# age = "24 hours"', 'age = "24"', ("[settler]", "`age` '24' has no unit", "12h")),
    "a duration of nothing": ('# age = "24 hours"', "age = 0", ("[settler]: `age` is not a duration", "10 minutes")),
    "no address of the node": ('rpc = "http://127.0.0.1:8545"', "", ("[chain]: `rpc` is missing", "the URL of a node")),
    "the embedded chain": ('rpc = "http://127.0.0.1:8545"', 'network = "embedded"', ("`network` is a chain that ends", "anvil")),
    "an address with a wrong checksum": (
        '# credits = "0x…"',
        f'credits = "{ADDRESS.replace("Cb", "cb")}"',
        ("[chain]: `credits`", "wrong checksum"),
    ),
    "two keys": ("dev_account = 3", 'dev_account = 3\nkey_env = "KEY"', ("[redeemer]: `key_env`, `dev_account` are there together", "exactly one")),
    "no key": ("dev_account = 3", "", ("[redeemer]: `keyfile`, `key_env`, `dev_account` are missing", "exactly one")),
    "a password without a key file": (
        "dev_account = 3",
        'dev_account = 3\npassword = "env:P"',
        ("`password` is there without a key file", "leave it out"),
    ),
    "a number that is not a text": (f'did = "{DID}"', "did = 7", ("`did` is a whole number, and not a text", '"…"')),
    "no did": (f'did = "{DID}"', "", ("[[services]] number 1: `did` is missing", "nvm-chain agent register")),
    "the did of the example": (f'did = "{DID}"', 'did = "did:nv:<the id of your agent>"', ("`did` is not the DID of an agent", "nvm-chain agent register")),
    "a malformed did": (f'did = "{DID}"', 'did = "did:nv:zz"', ("[[services]] number 1", "`did` is not the DID of an agent", "nvm-chain agent register")),
    "an upstream without a scheme": ('"http://127.0.0.1:8000"', '"127.0.0.1:8000"', ("[[services]] number 1", "not an http or https URL", "http://127.0.0.1:8000")),
    "a host with a scheme": ('# hosts = ["service.example.com"]', 'hosts = ["https://service.example.com"]', ("is not a host", "api.example.com")),
    "the gateway's own host": ('# hosts = ["service.example.com"]', 'hosts = ["127.0.0.1:8402"]', ("`url` has the host 127.0.0.1:8402", "another host")),
    "hosts that are not a list": ('# hosts = ["service.example.com"]', 'hosts = "service.example.com"', ("`hosts` is a text, and not a list", '["…", "…"]')),
    "an exposure of nothing": ("# exposure = 1000", "exposure = 0", ("`exposure` is out of range", "1 to")),
    "limits that are a number": ("# limits = {", "limits = 5 #{", ("`limits` is a whole number, and not a table", "{ key = … }")),
    "a mistyped limit": ("# limits = {", 'limits = { raet = {} } #', ("[[services]] number 1 limits", "did you mean `rate`?")),
    "websockets without a unit": ("# websocket = {", "websocket = {} #", ("websocket: `per` is missing", '"minute"')),
    "websockets by the hour": ("# websocket = {", 'websocket = { per = "minutes" } #', ("`per`", 'did you mean "minute"?')),
    "a rate without requests": ("# limits = {", 'limits = { rate = { every = "1 day" } } #', ("limits rate: `requests` is missing", "`every`")),
    "auth without a type": ("# auth = {", 'auth = { secret = "env:S" } #', ("auth: `type` is missing", '"bearer"')),
    "bearer without a secret": ("# auth = {", 'auth = { type = "bearer" } #', ("auth: `secret` is missing", "needs `secret`")),
    "basic without a user": ("# auth = {", 'auth = { type = "basic", secret = "env:S" } #', ("auth: `user` is missing", "`user` and `secret`")),
    "bearer with a user": ("# auth = {", 'auth = { type = "bearer", user = "me", secret = "env:S" } #', ("`user` does not belong to auth", "leave `user` out")),
    "a user with a colon": ("# auth = {", 'auth = { type = "basic", user = "a:b", secret = "env:S" } #', ("`user` has a colon", "alone")),
    "a header that is not one": ("# auth = {", 'auth = { type = "header", name = "X Key", secret = "env:S" } #', ("`name`", "not the name of a header", "Authorization")),
    "a header of the connection": ("# auth = {", 'auth = { type = "header", name = "Host", secret = "env:S" } #', ("`name` is a header that the gateway sets", "your service reads")),
    "a variable that is not one": ("# auth = {", 'auth = { type = "bearer", secret = "env:MY TOKEN" } #', ("`secret`", "not the name of a variable", "env:WEATHER_TOKEN")),
    "books and index in one": ('index = "index.db"', 'index = "meter.db"', ("`index` is the same database", "of its own")),
    "workers with a file": ("# workers = 1", "workers = 2", ("`workers` is more than one", "PostgreSQL")),
    "a key before the tables": ("[chain]", 'url = "http://127.0.0.1"\n[chain]', ("`url` is in front of all tables", "below [gateway]")),
    "no services": ("[[services]]", "[services]", ("there is no table [[services]]", "[[services]]")),
    "not TOML": ("port = 8402", "port: 8402", ("is not TOML at line", "correct that line")),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_read_config__with_a_mistake__says_where_it_is_and_what_to_do(tmp_path: Path, mistake: str) -> None:
    was, now, parts = MISTAKES[mistake]
    error = refuse(tmp_path, change(start_text(), was, now))
    assert "gateway.toml" in error.problem
    for part in parts:
        assert part.lower() in error.message().lower(), error.message()


def test_read_config__with_a_service_twice__is_refused(tmp_path: Path) -> None:
    service = f'[[services]]\ndid = "{DID}"\nupstream = "http://127.0.0.1:1"\n'
    error = refuse(tmp_path, start_text() + service)
    assert "[[services]] number 2: `did` is that of another service" in error.problem


def test_read_config__of_a_file_that_is_not_there__says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="nvm-chain gateway init"):
        read_config(tmp_path / "gateway.toml")


def test_read_config__of_bytes_that_are_not_text__is_refused(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidConfig, match="not text in UTF-8"):
        read_config(tmp_path / "gateway.toml")


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("# auth = {", f'auth = {{ type = "bearer", secret = "{CANARY}" }} #'),
        ("# auth = {", f'auth = {{ type = "bearer", secret = "env:{CANARY} x" }} #'),
        ("# auth = {", f'auth = {{ type = "bearer", secret = "sealed:{CANARY} x" }} #'),
        ("# auth = {", f'auth = {{ type = "{CANARY}", secret = "env:S" }} #'),
        ('# metrics_token = "sealed:metrics"', f'metrics_token = "{CANARY}"'),
        ('# password = "sealed:redeemer"', f'password = "{CANARY}"\nkeyfile = "k.json"'),
        ('meter = "meter.db"', f'meter = "postgresql://me:{CANARY}@db/books"'),
        ('upstream = "http://127.0.0.1:8000"', f'upstream = "http://me:{CANARY}@127.0.0.1:8000"'),
        ("port = 8402", f'port = "{CANARY}"'),
        ('# level = "full"', f'level = "{CANARY}"'),
        ("port = 8402", f'port = "{CANARY}'),
    ],
)
def test_read_config__with_a_secret_in_the_file__refuses_it_and_does_not_show_it(
    tmp_path: Path, was: str, now: str
) -> None:
    text = change(start_text(), was, now)
    error = refuse(tmp_path, text if "keyfile" not in now else change(text, "dev_account = 3", ""))
    assert CANARY not in f"{error}{error!r}{error.args}{error.to_dict()}"


# ---------------------------------------------------------------------- with its secrets


def read_with_auth(folder: Path) -> GatewayConfig:
    """Return a configuration with every kind of reference."""
    text = change(start_text(), "# auth = {", "auth = {")
    text = change(text, '# metrics_token = "sealed:metrics"', 'metrics_token = "file:metrics.txt"')
    text = change(text, 'rpc = "http://127.0.0.1:8545"', 'rpc = "sealed:node"')
    return read_config(write_config(folder, change(text, 'meter = "meter.db"', 'meter = "env:NVM_TEST_BOOKS"')))


def test_fill_secrets__puts_each_secret_where_it_belongs_and_shows_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = read_with_auth(tmp_path)
    answer_key = seal(tmp_path, service=CANARY, node=f"http://127.0.0.1:8545/{CANARY}").read().answer_key
    (tmp_path / "metrics.txt").write_text(f"{CANARY}-metrics\n")
    monkeypatch.setenv("NVM_TEST_BOOKS", f"postgresql://me:{CANARY}@db/books")
    filled = fill_secrets(config, open_secrets(config))
    assert filled.chain.rpc == f"http://127.0.0.1:8545/{CANARY}"
    assert filled.settings.meter == f"postgresql://me:{CANARY}@db/books"
    assert filled.settings.metrics_token == f"{CANARY}-metrics"
    assert filled.settings.services[DID].auth == UpstreamHeader("Authorization", f"Bearer {CANARY}")
    assert filled.settings.answer_key == answer_key
    assert find_books(config, open_secrets(config)) == filled.settings.meter
    assert CANARY not in repr(filled)
    assert repr(answer_key) not in repr(filled)


@pytest.mark.parametrize(
    ("missing", "place", "advice"),
    [
        ("service", f"the auth of {DID}", "nvm-chain gateway secret set service"),
        ("node", "[chain] rpc", "nvm-chain gateway secret set node"),
    ],
)
def test_fill_secrets__without_a_sealed_secret__says_which_place_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str, place: str, advice: str
) -> None:
    config = read_with_auth(tmp_path)
    seal(tmp_path, service=CANARY, node=CANARY).remove(missing)
    (tmp_path / "metrics.txt").write_text(CANARY)
    monkeypatch.setenv("NVM_TEST_BOOKS", "books.db")
    with pytest.raises(InvalidConfig) as caught:
        fill_secrets(config, open_secrets(config))
    assert f"gateway.toml, {place}" in caught.value.problem
    assert advice in caught.value.next_step


def test_fill_secrets__without_a_variable__says_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = read_with_auth(tmp_path)
    seal(tmp_path, service=CANARY, node=CANARY)
    monkeypatch.delenv("NVM_TEST_BOOKS", raising=False)
    with pytest.raises(InvalidConfig, match=r"\[gateway\] meter: the environment variable NVM_TEST_BOOKS is not set"):
        fill_secrets(config, open_secrets(config))


def test_references__of_a_configuration__are_all_places_that_need_a_secret(tmp_path: Path) -> None:
    assert read_with_auth(tmp_path).references == {
        "[chain] rpc": "sealed:node",
        "[gateway] meter": "env:NVM_TEST_BOOKS",
        "[gateway] metrics_token": "file:metrics.txt",
        f"the auth of {DID}": "sealed:service",
    }


@pytest.mark.parametrize(
    ("minter", "problem"),
    [
        ("{}", "missing"),
        ('{ key_env = "A_KEY", dev_account = 2 }', "together"),
        ('{ key_env = "A_KEY", password = "sealed:minter" }', "without a key file"),
        ('{ keyfle = "a.json" }', "keyfle"),
    ],
)
def test_minter__that_is_not_one_key__is_refused(tmp_path: Path, minter: str, problem: str) -> None:
    line = '# minter = { keyfile = "minter.json", password = "sealed:minter" }'
    error = refuse(tmp_path, change(start_text(), line, f"minter = {minter}"))
    assert "[x402] minter" in error.problem
    assert problem in error.problem


def test_read_places__of_a_file_with_a_mistake_elsewhere__still_finds_the_secrets(tmp_path: Path) -> None:
    path = write_config(tmp_path, change(start_text(), "port = 8402", "prot = 8402"))
    assert read_places(path).sealed == tmp_path / "secrets.sealed"
    with pytest.raises(InvalidConfig, match="prot"):
        read_config(path)


def test_zero_address__as_credits__is_refused(tmp_path: Path) -> None:
    error = refuse(tmp_path, change(start_text(), '# credits = "0x…"', f'credits = "{ZERO}"'))
    assert "[chain]: `credits`" in error.problem


def test_page_of_the_gateway__has_every_key_of_each_table() -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "gateway.md").read_text("utf-8")
    for table, keys in {**{f"[{name}]": keys for name, keys in TABLES.items()}, "[[services]]": KEYS}.items():
        section = page.partition(f"\n### `{table}`")[2].partition("\n##")[0]
        rows = re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE)
        assert [key for row in rows for key in re.findall(r"`(\w+)`", row)] != []
        assert {key for row in rows for key in re.findall(r"`(\w+)`", row)} == set(keys)
