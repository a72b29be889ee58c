/** Fills the documents in: `npx tsx --conditions=@longshore/source test/docs/write.ts`. */
import { existsSync, writeFileSync } from "node:fs";
import { DOCUMENTS, filled, root, textOf } from "./fill.ts";

for (const document of DOCUMENTS) {
  if (existsSync(`${root}/${document}`)) writeFileSync(`${root}/${document}`, filled(textOf(document)));
}
