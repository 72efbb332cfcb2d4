"""Checks of what the configuration says alone: the URL, the address to listen on, and the secrets."""

import errno
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from nvm_chain.errors import NvmChainError
from nvm_chain.errors.formatting import count
from nvm_chain.gateway.checks.findings import Finding, good, missing, missing_by, note
from nvm_chain.gateway.config import fill_secrets
from nvm_chain.gateway.configuration.parts import GatewayConfig
from nvm_chain.gateway.secrets import Secrets


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine alone.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("api.example.com")
    (True, True, False)
    """
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def check_url(config: GatewayConfig) -> Iterator[Finding]:
    """Yield whether buyers reach the gateway by a URL that keeps their payments private."""
    parts, subject = urlsplit(config.settings.url), "url"
    host = parts.hostname or ""
    if parts.scheme == "https":
        yield good(subject, f"Buyers use {config.settings.url}.")
        if is_loopback(host):
            yield note(
                subject,
                f"{host} is reached from this machine only.",
                "Write the host that buyers use, before you sell.",
            )
    elif is_loopback(host):
        text = f"{config.settings.url} is for a trial: it is reached from this machine only."
        yield note(subject, text, "Write the https URL that buyers use, before you sell.")
    else:
        advice = "Write an https URL, and put a server that ends TLS in front of the gateway."
        yield missing(
            subject, f"{config.settings.url} is not https, so everyone on the way can read payments and tokens.", advice
        )


def check_listening(config: GatewayConfig) -> Iterator[Finding]:
    """Yield whether the server can listen where it should."""
    host, port = config.listen.host, config.listen.port
    place = f"{host}:{port}"
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        with closing(socket.socket(family, socket.SOCK_STREAM)) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((host, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            yield note(
                "listen",
                f"A process listens on {place} already.",
                "If it is not this gateway, write another `port` below [gateway].",
            )
            return
        advice = "Write an address of this machine as `host`, and a `port` from 1024 on."
        yield missing("listen", f"Nothing can listen on {place} ({error.strerror or error}).", advice)
        return
    yield good("listen", f"The gateway can listen on {place}.")


@dataclass(frozen=True, slots=True)
class Filled:
    """A configuration with its secrets, as far as they are there, and what is missing."""

    config: GatewayConfig | None
    findings: tuple[Finding, ...]


def check_secrets(config: GatewayConfig, secrets: Secrets) -> Filled:
    """Return the configuration with its secrets, and which of them cannot be read."""
    findings = []
    for place, text in config.references.items():
        try:
            secrets.resolve(text)
        except NvmChainError as error:
            findings.append(missing_by(f"secret of {place}", error))
    if findings:
        return Filled(None, tuple(findings))
    try:
        filled = fill_secrets(config, secrets)
    except NvmChainError as error:
        return Filled(None, (missing_by("secrets", error),))
    number = len(config.references)
    findings.append(
        good("secrets", f"{count(number, 'secret')} can be read." if number else "The file names no secret.")
    )
    if filled.settings.answer_key is None:
        text = "No answer is kept for requests that come twice, because there is no key for it."
        findings.append(note("secrets", text, "Make one with `nvm-chain gateway secret rotate`."))
    return Filled(filled, tuple(findings))
