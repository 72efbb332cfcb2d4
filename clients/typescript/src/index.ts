/** Pays services of nvm_chain from credits, with the official TypeScript client of x402. */
export {
  bindingContext,
  buildBinding,
  canonicalize,
  checkTarget,
  hashBody,
  NO_BODY,
  NO_CONTEXT,
  type Binding,
  type Level,
  type RequestFacts,
} from "./bindings.js";
export type { ContractReader } from "./chains.js";
export type { CreditsScheme } from "./credits_scheme.js";
export {
  InvalidMessage,
  InvalidOption,
  InvalidTarget,
  NvmError,
  OrderUnderWay,
  PaymentNotAllowed,
  RequestNotBound,
  StateUnusable,
} from "./errors.js";
export type { Budget, Limits } from "./limits.js";
export { CREDITS_SCHEME, ORDER_SCHEME } from "./offers.js";
export type { OrderScheme } from "./order_scheme.js";
export { hashOrder, orderNonce, signOrder, type Order, type SignedOrder, type Token } from "./orders.js";
export { Payer, type PayerOptions } from "./payer.js";
export { findPlace, type Place } from "./places.js";
export type { RequestLike } from "./requests.js";
export type { Fetch } from "./sending.js";
export { MemoryStore, type Account, type Ceiling, type Orders, type Store } from "./stores.js";
export {
  hashVoucher,
  signVoucher,
  VOUCHER_TYPES,
  type CreditsContract,
  type SignedVoucher,
  type Signer,
  type Voucher,
} from "./vouchers.js";
