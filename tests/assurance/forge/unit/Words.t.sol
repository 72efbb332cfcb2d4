// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Activation, PlanKind, RedemptionRule, Split, Terms} from "../../../../contracts/credits/ICredits.sol";
import {Holding} from "../../../../contracts/credits/libraries/Holding.sol";
import {LotMark, Lots} from "../../../../contracts/credits/libraries/Lots.sol";
import {PlanFlags} from "../../../../contracts/credits/libraries/PlanFlags.sol";
import {RedeemTerms, RedeemTermsWord} from "../../../../contracts/credits/libraries/RedeemTerms.sol";
import {SaleTerms, SaleTermsWord} from "../../../../contracts/credits/libraries/SaleTerms.sol";
import {PackedSplit, Splits} from "../../../../contracts/credits/libraries/Splits.sol";
import {Checks} from "../support/Checks.sol";

/// @notice The words that are stored, field by field, in plain arithmetic (I2, I5): each field is where it is documented to be, and
/// changing one changes no other.
contract WordsTest is Checks {
    // ------------------------------------------------------------------ holding

    /// @dev Widths of the fields from the lowest bit up: granted, spent, settled, firstLot, endLot, trialTaken, expiresAt.
    function _fields(uint256 word) private pure returns (uint256[7] memory fields) {
        uint8[7] memory widths = [54, 54, 64, 24, 24, 1, 35];
        for (uint256 i; i < 7; ++i) {
            fields[i] = word % 2 ** widths[i];
            word /= 2 ** widths[i];
        }
        require(word == 0);
    }

    function _sameBut(uint256 field, Holding before, Holding later, uint256 value) private pure {
        uint256[7] memory expected = _fields(Holding.unwrap(before));
        uint256[7] memory actual = _fields(Holding.unwrap(later));
        expected[field] = value;
        for (uint256 i; i < 7; ++i) {
            _same(actual[i], expected[i], "field of a holding");
        }
    }

    function testFuzz_holding__ofAnyWord__readsEachField(uint256 word) external pure {
        uint256[7] memory fields = _fields(word);
        Holding holding = Holding.wrap(word);
        _same(holding.granted(), fields[0], "granted");
        _same(holding.unspent(), (fields[0] + 2 ** 54 - fields[1]) % 2 ** 54, "unspent");
        _same(holding.settled(), fields[2], "settled");
        _same(holding.firstLot(), fields[3], "firstLot");
        _same(holding.endLot(), fields[4], "endLot");
        _check(holding.trialTaken() == (fields[5] == 1), "trialTaken");
        _same(holding.expiresAt(), fields[6], "expiresAt");
    }

    function testFuzz_holding__withAnotherField__keepsTheOthers(uint256 word, uint256 value) external pure {
        Holding holding = Holding.wrap(word);
        _sameBut(0, holding, holding.withGranted(value % 2 ** 54), value % 2 ** 54);
        _sameBut(3, holding, holding.withFirstLot(value % 2 ** 24), value % 2 ** 24);
        _sameBut(5, holding, holding.withTrialTaken(), 1);
        _sameBut(6, holding, holding.withExpiresAt(value % 2 ** 35), value % 2 ** 35);
        uint256 first = (value >> 24) % 2 ** 24;
        _sameBut(4, holding.withFirstLot(first), holding.withLots(first, value % 2 ** 24), value % 2 ** 24);
    }

    function testFuzz_holding__withAnythingUnspent__isWhatIsLeft(uint256 word, uint256 left) external pure {
        left %= 2 ** 54;
        Holding holding = Holding.wrap(word);
        Holding later = holding.withUnspent(left);
        _same(later.unspent(), left, "unspent");
        _sameBut(1, holding, later, (holding.granted() + 2 ** 54 - left) % 2 ** 54);
    }

    function testFuzz_holding__afterASettlement__isBoth(uint256 word, uint256 left, uint256 settled) external pure {
        (left, settled) = (left % 2 ** 54, settled % 2 ** 64);
        Holding later = Holding.wrap(word).withUnspent(left);
        _sameBut(2, later, Holding.wrap(word).withSettlement(left, settled), settled);
    }

    function testFuzz_lotMark__ofAnyNumbers__readsBackAsItIs(uint64 granted, uint64 expiresAt) external pure {
        LotMark lot = Lots.mark(granted, expiresAt);
        _same(lot.granted(), granted, "granted");
        _same(lot.expiresAt(), expiresAt, "expiresAt");
        uint256 later = uint256(keccak256(abi.encode(granted))) % 2 ** 54;
        uint256 mark = granted % 2 ** 54;
        _same(Lots.distance(later, Lots.mark(mark, expiresAt)), (later + 2 ** 54 - mark) % 2 ** 54, "distance");
    }

    // ------------------------------------------------------------------ plan

    function _terms(uint256 seed) private pure returns (Terms memory terms) {
        terms.kind = PlanKind(seed % 3);
        terms.activation = Activation(seed / 3 % 2);
        terms.rule = RedemptionRule(seed / 6 % 3);
        (terms.trial, terms.transferable, terms.paidExternally) =
        (seed / 18 % 2 == 1, seed / 36 % 2 == 1, seed / 72 % 2 == 1);
        if (seed / 144 % 2 == 1) terms.quoter = address(1);
        terms.splits = new Split[](seed / 288 % 17);
        uint256 more = uint256(keccak256(abi.encode(seed)));
        terms.token = address(uint160(more));
        (terms.credits, terms.duration) = (uint32(more >> 160), uint32(more >> 192));
        (terms.minRedeem, terms.maxRedeem) = (uint32(more >> 224), uint32(more >> 100));
    }

    function testFuzz_saleTerms__ofAnyTerms__readBackAsTheyAre(uint256 seed, uint16 fee) external pure {
        Terms memory terms = _terms(seed);
        SaleTerms sale = SaleTermsWord.pack(terms, fee);
        _same(sale.token(), terms.token, "token");
        _same(sale.credits(), terms.credits, "credits");
        _same(sale.duration(), terms.duration, "duration");
        _same(sale.feeBps(), fee, "fee");
        _same(sale.splitCount(), terms.splits.length, "splits");
        _check(sale.has(PlanFlags.ACTIVE), "active");
        _check(sale.has(PlanFlags.TRIAL) == terms.trial, "trial");
        _check(sale.has(PlanFlags.TIME) == (terms.kind == PlanKind.TIME), "time");
        _check(sale.has(PlanFlags.USAGE) == (terms.kind == PlanKind.USAGE), "usage");
        _check(sale.has(PlanFlags.QUOTED) == (terms.quoter != address(0)), "quoted");
        _check(sale.has(PlanFlags.PAID_EXTERNALLY) == terms.paidExternally, "paid externally");
        _check(sale.has(PlanFlags.STARTS_ON_USE) == (terms.activation == Activation.ON_FIRST_USE), "starts on use");
        _check(SaleTerms.unwrap(sale) >> 255 == 0, "a flag that nobody knows");
    }

    function testFuzz_saleTerms__activeOrNot__changesNothingElse(uint256 word, bool active) external pure {
        SaleTerms later = SaleTerms.wrap(word).withActive(active);
        _check(later.has(PlanFlags.ACTIVE) == active, "active");
        _same(SaleTerms.unwrap(later) & ~(uint256(1) << 248), word & ~(uint256(1) << 248), "the rest of the word");
    }

    function testFuzz_isPlain__ofAnyTerms__meansOnePriceAndNothingElse(uint256 seed, uint16 fee, bool active)
        external
        pure
    {
        Terms memory terms = _terms(seed);
        // Mostly near a plain plan.
        if (seed % 5 != 0) (terms.trial, terms.paidExternally, terms.quoter) = (false, false, address(0));
        if (seed % 7 != 0) (terms.kind, terms.activation) = (PlanKind.CREDITS, Activation.ON_PURCHASE);
        if (seed % 4 != 0) terms.splits = new Split[](1);
        if (seed % 3 != 0) fee = 0;
        bool expected = active && fee == 0 && terms.splits.length == 1 && terms.kind == PlanKind.CREDITS
            && terms.activation == Activation.ON_PURCHASE && !terms.trial && !terms.paidExternally
            && terms.quoter == address(0);
        _check(SaleTermsWord.pack(terms, fee).withActive(active).isPlain() == expected, "isPlain");
    }

    function testFuzz_redeemTerms__ofAnyTerms__readBackAsTheyAre(uint256 seed, address creator, address next)
        external
        pure
    {
        Terms memory terms = _terms(seed);
        RedeemTerms redemption = RedeemTermsWord.pack(terms, creator);
        for (uint256 i; i < 2; ++i) {
            _same(redemption.owner(), i == 0 ? creator : next, "owner");
            _same(redemption.minRedeem(), terms.minRedeem, "minRedeem");
            _same(redemption.maxRedeem(), terms.maxRedeem, "maxRedeem");
            _check(redemption.rule() == terms.rule, "rule");
            _check(redemption.startsOnUse() == (terms.activation == Activation.ON_FIRST_USE), "startsOnUse");
            _check(redemption.transferable() == terms.transferable, "transferable");
            bool settles = terms.maxRedeem > 0 && !terms.transferable && terms.activation == Activation.ON_PURCHASE;
            _check(redemption.takesSettlements() == settles, "takesSettlements");
            redemption = redemption.withOwner(next);
        }
        _check(RedeemTermsWord.pack(terms, address(1)).exists(), "a plan is there as soon as it has an owner");
        _check(!RedeemTerms.wrap(0).exists(), "no plan");
    }

    function testFuzz_packedSplit__ofAnySplit__readsBackAsItIs(address receiver, uint96 amount) external pure {
        PackedSplit packed = Splits.pack(Split(receiver, amount));
        _same(packed.receiver(), receiver, "receiver");
        _same(packed.amount(), amount, "amount");
        Split memory split = packed.unpack();
        _check(split.receiver == receiver && split.amount == amount, "unpack");
        _same(PackedSplit.unwrap(packed), uint256(amount) * 2 ** 160 + uint160(receiver), "word");
    }
}
