/** What the benchmark's jobs are called; each topic ends with where it is worked on: `here` or `there`. */
export const NOTHING_TOPIC = "bench/nothing";
export const ECHO_TOPIC = "bench/echo";
export type Where = "here" | "there";
