/** Takes all of one processor for as long as it is let. */
for (;;) Math.sqrt(Math.random());
