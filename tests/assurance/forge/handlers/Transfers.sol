// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";

import {ICredits} from "../../../../contracts/credits/ICredits.sol";

import {Vouchers} from "./Vouchers.sol";
import {vm} from "../support/Vm.sol";

/// @notice ERC-1155 approvals and transfers.
abstract contract Transfers is Vouchers {
    function setApprovalForAll(uint128 seed) external onTime {
        (address holder, address operator) = (_caller(seed), _caller(_mix(seed, "operator")));
        if (_isWrong(seed)) operator = address(0);
        bool allowed = _mix(seed, "allowed") % 3 == 0;
        // ERC1155InvalidOperator(address)
        bytes4 why = operator == address(0) ? bytes4(0xced3e100) : bytes4(0);
        bytes memory data = abi.encodeCall(IERC1155.setApprovalForAll, (operator, allowed));
        if (_try("setApprovalForAll", holder, data, why)) approved[holder][operator] = allowed;
        if (why == 0) _check(credits.isApprovedForAll(holder, operator) == allowed, "isApprovedForAll");
    }

    function safeTransferFrom(uint128 seed) external onTime {
        (PlanNote storage plan, address from) = _findMovable(seed);
        address to = _isWrong(seed) ? _anyHolder(_mix(seed, "to")) : _willing(_mix(seed, "to"));
        if (_isWrong(seed) && seed % 7 == 0) to = address(0);
        address caller = _carrierOf(from, seed);
        uint256 amount = _moved(plan, from, seed);
        bytes4 why = _whyNotFrom(from, caller, to);
        if (why == 0) why = _whyNotMoved(plan, from, to, amount);
        if (why == 0) why = refusal[to];
        bytes memory data = abi.encodeCall(IERC1155.safeTransferFrom, (from, to, plan.id, amount, ""));
        if (_try("safeTransferFrom", caller, data, why)) _noteMove(plan, from, to, amount);
        _checkBalances("safeTransferFrom", plan);
    }

    function safeBatchTransferFrom(uint128 seed) external onTime {
        (PlanNote storage plan, address from) = _findMovable(seed);
        address to = _isWrong(seed) ? _anyHolder(_mix(seed, "to")) : _willing(_mix(seed, "to"));
        address caller = _carrierOf(from, seed);
        uint256 amount = _moved(plan, from, seed) / 2;
        // The same plan twice, of which the second may be too much; or with one that cannot be transferred.
        PlanNote storage second = _mix(seed, "second") % 12 == 0 ? _anyPlan(seed) : plan;
        uint256[] memory ids = new uint256[](2);
        uint256[] memory amounts = new uint256[](_isWrong(seed) && seed % 5 == 0 ? 1 : 2);
        (ids[0], ids[1], amounts[0]) = (plan.id, second.id, amount);
        if (amounts.length == 2) amounts[1] = amount;

        bytes4 why = _whyNotFrom(from, caller, to);
        if (why == 0 && amounts.length == 1) why = INVALID_LENGTH;
        if (why == 0) why = _whyNotBoth(plan, second, from, to, amount);
        bytes memory data = abi.encodeCall(IERC1155.safeBatchTransferFrom, (from, to, ids, amounts, ""));
        if (_try("safeBatchTransferFrom", caller, data, why)) {
            _noteMove(plan, from, to, amount);
            _noteMove(second, from, to, amount);
        }
        _checkBalances("safeBatchTransferFrom", plan);
        _checkBalances("safeBatchTransferFrom", second);
    }

    // ------------------------------------------------------------------ what is moved

    function _findMovable(uint256 seed) private view returns (PlanNote storage plan, address from) {
        (plan, from) = _findHolder(seed);
        if (_isWrong(seed)) return (plan, from);
        for (uint256 i; i < plans.length; ++i) {
            plan = plans[(seed + i) % plans.length];
            for (uint256 j; plan.transferable && j < WILLING; ++j) {
                from = _willing(_mix(seed, "from") + j);
                if (_balance(plan, from) > 0) return (plan, from);
            }
        }
        // Nobody has any: a transfer of nothing is one too.
        for (uint256 i; i < plans.length && !plan.transferable; ++i) {
            plan = plans[i];
        }
    }

    function _carrierOf(address from, uint256 seed) private returns (address caller) {
        if (_mix(seed, "carrier") % 3 != 0) return from;
        caller = _caller(_mix(seed, "which carrier"));
        if (_isWrong(seed) || approved[from][caller]) return caller;
        approved[from][caller] = true;
        vm.prank(from);
        credits.setApprovalForAll(caller, true);
    }

    function _moved(PlanNote storage plan, address from, uint256 seed) private view returns (uint256) {
        uint256 balance = _balance(plan, from);
        if (_isWrong(seed) && seed % 3 == 0) return balance + 2;
        return _bound(_mix(seed, "moved"), 0, balance);
    }

    // ------------------------------------------------------------------ what must come of it

    function _whyNotFrom(address from, address caller, address to) private view returns (bytes4) {
        if (caller != from && !approved[from][caller]) return MISSING_APPROVAL;
        return to == address(0) ? INVALID_RECEIVER : bytes4(0);
    }

    function _whyNotMoved(PlanNote storage plan, address from, address to, uint256 amount)
        private
        view
        returns (bytes4)
    {
        if (!plan.transferable) return ICredits.NotTransferable.selector;
        if (amount > _balance(plan, from)) return ICredits.InsufficientCredits.selector;
        if (from != to && _overflows(plan, to, amount)) return ICredits.CreditsOverflow.selector;
        return 0;
    }

    function _whyNotBoth(PlanNote storage plan, PlanNote storage second, address from, address to, uint256 amount)
        private
        view
        returns (bytes4 why)
    {
        why = _whyNotMoved(plan, from, to, amount);
        if (why == 0) {
            why = _whyNotMoved(second, from, to, plan.id == second.id && from != to ? 2 * amount : amount);
        }
        return why == 0 ? refusal[to] : why;
    }

    function _noteMove(PlanNote storage plan, address from, address to, uint256 amount) private {
        _takeOut(plan, from, amount);
        _put(plan, to, amount);
    }
}
