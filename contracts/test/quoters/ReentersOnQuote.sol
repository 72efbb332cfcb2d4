// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice Makes the call it was armed with when asked for a price. Its price is what that call answers, 4242 if it reverts.
/// @dev Not a view as {IQuoter} has it, so that it can try to change something; whoever asks with STATICCALL is safe from that.
contract ReentersOnQuote {
    uint256 public constant REFUSED = 4242;

    address public target;
    bytes public callData;

    /// @notice Sets the call that it makes.
    function arm(address newTarget, bytes calldata newCallData) external {
        target = newTarget;
        callData = newCallData;
    }

    /// @notice Returns the first word of the call's answer, or 1 if there is none.
    function quote(uint256, address, uint256) external returns (uint256) {
        (bool done, bytes memory answer) = target.call(callData);
        if (!done) return REFUSED;
        return answer.length < 32 ? 1 : uint256(bytes32(answer));
    }
}
