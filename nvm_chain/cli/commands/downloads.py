"""`nvm-chain download`: the files of a file asset."""

from nvm_chain.cli.command import argument, chain_command
from nvm_chain.cli.lazy import ids, payments
from nvm_chain.cli.output import Rows
from nvm_chain.cli.parameters import AgentId
from nvm_chain.cli.session import Session


@chain_command(
    "download",
    signs=True,
    agents=True,
    examples=("nvm-chain download $FILES . --keyfile subscriber.json",),
)
@argument(
    "asset", type=AgentId(), metavar="ASSET", help="The file asset: its agent id, 0x and 64 digits, or a did:nv:."
)
@argument("destination", help="An existing folder, or a path for a single file.")
def download(session: Session, asset: int, destination: str) -> None:
    """Download the files of a file asset. The credits are spent after all files have arrived.

    Each file has to match the metadata. If one does not, no file is kept. An existing file is never replaced.
    """
    chain, signer = session.connect_to_sign()
    session.say("Checking access and fetching")
    done = payments.Payments(chain, signer).download_file(asset, destination)
    rows: Rows = [("asset", asset), *(("file", path) for path in done.files)]
    spent = done.txHash or None
    data = {"agent_id": asset, "did": ids.format_did(asset), "files": list(done.files), "transaction_hash": spent}
    session.answer(data, [*rows, ("transaction", spent or "none, as access is open")])
