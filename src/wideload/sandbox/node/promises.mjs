// Runs handlers as the runtimes from Node.js 24 on: those that return a promise or a value.

import * as client from "./client.mjs";
import { contextOf } from "./context.mjs";
import { logged, RuntimeError } from "./errors.mjs";
import { setRequestId } from "./log.mjs";
import { isStreaming, runStreaming } from "./streaming.mjs";

const GUIDE = "https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html";
const NO_CALLBACKS =
  "ERROR: AWS Lambda has removed support for callback-based function handlers starting with " +
  "Node.js 24. You need to modify this function to use a supported handler signature to use " +
  `Node.js 24 or later. For more information see ${GUIDE}.`;

/** Refuses a handler that takes a callback. */
export function check(handler) {
  if (handler.length >= 3 && !isStreaming(handler)) {
    throw new RuntimeError("CallbackHandlerDeprecated", NO_CALLBACKS);
  }
}

/** Serves invocations until the process ends. */
export async function serve(handler) {
  while (true) {
    const { event, headers } = await client.next();
    const context = contextOf(headers);
    setRequestId(context.awsRequestId);
    try {
      if (isStreaming(handler)) {
        await runStreaming(handler, JSON.parse(event), context);
      } else {
        const answer = await handler(JSON.parse(event), context);
        await client.respond(context.awsRequestId, answer);
      }
    } catch (error) {
      console.error("Invoke Error", logged(error));
      await client.fail(context.awsRequestId, error);
    }
  }
}
