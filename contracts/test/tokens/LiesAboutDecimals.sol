// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {WeirdToken} from "./WeirdToken.sol";

/// @notice Answers the question for its decimals with whatever number it was given, even one that is not a uint8, or reverts.
contract LiesAboutDecimals is WeirdToken {
    error NoDecimals();

    uint256 public answer;
    bool public reverting;

    /// @param firstAnswer Decimals to answer with.
    constructor(uint256 firstAnswer) {
        answer = firstAnswer;
    }

    /// @notice Sets what it answers.
    function setAnswer(uint256 newAnswer) external {
        answer = newAnswer;
    }

    /// @notice Chooses whether it reverts instead.
    function setReverting(bool isReverting) external {
        reverting = isReverting;
    }

    function decimals() external view override returns (uint8) {
        if (reverting) revert NoDecimals();
        uint256 word = answer;
        assembly ("memory-safe") {
            mstore(0, word)
            return(0, 32)
        }
    }
}
