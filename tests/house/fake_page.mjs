// A page that is opened from a disk, as much of it as tools/site/worker.js asks for. It prints what the page and the search see.
import { readFileSync } from "node:fs";
import vm from "node:vm";

class Frame {
  constructor() {
    this.contentWindow = Object.assign(new EventTarget(), { MessageEvent, document: makeDocument() });
  }
}

function makeDocument() {
  const append = (element) => element.onload?.();
  return { createElement: (tag) => (tag === "iframe" ? new Frame() : {}), body: { append } };
}

const page = { location: { protocol: process.argv[3], href: "file:///site/index.html" }, document: makeDocument() };
Object.assign(page, { window: page, URL, Promise, EventTarget, MessageEvent, Object, structuredClone });
vm.runInNewContext(readFileSync(process.argv[2], "utf-8"), page);
if (page.Worker === undefined) {
  console.log(JSON.stringify({ worker: false }));
} else {
  const worker = new page.Worker("search.js");
  const question = { query: "plan" };
  const answer = { items: ["plan"] };
  worker.inner.addEventListener("message", ({ data }) => {
    data.query = "";
    worker.inner.postMessage(answer);
  });
  worker.onmessage = ({ data }) => data.items.pop();
  worker.postMessage(question);
  await new Promise((done) => setTimeout(done));
  console.log(JSON.stringify({ worker: true, question, answer }));
}
