// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";

import {RedemptionRule, Terms} from "../../../contracts/credits/ICredits.sol";
import {Setting} from "./Setting.sol";

/// @notice Credits that last: every state a holder can be in, one step on.
contract ConservationProofs is Setting {
    function _terms() internal view override returns (Terms memory terms) {
        terms = super._terms();
        terms.transferable = true;
    }

    /// @notice A grant adds exactly its amount, or reverts where the balance would pass 2^54 - 1; from any state, also where the
    /// 54-bit count of what was granted begins again.
    /// @dev I2, C30, C31
    function check_mint__anyState__addsExactly(uint256 amount) public {
        uint256 balance = _hold(HOLDER);
        vm.prank(MINTER);
        credits.mint(planId, HOLDER, amount);
        assert(balance + amount <= MOST);
        assert(credits.balanceOf(HOLDER, planId) == balance + amount);
    }

    /// @notice A grant that fits never reverts: no state locks a holder out.
    /// @dev I10
    function check_mint__thatFits__succeeds(uint64 amount) public {
        uint256 balance = _hold(HOLDER);
        vm.assume(amount > 0 && balance + amount <= MOST);
        vm.prank(MINTER);
        (bool done,) = address(credits).call(abi.encodeCall(credits.mint, (planId, HOLDER, amount)));
        assert(done);
    }

    /// @notice A burn takes exactly its amount, or reverts where it is more than the balance; from any state.
    /// @dev I2, I3
    function check_burn__anyState__takesExactly(uint256 amount) public {
        uint256 balance = _hold(HOLDER);
        vm.prank(HOLDER);
        credits.burn(planId, HOLDER, amount);
        assert(amount <= balance);
        assert(credits.balanceOf(HOLDER, planId) == balance - amount);
    }

    /// @notice A burn of what is there never reverts.
    /// @dev I10
    function check_burn__whatIsThere__succeeds(uint64 amount) public {
        uint256 balance = _hold(HOLDER);
        vm.assume(amount > 0 && amount <= balance);
        vm.prank(HOLDER);
        (bool done,) = address(credits).call(abi.encodeCall(credits.burn, (planId, HOLDER, amount)));
        assert(done);
    }

    /// @notice A redemption takes exactly its amount, within the plan's range.
    /// @dev I2, I3
    function check_redeem__anyState__takesExactly(uint256 amount) public {
        uint256 balance = _hold(HOLDER);
        vm.prank(HOLDER);
        credits.redeem(planId, HOLDER, amount, "");
        assert(amount > 0 && amount <= type(uint32).max && amount <= balance);
        assert(credits.balanceOf(HOLDER, planId) == balance - amount);
    }

    /// @notice A transfer moves exactly its amount from one holder to the other, and changes nothing where both are one.
    /// @dev I2
    function check_safeTransferFrom__anyState__conserves(address to, uint256 amount) public {
        vm.assume(to.code.length == 0);
        uint256 balance = _hold(HOLDER);
        vm.prank(HOLDER);
        credits.safeTransferFrom(HOLDER, to, planId, amount, "");
        assert(amount <= balance);
        assert(credits.balanceOf(HOLDER, planId) == (to == HOLDER ? balance : balance - amount));
        assert(credits.balanceOf(to, planId) == (to == HOLDER ? balance : amount));
    }

    /// @notice An approved operator can burn and transfer, and cannot redeem where the rule names the holder alone.
    /// @dev I3, C15
    function check_redeem__operator__refused(address operator, uint256 amount) public {
        vm.assume(operator != HOLDER);
        _hold(HOLDER);
        vm.prank(HOLDER);
        credits.setApprovalForAll(operator, true);
        vm.prank(operator);
        (bool done,) = address(credits).call(abi.encodeCall(credits.redeem, (planId, HOLDER, amount, "")));
        assert(!done);
    }
}

/// @notice Who may redeem, by the plan's rule.
abstract contract RuleProofs is Setting {
    function _rule() internal pure virtual returns (RedemptionRule);

    function _terms() internal view override returns (Terms memory terms) {
        terms = super._terms();
        terms.rule = _rule();
    }

    function _expected(address caller) internal pure virtual returns (bool);

    /// @notice Exactly those whom the plan's rule names can redeem, and nobody else.
    /// @dev I3
    function check_redeem__anyCaller__asTheRuleSays(address caller, uint256 amount) public {
        uint256 balance = _hold(HOLDER);
        vm.assume(amount > 0 && amount <= type(uint32).max && amount <= balance);
        vm.prank(caller);
        (bool done,) = address(credits).call(abi.encodeCall(credits.redeem, (planId, HOLDER, amount, "")));
        assert(done == _expected(caller));
        assert(credits.balanceOf(HOLDER, planId) == (done ? balance - amount : balance));
    }
}

contract RuleHolderProofs is RuleProofs {
    function _rule() internal pure override returns (RedemptionRule) {
        return RedemptionRule.HOLDER;
    }

    function _expected(address caller) internal pure override returns (bool) {
        return caller == HOLDER;
    }
}

contract RuleRedeemerProofs is RuleProofs {
    function _rule() internal pure override returns (RedemptionRule) {
        return RedemptionRule.REDEEMER;
    }

    function _expected(address caller) internal pure override returns (bool) {
        return caller == HOLDER || caller == REDEEMER;
    }
}

contract RuleOwnerProofs is RuleProofs {
    function _rule() internal pure override returns (RedemptionRule) {
        return RedemptionRule.OWNER;
    }

    function _expected(address caller) internal pure override returns (bool) {
        return caller == BUILDER || caller == REDEEMER;
    }
}
