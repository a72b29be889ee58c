/** Jobs in order, linked through their rows: any of them leaves in one step, and nothing is ever copied. */

import type { Job } from "./job.ts";
import type { JobTable } from "./job-table.ts";
import { NONE } from "./records.ts";

export class JobList {
  protected readonly table: JobTable;
  private head = NONE;
  private tail = NONE;
  private length = 0;

  constructor(table: JobTable) {
    this.table = table;
  }

  get size(): number {
    return this.length;
  }

  get first(): Job | undefined {
    return this.head === NONE ? undefined : this.table.at(this.head);
  }

  isFirst(job: Job): boolean {
    return job.row === this.head;
  }

  push({ row }: Job): void {
    const { table, tail } = this;
    table.setPrevious(row, tail);
    table.setNext(row, NONE);
    if (tail === NONE) this.head = row;
    else table.setNext(tail, row);
    this.tail = row;
    this.length++;
  }

  remove({ row }: Job): void {
    const { table } = this;
    const previous = table.previousOf(row);
    const next = table.nextOf(row);
    if (previous === NONE) this.head = next;
    else table.setNext(previous, next);
    if (next === NONE) this.tail = previous;
    else table.setPrevious(next, previous);
    this.length--;
  }

  *[Symbol.iterator](): Generator<Job> {
    for (let row = this.head; row !== NONE; row = this.table.nextOf(row)) yield this.table.at(row);
  }

  /** From the last to the first, from a job that stands in the list or from its end. */
  *backwards(before?: Job): Generator<Job> {
    for (let row = before === undefined ? this.tail : this.table.previousOf(before.row); row !== NONE; row = this.table.previousOf(row)) yield this.table.at(row);
  }
}
