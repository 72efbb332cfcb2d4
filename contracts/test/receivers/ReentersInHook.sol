// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Callback} from "../Callback.sol";
import {Party} from "./Party.sol";
import {Receiver} from "./Receiver.sol";

/// @notice Makes the call it was armed with in the hook, and then accepts the credits or, if so set, refuses them.
/// @dev Armed with a burn or a redemption and set to refuse, it has spent what it got by the time it says that it does not want it.
/// For more than one call take itself as target, and {callMany}.
contract ReentersInHook is Party, Callback, Receiver {
    bool public refusing;

    receive() external payable {}

    /// @notice Chooses whether it answers with a wrong value after the call.
    function setRefusing(bool isRefusing) external {
        refusing = isRefusing;
    }

    function _onCredits(bytes4 right) internal override returns (bytes4) {
        _callBack();
        return refusing ? bytes4(0xdeadbeef) : right;
    }
}
