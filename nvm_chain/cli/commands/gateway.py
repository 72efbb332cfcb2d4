"""`nvm-chain gateway`: write the configuration of a gateway, check it, and see how the gateway stands."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from nvm_chain.cli.command import CHAIN, SectionOption, answer_options, chain_options, session_command
from nvm_chain.cli.commands.meter import describe_status, status_rows
from nvm_chain.cli.exit_codes import EXIT_NO
from nvm_chain.cli.gateways import config_option, gateway_command
from nvm_chain.cli.groups import Entry, Group
from nvm_chain.cli.lazy import (
    atomic_files,
    chain_urls,
    configuration_starting,
    errors,
    errors_templates,
    formatting,
    gateway_books,
    gateway_checking,
    gateway_config,
    gateway_settlers,
    ids,
    json_values,
    meter_operating,
    sealed_files,
    store_deliveries,
)
from nvm_chain.cli.output import Rows
from nvm_chain.cli.parameters import Address, AgentId, Url
from nvm_chain.cli.session import Session, is_from_environment
from nvm_chain.cli.shell_names import SHELL_NAMES

if TYPE_CHECKING:
    from nvm_chain.gateway.checking import Finding
    from nvm_chain.gateway.settlers import RunningSettler
    from nvm_chain.meter.deliveries import DeliveryCounts

ENTRIES: Final = {
    "init": Entry("gateway", "init", "Write a configuration file, and the key of its secrets."),
    "check": Entry("gateway", "check", "Say what is missing before the first request, and what to do about it."),
    "run": Entry("gateway_run", "run", "Serve paid requests, and settle what is due."),
    "settle": Entry("gateway_settle", "settle", "Settle what is due once, or show what would be settled."),
    "status": Entry("gateway", "status", "Show how the books stand, what is owed to each key, and who settles."),
    "payments": Entry("gateway_payments", "payments", "Show payments of buyers that are not finished."),
    "usage": Entry("gateway_usage", "usage", "Show or export who used what, when, and what it cost."),
    "webhooks": Entry("gateway_webhooks", "webhooks_group", "See what webhooks did not accept, and send it again."),
    "secret": Entry("gateway_secrets", "secret_group", "Keep the secrets of a gateway in a sealed file."),
}
gateway_group = Group(
    "gateway",
    entries=ENTRIES,
    help="Run a gateway in front of a service, which lets paid requests through and no others.",
)
NODE: Final = "node"  # the name of a sealed URL
DEFAULT: Final = "default"
LABELS: Final = {"good": "ok", "note": "note", "missing": "MISSING"}


# ---------------------------------------------------------------- init


def _init_options() -> list[click.Option]:
    agents = SectionOption(
        "--agents", section=CHAIN, type=Address(), help="Address of AgentRegistry. Default: the recorded address."
    )
    return [*chain_options(), agents, *answer_options()]


@session_command(
    "init",
    _init_options(),
    examples=(
        "nvm-chain gateway init --did $AGENT --upstream http://127.0.0.1:8000",
        "nvm-chain gateway init --network base:sepolia --did $AGENT \\\n    --public-url https://quotes.example.com \\\n    --url https://api.example.com --json",
    ),
)
@config_option
@click.option("--did", type=AgentId(), metavar="AGENT", help="The agent that is served. You can write it later.")
@click.option(
    "--upstream",
    type=Url("your service", "http://127.0.0.1:8000"),
    metavar="URL",
    help="Where your service listens. Default: http://127.0.0.1:8000.",
)
@click.option(
    "--public-url",
    type=Url("your service", "https://service.example.com"),
    metavar="URL",
    help="The URL with which the agent's endpoints begin. Default: that of --upstream.",
)
@click.option(
    "--url",
    type=Url("the gateway", "https://api.example.com"),
    metavar="URL",
    help="Where buyers reach the gateway. Default: http://127.0.0.1:8402.",
)
def init(
    session: Session, config: str, did: int | None, upstream: str | None, public_url: str | None, url: str | None
) -> None:
    """Write a configuration file, and the key of its secrets.

    Every key is in the file, with a sentence about it. For a node on this machine, such as anvil, the file is complete as soon as
    it has an agent. No file is replaced. The command asks no node.

    With --network, the file has the node of --rpc or NVM_CHAIN_RPC too, if one of them is there, and a public node otherwise.
    """
    path = Path(config).absolute()
    if os.path.lexists(path):
        raise errors.InvalidConfig(f"{path} exists already, and is not replaced", "give another path with --config")
    places = sealed_files.SecretPlaces(path.with_name("secrets.sealed"), path.with_name("gateway.key"))
    sealed = sealed_files.SealedFile(places)
    is_new = sealed.make()
    rpc = session.rpc
    if rpc is not None and _has_secret(rpc):
        sealed.put(NODE, rpc)
        rpc = f"sealed:{NODE}"
    start = configuration_starting.Start(
        did=None if did is None else ids.format_did(did),
        upstream=upstream,
        public_url=public_url,
        url=url,
        rpc=rpc,
        network=session.network,
        chain_id=session.chain_id,
        credits=session.credits,
        agents=session.agents,
        deployments=None if session.deployments is None else str(session.deployments.absolute()),
    )
    try:
        atomic_files.write_whole(path, configuration_starting.build_config_text(start), overwrite=False)
    except OSError as error:
        problem = f"{path} cannot be written ({error.strerror})"
        raise errors.InvalidConfig(problem, "give a path in a folder that you can write to") from None
    _answer_start(session, path, sealed, rpc, is_new=is_new)


def _has_secret(rpc: str) -> bool:
    """Return whether a node's URL has more than a host, such as a key in its path."""
    return any(chain_urls.redact_url(url.strip()) != url.strip().rstrip("/") for url in rpc.split(",") if "://" in url)


def _find_node(session: Session, rpc: str | None) -> tuple[str | None, str]:
    """Return the node that a file names, and what named it. The node is None for a public one of the network."""
    if rpc is not None:
        return rpc, "NVM_CHAIN_RPC" if is_from_environment("rpc") else "--rpc"
    return (configuration_starting.RPC, DEFAULT) if session.network is None else (None, "--network")


def _node_rows(session: Session, node: str | None, source: str) -> Rows:
    """Return the rows about the node. Whoever names a network may have forgotten that the variable names a node."""
    if node is None:
        return [("node", f"a public node of {session.network}")]
    rows: Rows = [("node", node if source == DEFAULT else f"{node}  from {source}")]
    if session.network is None or source == "--rpc":
        return rows
    return [*rows, ("", f"For a public node of {session.network}, take the line `rpc` out of the file.")]


def _answer_start(session: Session, path: Path, sealed: Any, rpc: str | None, *, is_new: bool) -> None:
    node, source = _find_node(session, rpc)
    key_file = sealed.read_keys().path
    option = "" if path.name == gateway_config.NAME else f" --config {path.name}"
    steps = [f"nvm-chain gateway check{option}", f"nvm-chain gateway run{option}"]
    data = {
        "config": str(path),
        "sealed": str(sealed.places.sealed),
        "key_file": None if key_file is None else str(key_file),
        "is_new_key": is_new and key_file is not None,
        "node": node,
        "node_from": source,
        "next": steps,
    }
    key = "from NVM_CHAIN_GATEWAY_KEY" if key_file is None else f"{key_file}  keep a copy, apart from the secrets"
    rows: Rows = [
        ("configuration", path),
        ("secrets", sealed.places.sealed),
        ("their key", key),
        *_node_rows(session, node, source),
        *(("next", step) for step in steps),
    ]
    session.answer(data, rows)


# ---------------------------------------------------------------- check


@gateway_command("check", examples=("nvm-chain gateway check", "nvm-chain gateway check --config gateway.toml --json"))
@config_option
def check(session: Session, config: str) -> None:
    """Say what is missing before the first request, and what to do about it.

    Looked at are the file, its secrets, the upstreams, the node, the contracts, the redeemer's key, the agents, their plans, the
    books and the index. Nothing is changed, and no request and no transaction is sent. What depends on something that is missing is
    left out, so repeat the command after each step. The exit code is 9 if something is missing.
    """
    findings = gateway_checking.check_gateway(config, on_step=session.say)
    left = gateway_checking.find_missing(findings)
    data = {"ready": not left, "missing": len(left), "findings": [_describe_finding(each) for each in findings]}
    rows = [row for each in findings for row in _finding_rows(each)]
    end = ("result", f"{formatting.count(len(left), 'thing')} missing" if left else "the gateway is ready")
    session.answer(data, [*rows, end])
    if left:
        click.get_current_context().exit(EXIT_NO)


def _describe_finding(finding: "Finding") -> dict[str, Any]:
    return {
        "subject": finding.subject,
        "verdict": finding.verdict.value,
        "text": _write(finding.text),
        "next_step": None if finding.next_step is None else _write(finding.next_step),
    }


def _finding_rows(finding: "Finding") -> Rows:
    label = LABELS[finding.verdict.value]
    rows: Rows = [(label, f"{finding.subject}: {_write(finding.text)}")]
    return [*rows, ("", _write(finding.next_step))] if finding.next_step else rows


def _write(text: str) -> str:
    """Return a sentence with the names of the command line in place of those of Python."""
    return str(errors_templates.rename(text, SHELL_NAMES))


# ---------------------------------------------------------------- status


@gateway_command("status", examples=("nvm-chain gateway status", "nvm-chain gateway status --json"))
@config_option
def status(session: Session, config: str) -> None:
    """Show how the books stand, what is owed to each key, who settles, and what webhooks did not accept.

    Books in a file belong to the gateway while it runs. With books in PostgreSQL, the command works at any time.
    """
    found = gateway_config.read_config(config)
    where = gateway_config.find_books(found, gateway_config.open_secrets(found))
    with gateway_books.open_free_books(where) as writer:
        settlers = writer.run(gateway_settlers.list_settlers)
        deliveries = writer.run(store_deliveries.count_deliveries)
        state = meter_operating.read_status(writer)
    data = {
        "meter": describe_status(state),
        "settlers": [json_values.fields_of(each) for each in settlers],
        "webhooks": [json_values.fields_of(each) for each in deliveries],
    }
    session.answer(data, [*status_rows(state), *_settler_rows(settlers), *_webhook_rows(deliveries)])


def _webhook_rows(deliveries: "list[DeliveryCounts]") -> Rows:
    return [
        (
            f"webhook {each.webhook}",
            f"{each.waiting:,} waiting, {each.given_up:,} given up: see `nvm-chain gateway webhooks`",
        )
        for each in deliveries
    ]


def _settler_rows(settlers: "list[RunningSettler]") -> Rows:
    if not settlers:
        return [("settler", "none runs now")]
    return [
        ("settler", f"{each.redeemer}, for {formatting.format_duration(each.seconds)} or longer") for each in settlers
    ]
