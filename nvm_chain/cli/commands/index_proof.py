"""`nvm-chain index prove`: the proof that no event is missing, also while another process follows."""

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from nvm_chain.cli.indexes import index_command, open_index
from nvm_chain.cli.lazy import index_following, json_values
from nvm_chain.cli.output import Rows
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from nvm_chain.index.completeness import Proof


@index_command(
    "prove",
    examples=("nvm-chain index prove", "nvm-chain index prove --again --json"),
)
@click.option("--again", is_flag=True, help="Prove all blocks again, such as with another node.")
def prove(session: Session, again: bool) -> None:
    """Prove that no event is missing, while another process may follow.

    The command reads every header that is not proven yet, and the receipts of the blocks that may have events. It can be
    stopped at any time, and goes on from there. Run it now and then beside `index run`. The exit code is 10 if an event is
    missing.
    """
    chain = session.connect()
    with open_index(session) as index:
        proof = index_following.Follower(chain, index).prove(again=again, on_step=partial(say_step, session))
        session.answer(describe_proof(proof), [("index", index.label), *proof_rows(proof)])


def say_step(session: Session, done: int, target: int) -> None:
    """Say how far a proof is."""
    session.say(f"Proved up to block {done:,} of {target:,}")


def describe_proof(proof: "Proof") -> dict[str, Any]:
    """Return a proof as JSON."""
    return {**json_values.fields_of(proof), "method": proof.method.value}


def proof_rows(proof: "Proof") -> Rows:
    """Return a proof for people."""
    if proof.first > proof.last:
        return [("proof", "nothing new to prove")]
    return [("proof", f"no event is missing in blocks {proof.first:,} to {proof.last:,}, by {proof.method.value}")]
