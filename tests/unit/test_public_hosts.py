"""Documents that a stranger's URL names are read from public addresses only, and nothing is sent to others."""

import socket
import threading

import pytest

from nvm_chain.errors import MetadataUnavailable
from nvm_chain.storage.public_hosts import is_public
from nvm_chain.storage.stores import load_metadata

HASH = "ab" * 32
WAIT_SECONDS = 10


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.1", "2130706433", "0x7f000001"])
def test_load__from_a_private_address__sends_nothing(host: str) -> None:
    family = socket.AF_INET6 if "[" in host else socket.AF_INET
    with socket.create_server(("::1" if "[" in host else "127.0.0.1", 0), family=family) as listener:
        listener.settimeout(WAIT_SECONDS)
        got: list[bytes] = []

        def listen() -> None:
            line, _ = listener.accept()
            with line:
                line.settimeout(WAIT_SECONDS)
                got.append(line.recv(1))

        thread = threading.Thread(target=listen)
        thread.start()
        uri = f"https://{host}:{listener.getsockname()[1]}/{HASH}.json"
        with pytest.raises(MetadataUnavailable, match="the server has a private address"):
            load_metadata(uri, public_only=True)
        thread.join(WAIT_SECONDS)
    assert got == [b""]


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.0.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("2002:7f00:1::", False),
    ],
)
def test_is_public__of_an_address__tells_whether_strangers_may_name_it(address: str, public: bool) -> None:
    assert is_public(address) is public
