"""Methods of `Payments` that order and use plans, with the parameters of the first documented generation."""

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
    """Methods of `Payments` that order plans, request services and spend credits."""

    _session: Session

    @renamed_parameters(agreement_id="agreementId")
    def order_plan(self, plan_did: int | str, agreementId: str | None = None) -> OrderPlanResultDto:  # noqa: N803  as documented
        """Order a plan for this account, at its price.

        USDC and other tokens with signed orders (EIP-3009) pay each order name only once. A second call with the same name
        orders nothing. The second call returns the first transaction, or an empty ``txHash`` if the node cannot find it. So
        repeat a call whose outcome is unknown. Warning: In three cases a second call orders again. The plan is free or has
        a price in the native coin, the token does not take signed orders, or the signer signs transactions only.

        Args:
            plan_did: The plan, in any spelling.
            agreementId: The name of the order, which you choose. Without a name the order's id is its transaction.

        Raises:
            InvalidConfig: A contract sets the plan's price, or the name is not allowed.
            WrongKind: The plan is a usage plan. Use `pay_usage`.
            OrderAlreadyMade: The authorization of this name was canceled.
            TokenCannotSign: The token takes authorizations, but its signing domain is unreadable.
            NvmChainError: The errors of `nvm_chain.order_plan`.
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
        """Pay for a request of a usage plan from this account. Sends one transaction, or two with an approval.

        Args:
            plan_did: The plan, in any spelling.
            quantity: The number of units to pay for.
            max_cost: The highest accepted cost, in base units. Required if a contract sets the price.
            request_id: The id of the request, a UUID or a text of at most 32 bytes. The seller finds it in the event.

        Raises:
            WrongKind: The plan is not a usage plan. Use `order_plan`.
            NvmChainError: The errors of `nvm_chain.pay_usage`.
        """
        receipt = pay_for_request(self._session, plan_did, quantity, max_cost, request_id)
        return UsageResultDto(success=True, amount=str(receipt.paid), txHash=receipt.transaction.hash)

    def get_service_token(self, service_did: int | str) -> ServiceTokenResultDto:
        """Sign the token of the next request to a service, for the gateway in front of the service. Sends nothing.

        The token is a voucher for one request at the highest cost, and is valid for an hour. The method chooses the service's
        plan that takes the fewest credits. Each token pays for one more request. Earlier tokens stay valid until they are
        settled or expired.

        Raises:
            NeedsGateway: No gateway is configured.
            NoAccess: The account has none of the service's plans. The message names the plans to order.
            SettlementsNotAccepted: The account has access, but its plan does not accept vouchers.
            InsufficientCredits: The account has too few credits, or earlier vouchers promise all of them.
            IdOfAnotherKind: The id belongs to a plan.
            NvmChainError: The account has none of the plans, and cannot order any of them.
        """
        need_gateway(self._session, "A token for a service")
        plans = self._session.read_agent_plans(service_did, "a service")
        agent_id = parse_agent_id(service_did)
        access = find_access(self._session, format_did(agent_id), plans, by_voucher=True)
        return build_service_token(self._session, agent_id, access)

    def get_service_access_config(self, service_did: int | str) -> ServiceTokenResultDto:
        """Call `get_service_token`. The documents have both names."""
        return self.get_service_token(service_did)

    @renamed_parameters(agreementId="agreement_id")
    def download_file(
        self, file_did: int | str, destination: str, agreement_id: str | None = None, *, overwrite: bool = False
    ) -> DownloadFileResultDto:
        """Download all files of an asset, or none.

        The method first checks access. It fetches each file under a temporary name, and compares the file with its metadata.
        Then it spends the credits in one transaction, which names the asset, and moves the files to their names. So the
        account pays only for complete files. A time plan with an open window makes the download free. Each file of the
        configured gateway is a request of its own, with a voucher in the Authorization header. The gateway charges what it
        served, even if a later file fails.

        Args:
            file_did: The asset, in any spelling.
            destination: A folder. For a single file also the path of the new file.
            agreement_id: The order to use: its transaction, or its name in `order_plan`. Default: a plan with an open
                window, else the plan that takes the fewest credits.
            overwrite: Whether the method may replace existing files.

        Raises:
            NoAccess: The account has none of the asset's plans.
            InsufficientCredits: The account has too few credits.
            TargetExists: A file exists already, and ``overwrite`` is false.
            DownloadFailed: A file could not be fetched or written.
            DownloadMismatch: A file differs from its metadata.
            UnsafeFileName: A file's name could point outside the folder.
            InvalidConfig: The asset has no files, or the destination is not a folder.
            NvmChainError: The errors of `nvm_chain.redeem_credits`.
        """
        return download_asset(self._session, file_did, destination, agreement_id, overwrite=overwrite)

    def mint_credits(self, plan_did: int | str, amount: int | str, receiver: str) -> MintResultDto:
        """Grant credits of a plan without payment. Plan owner or minter only. Sends one transaction.

        Raises the errors of `nvm_chain.mint_credits`.
        """
        number = read_amount(amount, "amount")
        with explain_id(self._session.chain, plan_did, "a plan"):
            receipt = mint_credits(self._session.chain, self._session.signer, plan_did, receiver, number)
        return MintResultDto(userOpHash=receipt.transaction.hash, success=True, amount=str(number))

    def burn_credits(self, plan_did: int | str, amount: int | str) -> BurnResultDto:
        """Destroy this account's credits of its own plan. Plan owner only. Sends one transaction.

        Other holders use `payments.plans.burn_credits`. An account can burn only its own credits.

        Raises:
            NotPlanOwner: This account does not own the plan.
            UnknownPlan: The plan is not registered.
            InsufficientCredits: The account has fewer credits.
        """
        number = read_amount(amount, "amount")
        plan = self._session.read_plan_state(plan_did)
        if plan.owner != self._session.address:
            raise NotPlanOwner(plan.plan_id, self._session.address).explain(
                "this method burns the plan owner's own credits",
                "to burn credits of this account, call `payments.plans.burn_credits(plan_id, amount)`",
            )
        receipt = burn_credits(self._session.chain, self._session.signer, plan.plan_id, number)
        return BurnResultDto(userOpHash=receipt.transaction.hash, success=True, amount=str(number))
