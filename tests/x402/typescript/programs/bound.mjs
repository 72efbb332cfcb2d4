// Pays requests whose body is text, bytes, a form, a stream or nothing; a Request object; and many at the same time.
import { attempt, createFetch, createPayer, post, print, settings, watch } from "./setup.mjs";

const log = [];
const payer = createPayer();
const paid = createFetch(payer, { fetch: watch(log) });
const { url } = settings;
const form = new FormData();
form.set("question", "tea");
const stream = new Blob(["one ", "two"]).stream();
const requests = [
  () => paid(`${url}/ask`, post("é")),
  () => paid(`${url}/ask`, post(new Uint8Array([0, 255, 1]))),
  () => paid(`${url}/ask`, post(new URLSearchParams({ question: "tea" }))),
  () => paid(`${url}/ask`, post(form)),
  () => paid(`${url}/ask`, { ...post(stream), duplex: "half" }),
  () => paid(new Request(`${url}/ask`, post("a Request"))),
  () => paid(new URL(`${url}/data/a%20b?x=<1>&y=%2F#part`)),
  () => paid(`${url}/data/key`, { headers: { "Idempotency-Key": "key-0123456789abcdef" } }),
  () => paid(`${url}/data/key`, { headers: { "Idempotency-Key": "key-0123456789abcdef" } }),
];
const answers = [];
for (const send of requests) answers.push(await attempt(send));
const together = await Promise.all(Array.from({ length: 20 }, (_, n) => attempt(() => paid(`${url}/ask`, post(`question ${n}`)))));
print({ answers, together, log });
