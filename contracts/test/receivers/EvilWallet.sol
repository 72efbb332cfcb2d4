// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

import {Actor} from "./Actor.sol";

/// @notice An ERC-1271 wallet that looks at no signature and answers as it was told, today this and tomorrow that.
/// @dev Says yes where nothing was set, also as the EIP-7702 delegate of an account.
contract EvilWallet is Actor {
    /// @notice What it answers to the question whether it has signed.
    /// YES, NO: the magic value, another value. DIRTY: the magic value with more behind it in its word. EMPTY: no data.
    /// REVERT, BOMB: reverts, with few or with 100 kB of data. BURN_GAS: uses all gas.
    /// REENTER: makes the armed call, and says yes if that succeeded.
    enum Answer {
        YES,
        NO,
        DIRTY,
        EMPTY,
        REVERT,
        BOMB,
        BURN_GAS,
        REENTER
    }

    error NotSigned();

    Answer public answer;
    address public target;
    bytes public callData;

    /// @notice Sets what it answers from now on.
    function setAnswer(Answer newAnswer) external {
        answer = newAnswer;
    }

    /// @notice Sets the call that it makes to re-enter.
    function arm(address newTarget, bytes calldata newCallData) external {
        target = newTarget;
        callData = newCallData;
    }

    /// @dev Not a view as in the ERC, so that it can try to change something; whoever asks with STATICCALL is safe from that.
    function isValidSignature(bytes32, bytes calldata) external returns (bytes4) {
        bytes4 yes = IERC1271.isValidSignature.selector;
        if (answer == Answer.NO) return 0xffffffff;
        if (answer == Answer.DIRTY) _return(bytes32(yes) | bytes32(uint256(1)), 32);
        if (answer == Answer.EMPTY) _return(0, 0);
        if (answer == Answer.REVERT) revert NotSigned();
        if (answer == Answer.BOMB) _bomb();
        if (answer == Answer.BURN_GAS) _burnGas();
        if (answer == Answer.REENTER) return _reenter() ? yes : bytes4(0xffffffff);
        return yes;
    }

    function _return(bytes32 word, uint256 size) private pure {
        assembly ("memory-safe") {
            mstore(0, word)
            return(0, size)
        }
    }

    function _bomb() private pure {
        assembly {
            revert(0, 100000)
        }
    }

    function _burnGas() private pure {
        assembly ("memory-safe") {
            invalid()
        }
    }

    function _reenter() private returns (bool done) {
        (done,) = target.call(callData);
    }
}
