// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ICredits, PlanKind} from "../../../../contracts/credits/ICredits.sol";

import {SignedOrders} from "./SignedOrders.sol";

/// @notice Grants without payment: one by one, in batches, by reference.
abstract contract Grants is SignedOrders {
    /// @dev ERC1155InvalidArrayLength(uint256,uint256)
    bytes4 internal constant INVALID_LENGTH = 0x5b059991;

    function mint(uint128 seed) external onTime {
        (PlanNote storage plan, address minter, address to) = _findGrant(seed);
        uint256 amount = _amount(plan, to, seed);
        bytes4 why = _whyNoMint(plan, minter);
        if (why == 0) why = _whyNoItem(plan, to, amount);
        if (_try("mint", minter, abi.encodeCall(ICredits.mint, (plan.id, to, amount)), why)) {
            _noteGrant(plan, to, amount);
        }
        _checkBalances("mint", plan);
    }

    function mintBatch(uint128 seed) external onTime {
        (PlanNote storage plan, address minter,) = _findGrant(seed);
        uint256 count = seed % 5;
        (address[] memory to, uint256[] memory amounts) = (new address[](count), new uint256[](count));
        for (uint256 i; i < count; ++i) {
            to[i] = _anyHolder(_mix(seed + i, "to"));
            amounts[i] = _amount(plan, to[i], _mix(seed + i, "amount"));
        }
        bytes4 why = _whyNoMint(plan, minter);
        if (_isWrong(seed) && _mix(seed, "length") % 4 == 0) {
            amounts = new uint256[](count + 1);
            if (why == 0) why = INVALID_LENGTH;
        }
        bool done = _try("mintBatch", minter, abi.encodeCall(ICredits.mintBatch, (plan.id, to, amounts)), why);
        for (uint256 i; done && i < count; ++i) {
            if (_whyNoItem(plan, to[i], amounts[i]) == 0) _noteGrant(plan, to[i], amounts[i]);
        }
        _checkBalances("mintBatch", plan);
    }

    function grantExternal(uint128 seed) external onTime {
        (PlanNote storage plan, address minter, address to) = _findGrant(seed);
        uint256 quantity = plan.trial ? 1 : _bound(_mix(seed, "quantity"), 1, 4);
        if (_isWrong(seed)) quantity = _mix(seed, "quantity") % 2 == 0 ? 0 : uint256(type(uint32).max) + 1;
        // Few references, so that many come again; most of the time one that is free is looked for.
        bytes32 paymentReference = bytes32(_mix(seed, "reference") % 40);
        for (uint256 i; i < 40 && plan.references[paymentReference] && _mix(seed, "free") % 6 != 0; ++i) {
            paymentReference = bytes32((uint256(paymentReference) + 1) % 40);
        }
        bytes4 why = _whyNoMint(plan, minter);
        if (why == 0) why = _whyNoSettled(plan, to, quantity, paymentReference);
        bytes memory data = abi.encodeCall(ICredits.grantExternal, (plan.id, to, quantity, paymentReference));
        if (_try("grantExternal", minter, data, why)) {
            plan.references[paymentReference] = true;
            _noteGrant(plan, to, quantity * plan.credits);
        }
        _same(
            credits.isReferenceUsed(plan.id, paymentReference) ? 1 : 0,
            plan.references[paymentReference] ? 1 : 0,
            "I7 isReferenceUsed"
        );
        _checkBalances("grantExternal", plan);
    }

    // ------------------------------------------------------------------ who, to whom, how much

    function _findGrant(uint256 seed) private view returns (PlanNote storage plan, address minter, address to) {
        plan = _anyPlan(seed);
        bool wrong = _isWrong(seed);
        for (uint256 i; i < plans.length; ++i) {
            plan = plans[(seed + i) % plans.length];
            minter = _minterOf(plan, _mix(seed + i, "minter"));
            to = _willing(_mix(seed + i, "to"));
            if (wrong) {
                minter = _caller(_mix(seed, "anyone"));
                if (seed % 2 == 0) to = _anyHolder(_mix(seed, "to"));
                return (plan, minter, to);
            }
            if (plan.kind != PlanKind.USAGE && !(plan.trial && positions[plan.id][to].trialTaken)) break;
        }
    }

    function _minterOf(PlanNote storage plan, uint256 seed) internal view returns (address) {
        for (uint256 i; i < 8; ++i) {
            address candidate = _caller(seed + i);
            if (seed % 2 == 0 && plan.minters[plan.owner][candidate]) return candidate;
        }
        return plan.owner;
    }

    /// @dev Small as a rule; now and then nothing, or at the edge of what an account holds.
    function _amount(PlanNote storage plan, address to, uint256 seed) private view returns (uint256) {
        uint256 roll = _mix(seed, "size") % 24;
        if (roll == 0) return 0;
        uint256 left = _startsOnPurchase(plan) ? type(uint64).max : _most(plan) - _balance(plan, to);
        if (roll == 1) return left;
        if (roll == 2) return left + 1;
        if (roll == 3) return uint256(1) << 53;
        if (roll == 4) return left / 2;
        return _bound(_mix(seed, "amount"), 1, 100);
    }

    // ------------------------------------------------------------------ what must come of it

    function _whyNoMint(PlanNote storage plan, address minter) private view returns (bytes4) {
        if (minter != plan.owner && !plan.minters[plan.owner][minter]) return ICredits.NotMinter.selector;
        return plan.kind == PlanKind.USAGE ? ICredits.WrongKind.selector : bytes4(0);
    }

    function _whyNoItem(PlanNote storage plan, address to, uint256 amount) private view returns (bytes4) {
        if (amount == 0) return ICredits.ZeroAmount.selector;
        bytes4 why = _whyNoGrant(plan, to, amount);
        return why == 0 ? refusal[to] : why;
    }

    function _whyNoSettled(PlanNote storage plan, address to, uint256 quantity, bytes32 paymentReference)
        private
        view
        returns (bytes4)
    {
        if (quantity == 0 || quantity > type(uint32).max || (plan.trial && quantity != 1)) {
            return ICredits.InvalidQuantity.selector;
        }
        if (plan.references[paymentReference]) return ICredits.ReferenceUsed.selector;
        return _whyNoItem(plan, to, quantity * plan.credits);
    }
}
