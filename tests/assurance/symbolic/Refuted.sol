// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Setting} from "./Setting.sol";

/// @notice Claims that are wrong. Each must be refuted with a counterexample, or what runs the proofs cannot fail.
contract RefutedClaims is Setting {
    /// @notice Wrong: a holder cannot burn.
    function check_burn__holder__keepsCredits(uint256 amount) public {
        uint256 balance = _hold(HOLDER);
        vm.prank(HOLDER);
        credits.burn(planId, HOLDER, amount);
        assert(credits.balanceOf(HOLDER, planId) == balance);
    }

    /// @notice Wrong: a minter cannot mint.
    function check_mint__minter__refused(uint256 amount) public {
        vm.prank(MINTER);
        (bool done,) = address(credits).call(abi.encodeCall(credits.mint, (planId, HOLDER, amount)));
        assert(!done);
    }

    /// @notice Wrong: proves nothing, as it is never reached.
    function check_mint__nobody__provesNothing(uint256 amount) public {
        vm.prank(HOLDER);
        credits.mint(planId, HOLDER, amount);
        assert(true);
    }
}
