// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICredits, Split, Terms} from "../../contracts/interfaces/ICredits.sol";
import {IQuoter} from "../../contracts/interfaces/IQuoter.sol";
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

/// @notice Where the money of an order goes, on a plan with three receivers and the protocol's highest fee.
abstract contract Money is Setting {
    address internal constant FIRST = address(0x5e11);
    address internal constant SECOND = address(0x5e12);
    address internal constant THIRD = address(0x5e13);
    address internal constant FEES = address(0xfee5);
    address internal constant PAYER = address(0xba1d);

    function setUp() public virtual override {
        super.setUp();
        vm.prank(PAYER);
        token.approve(address(credits), type(uint256).max);
    }

    function _beforePlan() internal virtual override {
        vm.prank(FEE_OWNER);
        credits.setProtocolFee(1000, FEES);
    }

    function _terms() internal view virtual override returns (Terms memory terms) {
        terms = super._terms();
        terms.credits = 1;
        terms.splits = new Split[](3);
        terms.splits[0] = Split(FIRST, 7);
        terms.splits[1] = Split(SECOND, 5);
        terms.splits[2] = Split(THIRD, 1);
    }

    function _balance(address account) internal view virtual returns (uint256) {
        return token.balanceOf(account);
    }

    /// @dev All that was paid has come, and the payer paid no more.
    function _checkSum(uint256 money, uint256 held, uint256 cost) internal view {
        assert(_balance(PAYER) == money - cost);
        assert(_balance(address(credits)) == held);
        assert(_balance(FIRST) + _balance(SECOND) + _balance(THIRD) + _balance(FEES) == cost);
    }
}

/// @notice With a fixed price in a token.
contract MoneyOfTokenProofs is Money {
    /// @notice Of a fixed price each receiver gets exactly its split, the fee receiver exactly the fee, and the payer pays their sum;
    /// the contract keeps what it had. For every quantity, maximum, wealth and money that lies in the contract.
    /// @dev I1, I6, C29
    function check_order__fixedPrice__exact(uint256 quantity, uint256 maxCost, uint128 money, uint128 held) public {
        token.mint(PAYER, money);
        token.mint(address(credits), held);
        vm.prank(PAYER);
        uint256 cost = credits.order(planId, HOLDER, quantity, maxCost);
        assert(cost == 13 * quantity && cost <= maxCost);
        assert(credits.balanceOf(HOLDER, planId) == quantity);
        assert(_balance(PAYER) == money - cost);
        assert(_balance(address(credits)) == held);
        assert(_balance(FIRST) == 7 * quantity - 7 * quantity * 1000 / 10_000);
        assert(_balance(SECOND) == 5 * quantity - 5 * quantity * 1000 / 10_000);
        assert(_balance(THIRD) == quantity - quantity * 1000 / 10_000);
        assert(_balance(FEES) == 7 * quantity * 1000 / 10_000 + 5 * quantity * 1000 / 10_000 + quantity * 1000 / 10_000);
    }
}

/// @notice With a fixed price in the chain's coin.
contract MoneyOfCoinProofs is Money {
    function _terms() internal view override returns (Terms memory terms) {
        terms = super._terms();
        terms.token = address(0);
    }

    function _balance(address account) internal view override returns (uint256) {
        return account.balance;
    }

    /// @notice Of a price in coin all arrives, none stays in the contract, and another value than the cost is refused.
    /// @dev I1, I6
    function check_order__coin__exact(uint256 quantity, uint96 money, uint96 held, uint96 value) public {
        vm.deal(PAYER, money);
        vm.deal(address(credits), held);
        vm.assume(value <= money);
        vm.prank(PAYER);
        uint256 cost = credits.order{value: value}(planId, HOLDER, quantity, type(uint256).max);
        assert(value == cost && cost == 13 * quantity);
        _checkSum(money, held, cost);
    }
}

/// @notice With a quoted price.
contract MoneyOfQuoteProofs is Money {
    AnyPrice private quoter;

    function _beforePlan() internal override {
        super._beforePlan();
        quoter = new AnyPrice();
    }

    function _terms() internal view override returns (Terms memory terms) {
        terms = super._terms();
        terms.quoter = address(quoter);
    }

    /// @notice Whatever price a quoter names: the payer pays it exactly and no more than the maximum, and the receivers and the fee
    /// receiver get all of it, to the last base unit.
    /// @dev I1, I6, C28, C29
    function check_order__quoted__exact(uint256 price, uint256 maxCost, uint160 money) public {
        quoter.set(price);
        token.mint(PAYER, money);
        vm.prank(PAYER);
        uint256 cost = credits.order(planId, HOLDER, 1, maxCost);
        assert(cost == price && cost <= maxCost);
        _checkSum(money, 0, cost);
    }
}
