// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";
import {IERC1155MetadataURI} from "@openzeppelin/contracts/token/ERC1155/extensions/IERC1155MetadataURI.sol";
import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {ERC1155Utils} from "@openzeppelin/contracts/token/ERC1155/utils/ERC1155Utils.sol";
import {Arrays} from "@openzeppelin/contracts/utils/Arrays.sol";

import {Account, ICredits, Lot} from "./ICredits.sol";
import {Holding, HoldingWord} from "./libraries/Holding.sol";
import {LotMark, Lots} from "./libraries/Lots.sol";
import {PlanFlags} from "./libraries/PlanFlags.sol";
import {RedeemTerms} from "./libraries/RedeemTerms.sol";
import {SaleTerms} from "./libraries/SaleTerms.sol";
import {Plans} from "./Plans.sol";

/// @title The part of Credits that knows balances: credits that last, credits that expire, windows of time
/// @dev OpenZeppelin brings the approvals and hooks of ERC-1155. {_add}, {_spend}, {_extendAccess} and {_shortenAccess} are the only
/// functions that change a balance, apart from the settlements in {Credits}.
abstract contract Ledger is Plans, ERC1155 {
    using Lots for mapping(uint256 => LotMark);
    using Arrays for uint256[];

    /// @dev All that is known of one holder on one plan. An order by a holder, and what spends credits, writes one word
    /// of it; two where a lot or a window of access is added.
    struct Position {
        Holding holding;
        uint256 accessUntil;
        mapping(uint256 number => LotMark) lots; // those before the last, which is in the holding
    }

    mapping(uint256 planId => mapping(address holder => Position)) internal _positions;

    function _positionOf(uint256 planId, address holder) internal view returns (Position storage) {
        return _positions[planId][holder];
    }

    // ------------------------------------------------------------------ grant

    function _grant(address operator, uint256 planId, SaleTerms sale, address to, uint256 amount) internal {
        if (to == address(0)) _revertInvalidReceiver();
        Position storage position = _positionOf(planId, to);
        if (sale.has(PlanFlags.TRIAL)) _takeTrial(position, planId, to);
        if (!sale.has(PlanFlags.TIME)) _add(position, planId, to, amount, sale.duration());
        else if (sale.has(PlanFlags.STARTS_ON_USE)) _add(position, planId, to, amount, 0);
        else _extendAccess(position, planId, sale, to, amount);
        _emitTransfer(operator, address(0), to, planId, amount);
    }

    function _takeTrial(Position storage position, uint256 planId, address to) private {
        Holding holding = position.holding;
        if (holding.trialTaken()) revert TrialAlreadyTaken(planId, to);
        position.holding = holding.withTrialTaken();
    }

    /// @param duration Seconds after which the credits expire; 0 for never.
    function _add(Position storage position, uint256 planId, address to, uint256 amount, uint256 duration) internal {
        Holding holding = position.holding;
        uint256 granted = holding.granted();
        uint256 unspent = holding.unspent();
        uint256 max = duration == 0 ? HoldingWord.MAX : HoldingWord.MAX / 2;
        unchecked {
            uint256 grantedNow = (granted + amount) & HoldingWord.MAX;
            bool crosses = (granted ^ grantedNow) >> 53 != 0;
            if (crosses || amount > max - unspent) {
                holding = _compactLots(position, holding);
                unspent = holding.unspent();
                if (amount > max - unspent) _revertOverflow(planId, to, amount);
            }
            if (duration > 0) {
                bool anyLeft = unspent > 0 && holding.expiresAt() > block.timestamp;
                holding = anyLeft
                    ? _storeLastLot(position, holding, planId, to, amount)
                    : holding.withUnspent(0).withLots(0, 0);
                holding = holding.withExpiresAt(block.timestamp + duration);
            }
            position.holding = holding.withGranted(grantedNow);
        }
    }

    /// @dev Makes room in the holding for a new last lot. If credits were spent since all lots before the last expired, the last lot
    /// takes the place of the first. So repeated early renewals write no new slot.
    function _storeLastLot(Position storage position, Holding holding, uint256 planId, address to, uint256 amount)
        private
        returns (Holding)
    {
        uint256 first = holding.firstLot();
        uint256 end = holding.endLot();
        if (end == type(uint24).max && first < end) {
            holding = _compactLots(position, holding);
            first = holding.firstLot();
            end = holding.endLot();
            if (end == type(uint24).max) _revertOverflow(planId, to, amount);
        }
        if (first == end) (first, end) = (0, 0);
        position.lots[end] = Lots.mark(holding.granted(), holding.expiresAt());
        return holding.withLots(first, end + 1);
    }

    /// @dev Writes down what has expired, and leaves behind the lots that are used. Done each time that `granted` crosses 2^53,
    /// with at most 2^53 - 1 credits left, so that all lots are less than 2^54 credits behind it.
    function _compactLots(Position storage position, Holding holding) private view returns (Holding) {
        holding = _withoutExpired(position, holding);
        uint256 first = holding.firstLot();
        uint256 end = holding.endLot();
        uint256 available = holding.unspent();
        if (available > 0) first = position.lots.firstUnused(first, end, holding.granted(), available);
        if (first == end) (first, end) = (0, 0);
        return holding.withLots(first, end);
    }

    /// @dev The last step of every grant: a contract must say that it takes the credits.
    function _checkReceiver(address operator, uint256 planId, address to, uint256 amount) internal {
        ERC1155Utils.checkOnERC1155Received(operator, address(0), to, planId, amount, "");
    }

    function _revertInvalidReceiver() internal pure {
        revert ERC1155InvalidReceiver(address(0));
    }

    function _revertOverflow(uint256 planId, address holder, uint256 amount) private pure {
        revert CreditsOverflow(planId, holder, amount);
    }

    function _revertInsufficient(uint256 planId, address holder, uint256 available, uint256 amount) private pure {
        revert InsufficientCredits(planId, holder, available, amount);
    }

    // ------------------------------------------------------------------ spend

    function _consume(uint256 planId, address holder, uint256 amount) internal {
        _spend(planId, holder, amount);
        _emitTransfer(msg.sender, holder, address(0), planId, amount);
    }

    function _spend(uint256 planId, address holder, uint256 amount) private {
        Position storage position = _positionOf(planId, holder);
        Holding holding = _withoutExpired(position, position.holding);
        uint256 available = holding.unspent();
        if (amount > available) {
            // Where periods start on purchase nothing is ever counted as granted.
            SaleTerms sale = _plans[planId].sale;
            if (_startsOnPurchase(sale)) return _shortenAccess(position, planId, sale, holder, amount);
            _revertInsufficient(planId, holder, available, amount);
        }
        unchecked {
            position.holding = holding.withUnspent(available - amount);
        }
    }

    /// @dev Returns the holding with the expired credits counted as spent. Then its unspent credits are the balance.
    function _withoutExpired(Position storage position, Holding holding) internal view returns (Holding) {
        uint256 expiresAt = holding.expiresAt();
        if (expiresAt == 0) return holding;
        uint256 end = holding.endLot();
        if (expiresAt <= block.timestamp) return holding.withUnspent(0).withFirstLot(end);
        uint256 first = holding.firstLot();
        uint256 live = position.lots.firstLive(first, end);
        if (live == first) return holding;
        unchecked {
            uint256 later = Lots.distance(holding.granted(), position.lots[live - 1]);
            if (later < holding.unspent()) holding = holding.withUnspent(later);
        }
        return holding.withFirstLot(live);
    }

    // ------------------------------------------------------------------ access windows

    function _startsOnPurchase(SaleTerms sale) private pure returns (bool) {
        return sale.has(PlanFlags.TIME) && !sale.has(PlanFlags.STARTS_ON_USE);
    }

    /// @dev Opens the access window or adds to its end, so that early renewal loses nothing. Cannot overflow: each call adds
    /// less than 2^96 seconds.
    function _extendAccess(Position storage position, uint256 planId, SaleTerms sale, address holder, uint256 periods)
        internal
    {
        if (periods > type(uint64).max) _revertOverflow(planId, holder, periods);
        uint256 end = position.accessUntil;
        if (end < block.timestamp) end = block.timestamp;
        unchecked {
            _setAccess(position, planId, holder, end + periods * sale.duration());
        }
    }

    function _shortenAccess(Position storage position, uint256 planId, SaleTerms sale, address holder, uint256 periods)
        private
    {
        uint256 available = _periodsLeft(position, sale);
        if (periods > available) _revertInsufficient(planId, holder, available, periods);
        uint256 end = block.timestamp;
        unchecked {
            if (periods < available) end = position.accessUntil - periods * sale.duration();
        }
        _setAccess(position, planId, holder, end);
    }

    function _setAccess(Position storage position, uint256 planId, address holder, uint256 end) private {
        position.accessUntil = end;
        emit AccessChanged(planId, holder, end);
    }

    /// @dev A period of which something is left counts as one.
    function _periodsLeft(Position storage position, SaleTerms sale) private view returns (uint256) {
        uint256 end = position.accessUntil;
        uint256 duration = sale.duration();
        unchecked {
            return end > block.timestamp ? (end - block.timestamp + duration - 1) / duration : 0;
        }
    }

    // ------------------------------------------------------------------ transfer

    /// @inheritdoc IERC1155
    function safeTransferFrom(address from, address to, uint256 planId, uint256 amount, bytes memory data)
        public
        override(ERC1155, IERC1155)
    {
        _checkTransfer(from, to);
        _transfer(planId, from, to, amount);
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
            _transfer(planIds.unsafeMemoryAccess(i), from, to, amounts.unsafeMemoryAccess(i));
        }
        emit TransferBatch(msg.sender, from, to, planIds, amounts);
        ERC1155Utils.checkOnERC1155BatchReceived(msg.sender, from, to, planIds, amounts, data);
    }

    function _checkTransfer(address from, address to) private view {
        if (msg.sender != from) _checkAuthorized(msg.sender, from);
        if (to == address(0)) _revertInvalidReceiver();
    }

    function _transfer(uint256 planId, address from, address to, uint256 amount) private {
        if (!_requirePlan(planId).transferable()) revert NotTransferable(planId);
        _spend(planId, from, amount);
        _add(_positionOf(planId, to), planId, to, amount, 0);
    }

    function _emitTransfer(address operator, address from, address to, uint256 planId, uint256 amount) internal {
        emit TransferSingle(operator, from, to, planId, amount);
    }

    // ------------------------------------------------------------------ reads

    /// @inheritdoc IERC1155
    function balanceOf(address holder, uint256 planId) public view override(ERC1155, IERC1155) returns (uint256) {
        Position storage position = _positionOf(planId, holder);
        SaleTerms sale = _plans[planId].sale;
        if (_startsOnPurchase(sale)) return _periodsLeft(position, sale);
        return _withoutExpired(position, position.holding).unspent();
    }

    /// @inheritdoc IERC1155MetadataURI
    function uri(uint256 planId) public view override(ERC1155, IERC1155MetadataURI) returns (string memory) {
        return _plans[planId].uri;
    }

    /// @inheritdoc ICredits
    function accountOf(uint256 planId, address holder) external view returns (Account memory account) {
        Position storage position = _positionOf(planId, holder);
        Holding holding = position.holding;
        return Account({
            balance: balanceOf(holder, planId),
            settled: holding.settled(),
            accessUntil: position.accessUntil,
            trialTaken: holding.trialTaken()
        });
    }

    /// @inheritdoc ICredits
    function accessUntil(uint256 planId, address holder) external view returns (uint256) {
        return _positionOf(planId, holder).accessUntil;
    }

    /// @inheritdoc ICredits
    function lotsOf(uint256 planId, address holder, uint256 offset, uint256 limit)
        external
        view
        returns (Lot[] memory lots)
    {
        Position storage position = _positionOf(planId, holder);
        Holding holding = _withoutExpired(position, position.holding);
        uint256 granted = holding.granted();
        uint256 end = holding.endLot();
        uint256 available = holding.unspent();
        if (available == 0 || holding.expiresAt() == 0) return lots;
        uint256 first = position.lots.firstUnused(holding.firstLot(), end, granted, available);
        unchecked {
            if (offset > end - first) return lots;
            if (limit > end + 1 - first - offset) limit = end + 1 - first - offset;
            first += offset;
            if (offset > 0) available = Lots.distance(granted, position.lots[first - 1]);
            lots = new Lot[](limit);
            for (uint256 i; i < limit; ++i) {
                if (first + i == end) {
                    lots[i] = Lot(available, holding.expiresAt()); // the last lot
                    break;
                }
                LotMark lot = position.lots[first + i];
                uint256 later = Lots.distance(granted, lot);
                lots[i] = Lot(available - later, lot.expiresAt());
                available = later;
            }
        }
    }

    /// @inheritdoc ICredits
    function canRedeem(uint256 planId, address holder, uint256 amount) external view returns (bool ok, bytes4 reason) {
        RedeemTerms redemption = _plans[planId].redemption;
        if (!redemption.exists()) return (false, UnknownPlan.selector);
        if (redemption.maxRedeem() == 0) return (false, NotRedeemable.selector);
        if (amount < redemption.minRedeem() || amount > redemption.maxRedeem()) {
            return (false, RedeemOutOfRange.selector);
        }
        if (amount > balanceOf(holder, planId)) return (false, InsufficientCredits.selector);
        return (true, bytes4(0));
    }
}
