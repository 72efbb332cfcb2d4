// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

/// @title A stand-in for USDC
/// @notice Behaves as Circle's FiatToken v2.2 does, to the error message, on chains that have no USDC.
/// @dev For tests only. Warning: {mint} is open to everyone and without limit, which is the one thing it does otherwise than USDC.
/// Left out are the proxy, minters, rescuer and changes of roles: whoever deploys it keeps every role.
/// Like USDC it spends infinite allowances too, emits no Approval in {transferFrom}, and blocks itself as an account.
contract TestUSDC {
    /// @notice Emitted when tokens move; from the zero address when they are minted.
    event Transfer(address indexed from, address indexed to, uint256 value);
    /// @notice Emitted when an allowance is set.
    event Approval(address indexed owner, address indexed spender, uint256 value);
    /// @notice Emitted when tokens are minted.
    event Mint(address indexed minter, address indexed to, uint256 amount);
    /// @notice Emitted when an authorization is used.
    event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce);
    /// @notice Emitted when an authorization is canceled before it was used.
    event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce);
    /// @notice Emitted when an account is blocked.
    event Blacklisted(address indexed account);
    /// @notice Emitted when an account is not blocked any more.
    event UnBlacklisted(address indexed account);
    /// @notice Emitted when the token is paused.
    event Pause();
    /// @notice Emitted when the token goes on.
    event Unpause();

    string public constant name = "USDC";
    string public constant symbol = "USDC";
    string public constant currency = "USD";
    string public constant version = "2";
    uint8 public constant decimals = 6;

    bytes32 public constant PERMIT_TYPEHASH =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
    bytes32 public constant TRANSFER_WITH_AUTHORIZATION_TYPEHASH = keccak256(
        "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );
    bytes32 public constant RECEIVE_WITH_AUTHORIZATION_TYPEHASH = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );
    bytes32 public constant CANCEL_AUTHORIZATION_TYPEHASH =
        keccak256("CancelAuthorization(address authorizer,bytes32 nonce)");

    /// @dev Marks an account as blocked, in the same slot as its balance.
    uint256 private constant _BLOCKED = 1 << 255;

    address public immutable owner;
    address public immutable pauser;
    address public immutable blacklister;

    bool public paused;
    uint256 public totalSupply;
    mapping(address owner => mapping(address spender => uint256)) public allowance;
    mapping(address owner => uint256) public nonces;
    mapping(address authorizer => mapping(bytes32 nonce => bool)) public authorizationState;
    mapping(address account => uint256) private _balances;

    constructor() {
        owner = msg.sender;
        pauser = msg.sender;
        blacklister = msg.sender;
        _balances[address(this)] = _BLOCKED;
    }

    modifier whenNotPaused() {
        require(!paused, "Pausable: paused");
        _;
    }

    modifier notBlacklisted(address account) {
        require(!isBlacklisted(account), "Blacklistable: account is blacklisted");
        _;
    }

    modifier onlyPauser() {
        require(msg.sender == pauser, "Pausable: caller is not the pauser");
        _;
    }

    modifier onlyBlacklister() {
        require(msg.sender == blacklister, "Blacklistable: caller is not the blacklister");
        _;
    }

    // ------------------------------------------------------------------ the issuer

    /// @notice Makes tokens out of nothing, for whoever asks.
    function mint(address to, uint256 amount)
        external
        whenNotPaused
        notBlacklisted(msg.sender)
        notBlacklisted(to)
        returns (bool)
    {
        require(to != address(0), "FiatToken: mint to the zero address");
        require(amount > 0, "FiatToken: mint amount not greater than 0");
        totalSupply = _sum(totalSupply, amount);
        _setBalance(to, _sum(balanceOf(to), amount));
        emit Mint(msg.sender, to, amount);
        emit Transfer(address(0), to, amount);
        return true;
    }

    /// @notice Stops every movement, allowance and authorization.
    function pause() external onlyPauser {
        paused = true;
        emit Pause();
    }

    /// @notice Lets the token go on.
    function unpause() external onlyPauser {
        paused = false;
        emit Unpause();
    }

    /// @notice Blocks an account: it can neither send nor receive nor move what others allowed it.
    function blacklist(address account) external onlyBlacklister {
        _balances[account] |= _BLOCKED;
        emit Blacklisted(account);
    }

    /// @notice Ends the block of an account.
    function unBlacklist(address account) external onlyBlacklister {
        _balances[account] &= ~_BLOCKED;
        emit UnBlacklisted(account);
    }

    // ------------------------------------------------------------------ ERC-20

    /// @notice Moves the caller's tokens.
    function transfer(address to, uint256 value)
        external
        whenNotPaused
        notBlacklisted(msg.sender)
        notBlacklisted(to)
        returns (bool)
    {
        _transfer(msg.sender, to, value);
        return true;
    }

    /// @notice Moves tokens that the caller was allowed to move.
    function transferFrom(address from, address to, uint256 value)
        external
        whenNotPaused
        notBlacklisted(msg.sender)
        notBlacklisted(from)
        notBlacklisted(to)
        returns (bool)
    {
        require(value <= allowance[from][msg.sender], "ERC20: transfer amount exceeds allowance");
        _transfer(from, to, value);
        allowance[from][msg.sender] -= value;
        return true;
    }

    /// @notice Sets what a spender may move of the caller's tokens.
    function approve(address spender, uint256 value) external whenNotPaused returns (bool) {
        _approve(msg.sender, spender, value);
        return true;
    }

    /// @notice Raises what a spender may move of the caller's tokens.
    function increaseAllowance(address spender, uint256 increment) external whenNotPaused returns (bool) {
        _approve(msg.sender, spender, _sum(allowance[msg.sender][spender], increment));
        return true;
    }

    /// @notice Lowers what a spender may move of the caller's tokens.
    function decreaseAllowance(address spender, uint256 decrement) external whenNotPaused returns (bool) {
        uint256 allowed = allowance[msg.sender][spender];
        require(decrement <= allowed, "ERC20: decreased allowance below zero");
        _approve(msg.sender, spender, allowed - decrement);
        return true;
    }

    // ------------------------------------------------------------------ EIP-2612

    /// @notice Sets an allowance that the owner has signed.
    function permit(address holder, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
        whenNotPaused
    {
        _permit(holder, spender, value, deadline, abi.encodePacked(r, s, v));
    }

    /// @notice Sets an allowance that the owner has signed, be it a key or an ERC-1271 wallet.
    function permit(address holder, address spender, uint256 value, uint256 deadline, bytes memory signature)
        external
        whenNotPaused
    {
        _permit(holder, spender, value, deadline, signature);
    }

    // ------------------------------------------------------------------ EIP-3009

    /// @notice Moves tokens as their owner has signed; anyone may call.
    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external whenNotPaused notBlacklisted(from) notBlacklisted(to) {
        bytes32 structHash = _authorizationHash(
            TRANSFER_WITH_AUTHORIZATION_TYPEHASH, from, to, value, validAfter, validBefore, nonce
        );
        _useAuthorization(structHash, from, validAfter, validBefore, nonce, abi.encodePacked(r, s, v));
        _transfer(from, to, value);
    }

    /// @notice Moves tokens as their owner has signed, be it a key or an ERC-1271 wallet; anyone may call.
    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes memory signature
    ) external whenNotPaused notBlacklisted(from) notBlacklisted(to) {
        bytes32 structHash = _authorizationHash(
            TRANSFER_WITH_AUTHORIZATION_TYPEHASH, from, to, value, validAfter, validBefore, nonce
        );
        _useAuthorization(structHash, from, validAfter, validBefore, nonce, signature);
        _transfer(from, to, value);
    }

    /// @notice Moves tokens to the caller as their owner has signed; nobody but the receiver may call.
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external whenNotPaused notBlacklisted(from) notBlacklisted(to) {
        require(to == msg.sender, "FiatTokenV2: caller must be the payee");
        bytes32 structHash =
            _authorizationHash(RECEIVE_WITH_AUTHORIZATION_TYPEHASH, from, to, value, validAfter, validBefore, nonce);
        _useAuthorization(structHash, from, validAfter, validBefore, nonce, abi.encodePacked(r, s, v));
        _transfer(from, to, value);
    }

    /// @notice Moves tokens to the caller as their owner has signed, be it a key or an ERC-1271 wallet.
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes memory signature
    ) external whenNotPaused notBlacklisted(from) notBlacklisted(to) {
        require(to == msg.sender, "FiatTokenV2: caller must be the payee");
        bytes32 structHash =
            _authorizationHash(RECEIVE_WITH_AUTHORIZATION_TYPEHASH, from, to, value, validAfter, validBefore, nonce);
        _useAuthorization(structHash, from, validAfter, validBefore, nonce, signature);
        _transfer(from, to, value);
    }

    /// @notice Makes an unused authorization useless, as its signer has signed.
    function cancelAuthorization(address authorizer, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)
        external
        whenNotPaused
    {
        _cancelAuthorization(authorizer, nonce, abi.encodePacked(r, s, v));
    }

    /// @notice Makes an unused authorization useless, as its signer has signed, be it a key or an ERC-1271 wallet.
    function cancelAuthorization(address authorizer, bytes32 nonce, bytes memory signature) external whenNotPaused {
        _cancelAuthorization(authorizer, nonce, signature);
    }

    // ------------------------------------------------------------------ reads

    /// @notice Returns an account's tokens, in base units.
    function balanceOf(address account) public view returns (uint256) {
        return _balances[account] & ~_BLOCKED;
    }

    /// @notice Returns whether an account is blocked.
    function isBlacklisted(address account) public view returns (bool) {
        return _balances[account] & _BLOCKED != 0;
    }

    /// @notice Returns the EIP-712 domain separator, for the chain id of the moment.
    function DOMAIN_SEPARATOR() public view returns (bytes32) {
        // 0x0f: name, version, chain id and verifying contract
        return MessageHashUtils.toDomainSeparator(hex"0f", name, version, block.chainid, address(this), 0);
    }

    // ------------------------------------------------------------------ within

    function _transfer(address from, address to, uint256 value) private {
        require(from != address(0), "ERC20: transfer from the zero address");
        require(to != address(0), "ERC20: transfer to the zero address");
        require(value <= balanceOf(from), "ERC20: transfer amount exceeds balance");
        _setBalance(from, balanceOf(from) - value);
        _setBalance(to, _sum(balanceOf(to), value));
        emit Transfer(from, to, value);
    }

    /// @dev Only for accounts that are not blocked: it would end the block.
    function _setBalance(address account, uint256 balance) private {
        require(balance < _BLOCKED, "FiatTokenV2_2: Balance exceeds (2^255 - 1)");
        _balances[account] = balance;
    }

    function _approve(address holder, address spender, uint256 value) private {
        require(holder != address(0), "ERC20: approve from the zero address");
        require(spender != address(0), "ERC20: approve to the zero address");
        allowance[holder][spender] = value;
        emit Approval(holder, spender, value);
    }

    function _permit(address holder, address spender, uint256 value, uint256 deadline, bytes memory signature) private {
        // Infinity needs no case of its own: no block is later.
        require(deadline >= block.timestamp, "FiatTokenV2: permit is expired");
        bytes32 structHash = keccak256(abi.encode(PERMIT_TYPEHASH, holder, spender, value, nonces[holder]++, deadline));
        require(_isSignedBy(holder, structHash, signature), "EIP2612: invalid signature");
        _approve(holder, spender, value);
    }

    function _authorizationHash(
        bytes32 typehash,
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce
    ) private pure returns (bytes32) {
        return keccak256(abi.encode(typehash, from, to, value, validAfter, validBefore, nonce));
    }

    function _useAuthorization(
        bytes32 structHash,
        address from,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes memory signature
    ) private {
        require(block.timestamp > validAfter, "FiatTokenV2: authorization is not yet valid");
        require(block.timestamp < validBefore, "FiatTokenV2: authorization is expired");
        require(!authorizationState[from][nonce], "FiatTokenV2: authorization is used or canceled");
        require(_isSignedBy(from, structHash, signature), "FiatTokenV2: invalid signature");
        authorizationState[from][nonce] = true;
        emit AuthorizationUsed(from, nonce);
    }

    function _cancelAuthorization(address authorizer, bytes32 nonce, bytes memory signature) private {
        require(!authorizationState[authorizer][nonce], "FiatTokenV2: authorization is used or canceled");
        bytes32 structHash = keccak256(abi.encode(CANCEL_AUTHORIZATION_TYPEHASH, authorizer, nonce));
        require(_isSignedBy(authorizer, structHash, signature), "FiatTokenV2: invalid signature");
        authorizationState[authorizer][nonce] = true;
        emit AuthorizationCanceled(authorizer, nonce);
    }

    function _isSignedBy(address signer, bytes32 structHash, bytes memory signature) private view returns (bool) {
        bytes32 digest = MessageHashUtils.toTypedDataHash(DOMAIN_SEPARATOR(), structHash);
        if (signer.code.length > 0) return SignatureChecker.isValidERC1271SignatureNow(signer, digest, signature);
        return _recover(digest, signature) == signer;
    }

    /// @dev A signature that is wrong in itself reverts with words of its own; the caller judges one that is another's.
    function _recover(bytes32 digest, bytes memory signature) private pure returns (address signer) {
        ECDSA.RecoverError err;
        (signer, err,) = ECDSA.tryRecover(digest, signature);
        require(err != ECDSA.RecoverError.InvalidSignatureLength, "ECRecover: invalid signature length");
        require(err != ECDSA.RecoverError.InvalidSignatureS, "ECRecover: invalid signature 's' value");
        uint8 v = uint8(signature[64]);
        require(v == 27 || v == 28, "ECRecover: invalid signature 'v' value");
        require(err == ECDSA.RecoverError.NoError, "ECRecover: invalid signature");
    }

    function _sum(uint256 a, uint256 b) private pure returns (uint256) {
        require(b <= type(uint256).max - a, "SafeMath: addition overflow");
        return a + b;
    }
}
