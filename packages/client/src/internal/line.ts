/** Everything this client has with one actor: what it knows of its epochs and time, its sessions, its waiting results. */
import type { Role } from "@longshore/kernel";
import { Epochs } from "./epochs.ts";
import { HostTime } from "./host-time.ts";
import type { ClientLimits } from "./limits.ts";
import type { ActorPlace, ClientPorts } from "./ports.ts";
import { Query } from "./query.ts";
import { ResultWaiter } from "./result-waiter.ts";
import { Session } from "./session.ts";

export class Line {
  readonly place: ActorPlace;
  readonly epochs: Epochs = new Epochs();
  readonly time: HostTime;
  /** For what owners do: adding. */
  readonly submit: Session;
  /** For what operators do, and owners with their own jobs. */
  readonly operate: Session;
  /** For what only operators may do. */
  readonly operateOnly: Session;
  /** For what operators do, and instances for themselves. */
  readonly instances: Session;
  readonly results: ResultWaiter;
  readonly query: Query;

  constructor(ports: ClientPorts, place: ActorPlace, client: string, limits: ClientLimits) {
    this.place = place;
    this.time = new HostTime(ports, place, this.epochs);
    const session = (...roles: readonly Role[]): Session => new Session(ports, place, roles, limits, this.epochs, this.time);
    this.submit = session("submit", "operate");
    this.operate = session("operate", "submit");
    this.operateOnly = session("operate");
    this.instances = session("operate", "hello");
    this.results = new ResultWaiter(ports, place, client, limits, this.epochs);
    this.query = new Query(ports, place, limits, this.epochs);
  }

  close(): void {
    this.submit.close();
    this.operate.close();
    this.operateOnly.close();
    this.instances.close();
    this.results.close();
  }
}
