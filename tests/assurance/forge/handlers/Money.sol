// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {VolumeDiscount, Tier} from "../../../../contracts/examples/VolumeDiscount.sol";
import {TestUSDC} from "../../../../contracts/test/TestUSDC.sol";
import {AnswersBytes} from "../../../../contracts/test/quoters/AnswersBytes.sol";
import {BurnsGasOnQuote} from "../../../../contracts/test/quoters/BurnsGasOnQuote.sol";
import {ChangesPrice} from "../../../../contracts/test/quoters/ChangesPrice.sol";
import {DependsOnPayer} from "../../../../contracts/test/quoters/DependsOnPayer.sol";
import {RevertsOnQuote} from "../../../../contracts/test/quoters/RevertsOnQuote.sol";
import {BlocksAddress} from "../../../../contracts/test/tokens/BlocksAddress.sol";
import {CallsBackWithAuthorization} from "../../../../contracts/test/tokens/CallsBackWithAuthorization.sol";
import {HonestToken} from "../../../../contracts/test/tokens/HonestToken.sol";
import {MovesNothing} from "../../../../contracts/test/tokens/MovesNothing.sol";
import {Pauses} from "../../../../contracts/test/tokens/Pauses.sol";
import {ReturnsFalse} from "../../../../contracts/test/tokens/ReturnsFalse.sol";
import {ReturnsFalseOnSuccess} from "../../../../contracts/test/tokens/ReturnsFalseOnSuccess.sol";
import {ReturnsNothing} from "../../../../contracts/test/tokens/ReturnsNothing.sol";
import {RevertsOnZero} from "../../../../contracts/test/tokens/RevertsOnZero.sol";
import {SilentAuthorization} from "../../../../contracts/test/tokens/SilentAuthorization.sol";
import {TakesFee} from "../../../../contracts/test/tokens/TakesFee.sol";
import {TakesFeeOnTop} from "../../../../contracts/test/tokens/TakesFeeOnTop.sol";
import {TakesFeeWithAuthorization} from "../../../../contracts/test/tokens/TakesFeeWithAuthorization.sol";
import {VrsOnly} from "../../../../contracts/test/tokens/VrsOnly.sol";
import {WeirdToken} from "../../../../contracts/test/tokens/WeirdToken.sol";

import {Actors} from "./Actors.sol";
import {vm} from "../support/Vm.sol";

/// @notice Tokens, coin and quoters, and what each of them does with a payment.
abstract contract Money is Actors {
    /// @dev What a token does when told to move. EXACT: that. LESS, MORE: 1 % is burned out of it or on top. NOTHING: says yes and
    /// moves nothing. REFUSES: returns false.
    enum Moves {
        EXACT,
        LESS,
        MORE,
        NOTHING,
        REFUSES
    }

    /// @dev How a token takes authorizations: not at all, as USDC, as v, r, s of a key, or without a look.
    enum Signed {
        NEVER,
        USDC,
        VRS,
        BLIND
    }

    address[] internal tokens;
    mapping(address token => Moves) internal movesOf;
    mapping(address token => Signed) internal signedOf;
    mapping(address token => mapping(address account => bool)) internal isBlocked;
    mapping(address token => uint256) internal forced;
    /// @dev What everybody should have.
    mapping(address token => mapping(address account => uint256)) internal moneyOf;
    bool internal isPaused;

    TestUSDC internal usdc;
    VrsOnly internal vrsOnly;
    BlocksAddress internal blocksAddress;
    Pauses internal pauses;
    CallsBackWithAuthorization internal callsBack;

    address[] internal quoters;
    ChangesPrice internal changesPrice;
    DependsOnPayer internal dependsOnPayer;
    VolumeDiscount internal volumeDiscount;

    function _setUpMoney() internal {
        _addToken(address(0), Moves.EXACT, Signed.NEVER);
        _addToken(address(usdc = new TestUSDC()), Moves.EXACT, Signed.USDC);
        _addToken(address(vrsOnly = new VrsOnly()), Moves.EXACT, Signed.VRS);
        _addToken(address(new SilentAuthorization()), Moves.EXACT, Signed.BLIND);
        _addToken(address(callsBack = new CallsBackWithAuthorization()), Moves.EXACT, Signed.BLIND);
        _addToken(address(new HonestToken()), Moves.EXACT, Signed.NEVER);
        _addToken(address(new ReturnsNothing()), Moves.EXACT, Signed.NEVER);
        _addToken(address(new RevertsOnZero()), Moves.EXACT, Signed.NEVER);
        _addToken(address(blocksAddress = new BlocksAddress()), Moves.EXACT, Signed.NEVER);
        _addToken(address(pauses = new Pauses()), Moves.EXACT, Signed.NEVER);
        _addToken(address(new TakesFeeWithAuthorization()), Moves.LESS, Signed.BLIND);
        _addToken(address(new TakesFee()), Moves.LESS, Signed.NEVER);
        _addToken(address(new TakesFeeOnTop()), Moves.MORE, Signed.NEVER);
        _addToken(address(new MovesNothing()), Moves.NOTHING, Signed.NEVER);
        _addToken(address(new ReturnsFalse()), Moves.REFUSES, Signed.NEVER);
        _addToken(address(new ReturnsFalseOnSuccess()), Moves.REFUSES, Signed.NEVER);

        Tier[] memory tiers = new Tier[](2);
        tiers[0] = Tier(1, 100);
        tiers[1] = Tier(4, 33);
        quoters.push(address(changesPrice = new ChangesPrice(1001)));
        quoters.push(address(dependsOnPayer = new DependsOnPayer()));
        quoters.push(address(volumeDiscount = new VolumeDiscount(tiers)));
        quoters.push(address(new RevertsOnQuote()));
        quoters.push(address(new BurnsGasOnQuote()));
        quoters.push(address(new AnswersBytes(31, bytes32(uint256(5)), false)));
        quoters.push(address(new AnswersBytes(32, bytes32(uint256(1) << 128), false)));
    }

    function _addToken(address token, Moves moves, Signed signed) private {
        tokens.push(token);
        movesOf[token] = moves;
        signedOf[token] = signed;
    }

    function _held(address token, address account) internal view returns (uint256) {
        return token == address(0) ? account.balance : WeirdToken(token).balanceOf(account);
    }

    function _fund(address token, address account, uint256 amount) internal {
        moneyOf[token][account] += amount;
        if (token == address(0)) vm.deal(account, account.balance + amount);
        else if (amount > 0) WeirdToken(token).mint(account, amount);
    }

    // ------------------------------------------------------------------ prices

    /// @dev The price of an order by hand, and whether there is one.
    function _price(PlanNote storage plan, address payer, uint256 quantity)
        internal
        view
        returns (bool named, uint256 cost)
    {
        address quoter = plan.quoter;
        if (quoter == address(0)) return (true, _sumOf(plan) * quantity);
        if (quoter == address(changesPrice)) return (true, changesPrice.price());
        if (quoter == address(dependsOnPayer)) {
            return (true, (dependsOnPayer.disliked(payer) ? 9000 : 1000) * quantity);
        }
        if (quoter == address(volumeDiscount)) return (true, (quantity < 4 ? 100 : 33) * quantity);
        return (false, 0);
    }

    function _sumOf(PlanNote storage plan) internal view returns (uint256 sum) {
        for (uint256 i; i < plan.splits.length; ++i) {
            sum += plan.splits[i].amount;
        }
    }

    // ------------------------------------------------------------------ payments

    struct Bill {
        address token;
        address from; // who pays the splits: the payer, or the contract after an authorization
        address[] to;
        uint256[] amounts;
        bool works;
        bool feeForgone;
    }

    /// @dev Who should be paid what for an order, worked out in the plainest way, and whether all of it can move.
    function _bill(PlanNote storage plan, address from, uint256 cost, address feeReceiver)
        internal
        view
        returns (Bill memory bill)
    {
        uint256 count = plan.splits.length;
        bill.token = plan.token;
        bill.from = from;
        bill.works = true;
        if (count == 0) return bill;
        bill.to = new address[](count + 1);
        bill.amounts = new uint256[](count + 1);
        (uint256 sum, uint256 rest, uint256 fees) = (_sumOf(plan), cost, 0);
        for (uint256 i = 1; i < count; ++i) {
            bill.amounts[i] = cost * plan.splits[i].amount / sum;
            rest -= bill.amounts[i];
        }
        bill.amounts[0] = rest;
        for (uint256 i; i < count; ++i) {
            bill.to[i] = plan.splits[i].receiver;
            uint256 fee = bill.amounts[i] * plan.feeBps / 10_000;
            bill.amounts[i] -= fee;
            fees += fee;
        }
        bill.amounts[count] = fees;
        bill.to[count] = feeReceiver;
        if (fees > 0 && (feeReceiver == address(0) || !_canMove(bill.token, from, feeReceiver))) {
            (bill.feeForgone, bill.to[count]) = (true, bill.to[0]);
        }
        for (uint256 i; i <= count; ++i) {
            if (bill.amounts[i] > 0 && !_canMove(bill.token, from, bill.to[i])) bill.works = false;
        }
    }

    function _canMove(address token, address from, address to) internal view returns (bool) {
        if (token == address(0)) return !takesNoCoin[to];
        if (movesOf[token] == Moves.REFUSES) return false;
        if (token == address(pauses)) return !isPaused;
        return !isBlocked[token][from] && !isBlocked[token][to];
    }

    // ------------------------------------------------------------------ books of money

    /// @dev What everybody should have before a call, by the books: money that an earlier call moved by mistake is found out here.
    function _holdings(address token) internal view returns (uint256[] memory amounts) {
        amounts = new uint256[](parties.length);
        for (uint256 i; i < amounts.length; ++i) {
            amounts[i] = moneyOf[token][parties[i]];
        }
    }

    /// @dev Applies a transfer to a list of holdings as the token would.
    function _transfer(uint256[] memory amounts, address token, address from, address to, uint256 amount)
        internal
        view
    {
        Moves moves = movesOf[token];
        if (moves == Moves.NOTHING || amount == 0) return;
        uint256 lost = moves == Moves.EXACT ? 0 : amount / 100;
        amounts[partyOf[from] - 1] -= moves == Moves.MORE ? amount + lost : amount;
        amounts[partyOf[to] - 1] += moves == Moves.LESS ? amount - lost : amount;
    }

    function _pay(uint256[] memory amounts, Bill memory bill) internal view {
        for (uint256 i; i < bill.to.length; ++i) {
            _transfer(amounts, bill.token, bill.from, bill.to[i], bill.amounts[i]);
        }
    }

    /// @dev I1 and I6: everybody has what they should have after this call, the contract included.
    function _checkHoldings(string memory call, PlanNote storage plan, uint256[] memory expected) internal {
        for (uint256 i; i < expected.length; ++i) {
            moneyOf[plan.token][parties[i]] = expected[i];
            uint256 held = _held(plan.token, parties[i]);
            if (held == expected[i]) continue;
            _same(
                held,
                expected[i],
                string.concat("I6 ", call, " of ", _name(plan), ", money of ", vm.toString(parties[i]))
            );
        }
    }
}
