/**
 * Bindings: the request for which a voucher was signed. The voucher's context is keccak-256 of the binding in canonical
 * JSON (RFC 8785).
 */
import { keccak256, sha256, stringToBytes, type Hex } from "viem";

import { InvalidOption, InvalidTarget } from "./errors.js";
import { readDid } from "./numbers.js";

/** How much of a request a voucher is bound to. */
export type Level = "full" | "resource" | "none";

/** A request as a voucher names it. `full` is one request, `resource` is any request to the same path and query. */
export interface Binding {
  readonly v: 1;
  readonly level: "full" | "resource";
  readonly method: string;
  readonly service: string;
  readonly target: string;
  readonly body: string;
  readonly id: string;
}

/** What of a request goes into a binding. */
export interface RequestFacts {
  readonly method: string;
  readonly target: string;
  /** The digest of the content, by `hashBody`. */
  readonly body: string;
  /** The key against serving twice. A random one if not given. */
  readonly id?: string | undefined;
}

/** The context of a voucher without a binding. */
export const NO_CONTEXT: Hex = `0x${"00".repeat(32)}`;
/** The digest of a request without content. */
export const NO_BODY = "-";

const UNSIGNED = "*";
const MAX_TARGET = 8_192;
const RANKS: Record<string, number> = { full: 0, resource: 1, none: 2 };
const AMBIGUOUS: readonly (readonly [string, string])[] = [
  ["//", "has an empty segment in its path"],
  ["\\", "has a backslash in its path"],
  ["%2f", "has an encoded slash in its path"],
  ["%5c", "has an encoded backslash in its path"],
];

/** Return the digest of a body: SHA-256 of its bytes, and `-` for none. */
export function hashBody(content: Uint8Array): string {
  return content.length === 0 ? NO_BODY : `sha-256:${sha256(content).slice(2)}`;
}

/** Return a target as it is. Throws `InvalidTarget` for one that servers could read differently. */
export function checkTarget(target: string): string {
  const problem = findTargetProblem(target);
  if (problem !== undefined) throw new InvalidTarget(target, problem);
  return target;
}

function findTargetProblem(target: string): string | undefined {
  if (target.length > MAX_TARGET) return `has more than ${MAX_TARGET} characters`;
  if (!/^[!-~]*$/.test(target) || target.includes("#")) return "has a character that is not visible ASCII, or a #";
  if (target.includes("%00")) return "has an encoded NUL";
  const path = (target.split("?", 1)[0] ?? "").toLowerCase();
  if (!path.startsWith("/")) return "does not begin with a slash";
  const ambiguous = AMBIGUOUS.find(([mark]) => path.includes(mark));
  if (ambiguous !== undefined) return ambiguous[1];
  return path.split("/").some(isDots) ? "has a dot segment in its path" : undefined;
}

function isDots(segment: string): boolean {
  const plain = (segment.split(";", 1)[0] ?? "").replaceAll("%2e", ".");
  return plain === "." || plain === "..";
}

/** Build the binding of a request. Throws `InvalidTarget` or `InvalidOption` for a request that no binding can name. */
export function buildBinding(service: string, facts: RequestFacts, level: "full" | "resource" = "full"): Binding {
  const isFull = level === "full";
  const id = facts.id ?? `request_${crypto.randomUUID().replaceAll("-", "")}`;
  if (!/^[!#-[\]-~]{1,128}$/.test(id)) {
    throw new InvalidOption("the id of the request is not 1 to 128 visible ASCII characters", "give a shorter Idempotency-Key");
  }
  if (isFull && !/^[A-Z][A-Z0-9_-]{0,31}$/.test(facts.method)) {
    throw new InvalidOption(`the method ${facts.method} is not in capital letters`, "send a usual method");
  }
  return {
    v: 1,
    level,
    method: isFull ? facts.method : UNSIGNED,
    service: readDid(service, "service"),
    target: checkTarget(facts.target),
    body: isFull ? facts.body : UNSIGNED,
    id,
  };
}

/** Write a binding as canonical JSON, the text that is hashed. */
export function canonicalize(binding: Binding): string {
  const names = Object.keys(binding).sort() as (keyof Binding)[];
  return `{${names.map((name) => `${JSON.stringify(name)}:${JSON.stringify(binding[name])}`).join(",")}}`;
}

/** Return the context of a voucher for a request, 32 bytes. */
export function bindingContext(binding: Binding | undefined): Hex {
  return binding === undefined ? NO_CONTEXT : keccak256(stringToBytes(canonicalize(binding)));
}

/** Return whether a level binds as much as another one, or more. An unknown level binds most. */
export function isAtLeast(level: Level, least: string): boolean {
  return (RANKS[level] ?? 0) <= (RANKS[least] ?? 0);
}
