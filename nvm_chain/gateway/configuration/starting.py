"""The configuration file to start from: every key with its usual value, and what a trial on one machine needs."""

import json
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from nvm_chain.gateway.checks.settings import is_loopback
from nvm_chain.gateway.configuration.parts import HOST, PORT

RPC: Final = "http://127.0.0.1:8545"
"""Where a node such as anvil listens."""
URL: Final = f"http://{HOST}:{PORT}"
UPSTREAM: Final = "http://127.0.0.1:8000"
NO_DID: Final = "did:nv:<the id of your agent>"
DEV_REDEEMER: Final = 3
"""The development account that redeems in a trial. Accounts 1 and 2 are the builder and the subscriber of the examples."""

_HEAD: Final = """\
# The configuration of a gateway. `nvm-chain gateway check` says what is missing.
# A secret does not belong into this file. Write where it is instead: "env:NAME", "file:PATH" or
# "sealed:NAME", and seal it with `nvm-chain gateway secret set NAME`.
# Paths belong to the folder of this file. A line that begins with # has no effect.

[chain]
# A node, or several ones with commas between them. A URL with a key in it is a secret, such as "env:NODE_URL".
{rpc}
# A known network: "base:sepolia" or "base:mainnet". It has a public node, if you write no `rpc`.
{network}
# The chain id that the node has to have.
{chain_id}
# The contracts. They are in the deployment records, if you write nothing here.
{credits}
{agents}
# The folder of deployment records. It is `deployments` beside this file, if that is there.
{deployments}

[gateway]
# Where buyers reach the gateway. It has to be https, except on this machine alone.
url = {url}
# Where the server listens, and with how many processes. Several need books in PostgreSQL.
host = "{host}"
port = {port}
# workers = 1
# The books and the index: files, or URLs of PostgreSQL. A URL with a password is a secret, such as "env:BOOKS_URL".
meter = "meter.db"
index = "index.db"
# How many blocks have to follow an order before its credits count. 0 is for a trial.
depth = {depth}
# How long ago the chain may have been read, before requests are refused.
# max_view_age = "5 minutes"
# How long the token of a sign-in or an allowance is good, and how long a voucher has to live at least.
# sign_in = "1 hour"
# min_voucher = "15 minutes"
# Pages in browsers that may send requests, by their origins.
# cors_origins = ["*"]
# The token with which /metrics can be read. Nobody can, if you write nothing here.
# metrics_token = "sealed:metrics"

[redeemer]
# The key that settles. Each plan has to allow it: `nvm-chain plan set-redeemer`. Write one of the three.
# The password of a key file is in NVM_CHAIN_PASSWORD, if you write no `password`.
{keyfile}
# password = "sealed:redeemer"
# key_env = "REDEEMER_KEY"
{dev_account}
# Addresses of keys that settled before.
# former = []

[settler]
# Credits of a holder are settled when they are so many, when the oldest are so old, when so much of the
# exposure is used up, and so long before a voucher or credits end.
# max_credits = 1000
# age = "24 hours"
# exposure_percent = 50
# margin = "10 minutes"
# A transaction that waits this long is sent again with a higher fee, of so many percent of a new one at most.
# stuck = "3 minutes"
# max_fee_percent = 300

[checkout]
# Whether the key of the redeemer sends signed orders of buyers from the pages of plans, and pays their gas.
# relays = false
# How many orders it sends within 24 hours, for one account and in all.
# relays_per_account = 5
# relays_per_day = 200

[x402]
# Whether the key of the redeemer sends signed transfers of buyers, and pays their gas: for requests on usage plans,
# and for whole plans if there is a minter. A minter grants without limit, so its key is apart from the redeemer's.
# exact = false
# The minter, which each plan has to allow: `nvm-chain plan set-minter`.
# minter = {{ keyfile = "minter.json", password = "sealed:minter" }}
# How many transfers it sends within 24 hours, for one account and in all: for plans, and for requests.
# orders_per_account = 20
# orders_per_day = 500
# requests_per_account = 2000
# requests_per_day = 20000

[facilitator]
# Servers that may have payments of x402 verified and settled, each by the hash of its token. Without them, nobody may.
# callers = [{{ name = "shop", token = "sha256:…", pay_to = ["0x…"], services = ["7"] }}]
# The tokens that are taken, and the smallest amount in base units. The chain's USDC, if you write no `assets`.
# assets = ["0x…"]
# least = 1
# Contracts that may deploy the wallets of payers (ERC-6492). The key of the redeemer pays for that too.
# factories = []
# The most gas of one settlement, and of the settlements for one caller in 24 hours.
# gas = 400000
# gas_per_day = 500000000
# The highest price of a unit of gas at which something is sent, in gwei.
# gwei = 500
# Settlements for one payer and in all within 24 hours, and questions of one caller in a minute.
# per_account = 500
# per_day = 20000
# per_minute = 1200
# After how many failed transactions within 24 hours a payer has to wait.
# failures = 3
# How long an answer waits for its transaction. Then it says that the settlement is pending.
# wait = "25 seconds"

[retention]
# How long the books keep requests with what they cost, sessions after their end, and notices that were sent.
# charges = "400 days"
# sessions = "30 days"
# notices = "30 days"

[secrets]
# The file of sealed secrets, and its key. A key in NVM_CHAIN_GATEWAY_KEY counts more than the key file.
# file = "secrets.sealed"
# key_file = "gateway.key"

[[services]]
# The agent, whose plans and endpoints are on the chain: its DID, or its number as a text.
did = {did}
# Where your service listens.
upstream = {upstream}
# A folder with the agent's files. With it, a service needs no upstream.
# files = "files"
# The URL with which the agent's endpoints begin, if it is another one than `upstream`.
{public_url}
# Hosts that are for this service alone, without /services/DID in front of the path.
# hosts = ["service.example.com"]
# How the gateway proves itself to the service: "none", "basic" with user and secret, "bearer" with secret, or
# "header" with name and secret.
# auth = {{ type = "bearer", secret = "sealed:service" }}
# How much a voucher is bound to its request at least: "full", "resource" or "none".
# level = "full"
# The credits of one holder that you risk until they are settled.
# exposure = 1000
# Whether the header NVMCreditsConsumed of the service says what a request costs.
# dynamic = false
# Whether answers with a status of 400 and above are charged.
# charges_failures = false
# Whether redirects to other hosts are handed on.
# forwards_redirects = false
# How websockets are sold: each message of the buyer, or each minute, costs what a request costs.
# websocket = {{ per = "message", max_bytes = 1048576, idle = "10 minutes" }}
# At how many credits a holder's balance is low, and how long before an end a holder is told. Webhooks hear of it.
# warnings = {{ low_balance = 100, soon = "3 days" }}
# The seller to whom the service belongs. Its own table is [[sellers]].
# seller = "acme"
# Apps whose pages may show the log-in of the service, by their origins, such as an app of Streamlit.
# embedded_in = ["https://chat.example.com"]
# How many seconds a request may take until its answer begins, and an answer may stand still.
# request_seconds = 120
# How many seconds a request may take whose answer goes on.
# max_answer_seconds = 3600
# How many requests the service gets at the same time, from each process of the gateway.
# max_running = 500
# Of each holder: requests in some time, credits in some time, and unpaid failures in an hour.
# limits = {{ rate = {{ requests = 10, every = "1 minute" }}, quota = {{ credits = 1000, every = "1 day" }}, releases = 20 }}
# Of each holder on a time plan: requests at the same time, and in some time. On any plan: websockets at the same time.
# max_open = 16
# per_period = {{ requests = 1000, every = "1 day" }}
"""


@dataclass(frozen=True, slots=True)
class Start:
    """What is known of a gateway that begins. None for what the file should have its usual value for."""

    did: str | None = None
    upstream: str | None = None
    public_url: str | None = None
    url: str | None = None
    rpc: str | None = None
    network: str | None = None
    chain_id: int | None = None
    credits: str | None = None
    agents: str | None = None
    deployments: str | None = None

    @property
    def is_trial(self) -> bool:
        """Whether the node is on this machine, so that it may be a development chain."""
        return self.network is None and all(map(_is_local, (self.rpc or RPC).split(",")))


def build_config_text(start: Start) -> str:
    """Return the text of a configuration file. For a node on this machine, it is complete as soon as it has a DID.

    >>> "did:nv:" in build_config_text(Start())
    True
    """
    url = start.url or URL
    rpc = start.rpc if start.rpc is not None or start.network is not None else RPC
    return _HEAD.format(
        rpc=_write("rpc", rpc, RPC),
        network=_write("network", start.network, "base:sepolia"),
        chain_id="# chain_id = 8453" if start.chain_id is None else f"chain_id = {start.chain_id}",
        credits=_write("credits", start.credits, "0x…"),
        agents=_write("agents", start.agents, "0x…"),
        deployments=_write("deployments", start.deployments, "deployments"),
        url=_quote(url),
        host=HOST,
        port=(urlsplit(url).port or PORT) if _is_local(url) else PORT,
        depth=0 if start.is_trial else 2,
        keyfile=_write("keyfile", None if start.is_trial else "redeemer.json", "redeemer.json"),
        dev_account=f"{'' if start.is_trial else '# '}dev_account = {DEV_REDEEMER}",
        did=_quote(start.did or NO_DID),
        upstream=_quote(start.upstream or UPSTREAM),
        public_url=_write("public_url", start.public_url, "https://service.example.com"),
    )


def _write(key: str, value: str | None, example: str) -> str:
    """Return the line of a key. Without a value, it is an example that has no effect."""
    return f"# {key} = {_quote(example)}" if value is None else f"{key} = {_quote(value)}"


def _quote(text: str) -> str:
    """Return a text as TOML has it. The basic strings of TOML and those of JSON are written alike."""
    return json.dumps(text, ensure_ascii=False)


def _is_local(url: str) -> bool:
    try:
        return is_loopback(urlsplit(url.strip()).hostname or "")
    except ValueError:
        return False
