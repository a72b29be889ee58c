/** Prints what `nats.conf` must say. */
import { stdout } from "node:process";
import { shippedConfig } from "./conf.ts";

stdout.write(shippedConfig());
