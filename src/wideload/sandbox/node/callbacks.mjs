// Runs handlers as the runtimes up to Node.js 22: those that return a promise, and those that
// answer by a callback or by the context, where the event loop has to be empty first.

import * as client from "./client.mjs";
import { contextOf } from "./context.mjs";
import { logged, UnhandledPromiseRejection } from "./errors.mjs";
import { setRequestId } from "./log.mjs";
import { isStreaming, runStreaming } from "./streaming.mjs";

// What is done when the event loop is empty.
let whenIdle = () => {};
// Tells of an error that nobody caught: of init, or of the invocation that runs.
let tell = (error) => client.failInit(error);

/** Lets what nobody catches end the process, the runtime having told of it. */
export function watch() {
  process.on("beforeExit", () => whenIdle());
  process.on("uncaughtException", (error) => {
    console.error("Uncaught Exception", logged(error));
    end(error, 129);
  });
  process.on("unhandledRejection", (reason, promise) => {
    const error = new UnhandledPromiseRejection(reason, promise);
    console.error("Unhandled Promise Rejection", logged(error));
    end(error, 128);
  });
}

/** Serves invocations until the process ends. */
export function serve(handler) {
  setImmediate(() => {
    once(handler).catch((error) => {
      console.log(`Unexpected Top Level Error: ${error}`);
      end(error, 129);
    });
  });
}

function end(error, code) {
  const exit = () => process.exit(code);
  tell(error).then(exit, exit);
}

async function once(handler) {
  const { event, headers } = await client.next();
  const id = headers["lambda-runtime-aws-request-id"];
  setRequestId(id);
  tell = (error) => client.fail(id, error);
  const invocation = new Invocation(id, () => serve(handler));
  whenIdle = () => invocation.nothing();
  if (isStreaming(handler)) {
    try {
      const context = { ...contextOf(headers), callbackWaitsForEmptyEventLoop: true };
      await runStreaming(handler, JSON.parse(event), context);
      invocation.go();
    } catch (error) {
      invocation.fail(error);
    }
    return;
  }
  const { callback, context } = invocation.offered();
  try {
    const result = handler(JSON.parse(event), Object.assign(context, contextOf(headers)), callback);
    if (typeof result?.then === "function") {
      result.then(context.succeed, context.fail).catch(context.fail);
    }
  } catch (error) {
    callback(error);
  }
}

class Invocation {
  isAnswered = false;
  waitsForEmptyEventLoop = true;

  constructor(id, next) {
    this.id = id;
    this.next = next;
  }

  /** The callback and the context's own members. Of all of them only the first call counts. */
  offered() {
    const invocation = this;
    const done = (error, result) => {
      whenIdle = () => {};
      if (error === undefined || error === null) this.answer(result);
      else this.fail(error);
    };
    const callback = (error, result) => {
      whenIdle = () => {};
      if (error !== undefined && error !== null) this.fail(error);
      else if (!this.waitsForEmptyEventLoop) this.answer(result);
      else whenIdle = () => setImmediate(() => this.answer(result));
    };
    let isOver = false;
    const first = (called) => (...values) => {
      if (isOver) return;
      called(...values);
      isOver = true;
    };
    const context = {
      get callbackWaitsForEmptyEventLoop() {
        return invocation.waitsForEmptyEventLoop;
      },
      set callbackWaitsForEmptyEventLoop(value) {
        invocation.waitsForEmptyEventLoop = value;
      },
      succeed: first((result) => done(null, result)),
      fail: first((error) => done(error ?? "handled", null)),
      done: first(done),
    };
    return { callback: first(callback), context };
  }

  answer(result) {
    if (this.isAnswered) {
      const words = "Cannot call complete more than once per invocation.";
      console.error(`Invocation has already been reported as done. ${words}`);
      return;
    }
    this.isAnswered = true;
    client.respond(this.id, result).then(() => this.go());
  }

  fail(error) {
    console.error("Invoke Error", logged(error));
    client.fail(this.id, error).then(() => this.go());
  }

  /** The event loop is empty, and nobody has answered. */
  nothing() {
    this.answer(null);
  }

  go() {
    whenIdle = () => {};
    this.next();
  }
}
