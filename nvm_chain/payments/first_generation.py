"""The class `Payments`: the methods of the first documented API generation, and attributes that hold those of the second."""

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

    The methods of this class are the first documented generation. There a duration is in days, and an amount may be text.
    ``payments.plans`` and ``payments.agents`` are the second generation. Both generations take ids in any spelling. The
    first returns DIDs, and the second returns ids as decimal text. The class needs only the chain: no API key and no
    backend.
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
        """Connect a signer to a chain.

        Args:
            chain: A connected chain, or the first argument of `nvm_chain.connect`.
            signer: The signer of the account. Default on the embedded chain: its second account.
            store: The store for metadata. Without a store the URI itself contains the metadata.
            gateway: The seller's gateway, if the seller has one.
            allow_file_urls: Whether downloads may read ``file:`` URLs from the local disk.
            state: The path of a file that keeps the signed ceilings, for a buyer who starts a new process for each
                request. Several processes may share the file.
            hosted: Arguments that only the hosted API has, such as ``nvm_api_key``. They are refused.

        Raises:
            InvalidConfig: The signer is missing and the chain is not the embedded chain, or an argument is invalid.
            NeedsVendor: An argument belongs to the hosted API.
            NetworkError: The chain is not usable. See `nvm_chain.connect`.
        """
        refuse_hosted(chain, signer, hosted)
        self._state = state
        self._session = open_session(
            chain, signer, store=store, gateway=gateway, allow_file_urls=allow_file_urls, state=state
        )
        self.plans = PlansApi(self._session)
        self.agents = AgentsApi(self._session)

    def __repr__(self) -> str:
        """Show the account and the chain."""
        return f"<Payments of {self.account_address} on {self.chain!r}>"

    @property
    def chain(self) -> Chain:
        """The chain of this object."""
        return self._session.chain

    @property
    def account_address(self) -> ChecksumAddress:
        """The address of the account that signs."""
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
        """Raise HostedName, because the query protocol was the vendor's task queue."""
        raise HostedName("payments.ai_protocol", HOSTING_ADVICE)
