"""A wallet in the browser: an EIP-6963 and EIP-1193 provider in the page, whose keys and rules are in this process."""

import itertools
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount
from playwright.sync_api import BrowserContext, Frame

PROVIDER = """((origins, injected) => {
  if (origins.length && !origins.includes(location.origin)) return;
  const handlers = {};
  const emit = (event, told) => (handlers[event] || []).slice().forEach((handler) => handler(told));
  const provider = {
    request: async ({ method, params }) => {
      const answer = JSON.parse(await window.__testWallet(JSON.stringify({ method, params: params || [] })));
      (answer.events || []).forEach(([event, told]) => emit(event, told));
      if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error);
      return answer.result;
    },
    on: (event, handler) => ((handlers[event] ||= []).push(handler), provider),
    removeListener: (event, handler) => (handlers[event] = (handlers[event] || []).filter((one) => one !== handler), provider),
  };
  addEventListener('test-wallet:emit', ({ detail }) => detail.forEach(([event, told]) => emit(event, told)));
  const icon = 'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg"/>';
  const info = Object.freeze({ uuid: '350670db-19fa-4704-a166-e52e178b59d2', name: NAME, rdns: 'wallet.test', icon });
  const announce = () => dispatchEvent(
    new CustomEvent('eip6963:announceProvider', { detail: Object.freeze({ info, provider }) }));
  if (injected) window.ethereum = provider;
  addEventListener('eip6963:requestProvider', announce);
  announce();
})"""
Event = tuple[str, Any]


class WalletError(Exception):
    """What a wallet answers in place of a result."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.error = {"code": code, "message": message} | ({} if data is None else {"data": data})


@dataclass
class Request:
    """What a page asked the wallet for."""

    origin: str
    method: str
    params: list[Any]


@dataclass
class Wallet:
    """A wallet of development keys. Pages of other origins than the given ones do not see it.

    Use `install` before the first page of a context, or `new_page(wallet=…)`.
    """

    rpc: str
    accounts: list[LocalAccount]
    origins: tuple[str, ...] = ()
    """Who sees the wallet, such as `http://127.0.0.1:8402`. All, if there is none. Pages in frames count as well."""
    injected: bool = False
    """Whether it is `window.ethereum` too, as old wallets are."""
    name: str = "Test wallet"
    refuse: set[str] = field(default_factory=set)
    """Methods that the person refuses, with the code 4001."""
    before: dict[str, Callable[[], object]] = field(default_factory=dict)
    """What happens before a method is answered, such as the switch to another account."""
    requests: list[Request] = field(default_factory=list)
    """All that was asked for."""
    chains: dict[int, str | None] = field(default_factory=dict)
    """Chains that the wallet knows, with the URL of a node of each, if it has one."""
    chain_id: int = 0
    """The chain that is chosen: first that of ``rpc``."""

    def __post_init__(self) -> None:
        self._ids = itertools.count(1)
        self._connected: set[str] = set()
        self._contexts: list[BrowserContext] = []
        if not self.chain_id:
            self.chain_id = int(self._call(self.rpc, "eth_chainId", []), 16)
            self.chains.setdefault(self.chain_id, self.rpc)

    def install(self, context: BrowserContext) -> None:
        """Put the wallet into every page that the context opens from now on."""
        context.expose_binding("__testWallet", lambda source, text: self._take(source["frame"], text))
        arguments = f"({json.dumps(self.origins)}, {json.dumps(self.injected)})"
        context.add_init_script(PROVIDER.replace("NAME", json.dumps(self.name)) + arguments)
        self._contexts.append(context)

    @property
    def account(self) -> LocalAccount:
        """The account that is chosen."""
        return self.accounts[0]

    @property
    def asked(self) -> list[str]:
        """The methods that were asked for, in their order."""
        return [request.method for request in self.requests]

    def count(self, method: str) -> int:
        """Return how often a method was asked for."""
        return self.asked.count(method)

    def switch_account(self, account: LocalAccount) -> None:
        """Choose another account, as a person does in the wallet's own window. Pages that are connected are told."""
        self.choose(account)
        self._tell([("accountsChanged", [account.address])])

    def choose(self, account: LocalAccount) -> None:
        """Choose another account without a word to the page. In ``before``, nothing else is possible."""
        self.accounts = [account, *(other for other in self.accounts if other.address != account.address)]

    def switch_chain(self, chain_id: int, rpc: str | None = None) -> None:
        """Choose another chain, as a person does in the wallet's own window. Pages are told."""
        self.chains.setdefault(chain_id, rpc)
        self.chain_id = chain_id
        self._tell([("chainChanged", hex(chain_id))])

    def disconnect(self) -> None:
        """Forget every page, as a person does who disconnects a site."""
        self._connected.clear()
        self._tell([("accountsChanged", [])])

    # ---- what pages ask

    def _take(self, frame: Frame, text: str) -> str:
        asked = json.loads(text)
        request = Request(_read_origin(frame.url), asked["method"], asked["params"])
        self.requests.append(request)
        events: list[Event] = []
        try:
            if self.origins and request.origin not in self.origins:
                raise WalletError(4100, "This site is not connected.")
            if request.method in self.refuse:
                raise WalletError(4001, "User rejected the request.")
            self.before.get(request.method, lambda: None)()
            return json.dumps({"result": self._answer(request, events), "events": events})
        except WalletError as refusal:
            return json.dumps({"error": refusal.error})

    def _answer(self, request: Request, events: list[Event]) -> object:
        own = {
            "eth_requestAccounts": self._connect,
            "eth_accounts": lambda request, _: [self.account.address] if request.origin in self._connected else [],
            "eth_chainId": lambda *_: hex(self.chain_id),
            "wallet_revokePermissions": self._revoke,
            "wallet_switchEthereumChain": self._choose_chain,
            "wallet_addEthereumChain": self._choose_chain,
            "personal_sign": self._sign_text,
            "eth_signTypedData_v4": self._sign_typed,
            "eth_sendTransaction": self._send,
        }
        if request.method in own:
            return own[request.method](request, events)
        return self.ask_node(request.method, request.params)

    def _connect(self, request: Request, events: list[Event]) -> list[str]:
        self._connected.add(request.origin)
        events.append(("accountsChanged", [self.account.address]))
        return [self.account.address]

    def _revoke(self, request: Request, events: list[Event]) -> None:
        self._connected.discard(request.origin)
        events.append(("accountsChanged", []))

    def _choose_chain(self, request: Request, events: list[Event]) -> None:
        asked = request.params[0]
        chain_id = int(asked["chainId"], 16)
        if request.method == "wallet_addEthereumChain":
            self.chains.setdefault(chain_id, next(iter(asked.get("rpcUrls", [])), None))
        if chain_id not in self.chains:
            raise WalletError(4902, f"Unrecognized chain ID {asked['chainId']}.")
        self.chain_id = chain_id
        events.append(("chainChanged", hex(chain_id)))

    def _require(self, request: Request, address: str) -> None:
        if request.origin not in self._connected or address.lower() != self.account.address.lower():
            raise WalletError(4100, f"{address} is not an account that this site may use now.")

    def _sign_text(self, request: Request, _: list[Event]) -> str:
        text, address = request.params
        self._require(request, address)
        return _hex(self.account.sign_message(encode_defunct(hexstr=text)).signature)

    def _sign_typed(self, request: Request, _: list[Event]) -> str:
        address, text = request.params
        self._require(request, address)
        message = json.loads(text) if isinstance(text, str) else text
        named = message.get("domain", {}).get("chainId")
        if named is not None and int(named) != self.chain_id:
            raise WalletError(-32603, f"Provided chainId {named} must match the active chainId {self.chain_id}")
        return _hex(self.account.sign_typed_data(full_message=message).signature)

    def _send(self, request: Request, _: list[Event]) -> object:
        asked = request.params[0]
        self._require(request, asked["from"])
        sender = self.account.address
        call = {key: value for key, value in asked.items() if key in ("to", "value", "data")}
        gas = asked.get("gas") or self.ask_node("eth_estimateGas", [{**call, "from": sender}])
        block: Any = self.ask_node("eth_getBlockByNumber", ["latest", False])
        nonce: Any = self.ask_node("eth_getTransactionCount", [sender, "pending"])
        transaction = {
            "chainId": self.chain_id,
            "nonce": int(nonce, 16),
            "gas": int(str(gas), 16),
            "maxPriorityFeePerGas": 10**9,
            "maxFeePerGas": 2 * int(block["baseFeePerGas"], 16) + 10**9,
            "to": call["to"],
            "value": int(call.get("value", "0x0"), 16),
            "data": call.get("data", "0x"),
        }
        return self.ask_node(
            "eth_sendRawTransaction", [_hex(self.account.sign_transaction(transaction).raw_transaction)]
        )

    def ask_node(self, method: str, params: list[Any]) -> object:
        """Ask the node of the chosen chain."""
        rpc = self.chains[self.chain_id]
        if rpc is None:
            raise WalletError(4901, f"The wallet has no node of the chain {self.chain_id}.")
        return self._call(rpc, method, params)

    def _call(self, rpc: str, method: str, params: list[Any]) -> Any:
        body = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        answer = requests.post(rpc, json=body, timeout=30).json()
        if "error" in answer:
            error = answer["error"]
            raise WalletError(error["code"], error["message"], error.get("data"))
        return answer["result"]

    def _tell(self, events: Iterable[Event]) -> None:
        told = json.dumps(list(events))
        for frame in (frame for context in self._contexts for page in context.pages for frame in page.frames):
            if not self.origins or _read_origin(frame.url) in self.origins:
                frame.evaluate(f"dispatchEvent(new CustomEvent('test-wallet:emit', {{ detail: {told} }}))")


def _read_origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _hex(value: bytes) -> str:
    return f"0x{bytes(value).hex()}"
