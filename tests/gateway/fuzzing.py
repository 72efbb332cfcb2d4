"""A fuzzer of bytes for what reads what strangers send: each input gives a value or an error of ours, in a bounded time.

Inputs are changed copies of good ones. What is wrapped in base64 is changed inside too, so that inputs get as far as the checks.
"""

import base64
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final

from eth_account import Account

from nvm_chain.errors import NvmChainError
from nvm_chain.gateway.config import read_config
from nvm_chain.gateway.configuration.starting import Start, build_config_text
from nvm_chain.gateway.incoming import read_incoming
from nvm_chain.gateway.payers import read_payer
from nvm_chain.metadata.openapi.documents import parse_openapi
from nvm_chain.metadata.openapi.importing import import_endpoints
from nvm_chain.metadata.openapi.selection import Choice
from nvm_chain.metadata.openapi.servers import Location
from nvm_chain.meter.bindings import Binding, build_binding
from nvm_chain.meter.bodies import hash_body
from nvm_chain.meter.idempotency import check_key
from nvm_chain.meter.session_terms import build_session_terms, parse_session_terms
from nvm_chain.meter.sign_in import build_sign_in
from nvm_chain.meter.sign_in_messages import parse_sign_in
from nvm_chain.meter.targets import build_target
from nvm_chain.signing.service_tokens import format_service_token, read_service_token
from nvm_chain.signing.vouchers import SignedVoucher, build_voucher, sign_voucher
from nvm_chain.types.ids import format_did
from nvm_chain.x402.payments import read_payment, write_payment
from tests.gateway.fuzz_corpus import CONFIG, OPENAPI

MOST_SECONDS: Final = 20
"""Processor time after which an input counts as one that hangs. Good ones take some milliseconds."""
MOST_BYTES: Final = 64 * 2**20
"""Memory at the peak after which an input counts as a bomb."""
MOST_INPUT: Final = 64 * 2**10
WATCHED: Final = 25
"""One in so many inputs is read with its memory watched, which takes longer."""
_KEY: Final = Account.from_key(b"\x01" * 32)
_DID: Final = format_did(7)
_PIECES: Final = (
    *(
        b"\0",
        b"\r\n",
        b"\n",
        b"\x7f",
        b"\xff",
        b"\xc3\x28",
        "\u202e".encode(),
        "\ud83d".encode("utf-8", "surrogatepass"),
    ),
    *(b"-1", b"0", b"1e400", b"2.0", b"9" * 400, b"0x", b"-0", b"NaN", b"Infinity", b"null", b"true", b'"', b"\\u0000"),
    *(b"{", b"}", b"[", b"]", b"[" * 2_000, b'{"a":' * 500, b",", b":", b"=", b"==", b"&a", b"*a", b"..", b"%2f", b"%"),
    *(
        b"#",
        b"?",
        b"/",
        b"//",
        b"$ref",
        b"eip155:1",
        b"did:nv:",
        b"a" * 5_000,
        b" " * 300,
        b"\t",
        b"'",
        b'"""',
        b"[[",
        b"]]",
    ),
)


@dataclass(frozen=True)
class Parser:
    """Something that reads what strangers send, with good inputs of it."""

    name: str
    parse: Callable[[bytes], object]
    corpus: tuple[bytes, ...]
    is_wrapped: bool = False
    """Whether inputs are base64 of something that is worth changing too."""


def list_parsers(folder: Path) -> list[Parser]:
    """Return all of them. Configuration files are written into a folder."""
    signed = _sign()
    binding = build_binding(_DID, "POST", "/ask?a=1", hash_body(b"tea?"), "request-00000001")
    offer = {"scheme": "nvm-credits", "network": "eip155:31337"}
    payments = [write_payment(offer, signed, binding), write_payment(offer, signed, binding, "pay_0123456789abcdef")]
    terms = build_session_terms(
        255, holder=_KEY.address, limit=100, end=1_900_000_000, per_request=3, per_period=(9, 60), services=(_DID,)
    )
    message = build_sign_in(
        _KEY.address, origin="https://api.example.com", service=_DID, chain_id=1, nonce="a" * 24, now=1_800_000_000
    )
    token = format_service_token(signed)
    config = folder / "gateway.toml"

    def configure(data: bytes) -> object:
        config.write_bytes(data)
        return read_config(config)

    return [
        Parser("payment", lambda data: read_payment(_text(data)), tuple(map(str.encode, payments)), True),
        Parser("service token", lambda data: read_service_token(_text(data)), (token.encode(),), True),
        Parser("voucher", lambda data: SignedVoucher.from_json(_text(data)), (signed.to_json().encode(),)),
        Parser("binding", lambda data: Binding.from_json(_text(data)), (binding.to_json().encode(),)),
        Parser("session terms", lambda data: parse_session_terms(_text(data)), (terms.text.encode(),)),
        Parser("sign-in", lambda data: parse_sign_in(_text(data)), (message.text.encode(),)),
        Parser("target", _target, (b"/ask?a=1&b=%2F", b"/a/b%20c", b"/", b"/%e2%82%ac?x")),
        Parser("idempotency key", lambda data: check_key(_text(data)), (b"pay_0123456789abcdef", b"a-1")),
        Parser("headers", _headers, (_lines(payments[0], token),)),
        Parser("OpenAPI", _openapi, OPENAPI),
        Parser("configuration", configure, (build_config_text(Start(did=_DID)).encode(), CONFIG)),
    ]


def find_faults(parser: Parser, seed: int, count: int) -> list[str]:
    """Read so many inputs, and return what is wrong: another exception than ours, or an input that hangs or is a bomb."""
    random, found = Random(f"{parser.name} {seed}"), []
    for number, data in enumerate(_inputs(parser, random, count)):
        began = time.process_time()
        if number % WATCHED == 0:
            tracemalloc.start()
        try:
            parser.parse(data)
        except NvmChainError as error:
            if not error.message():
                found.append(f"{parser.name}: an error without a message for {data[:500]!r}")
        except Exception as error:  # noqa: BLE001  whatever else is raised is what this looks for
            found.append(f"{parser.name}: {type(error).__name__} ({error}) for {data[:500]!r}")
        finally:
            if tracemalloc.is_tracing():
                peak = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
                if peak > MOST_BYTES:
                    found.append(f"{parser.name}: {peak:,} bytes of memory for {data[:500]!r}")
        if time.process_time() - began > MOST_SECONDS:
            found.append(f"{parser.name}: more than {MOST_SECONDS} seconds for {data[:500]!r}")
    return found


def run_all(seed: int, count: int) -> list[str]:
    """Try all parsers with so many inputs each."""
    with TemporaryDirectory() as folder:
        return [fault for parser in list_parsers(Path(folder)) for fault in find_faults(parser, seed, count)]


# ---------------------------------------------------------------------- inputs


def _inputs(parser: Parser, random: Random, count: int) -> Iterator[bytes]:
    yield from parser.corpus
    yield b""
    for _ in range(count):
        start = random.choice(parser.corpus)
        if parser.is_wrapped and random.random() < 0.8:
            inner = base64.urlsafe_b64decode(start.replace(b"+", b"-").replace(b"/", b"_"))
            yield base64.b64encode(change(random, inner, parser.corpus))
        else:
            yield change(random, start, parser.corpus)


def change(random: Random, data: bytes, corpus: tuple[bytes, ...]) -> bytes:
    """Return a copy of some bytes with a few changes."""
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        data = random.choice(_CHANGES)(random, data, corpus)[:MOST_INPUT]
    return data


def _flip(random: Random, data: bytes, corpus: tuple[bytes, ...]) -> bytes:
    if not data:
        return data
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]


def _put(random: Random, data: bytes, corpus: tuple[bytes, ...]) -> bytes:
    at = random.randint(0, len(data))
    piece = random.choice(_PIECES) if random.random() < 0.8 else random.randbytes(random.randint(1, 40))
    return data[:at] + piece + data[at + random.choice((0, len(piece))) :]


def _cut(random: Random, data: bytes, corpus: tuple[bytes, ...]) -> bytes:
    start, end = _range(random, data)
    return data[:start] + data[end:]


def _repeat(random: Random, data: bytes, corpus: tuple[bytes, ...]) -> bytes:
    start, end = _range(random, data)
    return data[:end] + data[start:end] * random.choice((1, 2, 50)) + data[end:]


def _splice(random: Random, data: bytes, corpus: tuple[bytes, ...]) -> bytes:
    other = random.choice(corpus)
    return data[: random.randint(0, len(data))] + other[random.randint(0, len(other)) :]


def _swap(random: Random, data: bytes, corpus: tuple[bytes, ...]) -> bytes:
    """Put another token in the place of a number or of a text in quotes."""
    parts = data.split(b'"')
    if len(parts) < 3:
        return _put(random, data, corpus)
    parts[random.randrange(1, len(parts))] = random.choice(_PIECES)
    return b'"'.join(parts)


_CHANGES: Final = (_flip, _put, _put, _cut, _repeat, _splice, _swap, _swap)


def _range(random: Random, data: bytes) -> tuple[int, int]:
    start = random.randint(0, len(data))
    return start, min(len(data), start + random.choice((1, 3, 20, 200)))


# ---------------------------------------------------------------------- what is read


def _text(data: bytes) -> str:
    """Return the text of a header, as the gateway reads it."""
    return data.decode("utf-8", "surrogateescape" if data[:1] == b"\xff" else "replace")


def _target(data: bytes) -> str:
    path, _, query = data.partition(b"?")
    return build_target(path, query)


def _headers(data: bytes) -> object:
    """Read headers from lines, as a server splits them, and what pays for the request."""
    lines = [line.partition(b": ") for line in data.split(b"\n")]
    incoming = read_incoming("POST", [(name.lower(), value) for name, _, value in lines], keeps_cookies=False)
    return read_payer(incoming)


def _openapi(data: bytes) -> object:
    """Read a document, and import all its endpoints."""
    document: Any = parse_openapi(data)
    return import_endpoints(document, Choice((), (), (), []), Location("", "https://api.example.com", {}))


def _sign() -> SignedVoucher:
    voucher = build_voucher(
        2**200 + 7, holder=_KEY.address, redeemer=_KEY.address, ceiling=5, deadline=1_900_000_000, context=b"\x07" * 32
    )
    return sign_voucher(_KEY, voucher, chain_id=31_337, contract=_KEY.address)


def _lines(payment: str, token: str) -> bytes:
    headers = {
        "host": "gateway",
        "payment-signature": payment,
        "content-length": "4",
        "connection": "keep-alive, x-own",
        "idempotency-key": "pay_0123456789abcdef",
        "accept": "text/html",
        "origin": "https://app.example.com",
        "cookie": "a=1",
        "x-authorization": f"Bearer {token}",
    }
    return "\n".join(f"{name}: {value}" for name, value in headers.items()).encode()
