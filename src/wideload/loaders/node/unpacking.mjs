// Threads that check frames, unpack them and write their files, and that look at files which
// are there already.

import os from "node:os";
import { Worker } from "node:worker_threads";

export class Unpacking {
  #idle = [];
  #queue = [];
  #workers = [];
  #jobs = new Map();

  /** `failed` is called with what ended a thread. */
  constructor(failed) {
    const count = Math.max(2, Math.min(4, os.availableParallelism()));
    for (let number = 0; number < count; number++) {
      // With nothing of what the user has the main thread do, such as modules to load first.
      const options = { env: {}, execArgv: [], stdin: false };
      const worker = new Worker(new URL("./worker.mjs", import.meta.url), options);
      worker.on("message", (answer) => this.#answered(worker, answer));
      worker.on("error", failed);
      this.#workers.push(worker);
      this.#idle.push(worker);
    }
  }

  /** Has a job of worker.mjs done; answers what it answers. */
  do(job) {
    return new Promise((resolve) => {
      this.#queue.push({ job, resolve });
      this.#go();
    });
  }

  /** Ends the threads. */
  close() {
    for (const worker of this.#workers) worker.terminate();
  }

  #go() {
    while (this.#queue.length && this.#idle.length) {
      const worker = this.#idle.pop();
      const { job, resolve } = this.#queue.shift();
      this.#jobs.set(worker, resolve);
      worker.postMessage(job);
    }
  }

  #answered(worker, answer) {
    this.#jobs.get(worker)(answer);
    this.#idle.push(worker);
    this.#go();
  }
}
