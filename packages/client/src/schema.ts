/** Values against their schemas, in the words of Standard Schema: zod, valibot, arktype and others speak it. */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { InvalidInput } from "./errors.ts";

/** A schema that takes `Input` and gives `Output`. */
export type Schema<Input = unknown, Output = Input> = StandardSchemaV1<Input, Output>;

/** What a schema made of a value; a promise when the schema is asynchronous. */
export type Validated<Output> = Output | Promise<Output>;

/** @throws {InvalidInput} naming the paths, each beginning with `root`. */
export function validate<Output>(schema: Schema<unknown, Output>, value: unknown, root: string): Validated<Output> {
  const result = schema["~standard"].validate(value);
  return result instanceof Promise ? result.then((settled) => accepted(settled, root)) : accepted(result, root);
}

/**
 * As `validate`, for a value that has traveled: what was not given arrives as null, so a schema that refuses null but
 * allows nothing takes it as that.
 * @throws {InvalidInput}
 */
export function validateReceived<Output>(schema: Schema<unknown, Output>, value: unknown, root: string): Validated<Output> {
  return value === null ? nullOrNothing(schema, root) : validate(schema, value, root);
}

async function nullOrNothing<Output>(schema: Schema<unknown, Output>, root: string): Promise<Output> {
  const ofNull = await schema["~standard"].validate(null);
  if (ofNull.issues === undefined) return ofNull.value;
  const ofNothing = await schema["~standard"].validate(undefined);
  return accepted(ofNothing.issues === undefined ? ofNothing : ofNull, root);
}

function accepted<Output>(result: StandardSchemaV1.Result<Output>, root: string): Output {
  if (result.issues === undefined) return result.value;
  throw new InvalidInput(result.issues.map((issue) => ({ path: pathOf(issue, root), message: issue.message })), `the ${root}`);
}

function pathOf({ path = [] }: StandardSchemaV1.Issue, root: string): string {
  let text = root;
  for (const part of path) {
    const key = typeof part === "object" ? part.key : part;
    text += typeof key === "number" ? `[${key}]` : `.${String(key)}`;
  }
  return text;
}
