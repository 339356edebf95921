// What the loader throws.

/** The function cannot be started from its bundle, and why. */
export class BundleError extends Error {
  name = "BundleError";

  constructor(what, why = "", hint = "") {
    super([what, why && `why: ${why}`, hint && `hint: ${hint}`].filter(Boolean).join("; "));
    this.parts = [what, why, hint];
  }
}
