// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICredits, Terms} from "../../contracts/interfaces/ICredits.sol";
import {Setting} from "./Setting.sol";

/// @notice What is granted once.
contract TrialProofs is Setting {
    function _terms() internal view override returns (Terms memory terms) {
        terms = super._terms();
        terms.trial = true;
        delete terms.splits;
        terms.token = address(0);
    }

    /// @notice After a trial was ordered, no second one is: not by the same payer, not by another, not by a minter.
    /// @dev I7
    function check_trial__ordered__onceOnly(address payer, address other, uint256 amount) public {
        vm.assume(HOLDER.code.length == 0);
        vm.prank(payer);
        credits.order(planId, HOLDER, 1, 0);
        _refuseAnother(other, amount);
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
        (done,) = address(credits).call(abi.encodeCall(ICredits.grantSettled, (planId, HOLDER, 1, "reference")));
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
        terms.settledOutside = true;
    }

    /// @notice A payment reference grants once, whoever of owner and minters brings it again, and for whomever.
    /// @dev I7
    function check_grantSettled__twice__onceOnly(bytes32 paymentReference, uint256 quantity, address to, uint256 more)
        public
    {
        vm.prank(MINTER);
        credits.grantSettled(planId, HOLDER, quantity, paymentReference);
        vm.prank(BUILDER);
        (bool done,) =
            address(credits).call(abi.encodeCall(ICredits.grantSettled, (planId, to, more, paymentReference)));
        assert(!done);
        vm.prank(MINTER);
        (done,) = address(credits).call(abi.encodeCall(ICredits.grantSettled, (planId, to, more, paymentReference)));
        assert(!done);
        assert(credits.balanceOf(HOLDER, planId) == 10 * quantity);
    }

    /// @notice A plan that is settled outside cannot be ordered, whatever is offered.
    /// @dev I7
    function check_order__settledOutside__refused(address payer, uint256 quantity, uint256 maxCost) public {
        vm.prank(payer);
        (bool done,) = address(credits).call(abi.encodeCall(ICredits.order, (planId, payer, quantity, maxCost)));
        assert(!done);
    }
}
