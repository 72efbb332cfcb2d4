"""Checks of files: whether they are in the folder of a service and are sold, and whether anybody can have them for nothing."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from nvm_chain.errors import NvmChainError, UpstreamFailed
from nvm_chain.errors.formatting import count
from nvm_chain.gateway.checks.findings import Finding, good, missing, note
from nvm_chain.gateway.files import find_files
from nvm_chain.gateway.settings import ServiceSettings
from nvm_chain.metadata.documents import AgentMetadata
from nvm_chain.metadata.file_entries import FileEntry
from nvm_chain.metadata.openapi.servers import is_private
from nvm_chain.storage.http import check_url, open_answer

SECONDS: Final = 5
"""How long the check waits for the server of a file."""
MOST: Final = 20
"""How many files are asked for without a payment."""
FAILED: Final = 400


def check_folder(service: ServiceSettings, folder: Path) -> Iterator[Finding]:
    """Yield whether the folder of a service is there."""
    subject = f"files of {service.did}"
    if folder.is_dir():
        yield good(subject, f"The folder {folder} is there.")
    else:
        yield missing(subject, f"{folder} is not a folder.", "Make the folder, or correct `files`.")


def check_files(service: ServiceSettings, metadata: AgentMetadata, base: str) -> Iterator[Finding]:
    """Yield which files of an agent the gateway serves, whether they are as declared, and which anybody can have.

    Args:
        service: The settings of the service.
        metadata: The metadata of the agent.
        base: The URL of the gateway.
    """
    subject, served = f"files of {service.did}", find_files(metadata.files, service, base)
    if service.files is not None:
        yield from _check_sold(subject, service, metadata, served)
    if not metadata.files:
        return
    elsewhere = len(metadata.files) - len(served)
    if elsewhere:
        text = f"{count(elsewhere, 'file')} of the agent cannot be asked for at the gateway, because the URL leads elsewhere."
        yield note(
            subject, text, "Register such files as gateway:NAME, or write `public_url` or `hosts` for the service."
        )
    if served and service.files is not None:
        yield from _check_on_disk(subject, service.files, served)
    yield from _check_open(subject, service, metadata.files[:MOST], base)


def _check_sold(
    subject: str, service: ServiceSettings, metadata: AgentMetadata, served: Mapping[str, FileEntry]
) -> Iterator[Finding]:
    """Yield that a folder is not sold, and which endpoints have no upstream."""
    if not served:
        text = f"No file of {service.files} is served, because the agent names no file that can be asked for here."
        yield missing(subject, text, "Register the files with `create_file`, as gateway:NAME.")
    patterns = len(metadata.endpoints) + len(metadata.open_endpoints)
    if patterns and not service.upstream:
        text = f"{count(patterns, 'endpoint')} of the agent cannot be asked for, because the service has a folder and no upstream."
        yield missing(subject, text, "Write `upstream` for the service, or take the endpoints out of the metadata.")


def _check_on_disk(subject: str, folder: Path, served: Mapping[str, FileEntry]) -> Iterator[Finding]:
    problems = [text for path, entry in served.items() if (text := _find_problem(folder, path, entry))]
    yield from (missing(subject, text, "Put the declared file there, or update the metadata.") for text in problems)
    if len(problems) < len(served):
        yield good(subject, f"{count(len(served) - len(problems), 'file')} of the folder can be asked for.")


def _find_problem(folder: Path, path: str, entry: FileEntry) -> str | None:
    """Return why a file of a folder is not the one that is declared. None if it is, as far as it is declared."""
    place = folder / path.lstrip("/")
    try:
        is_there = place.resolve().is_relative_to(folder.resolve()) and place.is_file()
        if not is_there or any(part.startswith(".") for part in path.split("/")):
            return f"{path} is not a file that is served from {folder}."
        if entry.length is not None and place.stat().st_size != entry.length:
            return f"{path} does not have the declared length."
        if entry.sha256 and _hash(place) != entry.sha256:
            return f"{path} does not have the declared SHA-256."
    except OSError as error:
        return f"{path} cannot be read ({error.strerror})."
    return None


def _hash(place: Path) -> str:
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_open(subject: str, service: ServiceSettings, entries: Sequence[FileEntry], base: str) -> Iterator[Finding]:
    """Yield the files whose public URL answers without a payment. Addresses of a network of one's own are not asked."""
    for entry in entries:
        if _may_ask(entry.url, service, base) and _answers(entry.url, service.did):
            text = f"{entry.name} can be had without a payment, because its URL is in the metadata, and answers to everybody."
            advice = "Register the file as gateway:NAME, and let its storage answer to the gateway only."
            yield note(subject, text, advice)


def _may_ask(url: str, service: ServiceSettings, base: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or url.startswith(f"{base}/"):
        return False
    is_own = bool(service.upstream) and url.startswith(service.upstream.rstrip("/") + "/")
    return is_own or not is_private(unquote(str(parts.hostname)))


def _answers(url: str, did: str) -> bool:
    """Return whether a server gives out a file. Only the head of the answer is asked for."""

    def fail(problem: str) -> NvmChainError:
        return UpstreamFailed(did, problem)

    try:
        check_url(url, fail)
        with open_answer("HEAD", url, fail=fail, timeout_seconds=SECONDS) as answer:
            return answer.status < FAILED
    except NvmChainError:
        return False
