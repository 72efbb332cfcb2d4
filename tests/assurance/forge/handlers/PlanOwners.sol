// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ICredits, PlanState} from "../../../../contracts/credits/ICredits.sol";

import {Transfers} from "./Transfers.sol";
import {vm} from "../support/Vm.sol";

/// @notice What a plan's owner may change, tried by owners and by others.
abstract contract PlanOwners is Transfers {
    function setPlanUri(uint128 seed) external onTime {
        (PlanNote storage plan, address caller, bytes4 why) = _findOwned(seed);
        string memory uri = vm.toString(seed);
        if (_try("setPlanUri", caller, abi.encodeCall(ICredits.setPlanUri, (plan.id, uri)), why)) plan.uri = uri;
        _same(keccak256(bytes(credits.uri(plan.id))), keccak256(bytes(plan.uri)), "uri");
    }

    function setPlanActive(uint128 seed) external onTime {
        (PlanNote storage plan, address caller, bytes4 why) = _findOwned(seed);
        bool active = _mix(seed, "active") % 4 != 0;
        bytes memory data = abi.encodeCall(ICredits.setPlanActive, (plan.id, active));
        if (_try("setPlanActive", caller, data, why)) plan.active = active;
        _checkState(plan, "setPlanActive");
    }

    function setRedeemer(uint128 seed) external onTime {
        (PlanNote storage plan, address caller, bytes4 why) = _findOwned(seed);
        (address redeemer, bool allowed) = (_caller(_mix(seed, "redeemer")), _mix(seed, "allowed") % 2 == 0);
        bytes memory data = abi.encodeCall(ICredits.setRedeemer, (plan.id, redeemer, allowed));
        if (_try("setRedeemer", caller, data, why)) plan.redeemers[plan.owner][redeemer] = allowed;
        _check(credits.isRedeemer(plan.id, redeemer) == plan.redeemers[plan.owner][redeemer], "isRedeemer");
    }

    function setMinter(uint128 seed) external onTime {
        (PlanNote storage plan, address caller, bytes4 why) = _findOwned(seed);
        (address minter, bool allowed) = (_caller(_mix(seed, "minter")), _mix(seed, "allowed") % 2 == 0);
        bytes memory data = abi.encodeCall(ICredits.setMinter, (plan.id, minter, allowed));
        if (_try("setMinter", caller, data, why)) plan.minters[plan.owner][minter] = allowed;
        _check(credits.isMinter(plan.id, minter) == plan.minters[plan.owner][minter], "isMinter");
    }

    function transferPlanOwnership(uint128 seed) external onTime {
        (PlanNote storage plan, address caller, bytes4 why) = _findOwned(seed);
        address to = _mix(seed, "withdraw") % 6 == 0 ? address(0) : _caller(_mix(seed, "to"));
        bytes memory data = abi.encodeCall(ICredits.transferPlanOwnership, (plan.id, to));
        if (_try("transferPlanOwnership", caller, data, why)) plan.pendingOwner = to;
        _checkState(plan, "transferPlanOwnership");
    }

    function acceptPlanOwnership(uint128 seed) external onTime {
        PlanNote storage plan = _anyPlan(seed);
        if (plan.pendingOwner == address(0) && _mix(seed, "offer") % 8 != 0) {
            plan.pendingOwner = _caller(_mix(seed, "to"));
            vm.prank(plan.owner);
            credits.transferPlanOwnership(plan.id, plan.pendingOwner);
        }
        bool offered = plan.pendingOwner != address(0) && !_isWrong(seed);
        address caller = offered ? plan.pendingOwner : _caller(_mix(seed, "anyone"));
        bytes4 why = caller == plan.pendingOwner ? bytes4(0) : ICredits.NotPendingPlanOwner.selector;
        bytes memory data = abi.encodeCall(ICredits.acceptPlanOwnership, (plan.id));
        if (_try("acceptPlanOwnership", caller, data, why)) (plan.owner, plan.pendingOwner) = (caller, address(0));
        _checkState(plan, "acceptPlanOwnership");
        _checkAllowed(plan, "acceptPlanOwnership");
    }

    function _findOwned(uint256 seed) internal view returns (PlanNote storage plan, address caller, bytes4 why) {
        plan = _anyPlan(seed);
        caller = _isWrong(seed) ? _caller(_mix(seed, "anyone")) : plan.owner;
        // Former owners and those to be are the ones most likely to be taken for the owner.
        if (_isWrong(seed) && seed % 2 == 0 && plan.pendingOwner != address(0)) caller = plan.pendingOwner;
        if (_isWrong(seed) && seed % 2 == 1) caller = creators[plan.id];
        why = caller == plan.owner ? bytes4(0) : ICredits.NotPlanOwner.selector;
    }

    /// @dev I3: whom the plan's present owner allows, and nobody whom another allowed.
    function _checkAllowed(PlanNote storage plan, string memory call) internal view {
        for (uint256 i; i < WILLING; ++i) {
            bool redeems = plan.redeemers[plan.owner][holders[i]];
            bool mints = plan.minters[plan.owner][holders[i]];
            string memory whose = string.concat(" of ", _name(plan), ", ", vm.toString(i));
            _check(credits.isRedeemer(plan.id, holders[i]) == redeems, string.concat("I3 ", call, ": redeemer", whose));
            _check(credits.isMinter(plan.id, holders[i]) == mints, string.concat("I3 ", call, ": minter", whose));
        }
    }

    function _checkState(PlanNote storage plan, string memory call) internal view {
        PlanState memory state = credits.stateOf(plan.id);
        _same(state.owner, plan.owner, string.concat(call, ": owner of ", _name(plan)));
        _same(state.pendingOwner, plan.pendingOwner, string.concat(call, ": pending owner of ", _name(plan)));
        _check(state.active == plan.active, string.concat(call, ": active is not as the owner set it on ", _name(plan)));
        _same(state.feeBps, plan.feeBps, string.concat(call, ": I5 frozen fee of ", _name(plan)));
    }
}
