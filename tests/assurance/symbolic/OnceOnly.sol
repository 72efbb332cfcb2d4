// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICredits, Terms} from "../../../contracts/credits/ICredits.sol";
import {Setting} from "./Setting.sol";

/// @notice What is granted once.
contract TrialProofs is Setting {
    function _terms() internal view override returns (Terms memory terms) {
        terms = super._terms();
        terms.trial = true;
        delete terms.splits;
        terms.token = address(0);
    }

    /// @notice After a trial was ordered, no second one is: not by the holder, not by another, not by a minter.
    /// @dev I7
    function check_trial__ordered__onceOnly(address other, uint256 amount) public {
        vm.prank(HOLDER);
        credits.order(planId, HOLDER, 1, 0);
        _refuseAnother(other, amount);
    }

    /// @notice Nobody orders a trial for another, who would lose the one trial by it.
    /// @dev I7
    function check_trial__orderedForAnother__refused(address payer, address receiver, uint256 quantity, uint256 maxCost)
        public
    {
        vm.assume(payer != receiver);
        vm.prank(payer);
        bytes memory data = abi.encodeCall(ICredits.order, (planId, receiver, quantity, maxCost));
        (bool done,) = address(credits).call(data);
        assert(!done);
        assert(!credits.accountOf(planId, receiver).trialTaken);
    }

    /// @notice After a trial was minted, no second one is: not by order, not by a minter.
    /// @dev I7
    function check_trial__minted__onceOnly(uint256 first, address other, uint256 amount) public {
        vm.prank(MINTER);
        credits.mint(planId, HOLDER, first);
        _refuseAnother(other, amount);
    }

    function _refuseAnother(address other, uint256 amount) private {
        vm.prank(other);
        (bool done,) = address(credits).call(abi.encodeCall(ICredits.order, (planId, HOLDER, 1, 0)));
        assert(!done);
        vm.prank(MINTER);
        (done,) = address(credits).call(abi.encodeCall(ICredits.mint, (planId, HOLDER, amount)));
        assert(!done);
        vm.prank(BUILDER);
        (done,) = address(credits).call(abi.encodeCall(ICredits.grantExternal, (planId, HOLDER, 1, "reference")));
        assert(!done);
    }

    /// @notice A trial is granted in quantity one only.
    /// @dev I7
    function check_trial__anyQuantity__oneOnly(uint256 quantity) public {
        vm.prank(HOLDER);
        credits.order(planId, HOLDER, quantity, 0);
        assert(quantity == 1);
        assert(credits.balanceOf(HOLDER, planId) == 10);
    }
}

/// @notice What a payment reference grants.
contract ReferenceProofs is Setting {
    function _terms() internal view override returns (Terms memory terms) {
        terms = super._terms();
        delete terms.splits;
        terms.token = address(0);
        terms.paidExternally = true;
    }

    /// @notice A payment reference grants once, whoever of owner and minters brings it again, and for whomever.
    /// @dev I7
    function check_grantExternal__twice__onceOnly(bytes32 paymentReference, uint256 quantity, address to, uint256 more)
        public
    {
        vm.prank(MINTER);
        credits.grantExternal(planId, HOLDER, quantity, paymentReference);
        vm.prank(BUILDER);
        (bool done,) =
            address(credits).call(abi.encodeCall(ICredits.grantExternal, (planId, to, more, paymentReference)));
        assert(!done);
        vm.prank(MINTER);
        (done,) = address(credits).call(abi.encodeCall(ICredits.grantExternal, (planId, to, more, paymentReference)));
        assert(!done);
        assert(credits.balanceOf(HOLDER, planId) == 10 * quantity);
    }

    /// @notice A plan that is paid externally cannot be ordered, whatever is offered.
    /// @dev I7
    function check_order__paidExternally__refused(address payer, uint256 quantity, uint256 maxCost) public {
        vm.prank(payer);
        (bool done,) = address(credits).call(abi.encodeCall(ICredits.order, (planId, payer, quantity, maxCost)));
        assert(!done);
    }
}
