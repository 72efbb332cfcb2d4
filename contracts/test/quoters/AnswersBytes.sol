// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice Answers every call with so many bytes that begin with a word, or reverts with them.
/// @dev As a quoter the word is a price, as a wallet it may be the one for yes. Too few bytes are neither, nor are those of a revert.
contract AnswersBytes {
    uint256 public immutable size;
    bytes32 public immutable word;
    bool public immutable reverting;

    /// @param answerSize How many bytes it answers.
    /// @param firstWord What they begin with; zeros follow.
    /// @param isReverting Whether it reverts with them.
    constructor(uint256 answerSize, bytes32 firstWord, bool isReverting) {
        size = answerSize;
        word = firstWord;
        reverting = isReverting;
    }

    fallback() external {
        (uint256 length, bytes32 first, bool fails) = (size, word, reverting);
        assembly {
            mstore(0, first)
            if fails { revert(0, length) }
            return(0, length)
        }
    }
}
