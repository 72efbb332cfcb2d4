"""The function that apps call: the log-in of a service inside the app, and the token in the state of the visitor's session."""

import re
import time
from collections.abc import MutableMapping
from importlib import resources
from importlib.util import find_spec
from typing import Any, Final, TypedDict
from urllib.parse import quote, urlsplit

from nvm_chain.client.places import RESERVED
from nvm_chain.errors import InvalidConfig, MissingExtra
from nvm_chain.types.ids import format_did, parse_agent_id

STATE: Final = "nvm"
"""The key in ``st.session_state`` at which an app finds the token and the URL."""
COMPONENT: Final = "nvm_chain.paywall"
_TOKEN: Final = re.compile(r"[!-~]{16,4096}")


class Access(TypedDict):
    """What an app needs for a request: ``jwt`` for the header Authorization, and ``url``."""

    jwt: str
    url: str


def paywall(
    did: int | str, *, gateway: str, path: str = "/ask", key: str = "nvm_paywall", height: int = 190
) -> Access | None:
    """Show the log-in of a service, and return the token of the visitor. None as long as nobody is logged in.

    The rest of the app runs on in both cases. After a log-in, ``st.session_state["nvm"]`` is what this returns, and after a
    log-out it is not there. The seller names the origin of the app in ``embedded_in`` of the gateway's configuration.

    Args:
        did: The agent's id, as an int, text or DID.
        gateway: The URL of the gateway, such as ``https://gateway.example.com``.
        path: The path of the service that the app asks.
        key: The key of the component. Two paywalls of an app need two keys, and none of them may be ``nvm``.
        height: The height in pixels until the log-in has told its own.

    Raises:
        InvalidAgentId: The DID is not that of an agent.
        InvalidConfig: The gateway is not an http or https URL, the path does not begin with ``/``, or the key is ``nvm``.
        MissingExtra: Streamlit is not installed.
    """
    service = format_did(parse_agent_id(did))
    base, origin = _read_gateway(gateway)
    if not path.startswith("/"):
        raise InvalidConfig(f"the path {path!r} does not begin with /", "give one such as /ask")
    if key == STATE:
        raise InvalidConfig(f"the key {key!r} is where the token is kept", "give the component another key")
    if find_spec("streamlit") is None:
        raise MissingExtra("The paywall", "streamlit")
    import streamlit

    url = f"{origin if base.endswith(RESERVED) else f'{base}/services/{service}'}{path}"
    state = streamlit.session_state
    page = {"src": f"{base}/streamlit?did={quote(service)}", "origin": origin, "height": height}
    told = _show(streamlit, key, {**page, "known": _has_told(state, key)})
    return _keep(state, _read_token(told), url)


def _show(streamlit: Any, key: str, data: dict[str, Any]) -> Any:
    """Show the frame of the gateway, and return what it told. The script is given as text, so no scan of packages is needed."""
    script = resources.files("nvm_chain.streamlit").joinpath("paywall.js").read_text("utf-8")
    mount = streamlit.components.v2.component(COMPONENT, js=script, isolate_styles=False)
    found = mount(key=key, data=data, default={"token": None}, on_token_change=lambda: None)
    return found.get("token")


def _read_gateway(gateway: str) -> tuple[str, str]:
    """Return the URL of a gateway without a slash at its end, and its origin. Raises InvalidConfig."""
    try:
        parts = urlsplit(gateway)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or parts.query or parts.fragment or parts.username is not None:
        raise InvalidConfig("the gateway is not an http or https URL", "give one such as https://gateway.example.com")
    default = {"http": 80, "https": 443}[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    port = f":{parts.port}" if parts.port not in (None, default) else ""
    return gateway.rstrip("/"), f"{parts.scheme}://{host}{port}"


def _read_token(told: Any) -> str | None:
    """Return the token that a browser told. None for whatever else it could tell, and for a token that has ended."""
    if not isinstance(told, dict):
        return None
    token, end = told.get("token"), told.get("end")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token) or not isinstance(end, int):
        return None
    return token if time.time() < end else None


def _keep(state: MutableMapping[str, Any], token: str | None, url: str) -> Access | None:
    """Keep the token in the state of a visitor's session. Where the app sends it is the app's own word, and not the browser's."""
    if token is None:
        if _is_kept(state, url):
            del state[STATE]
        return None
    found: Access = {"jwt": token, "url": url}
    state[STATE] = found
    return found


def _is_kept(state: MutableMapping[str, Any], url: str) -> bool:
    """Return whether there is a token for a URL, and not that of another paywall."""
    kept = state.get(STATE)
    return isinstance(kept, dict) and kept.get("url") == url


def _has_told(state: MutableMapping[str, Any], key: str) -> bool:
    """Return whether the component has told a token in this session. An app that begins anew has to be told again."""
    told = state.get(key)
    return bool(told and told.get("token"))
