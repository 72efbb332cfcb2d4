// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";

import {ICredits, Terms} from "../../../contracts/credits/ICredits.sol";
import {Setting} from "./Setting.sol";

/// @notice What one holder can do to what another does next, where credits may be transferred, so that each can reach the other.
/// @dev Of the functions that are not refused to everybody, see {Strangers}, those by which a balance or an approval changes.
contract OtherHolderProofs is Setting {
    address private other;

    function _terms() internal view override returns (Terms memory terms) {
        terms = super._terms();
        terms.transferable = true;
    }

    /// @dev Somebody with any credits and enough money.
    function _enter() private {
        other = svm.createAddress("other");
        vm.assume(other != HOLDER && other != BUILDER && other != address(0) && other != address(0x5e11));
        vm.assume(other != REDEEMER && other != MINTER && other.code.length == 0);
        _hold(other);
        token.mint(other, type(uint128).max);
        vm.prank(other);
        token.approve(address(credits), type(uint256).max);
    }

    function _call(address caller, bytes memory data) private returns (bool done) {
        vm.prank(caller);
        (done,) = address(credits).call(data);
    }

    /// @dev One call, with success.
    function _otherCalls(uint8 which, address from, address to, uint256 amount) private {
        vm.assume(to.code.length == 0);
        bytes memory data;
        if (which == 0) data = abi.encodeCall(ICredits.order, (planId, to, amount, type(uint256).max));
        else if (which == 1) data = abi.encodeCall(ICredits.redeem, (planId, from, amount, ""));
        else if (which == 2) data = abi.encodeCall(ICredits.burn, (planId, from, amount));
        else if (which == 3) data = abi.encodeCall(IERC1155.safeTransferFrom, (from, to, planId, amount, ""));
        else data = abi.encodeCall(IERC1155.setApprovalForAll, (to, true));
        require(_call(other, data));
    }

    /// @notice Whatever another holder has ordered, redeemed, burned, transferred or approved, a holder redeems what is there.
    /// @dev I8, I10
    function check_redeem__afterACallOfAnother__succeeds(
        uint8 which,
        address from,
        address to,
        uint256 amount,
        uint32 redeemed
    ) public {
        uint256 balance = _hold(HOLDER);
        vm.assume(redeemed > 0 && redeemed <= balance);
        _enter();
        _otherCalls(which, from, to, amount);
        assert(_call(HOLDER, abi.encodeCall(ICredits.redeem, (planId, HOLDER, redeemed, ""))));
    }

    /// @notice Whatever another holder has ordered, redeemed, burned, transferred or approved, a holder's order that is paid for
    /// succeeds, as long as its credits fit.
    /// @dev I8, I10
    function check_order__afterACallOfAnother__succeeds(
        uint8 which,
        address from,
        address to,
        uint256 amount,
        uint32 quantity
    ) public {
        _hold(HOLDER);
        _enter();
        _otherCalls(which, from, to, amount);
        uint256 price = 5 * uint256(quantity);
        vm.assume(quantity > 0 && credits.balanceOf(HOLDER, planId) + 2 * price <= MOST);
        token.mint(HOLDER, price);
        vm.prank(HOLDER);
        token.approve(address(credits), price);
        assert(_call(HOLDER, abi.encodeCall(ICredits.order, (planId, HOLDER, quantity, price))));
    }
}
