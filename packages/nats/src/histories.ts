/** Which actors of a cluster have a history. */
import { streamsOf, subjectsOf } from "@longshore/kernel";
import { subjectsIn } from "./api.ts";
import type { Connection } from "./connect.ts";

/** Answers kind and name of each; undefined when the server does not say. */
export function historiesOf(connection: Connection, cluster: string): (done: (names: readonly (readonly [kind: string, actor: string])[] | undefined) => void) => void {
  const journals = subjectsOf(cluster).journal("*", "*");
  return (done) => subjectsIn(connection, streamsOf(cluster).journal, journals, (subjects) => {
    done(subjects?.map((subject) => subject.split(".").slice(-2) as [string, string]));
  });
}
