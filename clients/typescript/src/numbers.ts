/** Numbers and names as they stand on the wire: decimal text, addresses with a checksum, DIDs. */
import { getAddress, isAddress, type Address } from "viem";

import { InvalidMessage } from "./errors.js";

export const MAX_UINT64: bigint = 2n ** 64n - 1n;
export const MAX_UINT256: bigint = 2n ** 256n - 1n;

const DID = /^did:nv:[0-9a-f]{64}$/;

/** Read a whole number from decimal text. */
export function readUint(value: unknown, most: bigint, name: string): bigint {
  if (typeof value !== "string" || !/^(0|[1-9][0-9]{0,77})$/.test(value)) throw refuse(name, value, "decimal digits");
  const number = BigInt(value);
  if (number > most) throw refuse(name, value, `a number up to ${most}`);
  return number;
}

/** Read an address, in any spelling of its letters. The address of nobody is refused. */
export function readAddress(value: unknown, name: string): Address {
  if (typeof value !== "string" || !isAddress(value, { strict: false }) || /^0x0{40}$/.test(value)) {
    throw refuse(name, value, "an address");
  }
  return getAddress(value);
}

/** Read the DID of a service or of a plan. */
export function readDid(value: unknown, name: string): string {
  if (typeof value !== "string" || !DID.test(value)) throw refuse(name, value, "a DID such as did:nv:… in small letters");
  return value;
}

/** Read a plan's id: a number, decimal text, or a DID. */
export function readPlanId(value: unknown): bigint {
  if (typeof value === "bigint" && value >= 0n && value <= MAX_UINT256) return value;
  if (typeof value === "string" && DID.test(value)) return BigInt(`0x${value.slice(7)}`);
  return readUint(value, MAX_UINT256, "plan id");
}

/** Read a text. */
export function readText(value: unknown, name: string): string {
  if (typeof value !== "string") throw refuse(name, value, "a text");
  return value;
}

/** Read the id of a chain from its name by CAIP-2, such as `eip155:8453`. */
export function readNetwork(value: unknown): number {
  const match = typeof value === "string" ? /^eip155:([1-9][0-9]{0,14})$/.exec(value) : null;
  if (match === null) throw refuse("network", value, "a chain such as eip155:8453");
  return Number(match[1]);
}

/** Return whether a value is an object of JSON. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(name: string, value: unknown, wanted: string): InvalidMessage {
  const shown = String(typeof value === "string" ? JSON.stringify(value) : value).slice(0, 60);
  return new InvalidMessage(`${name} is ${shown}, and not ${wanted}`, "ask the seller to correct its server");
}
