/** What hosts and instances say of the program they run. */
import { VERSION } from "../version.ts";

export const SOFTWARE: string = `longshore/${VERSION}`;
