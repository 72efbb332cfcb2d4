// Wants what the limits do not allow. Nothing may be signed. The account counts its signatures.
import { attempt, createFetch, createPayer, post, print, account, settings } from "./setup.mjs";

let signatures = 0;
const counting = { ...account, signTypedData: (data) => (signatures++, account.signTypedData(data)) };
const other = `0x${"12".repeat(20)}`;
const cases = {
  perRequest: { limits: { perRequest: 1n, inAll: 100n } },
  inAll: { limits: { perRequest: 5n, inAll: 1n } },
  plans: { limits: { perRequest: 5n, inAll: 100n, plans: [7n] } },
  services: { limits: { perRequest: 5n, inAll: 100n, services: [`did:nv:${"0".repeat(63)}7`] } },
  redeemers: { limits: { perRequest: 5n, inAll: 100n, redeemers: [other] } },
  credits: { credits: other },
  origins: { origins: ["https://api.example.com"] },
};
const told = {};
for (const [name, options] of Object.entries(cases)) {
  const paid = createFetch(createPayer({ account: counting, ...options }));
  told[name] = await attempt(() => paid(`${settings.url}/ask`, post("tea")));
}
const twice = createFetch(createPayer({ account: counting, limits: { perRequest: 5n, inAll: 4n } }));
const before = signatures;
const served = [];
for (let n = 0; n < 3; n++) served.push(await attempt(() => twice(`${settings.url}/ask`, post("tea"))));
print({ told, before, after: signatures, served });
