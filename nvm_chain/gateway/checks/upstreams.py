"""Checks of upstreams: whether something listens there. No request is sent."""

import socket
import ssl
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from nvm_chain.gateway.checks.files import check_folder
from nvm_chain.gateway.checks.findings import Finding, good, missing, note
from nvm_chain.gateway.checks.settings import is_loopback
from nvm_chain.gateway.configuration.parts import ListenPart
from nvm_chain.gateway.settings import ServiceSettings

SECONDS: Final = 5
"""How long the check waits for a connection."""
_PORTS: Final = {"http": 80, "https": 443}


def check_upstream(service: ServiceSettings, listen: ListenPart) -> Iterator[Finding]:
    """Yield whether the upstream of a service takes connections. For https, its certificate is checked too."""
    if service.files is not None:
        yield from check_folder(service, service.files)
    if not service.upstream:
        return
    parts = urlsplit(service.upstream)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    subject, place = f"upstream of {service.did}", f"{host}:{port}"
    if port == listen.port and _is_own(host, listen.host):
        advice = "Write the port of your service as `upstream`, and another one as `port` below [gateway]."
        yield missing(subject, f"{service.upstream} is where the gateway itself listens.", advice)
        return
    reason = _connect(host, port, with_tls=parts.scheme == "https")
    if reason is not None:
        yield missing(subject, *reason)
        return
    yield good(subject, f"{place} takes connections.")
    if parts.scheme == "http" and service.auth is not None and not is_loopback(host):
        text = f"The secret of {place} goes there by http, so everyone on the way can read it."
        yield note(subject, text, "Use https, unless the network between the two is yours alone.")


def _connect(host: str, port: int, *, with_tls: bool) -> tuple[str, str] | None:
    """Connect once. Return why that fails, and what to do, or None."""
    place = f"{host}:{port}"
    try:
        with socket.create_connection((host, port), SECONDS) as connection:
            if with_tls:
                with ssl.create_default_context().wrap_socket(connection, server_hostname=host):
                    return None
    except ssl.SSLCertVerificationError as error:
        advice = "Renew its certificate, or write the host that the certificate names."
        return f"The certificate of {place} is not valid: {error.verify_message.rstrip('.')}.", advice
    except ssl.SSLError:
        advice = "Write http:// in place of https://, or another port."
        return f"{place} takes connections, and does not speak TLS.", advice
    except OSError as error:
        advice = "Start your service, or correct `upstream`."
        return f"Nothing takes connections at {place} ({error.strerror or 'no answer'}).", advice
    return None


def _is_own(host: str, own: str) -> bool:
    return host == own or (is_loopback(host) and (is_loopback(own) or own in ("0.0.0.0", "::")))  # noqa: S104  compared, not used
