/** In-memory twins of every kernel port, and the clock that drives them. */

export type { CounterCommand, CounterEvent, CounterRejection, CounterState } from "./counter.ts";
export { CounterActor } from "./counter.ts";
export { MemoryBlobs } from "./memory/blobs.ts";
export type { Permission, Publication } from "./memory/bus.ts";
export { MemoryBus, MemoryWire } from "./memory/bus.ts";
export type { MayRead } from "./memory/carrier.ts";
export { MemoryCarrier } from "./memory/carrier.ts";
export type { Defer } from "./memory/defer.ts";
export { deferOn } from "./memory/defer.ts";
export { sha256, sha256Hex } from "./memory/hash.ts";
export { MemoryInbox } from "./memory/inbox.ts";
export { MemoryJournal } from "./memory/journal.ts";
export { MemoryMarks, MemoryServerTime, MemorySnapshots } from "./memory/keepers.ts";
export type { MemoryServerOptions } from "./memory/server.ts";
export { MemoryServer } from "./memory/server.ts";
export type { StreamAnswer, StreamLimits, StreamMessage } from "./memory/stream.ts";
export { MemoryStream } from "./memory/stream.ts";
export { matcher, subjectMatches } from "./memory/subject-match.ts";
export { VirtualClock } from "./memory/virtual-clock.ts";
export { MemoryWanted } from "./memory/wanted.ts";
