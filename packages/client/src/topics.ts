/** Which topics an instance works on, as operators want it. */
import type { TopicRow, TopicState } from "@longshore/discovery-agent";
import { askLine, command } from "./calls.ts";
import type { Client } from "./client.ts";
import { InvalidOption } from "./errors.ts";
import type { CallOptions } from "./handle.ts";

/** What a change led to. */
export interface TopicChange {
  /** No host was up: it waits in the inbox, and nothing below is known yet. */
  readonly stored: boolean;
  /** The instance is there now; the change is kept also when it is not. */
  readonly isHere: boolean;
  /** The topics it has workers for, and whether it works on them now. */
  readonly topics: Readonly<Record<string, TopicState>>;
}

export class Topics {
  private readonly client: Client;

  constructor(client: Client) {
    this.client = client;
  }

  /** Every topic that an instance has a worker for, and what each of them does with it. */
  async list(options: CallOptions = {}): Promise<readonly TopicRow[]> {
    return (await askLine(this.client.discovery(), { ask: "topics" }, options)) as readonly TopicRow[];
  }

  /** Takes the topic off the instance's list of disabled ones. `a/.` names the children of `a`, `a/*` it and all below, `*` all. */
  enable(topic: string, instance: string, options?: CallOptions): Promise<TopicChange> {
    return this.change(instance, { enable: [checked(topic)] }, options);
  }

  /** The instance gets no more jobs of the topic; those it runs it runs to their end. */
  disable(topic: string, instance: string, options?: CallOptions): Promise<TopicChange> {
    return this.change(instance, { disable: [checked(topic)] }, options);
  }

  /** The instance works on these topics and on nothing else; null ends that. */
  exclusive(topics: string | readonly string[] | null, instance: string, options?: CallOptions): Promise<TopicChange> {
    const list = typeof topics === "string" ? [topics] : topics;
    return this.change(instance, { exclusive: list === null ? null : list.map(checked) }, options);
  }

  private async change(instance: string, item: Readonly<Record<string, unknown>>, options: CallOptions = {}): Promise<TopicChange> {
    if (typeof instance !== "string" || instance === "") throw new InvalidOption("instance", "must be the id of an instance: ls.topology.view() lists them");
    const { stored, answer } = await command(this.client.discovery().operateOnly, "topics", { instance, ...item }, options);
    const { isHere = false, topics = {} } = (answer ?? {}) as Partial<TopicChange>;
    return { stored, isHere, topics };
  }
}

function checked(topic: unknown): string {
  if (typeof topic === "string" && topic !== "") return topic;
  throw new InvalidOption("topic", "must be a topic, or a/. (children), a/* (a and all below), a/** (all below) or *");
}
