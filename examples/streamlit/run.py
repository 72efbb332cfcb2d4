"""Run the chat of `app.py` with all that it needs on this machine: a chain, a seller, a model, a gateway and Streamlit.

    python run.py

It needs ``pip install 'nvm-chain[gateway,streamlit]'``, and anvil on the path. ``--ports 8545,8402,8501`` are the ports of the
chain, the gateway and the app. The chain is for development, so the keys of its accounts are public.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from json import dumps, loads
from pathlib import Path

import uvicorn

import nvm_chain as nvm
from nvm_chain.chain.client import Chain, open_rpc
from nvm_chain.chain.dev_accounts import derive_dev_accounts
from nvm_chain.chain.embedded import deploy_all
from nvm_chain.errors import ConnectionFailed
from nvm_chain.gateway.app import GatewayApp
from nvm_chain.gateway.opening import build_gateway
from nvm_chain.gateway.settings import GatewaySettings, ServiceSettings
from nvm_chain.metadata.endpoints import Endpoint
from nvm_chain.types.agents import AttachedPlan

PORTS = "8545,8402,8501"
DEPLOYER, BUILDER, VISITOR, REDEEMER = range(4)
PUBLIC = "https://echo.example.com"
"""The URL with which the agent's endpoints begin."""


class Model(BaseHTTPRequestHandler):
    """The seller's model. It knows nothing of payments."""

    def do_POST(self) -> None:
        """Answer with what was asked."""
        question = loads(self.rfile.read(int(self.headers["Content-Length"])))["payload"]
        answer = dumps({"answer": f"You said: {question}"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is the base class's
        """Write no log."""


def main() -> None:
    """Start everything, and serve until Ctrl-C or SIGTERM. What was started ends with it."""
    if shutil.which("anvil") is None:
        sys.exit("anvil is not on the path. It is a program of Foundry, and a chain for development.")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C
    named = sys.argv[sys.argv.index("--ports") + 1] if "--ports" in sys.argv else PORTS
    chain_port, gateway_port, app_port = map(int, named.split(","))
    rpc, gateway, app = (f"http://127.0.0.1:{port}" for port in (chain_port, gateway_port, app_port))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(running("anvil", "--silent", f"--port={chain_port}"))
        first = open_chain(rpc)

        def connect() -> Chain:
            return nvm.connect(rpc, credits=first.credits.address, agents=first.agents.address)

        did = register(connect())
        own = ServiceSettings(did, stack.enter_context(modelling()), public_url=PUBLIC, embedded_in=(app,))
        settings = GatewaySettings(gateway, str(folder / "meter.db"), str(folder / "index.db"), {did: own}, depth=0)
        served = build_gateway(connect, derive_dev_accounts()[REDEEMER], settings, renews=True)
        stack.enter_context(serving(served, gateway_port))

        os.environ.update(NVM_DID=did, NVM_GATEWAY=gateway)
        options = ("--server.headless=true", "--server.address=127.0.0.1", "--browser.gatherUsageStats=false")
        script = str(Path(__file__).with_name("app.py"))
        streamlit = running(sys.executable, "-m", "streamlit", "run", script, *options, f"--server.port={app_port}")
        process = stack.enter_context(streamlit)
        key = derive_dev_accounts()[VISITOR].key.hex()
        print(
            f"The chat is at {app}. A visitor with a plan has the key 0x{key} on the chain 31337 at {rpc}.", flush=True
        )
        with suppress(KeyboardInterrupt):
            process.wait()


def open_chain(rpc: str) -> Chain:
    """Connect to the chain as soon as it answers, and deploy the contracts."""
    while True:
        with suppress(ConnectionFailed):
            chain = open_rpc(rpc)
            deploy_all(chain, derive_dev_accounts()[DEPLOYER])
            return chain
        time.sleep(0.1)


def register(chain: Chain) -> str:
    """Register a trial, a paid plan and the agent, and order the trial for a visitor. Return the DID of the agent."""
    builder, visitor, redeemer = (chain.accounts[number] for number in (BUILDER, VISITOR, REDEEMER))
    trial = nvm.register_plan(chain, builder, nvm.get_free_price_config(), nvm.get_expirable_duration_config(86_400))
    price = nvm.get_native_token_price_config(nvm.ether("0.001"), builder.address)
    paid = nvm.register_plan(chain, builder, price, nvm.get_fixed_credits_config(100))
    for plan in (trial, paid):
        nvm.set_redeemer(chain, builder, plan.plan_id, redeemer.address, True)
    nvm.order_plan(chain, visitor, trial.plan_id)
    metadata = nvm.AgentMetadata("Echo", endpoints=[Endpoint("POST", f"{PUBLIC}/ask")])
    plans = [AttachedPlan(trial.plan_id, 0, 0), AttachedPlan(paid.plan_id, 1, 1)]
    return nvm.format_did(nvm.register_agent(chain, builder, metadata, plans).agent_id)


@contextmanager
def running(*command: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program, and end it after the block."""
    process = subprocess.Popen(command)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


@contextmanager
def modelling() -> Iterator[str]:
    """Serve the model, and yield its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


@contextmanager
def serving(app: GatewayApp, port: int) -> Iterator[None]:
    """Serve a gateway."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.05)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


if __name__ == "__main__":
    main()
