// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice Answers every call with so many bytes, of which the first word is 1000.
/// @dev Not 32 bytes is no price: too few are not filled up, and of too many the first word is not taken for one that was meant.
contract AnswersBytes {
    uint256 public immutable size;

    /// @param answerSize How many bytes it answers.
    constructor(uint256 answerSize) {
        size = answerSize;
    }

    fallback() external {
        uint256 length = size;
        assembly {
            mstore(0, 1000)
            return(0, length)
        }
    }
}
