// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice Makes one call it was armed with when something happens to it, and remembers how that call ended.
/// @dev Stays armed. While the call runs it does not call again. A caller that reverts takes the memory with it, so look at traces then.
abstract contract Callback {
    address public target;
    bool public success;
    uint64 public count;
    bool private _busy;
    uint256 public value;
    bytes public callData;
    bytes public returnData;

    /// @notice Sets the call to make, which the zero address as target ends.
    /// @param newTarget Whom to call.
    /// @param newValue Native coin to send along, in wei, out of this contract's own.
    /// @param newCallData What to call with.
    function arm(address newTarget, uint256 newValue, bytes calldata newCallData) external {
        target = newTarget;
        value = newValue;
        callData = newCallData;
        success = false;
        count = 0;
        // Recording the outcome over a filled slot is cheap, and there may be little gas when it happens.
        returnData = abi.encode(~uint256(0), ~uint256(0), ~uint256(0), ~uint256(0), ~uint256(0));
    }

    function _callBack() internal {
        if (target == address(0) || _busy) return;
        _busy = true;
        (bool done, bytes memory answer) = target.call{value: value}(callData);
        _busy = false;
        success = done;
        returnData = answer;
        ++count;
    }
}
