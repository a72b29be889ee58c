/** The one place where a listener's promise is looked at. */
import type { TopologyEvent } from "./event.ts";

/** What a listener does with an event; it has returned when the promise it gives, if any, is settled. */
export type TopologyHandler = (event: TopologyEvent) => void | PromiseLike<void>;

/** Calls `returned` exactly once, with what was thrown if something was; directly, unless the handler gives a promise. */
export function callHandler(handler: TopologyHandler, event: TopologyEvent, returned: (failure: { readonly cause: unknown } | undefined) => void): void {
  let isReturned = false;
  const once = (failure: { readonly cause: unknown } | undefined): void => {
    if (isReturned) return;
    isReturned = true;
    returned(failure);
  };
  let failure: { readonly cause: unknown } | undefined;
  try {
    const answer = handler(event);
    if (isThenable(answer)) {
      answer.then(() => once(undefined), (cause: unknown) => once({ cause }));
      return;
    }
  } catch (cause) {
    failure = { cause };
  }
  once(failure);
}

const isThenable = (answer: unknown): answer is PromiseLike<void> =>
  typeof answer === "object" && answer !== null && "then" in answer && typeof answer.then === "function";
