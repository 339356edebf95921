// What went wrong, in the shapes in which Lambda's Node.js runtimes tell of it.

import { types } from "node:util";

/** An error whose `errorType` is one of the runtime's own. */
export class RuntimeError extends Error {
  constructor(kind, message) {
    super(message);
    this.name = `Runtime.${kind}`;
  }
}

/** A promise that was rejected and that nobody waited for. */
export class UnhandledPromiseRejection extends RuntimeError {
  constructor(reason, promise) {
    super("UnhandledPromiseRejection", String(reason));
    this.reason = reason;
    this.promise = promise;
  }
}

/** What loading the function's module threw, under the name that Lambda has for it. */
export function ofLoading(error) {
  let kind = "";
  if (error instanceof SyntaxError) kind = "UserCodeSyntaxError";
  else if (error?.code === "MODULE_NOT_FOUND") kind = "ImportModuleError";
  if (!kind) return error;
  const named = new RuntimeError(kind, String(error));
  if (kind === "UserCodeSyntaxError") named.stack = error.stack;
  return named;
}

/** The document that is answered. */
export function documentOf(error) {
  try {
    if (types.isNativeError(error) || isErrorLike(error)) {
      return {
        errorType: escaped(error.name),
        errorMessage: escaped(error.message),
        trace: escaped(error.stack).split("\n"),
      };
    }
    return { errorType: typeof error, errorMessage: error.toString(), trace: [] };
  } catch {
    const parts = "one or more of its message, name, and stack";
    return {
      errorType: "handled",
      errorMessage:
        "callback called with Error argument, but there was a problem while retrieving " + parts,
      trace: [],
    };
  }
}

/** The line that is logged, after what it is about. */
export function logged(error) {
  const told = error instanceof Error ? error : new Error(error);
  try {
    return "\t" + JSON.stringify(told, (_, value) => enumerable(value));
  } catch {
    return "\t" + JSON.stringify(documentOf(error));
  }
}

function isErrorLike(value) {
  return ["name", "message", "stack"].every((key) => value?.[key] && typeof value[key] === "string");
}

function escaped(text) {
  return text?.replaceAll("\x7F", "%7F");
}

function enumerable(value) {
  if (!(value instanceof Error)) return value;
  const { name: errorType, message: errorMessage, code, stack } = value;
  const shown = Object.assign({ errorType, errorMessage, code }, value);
  if (typeof stack === "string") shown.stack = stack.split("\n");
  return shown;
}
