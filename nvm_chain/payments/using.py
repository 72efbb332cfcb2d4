"""The part of `Payments` that orders and uses plans, with all the parameters of the first documented generation."""

from nvm_chain.errors import NotPlanOwner
from nvm_chain.operations.credits import burn_credits, mint_credits
from nvm_chain.payments.access import find_access, need_gateway
from nvm_chain.payments.file_downloads import download_asset
from nvm_chain.payments.id_kinds import explain_id
from nvm_chain.payments.ordering import order_by_name, pay_for_request
from nvm_chain.payments.parameters import read_amount
from nvm_chain.payments.results import (
    BurnResultDto,
    DownloadFileResultDto,
    MintResultDto,
    OrderPlanResultDto,
    ServiceTokenResultDto,
    UsageResultDto,
)
from nvm_chain.payments.session import Session
from nvm_chain.payments.tokens import build_service_token
from nvm_chain.types.ids import format_did, parse_agent_id
from nvm_chain.types.renamed_parameters import renamed_parameters


class Using:
    """What `Payments` orders, asks for and spends."""

    _session: Session

    @renamed_parameters(agreement_id="agreementId")
    def order_plan(self, plan_did: int | str, agreementId: str | None = None) -> OrderPlanResultDto:  # noqa: N803  as documented
        """Order a plan for this account, at its price.

        Where the token takes signed orders (EIP-3009), as USDC does, the same name is never paid twice. Calling again
        orders nothing. It returns the first transaction, or no ``txHash`` if the node does not search for it. So repeat
        a call whose outcome is unknown. In these cases each call orders again: for a plan that is free or priced in the
        coin, for another token, and for a signer that signs transactions only.

        Args:
            plan_did: The plan, in any spelling.
            agreementId: A name of your own for the order. Without one the result's is the transaction.

        Raises:
            InvalidConfig: A contract names the plan's price, or the name is not allowed.
            WrongKind: The plan is paid by usage; see `pay_usage`.
            OrderAlreadyMade: The name's authorization was canceled.
            TokenCannotSign: The token takes authorizations, and for which domain cannot be read.
            NvmChainError: As `nvm_chain.order_plan`.
        """
        return order_by_name(self._session, plan_did, agreementId)

    def pay_usage(
        self,
        plan_did: int | str,
        quantity: int | str = 1,
        *,
        max_cost: int | str | None = None,
        request_id: str = "",
    ) -> UsageResultDto:
        """Pay for a request of a plan for usage, from this account. One transaction, two if it approves first.

        Args:
            plan_did: The plan, in any spelling.
            quantity: How many units are paid for.
            max_cost: The limit of the payment, in base units. It has to be given if a contract names the price.
            request_id: A UUID or a text of at most 32 bytes, for the event, where the seller finds it.

        Raises:
            WrongKind: The plan is not paid by usage; see `order_plan`.
            NvmChainError: As `nvm_chain.pay_usage`.
        """
        receipt = pay_for_request(self._session, plan_did, quantity, max_cost, request_id)
        return UsageResultDto(success=True, amount=str(receipt.paid), txHash=receipt.transaction.hash)

    def get_service_token(self, service_did: int | str) -> ServiceTokenResultDto:
        """Sign what the next request to a service has to carry, for the gateway in front of it. Sends nothing.

        The token is a voucher for one request at its highest cost. It counts for an hour. It is for the service's plan
        that takes the fewest credits. Each token is for one more request than those before, which count until they are
        settled or expired.

        Raises:
            NeedsGateway: No gateway is configured.
            NoAccess: The account has none of the service's plans. The message names those that it can order.
            SettlementsNotAccepted: The account has access by a plan that takes no vouchers.
            InsufficientCredits: The account has too few credits, or vouchers were signed for all of them.
            IdOfAnotherKind: The id is a plan's.
            NvmChainError: The account has none of the plans, and none of them can be ordered.
        """
        need_gateway(self._session, "A token for a service")
        plans = self._session.read_agent_plans(service_did, "a service")
        agent_id = parse_agent_id(service_did)
        access = find_access(self._session, format_did(agent_id), plans, by_voucher=True)
        return build_service_token(self._session, agent_id, access)

    def get_service_access_config(self, service_did: int | str) -> ServiceTokenResultDto:
        """Do as `get_service_token`, under the other name that the documents have for it."""
        return self.get_service_token(service_did)

    @renamed_parameters(agreementId="agreement_id")
    def download_file(
        self, file_did: int | str, destination: str, agreement_id: str | None = None, *, overwrite: bool = False
    ) -> DownloadFileResultDto:
        """Download the files of an asset; all of them come, or none.

        Access is checked first. Each file is fetched under a temporary name and compared with what its metadata
        declares. Then the credits are spent, in one transaction that names the asset, and the files get their names. So
        only files that came are paid for. A time plan with an open window costs nothing. Files that the configured
        gateway serves are asked for with a voucher in the Authorization header, and the gateway settles it.

        Args:
            file_did: The asset, in any spelling.
            destination: A folder, or for a single file a path.
            agreement_id: The order to use: its transaction, or the name given to `order_plan`. If not given, a plan
                with an open window is used, else the one that takes the fewest credits.
            overwrite: Whether files that are there already may be replaced.

        Raises:
            NoAccess: The account has none of the asset's plans.
            InsufficientCredits: The account has too few credits.
            TargetExists: A file is there already, and ``overwrite`` is not given.
            DownloadFailed: A file could not be fetched whole, or not be written.
            DownloadMismatch: A file is not what was declared.
            UnsafeFileName: A file's name could lead out of the folder.
            InvalidConfig: The asset has no files, or the destination is not a folder.
            NvmChainError: As `nvm_chain.redeem_credits`.
        """
        return download_asset(self._session, file_did, destination, agreement_id, overwrite=overwrite)

    def mint_credits(self, plan_did: int | str, amount: int | str, receiver: str) -> MintResultDto:
        """Give credits of a plan without payment. Plan owner or minter only. One transaction. Raises as `nvm_chain.mint_credits`."""
        number = read_amount(amount, "amount")
        with explain_id(self._session.chain, plan_did, "a plan"):
            receipt = mint_credits(self._session.chain, self._session.signer, plan_did, receiver, number)
        return MintResultDto(userOpHash=receipt.transaction.hash, success=True, amount=str(number))

    def burn_credits(self, plan_did: int | str, amount: int | str) -> BurnResultDto:
        """Destroy credits that this account has of a plan of its own. One transaction.

        Plan owner only. Other holders use `payments.plans.burn_credits`. Nobody can burn another's credits.

        Raises:
            NotPlanOwner: The plan is another's.
            UnknownPlan: The plan is not registered.
            InsufficientCredits: The account has fewer credits.
        """
        number = read_amount(amount, "amount")
        plan = self._session.read_plan_state(plan_did)
        if plan.owner != self._session.address:
            raise NotPlanOwner(plan.plan_id, self._session.address)
        receipt = burn_credits(self._session.chain, self._session.signer, plan.plan_id, number)
        return BurnResultDto(userOpHash=receipt.transaction.hash, success=True, amount=str(number))
