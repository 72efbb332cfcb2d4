// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice A holder's credits of one plan, in one word. The balance is `granted - spent`, less what has expired since `spent` was
/// written. Both numbers only grow and begin again at zero after 2^54 - 1: what counts is how far they are apart.
/// From the lowest bit up: granted 54 | spent 54 | settled 64 | firstLot 24 | endLot 24 | trialTaken 1 | expiresAt 35.
/// `spent` is what was redeemed, burned, transferred or has expired. `settled` is what settlements took, ever. `expiresAt` is that of
/// the last lot, 0 where credits do not expire; lots before the last that may be live are those from `firstLot` to `endLot - 1`.
/// A timestamp plus a duration fits into 35 bits until the year 2900.
type Holding is uint256;

using HoldingWord for Holding global;

/// @title A holder's credits of one plan
library HoldingWord {
    /// @notice Most credits that an account holds; half as many where they expire.
    uint256 internal constant MAX = (1 << 54) - 1;

    uint256 private constant SPENT = MAX << 54;
    uint256 private constant SETTLED = uint256(type(uint64).max) << 108;
    uint256 private constant FIRST_LOT = uint256(type(uint24).max) << 172;
    uint256 private constant LOTS = uint256(type(uint48).max) << 172;
    uint256 private constant TRIAL_TAKEN = 1 << 220;
    uint256 private constant EXPIRES_AT = ((1 << 35) - 1) << 221;

    function granted(Holding holding) internal pure returns (uint256) {
        return Holding.unwrap(holding) & MAX;
    }

    /// @notice Returns `granted - spent`: the balance, apart from what has expired meanwhile.
    function unspent(Holding holding) internal pure returns (uint256) {
        unchecked {
            return (Holding.unwrap(holding) - (Holding.unwrap(holding) >> 54)) & MAX;
        }
    }

    function settled(Holding holding) internal pure returns (uint256) {
        return uint64(Holding.unwrap(holding) >> 108);
    }

    function firstLot(Holding holding) internal pure returns (uint256) {
        return uint24(Holding.unwrap(holding) >> 172);
    }

    function endLot(Holding holding) internal pure returns (uint256) {
        return uint24(Holding.unwrap(holding) >> 196);
    }

    function trialTaken(Holding holding) internal pure returns (bool) {
        return Holding.unwrap(holding) & TRIAL_TAKEN != 0;
    }

    function expiresAt(Holding holding) internal pure returns (uint256) {
        return Holding.unwrap(holding) >> 221;
    }

    function withGranted(Holding holding, uint256 value) internal pure returns (Holding) {
        return Holding.wrap(Holding.unwrap(holding) & ~MAX | value);
    }

    /// @notice Returns the holding with so much left of what was granted.
    function withUnspent(Holding holding, uint256 value) internal pure returns (Holding) {
        unchecked {
            uint256 spent = (Holding.unwrap(holding) - value) & MAX;
            return Holding.wrap(Holding.unwrap(holding) & ~SPENT | spent << 54);
        }
    }

    /// @notice Returns the holding after a settlement, with so much left of what was granted.
    function withSettlement(Holding holding, uint256 value, uint256 settled_) internal pure returns (Holding) {
        unchecked {
            uint256 spent = (Holding.unwrap(holding) - value) & MAX;
            return Holding.wrap(Holding.unwrap(holding) & ~(SPENT | SETTLED) | spent << 54 | settled_ << 108);
        }
    }

    function withFirstLot(Holding holding, uint256 first) internal pure returns (Holding) {
        return Holding.wrap(Holding.unwrap(holding) & ~FIRST_LOT | first << 172);
    }

    function withLots(Holding holding, uint256 first, uint256 end) internal pure returns (Holding) {
        return Holding.wrap(Holding.unwrap(holding) & ~LOTS | first << 172 | end << 196);
    }

    function withTrialTaken(Holding holding) internal pure returns (Holding) {
        return Holding.wrap(Holding.unwrap(holding) | TRIAL_TAKEN);
    }

    function withExpiresAt(Holding holding, uint256 timestamp) internal pure returns (Holding) {
        return Holding.wrap(Holding.unwrap(holding) & ~EXPIRES_AT | timestamp << 221);
    }
}
