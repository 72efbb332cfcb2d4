"""`Payments`: what people know from the hosted API, served by the contracts alone."""

from contextlib import suppress

from eth_typing import ChecksumAddress
from eth_utils.crypto import keccak

from nvm_chain.addresses import ZERO_ADDRESS
from nvm_chain.agents import read_agent_plans, read_agent_uri
from nvm_chain.chain import Chain
from nvm_chain.connecting import connect
from nvm_chain.contract_errors import ERC721NonexistentToken, NotPlanOwner, UnknownPlan
from nvm_chain.credits import burn_credits, mint_credits
from nvm_chain.ddo import build_agent_ddo, build_plan_ddo, name_kind
from nvm_chain.eip712 import HashSigner, TypedDataSigner
from nvm_chain.errors import (
    InvalidAgentId,
    InvalidConfig,
    NeedsVendor,
    NotMined,
    NvmChainError,
    OutcomeUnknown,
    TokenCannotSign,
)
from nvm_chain.ids import format_did, parse_agent_id, parse_plan_id
from nvm_chain.keys import Signer
from nvm_chain.orders import order_plan
from nvm_chain.payments.access import build_service_token, find_access, need_gateway
from nvm_chain.payments.agents_api import AgentsApi
from nvm_chain.payments.creating import FILE_TYPES, HOSTING_WAY, Creating
from nvm_chain.payments.desk import NO_AGREEMENT, Desk, Gateway
from nvm_chain.payments.downloading import download_asset
from nvm_chain.payments.plans_api import PlansApi, check_fixed_price
from nvm_chain.payments.results import (
    BalanceResultDto,
    BurnResultDto,
    Ddo,
    DidList,
    DownloadFileResultDto,
    MintResultDto,
    OrderPlanResultDto,
    ServiceTokenResultDto,
)
from nvm_chain.payments.shapes import check_kind, read_amount
from nvm_chain.plans import read_plan, read_terms
from nvm_chain.relaying import find_made_order
from nvm_chain.storage import InlineStore, MetadataStore
from nvm_chain.types import Plan


class Payments(Creating):
    """Plans, agents and files of one account on one chain.

    ``payments.plans`` and ``payments.agents`` are the second documented generation; the methods here are the first, in which
    durations are days and amounts may be text. Ids are taken in any spelling; the first generation returns DIDs, the second
    decimal text. Nothing but the chain is needed: no API key, no account, no backend.
    """

    def __init__(
        self,
        chain: Chain | str = "embedded",
        signer: Signer | None = None,
        *,
        store: MetadataStore | None = None,
        gateway: Gateway | None = None,
        allow_file_urls: bool = False,
        **hosted: object,
    ) -> None:
        """Act as ``signer`` on a chain: one that is connected, or what `nvm_chain.connect` takes.

        On the embedded chain a signer may be left out, and is then its second account. ``store`` is where metadata is
        kept: inline in the plan's URI if not given. ``gateway`` is the seller's, where there is one. ``allow_file_urls`` lets files come
        from this machine's disk. Raises InvalidConfig without a signer elsewhere, NeedsVendor for what only the hosted API has
        (``nvm_api_key``, ``environment`` …), and as `nvm_chain.connect`.
        """
        if hosted:
            raise NeedsVendor(
                f"{min(hosted)} to construct Payments with",
                "Payments(chain, signer) with a chain from nvm_chain.connect() and a key of your own",
            )
        connected = connect(chain) if isinstance(chain, str) else chain
        if signer is not None and not (hasattr(signer, "address") and hasattr(signer, "sign_transaction")):
            raise InvalidConfig(
                "a signer is an account that signs, as nvm_chain.read_keyfile returns, not its key or address"
            )
        check_kind("gateway", gateway, (Gateway, type(None)), "Gateway(url, redeemer)")
        if store is not None and not hasattr(store, "save"):
            raise InvalidConfig("a store keeps metadata, such as FolderStore(folder)")
        actor = signer or (connected.accounts[1] if len(connected.accounts) > 1 else None)
        if actor is None:
            raise InvalidConfig(
                "only the embedded chain brings accounts; give the signer that acts, Payments(chain, signer)"
            )
        self._desk = Desk(connected, actor, store or InlineStore(), gateway, allow_file_urls)
        self.plans = PlansApi(self._desk)
        self.agents = AgentsApi(self._desk)

    def __repr__(self) -> str:
        """Say who acts, and where."""
        return f"<Payments of {self.account_address} on {self.chain!r}>"

    @property
    def chain(self) -> Chain:
        """The chain."""
        return self._desk.chain

    @property
    def account_address(self) -> ChecksumAddress:
        """Who acts."""
        return self._desk.address

    def act_as(self, signer: Signer) -> "Payments":
        """Return the same for another account on the same chain."""
        desk = self._desk
        return Payments(
            desk.chain, signer, store=desk.store, gateway=desk.gateway, allow_file_urls=desk.allow_file_urls
        )

    @property
    def ai_protocol(self) -> object:
        """Refuse: the query protocol was the vendor's task queue. Raises NeedsVendor."""
        raise NeedsVendor("the AI query protocol, which was a vendor's task queue", HOSTING_WAY)

    # ------------------------------------------------------------------ order

    def order_plan(self, plan_did: int | str, agreementId: str | None = None) -> OrderPlanResultDto:  # noqa: N803  as documented
        """Order a plan for this account, at its price.

        ``agreementId`` is a name of your own for the order. Where the token takes signed orders (EIP-3009), as USDC does, the
        same name is never paid twice: calling again orders nothing and returns the first transaction, or no ``txHash`` where the
        node does not search for it, so it is safe to repeat a call of which the outcome is not known. Where nothing is signed so,
        for a plan that is free or priced in the coin, another token, or a signer that signs transactions only, each call orders.
        Without a name, the result's ``agreementId`` is the transaction. Raises InvalidConfig for a plan whose price a contract
        names, OrderAlreadyMade if the name's authorization was canceled, TokenCannotSign for a name where the token takes
        authorizations and its domain cannot be read, and as `nvm_chain.order_plan`.
        """
        plan = read_plan(self.chain, plan_did)
        check_fixed_price(plan.terms)
        if agreementId in NO_AGREEMENT:
            transaction = order_plan(self.chain, self._desk.signer, plan.plan_id).transaction.hash
            return OrderPlanResultDto(agreementId=transaction, success=True, txHash=transaction)
        name = _check_agreement(agreementId)
        transaction = self._order_once(plan, keccak(text=name))
        self._desk.agreements.setdefault(name, set()).add(plan.plan_id)
        return OrderPlanResultDto(agreementId=name, success=True, txHash=transaction)

    def _order_once(self, plan: Plan, salt: bytes) -> str:
        """Order under a salt unless that was done before; return the transaction either way."""
        signer, signs = self._desk.signer, isinstance(self._desk.signer, HashSigner | TypedDataSigner)
        if not signs or not plan.terms.price or plan.terms.token == ZERO_ADDRESS:
            return order_plan(self.chain, signer, plan.plan_id).transaction.hash
        try:
            made = find_made_order(self.chain, signer.address, plan, salt)
        except TokenCannotSign:
            if plan.terms.token == self.chain.usdc:
                raise  # it does: an odd answer must not become an order that a repeated call would not find
            return order_plan(self.chain, signer, plan.plan_id).transaction.hash
        return self._order_signed(signer, plan, salt) if made is None else made

    def _order_signed(self, signer: Signer, plan: Plan, salt: bytes) -> str:
        """Order under a salt; return the transaction, or that of another thread or process that was there first."""
        try:
            return order_plan(self.chain, signer, plan.plan_id, pay="authorization", salt=salt).transaction.hash
        except (NotMined, OutcomeUnknown):
            raise
        except NvmChainError:
            with suppress(NvmChainError):
                made = find_made_order(self.chain, signer.address, plan, salt)
                if made is not None:
                    return made
            raise

    # ------------------------------------------------------------------ read

    def get_asset_ddo(self, did: int | str) -> Ddo:
        """Assemble the DDO of a plan, agent, service or file from the chain and its metadata, which is verified.

        Raises UnknownPlan if it is neither a plan nor an asset, InvalidPlanId.
        """
        number = parse_plan_id(did)
        try:
            plan, metadata, _ = self._desk.read_plan(number)
        except UnknownPlan as unknown:
            try:
                agent, described, _ = self._desk.read_agent(number)
            except (ERC721NonexistentToken, InvalidAgentId):
                raise unknown from None
            return Ddo(build_agent_ddo(self.chain, agent, described))
        return Ddo(build_plan_ddo(self.chain, plan, metadata))

    def get_plan_balance(self, plan_did: int | str, account_address: str | None = None) -> BalanceResultDto:
        """Read what an account, this one if none is named, has on a plan. Four to five requests.

        ``balance`` is credits, on a plan in time the periods that are left or not opened yet. Raises UnknownPlan, InvalidAddress.
        """
        holder, account = self._desk.read_account(plan_did, account_address)
        plan = read_plan(self.chain, plan_did)
        return BalanceResultDto(
            planType=name_kind(plan.terms.kind),
            isOwner=holder == plan.owner,
            isSubscriptor=self._desk.is_subscriber(account),
            balance=account.balance,
        )

    def get_plan_associated_services(self, plan_did: int | str) -> DidList:
        """List the DIDs of the services, agents and assistants that accept a plan. One request for each, and its store's."""
        return self._list_assets(plan_did, files=False)

    def get_plan_associated_files(self, plan_did: int | str) -> DidList:
        """List the DIDs of the file assets that accept a plan. One request for each, and what its store needs."""
        return self._list_assets(plan_did, files=True)

    def _list_assets(self, plan_did: int | str, *, files: bool) -> DidList:
        read_terms(self.chain, plan_did)  # raises UnknownPlan
        assets = self._desk.read_plan_assets(plan_did)
        return DidList(
            format_did(agent_id)
            for agent_id, metadata in assets
            if (metadata is not None and metadata.agent_type in FILE_TYPES) is files
        )

    def get_plan_details(self, plan_did: int | str) -> Ddo:
        """Read a plan as `payments.plans.get_plan` does. Three requests. Raises UnknownPlan."""
        return Ddo(self.plans.get_plan(plan_did))

    def get_service_details(self, service_did: int | str) -> Ddo:
        """Read a service as `payments.agents.get_agent` does. Three requests. Raises ERC721NonexistentToken."""
        return Ddo(self.agents.get_agent(service_did))

    def get_file_details(self, file_did: int | str) -> Ddo:
        """Read a file asset as `payments.agents.get_agent` does. Three requests. Raises ERC721NonexistentToken."""
        return Ddo(self.agents.get_agent(file_did))

    def get_plan_details_url(self, plan_did: int | str) -> str:
        """Return the URL of a plan's metadata, which the chain has. Three requests. Raises UnknownPlan."""
        return read_plan(self.chain, plan_did).uri

    def get_service_details_url(self, service_did: int | str) -> str:
        """Return the URL of a service's metadata, which the chain has. One request. Raises ERC721NonexistentToken."""
        return read_agent_uri(self.chain, service_did)

    def get_file_details_url(self, file_did: int | str) -> str:
        """Return the URL of a file asset's metadata, which the chain has. One request. Raises ERC721NonexistentToken."""
        return read_agent_uri(self.chain, file_did)

    def get_checkout_plan(self, plan_did: int | str) -> str:
        """Return the URL of the gateway's page where a plan is bought. Three requests. Raises NeedsGateway, UnknownPlan."""
        gateway = need_gateway(self._desk, "A page to buy a plan on")
        return f"{gateway.url}/checkout/{format_did(read_plan(self.chain, plan_did).plan_id)}"

    # ------------------------------------------------------------------ use

    def get_service_token(self, service_did: int | str) -> ServiceTokenResultDto:
        """Sign what the next request to a service has to carry, for the gateway in front of it. Sends nothing.

        The token is a voucher for one request at its highest cost, on that of the service's plans that takes the fewest credits
        for it; those that this Payments object has signed for before, and that are not settled or over, are not signed for again.
        It counts for an hour. Raises NeedsGateway, NoAccess, InsufficientCredits where all that there is has been signed for.
        """
        need_gateway(self._desk, "A token for a service")
        agent_id = parse_agent_id(service_did)
        plans = read_agent_plans(self.chain, agent_id)
        access = find_access(self._desk, format_did(agent_id), plans, by_voucher=True)
        return build_service_token(self._desk, agent_id, access)

    def get_service_access_config(self, service_did: int | str) -> ServiceTokenResultDto:
        """Do as `get_service_token`, under the other name that the documents have for it."""
        return self.get_service_token(service_did)

    def download_file(
        self, file_did: int | str, destination: str, agreement_id: str | None = None
    ) -> DownloadFileResultDto:
        """Download the files of an asset into a folder, or a single one to a path; all of them come, or none.

        Access is checked first. Each file is fetched under a temporary name and compared with what its metadata declares; then the
        credits are spent, in one transaction that names the asset; then the files get their names. So nobody pays for what
        did not come, and nothing partial stays behind. Files that the configured gateway serves are asked for with a voucher in
        the Authorization header instead, for which a plan has to accept vouchers, and the gateway settles it. Otherwise an open
        window of a plan in time costs nothing.
        ``agreement_id`` is the order to use, its transaction or the name given to `order_plan`; if not given, it is a plan with an
        open window, or that which takes the fewest credits. An existing file is never overwritten. Raises NoAccess,
        InsufficientCredits, DownloadFailed, DownloadMismatch, UnsafeFileName, TargetExists, InvalidConfig, and as
        `nvm_chain.redeem_credits`.
        """
        return download_asset(self._desk, file_did, destination, agreement_id)

    def mint_credits(self, plan_did: int | str, amount: int | str, receiver: str) -> MintResultDto:
        """Give credits of a plan without payment. Plan owner or minter only. One transaction. Raises as `nvm_chain.mint_credits`."""
        number = read_amount(amount, "amount")
        receipt = mint_credits(self.chain, self._desk.signer, plan_did, receiver, number)
        return MintResultDto(userOpHash=receipt.transaction.hash, success=True, amount=str(number))

    def burn_credits(self, plan_did: int | str, amount: int | str) -> BurnResultDto:
        """Destroy credits that the plan's owner, this account, has of it. One transaction.

        Only a plan's owner may call this, as its document says; `payments.plans.burn_credits` is for everybody. Nobody burns
        another's credits. Raises NotPlanOwner, UnknownPlan, InsufficientCredits.
        """
        number = read_amount(amount, "amount")
        plan = read_plan(self.chain, plan_did)
        if plan.owner != self.account_address:
            raise NotPlanOwner(plan.plan_id, self.account_address)
        receipt = burn_credits(self.chain, self._desk.signer, plan.plan_id, number)
        return BurnResultDto(userOpHash=receipt.transaction.hash, success=True, amount=str(number))


def _check_agreement(name: object) -> str:
    if not isinstance(name, str) or not name.isprintable():
        raise InvalidConfig(f"an agreementId is a text of your own for the order, not {name!r}")
    return name
