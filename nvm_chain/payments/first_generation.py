"""`Payments`: the methods of the first documented generation, and the way to those of the second."""

from pathlib import Path

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.errors import HostedName
from nvm_chain.payments.agents_api import AgentsApi
from nvm_chain.payments.asset_creation import CreatingAssets
from nvm_chain.payments.construction import open_session, refuse_hosted
from nvm_chain.payments.hosted_names import HOSTING_ADVICE, ON_PAYMENTS, RefusedOnClass, Refuses
from nvm_chain.payments.plan_creation import CreatingPlans
from nvm_chain.payments.plans_api import PlansApi
from nvm_chain.payments.reading import Reading
from nvm_chain.payments.session import Gateway
from nvm_chain.payments.using import Using
from nvm_chain.signing.keys import Signer
from nvm_chain.storage.stores import MetadataStore


class Payments(CreatingPlans, CreatingAssets, Using, Reading, Refuses):
    """Plans, agents and files of one account on one chain.

    ``payments.plans`` and ``payments.agents`` are the second documented generation. The methods here are the first, in
    which durations are days and amounts may be text. Ids are taken in any spelling; the first generation returns DIDs,
    the second decimal text. Nothing but the chain is needed: no API key, no account, no backend.
    """

    _hosted_prefix = "payments"
    _hosted = ON_PAYMENTS

    get_instance = RefusedOnClass()
    get_browser_instance = RefusedOnClass()

    def __init__(
        self,
        chain: Chain | str = "embedded",
        signer: Signer | None = None,
        *,
        store: MetadataStore | None = None,
        gateway: Gateway | None = None,
        allow_file_urls: bool = False,
        state: Path | str | None = None,
        **hosted: object,
    ) -> None:
        """Act as a signer on a chain.

        Args:
            chain: A chain that is connected, or what `nvm_chain.connect` takes.
            signer: Who acts. On the embedded chain its second account, if not given.
            store: Where metadata is kept. Without it that is the plan's URI.
            gateway: The seller's gateway, where there is one.
            allow_file_urls: Whether downloads may read this machine's disk.
            state: A file that keeps how many credits were signed away, for a buyer that is a new process for each
                request. Several processes may share it.
            hosted: What only the hosted API has, such as ``nvm_api_key``. It is refused.

        Raises:
            InvalidConfig: Only the embedded chain brings a signer, or an argument is not what it should be.
            NeedsVendor: An argument is the hosted API's.
            NetworkError: The chain cannot be used, as of `nvm_chain.connect`.
        """
        refuse_hosted(chain, signer, hosted)
        self._state = state
        self._session = open_session(
            chain, signer, store=store, gateway=gateway, allow_file_urls=allow_file_urls, state=state
        )
        self.plans = PlansApi(self._session)
        self.agents = AgentsApi(self._session)

    def __repr__(self) -> str:
        """Say who acts, and where."""
        return f"<Payments of {self.account_address} on {self.chain!r}>"

    @property
    def chain(self) -> Chain:
        """The chain."""
        return self._session.chain

    @property
    def account_address(self) -> ChecksumAddress:
        """Who acts."""
        return self._session.address

    def act_as(self, signer: Signer) -> "Payments":
        """Return a Payments object for another account on the same chain."""
        own = self._session
        return Payments(
            own.chain,
            signer,
            store=own.store,
            gateway=own.gateway,
            allow_file_urls=own.allow_file_urls,
            state=self._state,
        )

    @property
    def ai_protocol(self) -> object:
        """Refuse: the query protocol was the vendor's task queue. Raises HostedName, which is a NeedsVendor."""
        raise HostedName("payments.ai_protocol", HOSTING_ADVICE)
