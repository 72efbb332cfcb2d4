"""Downloading files of an asset: check access, fetch and verify, spend credits, and only then put them in their place."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from nvm_chain.agent_types import AttachedPlan
from nvm_chain.credits import read_account, redeem_credits
from nvm_chain.downloads import Fetched, fetch, safe_file_name
from nvm_chain.errors import DownloadFailed, InvalidConfig, NoAccess, TargetExists
from nvm_chain.file_entries import FileEntry
from nvm_chain.ids import format_did, parse_agent_id
from nvm_chain.ipfs_store import IpfsStore
from nvm_chain.payments.access import find_access, has_access, sign_token
from nvm_chain.payments.desk import Desk
from nvm_chain.payments.progress import show_progress
from nvm_chain.payments.results import DownloadFileResultDto
from nvm_chain.plans import read_plan
from nvm_chain.types import Kind, Plan

NO_AGREEMENT = ("", "0x")
"""What the hosted API took for no agreement."""


def download_asset(desk: Desk, file_id: int | str, destination: str, agreement_id: str | None) -> DownloadFileResultDto:
    """Download all files of an asset; all of them come, or none. See `Payments.download_file`."""
    agent, metadata = desk.read_agent(file_id)
    did = format_did(parse_agent_id(file_id))
    if metadata is None or not metadata.files:
        raise InvalidConfig(f"{did} has no files to download")
    targets = place_files(metadata.files, Path(destination))
    plan, attached = choose_plan(desk, did, agent.plans, agreement_id)
    with ExitStack() as stack:
        token = stack.enter_context(_sign_once(desk, metadata.files, attached))
        fetched = [
            stack.enter_context(_fetch(desk, entry, target, token))
            for entry, target in zip(metadata.files, targets, strict=True)
        ]
        transaction = "" if token else spend(desk, plan, attached, did)
        files = keep_all(fetched, transaction)
    return DownloadFileResultDto(success=True, files=files, txHash=transaction)


def place_files(entries: Sequence[FileEntry], destination: Path) -> list[Path]:
    """Return where each file goes: into a folder under its own name, or a single file to a path that is no folder.

    Raises UnsafeFileName, InvalidConfig.
    """
    names = [safe_file_name(entry.name) for entry in entries]
    if destination.is_dir():
        if len({name.casefold() for name in names}) < len(names):
            raise InvalidConfig("two files of this asset have the same name; ask its seller to rename one")
        return [destination / name for name in names]
    if len(names) > 1 or not destination.parent.is_dir():
        raise InvalidConfig(f"{str(destination)!r} is no folder; make it first, as {len(names)} files go into it")
    return [destination]


def choose_plan(
    desk: Desk, did: str, plans: tuple[AttachedPlan, ...], agreement_id: str | None
) -> tuple[Plan, AttachedPlan]:
    """Choose the plan to use: that of an order that is named, else the first that gives access. Raises NoAccess, InvalidConfig."""
    if agreement_id is None or agreement_id in NO_AGREEMENT:
        return find_access(desk, did, plans)
    ordered = find_order(desk, agreement_id)
    for attached in plans:
        if attached.plan_id == ordered:
            plan = read_plan(desk.chain, ordered)
            if has_access(desk, plan, read_account(desk.chain, ordered, desk.address), attached):
                return plan, attached
            raise NoAccess(did, desk.address, (format_did(ordered),))
    raise InvalidConfig(f"agreement {agreement_id[:90]!r} is an order of another plan, which {did} does not accept")


def find_order(desk: Desk, agreement_id: str) -> int:
    """Return the plan that an order was of: one made here under a name, or a transaction. Raises InvalidConfig, RpcFailed."""
    if agreement_id in desk.agreements:
        return desk.agreements[agreement_id]
    if not (agreement_id.startswith("0x") and len(agreement_id) == 66):
        raise InvalidConfig(
            f"agreement {agreement_id[:90]!r} is no order that was made here; give the order's transaction, or leave it out"
        )
    for event in desk.chain.read_transaction_events(desk.chain.credits, "Ordered", agreement_id):
        if event["args"]["receiver"] == desk.address:
            return int(event["args"]["planId"])
    raise InvalidConfig(f"transaction {agreement_id} is no order for {desk.address}")


def spend(desk: Desk, plan: Plan, attached: AttachedPlan, did: str) -> str:
    """Redeem what a download costs and return the transaction; empty where it costs nothing. At most one transaction."""
    if plan.terms.kind is Kind.TIME:
        if desk.is_open(read_account(desk.chain, plan.plan_id, desk.address)):
            return ""
        cost = 1  # a period opens the window
    else:
        cost = attached.max_credits
    if cost == 0:
        return ""
    context = parse_agent_id(did).to_bytes(32)
    return redeem_credits(desk.chain, desk.signer, plan.plan_id, cost, context=context).transaction.hash


def keep_all(fetched: Sequence[Fetched], transaction: str) -> tuple[str, ...]:
    """Put all files in their places, or none. Raises DownloadFailed, which names the transaction that has paid for them."""
    kept: list[Path] = []
    try:
        for file in fetched:
            kept.append(file.keep().path)
    except (TargetExists, OSError) as error:
        for path in kept:
            path.unlink(missing_ok=True)
        paid = f"; its credits were spent in {transaction}" if transaction else ""
        raise DownloadFailed("the files that came", f"{error}{paid}") from None
    return tuple(str(path) for path in kept)


def _is_behind_gateway(desk: Desk, entry: FileEntry) -> bool:
    return desk.gateway is not None and entry.url.startswith(desk.gateway.url + "/")


@contextmanager
def _sign_once(desk: Desk, entries: Sequence[FileEntry], attached: AttachedPlan) -> Iterator[str]:
    """Sign the token of a download whose files the gateway serves, for all of them together; none, if it serves none.

    If the download fails, the next token is for the same request again.
    """
    if desk.gateway is None or not any(_is_behind_gateway(desk, entry) for entry in entries):
        yield ""
        return
    last, came = dict(desk.ceilings), False
    try:
        yield sign_token(desk, desk.gateway, attached)
        came = True
    finally:
        if not came:
            desk.ceilings = last


@contextmanager
def _fetch(desk: Desk, entry: FileEntry, target: Path, token: str) -> Iterator[Fetched]:
    """Fetch one file, with the token if the gateway serves it, and show progress of a large one."""
    headers = {"Authorization": f"Bearer {token}"} if _is_behind_gateway(desk, entry) else {}
    with (
        show_progress(entry.name) as on_progress,
        fetch(
            entry.url,
            target,
            length=entry.length,
            sha256=entry.sha256 or None,
            headers=headers,
            on_progress=on_progress,
            allow_file=desk.allow_file_urls,
            ipfs=desk.store if isinstance(desk.store, IpfsStore) else None,
        ) as fetched,
    ):
        yield fetched
