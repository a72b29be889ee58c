/** From the options of a command to a connection. */
import { Fault, isToken } from "@longshore/kernel";
import { type Connection, type ConnectOptions, connect } from "@longshore/nats";
import { connect as connectClient, type Longshore } from "longshore";
import { readServerState } from "longshore/internal";
import type { Shared } from "./command.ts";
import { wrongUsage } from "./errors.ts";
import type { Io } from "./io.ts";

export interface Place {
  /** Without user and password. */
  readonly url: string;
  readonly login: Login;
  readonly cluster: string;
  readonly shard: string;
  /** Where the server's monitoring is, when it is one of ours. */
  readonly monitor: string | undefined;
  /** How the address was found, for messages. */
  readonly from: "--server" | "NATS_URL" | "longshore up";
}

/** User and password that stood in the address. */
interface Login {
  readonly user?: string;
  readonly password?: string;
}

const DEFAULT_CLUSTER = "main";
/** Where the server knows no users, this is everybody's name. */
const DEFAULT_PRINCIPAL = "me";

/** @throws {Fault} `nats/unreachable` when nothing says where NATS is. */
export async function findPlace({ server, cluster, shard = "main" }: Pick<Shared, "server" | "cluster" | "shard">, { env }: Pick<Io, "env">): Promise<Place> {
  const state = await readServerState(env);
  const named = cluster ?? env["LONGSHORE_CLUSTER"];
  const known = (address: string, from: Place["from"]): Place => {
    const { url, login } = withoutLogin(address);
    const own = state?.url === url ? state : undefined;
    return { url, login, shard, cluster: named ?? own?.cluster ?? DEFAULT_CLUSTER, monitor: own?.monitor, from };
  };
  if (server !== undefined) return known(server, "--server");
  const variable = env["NATS_URL"];
  if (variable !== undefined && variable !== "") return known(variable, "NATS_URL");
  if (state !== undefined) return known(state.url, "longshore up");
  throw new Fault("nats/unreachable", "nothing says where NATS is: start it here with `longshore up`, or name a server with --server or NATS_URL", { retry: "backoff" });
}

/** `nats://user:password@host`: NATS wants the login apart. Several addresses are separated by commas. */
function withoutLogin(addresses: string): { readonly url: string; readonly login: Login } {
  let login: Login = {};
  const plain = addresses.split(",").map((address) => {
    const [, scheme = "", user, password, host = ""] = /^([a-z]+:\/\/)?([^@/:]+)(?::([^@/]*))?@(.+)$/.exec(address.trim()) ?? [];
    if (user === undefined) return address.trim();
    login = { user: decodeURIComponent(user), ...(password === undefined ? {} : { password: decodeURIComponent(password) }) };
    return scheme + host;
  });
  return { url: plain.join(","), login };
}

/** Who we are, as the library decides it, too. */
export function principalOf({ user }: Pick<Shared, "user">, { env }: Pick<Io, "env">, login: Login = {}): string {
  const name = user ?? env["LONGSHORE_USER"] ?? login.user ?? DEFAULT_PRINCIPAL;
  if (isToken(name)) return name;
  throw wrongUsage(`the user "${name}" is not allowed`, "use 1 to 128 of the characters A-Z a-z 0-9 _ -");
}

/** What both the library and the ports of `@longshore/nats` take. */
export type Access = Required<Pick<ConnectOptions, "principal" | "servers">> & Pick<ConnectOptions, "user" | "password" | "credsFile">;

export function accessTo(place: Place, shared: Shared, io: Io): Access {
  const { url, login } = place;
  const variable = io.env["LONGSHORE_PASSWORD"] ?? "";
  const password = variable === "" ? login.password : variable;
  return {
    principal: principalOf(shared, io, login),
    servers: url,
    ...(login.user === undefined ? {} : { user: login.user }),
    ...(password === undefined ? {} : { password }),
    ...(shared.creds === undefined ? {} : { credsFile: shared.creds }),
  };
}

export interface Connected {
  readonly connection: Connection;
  readonly place: Place;
}

/** Connects for the time of `run`, and closes whatever comes of it. */
export async function withConnection<Result>(shared: Shared, io: Io, run: (connected: Connected) => Promise<Result>): Promise<Result> {
  const place = await findPlace(shared, io);
  const connection = await connect({ ...accessTo(place, shared, io), name: "longshore cli" });
  try {
    return await run({ connection, place });
  } finally {
    await connection.close();
  }
}

/** The library, for the time of `run`. */
export async function withClient<Result>(shared: Shared, io: Io, run: (ls: Longshore, place: Place) => Promise<Result>): Promise<Result> {
  const place = await findPlace(shared, io);
  const ls = await connectClient({ ...accessTo(place, shared, io), cluster: place.cluster, shard: place.shard });
  try {
    return await run(ls, place);
  } finally {
    await ls.close();
  }
}
