/** A store in a file, for programs of Node that start anew for each request. */
import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { StateUnusable } from "./errors.js";
import { isObject } from "./numbers.js";
import { createAccount, readAccount, writeAccount, type Account, type Store } from "./stores.js";

const VERSION = 1;
const PAUSE_MS = 10;
const WAIT_MS = 10_000;

/** Keeps what accounts have signed in a file. Processes of one machine take turns by a second file beside it. */
export class FileStore implements Store {
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    readonly path: string,
    /** How long to wait while another program holds the file. */
    readonly waitMs: number = WAIT_MS,
  ) {}

  update<Result>(name: string, change: (account: Account) => Result): Promise<Result> {
    const done = this.#turn.then(() => this.#change(name, change));
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #change<Result>(name: string, change: (account: Account) => Result): Promise<Result> {
    await this.#lock();
    try {
      const accounts = await this.#read();
      const before = JSON.stringify(accounts[name]);
      const account = accounts[name] === undefined ? createAccount() : readAccount(accounts[name]);
      const result = change(account);
      accounts[name] = writeAccount(account);
      if (JSON.stringify(accounts[name]) !== before) await this.#write(accounts);
      return result;
    } finally {
      await rm(this.#lockPath, { force: true });
    }
  }

  get #lockPath(): string {
    return `${this.path}.lock`;
  }

  async #lock(): Promise<void> {
    const end = Date.now() + this.waitMs;
    await mkdir(dirname(this.path), { recursive: true });
    while (!(await this.#tryLock())) {
      if (Date.now() > end) {
        const advice = `delete ${this.#lockPath} if no program uses the file`;
        throw new StateUnusable(`another program holds the state file ${this.path}`, advice);
      }
      await pause(PAUSE_MS);
    }
  }

  async #tryLock(): Promise<boolean> {
    try {
      const file = await open(this.#lockPath, "wx", 0o600);
      await file.close();
      return true;
    } catch (error) {
      if (findCode(error) === "EEXIST") return false;
      throw this.#refuse(error);
    }
  }

  async #read(): Promise<Record<string, unknown>> {
    try {
      const value: unknown = JSON.parse(await readFile(this.path, "utf8"));
      if (isObject(value) && value["version"] === VERSION && isObject(value["accounts"])) return value["accounts"];
    } catch (error) {
      if (findCode(error) === "ENOENT") return {};
      throw this.#refuse(error);
    }
    throw this.#refuse(new Error("this package did not write it"));
  }

  /** Replace the file as a whole, so that a crash leaves the old one or the new one. */
  async #write(accounts: Record<string, unknown>): Promise<void> {
    const path = `${this.path}.${randomUUID()}`;
    const file = await open(path, "wx", 0o600); // it shows who buys what
    try {
      await file.writeFile(`${JSON.stringify({ version: VERSION, accounts }, null, 1)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(path, this.path);
  }

  #refuse(error: unknown): StateUnusable {
    const reason = error instanceof Error ? error.message : String(error);
    const advice = "restore the file; a new one does not know what was signed, and signs it again";
    return new StateUnusable(`the state file ${this.path} cannot be used: ${reason}`, advice);
  }
}

function findCode(error: unknown): unknown {
  return isObject(error) || error instanceof Error ? (error as { code?: unknown }).code : undefined;
}
