// An outside signer: viem. It is given typed data in JSON in argv[2], whose domain lists no types, and prints the signatures.
import { privateKeyToAccount } from "viem/accounts";

const { key, messages } = JSON.parse(process.argv[2]);
const account = privateKeyToAccount(key);
const signatures = [];
for (const { domain, types, primaryType, message } of messages) {
  signatures.push(await account.signTypedData({ domain, types, primaryType, message }));
}
console.log(JSON.stringify(signatures));
