/** Stores: what an account has signed on each plan. Without one that outlives the process, a new process begins from zero. */
import { InvalidMessage } from "./errors.js";
import { isObject, MAX_UINT256, readUint } from "./numbers.js";
import type { SignedOrder } from "./orders.js";

/**
 * What an account has signed on a plan, in credits.
 *
 * `total` is the highest ceiling that was signed or settled. `used` is the ceiling on which the next one builds. `signed` is
 * what was signed within the limits. `floor` is what a gateway has counted, as it said last.
 */
export interface Ceiling {
  total: bigint;
  used: bigint;
  signed: bigint;
  floor: bigint;
}

/** The orders of a plan. `spent` is all money that was signed for. `open` is an order whose outcome is not known. */
export interface Orders {
  spent: bigint;
  open?: SignedOrder | undefined;
}

/** What an account has signed, by the ids of plans in decimal text. */
export interface Account {
  ceilings: Record<string, Ceiling>;
  orders: Record<string, Orders>;
}

/** A store of accounts, by their names. */
export interface Store {
  /**
   * Change an account, and return what the function returns. Nobody else changes the account meanwhile. The change is kept
   * before the promise is fulfilled, and nothing is kept if the function throws.
   */
  update<Result>(name: string, change: (account: Account) => Result): Promise<Result>;
}

/** A store in memory, for the life of the process. */
export class MemoryStore implements Store {
  readonly #accounts = new Map<string, Account>();

  async update<Result>(name: string, change: (account: Account) => Result): Promise<Result> {
    const account = structuredClone(this.#accounts.get(name) ?? createAccount());
    const result = change(account);
    this.#accounts.set(name, account);
    return result;
  }
}

/** Return an account that has not signed anything. */
export function createAccount(): Account {
  return { ceilings: {}, orders: {} };
}

/** Return an account as a value of JSON. Numbers are decimal text. */
export function writeAccount(account: Account): unknown {
  const ceilings = Object.entries(account.ceilings).map(([planId, { total, used, signed, floor }]) => [
    planId,
    { total: `${total}`, used: `${used}`, signed: `${signed}`, floor: `${floor}` },
  ]);
  const orders = Object.entries(account.orders).map(([planId, { spent, open }]) => [planId, { spent: `${spent}`, open }]);
  return { ceilings: Object.fromEntries(ceilings), orders: Object.fromEntries(orders) };
}

/** Read an account from a value of JSON. Throws `InvalidMessage`. */
export function readAccount(value: unknown): Account {
  const account = createAccount();
  if (!isObject(value) || !isObject(value["ceilings"]) || !isObject(value["orders"])) throw refuse();
  for (const [planId, kept] of Object.entries(value["ceilings"])) account.ceilings[planId] = readCeiling(kept);
  for (const [planId, kept] of Object.entries(value["orders"])) account.orders[planId] = readOrders(kept);
  return account;
}

function readCeiling(value: unknown): Ceiling {
  if (!isObject(value)) throw refuse();
  const read = (name: string) => readUint(value[name], MAX_UINT256, name);
  return { total: read("total"), used: read("used"), signed: read("signed"), floor: read("floor") };
}

function readOrders(value: unknown): Orders {
  if (!isObject(value)) throw refuse();
  const open = value["open"];
  if (open !== undefined && !(isObject(open) && Object.values(open).every((each) => typeof each === "string"))) throw refuse();
  return { spent: readUint(value["spent"], MAX_UINT256, "spent"), open: open as SignedOrder | undefined };
}

function refuse(): InvalidMessage {
  return new InvalidMessage("the state is not one that this package writes", "restore the file");
}
