// Asks with a budget and without credits: one request, many at once, and a payer that knows nothing of them.
import { attempt, createFetch, createPayer, post, print, settings, watch } from "./setup.mjs";

const log = [];
const { url, planId, usdc } = settings;
const budgets = [{ planId, token: usdc, inAll: BigInt(settings.budget), perOrder: 20_000_000n }];
const limits = { perRequest: 5n, inAll: 1_000n };
const paid = createFetch(createPayer({ budgets, limits }), { fetch: watch(log) });
const ask = (text) => attempt(() => paid(`${url}/ask`, post(text)));
const first = await Promise.all(Array.from({ length: settings.together }, (_, n) => ask(`first ${n}`)));
const more = [];
for (let n = 0; n < settings.more; n++) more.push(await ask(`more ${n}`));
const fresh = createFetch(createPayer({ budgets, limits }), { fetch: watch(log) });
const last = [];
for (let n = 0; n < settings.fresh; n++) last.push(await attempt(() => fresh(`${url}/ask`, post(`last ${n}`))));
print({ first, more, last, log });
