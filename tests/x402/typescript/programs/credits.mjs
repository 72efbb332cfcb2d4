// Pays two requests from credits with one payer, and a third one with a payer that knows nothing of them.
import { attempt, createFetch, createPayer, post, print, reader, settings, watch } from "./setup.mjs";

const log = [];
const paid = createFetch(createPayer(), { fetch: watch(log) });
const answers = [
  await attempt(() => paid(`${settings.url}/ask?q=1`, post('{"question":"tea"}'))),
  await attempt(() => paid(`${settings.url}/data/a`)),
];
const fresh = createFetch(createPayer({ reader }), { fetch: watch(log) });
answers.push(await attempt(() => fresh(`${settings.url}/ask`, post("again"))));
print({ answers, log });
