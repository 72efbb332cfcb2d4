// The vectors of the Python package: what it writes and signs, this package writes and signs to the byte.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { privateKeyToAccount } from "viem/accounts";

import {
  bindingContext,
  buildBinding,
  canonicalize,
  checkTarget,
  hashBody,
  hashOrder,
  hashVoucher,
  InvalidTarget,
  orderNonce,
  signOrder,
  signVoucher,
} from "../dist/index.js";

const read = (name) => JSON.parse(readFileSync(new URL(`../../../tests/vectors/${name}.json`, import.meta.url), "utf8"));
const encode = (text) => new TextEncoder().encode(text);
const bindings = read("bindings");
const vouchers = read("vouchers");
const orders = read("authorization_nonces");

test("a binding has the canonical text and the context of its vector", () => {
  assert.ok(bindings.vectors.length >= 20);
  for (const { name, binding, canonical, context } of bindings.vectors) {
    assert.equal(canonicalize(binding), canonical, name);
    assert.equal(bindingContext(binding), context, name);
    const built = buildBinding(binding.service, binding, binding.level);
    assert.deepEqual(built, binding, name);
  }
});

test("a target is refused where the vectors say so", () => {
  for (const { target, accepted } of bindings.targets) {
    if (accepted) assert.equal(checkTarget(target), target);
    else assert.throws(() => checkTarget(target), InvalidTarget, target);
  }
});

test("a body has the digest of its vector", () => {
  for (const { text, digest } of bindings.bodies) assert.equal(hashBody(encode(text)), digest);
});

/** A voucher or an order of a vector: what is decimal text there is a bigint here. */
const parse = (fields, numbers) =>
  Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, numbers.includes(name) ? BigInt(text) : text]));
const place = (vector) => ({
  chainId: Number(vector.domain.chainId),
  credits: vector.domain.verifyingContract,
});

test("a voucher has the digest and the signature of its vector", async () => {
  const account = privateKeyToAccount(vouchers.key);
  const told = vouchers.vectors.filter(({ domain }) => BigInt(domain.chainId) <= BigInt(Number.MAX_SAFE_INTEGER));
  assert.ok(told.length >= 28);
  for (const vector of told) {
    const voucher = parse(vector.voucher, ["planId", "ceiling", "deadline"]);
    assert.equal(hashVoucher(voucher, place(vector)), vector.digest, vector.name);
    const signed = await signVoucher(account, voucher, place(vector));
    assert.deepEqual(signed, { type: "nvm_chain.voucher.v1", ...vector.voucher, signature: vector.signature }, vector.name);
  }
});

test("an order has the nonce, the digest and the signature of its vector", async () => {
  const account = privateKeyToAccount(orders.key);
  const told = orders.vectors.filter(({ token }) => BigInt(token.chainId) <= BigInt(Number.MAX_SAFE_INTEGER));
  assert.ok(told.length >= 25);
  for (const vector of told) {
    const order = parse(vector.order, ["planId", "quantity", "maxCost", "validAfter", "validBefore"]);
    const contract = { chainId: Number(vector.token.chainId), credits: vector.contract };
    const token = { address: vector.token.verifyingContract, name: vector.token.name, version: vector.token.version };
    assert.equal(orderNonce(order, contract), vector.nonce, vector.name);
    assert.equal(hashOrder(order, token, contract), vector.digest, vector.name);
    const signed = await signOrder(account, order, token, contract);
    assert.equal(signed.signature, vector.signature, vector.name);
  }
});
