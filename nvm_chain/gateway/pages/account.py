"""The page of an account: its plans and statement, and after a sign-in its sessions and allowances. It is the same for everybody."""

from collections.abc import Iterable
from html import escape

from nvm_chain.errors.fields import Seconds
from nvm_chain.errors.formatting import format_duration
from nvm_chain.gateway.pages.assets import read_template
from nvm_chain.gateway.pages.checkout import name_network
from nvm_chain.gateway.pages.frame import write_page

TITLE = "Your account at this gateway"


def build_account_page(chain_id: int, lengths: Iterable[Seconds], periods: Iterable[Seconds], chosen: Seconds) -> bytes:
    """Return the page as HTML.

    Args:
        chain_id: The chain of the plans.
        lengths: How long a session may last.
        periods: The periods of a limit.
        chosen: The length and the period that are chosen at first.
    """
    body = read_template("account.html").substitute(
        title=TITLE,
        chain_id=chain_id,
        network=escape(name_network(chain_id)),
        lengths=_write_options(lengths, chosen),
        periods=_write_options(periods, chosen),
    )
    return write_page(TITLE, body, "account.js")


def _write_options(seconds: Iterable[Seconds], chosen: Seconds) -> str:
    return "".join(
        f'<option value="{each}"{" selected" if each == chosen else ""}>{format_duration(each)}</option>'
        for each in seconds
    )
