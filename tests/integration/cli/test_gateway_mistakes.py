"""What new sellers forget, by the commands that they type: each mistake ends in a sentence, and doing what it says mends it."""

import json
import re
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shlex import split
from typing import Any

import pytest

from nvm_chain.enums import PlanKind
from nvm_chain.errors.formatting import format_plan_id
from nvm_chain.types.ids import format_did
from tests.gateway.files import CANARY, change, find_free_port, listening
from tests.integration.cli.conftest import PASSWORD, Shell
from tests.support.postgres import run_postgres
from tests.support.shell import COMMAND, clean_environment

BUILDER = ("--dev-account", "1")
REDEEMER = "dev_account = 3"
PUBLIC = "https://tea.example.com"
START_SECONDS, STOP_SECONDS = 60, 60
COMMANDS = re.compile(r"`nvm-chain ([^`]*)`")


@dataclass
class Seller:
    """Somebody who has done everything by the commands, with a service that runs."""

    shell: Shell
    port: int
    plan_id: int = 0
    agent_id: int = 0
    text: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    def prepare(self) -> None:
        """Register a plan and an agent, allow the redeemer, and write the configuration."""
        run = self.shell
        options = ("--price", "20 USDC", "--grants", "100", *BUILDER, "--json")
        self.plan_id = int(run("plan", "register", *options).json["plan_id"], 0)
        self.agent_id = self.register(self.plan_id)
        redeemer = run.world.chain.accounts[3].address
        assert run("plan", "set-redeemer", str(self.plan_id), redeemer, *BUILDER).exit_code == 0
        self.init()

    def register(self, *plans: int, path: str = "/ask", cost: str = "1") -> int:
        """Register an agent, and return its id."""
        attached = [part for plan in plans for part in ("--plan", f"{plan}={cost}")]
        described = ("--name", "Tea", "--endpoint", f"POST={PUBLIC}{path}")
        return int(self.shell("agent", "register", *described, *attached, *BUILDER, "--json").json["agent_id"])

    def init(self) -> None:
        """Write the configuration with the command."""
        upstream = f"http://127.0.0.1:{self.port}"
        ran = self.shell("gateway", "init", "--did", str(self.agent_id), "--upstream", upstream)
        assert ran.exit_code == 0, ran.stderr
        self.text = self.path.read_text("utf-8")
        self.put('# public_url = "https://service.example.com"', f'public_url = "{PUBLIC}"')
        self.put("port = 8402", f"port = {find_free_port()}")

    @property
    def path(self) -> Path:
        return self.shell.folder / "gateway.toml"

    def put(self, was: str, now: str) -> None:
        """Change the file."""
        self.text = change(self.text, was, now)
        self.path.write_text(self.text, "utf-8")

    def serve(self, agent_id: int) -> None:
        """Write another agent into the file."""
        self.put(format_did(self.agent_id), format_did(agent_id))
        self.agent_id = agent_id

    def check(self) -> dict[str, str]:
        """Run `gateway check`, and return what is missing, or worth knowing: the sentence, and the next step."""
        ran = self.shell("gateway", "check", "--json", **self.environment)
        findings = json.loads(ran.stdout)["findings"]
        missing = {each["text"]: each["next_step"] for each in findings if each["verdict"] == "missing"}
        assert ran.exit_code == (9 if missing else 0)
        return missing

    def only(self) -> str:
        """Return the sentence and the next step of the one thing that is missing."""
        ((text, step),) = self.check().items()
        shown = " ".join(self.shell("gateway", "check", **self.environment).stdout.split())
        assert " ".join(step.split()) in shown
        return f"{text} {step}"

    def notes(self) -> str:
        """Return what is worth knowing, where nothing is missing."""
        ran = self.shell("gateway", "check", "--json", **self.environment)
        assert ran.exit_code == 0, ran.stdout
        return " ".join(
            f"{each['text']} {each['next_step']}"
            for each in json.loads(ran.stdout)["findings"]
            if each["verdict"] == "note"
        )

    def follow(self, step: str, *more: str, typed: str | None = None) -> None:
        """Run the command that a sentence names."""
        (command,) = COMMANDS.findall(step)
        ran = self.shell(*split(command), *more, typed=typed, **self.environment)
        assert ran.exit_code == 0, ran.stderr

    @contextmanager
    def running(self) -> Iterator["subprocess.Popen[str]"]:
        """Run `gateway run` until the block ends."""
        environment = clean_environment(**self.shell.environment, **self.environment)
        process = subprocess.Popen(
            [*COMMAND, "gateway", "run"], cwd=self.shell.folder, env=environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=STOP_SECONDS)

    def run(self) -> str:
        """Run `gateway run`, which cannot start, and return what it says."""
        with self.running() as process:
            said, _ = process.communicate(timeout=START_SECONDS)
            assert process.returncode not in (0, 1)
            assert "Traceback" not in said
            return " ".join(said.split())

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Run `gateway run`, which serves, until the block ends."""
        port = int(re.search(r"^port = (\d+)", self.text, re.MULTILINE)[1])  # type: ignore[index]
        with self.running() as process:
            deadline = time.monotonic() + START_SECONDS
            while process.poll() is None and time.monotonic() < deadline and not answers(port):
                pass
            assert process.poll() is None, process.communicate()
            yield


def answers(port: int) -> bool:
    """Return whether somebody takes connections on a port of this machine."""
    with socket.socket() as line:
        line.settimeout(0.2)
        return line.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def seller(shell: Shell) -> Iterator[Seller]:
    with listening() as port:
        seller = Seller(shell, port)
        seller.prepare()
        assert seller.check() == {}
        yield seller


# ---------------------------------------------------------------------- the file


def test_seller__without_a_file__makes_one_with_the_command_that_is_named(seller: Seller) -> None:
    seller.path.unlink()
    assert "cannot be read" in seller.only()
    (step,) = seller.check().values()
    assert COMMANDS.findall(step) == ["gateway init"]
    seller.init()
    assert seller.check() == {}


def test_seller__who_mistypes_a_key__is_told_the_right_one(seller: Seller) -> None:
    seller.put("upstream = ", "upsteam = ")
    assert "did you mean `upstream`?" in seller.only().lower()
    seller.put("upsteam = ", "upstream = ")
    assert seller.check() == {}


# ---------------------------------------------------------------------- the chain


def test_seller__whose_node_does_not_run__is_told_to_start_it(seller: Seller) -> None:
    url = seller.shell.url
    seller.put(f'rpc = "{url}"', f'rpc = "http://127.0.0.1:{find_free_port()}"')
    found = seller.only()
    assert "does not answer" in found
    assert "Check that the node runs" in found
    seller.text = re.sub(r'^rpc = ".*"', f'rpc = "{url}"', seller.text, flags=re.MULTILINE)
    seller.path.write_text(seller.text, "utf-8")
    assert seller.check() == {}


def test_seller__on_another_chain_than_meant__is_told_both_numbers(seller: Seller) -> None:
    seller.put("# chain_id = 8453", "chain_id = 8453")
    found = seller.only()
    assert "8453" in found
    assert "31337" in found
    seller.put("chain_id = 8453", "chain_id = 31337")
    assert seller.check() == {}


def test_seller__without_an_agent__registers_one_with_the_command_that_is_named(seller: Seller) -> None:
    agent_id, seller.agent_id = seller.agent_id, 987_654
    seller.put(format_did(agent_id), format_did(987_654))
    assert "has no such agent. Register it with `nvm-chain agent register`" in seller.only()
    seller.serve(seller.register(seller.plan_id))
    assert seller.check() == {}


def test_seller__whose_agent_has_no_plan__attaches_one_with_the_command_that_is_named(seller: Seller) -> None:
    seller.serve(seller.register())
    found = seller.only()
    assert "so nobody can pay for a request" in found
    seller.follow(found.replace("PLAN", str(seller.plan_id)), *BUILDER)
    assert seller.check() == {}


def test_seller__whose_redeemer_may_not_settle__allows_it_with_the_command_that_is_named(seller: Seller) -> None:
    options = ("--price", "20 USDC", "--grants", "50", *BUILDER, "--json")
    plan_id = int(seller.shell("plan", "register", *options).json["plan_id"], 0)
    seller.serve(seller.register(plan_id))
    found = seller.only()
    assert format_plan_id(plan_id) in found
    seller.follow(found, *BUILDER)
    assert seller.check() == {}


def test_seller__with_a_plan_of_usage_only__is_told_to_attach_another(seller: Seller) -> None:
    usage = seller.shell.world.register(kind=PlanKind.USAGE, credits=0, min_redeem=0, max_redeem=0)
    agent_id = seller.register()
    assert seller.shell("agent", "attach", str(agent_id), str(usage), *BUILDER).exit_code == 0
    seller.serve(agent_id)
    found = seller.only()
    assert "None of its plans pays for requests to a gateway" in found
    seller.follow(found, str(agent_id), str(seller.plan_id), "--per-request", "1", *BUILDER)
    assert seller.check() == {}


def test_seller__whose_requests_cost_more_than_is_risked__is_told_the_line_to_write(seller: Seller) -> None:
    options = ("--price", "20 USDC", "--grants", "100", "--per-request", "1..50", *BUILDER, "--json")
    plan_id = int(seller.shell("plan", "register", *options).json["plan_id"], 0)
    redeemer = seller.shell.world.chain.accounts[3].address
    assert seller.shell("plan", "set-redeemer", str(plan_id), redeemer, *BUILDER).exit_code == 0
    seller.serve(seller.register(plan_id, cost="1..50"))
    seller.put("# dynamic = false", "dynamic = true")
    seller.put("# exposure = 1000", "exposure = 10")
    found = seller.only()
    assert "costs up to 50 credits, but its exposure is 10" in found
    (line,) = re.findall(r"exposure = \d+", found)
    seller.put("exposure = 10", line)
    assert seller.check() == {}


# ---------------------------------------------------------------------- the service


def test_seller__whose_service_does_not_run__is_told_to_start_it(seller: Seller) -> None:
    port = find_free_port()
    seller.put(f"127.0.0.1:{seller.port}", f"127.0.0.1:{port}")
    found = seller.only()
    assert f"Nothing takes connections at 127.0.0.1:{port}" in found
    assert "Start your service" in found
    with socket.create_server(("127.0.0.1", port)):
        assert seller.check() == {}


def test_seller__whose_endpoints_have_another_url__is_told_the_line_to_write(seller: Seller) -> None:
    seller.put(f'public_url = "{PUBLIC}"', 'public_url = "https://other.example.com"')
    found = seller.only()
    assert f"do not begin with https://other.example.com: {PUBLIC}/ask" in found
    (line,) = re.findall(r'public_url = "[^"]*"', found)
    seller.put('public_url = "https://other.example.com"', line)
    assert seller.check() == {}


def test_seller__whose_upstream_repeats_the_path_of_its_endpoints__is_told_to_leave_it_out(seller: Seller) -> None:
    seller.serve(seller.register(seller.plan_id, path="/v1/ask"))
    upstream = f"http://127.0.0.1:{seller.port}"
    seller.put(f'upstream = "{upstream}"', f'upstream = "{upstream}/v1"')
    found = seller.notes()
    assert "requests reach the service at /v1/v1" in found
    assert "Leave /v1 out of `upstream`" in found
    seller.put(f'upstream = "{upstream}/v1"', f'upstream = "{upstream}"')
    assert "/v1/v1" not in seller.notes()
    seller.put(f'upstream = "{upstream}"', f'upstream = "{upstream}/v1"')
    (line,) = re.findall(r'public_url = "[^"]*"', found)
    seller.put(f'public_url = "{PUBLIC}"', line)
    assert "/v1/v1" not in seller.notes()


# ---------------------------------------------------------------------- keys and secrets


def test_seller__with_a_key_file_and_no_password__seals_it_with_the_command_that_is_named(seller: Seller) -> None:
    made = seller.shell("key", "new", "redeemer.json", "--json")
    assert made.exit_code == 0, made.stderr
    address = made.json["address"]
    assert seller.shell("plan", "set-redeemer", str(seller.plan_id), address, *BUILDER).exit_code == 0
    node: Any = seller.shell.world.chain.web3.provider
    node.make_request("anvil_setBalance", [address, hex(10**18)])
    seller.put(REDEEMER, "")
    seller.put('# keyfile = "redeemer.json"', 'keyfile = "redeemer.json"')
    seller.put('# password = "sealed:redeemer"', 'password = "sealed:redeemer"')
    found = seller.only()
    assert "`nvm-chain gateway secret set redeemer`" in found
    seller.follow(found, typed=PASSWORD)
    assert seller.check() == {}


def test_seller__whose_secret_is_missing__stores_it_with_the_command_that_is_named(seller: Seller) -> None:
    seller.put("# auth = {", "auth = {")
    found = seller.only()
    seller.follow(found, typed=CANARY)
    assert seller.check() == {}


def test_seller__whose_key_others_can_read__takes_it_from_them_with_the_command_that_is_named(seller: Seller) -> None:
    seller.put("# auth = {", "auth = {")
    assert seller.shell("gateway", "secret", "set", "service", typed=CANARY).exit_code == 0
    key = seller.shell.folder / "gateway.key"
    key.chmod(0o644)
    (command,) = re.findall(r"`(chmod [^`]*)`", seller.only())
    subprocess.run(split(command), check=True)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert seller.check() == {}


# ---------------------------------------------------------------------- databases and ports


def test_seller__whose_postgresql_is_away__is_told_so_by_check_and_run(seller: Seller) -> None:
    with run_postgres() as server:
        books, index = server.new_database(), server.new_database()
        seller.put('meter = "meter.db"', f'meter = "{books}"')
        seller.put('index = "index.db"', f'index = "{index}"')
        assert seller.check() == {}
        server.stop()
        missing = seller.check()
        assert len(missing) == 2
        for text, step in missing.items():
            assert "is not available" in text
            assert step
        said = seller.run()
        assert any(" ".join(step.split()) in said for step in missing.values()), said
        server.start()
        assert seller.check() == {}


def test_seller__whose_port_is_taken__is_told_to_write_another(seller: Seller) -> None:
    with listening() as port:
        seller.text = re.sub(r"^port = .*", f"port = {port}", seller.text, flags=re.MULTILINE)
        seller.path.write_text(seller.text, "utf-8")
        assert f"A process listens on 127.0.0.1:{port} already" in seller.notes()
        said = seller.run()
        assert str(port) in said
        assert "write another `port`" in said
        seller.put(f"port = {port}", f"port = {find_free_port()}")
        with seller.serving():
            pass


def test_seller__who_runs_before_the_deployment__is_told_so_with_the_exit_code_of_it(seller: Seller) -> None:
    shutil.move(seller.shell.folder / "deployments", seller.shell.folder / "away")
    with seller.running() as process:
        said, _ = process.communicate(timeout=START_SECONDS)
    assert process.returncode == 4, said
    assert "Error (NoDeployment): No deployment of" in said
    assert "into the table [chain] as `deployments`" in seller.only()
    seller.put('# deployments = "deployments"', 'deployments = "away"')
    assert seller.check() == {}
    with seller.serving():
        pass


def test_seller__who_starts_a_second_gateway_on_one_file__is_told_to_use_another(seller: Seller) -> None:
    with seller.serving():
        seller.text = re.sub(r"^port = .*", f"port = {find_free_port()}", seller.text, flags=re.MULTILINE)
        seller.path.write_text(seller.text, "utf-8")
        said = seller.run()
        assert "another process has the file open" in said.lower()
        assert "use PostgreSQL for several processes" in said
        seller.put('meter = "meter.db"', 'meter = "second.db"')
        seller.put('index = "index.db"', 'index = "second-index.db"')
        assert seller.check() == {}
        with seller.serving():
            pass
