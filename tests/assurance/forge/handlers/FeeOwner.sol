// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";

import {ICredits} from "../../../../contracts/credits/ICredits.sol";

import {PlanOwners} from "./PlanOwners.sol";
import {vm} from "../support/Vm.sol";

/// @notice The protocol fee and the two steps of its owner.
abstract contract FeeOwner is PlanOwners {
    function setProtocolFee(uint128 seed) external onTime {
        bool wrong = _isWrong(seed);
        address caller = wrong && seed % 2 == 0 ? _caller(_mix(seed, "anyone")) : feeOwner;
        uint256 fee = _mix(seed, "cap") % 4 == 0 ? 1000 : _mix(seed, "fee") % 1000;
        if (wrong && seed % 4 == 1) fee = 1001;
        address receiver = parties[_mix(seed, "receiver") % parties.length];
        if (receiver == address(credits)) receiver = payees[0];
        if (wrong && seed % 4 == 3) receiver = seed % 8 == 3 ? address(credits) : address(0);

        if (!wrong && _mix(seed, "nobody") % 6 == 0) (fee, receiver) = (0, address(0));

        bytes4 why;
        if (caller != feeOwner) why = Ownable.OwnableUnauthorizedAccount.selector;
        else if (fee > 1000) why = ICredits.FeeAboveCap.selector;
        else if (receiver == address(credits)) why = ICredits.InvalidFeeReceiver.selector;
        else if (receiver == address(0) && fee > 0) why = ICredits.InvalidFeeReceiver.selector;
        bytes memory data = abi.encodeCall(ICredits.setProtocolFee, (uint16(fee), receiver));
        if (_try("setProtocolFee", caller, data, why)) (feeBps, feeReceiver) = (fee, receiver);
        (uint16 bps, address to) = credits.protocolFee();
        _check(bps == feeBps && to == feeReceiver, "protocolFee: not what the owner set");
    }

    function transferOwnership(uint128 seed) external onTime {
        address caller = _isWrong(seed) ? _caller(_mix(seed, "anyone")) : feeOwner;
        address to = _caller(_mix(seed, "to"));
        bytes4 why = caller == feeOwner ? bytes4(0) : Ownable.OwnableUnauthorizedAccount.selector;
        if (_try("transferOwnership", caller, abi.encodeCall(Ownable.transferOwnership, (to)), why)) {
            pendingFeeOwner = to;
        }
        _checkFeeOwner();
    }

    function acceptOwnership(uint128 seed) external onTime {
        bool offered = pendingFeeOwner != address(0) && !_isWrong(seed);
        if (!offered && !_isWrong(seed)) {
            vm.prank(feeOwner);
            credits.transferOwnership(pendingFeeOwner = _caller(_mix(seed, "to")));
        }
        address caller = _isWrong(seed) ? _caller(_mix(seed, "anyone")) : pendingFeeOwner;
        bytes4 why = caller == pendingFeeOwner ? bytes4(0) : Ownable.OwnableUnauthorizedAccount.selector;
        if (_try("acceptOwnership", caller, abi.encodeCall(Ownable2Step.acceptOwnership, ()), why)) {
            (feeOwner, pendingFeeOwner) = (caller, address(0));
        }
        _checkFeeOwner();
    }

    /// @dev In a world that is thrown away: without an owner nothing more would come of the other calls here.
    function renounceOwnership(uint128 seed) external onTime {
        address caller = _isWrong(seed) ? _caller(_mix(seed, "anyone")) : feeOwner;
        bytes4 why = caller == feeOwner ? bytes4(0) : Ownable.OwnableUnauthorizedAccount.selector;
        uint256 before = vm.snapshotState();
        bytes memory data = abi.encodeCall(Ownable.renounceOwnership, ());
        Attempt memory what = Attempt("renounceOwnership", caller, address(credits), 0, data, why);
        (bool done,) = _attempt(what);
        if (done) {
            _same(credits.owner(), address(0), "renounceOwnership: owner");
            (, address receiver) = credits.protocolFee();
            _same(receiver, feeReceiver, "renounceOwnership: fee receiver");
            for (uint256 i; i < 3; ++i) {
                _checkBalances("renounceOwnership", _anyPlan(seed + i));
            }
        }
        vm.revertToState(before);
        // The counters were thrown away too.
        _countCall(what, done);
        _checkFeeOwner();
    }

    function _checkFeeOwner() private view {
        _same(credits.owner(), feeOwner, "owner of the protocol fee");
        _same(credits.pendingOwner(), pendingFeeOwner, "pending owner of the protocol fee");
    }
}
