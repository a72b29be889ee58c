/** Prints what `nats.conf` must say; with `cluster`, what that of a cluster of three must. */
import { argv, stdout } from "node:process";
import { clusterConfig, shippedConfig } from "./conf.ts";

stdout.write(argv[2] === "cluster" ? clusterConfig() : shippedConfig());
