/** A progress bar on a terminal, a line now and then elsewhere. */
import type { WriteStream } from "node:tty";

const WIDTH = 32;
const REDRAW_MS = 60;
const LINES = 8;

export class Progress {
  private readonly total: number;
  private readonly out: WriteStream;
  private drawnMs = 0;
  private linesWritten = 0;
  private shown = "";

  constructor(total: number, out: WriteStream = process.stderr as WriteStream) {
    this.total = total;
    this.out = out;
  }

  update(done: number, detail: string): void {
    const isLast = done === this.total;
    if (this.out.isTTY) {
      if (!isLast && performance.now() - this.drawnMs < REDRAW_MS) return;
      this.drawnMs = performance.now();
      const filled = Math.floor((done / this.total) * WIDTH);
      this.shown = `  ${"█".repeat(filled)}${"░".repeat(WIDTH - filled)}  ${done}/${this.total}  ${detail}`;
      this.draw();
    } else if (isLast || done >= ((this.linesWritten + 1) * this.total) / LINES) {
      this.linesWritten = Math.floor((done * LINES) / this.total);
      this.out.write(`  ${done}/${this.total}  ${detail}\n`);
    }
  }

  /** A line that stays, above the bar. */
  note(line: string): void {
    this.out.write(this.out.isTTY ? `\r\u001b[K${line}\n` : `${line}\n`);
    if (this.shown !== "") this.draw();
  }

  end(): void {
    if (this.out.isTTY && this.shown !== "") this.out.write("\n");
    this.shown = "";
  }

  private draw(): void {
    this.out.write(`\r${this.shown.slice(0, Math.max(20, (this.out.columns ?? 80) - 1))}\u001b[K`);
  }
}
