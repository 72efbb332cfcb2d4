// An outside client: viem, the standard ERC-1155 and ERC-20 ABIs, and nothing of ours but `order`. Settings come as JSON in
// argv[2]; what it read and did goes to stdout as one JSON object, numbers as decimal text.
import { createPublicClient, createWalletClient, http, parseAbi, parseEventLogs } from "viem";
import { privateKeyToAccount } from "viem/accounts";

const ERC1155 = parseAbi([
  "function balanceOf(address account, uint256 id) view returns (uint256)",
  "function balanceOfBatch(address[] accounts, uint256[] ids) view returns (uint256[])",
  "function isApprovedForAll(address account, address operator) view returns (bool)",
  "function setApprovalForAll(address operator, bool approved)",
  "function safeTransferFrom(address from, address to, uint256 id, uint256 value, bytes data)",
  "function safeBatchTransferFrom(address from, address to, uint256[] ids, uint256[] values, bytes data)",
  "function uri(uint256 id) view returns (string)",
  "function supportsInterface(bytes4 interfaceId) view returns (bool)",
  "event TransferSingle(address indexed operator, address indexed from, address indexed to, uint256 id, uint256 value)",
  "event TransferBatch(address indexed operator, address indexed from, address indexed to, uint256[] ids, uint256[] values)",
  "event ApprovalForAll(address indexed account, address indexed operator, bool approved)",
  "event URI(string value, uint256 indexed id)",
]);
const ERC20 = parseAbi([
  "function approve(address spender, uint256 amount) returns (bool)",
  "function balanceOf(address account) view returns (uint256)",
]);
const ORDER = parseAbi([
  "function order(uint256 planId, address receiver, uint256 quantity, uint256 maxCost) payable returns (uint256 cost)",
]);

const settings = JSON.parse(process.argv[2]);
const [plan, other] = settings.planIds.map(BigInt);
const [subscriber, operator] = settings.keys.map(privateKeyToAccount);
const reader = createPublicClient({ transport: http(settings.url), pollingInterval: 50 });
const chain = { id: await reader.getChainId(), name: "anvil", nativeCurrency: { name: "", symbol: "", decimals: 18 }, rpcUrls: {} };
const writer = createWalletClient({ chain, transport: http(settings.url) });

const read = (functionName, ...args) => reader.readContract({ address: settings.credits, abi: ERC1155, functionName, args });

async function send(account, address, abi, functionName, args) {
  const { request, result } = await reader.simulateContract({ account, address, abi, functionName, args });
  const receipt = await reader.waitForTransactionReceipt({ hash: await writer.writeContract({ ...request, chain }) });
  const logs = parseEventLogs({ abi: ERC1155, logs: receipt.logs });
  return { status: receipt.status, result, events: logs.map((log) => ({ name: log.eventName, ...log.args })) };
}

const report = {};
report.interfaces = await Promise.all(settings.interfaces.map((id) => read("supportsInterface", id)));
report.uri = await read("uri", plan);
await send(subscriber, settings.token, ERC20, "approve", [settings.credits, BigInt(settings.price)]);
const order = [plan, subscriber.address, 1n, BigInt(settings.price)];
report.order = await send(subscriber, settings.credits, ORDER, "order", order);
report.paid = await reader.readContract({ address: settings.token, abi: ERC20, functionName: "balanceOf", args: [settings.builder] });
report.balance = await read("balanceOf", subscriber.address, plan);
report.approved = [await read("isApprovedForAll", subscriber.address, operator.address)];
report.approval = await send(subscriber, settings.credits, ERC1155, "setApprovalForAll", [operator.address, true]);
report.approved.push(await read("isApprovedForAll", subscriber.address, operator.address));
const transfer = [subscriber.address, operator.address, plan, 30n, "0x"];
report.transfer = await send(operator, settings.credits, ERC1155, "safeTransferFrom", transfer);
const batch = [subscriber.address, operator.address, [plan, other], [5n, 2n], "0x"];
report.batch = await send(subscriber, settings.credits, ERC1155, "safeBatchTransferFrom", batch);
const holders = [subscriber.address, operator.address, subscriber.address, operator.address];
report.balances = await read("balanceOfBatch", holders, [plan, plan, other, other]);
console.log(JSON.stringify(report, (_, value) => (typeof value === "bigint" ? value.toString() : value)));
