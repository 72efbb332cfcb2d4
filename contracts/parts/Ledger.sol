// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";
import {IERC1155MetadataURI} from "@openzeppelin/contracts/token/ERC1155/extensions/IERC1155MetadataURI.sol";
import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {ERC1155Utils} from "@openzeppelin/contracts/token/ERC1155/utils/ERC1155Utils.sol";
import {Arrays} from "@openzeppelin/contracts/utils/Arrays.sol";

import {Account, ICredits, Lot} from "../interfaces/ICredits.sol";
import {Lots} from "../libraries/Lots.sol";
import {Traits} from "../libraries/Traits.sol";
import {Plans} from "./Plans.sol";

/// @title The part of Credits that knows balances: credits that last, credits that expire, windows of time
/// @dev OpenZeppelin brings the approvals and hooks of ERC-1155. {_add}, {_spend}, {_extend} and {_shorten} are the only functions that
/// change a balance, apart from the settling of vouchers in {Credits}.
abstract contract Ledger is Plans, ERC1155 {
    using Lots for mapping(uint256 => Lots.Mark);
    using Traits for uint8;
    using Arrays for uint256[];

    /// @dev A holder's credits of one plan, in one slot. The balance is `granted - gone`, less what has expired since `gone` was
    /// written. Both numbers only grow and begin again at zero after 2^64 - 1: what counts is how far they are apart.
    struct Holding {
        uint64 granted;
        uint64 gone; // of these: redeemed, burned, transferred or expired
        uint64 settled; // by vouchers, ever
        uint24 firstLot; // earlier lots are counted in `gone`
        uint24 endLot; // one more than the last lot; 0 where credits do not expire
        bool trialTaken;
    }

    mapping(uint256 planId => mapping(address holder => Holding)) internal _holdings;
    mapping(uint256 planId => mapping(address holder => mapping(uint256 number => Lots.Mark))) private _lots;
    mapping(uint256 planId => mapping(address holder => uint256)) private _accessUntil;

    // ------------------------------------------------------------------ grant

    function _grant(address operator, uint256 planId, Plan storage plan, uint8 traits, address to, uint256 amount)
        internal
    {
        if (to == address(0)) revert ERC1155InvalidReceiver(to);
        if (traits.has(Traits.TRIAL)) _takeTrial(planId, to);
        if (!traits.has(Traits.TIME)) _add(planId, to, amount, plan.duration);
        else if (plan.startsOnUse) _add(planId, to, amount, 0);
        else _extend(planId, plan, to, amount);
        _emitTransfer(operator, address(0), to, planId, amount);
    }

    function _takeTrial(uint256 planId, address to) private {
        Holding storage holding = _holdings[planId][to];
        if (holding.trialTaken) revert TrialAlreadyTaken(planId, to);
        holding.trialTaken = true;
    }

    function _add(uint256 planId, address to, uint256 amount, uint256 duration) private {
        Holding storage holding = _holdings[planId][to];
        (uint64 granted, uint256 end) = (holding.granted, holding.endLot);
        unchecked {
            uint256 left = uint64(granted - holding.gone);
            uint256 most = duration == 0 ? type(uint64).max : type(uint64).max / 2;
            bool crosses = (granted ^ (granted + uint64(amount))) >> 63 != 0;
            if (crosses || amount > most - left || end == type(uint24).max || (left == 0 && end > 0)) {
                (left, end) = _tidy(planId, to, holding);
            }
            if (amount > most - left || end == type(uint24).max) revert CreditsOverflow(planId, to, amount);
            granted += uint64(amount);
            holding.granted = granted;
            if (duration == 0) return;
            _lots[planId][to][end] = Lots.Mark(uint64(block.timestamp + duration), granted);
            holding.endLot = uint24(end + 1);
        }
    }

    /// @dev Writes down what has expired, and leaves behind the lots that are used. Where nothing is left, the next purchase takes
    /// the place of the first lot. Done each time that `granted` crosses 2^63, with at most 2^63 - 1 credits left, so that all lots
    /// are less than 2^64 credits behind it.
    function _tidy(uint256 planId, address holder, Holding storage holding)
        private
        returns (uint256 left, uint256 end)
    {
        uint256 first;
        (left, first) = _count(planId, holder, holding);
        if (left > 0) {
            end = holding.endLot;
            first = _lots[planId][holder].firstUnused(first, end, holding.granted, left);
        } else {
            (first, holding.firstLot) = (0, 0);
        }
        _keep(holding, left, first);
    }

    /// @dev The last step of every grant: a contract must say that it takes the credits.
    function _askReceiver(address operator, uint256 planId, address to, uint256 amount) internal {
        ERC1155Utils.checkOnERC1155Received(operator, address(0), to, planId, amount, "");
    }

    // ------------------------------------------------------------------ spend

    function _take(uint256 planId, address holder, uint256 amount) internal {
        _spend(planId, holder, amount);
        _emitTransfer(msg.sender, holder, address(0), planId, amount);
    }

    function _spend(uint256 planId, address holder, uint256 amount) private {
        Holding storage holding = _holdings[planId][holder];
        (uint256 left, uint256 first) = _count(planId, holder, holding);
        if (amount > left) {
            // Where periods start on purchase nothing is ever counted as granted.
            if (_startsOnPurchase(_plans[planId])) return _shorten(planId, holder, amount);
            revert InsufficientCredits(planId, holder, left, amount);
        }
        unchecked {
            _keep(holding, left - amount, first);
        }
    }

    function _keep(Holding storage holding, uint256 left, uint256 firstLot) private {
        unchecked {
            holding.gone = holding.granted - uint64(left);
        }
        if (firstLot > 0) holding.firstLot = uint24(firstLot);
    }

    /// @dev As {_keep}, in one write with the count of what vouchers redeemed.
    function _keepSettled(Holding storage holding, uint256 left, uint256 firstLot, uint256 settled) internal {
        unchecked {
            (holding.gone, holding.settled) = (holding.granted - uint64(left), uint64(settled));
        }
        if (firstLot > 0) holding.firstLot = uint24(firstLot);
    }

    /// @dev Returns what is left, counting what has expired as gone, and the first lot that has not expired. {_keep} writes both.
    function _count(uint256 planId, address holder, Holding storage holding)
        internal
        view
        returns (uint256 left, uint256 firstLot)
    {
        (uint64 granted, uint256 first, uint256 end) = (holding.granted, holding.firstLot, holding.endLot);
        unchecked {
            left = uint64(granted - holding.gone);
            if (end == 0) return (left, 0);
            mapping(uint256 => Lots.Mark) storage marks = _lots[planId][holder];
            firstLot = marks.firstLive(first, end);
            if (firstLot == first) return (left, first);
            uint256 grantedLater = uint64(granted - marks[firstLot - 1].granted);
            if (grantedLater < left) left = grantedLater;
        }
    }

    // ------------------------------------------------------------------ access windows

    function _startsOnPurchase(Plan storage plan) private view returns (bool) {
        return plan.traits.has(Traits.TIME) && !plan.startsOnUse;
    }

    /// @dev Opens the access window or adds to its end, so that early renewal loses nothing. Cannot overflow: each call adds
    /// less than 2^96 seconds.
    function _extend(uint256 planId, Plan storage plan, address holder, uint256 periods) internal {
        if (periods > type(uint64).max) revert CreditsOverflow(planId, holder, periods);
        uint256 end = _accessUntil[planId][holder];
        if (end < block.timestamp) end = block.timestamp;
        unchecked {
            _setAccess(planId, holder, end + periods * plan.duration);
        }
    }

    function _shorten(uint256 planId, address holder, uint256 periods) private {
        uint256 left = _periodsLeft(planId, holder);
        if (periods > left) revert InsufficientCredits(planId, holder, left, periods);
        uint256 end = block.timestamp;
        if (periods < left) end = _accessUntil[planId][holder] - periods * _plans[planId].duration;
        _setAccess(planId, holder, end);
    }

    function _setAccess(uint256 planId, address holder, uint256 end) private {
        _accessUntil[planId][holder] = end;
        emit AccessChanged(planId, holder, end);
    }

    /// @dev A period of which something is left counts as one.
    function _periodsLeft(uint256 planId, address holder) private view returns (uint256) {
        (uint256 end, uint256 duration) = (_accessUntil[planId][holder], _plans[planId].duration);
        return end > block.timestamp ? (end - block.timestamp + duration - 1) / duration : 0;
    }

    // ------------------------------------------------------------------ transfer

    /// @inheritdoc IERC1155
    function safeTransferFrom(address from, address to, uint256 planId, uint256 amount, bytes memory data)
        public
        override(ERC1155, IERC1155)
    {
        _checkTransfer(from, to);
        _move(planId, from, to, amount);
        _emitTransfer(msg.sender, from, to, planId, amount);
        ERC1155Utils.checkOnERC1155Received(msg.sender, from, to, planId, amount, data);
    }

    /// @inheritdoc IERC1155
    function safeBatchTransferFrom(
        address from,
        address to,
        uint256[] memory planIds,
        uint256[] memory amounts,
        bytes memory data
    ) public override(ERC1155, IERC1155) {
        _checkTransfer(from, to);
        if (planIds.length != amounts.length) revert ERC1155InvalidArrayLength(planIds.length, amounts.length);
        for (uint256 i; i < planIds.length; ++i) {
            _move(planIds.unsafeMemoryAccess(i), from, to, amounts.unsafeMemoryAccess(i));
        }
        emit TransferBatch(msg.sender, from, to, planIds, amounts);
        ERC1155Utils.checkOnERC1155BatchReceived(msg.sender, from, to, planIds, amounts, data);
    }

    function _checkTransfer(address from, address to) private view {
        if (msg.sender != from) _checkAuthorized(msg.sender, from);
        if (to == address(0)) revert ERC1155InvalidReceiver(to);
    }

    function _move(uint256 planId, address from, address to, uint256 amount) private {
        if (!_existing(planId).transferable) revert NotTransferable(planId);
        _spend(planId, from, amount);
        _add(planId, to, amount, 0);
    }

    function _emitTransfer(address operator, address from, address to, uint256 planId, uint256 amount) internal {
        emit TransferSingle(operator, from, to, planId, amount);
    }

    // ------------------------------------------------------------------ reads

    /// @inheritdoc IERC1155
    function balanceOf(address holder, uint256 planId) public view override(ERC1155, IERC1155) returns (uint256) {
        if (_startsOnPurchase(_plans[planId])) return _periodsLeft(planId, holder);
        (uint256 left,) = _count(planId, holder, _holdings[planId][holder]);
        return left;
    }

    /// @inheritdoc IERC1155MetadataURI
    function uri(uint256 planId) public view override(ERC1155, IERC1155MetadataURI) returns (string memory) {
        return _plans[planId].uri;
    }

    /// @inheritdoc ICredits
    function accountOf(uint256 planId, address holder) external view returns (Account memory account) {
        Holding storage holding = _holdings[planId][holder];
        return Account({
            balance: balanceOf(holder, planId),
            settled: holding.settled,
            accessUntil: _accessUntil[planId][holder],
            trialTaken: holding.trialTaken
        });
    }

    /// @inheritdoc ICredits
    function accessUntil(uint256 planId, address holder) external view returns (uint256) {
        return _accessUntil[planId][holder];
    }

    /// @inheritdoc ICredits
    function lotsOf(uint256 planId, address holder, uint256 offset, uint256 limit)
        external
        view
        returns (Lot[] memory lots)
    {
        mapping(uint256 => Lots.Mark) storage marks = _lots[planId][holder];
        Holding storage holding = _holdings[planId][holder];
        (uint64 granted, uint256 end) = (holding.granted, holding.endLot);
        (uint256 left, uint256 first) = _count(planId, holder, holding);
        first = marks.firstUnused(first, end, granted, left);
        unchecked {
            if (offset >= end - first) return lots;
            if (limit > end - first - offset) limit = end - first - offset;
            if (offset > 0) left = uint64(granted - marks[first + offset - 1].granted);
            lots = new Lot[](limit);
            for (uint256 i; i < limit; ++i) {
                Lots.Mark storage mark = marks[first + offset + i];
                uint256 later = uint64(granted - mark.granted);
                lots[i] = Lot(left - later, mark.expiresAt);
                left = later;
            }
        }
    }

    /// @inheritdoc ICredits
    function canRedeem(uint256 planId, address holder, uint256 amount) external view returns (bool ok, bytes4 reason) {
        Plan storage plan = _plans[planId];
        if (plan.owner == address(0)) return (false, UnknownPlan.selector);
        if (plan.maxRedeem == 0) return (false, NotRedeemable.selector);
        if (amount < plan.minRedeem || amount > plan.maxRedeem) return (false, RedeemOutOfRange.selector);
        if (amount > balanceOf(holder, planId)) return (false, InsufficientCredits.selector);
        return (true, bytes4(0));
    }
}
