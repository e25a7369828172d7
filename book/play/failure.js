/** What went wrong in a worker, with the reason that the page has a message for. */

export class Failure extends Error {
  constructor(reason, cause) {
    super(String(cause?.message ?? cause));
    this.reason = reason;
  }
}

/** The promise itself, whose rejection gets a reason. */
export const orElse = (reason, promise) =>
  promise.catch((cause) => {
    throw new Failure(reason, cause);
  });
