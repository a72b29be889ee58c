export interface ExpectedMark {
  readonly mark: string;
  readonly perThousand: number;
}

/**
 * Hard places that the generator must reach, and how often in a thousand seeds at least: about half of what they were
 * reached when this was written. A change after which one is reached less often has made the simulation blind there, or
 * made the place rarer; then the number is changed with the change.
 */
export const EXPECTED_MARKS: readonly ExpectedMark[] = [
  // Who writes the history.
  { mark: "a host crashes", perThousand: 550 },
  { mark: "a host stands still", perThousand: 250 },
  { mark: "a host takes over by order", perThousand: 180 },
  { mark: "a host stops: fenced", perThousand: 500 },
  { mark: "another host opens", perThousand: 650 },
  { mark: "a standby waits for a living host", perThousand: 700 },
  { mark: "an append meets another's commit", perThousand: 800 },
  { mark: "an append in doubt turns out to be stored", perThousand: 90 },
  { mark: "an append in doubt turns out not to be the last", perThousand: 1_200 },
  { mark: "an append of a dead host arrives late", perThousand: 15 },
  { mark: "an append arrives late", perThousand: 130 },
  { mark: "a deposed leader answers old", perThousand: 500 },
  { mark: "a host stops: rewound", perThousand: 15 },
  { mark: "a stepped clock is recorded", perThousand: 50 },
  // What is kept beside it.
  { mark: "a snapshot is saved", perThousand: 1_200 },
  { mark: "a host opens from a snapshot", perThousand: 60 },
  { mark: "a journal is purged", perThousand: 600 },
  { mark: "a purged journal is opened again", perThousand: 4 },
  { mark: "a follower is slow", perThousand: 150 },
  { mark: "telemetry: follower.lost", perThousand: 4 },
  // What senders hear.
  { mark: "a request in doubt is answered when it is repeated", perThousand: 600 },
  { mark: "a command is unknown", perThousand: 400 },
  { mark: "an overloaded host pushes back", perThousand: 400 },
  { mark: "an add is left in the inbox", perThousand: 4_500 },
  { mark: "the answer to a store is lost", perThousand: 30 },
  { mark: "an inbox message takes several commits", perThousand: 90 },
  { mark: "a stored add is refused: session/unknown", perThousand: 4 },
  { mark: "rejected: queue/backlog-full", perThousand: 100 },
  { mark: "rejected: job/id-reused", perThousand: 130 },
  { mark: "a command is parked", perThousand: 130 },
  { mark: "a rejection is recorded", perThousand: 1_000 },
  { mark: "a connection is cut", perThousand: 700 },
  { mark: "a client reconnects", perThousand: 350 },
  { mark: "an append is refused: full", perThousand: 600 },
  // What becomes of jobs.
  { mark: "an attempt times out", perThousand: 1_800 },
  { mark: "an attempt is lost", perThousand: 2_800 },
  { mark: "an attempt is told to end: superseded", perThousand: 60 },
  { mark: "an attempt is told to end: stop", perThousand: 80 },
  { mark: "a job that kills or hangs its workers is given up", perThousand: 600 },
  { mark: "a retry is cancelled", perThousand: 30 },
  { mark: "the head of an ordered queue waits for its retry, and others behind it", perThousand: 2_200 },
  { mark: "a bulk operation takes several commits", perThousand: 600 },
  { mark: "ended jobs leave the history", perThousand: 3_000 },
  { mark: "a result is gone", perThousand: 10 },
  { mark: "an instance leaves", perThousand: 750 },
  { mark: "a worker drains", perThousand: 300 },
  { mark: "another instance leads", perThousand: 300 },
  { mark: "a job prefers its creator", perThousand: 800 },
];
