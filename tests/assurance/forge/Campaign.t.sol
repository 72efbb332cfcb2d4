// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Handlers} from "./handlers/Handlers.sol";
import {vm} from "./support/Vm.sol";

/// @notice Random histories over every function of both contracts; what may never happen, I1 to I10, is looked for after each few calls.
contract CampaignTest {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Handlers private handlers;

    function setUp() external {
        handlers = new Handlers();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handlers);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handlers), _selectors());
    }

    /// @dev Every handler; those that everything else lives on come more than once.
    function _selectors() private view returns (bytes4[] memory all) {
        bytes4[41] memory list = [
            handlers.order.selector,
            handlers.order.selector,
            handlers.order.selector,
            handlers.payUsage.selector,
            handlers.orderWithPermit.selector,
            handlers.orderWithAuthorization.selector,
            handlers.orderWithAuthorization.selector,
            handlers.mint.selector,
            handlers.mint.selector,
            handlers.mintBatch.selector,
            handlers.grantExternal.selector,
            handlers.redeem.selector,
            handlers.redeem.selector,
            handlers.burn.selector,
            handlers.settle.selector,
            handlers.settle.selector,
            handlers.setApprovalForAll.selector,
            handlers.safeTransferFrom.selector,
            handlers.safeBatchTransferFrom.selector,
            handlers.registerPlan.selector,
            handlers.registerPlanTwice.selector,
            handlers.setPlanUri.selector,
            handlers.setPlanActive.selector,
            handlers.setRedeemer.selector,
            handlers.setMinter.selector,
            handlers.transferPlanOwnership.selector,
            handlers.acceptPlanOwnership.selector,
            handlers.setProtocolFee.selector,
            handlers.transferOwnership.selector,
            handlers.acceptOwnership.selector,
            handlers.renounceOwnership.selector,
            handlers.wait.selector,
            handlers.wait.selector,
            handlers.forceMoney.selector,
            handlers.upsetMoney.selector,
            handlers.sendFee.selector,
            handlers.mintItem.selector,
            handlers.unknownPlan.selector,
            handlers.burnInHook.selector,
            handlers.trialInHook.selector,
            handlers.referenceInHook.selector
        ];
        bytes4[11] memory more = [
            handlers.orderWrongly.selector,
            handlers.orderUnpaid.selector,
            handlers.burnInPayment.selector,
            handlers.register.selector,
            handlers.setAgentUri.selector,
            handlers.attachPlan.selector,
            handlers.detachPlan.selector,
            handlers.replacePlans.selector,
            handlers.transferAgent.selector,
            handlers.approveAgent.selector,
            handlers.setAgentOperator.selector
        ];
        all = new bytes4[](list.length + more.length);
        for (uint256 i; i < all.length; ++i) {
            all[i] = i < list.length ? list[i] : more[i - list.length];
        }
    }

    /// @dev At the end of each history: what a newcomer can do, and the counts for the report.
    function afterInvariant() external {
        string memory file = vm.envOr("CAMPAIGN_COUNTS", string(""));
        if (bytes(file).length > 0) vm.writeLine(file, handlers.countsAsJson());
        handlers.checkNewcomer();
    }

    function invariant_I1_theContractHoldsOnlyWhatWasForcedOnIt() external {
        handlers.checkHoldings();
    }

    function invariant_I2_grantedLessUsedIsWhatHoldersHave() external {
        handlers.checkSums();
    }

    function invariant_I3_nobodyElseLowersCredits() external {
        handlers.checkBalances();
    }

    function invariant_I4_noVoucherTakesMoreThanItsCeiling() external {
        handlers.checkCeilings();
    }

    function invariant_I5_termsNeverChange() external {
        handlers.checkTerms();
    }

    function invariant_I6_everybodyIsPaidExactly() external {
        handlers.checkMoney();
    }

    function invariant_I7_trialsAndReferencesGrantOnce() external {
        handlers.checkOnlyOnce();
    }

    /// @dev Each call of a handler that must succeed is one check of I8 too.
    function invariant_I8_nobodyMakesAnothersOrderFail() external {
        handlers.checkUse();
    }

    function invariant_I9_creditsExpireAtTheirSecond() external {
        handlers.checkExpiry();
    }

    function invariant_I10_noPlanIsBricked() external {
        handlers.checkPlans();
    }

    function invariant_agentsAndTheirPlans() external {
        handlers.checkAgents();
    }

    /// @dev Whole histories in one test. forge's coverage does not count all that an invariant test calls, and counts all of this.
    function test_histories__ofFixedSeeds__keepEveryInvariant() external {
        bytes4[] memory selectors = _selectors();
        for (uint256 i; i < vm.envOr("CAMPAIGN_HISTORIES", uint256(1)); ++i) {
            if (i > 0) handlers = new Handlers();
            for (uint256 j; j < 400; ++j) {
                uint256 roll = uint256(keccak256(abi.encode(i, j)));
                bytes memory call = abi.encodeWithSelector(selectors[roll % selectors.length], uint128(roll >> 128));
                (bool done, bytes memory reason) = address(handlers).call(call);
                if (!done) _revertAs(reason);
            }
            _checkAll();
        }
    }

    function _checkAll() private {
        handlers.checkHoldings();
        handlers.checkSums();
        handlers.checkBalances();
        handlers.checkCeilings();
        handlers.checkTerms();
        handlers.checkMoney();
        handlers.checkOnlyOnce();
        handlers.checkExpiry();
        handlers.checkPlans();
        handlers.checkAgents();
        handlers.checkNewcomer();
    }

    function _revertAs(bytes memory reason) private pure {
        assembly ("memory-safe") {
            revert(add(reason, 32), mload(reason))
        }
    }
}
