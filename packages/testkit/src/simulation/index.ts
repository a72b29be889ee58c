/** The simulated world: chance, time, processes, a server and the network around it. What runs in it is put together in test/simulation. */
export { Marks } from "./marks.ts";
export { SimProcess } from "./process.ts";
export { Random } from "./random.ts";
export { smallest } from "./shrink.ts";
export { SimInbox, SimJournal } from "./sim-journal.ts";
export type { Gap, SimMessage } from "./sim-server.ts";
export { gapOf, Link, SimServer } from "./sim-server.ts";
export { SimWire } from "./sim-wire.ts";
export { Trace } from "./trace.ts";
export type { Weather } from "./weather.ts";
export { calm } from "./weather.ts";
