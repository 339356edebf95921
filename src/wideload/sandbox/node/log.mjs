// The console, each line of it with the time, the invocation and the level.

import { format } from "node:util";

const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"];

let requestId;

/** From now on lines are of this invocation. */
export function setRequestId(id) {
  requestId = id;
}

/** Lets `console` write as in Lambda. */
export function patchConsole(before) {
  requestId = before;
  for (const level of LEVELS) {
    console[level] = (message, ...values) => {
      const line = [new Date().toISOString(), requestId, level.toUpperCase()];
      process.stdout.write(`${line.join("\t")}\t${format(message, ...values)}\n`);
    };
  }
  console.log = console.info;
}
