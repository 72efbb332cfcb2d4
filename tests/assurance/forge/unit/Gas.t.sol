// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ICredits, Settlement} from "../../../../contracts/credits/ICredits.sol";
import {Actor} from "../../../../contracts/test/receivers/Actor.sol";
import {vm} from "../support/Vm.sol";
import {Fixture} from "./Fixture.sol";

/// @notice Too little gas for the next item of a batch fails the call, and never drops the item (I8).
contract GasTest is Fixture {
    function _expectNotEnough(bytes memory data) private {
        vm.prank(BUILDER);
        (bool done, bytes memory reason) = address(credits).call{gas: 190_000}(data);
        _check(!done && _selector(reason) == ICredits.NotEnoughGas.selector, "a batch with too little gas");
        vm.prank(BUILDER);
        (done,) = address(credits).call{gas: 400_000}(data);
        _check(done, "a batch with enough gas");
    }

    function test_mintBatch__withTooLittleGas__reverts() external {
        (address[] memory to, uint256[] memory amounts) = (new address[](1), new uint256[](1));
        (to[0], amounts[0]) = (HOLDER, 3);
        uint256 planId = _register(_terms());
        _expectNotEnough(abi.encodeCall(ICredits.mintBatch, (planId, to, amounts)));
        _same(credits.balanceOf(HOLDER, planId), 3, "balance");
    }

    function test_settle__withTooLittleGasForAWallet__reverts() external {
        Settlement[] memory items = new Settlement[](1);
        items[0] = Settlement(address(new Actor()), 1, 1, 0, uint64(block.timestamp), "");
        uint256 planId = _register(_terms());
        _expectNotEnough(abi.encodeCall(ICredits.settle, (planId, items)));
    }
}
