"""`nvm-chain download`: the files of a file asset."""

import click

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
    "asset",
    type=AgentId(),
    metavar="ASSET",
    help="Id of the file asset: an integer, 0x and 64 hexadecimal digits, or a did:nv:.",
)
@argument("destination", help="Existing folder. For a single file also the path of the new file.")
@click.option(
    "--allow-file-urls", is_flag=True, help="Read file: URLs, which name files of this machine. Refused without it."
)
def download(session: Session, asset: int, destination: str, allow_file_urls: bool) -> None:
    """Download the files of a file asset. The signer spends the credits after all files have arrived.

    Each file has to match the metadata. After a mismatch the command keeps no file. The command never replaces an
    existing file.
    """
    chain, signer = session.connect_to_sign()
    session.say("Checking access and fetching")
    done = payments.Payments(chain, signer, allow_file_urls=allow_file_urls).download_file(asset, destination)
    rows: Rows = [("asset", asset), *(("file", path) for path in done.files)]
    spent = done.txHash or None
    data = {"agent_id": asset, "did": ids.format_did(asset), "files": list(done.files), "transaction_hash": spent}
    session.answer(data, [*rows, ("transaction", spent or "none, as access is open")])
