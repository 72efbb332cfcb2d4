"""A facilitator on a real server over anvil, its callers, and payments by official clients."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import requests
from eth_account import Account
from eth_account.signers.local import LocalAccount
from x402 import x402ClientSync
from x402.mechanisms.evm.exact import ExactEvmScheme
from x402.mechanisms.evm.signers import EthAccountSigner
from x402.schemas import PaymentPayload, PaymentRequired, PaymentRequirements, ResourceInfo

from nvm_chain.chain.client import Chain
from nvm_chain.chain.connecting import connect
from nvm_chain.gateway.facilitator.running import Place, build_facilitator_app
from nvm_chain.operations.tokens import mint_test_usdc, read_token_balance
from nvm_chain.signing.authorizations import build_transfer_authorization, sign_transfer_authorization
from nvm_chain.signing.eip712 import Domain, MessageSigner
from nvm_chain.x402.exact import build_exact_payload
from nvm_chain.x402.facilitator.callers import Caller, build_caller
from nvm_chain.x402.facilitator.settings import FacilitatorSettings
from tests.gateway.serving import served

PRICE = 10_000
FUNDS = 1_000_000
TOKENS = {name: secrets.token_urlsafe(32) for name in ("shop", "other")}


def hash_token(token: str) -> str:
    """Return a token as operators write it down."""
    return f"sha256:{sha256(token.encode()).hexdigest()}"


def build_callers() -> tuple[Caller, ...]:
    """Return the two callers."""
    return tuple(build_caller(name, hash_token(token)) for name, token in TOKENS.items())


@dataclass
class FacilitatorDesk:
    """A facilitator that runs, and the chain it settles on."""

    url: str
    chain: Chain
    settings: FacilitatorSettings

    @property
    def usdc(self) -> str:
        """The token."""
        assert self.chain.usdc is not None
        return self.chain.usdc

    def require(self, payee: str | None = None, amount: int = PRICE, **extra: Any) -> dict[str, Any]:
        """Return what a resource server requires."""
        return {
            "scheme": "exact",
            "network": "eip155:31337",
            "asset": self.usdc,
            "amount": str(amount),
            "payTo": payee or self.chain.accounts[1].address,
            "maxTimeoutSeconds": 300,
            "extra": {"name": "USDC", "version": "2", **extra},
        }

    def fund(self, account: LocalAccount | None = None) -> LocalAccount:
        """Give an account tokens. A new one if none is given."""
        account = account or Account.create()
        mint_test_usdc(self.chain, self.chain.accounts[0], account.address, FUNDS)
        return account

    def pay(self, payer: LocalAccount, required: dict[str, Any]) -> dict[str, Any]:
        """Return the payment of an official client for what is required, as JSON."""
        return pay_officially(payer, required)

    def ask(self, path: str, payment: Any, required: Any, caller: str | None = "shop", **headers: str) -> Any:
        """Ask the facilitator, and return the answer."""
        body = {"x402Version": 2, "paymentPayload": payment, "paymentRequirements": required}
        told = {} if caller is None else {"Authorization": f"Bearer {TOKENS.get(caller, caller)}"}
        return requests.post(f"{self.url}{path}", json=body, headers=told | headers, timeout=60)

    def balance(self, account: str) -> int:
        """Return the tokens of an account."""
        return read_token_balance(self.chain, self.usdc, account)


def pay_officially(payer: LocalAccount, required: dict[str, Any]) -> dict[str, Any]:
    """Return the payment of the official client, unmodified, for what is required. It may spend any token."""
    client = x402ClientSync().register("eip155:*", ExactEvmScheme(EthAccountSigner(payer)))
    client.set_spend_controls(False)
    offers = [PaymentRequirements.model_validate(required)]
    asked = PaymentRequired(x402_version=2, accepts=offers, resource=ResourceInfo(url="http://shop.example/answer"))
    payload = client.create_payment_payload(asked)
    assert isinstance(payload, PaymentPayload)
    return payload.model_dump(by_alias=True, exclude_none=True)


def pay_as(desk: FacilitatorDesk, signer: MessageSigner, required: dict[str, Any]) -> dict[str, Any]:
    """Return the payment of a wallet, which gets what it needs."""
    mint_test_usdc(desk.chain, desk.chain.accounts[0], signer.address, FUNDS)
    domain = Domain("USDC", "2", 31337, required["asset"])
    authorization = build_transfer_authorization(
        payer=signer.address, payee=required["payTo"], value=PRICE, valid_before=desk.chain.read_time() + 300
    )
    payload = build_exact_payload(sign_transfer_authorization(signer, authorization, token=domain))
    return {"x402Version": 2, "accepted": required, "payload": payload}


@contextmanager
def open_desk(
    chain: Chain, folder: Path, *, callers: tuple[Caller, ...] | None = None, **changed: Any
) -> Iterator[FacilitatorDesk]:
    """Run a facilitator over a chain. Its books are in a folder, so that it can be opened again."""
    assert chain.usdc is not None
    settings = FacilitatorSettings(tokens=(chain.usdc,), **changed)
    place = Place(str(folder / "facilitator.db"), callers or build_callers())

    def connect_again() -> Chain:
        return connect(chain.label, credits=chain.credits.address)

    with served(build_facilitator_app(connect_again, chain.accounts[2], place, settings)) as url:
        yield FacilitatorDesk(url, chain, settings)
