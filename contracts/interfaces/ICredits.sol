// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC1155MetadataURI} from "@openzeppelin/contracts/token/ERC1155/extensions/IERC1155MetadataURI.sol";

/// @notice Who may redeem a holder's credits. A buyer reads it before buying; it never changes.
/// HOLDER: the holder only. REDEEMER: the holder and the plan owner's redeemers.
/// OWNER: the plan owner and their redeemers, and not the holder.
enum Rule {
    HOLDER,
    REDEEMER,
    OWNER
}

/// @notice One receiver's part of the price of one purchase.
struct Split {
    /// Who is paid, straight from the payer.
    address receiver;
    /// Base units of the plan's token per purchase, before the protocol fee.
    uint96 amount;
}

/// @notice The hashed part of a plan. Never changes after registration.
struct Terms {
    /// ERC-20 token the price is in; the zero address is the chain's native coin.
    address token;
    /// 0..16 receivers of the price; none means the plan is free.
    Split[] splits;
    /// Credits one purchase grants.
    uint40 credits;
    /// Fewest credits one redemption may take.
    uint40 minRedeem;
    /// Most credits one redemption may take. Equal to `minRedeem`: a fixed cost per request.
    uint40 maxRedeem;
    /// Who may redeem.
    Rule rule;
    /// Whether a holder is granted this plan once only, with quantity 1.
    bool trial;
    /// Whether credits may be transferred between holders.
    bool transferable;
}

/// @notice The part of a plan that its owner may change, and the protocol fee frozen into it.
struct PlanState {
    /// Who may change what is mutable.
    address owner;
    /// Who was offered the plan and has not accepted yet; zero if nobody.
    address pendingOwner;
    /// Whether new orders are taken. Holders keep everything either way.
    bool active;
    /// Protocol fee in basis points, as it was when the plan was registered.
    uint16 feeBps;
}

/// @notice All that the contract knows of one holder on one plan. The balance is `granted - spent`.
struct Account {
    /// Credits ever received: orders, mints and transfers in.
    uint72 granted;
    /// Credits ever gone: redemptions, burns and transfers out.
    uint72 spent;
    /// Whether the holder has had this plan's one trial grant.
    bool trialTaken;
}

/// @title Payment plans and their credits
/// @notice Builders register plans, subscribers order them, requests redeem the credits. Plans are immutable, credits are
/// ERC-1155 balances whose token id is the plan id, and every payment goes straight from the payer to the plan's receivers.
/// @dev No proxy, no pause, no custody. Amounts of money are base units of the plan's token; amounts of credits are whole credits.
/// ERC-1155 functions revert with the errors of ERC-6093, and where a plan or a balance is the cause with those below.
interface ICredits is IERC1155MetadataURI {
    // ------------------------------------------------------------------ errors: registration

    /// @notice Thrown when the same creator has registered the same terms with the same salt before.
    /// @param planId The plan that is there already.
    error PlanAlreadyRegistered(uint256 planId);

    /// @notice Thrown when a purchase would grant no credits.
    error ZeroCredits();

    /// @notice Thrown when the redemption range is empty or starts at zero.
    /// @param minRedeem Fewest credits per redemption, in credits.
    /// @param maxRedeem Most credits per redemption, in credits.
    error InvalidRedeemRange(uint256 minRedeem, uint256 maxRedeem);

    /// @notice Thrown when a price has more receivers than an order can pay.
    /// @param count Number of splits given.
    /// @param max Number of splits allowed.
    error TooManySplits(uint256 count, uint256 max);

    /// @notice Thrown when a split pays nothing, or pays the zero address or this contract.
    /// @param index Position of the split, from 0.
    /// @param receiver Its receiver.
    /// @param amount Its amount in base units.
    error InvalidSplit(uint256 index, address receiver, uint256 amount);

    /// @notice Thrown when the price is in a token that has no code on this chain.
    /// @param token The address given as token.
    error TokenWithoutCode(address token);

    // ------------------------------------------------------------------ errors: plans

    /// @notice Thrown when no plan has this id.
    /// @param planId The id.
    error UnknownPlan(uint256 planId);

    /// @notice Thrown when a plan takes no new orders.
    /// @param planId The plan.
    error PlanNotActive(uint256 planId);

    /// @notice Thrown when the caller is not the plan's owner.
    /// @param planId The plan.
    /// @param caller Who called.
    error NotPlanOwner(uint256 planId, address caller);

    /// @notice Thrown when the caller accepts a plan that was not offered to them.
    /// @param planId The plan.
    /// @param caller Who called.
    error NotPendingPlanOwner(uint256 planId, address caller);

    // ------------------------------------------------------------------ errors: orders

    /// @notice Thrown when an order has quantity 0 or more than {MAX_QUANTITY}, or a trial any other quantity than 1.
    /// @param planId The plan.
    /// @param quantity Number of purchases asked for.
    error InvalidQuantity(uint256 planId, uint256 quantity);

    /// @notice Thrown when an order costs more than the payer allowed.
    /// @param cost Price of the order in base units.
    /// @param maxCost Most the payer would pay, in base units.
    error CostAboveMax(uint256 cost, uint256 maxCost);

    /// @notice Thrown when the native coin sent is not exactly what the order needs.
    /// @param expected Amount needed in wei; 0 for a plan priced in an ERC-20 token.
    /// @param sent Amount sent in wei.
    error WrongValue(uint256 expected, uint256 sent);

    /// @notice Thrown when a receiver of the price could not be paid.
    /// @param token Token of the payment; zero for the native coin.
    /// @param payer Who pays.
    /// @param receiver Who should have been paid.
    /// @param amount The amount in base units.
    error PaymentFailed(address token, address payer, address receiver, uint256 amount);

    /// @notice Thrown when a holder has had the one grant of a trial plan.
    /// @param planId The plan.
    /// @param holder The holder.
    error TrialAlreadyTaken(uint256 planId, address holder);

    // ------------------------------------------------------------------ errors: credits

    /// @notice Thrown when the caller is neither the plan's owner nor one of their minters.
    /// @param planId The plan.
    /// @param caller Who called.
    error NotMinter(uint256 planId, address caller);

    /// @notice Thrown when zero credits would be minted or burned.
    error ZeroAmount();

    /// @notice Thrown when a holder would have received more than 2^72 - 1 credits of one plan over time.
    /// @param planId The plan.
    /// @param holder The holder.
    /// @param amount Credits that do not fit.
    error CreditsOverflow(uint256 planId, address holder, uint256 amount);

    /// @notice Thrown when a holder has fewer credits than needed.
    /// @param planId The plan.
    /// @param holder The holder.
    /// @param available Credits the holder has.
    /// @param required Credits needed.
    error InsufficientCredits(uint256 planId, address holder, uint256 available, uint256 required);

    /// @notice Thrown when the plan's redemption rule does not name the caller.
    /// @param planId The plan.
    /// @param holder Whose credits would have been redeemed.
    /// @param caller Who called.
    error RedeemNotAllowed(uint256 planId, address holder, address caller);

    /// @notice Thrown when a redemption is outside the plan's range.
    /// @param planId The plan.
    /// @param amount Credits asked for.
    /// @param minRedeem Fewest credits allowed.
    /// @param maxRedeem Most credits allowed.
    error RedeemOutOfRange(uint256 planId, uint256 amount, uint256 minRedeem, uint256 maxRedeem);

    /// @notice Thrown when credits of a plan that is not transferable would be transferred.
    /// @param planId The plan.
    error NotTransferable(uint256 planId);

    /// @notice Thrown when too little gas is left to give every item of a batch its full share.
    /// @param available Gas left.
    /// @param required Gas needed at this point.
    error NotEnoughGas(uint256 available, uint256 required);

    /// @notice Thrown when somebody else calls a function that the contract keeps for itself.
    /// @param caller Who called.
    error NotSelf(address caller);

    // ------------------------------------------------------------------ errors: protocol fee

    /// @notice Thrown when the protocol fee would exceed its cap.
    /// @param feeBps Fee asked for, in basis points.
    /// @param maxFeeBps The cap, in basis points.
    error FeeAboveCap(uint256 feeBps, uint256 maxFeeBps);

    /// @notice Thrown when a protocol fee is set with this contract as receiver, or a fee above zero without one.
    /// @param receiver The receiver given.
    error InvalidFeeReceiver(address receiver);

    // ------------------------------------------------------------------ events

    /// @notice Emitted when a plan is registered.
    /// @param planId Id of the plan and of its ERC-1155 token.
    /// @param creator Who registered it and owns it now.
    /// @param terms Its terms.
    /// @param salt The creator's salt.
    /// @param feeBps Protocol fee frozen into the plan, in basis points.
    event PlanRegistered(uint256 indexed planId, address indexed creator, Terms terms, bytes32 salt, uint16 feeBps);

    /// @notice Emitted when a plan starts or stops taking orders.
    /// @param planId The plan.
    /// @param active Whether it takes orders now.
    event PlanActiveSet(uint256 indexed planId, bool active);

    /// @notice Emitted when a plan owner allows or forbids a redeemer.
    /// @param planId The plan.
    /// @param owner The plan owner whose redeemer it is.
    /// @param redeemer The redeemer.
    /// @param allowed Whether allowed now.
    event RedeemerSet(uint256 indexed planId, address indexed owner, address indexed redeemer, bool allowed);

    /// @notice Emitted when a plan owner allows or forbids a minter.
    /// @param planId The plan.
    /// @param owner The plan owner whose minter it is.
    /// @param minter The minter.
    /// @param allowed Whether allowed now.
    event MinterSet(uint256 indexed planId, address indexed owner, address indexed minter, bool allowed);

    /// @notice Emitted when a plan is offered to a new owner.
    /// @param planId The plan.
    /// @param owner The present owner.
    /// @param pendingOwner Who may accept; zero if the offer was withdrawn.
    event PlanOwnershipOffered(uint256 indexed planId, address indexed owner, address indexed pendingOwner);

    /// @notice Emitted when a plan has a new owner.
    /// @param planId The plan.
    /// @param previousOwner Who owned it.
    /// @param newOwner Who owns it now.
    event PlanOwnershipTransferred(uint256 indexed planId, address indexed previousOwner, address indexed newOwner);

    /// @notice Emitted when a plan is ordered, right after the ERC-1155 event of its grant.
    /// @param planId The plan.
    /// @param payer Who paid.
    /// @param receiver Who got the credits.
    /// @param quantity Number of purchases.
    /// @param cost What the payer paid in all, in base units of the plan's token.
    event Ordered(
        uint256 indexed planId, address indexed payer, address indexed receiver, uint256 quantity, uint256 cost
    );

    /// @notice Emitted when a protocol fee could not be delivered and went to the plan's first receiver.
    /// @param planId The plan.
    /// @param feeReceiver Who could not be paid.
    /// @param amount The fee in base units of the plan's token.
    event FeeForgone(uint256 indexed planId, address indexed feeReceiver, uint256 amount);

    /// @notice Emitted for each item of a batch mint that was left out.
    /// @param planId The plan.
    /// @param to Who would have received the credits.
    /// @param amount Credits left out.
    /// @param reason Selector of the error that the grant met; zero if it had none, such as out of gas.
    event MintSkipped(uint256 indexed planId, address indexed to, uint256 amount, bytes4 reason);

    /// @notice Emitted when credits are redeemed, right after the ERC-1155 event that takes them.
    /// @param planId The plan.
    /// @param holder Whose credits.
    /// @param redeemer Who redeemed them.
    /// @param amount Credits taken.
    /// @param context What they were taken for, such as a request id.
    event Redeemed(
        uint256 indexed planId, address indexed holder, address indexed redeemer, uint256 amount, bytes32 context
    );

    /// @notice Emitted when the protocol fee of plans registered from now on changes, or its receiver.
    /// @param feeBps The fee in basis points.
    /// @param receiver Who receives the fees of all plans.
    event ProtocolFeeSet(uint16 feeBps, address indexed receiver);

    // ------------------------------------------------------------------ protocol fee

    /// @notice Sets the fee that plans registered from now on carry, and who receives the fees of all plans.
    /// @dev Only the contract's owner. Plans that exist keep the fee they were registered with.
    /// Reverts with {FeeAboveCap} if the fee exceeds {MAX_FEE_BPS}.
    /// Reverts with {InvalidFeeReceiver} if the receiver is this contract, or zero with a fee above zero.
    /// @param feeBps The fee in basis points of the price.
    /// @param receiver Who receives it.
    function setProtocolFee(uint16 feeBps, address receiver) external;

    // ------------------------------------------------------------------ plans

    /// @notice Registers a plan; the caller becomes its owner and it takes orders at once.
    /// @dev Anyone may call. The id depends on the caller, so nobody can take another's id.
    /// Reverts with {ZeroCredits} if a purchase grants nothing.
    /// Reverts with {InvalidRedeemRange} if not `1 <= minRedeem <= maxRedeem`.
    /// Reverts with {TooManySplits} if there are more than {MAX_SPLITS} splits.
    /// Reverts with {InvalidSplit} if a split pays nothing, the zero address or this contract.
    /// Reverts with {TokenWithoutCode} if a price is in a token without code.
    /// Reverts with {PlanAlreadyRegistered} if the caller has registered the same terms and salt before.
    /// @param terms The plan's terms.
    /// @param salt Any value; tells apart plans of one creator with equal terms.
    /// @param planUri Where the plan's metadata is.
    /// @return planId The plan's id, see {planIdOf}.
    function registerPlan(Terms calldata terms, bytes32 salt, string calldata planUri) external returns (uint256 planId);

    /// @notice Changes where a plan's metadata is.
    /// @dev Only the plan's owner. Emits the URI event of ERC-1155.
    /// Reverts with {UnknownPlan} if there is no such plan.
    /// Reverts with {NotPlanOwner} if the caller does not own it.
    /// @param planId The plan.
    /// @param planUri Where its metadata is from now on.
    function setPlanUri(uint256 planId, string calldata planUri) external;

    /// @notice Lets a plan take new orders, or stops them; holders keep all they have.
    /// @dev Only the plan's owner.
    /// Reverts with {UnknownPlan} if there is no such plan.
    /// Reverts with {NotPlanOwner} if the caller does not own it.
    /// @param planId The plan.
    /// @param active Whether it takes orders from now on.
    function setPlanActive(uint256 planId, bool active) external;

    /// @notice Allows or forbids an account to redeem credits of a plan, as far as the plan's rule has redeemers.
    /// @dev Only the plan's owner. Warning: what an owner allowed counts only while they own the plan, and again if they get it back.
    /// Reverts with {UnknownPlan} if there is no such plan.
    /// Reverts with {NotPlanOwner} if the caller does not own it.
    /// @param planId The plan.
    /// @param redeemer The account.
    /// @param allowed Whether it may redeem.
    function setRedeemer(uint256 planId, address redeemer, bool allowed) external;

    /// @notice Allows or forbids an account to mint credits of a plan.
    /// @dev Only the plan's owner. Warning: what an owner allowed counts only while they own the plan, and again if they get it back.
    /// Reverts with {UnknownPlan} if there is no such plan.
    /// Reverts with {NotPlanOwner} if the caller does not own it.
    /// @param planId The plan.
    /// @param minter The account.
    /// @param allowed Whether it may mint.
    function setMinter(uint256 planId, address minter, bool allowed) external;

    /// @notice Offers a plan to a new owner, who must accept it; the zero address withdraws an offer.
    /// @dev Only the plan's owner. Receivers of the price stay as they are: they are terms.
    /// Reverts with {UnknownPlan} if there is no such plan.
    /// Reverts with {NotPlanOwner} if the caller does not own it.
    /// @param planId The plan.
    /// @param newOwner Who may accept.
    function transferPlanOwnership(uint256 planId, address newOwner) external;

    /// @notice Makes the caller the owner of a plan that was offered to them; what the last owner allowed lapses.
    /// @dev Only the pending owner.
    /// Reverts with {UnknownPlan} if there is no such plan.
    /// Reverts with {NotPendingPlanOwner} if the plan was not offered to the caller.
    /// @param planId The plan.
    function acceptPlanOwnership(uint256 planId) external;

    // ------------------------------------------------------------------ orders

    /// @notice Buys a plan: the caller pays the price times the quantity, the receiver gets the credits.
    /// @dev Anyone may call, for anyone: a stranger's order of a trial is the receiver's one trial. Pays every split straight from the caller, so the caller approves this contract for the cost first.
    /// The protocol fee comes out of each split, rounded down; a fee that cannot be delivered goes to the first split's receiver.
    /// Credits are granted before the payment and before the ERC-1155 hook of a contract receiver.
    /// Reverts with {UnknownPlan} if there is no such plan.
    /// Reverts with {PlanNotActive} if it takes no orders.
    /// Reverts with {InvalidQuantity} if the quantity is 0 or above {MAX_QUANTITY}, or not 1 on a trial.
    /// Reverts with {CostAboveMax} if the cost exceeds `maxCost`.
    /// Reverts with {WrongValue} if the native coin sent is not exactly what is needed.
    /// Reverts with {CreditsOverflow} if the receiver's account would overflow.
    /// Reverts with {TrialAlreadyTaken} if the receiver has had this trial.
    /// Reverts with {PaymentFailed} if a split's receiver could not be paid.
    /// Reverts with ERC1155InvalidReceiver if the receiver is zero or a contract that does not accept the credits.
    /// @param planId The plan.
    /// @param receiver Who gets the credits.
    /// @param quantity Number of purchases.
    /// @param maxCost Most the caller will pay, in base units of the plan's token.
    /// @return cost What the caller paid, in base units of the plan's token.
    function order(uint256 planId, address receiver, uint256 quantity, uint256 maxCost)
        external
        payable
        returns (uint256 cost);

    // ------------------------------------------------------------------ credits

    /// @notice Gives credits without payment.
    /// @dev Only the plan's owner or minters, whether or not the plan is active. Counts as the one grant of a trial.
    /// Reverts with {UnknownPlan} if there is no such plan.
    /// Reverts with {NotMinter} if the caller is neither owner nor minter.
    /// Reverts with {ZeroAmount} if the amount is 0.
    /// Reverts with {TrialAlreadyTaken} if the plan is a trial the receiver has had.
    /// Reverts with {CreditsOverflow} if the receiver's account would overflow.
    /// Reverts with ERC1155InvalidReceiver if the receiver is zero or a contract that does not accept the credits.
    /// @param planId The plan.
    /// @param to Who gets the credits.
    /// @param amount How many credits.
    function mint(uint256 planId, address to, uint256 amount) external;

    /// @notice Gives credits to many holders; a grant that fails is left out and reported, the others stand.
    /// @dev Only the plan's owner or minters. Each item has {ISOLATED_GAS} gas to itself, so a receiver that rejects, re-enters or burns gas
    /// loses its own grant only. Emits {MintSkipped} for each item left out.
    /// Reverts with {UnknownPlan} if there is no such plan.
    /// Reverts with {NotMinter} if the caller is neither owner nor minter.
    /// Reverts with {NotEnoughGas} if too little gas is left for the next item.
    /// Reverts with ERC1155InvalidArrayLength if the lists differ in length.
    /// @param planId The plan.
    /// @param to Who gets credits, item by item.
    /// @param amounts How many credits, item by item.
    function mintBatch(uint256 planId, address[] calldata to, uint256[] calldata amounts) external;

    /// @notice Grants one item of a batch mint; kept by the contract for itself.
    /// @dev Only this contract.
    /// Reverts with {NotSelf} if anyone else calls, and as {mint} does.
    /// @param planId The plan.
    /// @param operator Who mints the batch.
    /// @param to Who gets the credits.
    /// @param amount How many credits.
    function mintItem(uint256 planId, address operator, address to, uint256 amount) external;

    /// @notice Sends a protocol fee; kept by the contract for itself.
    /// @dev Only this contract.
    /// Reverts with {NotSelf} if anyone else calls.
    /// Reverts with {InvalidFeeReceiver} if there is no receiver.
    /// Reverts with {PaymentFailed} if the fee could not be delivered.
    /// @param token Token of the fee; zero for the native coin.
    /// @param payer Who pays it.
    /// @param receiver Who receives it.
    /// @param amount The fee in base units.
    function sendFee(address token, address payer, address receiver, uint256 amount) external;

    /// @notice Takes a holder's credits for a request.
    /// @dev Whoever the plan's rule names, see {Rule}. ERC-1155 operators are not among them.
    /// Reverts with {UnknownPlan} if there is no such plan.
    /// Reverts with {RedeemNotAllowed} if the rule does not name the caller.
    /// Reverts with {RedeemOutOfRange} if the amount is outside the plan's range.
    /// Reverts with {InsufficientCredits} if the holder has too few credits.
    /// @param planId The plan.
    /// @param holder Whose credits.
    /// @param amount How many credits.
    /// @param context What they are taken for, such as a request id; only written to the event.
    function redeem(uint256 planId, address holder, uint256 amount, bytes32 context) external;

    /// @notice Destroys a holder's credits.
    /// @dev The holder, or an ERC-1155 operator of theirs. Warning: an operator is approved for all plans at once.
    /// Reverts with ERC1155MissingApprovalForAll if the caller is neither.
    /// Reverts with {ZeroAmount} if the amount is 0.
    /// Reverts with {InsufficientCredits} if the holder has too few credits.
    /// @param planId The plan.
    /// @param holder Whose credits.
    /// @param amount How many credits.
    function burn(uint256 planId, address holder, uint256 amount) external;

    // ------------------------------------------------------------------ reads

    /// @notice Returns the highest protocol fee there can ever be.
    /// @return The cap in basis points.
    function MAX_FEE_BPS() external view returns (uint256);

    /// @notice Returns how many receivers a price may have.
    /// @return Number of splits.
    function MAX_SPLITS() external view returns (uint256);

    /// @notice Returns how many purchases one order may make.
    /// @return Number of purchases.
    function MAX_QUANTITY() external view returns (uint256);

    /// @notice Returns the gas that each item of a batch mint, or the delivery of a fee, has to itself.
    /// @return Units of gas.
    function ISOLATED_GAS() external view returns (uint256);

    /// @notice Returns the fee that a plan registered now would carry.
    /// @return feeBps The fee in basis points.
    /// @return receiver Who receives the fees of all plans.
    function protocolFee() external view returns (uint16 feeBps, address receiver);

    /// @notice Returns the id that a plan has or would have.
    /// @dev `keccak256(abi.encode(chain id, this contract, creator, terms, salt))`.
    /// @param creator Who registers it.
    /// @param terms Its terms.
    /// @param salt The creator's salt.
    /// @return planId The id.
    function planIdOf(address creator, Terms calldata terms, bytes32 salt) external view returns (uint256 planId);

    /// @notice Returns a plan's terms as they were registered.
    /// @dev Reverts with {UnknownPlan} if there is no such plan.
    /// @param planId The plan.
    /// @return terms Its terms.
    function termsOf(uint256 planId) external view returns (Terms memory terms);

    /// @notice Returns what of a plan may change, and its frozen fee.
    /// @dev Reverts with {UnknownPlan} if there is no such plan.
    /// @param planId The plan.
    /// @return state Owner, pending owner, whether active, fee.
    function stateOf(uint256 planId) external view returns (PlanState memory state);

    /// @notice Returns whether the plan's present owner allows an account to redeem.
    /// @param planId The plan.
    /// @param account The account.
    /// @return Whether it is a redeemer.
    function isRedeemer(uint256 planId, address account) external view returns (bool);

    /// @notice Returns whether the plan's present owner allows an account to mint.
    /// @param planId The plan.
    /// @param account The account.
    /// @return Whether it is a minter.
    function isMinter(uint256 planId, address account) external view returns (bool);

    /// @notice Returns what an order would cost.
    /// @dev Says nothing of whether the plan takes orders.
    /// Reverts with {UnknownPlan} if there is no such plan.
    /// Reverts with {InvalidQuantity} as {order} does.
    /// @param planId The plan.
    /// @param payer Who would pay; a price in splits is the same for everyone.
    /// @param quantity Number of purchases.
    /// @return cost What the payer would pay, in base units of the plan's token.
    function quote(uint256 planId, address payer, uint256 quantity) external view returns (uint256 cost);

    /// @notice Returns a holder's account on a plan; all zero if there is none.
    /// @param planId The plan.
    /// @param holder The holder.
    /// @return account Credits granted and spent, and whether the trial was taken.
    function accountOf(uint256 planId, address holder) external view returns (Account memory account);

    /// @notice Returns whether a redemption of a holder's credits would succeed, if whoever calls it is one the rule names.
    /// @param planId The plan.
    /// @param holder The holder.
    /// @param amount Credits it would take.
    /// @return ok Whether it would succeed.
    /// @return reason Selector of the error it would revert with; zero if it would succeed.
    function canRedeem(uint256 planId, address holder, uint256 amount) external view returns (bool ok, bytes4 reason);
}
