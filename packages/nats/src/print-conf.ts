/** Prints what `nats.conf` must say; with `cluster`, `hub` or `west`, what those of the examples must. */
import { argv, stdout } from "node:process";
import { clusterConfig, leafConfig, shippedConfig } from "./conf.ts";

const [, , which] = argv;
if (which === "hub" || which === "west") stdout.write(leafConfig(which));
else stdout.write(which === "cluster" ? clusterConfig() : shippedConfig());
