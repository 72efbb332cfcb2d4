// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC1155Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import {
    ICredits,
    PlanKind,
    SettlementOutcome,
    SettlementResult,
    Settlement,
    OrderAuthorization,
    Split,
    Terms
} from "../../../../contracts/credits/ICredits.sol";
import {AnswersBytes} from "../../../../contracts/test/quoters/AnswersBytes.sol";
import {RevertsOnQuote} from "../../../../contracts/test/quoters/RevertsOnQuote.sol";
import {EvilWallet} from "../../../../contracts/test/receivers/EvilWallet.sol";
import {TakesFeeWithAuthorization} from "../../../../contracts/test/tokens/TakesFeeWithAuthorization.sol";
import {HonestToken} from "../../../../contracts/test/tokens/HonestToken.sol";
import {vm} from "../support/Vm.sol";
import {Fixture} from "./Fixture.sol";

/// @notice What the campaign meets seldom: refusals, each on purpose, and what is done where something cannot be delivered.
contract RefusalsTest is Fixture {
    function _expect(bytes4 error, uint256 planId) private {
        vm.expectRevert(abi.encodeWithSelector(error, planId));
    }

    function _usage() private returns (uint256) {
        Terms memory terms;
        terms.kind = PlanKind.USAGE;
        return _register(terms);
    }

    function _onPurchase() private returns (uint256) {
        Terms memory terms;
        (terms.kind, terms.credits, terms.duration) = (PlanKind.TIME, 1, 60);
        return _register(terms);
    }

    function test_mint__onAUsagePlan__reverts() external {
        uint256 planId = _usage();
        vm.prank(BUILDER);
        vm.expectRevert(abi.encodeWithSelector(ICredits.WrongKind.selector, planId, PlanKind.USAGE));
        credits.mint(planId, HOLDER, 1);
    }

    /// @dev I3: what an owner allowed ends with their ownership.
    function test_acceptPlanOwnership__byAnother__endsWhatWasAllowed() external {
        uint256 planId = _register(_terms());
        vm.prank(BUILDER);
        credits.setMinter(planId, HOLDER, true);
        vm.prank(BUILDER);
        credits.setRedeemer(planId, HOLDER, true);
        vm.prank(BUILDER);
        credits.transferPlanOwnership(planId, STRANGER);
        vm.prank(STRANGER);
        credits.acceptPlanOwnership(planId);
        _check(!credits.isMinter(planId, HOLDER) && !credits.isRedeemer(planId, HOLDER), "still allowed");
        vm.prank(HOLDER);
        vm.expectRevert(abi.encodeWithSelector(ICredits.NotMinter.selector, planId, HOLDER));
        credits.mint(planId, HOLDER, 1);
    }

    function test_order__ofWhatIsNotForSale__reverts() external {
        Terms memory terms = _terms();
        terms.paidExternally = true;
        uint256 planId = _register(terms);
        _expect(ICredits.PaidExternally.selector, planId);
        credits.order(planId, HOLDER, 1, 0);
        planId = _register(_terms());
        vm.prank(BUILDER);
        credits.setPlanActive(planId, false);
        _expect(ICredits.PlanNotActive.selector, planId);
        credits.order(planId, HOLDER, 1, 0);
    }

    function test_quote__ofWhatIsNoPrice__reverts() external {
        address[3] memory quoters = [
            address(new RevertsOnQuote()),
            address(new AnswersBytes(31, bytes32(uint256(5)), false)),
            address(new AnswersBytes(32, bytes32(uint256(1) << 128), false))
        ];
        Terms memory terms = _terms();
        terms.splits = new Split[](1);
        terms.splits[0] = Split(STRANGER, 1);
        for (uint256 i; i < quoters.length; ++i) {
            terms.quoter = quoters[i];
            uint256 planId = _register(terms);
            vm.expectRevert(abi.encodeWithSelector(ICredits.QuoteFailed.selector, planId, quoters[i]));
            credits.quote(planId, HOLDER, 1);
        }
        terms.quoter = address(new AnswersBytes(32, bytes32(uint256(type(uint128).max)), false));
        _same(credits.quote(_register(terms), HOLDER, 1), type(uint128).max, "the highest price");
    }

    /// @dev I6: a fee that nobody is there to receive goes to the first receiver.
    function test_order__withoutAFeeReceiver__paysTheFirstReceiver() external {
        vm.prank(OWNER);
        credits.setProtocolFee(1000, STRANGER);
        Terms memory terms = _terms();
        terms.splits = new Split[](1);
        terms.splits[0] = Split(BUILDER, 100);
        uint256 planId = _register(terms);
        vm.prank(OWNER);
        credits.setProtocolFee(0, address(0));
        vm.deal(HOLDER, 100);
        vm.prank(HOLDER);
        credits.order{value: 100}(planId, HOLDER, 1, 100);
        _same(BUILDER.balance, 100, "I6 coin of the first receiver");
    }

    function _priced(address token) private returns (uint256) {
        Terms memory terms = _terms();
        terms.token = token;
        terms.splits = new Split[](1);
        terms.splits[0] = Split(STRANGER, 1000);
        return _register(terms);
    }

    /// @dev I1, I6: also where the contract has coin of its own that it could pay with.
    function testFuzz_order__withAnyValueAndMaxCost__takesTheExactPriceOnly(uint256 value, uint256 maxCost) external {
        (value, maxCost) = (_bound(value, 998, 1002), _bound(maxCost, 998, 1002));
        uint256 planId = _priced(address(0));
        vm.deal(address(credits), 1e18);
        vm.deal(HOLDER, value);
        if (maxCost < 1000) vm.expectRevert(abi.encodeWithSelector(ICredits.CostAboveMax.selector, 1000, maxCost));
        else if (value != 1000) vm.expectRevert(abi.encodeWithSelector(ICredits.WrongValue.selector, 1000, value));
        vm.prank(HOLDER);
        credits.order{value: value}(planId, HOLDER, 1, maxCost);
        _same(address(credits).balance, 1e18, "I1 coin of the contract");
    }

    /// @dev I6: an authorization that brings less than was signed is none.
    function test_orderWithAuthorization__thatBringsLess__reverts() external {
        TakesFeeWithAuthorization token = new TakesFeeWithAuthorization();
        token.mint(HOLDER, 1000);
        token.mint(address(credits), 1000);
        OrderAuthorization memory order;
        (order.planId, order.payer, order.receiver) = (_priced(address(token)), HOLDER, HOLDER);
        (order.quantity, order.maxCost) = (1, 1000);
        vm.expectRevert(abi.encodeWithSelector(ICredits.AuthorizationFailed.selector, address(token), HOLDER, 1000));
        credits.orderWithAuthorization(order, "");
        _same(token.balanceOf(address(credits)), 1000, "I1 tokens of the contract");
    }

    function test_setProtocolFee__aboveTheCapOrToNobody__reverts() external {
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(ICredits.FeeAboveCap.selector, 1001, 1000));
        credits.setProtocolFee(1001, STRANGER);
        address[2] memory nobody = [address(0), address(credits)];
        for (uint256 i; i < 2; ++i) {
            vm.prank(OWNER);
            vm.expectRevert(abi.encodeWithSelector(ICredits.InvalidFeeReceiver.selector, nobody[i]));
            credits.setProtocolFee(1000, nobody[i]);
        }
    }

    function test_batches__ofUnequalLengths__revert() external {
        uint256 planId = _register(_terms());
        bytes memory error = abi.encodeWithSelector(IERC1155Errors.ERC1155InvalidArrayLength.selector, 1, 2);
        vm.prank(BUILDER);
        vm.expectRevert(error);
        credits.mintBatch(planId, new address[](1), new uint256[](2));
        vm.prank(HOLDER);
        vm.expectRevert(error);
        credits.safeBatchTransferFrom(HOLDER, STRANGER, new uint256[](1), new uint256[](2), "");
    }

    function test_safeTransferFrom__toNobody__reverts() external {
        vm.prank(HOLDER);
        vm.expectRevert(abi.encodeWithSelector(IERC1155Errors.ERC1155InvalidReceiver.selector, address(0)));
        credits.safeTransferFrom(HOLDER, address(0), 1, 1, "");
    }

    function test_burn__ofNothingOrTooMuch__reverts() external {
        uint256 planId = _onPurchase();
        _mint(planId, HOLDER, 2);
        vm.prank(HOLDER);
        vm.expectRevert(abi.encodeWithSelector(ICredits.ZeroAmount.selector));
        credits.burn(planId, HOLDER, 0);
        vm.prank(HOLDER);
        vm.expectRevert(abi.encodeWithSelector(ICredits.InsufficientCredits.selector, planId, HOLDER, 2, 3));
        credits.burn(planId, HOLDER, 3);
    }

    function test_mint__ofMorePeriodsThanThereAre__reverts() external {
        uint256 planId = _onPurchase();
        uint256 most = type(uint64).max;
        vm.prank(BUILDER);
        vm.expectRevert(abi.encodeWithSelector(ICredits.CreditsOverflow.selector, planId, HOLDER, most + 1));
        credits.mint(planId, HOLDER, most + 1);
        _mint(planId, HOLDER, most);
        _same(credits.balanceOf(HOLDER, planId), most, "periods");
    }

    function test_redeem__onATimePlanFromPurchase__reverts() external {
        uint256 planId = _onPurchase();
        (bool ok, bytes4 reason) = credits.canRedeem(planId, HOLDER, 1);
        _check(!ok && reason == ICredits.NotRedeemable.selector, "canRedeem");
        vm.prank(HOLDER);
        _expect(ICredits.NotRedeemable.selector, planId);
        credits.redeem(planId, HOLDER, 1, 0);
    }

    function test_orderWithAuthorization__ofNothingOrForCoin__reverts() external {
        Terms memory terms = _terms();
        OrderAuthorization memory order;
        (order.planId, order.payer, order.receiver, order.quantity) = (_register(terms), HOLDER, HOLDER, 1);
        vm.expectRevert(abi.encodeWithSelector(ICredits.TokenWithoutCode.selector, address(0)));
        credits.orderWithAuthorization(order, "");
        terms.token = address(new HonestToken());
        order.planId = _register(terms);
        vm.expectRevert(abi.encodeWithSelector(ICredits.AuthorizationFailed.selector, terms.token, HOLDER, 0));
        credits.orderWithAuthorization(order, "");
    }

    /// @dev I4, I9: a settlement leaves behind the lots that have expired.
    function test_settle__afterALotExpired__takesOfTheNext() external {
        Terms memory terms = _terms();
        terms.duration = 100;
        uint256 planId = _register(terms);
        address holder = address(new EvilWallet());
        _mint(planId, holder, 5);
        vm.warp(block.timestamp + 60);
        _mint(planId, holder, 7);
        vm.warp(block.timestamp + 40);
        Settlement[] memory items = new Settlement[](1);
        items[0] = Settlement(holder, 20, 20, 0, uint64(block.timestamp), "");
        vm.prank(BUILDER);
        SettlementOutcome[] memory outcomes = credits.settle(planId, items);
        _same(outcomes[0].amount, 7, "credits settled");
        _same(uint8(outcomes[0].result), uint8(SettlementResult.SHORT), "result");
        _same(credits.balanceOf(holder, planId), 0, "balance");
    }
}
