// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {WeirdToken} from "./WeirdToken.sol";

/// @notice Keeps shares and shows balances that grow and shrink with an index, rounding down, as stETH and AMPL do.
contract Rebases is WeirdToken {
    uint256 public constant UNIT = 1e18;

    uint256 public index = UNIT;

    /// @notice Sets the base units that 1e18 shares are worth: 1.1e18 adds a tenth to every balance, 0.9e18 takes it.
    function setIndex(uint256 newIndex) external {
        index = newIndex;
    }

    function mint(address to, uint256 amount) external override {
        uint256 shares = _sharesDown(amount);
        _supply += shares;
        _balances[to] += shares;
        emit Transfer(address(0), to, amount);
    }

    function totalSupply() external view override returns (uint256) {
        return _supply * index / UNIT;
    }

    function balanceOf(address account) public view override returns (uint256) {
        return _balances[account] * index / UNIT;
    }

    function _move(address from, address to, uint256 amount) internal override {
        uint256 shares = _sharesDown(amount);
        _take(from, shares);
        _balances[to] += shares;
        emit Transfer(from, to, amount);
    }

    function _sharesDown(uint256 amount) private view returns (uint256) {
        return amount * UNIT / index;
    }
}
