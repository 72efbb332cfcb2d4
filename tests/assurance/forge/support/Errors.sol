// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC1155Errors, IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import {IAgentRegistry} from "../../../../contracts/agents/IAgentRegistry.sol";
import {ICredits} from "../../../../contracts/credits/ICredits.sol";
import {vm} from "./Vm.sol";

/// @notice The names of errors by their selectors, so that a failure can be read.
abstract contract Errors {
    mapping(bytes4 selector => string) private names;

    constructor() {
        names[ICredits.PlanAlreadyRegistered.selector] = "PlanAlreadyRegistered";
        names[ICredits.ZeroCredits.selector] = "ZeroCredits";
        names[ICredits.ZeroDuration.selector] = "ZeroDuration";
        names[ICredits.TermNotAllowed.selector] = "TermNotAllowed";
        names[ICredits.InvalidRedeemRange.selector] = "InvalidRedeemRange";
        names[ICredits.TooManySplits.selector] = "TooManySplits";
        names[ICredits.InvalidSplit.selector] = "InvalidSplit";
        names[ICredits.TokenWithoutCode.selector] = "TokenWithoutCode";
        names[ICredits.QuoterWithoutCode.selector] = "QuoterWithoutCode";
        names[ICredits.QuoteWithoutReceivers.selector] = "QuoteWithoutReceivers";
        names[ICredits.FeeAboveMax.selector] = "FeeAboveMax";
        names[ICredits.UnknownPlan.selector] = "UnknownPlan";
        names[ICredits.PlanNotActive.selector] = "PlanNotActive";
        names[ICredits.WrongKind.selector] = "WrongKind";
        names[ICredits.PaidExternally.selector] = "PaidExternally";
        names[ICredits.NotPlanOwner.selector] = "NotPlanOwner";
        names[ICredits.NotPendingPlanOwner.selector] = "NotPendingPlanOwner";
        names[ICredits.InvalidQuantity.selector] = "InvalidQuantity";
        names[ICredits.CostAboveMax.selector] = "CostAboveMax";
        names[ICredits.QuoteFailed.selector] = "QuoteFailed";
        names[ICredits.AuthorizationFailed.selector] = "AuthorizationFailed";
        names[ICredits.WrongValue.selector] = "WrongValue";
        names[ICredits.PaymentFailed.selector] = "PaymentFailed";
        names[ICredits.TrialAlreadyTaken.selector] = "TrialAlreadyTaken";
        names[ICredits.TrialOrderedForOther.selector] = "TrialOrderedForOther";
        names[ICredits.NotMinter.selector] = "NotMinter";
        names[ICredits.ZeroAmount.selector] = "ZeroAmount";
        names[ICredits.ReferenceUsed.selector] = "ReferenceUsed";
        names[ICredits.CreditsOverflow.selector] = "CreditsOverflow";
        names[ICredits.InsufficientCredits.selector] = "InsufficientCredits";
        names[ICredits.RedeemNotAllowed.selector] = "RedeemNotAllowed";
        names[ICredits.RedeemOutOfRange.selector] = "RedeemOutOfRange";
        names[ICredits.NotRedeemable.selector] = "NotRedeemable";
        names[ICredits.NotRedeemer.selector] = "NotRedeemer";
        names[ICredits.SettlementsNotAccepted.selector] = "SettlementsNotAccepted";
        names[ICredits.NotTransferable.selector] = "NotTransferable";
        names[ICredits.NotEnoughGas.selector] = "NotEnoughGas";
        names[ICredits.NotSelf.selector] = "NotSelf";
        names[ICredits.FeeAboveCap.selector] = "FeeAboveCap";
        names[ICredits.InvalidFeeReceiver.selector] = "InvalidFeeReceiver";
        names[IAgentRegistry.CreditsWithoutCode.selector] = "CreditsWithoutCode";
        names[IAgentRegistry.NotAgentOwner.selector] = "NotAgentOwner";
        names[IAgentRegistry.DetachNotAllowed.selector] = "DetachNotAllowed";
        names[IAgentRegistry.PlanAlreadyAttached.selector] = "PlanAlreadyAttached";
        names[IAgentRegistry.PlanNotAttached.selector] = "PlanNotAttached";
        names[IAgentRegistry.InvalidCreditsRange.selector] = "InvalidCreditsRange";
        names[IAgentRegistry.TooManyPlans.selector] = "TooManyPlans";
        names[IERC1155Errors.ERC1155InvalidReceiver.selector] = "ERC1155InvalidReceiver";
        names[IERC1155Errors.ERC1155InvalidOperator.selector] = "ERC1155InvalidOperator";
        names[IERC1155Errors.ERC1155InvalidArrayLength.selector] = "ERC1155InvalidArrayLength";
        names[IERC1155Errors.ERC1155MissingApprovalForAll.selector] = "ERC1155MissingApprovalForAll";
        names[IERC721Errors.ERC721InsufficientApproval.selector] = "ERC721InsufficientApproval";
        names[Ownable.OwnableUnauthorizedAccount.selector] = "OwnableUnauthorizedAccount";
        names[0x4e487b71] = "Panic";
        names[0] = "nothing";
    }

    function _nameOf(bytes4 selector) internal view returns (string memory) {
        bytes memory name = bytes(names[selector]);
        return name.length > 0 ? string(name) : vm.toString(bytes32(selector));
    }
}
