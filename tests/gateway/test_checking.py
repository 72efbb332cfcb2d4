"""The check of a gateway: what a seller forgets ends in a sentence that says what to do, and doing it helps."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from nvm_chain.chain.embedded import LABEL
from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.errors.formatting import format_plan_id
from nvm_chain.gateway.checking import Finding, Verdict, check_gateway, find_missing
from nvm_chain.gateway.checks.services import check_endpoints
from nvm_chain.gateway.settings import ServiceSettings
from nvm_chain.gateway.sockets.terms import SocketTerms, Unit
from nvm_chain.index.database import open_index
from nvm_chain.index.following import Follower
from nvm_chain.metadata.documents import AgentMetadata, build_metadata_uri
from nvm_chain.metadata.endpoints import Endpoint
from nvm_chain.meter.store.opening import open_store
from nvm_chain.types.ids import format_did
from tests.gateway.files import CANARY, DID, change, find_free_port, listening, seal, start_text, write_config
from tests.support.agents import Agents
from tests.support.world import World

EMBEDDED_TOO = True
PUBLIC = "https://service.example.com/v1"
METADATA = AgentMetadata("Tea", endpoints=(Endpoint("POST", f"{PUBLIC}/ask"),), open_endpoints=(f"{PUBLIC}/about",))
DAY = 86_400


@dataclass
class Seller:
    """Somebody who sells on a plan, with a configuration that is right."""

    world: World
    folder: Path
    port: int
    plan_id: int = field(init=False)
    agent_id: int = field(init=False)
    text: str = field(init=False)

    def __post_init__(self) -> None:
        self.plan_id = self.world.register()
        self.allow()
        self.agent_id = self.attach((self.plan_id, 1, 1))
        text = start_text(
            did=format_did(self.agent_id), upstream=f"http://127.0.0.1:{self.port}", rpc="http://127.0.0.1:1"
        )
        text = change(text, '# public_url = "https://service.example.com"', f'public_url = "{PUBLIC}"')
        text = change(text, "port = 8402", f"port = {find_free_port()}")
        self.text = change(text, "dev_account = 3", "dev_account = 4")
        seal(self.folder)

    def allow(self, plan_id: int | None = None, redeemer: str | None = None) -> None:
        """Make an address a redeemer of a plan."""
        function = self.world.credits.functions.setRedeemer
        self.world.send(
            self.world.builder, function(plan_id or self.plan_id, redeemer or self.world.redeemer.address, True)
        )

    def attach(self, *plans: tuple[int, int, int], metadata: AgentMetadata = METADATA) -> int:
        """Register an agent with some plans."""
        return Agents(self.world).register(*plans, uri=build_metadata_uri(metadata))

    def serve(self, *plans: tuple[int, int, int], metadata: AgentMetadata = METADATA) -> None:
        """Serve a new agent with some plans in place of the first one."""
        agent_id = self.attach(*plans, metadata=metadata)
        self.text = change(self.text, format_did(self.agent_id), format_did(agent_id))
        self.agent_id = agent_id

    def put(self, was: str, now: str) -> None:
        """Change the file."""
        self.text = change(self.text, was, now)

    def check(self) -> list[Finding]:
        """Check the file as it is now. Every finding is whole, and what is missing has a next step."""
        findings = check_gateway(write_config(self.folder, self.text), chain=self.world.chain)
        for finding in findings:
            assert finding.text.endswith("."), finding
            assert finding.verdict is not Verdict.MISSING or finding.next_step, finding
            assert finding.next_step is None or finding.next_step.endswith((".", "?")), finding
            assert CANARY not in repr(finding)
        return findings

    def missing(self) -> list[str]:
        """Return what is missing, each as one text."""
        return [f"{each.subject}: {each.text} {each.next_step}" for each in find_missing(self.check())]

    def only(self) -> str:
        """Return the one thing that is missing."""
        (found,) = self.missing()
        return found

    def notes(self) -> str:
        """Return what is worth knowing, where nothing is missing."""
        findings = self.check()
        assert find_missing(findings) == []
        return "\n".join(f"{each.text} {each.next_step}" for each in findings if each.verdict is Verdict.NOTE)


@pytest.fixture
def seller(world: World, tmp_path: Path) -> Iterator[Seller]:
    with listening() as port:
        yield Seller(world, tmp_path, port)


def test_check__of_a_seller_who_has_done_everything__finds_nothing_missing(seller: Seller) -> None:
    findings = seller.check()
    assert find_missing(findings) == []
    subjects = {finding.subject.partition(" ")[0] for finding in findings}
    assert subjects == {
        *("configuration", "url", "listen", "secrets", "upstream", "chain", "contracts", "redeemer", "service", "plan"),
        *("books", "index"),
    }
    assert not (seller.folder / "meter.db").exists()
    assert not (seller.folder / "index.db").exists()


# ---------------------------------------------------------------------- a seller's usual mistakes


def test_check__of_a_file_that_is_not_there__says_how_to_make_one(tmp_path: Path) -> None:
    (found,) = check_gateway(tmp_path / "gateway.toml")
    assert (found.subject, found.verdict) == ("configuration", Verdict.MISSING)
    assert "nvm-chain gateway init" in str(found.next_step)


def test_check__of_a_mistyped_key__says_which_was_meant(seller: Seller) -> None:
    seller.put("upstream = ", "upstraem = ")
    assert "did you mean `upstream`?" in seller.only().lower()


def test_check__without_an_agent__says_how_to_register_one(seller: Seller) -> None:
    seller.put(format_did(seller.agent_id), "did:nv:<the id of your agent>")
    assert "`nvm-chain agent register`" in seller.only()


def test_check__of_an_agent_of_another_chain__says_so(seller: Seller) -> None:
    seller.put(format_did(seller.agent_id), format_did(987_654))
    found = seller.only()
    assert "has no such agent" in found
    assert "`nvm-chain agent register`" in found
    assert "the right network" in found


def test_check__of_a_service_that_does_not_run__says_to_start_it(seller: Seller) -> None:
    seller.put(f'upstream = "http://127.0.0.1:{seller.port}"', f'upstream = "http://127.0.0.1:{find_free_port()}"')
    assert "Nothing takes connections at 127.0.0.1" in seller.only()
    assert "Start your service" in seller.only()


def test_check__of_an_upstream_that_is_the_gateway_itself__is_found(seller: Seller) -> None:
    port = find_free_port()
    seller.text = "\n".join(
        f"port = {port}" if line.startswith("port = ") else line for line in seller.text.splitlines()
    )
    seller.put(f'upstream = "http://127.0.0.1:{seller.port}"', f'upstream = "http://localhost:{port}"')
    assert "is where the gateway itself listens" in seller.only()


def test_check__of_https_where_the_service_has_none__says_to_write_http(seller: Seller) -> None:
    seller.put(f'upstream = "http://127.0.0.1:{seller.port}"', f'upstream = "https://127.0.0.1:{seller.port}"')

    def answer(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with answering(answer) as port:
        seller.put(f"https://127.0.0.1:{seller.port}", f"https://127.0.0.1:{port}")
        assert "Write http:// in place of https://" in seller.only()


@contextmanager
def answering(answer: Callable[[socket.socket], object]) -> Iterator[int]:
    """Run a server for one connection on a port of this machine, and yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


def test_check__of_endpoints_at_another_url__says_which_line_to_write(seller: Seller) -> None:
    seller.put(f'public_url = "{PUBLIC}"', "")
    found = seller.only()
    assert "No request can match 2 of 2 endpoints" in found
    assert f"{PUBLIC}/ask" in found
    assert 'public_url = "https://service.example.com"' in found
    seller.put("[[services]]", '[[services]]\npublic_url = "https://service.example.com"')
    assert seller.missing() == []


def test_check__of_some_endpoints_at_another_url__names_these(seller: Seller) -> None:
    other = Endpoint("GET", "https://other.example.com/data")
    seller.serve((seller.plan_id, 1, 1), metadata=AgentMetadata("Tea", endpoints=(*METADATA.endpoints, other)))
    found = seller.only()
    assert "No request can match 1 of 2 endpoints" in found
    assert found.count("other.example.com/data") == 1
    assert "`nvm-chain agent update`" in found


def test_check__of_an_agent_without_a_plan__says_how_to_attach_one(seller: Seller) -> None:
    seller.serve()
    assert f"`nvm-chain agent attach {seller.agent_id} PLAN --per-request 1`" in seller.only()


def test_check__of_a_key_that_may_not_settle__says_the_command_and_whose_key_runs_it(seller: Seller) -> None:
    plan_id = seller.world.register()
    seller.serve((plan_id, 1, 1))
    found, redeemer = seller.only(), seller.world.redeemer.address
    assert f"`nvm-chain plan set-redeemer {format_plan_id(plan_id)} {redeemer}`" in found
    assert f"the plan's owner, {seller.world.builder.address}" in found
    seller.allow(plan_id)
    assert seller.missing() == []


def test_check__of_a_transferable_plan__says_to_register_another(seller: Seller) -> None:
    plan_id = seller.world.register(transferable=True)
    seller.allow(plan_id)
    seller.serve((plan_id, 1, 1))
    assert "Register a plan without --transferable" in seller.only()


def test_check__of_a_cost_above_the_exposure__says_what_to_write(seller: Seller) -> None:
    seller.serve((seller.plan_id, 5, 50))
    seller.put("# exposure = 1000", "exposure = 10")
    assert "A request costs 5 to 50 credits, and `dynamic` is false" in seller.notes()
    seller.put("# dynamic = false", "dynamic = true")
    assert "costs up to 50 credits, but its exposure is 10" in seller.only()
    assert "exposure = 500" in seller.only()
    seller.put("exposure = 10", "exposure = 50")
    assert seller.missing() == []


def priced(**costs: Any) -> AgentMetadata:
    """Return an agent with one endpoint for each name, which costs what ``nvmCosts`` says. None is for no cost of its own."""
    endpoints = tuple(Endpoint("POST", f"{PUBLIC}/{name}") for name in costs)
    own = {f"POST {PUBLIC}/{name}": cost for name, cost in costs.items() if cost is not None}
    return AgentMetadata("Tea", endpoints=endpoints, extras={"nvmCosts": own})


def describe_costs(seller: Seller) -> list[str]:
    """Return what the check says of costs."""
    plan = f"plan {format_plan_id(seller.plan_id)}"
    return [each.text for each in seller.check() if each.subject == plan and "equest" in each.text]


def test_check__of_endpoints_with_costs_of_their_own__says_the_lowest_and_the_highest(seller: Seller) -> None:
    seller.serve((seller.plan_id, 1, 5), metadata=priced(cheap=2, dear=4))
    did = format_did(seller.agent_id)
    assert describe_costs(seller) == [f"A request to {did} costs 2 to 4 credits, depending on the endpoint."]
    seller.put("# exposure = 1000", "exposure = 3")
    (found,) = seller.missing()
    assert "costs up to 4 credits, but its exposure is 3. So the requests that cost more are refused." in found
    seller.put("exposure = 3", "exposure = 1")
    assert "So all are refused." in seller.only()


def test_check__of_one_cost_for_all_endpoints__is_not_the_range_of_the_plan(seller: Seller) -> None:
    seller.serve((seller.plan_id, 1, 5), metadata=priced(one=3, other=3))
    did = format_did(seller.agent_id)
    assert describe_costs(seller) == [f"A request to {did} costs exactly 3 credits."]


def test_check__of_ranges_without_dynamic__says_what_each_endpoint_costs(seller: Seller) -> None:
    seller.serve((seller.plan_id, 1, 5), metadata=priced(fixed=3, free=None, wide=[2, 4]))
    (found,) = describe_costs(seller)
    assert found.startswith("A request costs 1 to 5 credits, and `dynamic` is false.")
    assert found.endswith("So each one costs the lowest number of its endpoint, which is 1 to 3 credits.")
    seller.put("# dynamic = false", "dynamic = true")
    did = format_did(seller.agent_id)
    assert describe_costs(seller) == [f"A request to {did} costs 1 to 5 credits, depending on the endpoint."]


def test_check__of_a_cost_that_the_plan_does_not_have__names_the_endpoint(seller: Seller) -> None:
    seller.serve((seller.plan_id, 1, 5), metadata=priced(cheap=2, unsold=9))
    assert f"It does not pay for POST {PUBLIC}/unsold, because the agent accepts no such cost" in seller.notes()
    did = format_did(seller.agent_id)
    assert f"A request to {did} costs exactly 2 credits." in [each.text for each in seller.check()]


def test_check__of_costs_that_are_malformed__says_what_is_wrong(seller: Seller) -> None:
    seller.serve((seller.plan_id, 1, 5), metadata=priced(cheap="much"))
    assert "nvmCosts" in seller.only()


def test_check__of_plans_of_usage_only__says_that_nothing_pays(seller: Seller) -> None:
    plan_id = seller.world.register(kind=PlanKind.USAGE, credits=0, min_redeem=0, max_redeem=0)
    seller.serve((plan_id, 0, 0))
    assert "None of its plans pays for requests to a gateway" in seller.only()


def use_key(seller: Seller, coin: int = 0) -> str:
    """Let the seller redeem with a new key file, and return its address."""
    account = Account.create()
    content = Account.encrypt(account.key, CANARY, kdf="pbkdf2", iterations=2)
    (seller.folder / "redeemer.json").write_text(json.dumps(content))
    seller.put("dev_account = 4", "")
    seller.put('# keyfile = "redeemer.json"', 'keyfile = "redeemer.json"')
    seller.put('# password = "sealed:redeemer"', 'password = "sealed:redeemer"')
    seller.allow(redeemer=account.address)
    return str(account.address)


def test_check__of_a_password_that_is_not_sealed__says_the_command(seller: Seller) -> None:
    use_key(seller)
    assert "`nvm-chain gateway secret set redeemer`" in seller.only()


def test_check__of_a_wrong_password__says_so(seller: Seller) -> None:
    use_key(seller)
    seal(seller.folder, redeemer="another")
    assert any("the password is wrong" in each for each in seller.missing())


@pytest.mark.parametrize(("per_day", "is_noted"), [(1, False), (4_000_000_000, True)])
def test_check__of_orders_that_the_gateway_sends__says_what_a_day_of_them_may_need(
    seller: Seller, per_day: int, is_noted: bool
) -> None:
    seller.put("# relays = false", "relays = true")
    seller.put("# relays_per_day = 200", f"relays_per_day = {per_day}")
    assert (f"It sends up to {per_day:,} order" in seller.notes()) is is_noted


def test_check__of_a_redeemer_without_coin__says_how_much_to_send(seller: Seller) -> None:
    address = use_key(seller)
    seal(seller.folder, redeemer=CANARY)
    found = seller.only()
    assert "cannot pay for the gas of a settlement" in found
    assert f"Send {address} at least 0." in found
    assert f"on chain {seller.world.chain.chain_id}" in found


def test_check__of_a_key_file_without_a_password__says_both_places(
    seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_key(seller)
    seller.put('password = "sealed:redeemer"', "")
    monkeypatch.delenv("NVM_CHAIN_PASSWORD", raising=False)
    assert "it needs a password" in seller.only()
    monkeypatch.setenv("NVM_CHAIN_PASSWORD", CANARY)
    assert "it needs a password" not in seller.only()


def test_check__of_a_key_that_others_can_read__says_chmod(seller: Seller) -> None:
    seller.put("# auth = {", "auth = {")
    seal(seller.folder, service=CANARY)
    assert seller.missing() == []
    (seller.folder / "gateway.key").chmod(0o644)
    assert f"`chmod 600 {seller.folder / 'gateway.key'}`" in seller.only()


def test_check__of_a_secret_that_is_not_there__says_which_place_needs_it(seller: Seller) -> None:
    seller.put("# auth = {", "auth = {")
    found = seller.only()
    assert found.startswith(f"secret of the auth of {format_did(seller.agent_id)}")
    assert "`nvm-chain gateway secret set service`" in found


def test_check__of_http_for_buyers__says_to_end_tls_in_front(seller: Seller) -> None:
    seller.put('url = "http://127.0.0.1:8402"', 'url = "http://api.example.com"')
    assert "Write an https URL" in seller.only()
    seller.put('url = "http://api.example.com"', 'url = "https://api.example.com"')
    assert seller.missing() == []


def test_check__of_books_of_another_chain__says_to_give_others(seller: Seller) -> None:
    open_store(seller.folder / "meter.db", chain_id=1, credits=seller.world.credits.address).close()
    assert "belongs to another chain" in seller.only()


def test_check__of_books_in_a_folder_that_is_not_there__says_to_make_it(seller: Seller) -> None:
    seller.put('meter = "meter.db"', 'meter = "books/meter.db"')
    assert f"Make the folder {seller.folder / 'books'}" in seller.only()


def test_check__of_a_file_of_another_program__is_refused(seller: Seller) -> None:
    (seller.folder / "meter.db").write_text("not a database, but a text of some length" * 50)
    assert seller.only().startswith("books: ")


def test_check__of_an_index_with_another_redeemer__says_how_to_revoke_it(seller: Seller) -> None:
    world, other = seller.world, seller.world.other.address
    seller.allow(redeemer=other)
    follow(seller)
    found = seller.only()
    assert f"{other} may settle too" in found
    assert f"`nvm-chain plan set-redeemer {format_plan_id(seller.plan_id)} {other} --revoke`" in found
    seller.put("# former = []", f'former = ["{other}"]')
    assert seller.missing() == []
    seller.put(f'former = ["{other}"]', "")
    world.send(world.builder, world.credits.functions.setRedeemer(seller.plan_id, other, False))
    follow(seller)
    assert seller.missing() == []


def follow(seller: Seller) -> None:
    """Bring the index to the head of the chain."""
    chain = seller.world.chain
    origin: Any = {"chain_id": chain.chain_id, "credits": chain.credits.address}
    with closing(open_index(seller.folder / "index.db", create=True, **origin)) as index:
        Follower(chain, index, waits=True).sync()


def test_check__of_an_index_of_another_chain__is_refused(seller: Seller) -> None:
    open_index(seller.folder / "index.db", create=True, chain_id=1, credits=seller.world.credits.address).close()
    assert "belongs to another chain" in seller.only()


def test_check__of_its_own_key_among_former_ones__is_found(seller: Seller) -> None:
    seller.put("# former = []", f'former = ["{seller.world.redeemer.address}"]')
    assert "among its own former keys" in seller.only()


def test_check__of_a_node_that_does_not_answer__says_so(seller: Seller) -> None:
    findings = check_gateway(write_config(seller.folder, seller.text))
    (found,) = find_missing(findings)
    assert (found.subject, "does not answer" in found.text) == ("chain", True)


def test_check__of_a_chain_without_the_contracts__says_what_to_deploy(seller: Seller) -> None:
    url = seller.world.chain.label
    if url == LABEL:
        return  # the embedded chain brings its contracts
    seller.put('rpc = "http://127.0.0.1:1"', f'rpc = "{url}"')
    seller.put('# deployments = "deployments"', 'deployments = "none"')
    (found,) = find_missing(check_gateway(write_config(seller.folder, seller.text)))
    assert found.subject == "contracts"
    assert "deploy" in str(found.next_step)
    for name, contract in (("credits", seller.world.credits), ("agents", seller.world.chain.agents)):
        seller.put(f'# {name} = "0x…"', f'{name} = "{contract.address}"')
    assert find_missing(check_gateway(write_config(seller.folder, seller.text))) == []
    seller.put("# chain_id = 8453", "chain_id = 8453")
    (found,) = find_missing(check_gateway(write_config(seller.folder, seller.text)))
    assert "8453" in found.text


# ---------------------------------------------------------------------- what is worth knowing


def test_check__of_a_time_plan__says_how_access_opens(seller: Seller) -> None:
    time: dict[str, Any] = {"kind": PlanKind.TIME, "credits": 1, "duration": DAY, "min_redeem": 0, "max_redeem": 0}
    on_use = {**time, "activation": Activation.ON_FIRST_USE, "min_redeem": 1, "max_redeem": 1}
    bought = seller.world.register(**time)
    by_holder = seller.world.register(**on_use)
    by_key = seller.world.register(**on_use, rule=RedemptionRule.REDEEMER)
    seller.serve((bought, 0, 0), (by_holder, 0, 0))
    assert "open each period of 1 day themselves" in seller.notes()
    seller.serve((by_key, 0, 0))
    assert "may not open access for holders" in seller.only()
    seller.allow(by_key)
    assert seller.missing() == []


def test_check__of_a_plan_without_new_orders__says_how_to_open_it(seller: Seller) -> None:
    world = seller.world
    world.send(world.builder, world.credits.functions.setPlanActive(seller.plan_id, False))
    assert f"`nvm-chain plan activate {format_plan_id(seller.plan_id)}`" in seller.notes()


def test_check__of_an_agent_without_endpoints__says_that_all_is_sold(seller: Seller) -> None:
    seller.serve((seller.plan_id, 1, 1), metadata=AgentMetadata("Tea"))
    assert "every path of the upstream is sold" in seller.notes()


def test_check__of_an_agent_with_open_endpoints_only__says_that_nothing_is_paid(seller: Seller) -> None:
    seller.serve((seller.plan_id, 1, 1), metadata=AgentMetadata("Tea", open_endpoints=(f"{PUBLIC}/about",)))
    assert "so no request is paid" in seller.notes()


def test_check__while_a_process_has_the_port__asks_whether_it_is_the_gateway(seller: Seller) -> None:
    with listening() as port:
        lines = seller.text.splitlines()
        seller.text = "\n".join(f"port = {port}" if line.startswith("port = ") else line for line in lines)
        assert f"A process listens on 127.0.0.1:{port} already" in seller.notes()


def test_check__while_a_gateway_has_the_books__says_so(seller: Seller) -> None:
    chain = seller.world.chain
    books = open_store(seller.folder / "meter.db", chain_id=chain.chain_id, credits=chain.credits.address)
    with closing(books):
        assert "A process serves from them now" in seller.notes()
    assert [each.text for each in seller.check() if each.subject == "books"] == [
        "The books have 0 accounts. 0 credits were charged, and 0 taken."
    ]


def test_check__without_sealed_secrets__says_that_no_answer_is_kept(seller: Seller) -> None:
    (seller.folder / "secrets.sealed").unlink()
    assert "`nvm-chain gateway secret rotate`" in seller.notes()


def test_check__of_a_secret_that_goes_over_a_network_by_http__says_so(seller: Seller) -> None:
    service = ServiceSettings(DID, "http://127.0.0.1:1")
    assert service.auth is None
    seller.put("# auth = {", "auth = {")
    seal(seller.folder, service=CANARY)
    assert "by http" not in seller.notes()


# ---------------------------------------------------------------------- endpoints

MATCHES = [
    ("https://a.example", "https://a.example/tasks", True),
    ("https://a.example", "https://A.example:443/tasks", True),
    ("https://a.example", "http://a.example/tasks", False),
    ("https://a.example", "https://a.example:8443/tasks", False),
    ("https://a.example", "https://a.example", True),
    ("https://a.example/v1", "https://a.example/v1/tasks", True),
    ("https://a.example/v1", "https://a.example/v2/tasks", False),
    ("https://a.example/v1", "https://a.example/", False),
    ("https://a.example/v1", "https://a.example/:version/tasks", True),
    ("https://a.example/v1", "https://a.example/x/:version", False),
    ("https://a.example/v1", "https://a.example/*path", True),
    ("https://a.example/v1", "https://a.example{/v1}/tasks", True),
]


@pytest.mark.parametrize(("base", "pattern", "can_match"), MATCHES)
def test_check_endpoints__of_each_form__finds_those_that_no_request_can_match(
    base: str, pattern: str, can_match: bool
) -> None:
    service = ServiceSettings(DID, "http://127.0.0.1:1", public_url=base)
    found = [*check_endpoints("service", service, AgentMetadata("Tea", endpoints=(Endpoint("GET", pattern),)))]
    assert (find_missing(found) == []) is can_match, found


@pytest.mark.parametrize(("method", "is_missing"), [("GET", False), ("POST", True)])
def test_check_endpoints__of_a_service_with_websockets__finds_that_none_can_be_opened(
    method: str, is_missing: bool
) -> None:
    service = ServiceSettings(DID, "https://a.example", websocket=SocketTerms(Unit.MESSAGE))
    metadata = AgentMetadata("Tea", endpoints=(Endpoint(method, "https://a.example/ask"),))
    missing = find_missing([*check_endpoints("service", service, metadata)])
    assert ["websockets" in each.text for each in missing] == [True] * is_missing


# ---------------------------------------------------------------------- transfers of buyers


def switch_on_transfers(seller: Seller, minter: int | None) -> None:
    """Take transfers, and grant plans with the key of a development account."""
    seller.put("# exact = false", "exact = true")
    if minter is not None:
        line = '# minter = { keyfile = "minter.json", password = "sealed:minter" }'
        seller.put(line, f"minter = {{ dev_account = {minter} }}")


def test_check__of_transfers_for_usage_plans__finds_that_they_are_served(seller: Seller) -> None:
    plan_id = seller.world.register(kind=PlanKind.USAGE, credits=0, min_redeem=0, max_redeem=0)
    seller.serve((plan_id, 0, 0))
    switch_on_transfers(seller, None)
    findings = seller.check()
    assert find_missing(findings) == []
    assert any("It is sold by transfers to" in each.text for each in findings)


def test_check__of_a_minter_that_a_plan_does_not_allow__says_the_command(seller: Seller) -> None:
    switch_on_transfers(seller, 5)
    minter = seller.world.chain.accounts[5].address
    assert f"{minter} is not its minter" in seller.notes()
    assert "nvm-chain plan set-minter" in seller.notes()
    set_minter = seller.world.credits.functions.setMinter
    seller.world.send(seller.world.builder, set_minter(seller.plan_id, minter, True))
    assert any("It is sold by transfers to" in each.text for each in seller.check())


def test_check__of_plans_that_cannot_be_sold_by_transfers__says_why(seller: Seller) -> None:
    switch_on_transfers(seller, None)
    assert "nobody grants it" in seller.notes()
    trial = seller.world.register(trial=True)
    seller.allow(trial)
    seller.serve((trial, 1, 1))
    assert "it is a trial" in seller.notes()


def test_check__of_a_minter_that_is_the_redeemer__says_to_keep_them_apart(seller: Seller) -> None:
    switch_on_transfers(seller, 4)
    assert "Whoever gets that key grants without limit" in seller.notes()


def test_check__of_a_minter_without_transfers__says_what_to_write(seller: Seller) -> None:
    line = '# minter = { keyfile = "minter.json", password = "sealed:minter" }'
    seller.put(line, "minter = { dev_account = 5 }")
    assert "takes no transfers" in seller.notes()
