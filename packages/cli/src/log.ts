/**
 * The log of services, on stderr: named events with fields from a list, so that no payload, password or foreign text
 * ever gets there by accident.
 */

import type { Telemetry } from "@longshore/kernel";
import pino from "pino";
import type { Io } from "./io.ts";
import { harmless, type Paint, paintOf } from "./render/paint.ts";
import { showInstant } from "./render/quantities.ts";

export const LOG_OPTIONS = {
  log: { kind: "text", value: "<form>", choices: ["pretty", "json", "off"], help: "log on stderr: pretty, json or off; pretty on a terminal, else json" },
  logLevel: { kind: "text", value: "<level>", choices: ["debug", "info", "warn", "error"], help: "debug, info, warn or error; info when absent" },
} as const;

/** Every field that may be logged, and nothing else. */
const FIELDS: ReadonlySet<string> = new Set([
  "actor", "attempt", "cause", "chunks", "cluster", "code", "commit", "concurrency", "elapsedMs", "epoch", "files", "incarnation", "instance", "instances", "job", "kind", "leader",
  "monitor", "name", "number", "ok", "peer", "pid", "port", "reason", "shard", "signal", "software", "store", "topic", "topics", "url", "version",
]);

const LEVEL_OF: Readonly<Record<string, Level>> = {
  "append.blocked": "warn", "discovery.stopped": "error", "instance.evicted": "warn", "topology.listener-failed": "error", "configuration.unreadable": "warn", "command.parked": "error", "peer.refused": "warn", "peer.unreached": "warn", "door.failed": "error", "follower.failed": "error", "follower.lost": "warn", "offload.unreached": "warn", "payloads.folder": "warn",
  "snapshot.ignored": "warn", "snapshot.made": "debug",
};

type Level = "debug" | "info" | "warn" | "error";

export interface Log {
  event(level: Level, event: string, fields?: Readonly<Record<string, unknown>>): void;
  /** For the kernel, whose events carry no level. */
  readonly telemetry: Telemetry;
}

export function openLog(io: Io, options: { readonly log: string | undefined; readonly logLevel: string | undefined }): Log {
  const form = options.log ?? (io.errScreen.isTerminal ? "pretty" : "json");
  const level = form === "off" ? "silent" : (options.logLevel ?? "info");
  const paint = paintOf(io.errScreen);
  const sink = { write: (line: string): void => io.err(form === "pretty" ? prettyLine(line, paint) : line) };
  const logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) }, messageKey: "event" }, sink);
  const event: Log["event"] = (at, name, fields = {}) => logger[at](allowed(fields), name);
  return { event, telemetry: (name, fields) => event(LEVEL_OF[name] ?? "info", name, fields) };
}

const allowed = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([name, value]) => FIELDS.has(name) && value !== undefined));

function prettyLine(line: string, paint: Paint): string {
  const { level, time, event, ...fields } = JSON.parse(line) as { level: string; time: string; event: string } & Record<string, unknown>;
  const shown = Object.entries(fields).map(([name, value]) => `${paint.dim(`${name}=`)}${harmless(typeof value === "string" ? value : JSON.stringify(value))}`);
  const word = level === "error" ? paint.red("error") : level === "warn" ? paint.yellow("warn ") : paint.dim(level.padEnd(5));
  return `${paint.dim(showInstant(Date.parse(time)).slice(11))} ${word} ${event}${shown.length === 0 ? "" : `  ${shown.join(" ")}`}\n`;
}
