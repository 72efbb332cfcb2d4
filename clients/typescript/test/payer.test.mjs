// The payer with the official client, and a server of a few lines: what is signed, what is refused, and what is signed once only.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, after, test } from "node:test";
import { x402Client, x402HTTPClient } from "@x402/core/client";
import { encodePaymentRequiredHeader, encodePaymentResponseHeader, decodePaymentSignatureHeader } from "@x402/core/http";
import { wrapFetchWithPayment } from "@x402/fetch";
import { recoverTypedDataAddress, verifyTypedData } from "viem";
import { privateKeyToAccount } from "viem/accounts";

import { InvalidOption, MemoryStore, OrderUnderWay, Payer, PaymentNotAllowed, VOUCHER_TYPES } from "../dist/index.js";
import { FileStore } from "../dist/file.js";

const account = privateKeyToAccount(`0x${"11".repeat(32)}`);
const CREDITS = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
const TOKEN = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
const REDEEMER = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";
const NETWORK = "eip155:31337";
const DID = `did:nv:${"0".repeat(63)}7`;
const URL_ = `https://gateway.example.com/services/${DID}/ask`;
const LIMITS = { perRequest: 5n, inAll: 100n };

const credits = (changes = {}, extra = {}) => ({
  scheme: "nvm-credits",
  network: NETWORK,
  asset: CREDITS,
  amount: "2",
  payTo: REDEEMER,
  maxTimeoutSeconds: 60,
  ...changes,
  extra: { name: "nvm_chain Credits", version: "1", planId: "9", service: DID, level: "full", ...extra },
});
const order = (changes = {}, extra = {}) => ({
  scheme: "nvm-order",
  network: NETWORK,
  asset: TOKEN,
  amount: "20000000",
  payTo: CREDITS,
  maxTimeoutSeconds: 300,
  ...changes,
  extra: {
    ...{ name: "USDC", version: "2", paymentFlow: "upfront", purchase: "plan", planId: "9", credits: "100" },
    ...{ redeemer: REDEEMER, service: DID, level: "full", requestCredits: "2", ...extra },
  },
});
const exact = (amount) => ({ ...order({ amount, payTo: REDEEMER }), scheme: "exact", extra: { name: "USDC", version: "2" } });
const required = (...accepts) => ({ x402Version: 2, error: "pay", resource: { url: URL_ }, accepts });
const BUDGET = { planId: 9n, token: TOKEN, inAll: 40_000_000n, perOrder: 20_000_000n };

const createPayer = (options = {}) => new Payer({ account, network: NETWORK, credits: CREDITS, limits: LIMITS, ...options });
const createClient = (payer) => payer.register(new x402Client());
const withholdUrl = (payer, told) => payer.note(told, { method: "POST", url: URL_ });
const pay = (payer, ...accepts) => createClient(payer).createPaymentPayload(withholdUrl(payer, required(...accepts)));

/** A server that answers paid requests by what a function says of the payment, and all others by 402. */
const createServer = (accepts, answer) => {
  const seen = [];
  const fetch = async (request) => {
    const header = request.headers.get("PAYMENT-SIGNATURE");
    const told = header === null ? required(...accepts) : await answer(decodePaymentSignatureHeader(header), seen.length);
    if (header !== null) seen.push(decodePaymentSignatureHeader(header));
    if (told instanceof Response) return told;
    if (told.accepts === undefined) return new Response("served", { headers: { "PAYMENT-RESPONSE": encodePaymentResponseHeader(told) } });
    return new Response("{}", { status: 402, headers: { "PAYMENT-REQUIRED": encodePaymentRequiredHeader(told) } });
  };
  return { fetch, seen };
};
const receipt = (amount, transaction = "") => ({ success: true, payer: account.address, transaction, network: NETWORK, amount });
const ordered = (amount) => receipt(amount, `0x${"ab".repeat(32)}`);
const wrap = (payer, fetch) => wrapFetchWithPayment(payer.bind(fetch), createClient(payer));

// ---------------------------------------------------------------------- vouchers and limits

test("a voucher is signed by the account, for the contract of the options only", async () => {
  const { payload } = await pay(createPayer(), credits());
  const { voucher } = payload;
  const message = { ...voucher, planId: 9n, ceiling: 2n, deadline: BigInt(voucher.deadline) };
  const domain = { name: "nvm_chain Credits", version: "1", chainId: 31337, verifyingContract: CREDITS };
  const data = { domain, types: VOUCHER_TYPES, primaryType: "Voucher", message };
  assert.ok(await verifyTypedData({ ...data, address: account.address, signature: voucher.signature }));
  for (const changes of [{ network: "eip155:1" }, { asset: TOKEN }]) await assert.rejects(pay(createPayer(), credits(changes)));
  const payer = createPayer();
  await assert.rejects(payer.credits.createPaymentPayload(2, credits({ asset: TOKEN })), /not of 0x5FbDB/);
});

test("the first offer within the limits is paid", async () => {
  const { accepted } = await pay(createPayer(), credits({ amount: "6" }), credits({ amount: "5" }), credits());
  assert.equal(accepted.amount, "5");
});

test("a malformed offer is not paid, and the reason is told", async () => {
  for (const extra of [{ planId: "x" }, { service: "did:nv:7" }, { planId: null }]) {
    await assert.rejects(pay(createPayer(), credits({}, extra)), PaymentNotAllowed);
  }
  for (const amount of ["0", "-1", "1.5", "1e3", "18446744073709551616"]) {
    await assert.rejects(pay(createPayer(), credits({ amount })), PaymentNotAllowed);
  }
});

test("options that are not bigints or addresses are refused", () => {
  assert.throws(() => createPayer({ limits: { perRequest: 5, inAll: 100n } }), InvalidOption);
  assert.throws(() => createPayer({ limits: { perRequest: 5n, inAll: -1n } }), InvalidOption);
  assert.throws(() => createPayer({ credits: "0x00" }));
  assert.throws(() => createPayer({ network: "base" }));
});

test("what a request did not cost is signed again, and a failed one costs nothing", async () => {
  const costs = ["1", undefined, "2"];
  const server = createServer([credits()], (_, n) =>
    costs[n] === undefined ? new Response("broken", { status: 502 }) : receipt(costs[n]),
  );
  const paid = wrap(createPayer(), server.fetch);
  for (let n = 0; n < 3; n++) await paid(URL_, { method: "POST", body: "tea" });
  assert.deepEqual(
    server.seen.map(({ payload }) => payload.voucher.ceiling),
    ["2", "3", "3"],
  );
});

test("a request that was not answered is signed again with the same ceiling", async () => {
  const server = createServer([credits()], (_, n) => {
    if (n === 0) throw new TypeError("connection lost");
    return receipt("2");
  });
  const payer = createPayer();
  const seen = [];
  const fetch = async (request) => {
    if (request.headers.has("PAYMENT-SIGNATURE")) {
      seen.push(decodePaymentSignatureHeader(request.headers.get("PAYMENT-SIGNATURE")).payload.voucher.ceiling);
      if (seen.length === 1) throw new TypeError("connection lost");
    }
    return server.fetch(request);
  };
  const paid = wrap(payer, fetch);
  await assert.rejects(paid(URL_), TypeError);
  server.seen.push(null);
  assert.equal((await paid(URL_)).status, 200);
  assert.deepEqual(seen, ["2", "2"]);
});

test("a gateway that wants a ceiling above the limit in all gets none, and the state stays as it was", async () => {
  const account_ = { holder: account.address, nextCeiling: "1000000" };
  const server = createServer([credits()], (_, n) => (n === 0 ? required(credits({}, { account: account_ })) : receipt("2")));
  const paid = wrap(createPayer(), server.fetch);
  await assert.rejects(paid(URL_), (error) => error instanceof PaymentNotAllowed && /999998|1000000/.test(error.message));
  assert.equal((await paid(URL_)).status, 200);
  assert.deepEqual(
    server.seen.map(({ payload }) => payload.voucher.ceiling),
    ["2", "2"],
  );
});

test("a ceiling that is wanted for somebody else, or a lower one, is not taken over", async () => {
  for (const told of [
    { holder: REDEEMER, nextCeiling: "50" },
    { holder: account.address, nextCeiling: "2" },
  ]) {
    const server = createServer([credits()], () => required(credits({}, { account: told })));
    assert.equal((await wrap(createPayer(), server.fetch)(URL_)).status, 402);
    assert.equal(server.seen.length, 1);
  }
});

test("a payment is not sent on by a redirect", async () => {
  const seen = [];
  const fetch = async (request) => {
    seen.push(request.redirect);
    if (!request.headers.has("PAYMENT-SIGNATURE")) {
      return new Response("{}", { status: 402, headers: { "PAYMENT-REQUIRED": encodePaymentRequiredHeader(required(credits())) } });
    }
    return new Response(null, { status: 307, headers: { location: "https://other.example.com/" } });
  };
  assert.equal((await wrap(createPayer(), fetch)(URL_)).status, 307);
  assert.deepEqual(seen, ["follow", "manual"]);
});

test("an offer of another service than that of the address is not paid", async () => {
  const other = `did:nv:${"0".repeat(63)}8`;
  const payer = createPayer();
  await assert.rejects(pay(payer, credits({}, { service: other })), PaymentNotAllowed);
});

test("a server cannot write the request itself", async () => {
  const payer = createPayer();
  const forged = { ...required(credits()), extensions: { "nvm-request": { key: "x", sent: { method: "GET", target: "/", body: "-" } } } };
  await assert.rejects(createClient(payer).createPaymentPayload(forged), /payer\.bind/);
});

// ---------------------------------------------------------------------- orders

test("used-up credits are ordered once within the budget, and the request is served", async () => {
  let has = 0;
  const offers = [credits(), order()];
  const server = createServer(offers, ({ accepted }) => {
    if (accepted.scheme === "nvm-order") has = 100;
    return has > 0 ? receipt("2") : required(order());
  });
  const payer = createPayer({ budgets: [BUDGET] });
  const paid = wrap(payer, server.fetch);
  assert.equal((await paid(URL_, { method: "POST", body: "tea" })).status, 200);
  assert.equal((await paid(URL_, { method: "POST", body: "tea" })).status, 200);
  assert.deepEqual(
    server.seen.map(({ accepted }) => accepted.scheme),
    ["nvm-credits", "nvm-order", "nvm-credits"],
  );
  const { payload } = server.seen[1];
  assert.equal(payload.order.maxCost, "20000000");
  assert.equal(payload.order.contract, CREDITS);
  assert.equal(payload.voucher.ceiling, "2");
  assert.equal(payload.binding.level, "full");
});

test("the voucher of an order has the ceiling that the gateway wants with it", async () => {
  const told = { holder: account.address, nextCeiling: "52" };
  const answer = ({ accepted }) => (accepted.scheme === "nvm-order" ? ordered("2") : required(order({}, { account: told })));
  const server = createServer([credits(), order()], answer);
  assert.equal((await wrap(createPayer({ budgets: [BUDGET] }), server.fetch)(URL_)).status, 200);
  assert.deepEqual(
    server.seen.map(({ payload }) => payload.voucher.ceiling),
    ["2", "52"],
  );
});

test("an order whose voucher has a ceiling that is too low is shown again with the right one", async () => {
  const told = { holder: account.address, nextCeiling: "52" };
  const answer = ({ payload }) => (payload.voucher.ceiling === "52" ? ordered("2") : required(credits({}, { account: told }), order()));
  const server = createServer([order()], answer);
  assert.equal((await wrap(createPayer({ budgets: [BUDGET] }), server.fetch)(URL_)).status, 200);
  const [first, second] = server.seen.map(({ payload }) => payload);
  assert.equal(first.order.signature, second.order.signature);
  assert.deepEqual([first.voucher.ceiling, second.voucher.ceiling], ["2", "52"]);
});

test("many requests without credits order the plan once", async () => {
  let has = 0;
  const server = createServer([credits(), order()], async ({ accepted }) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (accepted.scheme === "nvm-order") has = 100;
    return has > 0 ? receipt("2") : required(order());
  });
  const paid = wrap(createPayer({ budgets: [BUDGET], limits: { perRequest: 5n, inAll: 1_000n } }), server.fetch);
  const answers = await Promise.all(Array.from({ length: 10 }, () => paid(URL_, { method: "POST", body: "tea" })));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  assert.equal(server.seen.filter(({ accepted }) => accepted.scheme === "nvm-order").length, 1);
});

test("an order above its budget is not signed, and neither is one of another token, plan or contract", async () => {
  const cases = [
    [[order({ amount: "20000001" })], {}],
    [[order({ asset: REDEEMER })], {}],
    [[order({}, { planId: "8" })], {}],
    [[order({ payTo: REDEEMER })], {}],
    [[order()], { budgets: [] }],
    [[order({}, { requestCredits: "6" })], {}],
  ];
  for (const [offers, options] of cases) {
    let signatures = 0;
    const counting = { ...account, signTypedData: (data) => (signatures++, account.signTypedData(data)) };
    await assert.rejects(pay(createPayer({ account: counting, budgets: [BUDGET], ...options }), ...offers));
    assert.equal(signatures, 0);
  }
  const payer = createPayer({ budgets: [BUDGET] }); // the scheme itself refuses too, whatever the client lets through
  await assert.rejects(payer.orders.createPaymentPayload(2, order({ asset: REDEEMER })), /another token/);
  await assert.rejects(payer.orders.createPaymentPayload(2, order({ payTo: REDEEMER })), /not of 0x5FbDB/);
});

test("all orders together stay within the budget", async () => {
  const server = createServer([order()], () => ordered("2"));
  const paid = wrap(createPayer({ budgets: [BUDGET] }), server.fetch);
  assert.equal((await paid(URL_)).status, 200);
  assert.equal((await paid(URL_)).status, 200);
  await assert.rejects(paid(URL_), /40000000 base units of the budget/);
  assert.equal(server.seen.length, 2);
});

test("an order without a known outcome is shown again, and no second one is signed", async () => {
  const store = new MemoryStore();
  const answers = [() => new Response("", { status: 503 }), () => required(order()), () => ordered("2"), () => ordered("2")];
  const server = createServer([order()], (_, n) => answers[n]());
  const statuses = [];
  for (let n = 0; n < 4; n++) {
    const paid = wrap(createPayer({ budgets: [BUDGET], store }), server.fetch); // a new process, with the same store
    statuses.push((await paid(URL_)).status);
  }
  assert.deepEqual(statuses, [503, 402, 200, 200]);
  const salts = server.seen.map(({ payload }) => payload.order.salt);
  assert.equal(new Set(salts.slice(0, 3)).size, 1);
  assert.notEqual(salts[3], salts[0]);
});

test("an order that the gateway did not need is used for the next purchase", async () => {
  const server = createServer([order()], (_, n) => (n === 0 ? receipt("2") : ordered("2")));
  const paid = wrap(createPayer({ budgets: [BUDGET] }), server.fetch);
  for (let n = 0; n < 3; n++) await paid(URL_);
  const salts = server.seen.map(({ payload }) => payload.order.salt);
  assert.equal(salts[0], salts[1]);
  assert.notEqual(salts[1], salts[2]);
});

test("used-up credits without a budget are left for another scheme of the client, and kept if there is none", async () => {
  const scheme = { scheme: "exact", createPaymentPayload: async (x402Version) => ({ x402Version, payload: {} }) };
  const answer = ({ accepted }) => (accepted.scheme === "exact" ? ordered("10000") : required(exact("10000")));
  for (const [schemes, status, seen] of [
    [[scheme], 200, ["nvm-credits", "exact"]],
    [[], 402, ["nvm-credits", "nvm-credits"]],
  ]) {
    const server = createServer([credits(), order(), exact("10000")], answer);
    const payer = createPayer({ otherControls: { allowedAssets: [{ network: NETWORK, asset: TOKEN, maxAmountPerPayment: "10000" }] } });
    const client = createClient(payer);
    for (const each of schemes) client.register("eip155:*", each);
    const paid = wrapFetchWithPayment(payer.bind(server.fetch), client);
    assert.equal((await paid(URL_)).status, status);
    assert.deepEqual(
      server.seen.map(({ accepted }) => accepted.scheme),
      seen,
    );
  }
});

test("a budget for the plan goes before another scheme that pays for one request", async () => {
  const scheme = { scheme: "exact", createPaymentPayload: async (x402Version) => ({ x402Version, payload: {} }) };
  const answer = ({ accepted }) => (accepted.scheme === "nvm-credits" ? required(order(), exact("10000")) : ordered("2"));
  const server = createServer([credits(), order(), exact("10000")], answer);
  const otherControls = { allowedAssets: [{ network: NETWORK, asset: TOKEN, maxAmountPerPayment: "10000" }] };
  const payer = createPayer({ budgets: [BUDGET], otherControls });
  const paid = wrapFetchWithPayment(payer.bind(server.fetch), createClient(payer).register("eip155:*", scheme));
  assert.equal((await paid(URL_)).status, 200);
  assert.deepEqual(
    server.seen.map(({ accepted }) => accepted.scheme),
    ["nvm-credits", "nvm-order"],
  );
});

test("a second order at the same time says that one is under way", async () => {
  const payer = createPayer({ budgets: [BUDGET] });
  await pay(payer, order());
  await assert.rejects(pay(payer, order()), OrderUnderWay);
});

test("an order that is not counted yet is shown again until it is", async () => {
  const server = createServer([order()], (_, n) =>
    n < 2 ? new Response("", { status: 202, headers: { "Retry-After": "0" } }) : receipt("2"),
  );
  const answer = await wrap(createPayer({ budgets: [BUDGET] }), server.fetch)(URL_, { method: "POST", body: "tea" });
  assert.equal(answer.status, 200);
  assert.equal(new Set(server.seen.map(({ payload }) => payload.order.signature)).size, 1);
  assert.equal(server.seen.length, 3);
});

test("a plan alone is ordered without a voucher", async () => {
  const alone = order({}, { service: undefined, level: undefined, requestCredits: undefined });
  const { payload } = await createClient(createPayer({ budgets: [BUDGET] })).createPaymentPayload(required(alone));
  assert.deepEqual(Object.keys(payload), ["order"]);
});

test("an order is signed for exactly what it says", async () => {
  const { payload } = await pay(createPayer({ budgets: [BUDGET] }), order());
  const { order: signed } = payload;
  const { orderNonce } = await import("../dist/index.js");
  const numbers = ["planId", "quantity", "maxCost", "validAfter", "validBefore"];
  const fields = { ...signed, ...Object.fromEntries(numbers.map((name) => [name, BigInt(signed[name])])) };
  const message = {
    ...{ from: account.address, to: CREDITS, value: 20_000_000n, validAfter: 0n, validBefore: fields.validBefore },
    nonce: orderNonce(fields, { chainId: 31337, credits: CREDITS }),
  };
  const names = [["from", "address"], ["to", "address"], ["value", "uint256"], ["validAfter", "uint256"], ["validBefore", "uint256"], ["nonce", "bytes32"]];
  const types = { ReceiveWithAuthorization: names.map(([name, type]) => ({ name, type })) };
  const domain = { name: "USDC", version: "2", chainId: 31337, verifyingContract: TOKEN };
  const data = { domain, types, primaryType: "ReceiveWithAuthorization", message, signature: signed.signature };
  assert.equal(await recoverTypedDataAddress(data), account.address);
  const left = Number(fields.validBefore) - Date.now() / 1000;
  assert.ok(left > 200 && left <= 300);
});

// ---------------------------------------------------------------------- spend controls

test("the token of a budget is for orders only, unless the other controls name it", async () => {
  const schemes = (payer) =>
    createClient(payer).register("eip155:*", { scheme: "exact", createPaymentPayload: async (x402Version) => ({ x402Version, payload: {} }) });
  const closed = createPayer({ budgets: [BUDGET] });
  await assert.rejects(schemes(closed).createPaymentPayload(required(exact("1"))), PaymentNotAllowed);
  const otherControls = { allowedAssets: [{ network: NETWORK, asset: TOKEN.toLowerCase(), maxAmountPerPayment: "1000" }] };
  const open = createPayer({ budgets: [BUDGET], otherControls });
  assert.equal((await schemes(open).createPaymentPayload(required(exact("1000")))).accepted.amount, "1000");
  await assert.rejects(schemes(open).createPaymentPayload(required(exact("1001"))), PaymentNotAllowed);
  assert.equal((await schemes(open).createPaymentPayload(withholdUrl(open, required(exact("1001"), order())))).accepted.scheme, "nvm-order");
  const endless = { allowedAssets: [{ network: NETWORK, asset: TOKEN }] };
  assert.throws(() => createPayer({ budgets: [BUDGET], otherControls: endless }), InvalidOption);
});

test("schemes of one name of the network do not hide those of another, if all have the same", async () => {
  const scheme = { scheme: "exact", createPaymentPayload: async (x402Version) => ({ x402Version, payload: {} }) };
  const payer = createPayer();
  const together = payer.register(new x402Client().register(NETWORK, scheme), NETWORK).setSpendControls(false);
  assert.equal((await together.createPaymentPayload(required(exact("1")))).accepted.scheme, "exact");
  const apart = payer.register(new x402Client().register(NETWORK, scheme));
  await assert.rejects(apart.createPaymentPayload(withholdUrl(payer, required(credits()))), /No network\/scheme registered/);
});

test("without the spend controls, the official client refuses credits", async () => {
  const payer = createPayer();
  const bare = new x402Client().register("eip155:*", payer.credits);
  await assert.rejects(bare.createPaymentPayload(withholdUrl(payer, required(credits()))), /rejected by spendControls/);
  bare.setSpendControls(payer.spendControls);
  assert.equal((await bare.createPaymentPayload(withholdUrl(payer, required(credits())))).accepted.scheme, "nvm-credits");
});

// ---------------------------------------------------------------------- stores

let folder;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "nvm-x402-"));
});
after(() => rm(folder, { recursive: true }));

test("a file keeps ceilings for the next process, and other people cannot read it", async () => {
  const path = join(folder, "state.json");
  const ceiling = async () => (await pay(createPayer({ store: new FileStore(path) }), credits())).payload.voucher.ceiling;
  assert.deepEqual([await ceiling(), await ceiling(), await ceiling()], ["2", "4", "6"]);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  await pay(createPayer({ store: new FileStore(path), budgets: [BUDGET] }), order());
  const again = await pay(createPayer({ store: new FileStore(path), budgets: [BUDGET] }), order());
  assert.equal(again.payload.order.maxCost, "20000000");
  const kept = JSON.parse(await readFile(path, "utf8"));
  const [own] = Object.values(kept.accounts);
  assert.equal(own.orders["9"].spent, "20000000");
});

test("stores of one file never hand out the same ceiling", async () => {
  const path = join(folder, "shared.json");
  const payers = Array.from({ length: 4 }, () => createPayer({ store: new FileStore(path) }));
  const payments = await Promise.all(payers.flatMap((payer) => Array.from({ length: 5 }, () => pay(payer, credits()))));
  const ceilings = payments.map(({ payload }) => Number(payload.voucher.ceiling)).sort((one, other) => one - other);
  assert.deepEqual(ceilings, Array.from({ length: 20 }, (_, n) => 2 * (n + 1)));
});

test("a file that is broken or of somebody else is not overwritten", async () => {
  for (const text of ["{", "[]", '{"version":2,"accounts":{}}']) {
    const path = join(folder, "broken.json");
    await writeFile(path, text);
    await assert.rejects(pay(createPayer({ store: new FileStore(path) }), credits()), { name: "StateUnusable" });
    assert.equal(await readFile(path, "utf8"), text);
  }
});

test("a file that another program holds is not touched, and the error names the lock", async () => {
  const path = join(folder, "held.json");
  await writeFile(`${path}.lock`, "");
  const store = new FileStore(path, 30);
  await assert.rejects(pay(createPayer({ store }), credits()), (error) => error.nextStep.includes(`${path}.lock`));
  await rm(`${path}.lock`);
  assert.equal((await pay(createPayer({ store }), credits())).payload.voucher.ceiling, "2");
});

test("a change that fails is not kept", async () => {
  for (const store of [new MemoryStore(), new FileStore(join(folder, "failing.json"))]) {
    const fail = (kept) => {
      kept.ceilings["9"] = { total: 9n, used: 9n, signed: 9n, floor: 9n };
      throw new Error("no");
    };
    await assert.rejects(store.update("somebody", fail), /no/);
    assert.deepEqual(await store.update("somebody", (kept) => ({ ...kept.ceilings })), {});
  }
});

test("a signer that fails costs nothing", async () => {
  let fails = true;
  const moody = {
    ...account,
    signTypedData: (data) => (fails ? Promise.reject(new Error("declined")) : account.signTypedData(data)),
  };
  const payer = createPayer({ account: moody, budgets: [{ ...BUDGET, inAll: 20_000_000n }] });
  await assert.rejects(pay(payer, credits()), /declined/);
  await assert.rejects(pay(payer, order()), /declined/);
  fails = false;
  assert.equal((await pay(payer, credits())).payload.voucher.ceiling, "2");
  assert.equal((await pay(payer, order())).payload.order.maxCost, "20000000");
});

test("the notes of a payer are not in what other schemes pay", async () => {
  const payer = createPayer();
  const client = createClient(payer)
    .register("eip155:*", { scheme: "exact", createPaymentPayload: async (x402Version) => ({ x402Version, payload: {} }) })
    .setSpendControls(false);
  const noted = withholdUrl(payer, { ...required(exact("1"), credits()), extensions: { other: { info: {} } } });
  const payment = await new x402HTTPClient(client).createPaymentPayload(noted);
  assert.equal(payment.accepted.scheme, "exact");
  assert.deepEqual(payment.extensions, { other: { info: {} } });
});
