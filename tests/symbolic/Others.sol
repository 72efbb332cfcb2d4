// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICredits, Terms} from "../../contracts/interfaces/ICredits.sol";
import {Setting} from "./Setting.sol";

/// @notice What one holder can do to what another does next: credits may be transferred, so that both can reach each other.
contract OtherHolderProofs is Setting {
    address private other;

    function _terms() internal view override returns (Terms memory terms) {
        terms = super._terms();
        terms.transferable = true;
    }

    /// @dev Another holder, who has no part in the plan and is in any state, calls anything with success. Registering and orders by
    /// signature touch the same state as an order, which is called with all its arguments.
    function _otherCalls() private {
        other = svm.createAddress("other");
        vm.assume(other != HOLDER && other != BUILDER && other != FEE_OWNER && other != address(0));
        vm.assume(other != REDEEMER && other != MINTER && other != address(credits) && other != address(0x5e11));
        _hold(other);
        bytes memory data = svm.createCalldata("Credits");
        bytes4 selector = bytes4(data);
        vm.assume(selector != ICredits.order.selector && selector != ICredits.orderWithPermit.selector);
        vm.assume(selector != ICredits.orderWithAuthorization.selector && selector != ICredits.registerPlan.selector);
        _callAsOther(data);
    }

    function _callAsOther(bytes memory data) private {
        vm.prank(other);
        (bool done,) = address(credits).call(data);
        require(done);
    }

    /// @notice Whatever another holder has called, a holder redeems what is there.
    /// @dev I8, I10
    /// @custom:halmos --default-array-lengths 1 --default-bytes-lengths 0
    function check_redeem__afterAnyCallOfAnother__succeeds(uint32 amount) public {
        uint256 balance = _hold(HOLDER);
        vm.assume(amount > 0 && amount <= balance);
        _otherCalls();
        vm.prank(HOLDER);
        (bool done,) = address(credits).call(abi.encodeCall(ICredits.redeem, (planId, HOLDER, amount, "")));
        assert(done);
    }

    /// @notice Whatever another holder has called, a holder's order that is paid for and fits succeeds.
    /// @dev I8, I10
    /// @custom:halmos --default-array-lengths 1 --default-bytes-lengths 0
    function check_order__afterAnyCallOfAnother__succeeds(uint32 quantity) public {
        _hold(HOLDER);
        _otherCalls();
        _order(quantity);
    }

    /// @notice Whatever another holder has ordered, for whomever, a holder redeems what is there and can order what fits.
    /// @dev I8, I10
    function check_redeemAndOrder__afterAnOrderOfAnother__succeed(
        address receiver,
        uint256 ordered,
        uint32 amount,
        uint32 quantity
    ) public {
        uint256 balance = _hold(HOLDER);
        vm.assume(amount > 0 && amount <= balance && receiver.code.length == 0);
        other = svm.createAddress("other");
        vm.assume(other != HOLDER && other != address(0) && other != address(credits) && other != address(0x5e11));
        token.mint(other, type(uint128).max);
        vm.prank(other);
        token.approve(address(credits), type(uint256).max);
        _callAsOther(abi.encodeCall(ICredits.order, (planId, receiver, ordered, type(uint256).max)));
        vm.prank(HOLDER);
        (bool done,) = address(credits).call(abi.encodeCall(ICredits.redeem, (planId, HOLDER, amount, "")));
        assert(done);
        _order(quantity);
    }

    function _order(uint256 quantity) private {
        vm.assume(quantity > 0 && credits.balanceOf(HOLDER, planId) + 10 * quantity <= type(uint64).max);
        token.mint(HOLDER, 5 * quantity);
        vm.prank(HOLDER);
        token.approve(address(credits), 5 * quantity);
        vm.prank(HOLDER);
        (bool done,) = address(credits).call(abi.encodeCall(ICredits.order, (planId, HOLDER, quantity, 5 * quantity)));
        assert(done);
    }
}
