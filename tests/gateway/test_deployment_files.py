"""The files of `operating/` and the page about them: read as their programs read them, and run as far as a machine without them can."""

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import promql_parser
import psycopg
import pytest
import yaml

from nvm_chain.gateway.config import fill_secrets, open_secrets, read_config
from nvm_chain.gateway.metrics import Metrics
from nvm_chain.gateway.running import MAX_CONNECTIONS, STOP_SECONDS
from nvm_chain.gateway.sealing.sealed_files import SealedFile
from nvm_chain.meter.operating import open_books
from nvm_chain.meter.store.existing import BooksState, read_books_state
from tests.gateway.load import Load
from tests.gateway.processes import GatewayProcess
from tests.gateway.shop import Gate, Shop
from tests.gateway.terminators import OPERATING, ROOT, find_program
from tests.support.anvil import wait_until
from tests.support.documents import FENCE, read_commands
from tests.support.meter_books import check_books, read_rows
from tests.support.postgres import Postgres, run_postgres
from tests.support.shell import run_cli

PAGE = ROOT / "docs" / "operating.md"
BIN = Path(sys.executable).parent
COMPOSE: dict[str, Any] = yaml.safe_load((OPERATING / "compose.yaml").read_text("utf-8"))
LIFE_SECONDS = 24 * 3_600
"""The longest life of a request voucher. So long are those from before a restored backup refused."""


def read_unit() -> dict[str, list[str]]:
    """Return the directives of the service of systemd, each with all its values."""
    found: dict[str, list[str]] = {}
    for line in (OPERATING / "nvm-chain-gateway.service").read_text("utf-8").splitlines():
        name, is_directive, value = line.partition("=")
        if is_directive and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def check_command(words: list[str]) -> None:
    """Check that a command exists, with its options."""
    options = [word for word in words if word.startswith("--")]
    helped = run_cli(*words[: words.index(options[0])], "--help")
    assert helped.exit_code == 0, helped.stderr
    assert [option for option in options if option not in helped.stdout] == []


def to_seconds(text: str) -> int:
    """Return a duration such as ``45s`` as seconds."""
    return int(text.removesuffix("s"))


# ---------------------------------------------------------------------- systemd


def test_service__starts_a_command_that_exists_and_gives_it_time_to_stop() -> None:
    unit = read_unit()
    (start,) = unit["ExecStart"]
    program, *words = shlex.split(start)
    assert Path(program).name == "nvm-chain"
    check_command(words)
    assert to_seconds(unit["TimeoutStopSec"][0]) > STOP_SECONDS
    assert int(unit["LimitNOFILE"][0]) > 2 * MAX_CONNECTIONS
    assert unit["KillMode"] == ["mixed"]


def test_service__has_no_rights_that_it_does_not_need() -> None:
    unit = read_unit()
    assert unit["CapabilityBoundingSet"] == unit["AmbientCapabilities"] == [""]
    assert unit["ProtectSystem"] == ["strict"]
    assert unit["User"] == ["nvm-chain"]
    assert unit["NoNewPrivileges"] == unit["PrivateTmp"] == unit["ProtectHome"] == ["yes"]
    assert unit["SystemCallFilter"] == ["@system-service", "~@privileged"]


def test_service__is_read_by_systemd_where_it_is_installed(tmp_path: Path) -> None:
    """Where it is not, the file has to be what its format asks for at least."""
    text = (OPERATING / "nvm-chain-gateway.service").read_text("utf-8")
    parser = configparser.ConfigParser(strict=False, interpolation=None, comment_prefixes="#")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    assert parser.sections() == ["Unit", "Service", "Install"]
    program = shutil.which("systemd-analyze")
    if program is not None:
        path = tmp_path / "nvm-chain-gateway.service"
        path.write_text(text.replace("/opt/nvm-chain/bin/nvm-chain", str(BIN / "nvm-chain")), "utf-8")
        done = subprocess.run([program, "verify", "--man=no", path], capture_output=True, text=True, check=False)
        assert (done.returncode, [line for line in done.stderr.splitlines() if path.name in line]) == (0, [])


# ---------------------------------------------------------------------- the image


def read_instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile, with their arguments on one line."""
    text = re.sub(r"^#.*\n", "", (OPERATING / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


def read_copied() -> list[str]:
    """Return what the first stage copies from the repository."""
    copied = [value.split()[:-1] for name, value in read_instructions() if name == "COPY" and "--from" not in value]
    return [source for sources in copied for source in sources]


def test_dockerfile__read_by_a_linter__has_no_faults() -> None:
    command = [find_program("hadolint", "hadolint"), "--failure-threshold", "warning", str(OPERATING / "Dockerfile")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_dockerfile__copies_what_is_there_and_not_ignored() -> None:
    ignored = (OPERATING / "Dockerfile.dockerignore").read_text("utf-8").split("\n")
    kept = {line[1:] for line in ignored if line.startswith("!")}
    assert set(read_copied()) == kept
    assert [name for name in kept if not (ROOT / name).exists()] == []


def test_dockerfile__runs_a_command_that_exists_as_nobody_special() -> None:
    last = dict(read_instructions())  # the last of each, which is the one that counts
    assert last["USER"] == "10001:10001"
    command = json.loads(last["ENTRYPOINT"]) + json.loads(last["CMD"])
    assert command[0] == "nvm-chain"
    check_command(command[1:])


def test_package__built_from_what_is_copied__runs(tmp_path: Path) -> None:
    """The last command of the first stage, with what this environment has instead of the locks."""
    source, target = tmp_path / "source", tmp_path / "target"
    for name in read_copied():
        place = source / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, place)
    (install,) = [value for name, value in read_instructions() if name == "RUN" and value.endswith("--no-deps .")]
    words = [*shlex.split(install)[1:], "--quiet", "--target", str(target)]
    subprocess.run([sys.executable, "-m", "pip", *words], cwd=source, check=True)
    environment = {**os.environ, "PYTHONPATH": str(target)}
    program = "import nvm_chain.gateway.running as r; print(r.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.stdout.startswith(str(target)), done.stderr


def test_lock_of_the_image__has_what_its_extras_bring() -> None:
    lock = (ROOT / "requirements" / "gateway.lock").read_text("utf-8")
    pinned = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock, re.MULTILINE))
    needed = {"aiohttp", "coincurve", "cryptography", "hatchling", "prometheus-client", "psycopg-binary", "uvicorn"}
    assert needed - pinned.keys() == set()
    others = dict(
        re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / "requirements" / "dev.lock").read_text("utf-8"), re.MULTILINE)
    )
    assert {name for name in pinned if others.get(name, pinned[name]) != pinned[name]} == set()


def test_health_check__of_a_gateway__tells_whether_it_can_serve(shop: Shop, upstream_url: str, tmp_path: Path) -> None:
    command = json.loads(dict(read_instructions())["HEALTHCHECK"].partition("CMD ")[2])
    process = GatewayProcess(tmp_path, shop, upstream_url)
    own = [sys.executable, *(word.replace("127.0.0.1:8402", f"127.0.0.1:{process.port}") for word in command[1:])]
    assert own != [sys.executable, *command[1:]]
    with process.running():
        assert subprocess.run(own, check=False).returncode == 0
        assert process.stop() == 0
    assert subprocess.run(own, check=False, capture_output=True).returncode == 1


# ---------------------------------------------------------------------- compose


def test_compose__stops_later_than_the_gateway_and_gives_it_no_rights() -> None:
    gateway, postgres = COMPOSE["services"]["gateway"], COMPOSE["services"]["postgres"]
    assert to_seconds(gateway["stop_grace_period"]) > STOP_SECONDS
    for service in (gateway, postgres):
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert "cap_add" not in gateway
    assert int(gateway["ulimits"]["nofile"]) > 2 * MAX_CONNECTIONS
    assert (ROOT / "operating" / gateway["build"]["context"] / gateway["build"]["dockerfile"]).is_file()


def test_compose__lets_nobody_reach_the_database_and_only_this_machine_the_gateway() -> None:
    gateway, postgres = COMPOSE["services"]["gateway"], COMPOSE["services"]["postgres"]
    assert "ports" not in postgres
    assert postgres["networks"] == ["books"]
    assert COMPOSE["networks"]["books"] == {"internal": True}
    assert all(port.startswith("127.0.0.1:") for port in gateway["ports"])
    assert set(gateway["networks"]) <= COMPOSE["networks"].keys()


def test_compose__mounts_every_secret_and_file_that_is_read(tmp_path: Path) -> None:
    gateway, postgres = COMPOSE["services"]["gateway"], COMPOSE["services"]["postgres"]
    text = (OPERATING / "gateway.toml").read_text("utf-8")
    assert set(re.findall(r"/run/secrets/(\w[\w.]*)", text)) == set(gateway["secrets"])
    assert postgres["environment"]["POSTGRES_PASSWORD_FILE"] == f"/run/secrets/{postgres['secrets'][0]}"
    assert {*gateway["secrets"], *postgres["secrets"]} == COMPOSE["secrets"].keys()
    mounts = [volume.split(":") for volume in (*gateway["volumes"], *postgres["volumes"])]
    assert [mount for mount in mounts if mount[0].endswith(".sql") and not (OPERATING / mount[0]).is_file()] == []
    config = dict(read_instructions())["CMD"]
    assert f"{gateway['volumes'][0].split(':')[1]}/gateway.toml" in config


def test_configuration_of_compose__with_its_secrets__is_right(tmp_path: Path) -> None:
    values = {
        "redeemer_password": "password",
        "meter_url": "postgresql://nvm_chain:word@postgres/meter",
        "index_url": "postgresql://nvm_chain:word@postgres/index",
        "metrics_token": "token",
    }
    for name, value in values.items():
        (tmp_path / name).write_text(f"{value}\n", "utf-8")
    text = (OPERATING / "gateway.toml").read_text("utf-8").replace("/run/secrets", str(tmp_path))
    (tmp_path / "gateway.toml").write_text(text, "utf-8")
    config = read_config(tmp_path / "gateway.toml")
    sealed = SealedFile(config.places, {})
    sealed.make()
    sealed.put("service", "sk-1")
    filled = fill_secrets(config, open_secrets(config))
    assert (filled.settings.meter, filled.settings.index) == (values["meter_url"], values["index_url"])
    assert (config.listen.host, config.listen.workers) == ("0.0.0.0", 2)
    port = COMPOSE["services"]["gateway"]["ports"][0].split(":")
    assert port[1:] == [str(config.listen.port)] * 2


def run_on(server: Postgres, program: str, *words: str) -> str:
    """Run a program of PostgreSQL's own."""
    environment = {**os.environ, "PATH": f"{server._bin}:{os.environ['PATH']}"}
    done = subprocess.run([server._bin / program, *words], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_databases__made_by_the_file__are_the_two_of_the_urls() -> None:
    with run_postgres() as server:
        url = server.url_of("postgres")
        run_on(server, "psql", url, "--file", str(OPERATING / "databases.sql"), "--set", "ON_ERROR_STOP=1")
        found = run_on(server, "psql", url, "--tuples-only", "--command", "SELECT datname FROM pg_database")
    assert {"meter", "index"} <= set(found.split())
    check = COMPOSE["services"]["postgres"]["healthcheck"]["test"]
    assert check[check.index("--dbname") + 1] == "meter"


# ---------------------------------------------------------------------- alerts

RULES = yaml.safe_load((OPERATING / "alerts.yaml").read_text("utf-8"))["groups"][0]["rules"]


def read_metrics() -> set[str]:
    """Return the names of all numbers that a gateway gives."""
    metrics = Metrics()
    metrics.note_request("did", 200, 0.1)
    metrics.note_charge("did", 1)
    state: Any = type("State", (), {each.name: 0 for each in fields(BooksState)})()
    return set(re.findall(r"^(\w+)(?:\{| )", metrics.write(state).decode(), re.MULTILINE))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_alert__is_an_expression_over_numbers_that_a_gateway_gives(rule: dict[str, Any]) -> None:
    tree = promql_parser.parse(rule["expr"])
    assert tree is not None
    named = set(re.findall(r"\bnvm_\w+", rule["expr"]))
    assert named - read_metrics() == set()
    assert named or "up{" in rule["expr"]
    assert rule["annotations"]["summary"].endswith(".")


def test_page__names_every_alert_and_every_number() -> None:
    page = PAGE.read_text("utf-8")
    assert [rule["alert"] for rule in RULES if f"**{rule['alert']}**" not in page] == []
    families = {re.sub(r"_(?:bucket|count|sum|created)$", "", name) for name in read_metrics()}
    families -= {name.removesuffix("_total") for name in families if name.endswith("_total")}  # when it was made
    assert [name for name in sorted(families) if f"`{name}`" not in page] == []


# ---------------------------------------------------------------------- the commands of the page


def read_blocks(section: str, language: str) -> list[str]:
    """Return the blocks of a section of the page."""
    text = PAGE.read_text("utf-8").partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return [block[2] for block in FENCE.finditer(text) if block[1] == language]


def read_shell(section: str) -> list[str]:
    """Return the commands of the console blocks of a section, each as it would be typed."""
    lines = [line for block in read_blocks(section, "console") for line in block.splitlines()]
    return [line[2:] for line in lines if line.startswith("$ ")]


def run_shell(script: str, folder: Path, *paths: Path, **variables: str) -> str:
    """Run commands of the page. Each has to succeed."""
    path = ":".join(str(each) for each in (*paths, BIN, os.environ["PATH"]))
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), **variables}
    command = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_page__commands_of_a_first_start__work_as_they_stand(tmp_path: Path) -> None:
    (tmp_path / "password.txt").write_text("a long password\n", "utf-8")
    (tmp_path / "metrics.txt").write_text("a long token\n", "utf-8")
    *commands, check = read_shell("First start")
    assert check == "nvm-chain gateway check"
    for command in commands:
        run_shell(command, tmp_path, NETWORK="base:sepolia", AGENT="7")
    path = tmp_path / "gateway.toml"
    text = path.read_text("utf-8")
    for line in ('password = "sealed:redeemer"', 'metrics_token = "sealed:metrics"'):
        assert f"`{line}`" in PAGE.read_text("utf-8")
        assert text.count(f"# {line}") == 1
        text = text.replace(f"# {line}", line)
    path.write_text(text, "utf-8")
    config = read_config(path)
    secrets = open_secrets(config)
    assert fill_secrets(config, secrets).settings.metrics_token == "a long token"
    assert config.redeemer.password is not None
    assert secrets.resolve(config.redeemer.password) == "a long password"


def test_page__commands_of_the_first_stage__are_those_of_the_install_section() -> None:
    (script,) = read_blocks("Install", "bash")
    assert "'nvm-chain[fast,gateway,postgres]'" in script
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert "--extra fast --extra gateway --extra postgres --group build" in makefile


def test_page__backup_of_a_file_under_load__has_all_that_was_answered(
    shop: Shop, upstream_url: str, tmp_path: Path
) -> None:
    process, copy = GatewayProcess(tmp_path, shop, upstream_url), tmp_path / "copy"
    copy.mkdir()
    (script,) = [block for block in read_blocks("Backup and restore", "bash") if "SIGSTOP" in block]
    with process.running():
        assert process.process is not None
        kill = re.compile(r"systemctl kill --kill-whom=main --signal=SIG(\w+) nvm-chain-gateway")
        script = kill.sub(rf"kill -\1 {process.process.pid}", script).replace("/var/lib/nvm-chain", str(tmp_path))
        assert "systemctl" not in script
        load = Load(shop, process.own_url, clients=0, whole=None)
        with load.running():
            assert wait_until(lambda: load.served >= 20, 60)
            before = [each.hold for each in list(load.sent) if each.status == 200]
            run_shell(script, tmp_path, BACKUP=str(copy))
            assert wait_until(lambda: load.served >= len(before) + 5, 60)
    run_shell(f"nvm-chain meter restored --meter {copy / 'meter.db'}", tmp_path)
    with open_books(copy / "meter.db", shop.connect()) as writer:
        writer.run(check_books)
        held = {row[0].hex() for row in writer.run(lambda store: read_rows(store, "SELECT hold_id FROM holds"))}
        assert writer.run(read_books_state).closed_until > time.time()
    assert before
    assert set(before) <= held


def test_page__backup_of_postgresql_while_it_serves__is_restored_closed(
    shop: Shop, upstream_url: str, tmp_path: Path
) -> None:
    with run_postgres() as server:
        meter, index, restored = (server.new_database() for _ in range(3))
        process = GatewayProcess(tmp_path, shop, upstream_url, meter=meter, index=index)
        gate = Gate(shop, process.own_url, shop.new_buyer())
        variables = {"BACKUP": str(tmp_path), "METER": meter, "RESTORED": restored, "INDEX": index}
        secrets = {"UPSTREAM_SECRET": "sk", "METRICS_TOKEN": "token"}
        dump, restore = [block for block in read_blocks("Backup and restore", "bash") if "pg_" in block]
        with process.running():
            assert gate.paid("POST", "/ask", b"before").status_code == 200
            gate.wait_for("charged", "2")
            run_shell("nvm-chain gateway check", tmp_path, **secrets)
            for command in read_shell("Several machines"):
                run_shell(command, tmp_path, **secrets)
            run_shell(dump, tmp_path, server._bin, **variables)
            lost = gate.pay("POST", "/ask", b"after")
            assert gate.ask("POST", "/ask", lost, data=b"after").status_code == 200
        run_shell(restore, tmp_path, server._bin, **variables)
        for command in read_shell("Backup and restore"):
            run_shell(command, tmp_path, **variables)
        process.config.write_text(process.config.read_text("utf-8").replace(meter, restored), "utf-8")
        with psycopg.connect(restored, autocommit=True) as connection:  # as if some minutes had passed
            connection.execute("UPDATE books SET closed_until = closed_until - 300")
        with process.running():
            again = gate.ask("POST", "/ask", lost, data=b"after")
            assert (again.status_code, again.json()["nvm"]["type"]) == (402, "VoucherBeforeRestore")
            assert gate.paid("POST", "/ask", b"new", seconds=LIFE_SECONDS - 60).status_code == 200


def test_page__commands_in_the_text__exist() -> None:
    inline = re.findall(r"`(nvm-chain [^`]+)`", PAGE.read_text("utf-8"))
    assert len(inline) >= 5
    for command in (*inline, *(each for each in read_commands(PAGE) if each.startswith("nvm-chain"))):
        words = shlex.split(command)[1:]
        name = [word for word in words[:3] if re.fullmatch(r"[a-z-]+", word) and not word.startswith("--")]
        options = {word for word in words if word.startswith("--")}
        helped = [run_cli(*name[:count], "--help") for count in range(len(name), 1, -1)]
        assert any(done.exit_code == 0 and all(each in done.stdout for each in options) for done in helped), command
