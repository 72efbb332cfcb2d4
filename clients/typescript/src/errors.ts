/** Errors of this package. Each one says what is wrong and what to do next. Nothing was signed when one is thrown. */

/** The base of all errors of this package. */
export class NvmError extends Error {
  override readonly name: string = "NvmError";

  constructor(
    /** What is wrong. */
    readonly problem: string,
    /** What to do next. */
    readonly nextStep: string,
  ) {
    super(`${problem}. Next: ${nextStep}.`);
  }
}

/** An option or an argument has a wrong value. */
export class InvalidOption extends NvmError {
  override readonly name = "InvalidOption";
}

/** A text of a server or of a file is malformed. */
export class InvalidMessage extends NvmError {
  override readonly name = "InvalidMessage";
}

/** Servers could read a path differently, so no voucher is bound to it. */
export class InvalidTarget extends NvmError {
  override readonly name = "InvalidTarget";

  constructor(
    readonly target: string,
    readonly reason: string,
  ) {
    super(`the target ${JSON.stringify(target.slice(0, 80))} ${reason}`, "send the request to a plain path");
  }
}

/** The limits or the budgets do not allow what a server wants. */
export class PaymentNotAllowed extends NvmError {
  override readonly name = "PaymentNotAllowed";

  constructor(
    readonly reasons: readonly string[],
    nextStep = "raise the limits or the budgets if you want to pay that",
  ) {
    super(`the limits do not allow the payment: ${reasons.join("; ")}`, nextStep);
  }
}

/** The server wants a voucher for exactly one request, and the plug-in does not see the request. */
export class RequestNotBound extends NvmError {
  override readonly name = "RequestNotBound";

  constructor(readonly level: string) {
    super(
      `the service wants vouchers of the level ${level}, and the x402 client does not show its schemes the request`,
      "give the wrapper payer.bind(fetch) instead of fetch",
    );
  }
}

/** Another request of this account orders the same plan at this moment. */
export class OrderUnderWay extends NvmError {
  override readonly name = "OrderUnderWay";

  constructor(readonly planId: bigint) {
    super(`an order of the plan ${planId} is under way`, "send the request again when the order has been answered");
  }
}

/** The file of the state cannot be used. */
export class StateUnusable extends NvmError {
  override readonly name = "StateUnusable";
}
