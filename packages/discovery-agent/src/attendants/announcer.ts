/**
 * Beside the host of the history: tells the peer clusters who is here, and that nobody is any more.
 *
 * What it says is a level, not an edge: the view as it is stored now, a quarter of a second after it changed and every 20 s in any case. So
 * nothing of it is kept for a link that is down, and nothing is caught up with: the first word that passes says how things stand. It
 * is asked directly of the far host, and an answer means that it stands in the far history; where nobody answers, the link is
 * down or nobody hosts there, it is said again every two seconds, with what is true then.
 *
 * The host says it, in the name of the leader: it is the one that knows what is stored, and that may speak as a peer.
 */
import type { Attendant, HostContext, Telemetry, WireAnswer } from "@longshore/kernel";
import { encode, subjectsOf } from "@longshore/kernel";
import { DISCOVERY_ACTOR, DISCOVERY_KIND } from "../discovery-agent.ts";
import type { DiscoveryEvent } from "../events.ts";
import { DISCOVERY_LIMITS } from "../limits.ts";
import type { DiscoveryState } from "../state.ts";
import { mapIn, replyIn } from "./exchange.ts";

/** Timings, milliseconds. */
const ANNOUNCER = { coalesceMs: 250, againMs: 2_000, answerWithinMs: 5_000 } as const;
/** So often it is said in the time after which a cluster that says nothing is gone. */
const TIMES_IN_KEEP = 3;

export interface AnnouncerOptions {
  /** Names of the clusters that are told. */
  readonly peers: readonly string[];
  /** After this long without a word they take this cluster for gone, milliseconds; as `DISCOVERY_LIMITS` say when absent. */
  readonly remoteKeepMs?: number;
  readonly telemetry: Telemetry;
}

/** What a peer is told: a verb, and what stands under it. */
type Word = readonly ["remote" | "remoteGone", Readonly<Record<string, unknown>>];

interface Peer {
  readonly name: string;
  isAsked: boolean;
  /** Something changed while it was asked. */
  mustTellAgain: boolean;
  /** How it went the last time: the code of a refusal, `reached` or `unreached`. */
  standing: string;
  cancel: () => void;
}

export const announcer = (options: AnnouncerOptions): Attendant<DiscoveryState, DiscoveryEvent> => new Announcer(options);

class Announcer implements Attendant<DiscoveryState, DiscoveryEvent> {
  private readonly peers: readonly Peer[];
  private readonly telemetry: Telemetry;
  private readonly everyMs: number;
  private context: HostContext<DiscoveryState> | undefined;
  private cancelCoalescing: (() => void) | undefined;

  constructor({ peers, remoteKeepMs = DISCOVERY_LIMITS.remoteKeepMs, telemetry }: AnnouncerOptions) {
    this.peers = peers.map((name) => ({ name, isAsked: false, mustTellAgain: false, standing: "", cancel: () => undefined }));
    this.telemetry = telemetry;
    this.everyMs = remoteKeepMs / TIMES_IN_KEEP;
  }

  serving(context: HostContext<DiscoveryState>): void {
    this.stopped();
    this.context = context;
    this.changed();
  }

  event(event: DiscoveryEvent, state: DiscoveryState): void {
    switch (event.type) {
      case "ViewActivated": case "InstancePropertiesChanged": case "TopicEnablementChanged":
        return this.changed();
      case "InstanceLeaving": case "InstanceEvicted":
        // Whoever leaves last takes the host along.
        if (state.living.size === 0) this.tellAll();
        return;
      default: return;
    }
  }

  stopped(): void {
    this.context = undefined;
    this.cancelCoalescing?.();
    this.cancelCoalescing = undefined;
    for (const peer of this.peers) {
      peer.cancel();
      peer.isAsked = false;
    }
  }

  private changed(): void {
    if (this.peers.length === 0) return;
    this.cancelCoalescing ??= this.context?.clock.after(ANNOUNCER.coalesceMs, () => this.tellAll());
  }

  private tellAll(): void {
    this.cancelCoalescing?.();
    this.cancelCoalescing = undefined;
    for (const peer of this.peers) this.tell(peer);
  }

  private tell(peer: Peer): void {
    const { context } = this;
    if (context === undefined) return;
    peer.mustTellAgain = peer.isAsked;
    if (peer.isAsked) return;
    peer.isAsked = true;
    peer.cancel();
    context.whenStored(() => {
      if (this.context !== context) return;
      const word = wordOf(context.state);
      if (word === undefined) return this.answered(peer, this.everyMs);
      const [verb, item] = word;
      const { name } = peer;
      const subject = subjectsOf(name).command(DISCOVERY_KIND, DISCOVERY_ACTOR, "peer", context.cluster);
      context.wire.request(subject, encode({ [verb]: [item] }), ANNOUNCER.answerWithinMs, (answer) => {
        if (this.context !== context) return;
        const standing = standingIn(answer);
        this.note(peer, standing);
        this.answered(peer, standing === "unreached" ? Math.min(ANNOUNCER.againMs, this.everyMs) : this.everyMs);
      });
    });
  }

  private answered(peer: Peer, nextMs: number): void {
    peer.isAsked = false;
    if (peer.mustTellAgain) return this.tell(peer);
    peer.cancel = this.context?.clock.after(nextMs, () => this.tell(peer)) ?? ((): void => undefined);
  }

  private note(peer: Peer, standing: string): void {
    if (peer.standing === standing) return;
    peer.standing = standing;
    if (standing === "reached" || standing === "unreached") this.telemetry(`peer.${standing}`, { peer: peer.name });
    else this.telemetry("peer.refused", { peer: peer.name, code: standing });
  }
}

/** Undefined while nobody of the view is here but others are: the next view comes soon. */
function wordOf(state: DiscoveryState): Word | undefined {
  const view = state.announcement();
  if (view === undefined) return undefined;
  if (state.living.size === 0) return ["remoteGone", { clusterId: view.clusterId, upTo: view.number }];
  return view.members.some((member) => state.isLiving(member)) ? ["remote", { view }] : undefined;
}

function standingIn(answer: WireAnswer): string {
  if (answer.kind === "denied") return "denied";
  const message = answer.kind === "answer" ? mapIn(answer.data) : undefined;
  const reply = message === undefined ? undefined : replyIn(message);
  if (reply === undefined || reply.kind === "unheard") return "unreached";
  return reply.kind === "accepted" ? "reached" : reply.code;
}
