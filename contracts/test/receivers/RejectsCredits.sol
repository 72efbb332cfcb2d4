// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Receiver} from "./Receiver.sol";

/// @notice Reverts from the hook and says why.
contract RejectsCredits is Receiver {
    error CreditsRejected();

    function _onCredits(bytes4) internal pure override returns (bytes4) {
        revert CreditsRejected();
    }
}
