import { defineJob } from "longshore";
import { z } from "zod";

export const greeting = defineJob("greeting", {
  input: z.object({ name: z.string() }),
  run: ({ name }) => `Hello, ${name}`,
});
