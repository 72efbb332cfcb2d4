// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice A plain ERC-20 that anyone can mint, for the tokens beside it to change in one thing.
/// @dev For tests only. An allowance of 2^256-1 is infinite and is not spent.
abstract contract WeirdToken {
    event Transfer(address indexed from, address indexed to, uint256 amount);
    event Approval(address indexed owner, address indexed spender, uint256 amount);

    error InsufficientBalance(address account, uint256 available, uint256 required);
    error InsufficientAllowance(address owner, address spender, uint256 available, uint256 required);

    mapping(address owner => mapping(address spender => uint256)) public allowance;
    mapping(address account => uint256) internal _balances;
    uint256 internal _supply;

    function name() external view virtual returns (string memory) {
        return "Weird Token";
    }

    function symbol() external view virtual returns (string memory) {
        return "WEIRD";
    }

    function decimals() external view virtual returns (uint8) {
        return 18;
    }

    function totalSupply() external view virtual returns (uint256) {
        return _supply;
    }

    function balanceOf(address account) public view virtual returns (uint256) {
        return _balances[account];
    }

    function mint(address to, uint256 amount) external virtual {
        _supply += amount;
        _balances[to] += amount;
        emit Transfer(address(0), to, amount);
    }

    function approve(address spender, uint256 amount) external virtual returns (bool) {
        _approve(spender, amount);
        return true;
    }

    function transfer(address to, uint256 amount) external virtual returns (bool) {
        _move(msg.sender, to, amount);
        return true;
    }

    function transferFrom(address from, address to, uint256 amount) external virtual returns (bool) {
        _spendAllowance(from, amount);
        _move(from, to, amount);
        return true;
    }

    function _approve(address spender, uint256 amount) internal {
        allowance[msg.sender][spender] = amount;
        emit Approval(msg.sender, spender, amount);
    }

    function _spendAllowance(address owner, uint256 amount) internal {
        uint256 available = allowance[owner][msg.sender];
        if (available == type(uint256).max) return;
        if (amount > available) revert InsufficientAllowance(owner, msg.sender, available, amount);
        allowance[owner][msg.sender] = available - amount;
    }

    function _move(address from, address to, uint256 amount) internal virtual {
        _take(from, amount);
        _balances[to] += amount;
        emit Transfer(from, to, amount);
    }

    function _take(address from, uint256 amount) internal {
        uint256 available = _balances[from];
        if (amount > available) revert InsufficientBalance(from, available, amount);
        _balances[from] = available - amount;
    }
}
