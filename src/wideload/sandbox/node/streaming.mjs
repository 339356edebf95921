// Handlers that write their answer to a stream. Whoever invokes gets it in one piece, as from
// Lambda where it is invoked without streaming.

import { Writable } from "node:stream";

import * as client from "./client.mjs";
import { RuntimeError } from "./errors.mjs";

const MARK = Symbol.for("aws.lambda.runtime.handler.streaming");
const PRELUDE = "application/vnd.awslambda.http-integration-response";

class ResponseStream extends Writable {
  parts = [];
  contentType = "application/octet-stream";

  setContentType(contentType) {
    if (this.parts.length) {
      throw new RuntimeError("InvalidStreamingOperation", "Cannot set content-type, too late.");
    }
    this.contentType = contentType;
  }

  write(chunk, ...rest) {
    const isData = typeof chunk === "string" || chunk instanceof Uint8Array;
    this._onBeforeFirstWrite?.((part) => super.write(part));
    this._onBeforeFirstWrite = undefined;
    return super.write(isData ? chunk : JSON.stringify(chunk), ...rest);
  }

  _write(chunk, _, done) {
    this.parts.push(chunk);
    done();
  }
}

/** What functions find as `awslambda`. */
export function defineGlobal() {
  if (["1", "true"].includes(process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) return;
  globalThis.awslambda = {
    streamifyResponse(handler) {
      handler[MARK] = "response";
      return handler;
    },
    HttpResponseStream: {
      from(stream, prelude) {
        stream.setContentType(PRELUDE);
        stream._onBeforeFirstWrite = (write) => {
          write(JSON.stringify(prelude));
          write(new Uint8Array(8));
        };
        return stream;
      },
    },
  };
}

/** Whether a handler wants a stream. */
export function isStreaming(handler) {
  if (!handler[MARK]) return false;
  if (handler[MARK] === "response") return true;
  throw new RuntimeError("MalformedStreamingHandler", "Only response streaming is supported.");
}

/** Runs such a handler; throws what it throws. */
export async function runStreaming(handler, event, context) {
  const stream = new ResponseStream();
  const running = handler(event, stream, context);
  if (typeof running?.then !== "function") {
    throw "Streaming does not support non-async handlers.";
  }
  if ((await running) !== undefined) console.warn("Streaming handlers ignore return values.");
  if (!stream.writableFinished) throw "Response stream is not finished.";
  await client.respondRaw(context.awsRequestId, Buffer.concat(stream.parts), stream.contentType);
}
