// The first module that runs inside: a client of the Runtime API for Lambda's Node.js runtimes,
// as Lambda's own does it. Nothing but Node.js lies beside it.

import * as callbacks from "./callbacks.mjs";
import * as client from "./client.mjs";
import { logged, ofLoading } from "./errors.mjs";
import { findHandler, MAJOR } from "./handler.mjs";
import { patchConsole } from "./log.mjs";
import * as promises from "./promises.mjs";
import { lookInNodePath } from "./search.mjs";
import { defineGlobal, isStreaming } from "./streaming.mjs";

const takesCallbacks = MAJOR < 24;

async function load() {
  try {
    return await findHandler(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
  } catch (error) {
    throw ofLoading(error);
  }
}

patchConsole(takesCallbacks ? "undefined" : "-");
defineGlobal();
lookInNodePath();
if (takesCallbacks) {
  callbacks.watch();
  const handler = await load();
  isStreaming(handler);
  callbacks.serve(handler);
} else {
  let handler;
  try {
    handler = await load();
    promises.check(handler);
  } catch (error) {
    console.error("Init Error", logged(error));
    await client.failInit(error);
    process.exit(1);
  }
  await promises.serve(handler);
}
