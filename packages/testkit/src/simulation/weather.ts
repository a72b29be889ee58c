/** Which faults are in the air now. Windows are opened by the plan of a run; healing closes them all. */
export interface Weather {
  /** Of a message, one way. */
  loss: number;
  duplicate: number;
  reorder: number;
  /** One way, milliseconds: at least, and the mean of what comes on top. */
  latencyMs: number;
  jitterMs: number;
  /** Of an append or a store: it is stored, and its answer is lost. */
  answerLoss: number;
  /** Of an append: it arrives seconds later, after its sender has looked for it. */
  lateAppend: number;
  /** Reads and looks are answered by a leader that no longer is one, as of when this began. */
  deposed: boolean;
  /** The streams take nothing. */
  full: boolean;
  /** JetStream is away: what is asked of streams is not answered; messages between processes flow. */
  noStreams: boolean;
  /** The server is away: nothing is answered, connections are lost. */
  outage: boolean;
}

export const calm = (latencyMs: number, jitterMs: number): Weather => ({
  loss: 0, duplicate: 0, reorder: 0, latencyMs, jitterMs, answerLoss: 0, lateAppend: 0, deposed: false, full: false, noStreams: false, outage: false,
});
