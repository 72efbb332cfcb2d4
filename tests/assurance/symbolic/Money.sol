// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Split, Terms} from "../../../contracts/credits/ICredits.sol";
import {IQuoter} from "../../../contracts/credits/IQuoter.sol";
import {Setting} from "./Setting.sol";

/// @notice Names any price it was told.
contract AnyPrice is IQuoter {
    uint256 private price;

    function set(uint256 newPrice) external {
        price = newPrice;
    }

    function quote(uint256, address, uint256) external view returns (uint256) {
        return price;
    }
}

/// @notice Where the money of an order goes. Prices add up to powers of two, which the solver divides by more easily.
abstract contract Money is Setting {
    address internal constant FIRST = address(0x5e11);
    address internal constant SECOND = address(0x5e12);
    address internal constant THIRD = address(0x5e13);
    address internal constant FEES = address(0xfee5);
    address internal constant PAYER = address(0xba1d);

    function setUp() public override {
        super.setUp();
        vm.prank(PAYER);
        token.approve(address(credits), type(uint256).max);
    }

    function _terms() internal view virtual override returns (Terms memory terms) {
        terms = super._terms();
        terms.credits = 1;
        terms.splits = new Split[](3);
        terms.splits[0] = Split(FIRST, 9);
        terms.splits[1] = Split(SECOND, 4);
        terms.splits[2] = Split(THIRD, 3);
    }
}

/// @notice With a fixed price in a token, shared by three.
contract MoneyOfTokenProofs is Money {
    /// @notice Of a fixed price each receiver gets exactly its split, the payer pays exactly their sum and no more than the maximum,
    /// and the contract keeps what it had: for every quantity, maximum, wealth and money that lies in the contract.
    /// @dev I1, I6, C28, C29
    function check_order__threeReceivers__exact(uint256 quantity, uint256 maxCost, uint128 money, uint128 held) public {
        token.mint(PAYER, money);
        token.mint(address(credits), held);
        vm.prank(PAYER);
        uint256 cost = credits.order(planId, HOLDER, quantity, maxCost);
        assert(quantity > 0 && quantity <= type(uint32).max);
        assert(cost == 16 * quantity && cost <= maxCost);
        assert(token.balanceOf(PAYER) == money - cost);
        assert(token.balanceOf(address(credits)) == held);
        assert(token.balanceOf(FIRST) == 9 * quantity);
        assert(token.balanceOf(SECOND) == 4 * quantity);
        assert(token.balanceOf(THIRD) == 3 * quantity);
        assert(credits.balanceOf(HOLDER, planId) == quantity);
    }
}

/// @notice With the protocol's highest fee.
contract MoneyOfFeeProofs is Money {
    function _beforePlan() internal override {
        vm.prank(FEE_OWNER);
        credits.setProtocolFee(1000, FEES);
    }

    function _terms() internal view override returns (Terms memory terms) {
        terms = super._terms();
        terms.splits = new Split[](1);
        terms.splits[0] = Split(FIRST, 9);
    }

    /// @notice The fee receiver gets exactly the fee, rounded down, the receiver all the rest, the payer pays no more for it, and
    /// the contract keeps what it had; for quantities up to 255.
    /// @dev I1, I6, C29
    function check_order__fee__exact(uint8 quantity) public {
        token.mint(PAYER, 1e18);
        token.mint(address(credits), 3);
        vm.prank(PAYER);
        uint256 cost = credits.order(planId, HOLDER, quantity, type(uint256).max);
        assert(cost == 9 * uint256(quantity));
        uint256 fee = token.balanceOf(FEES);
        assert(fee == cost / 10);
        assert(token.balanceOf(FIRST) == cost - fee);
        assert(token.balanceOf(PAYER) == 1e18 - cost);
        assert(token.balanceOf(address(credits)) == 3);
    }
}

/// @notice With a fixed price in the chain's coin.
contract MoneyOfCoinProofs is Money {
    function _terms() internal view override returns (Terms memory terms) {
        terms = super._terms();
        terms.token = address(0);
        terms.splits = new Split[](1);
        terms.splits[0] = Split(FIRST, 8);
    }

    /// @notice Of a price in coin all arrives and none stays in the contract, and another value than the cost is refused.
    /// @dev I1, I6
    function check_order__coin__exact(uint256 quantity, uint96 money, uint96 held, uint96 value) public {
        vm.deal(PAYER, money);
        vm.deal(address(credits), held);
        vm.assume(value <= money);
        vm.prank(PAYER);
        uint256 cost = credits.order{value: value}(planId, HOLDER, quantity, type(uint256).max);
        assert(value == cost && cost == 8 * quantity);
        assert(PAYER.balance == money - cost);
        assert(address(credits).balance == held);
        assert(FIRST.balance == cost);
    }
}

/// @notice With a quoted price.
contract MoneyOfQuoteProofs is Money {
    AnyPrice private quoter;

    function _beforePlan() internal override {
        quoter = new AnyPrice();
    }

    function _terms() internal view override returns (Terms memory terms) {
        terms = super._terms();
        terms.quoter = address(quoter);
    }

    /// @notice Whatever price a quoter names: the payer pays it exactly and no more than the maximum, and the receivers get all of it,
    /// to the last base unit.
    /// @dev I1, I6, C28, C29
    function check_order__quoted__exact(uint256 price, uint256 maxCost, uint160 money) public {
        quoter.set(price);
        token.mint(PAYER, money);
        vm.prank(PAYER);
        uint256 cost = credits.order(planId, HOLDER, 1, maxCost);
        assert(cost == price && cost <= maxCost);
        assert(token.balanceOf(PAYER) == money - cost);
        assert(token.balanceOf(address(credits)) == 0);
        assert(token.balanceOf(FIRST) + token.balanceOf(SECOND) + token.balanceOf(THIRD) == cost);
        assert(token.balanceOf(SECOND) == cost / 4);
    }
}
