"""Downloads of an asset's files: check access, fetch and verify, spend credits, then move the files to their places."""

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path

from nvm_chain.errors import DownloadFailed, InvalidConfig, NotMined, OutcomeUnknown
from nvm_chain.metadata.file_entries import FileEntry
from nvm_chain.operations.credits import redeem_credits
from nvm_chain.payments.access import Access, find_access
from nvm_chain.payments.destinations import keep_all, place_files
from nvm_chain.payments.file_payments import FilePayment
from nvm_chain.payments.file_places import FilePlace, find_place
from nvm_chain.payments.parameters import check_kind
from nvm_chain.payments.progress import show_progress
from nvm_chain.payments.results import DownloadFileResultDto
from nvm_chain.payments.session import NO_AGREEMENT, Session
from nvm_chain.storage.downloads import Fetched, Progress, fetch
from nvm_chain.storage.ipfs_store import IpfsStore
from nvm_chain.types.agents import AttachedPlan
from nvm_chain.types.ids import format_did


def download_asset(
    session: Session, file_id: int | str, destination: str, agreement_id: str | None, *, overwrite: bool = False
) -> DownloadFileResultDto:
    """Download all files of an asset, or none. See `Payments.download_file`."""
    check_kind("destination", destination, (str, Path), "'/tmp'")
    agent, metadata, problem = session.read_agent(file_id, "a file")
    did = format_did(agent.agent_id)
    if metadata is None or not metadata.files:
        raise InvalidConfig(f"{did} has no files to download{problem and f', as of its metadata: {problem}'}")
    targets = place_files(metadata.files, destination)
    places = [find_place(session, did, entry) for entry in metadata.files]
    by_voucher = any(places)
    plans = agent.plans if agreement_id in NO_AGREEMENT else find_ordered(session, did, agent.plans, agreement_id)
    access = find_access(session, did, plans, by_voucher=by_voucher)
    with ExitStack() as stack:
        payments = [
            None if place is None else stack.enter_context(_sign_once(session, access, did, place)) for place in places
        ]
        show = stack.enter_context(show_progress())
        fetched = [
            stack.enter_context(_fetch(session, entry, target, payment, show(entry.name), overwrite=overwrite))
            for entry, target, payment in zip(metadata.files, targets, payments, strict=True)
        ]
        transaction = "" if by_voucher else _spend_or_keep(session, access, agent.agent_id, fetched, targets)
        files = keep_all(fetched, targets, transaction)
    return DownloadFileResultDto(success=True, files=files, txHash=transaction)


def find_ordered(
    session: Session, did: str, plans: Sequence[AttachedPlan], agreement_id: str | None
) -> list[AttachedPlan]:
    """Return the asset's plans that an order bought. The order is a name in `order_plan`, or a transaction hash.

    Raises:
        InvalidConfig: The order is unknown, or bought only plans that the asset does not accept.
        RpcFailed: The node does not know the transaction.
    """
    ordered = session.agreements.get(str(agreement_id)) or _read_ordered(session, str(agreement_id))
    found = [attached for attached in plans if attached.plan_id in ordered]
    if not found:
        raise InvalidConfig(
            f"agreement {str(agreement_id)[:90]!r} is an order of another plan, which {did} does not accept"
        )
    return found


def _read_ordered(session: Session, agreement_id: str) -> set[int]:
    if not re.fullmatch("0x[0-9a-fA-F]{64}", agreement_id):
        raise InvalidConfig(
            f"agreement {agreement_id[:90]!r} is not an order that was made here",
            "give the order's transaction, or leave it out",
        )
    events = session.chain.read_transaction_events(session.chain.credits, "Ordered", agreement_id)
    ordered = {int(event["args"]["planId"]) for event in events if event["args"]["receiver"] == session.address}
    if not ordered:
        raise InvalidConfig(f"transaction {agreement_id} is not an order for {session.address}")
    return ordered


def _spend_or_keep(
    session: Session, access: Access, agent_id: int, fetched: Sequence[Fetched], targets: Sequence[Path]
) -> str:
    """Spend the credits, and return the transaction. If its outcome is unknown, keep the files, which may be paid for."""
    try:
        return spend(session, access, agent_id)
    except (NotMined, OutcomeUnknown) as error:
        try:
            error.add_note(f"The files may be paid for, and are kept: {', '.join(keep_all(fetched, targets, ''))}.")
        except DownloadFailed as second:
            error.add_note(f"The files may be paid for, and could not be kept: {second}")
        raise


def spend(session: Session, access: Access, agent_id: int) -> str:
    """Redeem the cost of a download, and return the transaction. Empty if the download is free. The event names the asset."""
    if access.cost == 0:
        return ""
    context = agent_id.to_bytes(32)
    return redeem_credits(session.chain, session.signer, access.plan_id, access.cost, context=context).transaction.hash


@contextmanager
def _sign_once(session: Session, access: Access, did: str, place: FilePlace) -> Iterator[FilePayment]:
    """Sign one voucher for one file of the gateway. If nothing of the file comes, the next one covers the same request."""
    payment, came = FilePayment(session, access, did, place), False
    try:
        yield payment
        came = True
    finally:
        if not came:
            payment.take_back()


@contextmanager
def _fetch(
    session: Session,
    entry: FileEntry,
    target: Path,
    payment: FilePayment | None,
    on_progress: Progress,
    *,
    overwrite: bool,
) -> Iterator[Fetched]:
    """Fetch one file. A file of the gateway is fetched with its payment, which is corrected once from the gateway's refusal."""
    with ExitStack() as stack:
        ask = partial(_fetch_once, session, entry, target, payment, on_progress, overwrite=overwrite)
        try:
            fetched = stack.enter_context(ask())
        except DownloadFailed:
            if payment is None or not payment.correct():
                raise
            fetched = stack.enter_context(ask())
        yield fetched


def _fetch_once(
    session: Session,
    entry: FileEntry,
    target: Path,
    payment: FilePayment | None,
    on_progress: Progress,
    *,
    overwrite: bool,
) -> AbstractContextManager[Fetched]:
    return fetch(
        entry.url if payment is None else payment.url,
        target,
        length=entry.length,
        sha256=entry.sha256 or None,
        headers={} if payment is None else payment.headers,
        on_progress=on_progress if payment is None else payment.watch(on_progress),
        overwrite=overwrite,
        allow_file=session.allow_file_urls,
        ipfs=session.store if isinstance(session.store, IpfsStore) else None,
        on_refused=None if payment is None else payment.note_refusal,
    )
