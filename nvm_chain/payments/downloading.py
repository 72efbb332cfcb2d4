"""Downloading files of an asset: check access, fetch and verify, spend credits, and only then put them in their place."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from nvm_chain.agent_types import AttachedPlan
from nvm_chain.credits import redeem_credits
from nvm_chain.downloads import Fetched, Progress, fetch
from nvm_chain.errors import DownloadFailed, InvalidConfig, NotMined, OutcomeUnknown, TargetExists
from nvm_chain.file_entries import FileEntry
from nvm_chain.file_names import check_file_names
from nvm_chain.ids import format_did
from nvm_chain.ipfs_store import IpfsStore
from nvm_chain.payments.access import Access, find_access, format_service_token, need_gateway, sign_request, take_back
from nvm_chain.payments.desk import NO_AGREEMENT, Desk
from nvm_chain.payments.progress import show_progress
from nvm_chain.payments.results import DownloadFileResultDto
from nvm_chain.payments.shapes import check_kind


def download_asset(desk: Desk, file_id: int | str, destination: str, agreement_id: str | None) -> DownloadFileResultDto:
    """Download all files of an asset; all of them come, or none. See `Payments.download_file`."""
    check_kind("destination", destination, (str, Path), "'/tmp'")
    agent, metadata, problem = desk.read_agent(file_id)
    did = format_did(agent.agent_id)
    if metadata is None or not metadata.files:
        raise InvalidConfig(f"{did} has no files to download{problem and f', as of its metadata: {problem}'}")
    targets = place_files(metadata.files, destination)
    by_voucher = any(_is_behind_gateway(desk, entry) for entry in metadata.files)
    plans = agent.plans if agreement_id in NO_AGREEMENT else find_ordered(desk, did, agent.plans, agreement_id)
    access = find_access(desk, did, plans, by_voucher=by_voucher)
    with ExitStack() as stack:
        token = stack.enter_context(_sign_once(desk, access)) if by_voucher else ""
        show = stack.enter_context(show_progress())
        fetched = [
            stack.enter_context(_fetch(desk, entry, target, token, show(entry.name)))
            for entry, target in zip(metadata.files, targets, strict=True)
        ]
        transaction = "" if token else _spend_or_keep(desk, access, agent.agent_id, fetched)
        files = keep_all(fetched, transaction)
    return DownloadFileResultDto(success=True, files=files, txHash=transaction)


def place_files(entries: Sequence[FileEntry], destination: str | Path) -> list[Path]:
    """Return where each file goes: into a folder under its own name, or a single file to a path that is not a folder.

    Raises UnsafeFileName, InvalidConfig.
    """
    names, path = check_file_names(entry.name for entry in entries), Path(destination)
    try:
        is_folder, has_parent = path.is_dir(), path.parent.is_dir()
    except (OSError, ValueError):  # too long, or with a zero byte
        is_folder, has_parent = False, False
    if is_folder and str(destination):
        return [path / name for name in names]
    if len(names) > 1 or not has_parent or not path.name or str(destination).endswith(("/", os.sep)):
        raise InvalidConfig(
            f"{str(destination)[:300]!r} is not a folder; make it first, as {len(names)} files go into it, or give a path for a single one"
        )
    return [path]


def find_ordered(desk: Desk, did: str, plans: Sequence[AttachedPlan], agreement_id: str | None) -> list[AttachedPlan]:
    """Return the asset's plans that an order was of: one made here under a name, or a transaction. Raises InvalidConfig, RpcFailed."""
    ordered = desk.agreements.get(str(agreement_id)) or _read_ordered(desk, str(agreement_id))
    found = [attached for attached in plans if attached.plan_id in ordered]
    if not found:
        raise InvalidConfig(
            f"agreement {str(agreement_id)[:90]!r} is an order of another plan, which {did} does not accept"
        )
    return found


def _read_ordered(desk: Desk, agreement_id: str) -> set[int]:
    if not re.fullmatch("0x[0-9a-fA-F]{64}", agreement_id):
        raise InvalidConfig(
            f"agreement {agreement_id[:90]!r} is not an order that was made here; give the order's transaction, or leave it out"
        )
    events = desk.chain.read_transaction_events(desk.chain.credits, "Ordered", agreement_id)
    ordered = {int(event["args"]["planId"]) for event in events if event["args"]["receiver"] == desk.address}
    if not ordered:
        raise InvalidConfig(f"transaction {agreement_id} is not an order for {desk.address}")
    return ordered


def _spend_or_keep(desk: Desk, access: Access, agent_id: int, fetched: Sequence[Fetched]) -> str:
    """Spend; where nobody knows whether that came through, keep the files all the same, as they may be paid for."""
    try:
        return spend(desk, access, agent_id)
    except (NotMined, OutcomeUnknown) as error:
        try:
            error.add_note(f"The files may be paid for, and are kept: {', '.join(keep_all(fetched, ''))}.")
        except DownloadFailed as second:
            error.add_note(f"The files may be paid for, and could not be kept: {second}")
        raise


def spend(desk: Desk, access: Access, agent_id: int) -> str:
    """Redeem what a download costs, with the asset's id in the event, and return the transaction; empty if it costs nothing."""
    if access.cost == 0:
        return ""
    context = agent_id.to_bytes(32)
    return redeem_credits(desk.chain, desk.signer, access.plan_id, access.cost, context=context).transaction.hash


def keep_all(fetched: Sequence[Fetched], transaction: str) -> tuple[str, ...]:
    """Put all files in their places, or none. Raises DownloadFailed, which names the transaction that has paid for them."""
    try:
        return tuple(str(path) for path in _keep_or_remove(fetched))
    except (TargetExists, OSError) as error:
        paid = f"; its credits were spent in {transaction}" if transaction else ""
        raise DownloadFailed("the files that came", f"{error}{paid}") from None


def _keep_or_remove(fetched: Sequence[Fetched]) -> list[Path]:
    """Put all files in their places; whatever ends that, an interrupt too, takes those away that are there already."""
    kept: list[Path] = []
    with ExitStack() as stack:
        for file in fetched:
            kept.append(file.keep().path)
            stack.callback(kept[-1].unlink, missing_ok=True)
        stack.pop_all()
    return kept


def _is_behind_gateway(desk: Desk, entry: FileEntry) -> bool:
    return desk.gateway is not None and entry.url.startswith(desk.gateway.url + "/")


@contextmanager
def _sign_once(desk: Desk, access: Access) -> Iterator[str]:
    """Sign the token of a download for all files that the gateway serves. If it fails, the next token is for it again."""
    signed, before = sign_request(desk, need_gateway(desk, "A token for a download"), access)
    came = False
    try:
        yield format_service_token(signed)
        came = True
    finally:
        if not came:
            take_back(desk, signed, before)


def _fetch(
    desk: Desk, entry: FileEntry, target: Path, token: str, on_progress: Progress
) -> AbstractContextManager[Fetched]:
    """Fetch one file, with the token if the gateway serves it."""
    return fetch(
        entry.url,
        target,
        length=entry.length,
        sha256=entry.sha256 or None,
        headers={"Authorization": f"Bearer {token}"} if _is_behind_gateway(desk, entry) else {},
        on_progress=on_progress,
        allow_file=desk.allow_file_urls,
        ipfs=desk.store if isinstance(desk.store, IpfsStore) else None,
    )
