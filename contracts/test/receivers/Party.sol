// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice Makes the calls that anyone tells it to make, so that a contract can take part in whatever an account can.
/// @dev For tests only. It accepts neither coin nor credits; those that inherit it decide about that.
abstract contract Party {
    struct Call {
        address target;
        uint256 value;
        bytes data;
    }

    /// @notice Makes a call, and reverts as it reverts.
    /// @param target Whom to call.
    /// @param value Native coin to send along, in wei: what came with this call, or what it owns.
    /// @param data What to call with.
    /// @return answer What the call returned.
    function call(address target, uint256 value, bytes calldata data) external payable returns (bytes memory answer) {
        return _call(target, value, data);
    }

    /// @notice Makes several calls in one transaction, and reverts as the first that reverts.
    /// @param calls The calls, in order.
    /// @return answers What each call returned.
    function callMany(Call[] calldata calls) external payable returns (bytes[] memory answers) {
        answers = new bytes[](calls.length);
        for (uint256 i; i < calls.length; ++i) {
            answers[i] = _call(calls[i].target, calls[i].value, calls[i].data);
        }
    }

    function _call(address target, uint256 value, bytes calldata data) private returns (bytes memory answer) {
        bool done;
        (done, answer) = target.call{value: value}(data);
        if (done) return answer;
        assembly ("memory-safe") {
            revert(add(answer, 32), mload(answer))
        }
    }
}
