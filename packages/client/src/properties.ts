/** What an instance says of itself in the topology, changed while it lives. */
import { command } from "./calls.ts";
import type { Client } from "./client.ts";
import { InvalidOption } from "./errors.ts";
import type { CallOptions } from "./handle.ts";
import { refuseOthers } from "./options.ts";

export interface SetPropertiesOptions extends CallOptions {
  /** Another instance than this program's: of the same user, or any for an operator. */
  readonly instance?: string;
}

/** What a change of properties led to. */
export interface PropertiesChange {
  readonly instance: string;
  /** No host was up: it waits in the inbox, and nothing below is known yet. */
  readonly stored: boolean;
  /** All that the instance has now. */
  readonly properties: Readonly<Record<string, string>>;
}

export class Properties {
  private readonly client: Client;

  constructor(client: Client) {
    this.client = client;
  }

  /**
   * Changes properties by name, null takes one away, and the others stay. Every member hears PROPERTIES_CHANGED; membership
   * stays as it is. What is set goes with this life of the instance, and lies over what it announces itself.
   *
   * @throws {InvalidOption} where the program is no instance of the topology and names none. @throws {Rejected} `instance/unknown`,
   * `instance/not-yours`, `properties/too-many`, `command/malformed` for a name or a value that is none.
   */
  async set(properties: Readonly<Record<string, string | null>>, options: SetPropertiesOptions = {}): Promise<PropertiesChange> {
    refuseOthers(options, ["instance", "signal"], []);
    checkProperties(properties);
    const who = this.whose(options.instance);
    const { stored, answer } = await command(this.client.discovery().instances, "properties", { ...who, properties }, options);
    return { instance: who.instance, stored, properties: (answer as Partial<PropertiesChange> | undefined)?.properties ?? {} };
  }

  private whose(named: string | undefined): { readonly instance: string; readonly incarnation?: string } {
    const { instance, incarnation, self } = this.client.setup;
    if (named !== undefined) {
      if (typeof named !== "string" || named === "") throw new InvalidOption("instance", "must be the id of an instance: ls.topology.view() lists them");
      return { instance: named };
    }
    if (incarnation !== undefined) return { instance, incarnation };
    if (self !== undefined) return { instance: self };
    throw new InvalidOption("instance", "is needed: this program is no instance of the topology (`longshore run worker` makes one); name which, for example { instance: \"west-1\" }");
  }
}

function checkProperties(properties: unknown): void {
  if (typeof properties !== "object" || properties === null || Array.isArray(properties)) throw new InvalidOption("properties", "must be a map of names to texts");
  for (const [name, value] of Object.entries(properties)) {
    if (value !== null && typeof value !== "string") throw new InvalidOption(`properties.${name}`, "must be text, or null to take it away");
  }
}
