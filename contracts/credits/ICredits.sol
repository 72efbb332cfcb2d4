// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC1155MetadataURI} from "@openzeppelin/contracts/token/ERC1155/extensions/IERC1155MetadataURI.sol";

/// @notice What a purchase grants.
/// CREDITS: credits for requests, for ever or, with a duration, until they expire.
/// TIME: periods in which requests cost nothing.
/// USAGE: nothing; each request is paid on its own.
enum PlanKind {
    CREDITS,
    TIME,
    USAGE
}

/// @notice When a period of a time plan starts.
/// ON_PURCHASE: at once, or when the periods bought before are over.
/// ON_FIRST_USE: when the holder redeems it.
enum Activation {
    ON_PURCHASE,
    ON_FIRST_USE
}

/// @notice Who may redeem a holder's credits. A buyer reads it before buying; it never changes.
/// HOLDER: the holder only. REDEEMER: the holder and the plan owner's redeemers.
/// OWNER: the plan owner and their redeemers, and not the holder. Vouchers are a holder's word under each rule.
enum RedemptionRule {
    HOLDER,
    REDEEMER,
    OWNER
}

/// @notice One receiver's part of the price of one purchase.
struct Split {
    /// Who is paid, straight from the payer.
    address receiver;
    /// Base units of the plan's token per purchase, before the protocol fee; with a quoter, the receiver's weight.
    uint96 amount;
}

/// @notice The hashed part of a plan. Never changes after registration.
struct Terms {
    /// What a purchase grants.
    PlanKind kind;
    /// When a period starts, on a time plan.
    Activation activation;
    /// ERC-20 token the price is in; the zero address is the chain's native coin.
    address token;
    /// 0..16 receivers of the price; none means the plan is free.
    Split[] splits;
    /// Contract that names the price of each order, see {IQuoter}; zero for the fixed price of the splits.
    address quoter;
    /// Whether the price is paid outside the chain, so that the plan is granted and not ordered.
    bool paidExternally;
    /// Credits, or periods of a time plan, that one purchase grants.
    uint32 credits;
    /// Seconds after which a purchase's credits expire, 0 for never; seconds of one period of a time plan.
    uint32 duration;
    /// Fewest credits one redemption may take; 0 where nothing is redeemed.
    uint32 minRedeem;
    /// Most credits one redemption may take. Equal to `minRedeem`: a fixed cost per request.
    uint32 maxRedeem;
    /// Who may redeem.
    RedemptionRule rule;
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

/// @notice All that the contract knows of one holder on one plan, now.
struct Account {
    /// Live credits, or periods of a time plan that are not over; the ERC-1155 balance.
    uint256 balance;
    /// Credits ever taken by settlements, with or without signature. A voucher allows to bring this number up to its ceiling.
    uint256 settled;
    /// Timestamp at which access ends, on a time plan; 0 if it never began.
    uint256 accessUntil;
    /// Whether the holder has had this plan's one trial grant.
    bool trialTaken;
}

/// @notice What is left of one purchase of an expiring plan.
struct Lot {
    /// Credits left.
    uint256 credits;
    /// Timestamp from which on they are expired.
    uint256 expiresAt;
}

/// @notice A signed permission (EIP-2612) for this contract to take an order's `maxCost` from the caller.
struct Permit {
    /// Last timestamp at which it is valid.
    uint256 deadline;
    /// Signature.
    uint8 v;
    /// Signature.
    bytes32 r;
    /// Signature.
    bytes32 s;
}

/// @notice An order that its payer signed and anyone may bring. The payer's signature is one for EIP-3009's
/// ReceiveWithAuthorization from payer to this contract, of `maxCost`, with {ICredits-authorizationNonceOf} as nonce.
struct OrderAuthorization {
    /// The plan.
    uint256 planId;
    /// Who pays and has signed.
    address payer;
    /// Who gets the credits.
    address receiver;
    /// Number of purchases.
    uint256 quantity;
    /// Base units that are taken; what the order does not cost goes back to the payer at once.
    uint256 maxCost;
    /// Timestamp after which it is valid.
    uint256 validAfter;
    /// Timestamp before which it is valid.
    uint256 validBefore;
    /// Any value; tells apart orders that are otherwise equal.
    bytes32 salt;
}

/// @notice A holder's signed word (EIP-712): "the redeemer may bring my credits ever settled on this plan up to the ceiling, until
/// the deadline".
struct Voucher {
    /// The plan.
    uint256 planId;
    /// Whose credits.
    address holder;
    /// Who may settle it.
    address redeemer;
    /// Most credits that settlements may ever have taken of this holder on this plan.
    uint64 ceiling;
    /// What it is for, such as a request id.
    bytes32 context;
    /// Last timestamp at which it may be settled.
    uint64 deadline;
}

/// @notice One holder's part of a settlement; plan and redeemer are those of the call.
struct Settlement {
    /// Whose credits.
    address holder;
    /// The number that the credits ever settled of this holder on this plan should reach: a total and not an increment, so that
    /// an item sent twice takes once.
    uint64 total;
    /// The voucher's ceiling.
    uint64 ceiling;
    /// The voucher's context.
    bytes32 context;
    /// The voucher's deadline.
    uint64 deadline;
    /// The holder's signature: 65 bytes, 64 bytes (EIP-2098), or whatever a contract wallet accepts (ERC-1271). Empty where the
    /// plan's rule lets the caller redeem the holder's credits: such an item is good up to its total, and ceiling, context and
    /// deadline are not looked at. Elsewhere an empty signature is one that is not the holder's.
    bytes signature;
}

/// @notice What became of one item of a settlement.
/// SETTLED: the total, or the ceiling below it, is reached. SHORT: the holder had less, which was taken.
/// EXPIRED: the voucher's deadline is over. ALREADY_SETTLED: total or ceiling had been reached before. NOT_SIGNED: it is not the
/// holder's signature over these terms, for this redeemer. The last three take nothing, and are looked for in this order.
enum SettlementResult {
    SETTLED,
    SHORT,
    EXPIRED,
    ALREADY_SETTLED,
    NOT_SIGNED
}

/// @notice The outcome of one item of a settlement.
struct SettlementOutcome {
    /// Credits taken.
    uint64 amount;
    /// What became of it.
    SettlementResult result;
}

/// @title Payment plans and their credits
/// @notice Builders register plans, subscribers order them, requests redeem the credits. Plans are immutable, credits are
/// ERC-1155 balances whose token id is the plan id, and every payment goes straight from the payer to the plan's receivers.
/// @dev No proxy, no pause, no custody. Amounts of money are base units of the plan's token; amounts of credits are whole credits,
/// on time plans whole periods; times are seconds.
/// An ERC-1155 balance is the live credits on CREDITS plans. On TIME plans that start ON_FIRST_USE it is the unopened periods, and
/// on TIME plans that start ON_PURCHASE the periods that are not over. It falls by itself, without an event,
/// when credits expire or a period is over.
/// ERC-1155 functions revert with the errors of ERC-6093, and where a plan or a balance is the cause with those below.
interface ICredits is IERC1155MetadataURI {
    // ------------------------------------------------------------------ errors: registration

    /// @notice Thrown when the same creator has registered the same terms with the same salt before.
    /// @param planId The plan that is there already.
    error PlanAlreadyRegistered(uint256 planId);

    /// @notice Thrown when a purchase would grant no credits.
    error ZeroCredits();

    /// @notice Thrown when a time plan has periods of no length.
    error ZeroDuration();

    /// @notice Thrown when a term has no meaning together with the others and so must be left at zero.
    /// @param term Name of the term; "redeem range" for `minRedeem` and `maxRedeem`.
    error TermNotAllowed(bytes32 term);

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
    /// @param amount Its amount in base units.
    error InvalidSplit(uint256 index, address receiver, uint256 amount);

    /// @notice Thrown when the price is in a token that has no code on this chain, or an order is signed for one.
    /// @param token The address given as token.
    error TokenWithoutCode(address token);

    /// @notice Thrown when the quoter has no code on this chain.
    /// @param quoter The address given as quoter.
    error QuoterWithoutCode(address quoter);

    /// @notice Thrown when a quoted price has nobody to go to.
    error QuoteWithoutReceivers();

    /// @notice Thrown when the protocol fee is higher than the plan's creator accepts.
    /// @param feeBps The fee that the plan would carry, in basis points.
    /// @param maxFeeBps Most that its creator accepts, in basis points.
    error FeeAboveMax(uint256 feeBps, uint256 maxFeeBps);

    // ------------------------------------------------------------------ errors: plans

    /// @notice Thrown when no plan has this id.
    error UnknownPlan(uint256 planId);

    /// @notice Thrown when a plan takes no new orders.
    error PlanNotActive(uint256 planId);

    /// @notice Thrown when a plan of this kind cannot be used so: usage plans take {payUsage} only, all others never.
    error WrongKind(uint256 planId, PlanKind kind);

    /// @notice Thrown when a plan is ordered whose price is paid outside the chain.
    error PaidExternally(uint256 planId);

    /// @notice Thrown when the caller is not the plan's owner.
    error NotPlanOwner(uint256 planId, address caller);

    /// @notice Thrown when the caller accepts a plan that was not offered to them.
    error NotPendingPlanOwner(uint256 planId, address caller);

    // ------------------------------------------------------------------ errors: orders

    /// @notice Thrown when an order has quantity 0 or more than {MAX_QUANTITY}, or a trial any other quantity than 1.
    /// @param quantity Number of purchases asked for.
    error InvalidQuantity(uint256 planId, uint256 quantity);

    /// @notice Thrown when an order costs more than the payer allowed.
    /// @param cost Price of the order in base units.
    /// @param maxCost Most the payer would pay, in base units.
    error CostAboveMax(uint256 cost, uint256 maxCost);

    /// @notice Thrown when a plan's quoter names no price.
    error QuoteFailed(uint256 planId, address quoter);

    /// @notice Thrown when a token does not move the money of a signed order. The payer did not sign this very order, or the
    /// signature was used, was withdrawn or does not count now, or the payer has too little.
    /// @param payer Who should have signed.
    /// @param value Base units that should have come.
    error AuthorizationFailed(address token, address payer, uint256 value);

    /// @notice Thrown when the native coin sent is not exactly what the order needs.
    /// @param expected Amount needed in wei; 0 for a plan priced in an ERC-20 token.
    /// @param sent Amount sent in wei.
    error WrongValue(uint256 expected, uint256 sent);

    /// @notice Thrown when a receiver of the price could not be paid.
    /// @param token Token of the payment; zero for the native coin.
    /// @param payer Who pays; this contract where an authorization has brought the money.
    /// @param receiver Who should have been paid.
    /// @param amount The amount in base units.
    error PaymentFailed(address token, address payer, address receiver, uint256 amount);

    /// @notice Thrown when a holder has had the one grant of a trial plan.
    error TrialAlreadyTaken(uint256 planId, address holder);

    /// @notice Thrown when a trial is ordered for somebody else, who would lose their one trial by it; others' trials are minted.
    error TrialOrderedForOther(uint256 planId, address payer, address receiver);

    // ------------------------------------------------------------------ errors: credits

    /// @notice Thrown when the caller is neither the plan's owner nor one of their minters.
    error NotMinter(uint256 planId, address caller);

    /// @notice Thrown when zero credits would be minted or burned.
    error ZeroAmount();

    /// @notice Thrown when a plan was granted for this external payment before.
    error ReferenceUsed(uint256 planId, bytes32 paymentReference);

    /// @notice Thrown when a holder would have more than 2^54 - 1 live credits of one plan, or half as many that expire. Also when a
    /// grant has more than 2^64 - 1 periods, or a holder made more than 2^24 purchases of an expiring plan with always two alive.
    /// @param amount Credits that do not fit.
    error CreditsOverflow(uint256 planId, address holder, uint256 amount);

    /// @notice Thrown when a holder has fewer credits than needed.
    /// @param available Credits the holder has.
    /// @param required Credits needed.
    error InsufficientCredits(uint256 planId, address holder, uint256 available, uint256 required);

    /// @notice Thrown when the plan's redemption rule does not name the caller.
    /// @param holder Whose credits would have been redeemed.
    error RedeemNotAllowed(uint256 planId, address holder, address caller);

    /// @notice Thrown when a redemption is outside the plan's range.
    /// @param amount Credits asked for.
    /// @param minRedeem Fewest credits allowed.
    /// @param maxRedeem Most credits allowed.
    error RedeemOutOfRange(uint256 planId, uint256 amount, uint256 minRedeem, uint256 maxRedeem);

    /// @notice Thrown when nothing is redeemed on a plan: its access begins at purchase, or each request is paid.
    error NotRedeemable(uint256 planId);

    /// @notice Thrown when the caller is neither the plan's owner nor one of their redeemers.
    error NotRedeemer(uint256 planId, address caller);

    /// @notice Thrown when a plan that takes no settlements is settled: a transferable one, or one without credits for requests.
    error SettlementsNotAccepted(uint256 planId);

    /// @notice Thrown when credits of a plan that is not transferable would be transferred.
    error NotTransferable(uint256 planId);

    /// @notice Thrown when too little gas is left to give every item of a batch its full share.
    /// @param available Gas left.
    /// @param required Gas needed at this point.
    error NotEnoughGas(uint256 available, uint256 required);

    /// @notice Thrown when somebody else calls a function that the contract keeps for itself.
    error NotSelf(address caller);

    // ------------------------------------------------------------------ errors: protocol fee

    /// @notice Thrown when the protocol fee would exceed its cap.
    /// @param feeBps Fee asked for, in basis points.
    /// @param capBps The cap, in basis points.
    error FeeAboveCap(uint256 feeBps, uint256 capBps);

    /// @notice Thrown when a protocol fee is set with this contract as receiver, or a fee above zero without one.
    /// @param receiver The receiver given.
    error InvalidFeeReceiver(address receiver);

    // ------------------------------------------------------------------ events

    /// @notice Emitted when a plan is registered.
    /// @param planId Id of the plan and of its ERC-1155 token.
    /// @param creator Who registered it and owns it now.
    /// @param feeBps Protocol fee frozen into the plan, in basis points.
    event PlanRegistered(uint256 indexed planId, address indexed creator, Terms terms, bytes32 salt, uint16 feeBps);

    /// @notice Emitted when a plan starts or stops taking orders.
    /// @param active Whether it takes orders now.
    event PlanActiveSet(uint256 indexed planId, bool active);

    /// @notice Emitted when a plan owner allows or forbids a redeemer.
    /// @param owner The plan owner whose redeemer it is.
    /// @param allowed Whether allowed now.
    event RedeemerSet(uint256 indexed planId, address indexed owner, address indexed redeemer, bool allowed);

    /// @notice Emitted when a plan owner allows or forbids a minter.
    /// @param owner The plan owner whose minter it is.
    /// @param allowed Whether allowed now.
    event MinterSet(uint256 indexed planId, address indexed owner, address indexed minter, bool allowed);

    /// @notice Emitted when a plan is offered to a new owner.
    /// @param owner The present owner.
    /// @param pendingOwner Who may accept; zero if the offer was withdrawn.
    event PlanOwnershipOffered(uint256 indexed planId, address indexed owner, address indexed pendingOwner);

    /// @notice Emitted when a plan has a new owner.
    /// @param previousOwner Who owned it.
    /// @param newOwner Who owns it now.
    event PlanOwnershipTransferred(uint256 indexed planId, address indexed previousOwner, address indexed newOwner);

    /// @notice Emitted when a plan is ordered, right after the ERC-1155 event of its grant.
    /// @param payer Who paid.
    /// @param receiver Who got the credits.
    /// @param quantity Number of purchases.
    /// @param cost What the payer paid in all, in base units of the plan's token.
    event Ordered(
        uint256 indexed planId, address indexed payer, address indexed receiver, uint256 quantity, uint256 cost
    );

    /// @notice Emitted when a request of a usage plan is paid.
    /// @param payer Who paid.
    /// @param quantity Number of units paid for.
    /// @param cost What the payer paid in all, in base units of the plan's token.
    /// @param context What it was paid for, such as a request id.
    event UsagePaid(
        uint256 indexed planId, address indexed payer, uint256 quantity, uint256 cost, bytes32 indexed context
    );

    /// @notice Emitted when a plan is granted for a payment made outside the chain, before the ERC-1155 event of its grant.
    /// @param to Who got the credits.
    /// @param quantity Number of purchases.
    event GrantedExternal(
        uint256 indexed planId, address indexed to, uint256 quantity, bytes32 indexed paymentReference
    );

    /// @notice Emitted when a holder's access window is opened, extended or, by a burn, shortened.
    /// @param accessUntil Timestamp at which access ends now.
    event AccessChanged(uint256 indexed planId, address indexed holder, uint256 accessUntil);

    /// @notice Emitted when a protocol fee could not be delivered and went to the plan's first receiver.
    /// @param feeReceiver Who could not be paid.
    /// @param amount The fee in base units of the plan's token.
    event FeeForgone(uint256 indexed planId, address indexed feeReceiver, uint256 amount);

    /// @notice Emitted when an item of a batch mint is left out.
    /// @param to Who would have received the credits.
    /// @param amount Credits left out.
    /// @param reason Selector of the error that the grant met; zero if it had none, such as out of gas.
    event MintSkipped(uint256 indexed planId, address indexed to, uint256 amount, bytes4 reason);

    /// @notice Emitted when credits are redeemed, after the ERC-1155 event that takes them.
    /// @param holder Whose credits.
    /// @param redeemer Who redeemed them.
    /// @param amount Credits taken.
    /// @param context What they were taken for, such as a request id.
    event Redeemed(
        uint256 indexed planId, address indexed holder, address indexed redeemer, uint256 amount, bytes32 context
    );

    /// @notice Emitted when a settlement ends, once.
    /// @param redeemer Who settled.
    /// @param count Number of items by which something was taken; so many ERC-1155 events before this one are theirs.
    /// @param credits Credits taken by all together.
    event Settled(uint256 indexed planId, address indexed redeemer, uint256 count, uint256 credits);

    /// @notice Emitted when an item is not SETTLED, after the ERC-1155 event of what it took.
    /// @param holder Whose credits.
    /// @param amount Credits taken.
    /// @param result Why not more.
    event NotFullySettled(uint256 indexed planId, address indexed holder, uint256 amount, SettlementResult result);

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
    /// A term that has no meaning with the others must be zero. The token of a free plan may be any.
    /// Reverts with {ZeroCredits} if a purchase grants nothing, and the plan is not of kind USAGE.
    /// Reverts with {ZeroDuration} if a time plan has no duration.
    /// Reverts with {InvalidRedeemRange} if credits are redeemed and not `1 <= minRedeem <= maxRedeem`.
    /// Reverts with {TermNotAllowed} if a usage plan has credits, a duration, a trial or a price paid externally; if a redeem range
    /// or rule is on a plan where nothing is redeemed; if an activation is on another plan than a time plan; if transferable credits
    /// expire or are not for requests; if a plan paid externally has a token, a quoter or splits.
    /// Reverts with {TooManySplits} if there are more than {MAX_SPLITS} splits.
    /// Reverts with {InvalidSplit} if a split pays nothing, the zero address or this contract.
    /// Reverts with {TokenWithoutCode} if a price is in a token without code.
    /// Reverts with {QuoterWithoutCode} if the quoter has no code.
    /// Reverts with {QuoteWithoutReceivers} if there is a quoter and no split.
    /// Reverts with {FeeAboveMax} if the protocol fee has become higher than `maxFeeBps`.
    /// Reverts with {PlanAlreadyRegistered} if the caller has registered the same terms and salt before.
    /// @param salt Any value; tells apart plans of one creator with equal terms.
    /// @param planUri Where the plan's metadata is.
    /// @param maxFeeBps Most protocol fee that the caller accepts, in basis points; the present one is {protocolFee}.
    /// @return planId The plan's id, see {planIdOf}.
    function registerPlan(Terms calldata terms, bytes32 salt, string calldata planUri, uint16 maxFeeBps)
        external
        returns (uint256 planId);

    /// @notice Changes where a plan's metadata is.
    /// @dev Only the plan's owner. Emits the URI event of ERC-1155.
    /// Reverts with {UnknownPlan} if there is no such plan.
    /// Reverts with {NotPlanOwner} if the caller does not own it.
    /// @param planUri Where its metadata is from now on.
    function setPlanUri(uint256 planId, string calldata planUri) external;

    /// @notice Lets a plan take new orders, or stops them; holders keep all they have.
    /// @dev Only the plan's owner.
    /// Reverts with {UnknownPlan} if there is no such plan.
    /// Reverts with {NotPlanOwner} if the caller does not own it.
    /// @param active Whether it takes orders from now on.
    function setPlanActive(uint256 planId, bool active) external;

    /// @notice Allows or forbids an account to settle vouchers of a plan, and to redeem as far as the plan's rule has redeemers.
    /// @dev Only the plan's owner. Warning: what an owner allowed counts only while they own the plan, and again if they get it back.
    /// Reverts with {UnknownPlan} if there is no such plan.
    /// Reverts with {NotPlanOwner} if the caller does not own it.
    /// @param allowed Whether it may redeem.
    function setRedeemer(uint256 planId, address redeemer, bool allowed) external;

    /// @notice Allows or forbids an account to mint credits of a plan.
    /// @dev Only the plan's owner. Warning: what an owner allowed counts only while they own the plan, and again if they get it back.
    /// Reverts with {UnknownPlan} if there is no such plan.
    /// Reverts with {NotPlanOwner} if the caller does not own it.
    /// @param allowed Whether it may mint.
    function setMinter(uint256 planId, address minter, bool allowed) external;

    /// @notice Offers a plan to a new owner, who must accept it; the zero address withdraws an offer.
    /// @dev Only the plan's owner. Receivers of the price stay as they are: they are terms.
    /// Reverts with {UnknownPlan} if there is no such plan.
    /// Reverts with {NotPlanOwner} if the caller does not own it.
    /// @param newOwner Who may accept.
    function transferPlanOwnership(uint256 planId, address newOwner) external;

    /// @notice Makes the caller the owner of a plan that was offered to them; what the last owner allowed lapses.
    /// @dev Only the pending owner.
    /// Reverts with {UnknownPlan} if there is no such plan.
    /// Reverts with {NotPendingPlanOwner} if the plan was not offered to the caller.
    function acceptPlanOwnership(uint256 planId) external;

    // ------------------------------------------------------------------ orders

    /// @notice Buys a plan: the caller pays the price times the quantity, the receiver gets the credits.
    /// @dev Anyone may call, for anyone, but a trial for nobody else. Pays every split straight from the caller, so the caller approves
    /// this contract for the cost first.
    /// A quoted price is shared by the splits as weights, rounded down, the rest to the first.
    /// The protocol fee comes out of each split, rounded down; a fee that cannot be delivered goes to the first split's receiver.
    /// Credits are granted before the payment and before the ERC-1155 hook of a contract receiver.
    /// Reverts with {UnknownPlan} if there is no such plan.
    /// Reverts with {PlanNotActive} if it takes no orders.
    /// Reverts with {WrongKind} if it is a usage plan.
    /// Reverts with {PaidExternally} if it is paid outside the chain.
    /// Reverts with {InvalidQuantity} if the quantity is 0 or above {MAX_QUANTITY}, or not 1 on a trial.
    /// Reverts with {QuoteFailed} if the plan's quoter names no price.
    /// Reverts with {CostAboveMax} if the cost exceeds `maxCost`.
    /// Reverts with {WrongValue} if the native coin sent is not exactly what is needed.
    /// Reverts with {CreditsOverflow} if the receiver's account would overflow.
    /// Reverts with {TrialOrderedForOther} if a trial is ordered for anyone but the payer.
    /// Reverts with {TrialAlreadyTaken} if the receiver has had this trial.
    /// Reverts with {PaymentFailed} if a split's receiver could not be paid.
    /// Reverts with ERC1155InvalidReceiver if the receiver is zero or a contract that does not accept the credits.
    /// @param receiver Who gets the credits.
    /// @param quantity Number of purchases.
    /// @param maxCost Most the caller will pay, in base units of the plan's token.
    /// @return cost What the caller paid, in base units of the plan's token.
    function order(uint256 planId, address receiver, uint256 quantity, uint256 maxCost)
        external
        payable
        returns (uint256 cost);

    /// @notice Buys a plan as {order} does, and brings the caller's signed permission (EIP-2612) for `maxCost` along.
    /// @dev Anyone may call, for anyone; the caller pays. A permit that does not work, because somebody brought it before, does no
    /// harm where the allowance is there. Not for plans priced in the native coin.
    /// Reverts as {order} does.
    /// @param receiver Who gets the credits.
    /// @param quantity Number of purchases.
    /// @param maxCost Most the caller will pay, in base units of the plan's token, and the value of the permit.
    /// @param permit The signed permission.
    /// @return cost What the caller paid, in base units of the plan's token.
    function orderWithPermit(
        uint256 planId,
        address receiver,
        uint256 quantity,
        uint256 maxCost,
        Permit calldata permit
    ) external returns (uint256 cost);

    /// @notice Buys a plan for a payer who has signed the order (EIP-3009), so that they need no coin for gas.
    /// @dev Anyone may call and can change nothing: the signature's nonce is a hash of the order. `maxCost` comes from the payer, the
    /// cost goes on to the receivers of the price, the rest back to the payer, in this call. The token is asked with the signature
    /// as bytes and, if it refuses and there are 65 of them, as v, r, s.
    /// Reverts as {order} does.
    /// Reverts with {TokenWithoutCode} if the plan is priced in the native coin, or its token has no code.
    /// Reverts with {AuthorizationFailed} if `maxCost` is 0, or the token does not move exactly `maxCost` to this contract.
    /// @param signature The payer's signature, in the form the token takes.
    /// @return cost What the payer paid, in base units of the plan's token.
    function orderWithAuthorization(OrderAuthorization calldata authorization, bytes calldata signature)
        external
        returns (uint256 cost);

    /// @notice Pays for a request of a usage plan; grants nothing.
    /// @dev Anyone may call. The caller approves this contract for the cost first, or sends the native coin.
    /// Reverts with {UnknownPlan} if there is no such plan.
    /// Reverts with {PlanNotActive} if it takes no orders.
    /// Reverts with {WrongKind} if it is not a usage plan.
    /// Reverts with {InvalidQuantity}, {QuoteFailed}, {CostAboveMax}, {WrongValue} and {PaymentFailed} as {order} does.
    /// @param quantity Number of units paid for.
    /// @param maxCost Most the caller will pay, in base units of the plan's token.
    /// @param context What it is paid for, such as a request id; only written to the event.
    /// @return cost What the caller paid, in base units of the plan's token.
    function payUsage(uint256 planId, uint256 quantity, uint256 maxCost, bytes32 context)
        external
        payable
        returns (uint256 cost);

    // ------------------------------------------------------------------ credits

    /// @notice Gives credits without payment.
    /// @dev Only the plan's owner or minters, whether or not the plan is active. Counts as the one grant of a trial. Credits of an
    /// expiring plan expire as if ordered now; on a time plan the amount is periods.
    /// Reverts with {UnknownPlan} if there is no such plan.
    /// Reverts with {WrongKind} if it is a usage plan.
    /// Reverts with {NotMinter} if the caller is neither owner nor minter.
    /// Reverts with {ZeroAmount} if the amount is 0.
    /// Reverts with {TrialAlreadyTaken} if the plan is a trial the receiver has had.
    /// Reverts with {CreditsOverflow} if the receiver's account would overflow.
    /// Reverts with ERC1155InvalidReceiver if the receiver is zero or a contract that does not accept the credits.
    /// @param to Who gets the credits.
    /// @param amount How many credits.
    function mint(uint256 planId, address to, uint256 amount) external;

    /// @notice Gives credits to many holders; a grant that fails is left out and reported, the others stand.
    /// @dev Only the plan's owner or minters. Each item has {ISOLATED_GAS} gas to itself, so a receiver that rejects, re-enters or burns gas
    /// loses its own grant only. Emits {MintSkipped} for each item left out.
    /// Reverts with {UnknownPlan} if there is no such plan.
    /// Reverts with {WrongKind} if it is a usage plan.
    /// Reverts with {NotMinter} if the caller is neither owner nor minter.
    /// Reverts with {NotEnoughGas} if too little gas is left for the next item.
    /// Reverts with ERC1155InvalidArrayLength if the lists differ in length.
    /// @param to Who gets credits, item by item.
    /// @param amounts How many credits, item by item.
    function mintBatch(uint256 planId, address[] calldata to, uint256[] calldata amounts) external;

    /// @notice Grants one item of a batch mint; kept by the contract for itself.
    /// @dev Only this contract.
    /// Reverts with {NotSelf} if anyone else calls, and as {mint} does.
    /// @param operator Who mints the batch.
    /// @param to Who gets the credits.
    /// @param amount How many credits.
    function mintItem(uint256 planId, address operator, address to, uint256 amount) external;

    /// @notice Grants a plan for a payment made outside the chain; a reference grants once.
    /// @dev Only the plan's owner or minters, whether or not the plan is active, and whether or not it can be ordered too.
    /// Reverts with {UnknownPlan} if there is no such plan.
    /// Reverts with {NotMinter} if the caller is neither owner nor minter.
    /// Reverts with {WrongKind} if it is a usage plan.
    /// Reverts with {InvalidQuantity} if the quantity is 0 or above {MAX_QUANTITY}, or not 1 on a trial.
    /// Reverts with {ReferenceUsed} if the plan was granted for this reference before.
    /// Reverts with {TrialAlreadyTaken} if the plan is a trial the receiver has had.
    /// Reverts with {CreditsOverflow} if the receiver's account would overflow.
    /// Reverts with ERC1155InvalidReceiver if the receiver is zero or a contract that does not accept the credits.
    /// @param to Who gets the credits.
    /// @param quantity Number of purchases.
    /// @param paymentReference The payment's reference, such as a hash of an invoice number.
    function grantExternal(uint256 planId, address to, uint256 quantity, bytes32 paymentReference) external;

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
    /// @dev Whoever the plan's rule names, see {RedemptionRule}. ERC-1155 operators are not among them. On a time plan that starts on first
    /// use this opens the access window by `amount` periods, or extends it; inside the window requests cost nothing.
    /// Reverts with {UnknownPlan} if there is no such plan.
    /// Reverts with {NotRedeemable} if nothing is redeemed on the plan.
    /// Reverts with {RedeemNotAllowed} if the rule does not name the caller.
    /// Reverts with {RedeemOutOfRange} if the amount is outside the plan's range.
    /// Reverts with {InsufficientCredits} if the holder has too few credits.
    /// @param holder Whose credits.
    /// @param amount How many credits.
    /// @param context What they are taken for, such as a request id; only written to the event.
    function redeem(uint256 planId, address holder, uint256 amount, bytes32 context) external;

    /// @notice Redeems credits of many holders, by the vouchers they signed or where the plan's rule lets the caller redeem. An item
    /// that fails does not harm the others.
    /// @dev Only the plan's owner or redeemers, with vouchers that name the caller. Raises the credits ever settled of each holder to
    /// the item's `total`, at most to the voucher's ceiling and by what the holder has. So a batch that is sent twice, or by two
    /// settlers, takes once. An item without signature is good where the rule lets the caller redeem the holder's credits.
    /// Emits {NotFullySettled} for each item that is not SETTLED, a TransferSingle for each by which something was taken, and {Settled}
    /// at the end.
    /// A contract wallet has {ISOLATED_GAS} gas to check its signature. The plan's redemption range is not applied: an item can
    /// stand for many requests. Reverts without data where a number is wider than its type, or an item is not within the call's data.
    /// Reverts with {UnknownPlan} if there is no such plan.
    /// Reverts with {SettlementsNotAccepted} if the plan is transferable, or grants no credits for requests.
    /// Reverts with {NotRedeemer} if the caller is neither owner nor redeemer.
    /// Reverts with {NotEnoughGas} if too little gas is left to ask a contract wallet.
    /// @return outcomes What became of each item, in the order given.
    function settle(uint256 planId, Settlement[] calldata items) external returns (SettlementOutcome[] memory outcomes);

    /// @notice Destroys a holder's credits.
    /// @dev The holder, or an ERC-1155 operator of theirs. Warning: an operator is approved for all plans at once.
    /// On a time plan that starts on purchase it gives up the last `amount` periods of access; without a period left, access ends
    /// at once.
    /// Reverts with ERC1155MissingApprovalForAll if the caller is neither.
    /// Reverts with {ZeroAmount} if the amount is 0.
    /// Reverts with {InsufficientCredits} if the holder has too few credits.
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

    /// @notice Returns the gas that each item of a batch mint, the delivery of a fee, or a wallet's check of a signature has to itself.
    /// @return Units of gas.
    function ISOLATED_GAS() external view returns (uint256);

    /// @notice Returns the fee that a plan registered now would carry.
    /// @return feeBps The fee in basis points.
    /// @return receiver Who receives the fees of all plans.
    function protocolFee() external view returns (uint16 feeBps, address receiver);

    /// @notice Returns the id that a plan has or would have.
    /// @dev `keccak256(abi.encode(chain id, this contract, creator, terms, salt))`.
    /// @param creator Who registers it.
    /// @return planId The id.
    function planIdOf(address creator, Terms calldata terms, bytes32 salt) external view returns (uint256 planId);

    /// @notice Returns a plan's terms as they were registered.
    /// @dev Reverts with {UnknownPlan} if there is no such plan.
    /// @return terms Its terms.
    function termsOf(uint256 planId) external view returns (Terms memory terms);

    /// @notice Returns what of a plan may change, and its frozen fee.
    /// @dev Reverts with {UnknownPlan} if there is no such plan.
    /// @return state Owner, pending owner, whether active, fee.
    function stateOf(uint256 planId) external view returns (PlanState memory state);

    /// @notice Returns whether the plan's present owner allows an account to redeem.
    /// @return Whether it is a redeemer.
    function isRedeemer(uint256 planId, address account) external view returns (bool);

    /// @notice Returns whether the plan's present owner allows an account to mint.
    /// @return Whether it is a minter.
    function isMinter(uint256 planId, address account) external view returns (bool);

    /// @notice Returns what an order would cost.
    /// @dev Says nothing of whether the plan takes orders.
    /// Reverts with {UnknownPlan} if there is no such plan.
    /// Reverts with {PaidExternally}, {InvalidQuantity} and {QuoteFailed} as {order} does.
    /// @param payer Who would pay; only a quoted price can depend on it.
    /// @param quantity Number of purchases.
    /// @return cost What the payer would pay, in base units of the plan's token.
    function quote(uint256 planId, address payer, uint256 quantity) external view returns (uint256 cost);

    /// @notice Returns a holder's account on a plan; all zero if there is none.
    /// @return account Balance, credits ever taken by settlements, end of access, and whether the trial was taken.
    function accountOf(uint256 planId, address holder) external view returns (Account memory account);

    /// @notice Returns when a holder's access to a time plan ends; 0 if it never began. Access is open before that second.
    /// @return Timestamp in seconds.
    function accessUntil(uint256 planId, address holder) external view returns (uint256);

    /// @notice Returns the live lots of a holder on an expiring plan, earliest expiry first; their credits sum up to the balance.
    /// @param offset How many live lots to skip.
    /// @param limit How many lots to return at most.
    /// @return lots What is left of each purchase.
    function lotsOf(uint256 planId, address holder, uint256 offset, uint256 limit)
        external
        view
        returns (Lot[] memory lots);

    /// @notice Returns whether a plan was granted for a payment made outside the chain.
    /// @return Whether it was.
    function isReferenceUsed(uint256 planId, bytes32 paymentReference) external view returns (bool);

    /// @notice Returns what the holder of a voucher signs.
    /// @return The EIP-712 digest.
    function voucherDigestOf(Voucher calldata voucher) external view returns (bytes32);

    /// @notice Returns the nonce that the authorization of a signed order carries.
    /// @dev `keccak256(abi.encode(chain id, this contract, planId, payer, receiver, quantity, maxCost, salt))`.
    /// @return The nonce.
    function authorizationNonceOf(OrderAuthorization calldata authorization) external view returns (bytes32);

    /// @notice Returns whether a redemption of a holder's credits would succeed, if whoever calls it is one the rule names.
    /// @param amount Credits it would take.
    /// @return ok Whether it would succeed.
    /// @return reason Selector of the error it would revert with; zero if it would succeed.
    function canRedeem(uint256 planId, address holder, uint256 amount) external view returns (bool ok, bytes4 reason);
}
