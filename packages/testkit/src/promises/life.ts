/**
 * P2 to P6, event by event: one end per job, one live attempt, superseded attempts change nothing, order, limits.
 *
 * Every rule is judged on the facts before the event, which then changes them. A rule that is broken is reported once and
 * the event is taken as it stands: what follows is judged on what the history says.
 */

import type { EventOf, JobQueueEvent } from "@longshore/job-queue";
import { HANDOVER_MS, TAKEN_AWAY, workerPatternMatches } from "@longshore/job-queue";
import type { JobFacts, MemberFacts, PoolFacts } from "./facts.ts";
import { Facts } from "./facts.ts";
import type { Findings } from "./report.ts";

type OfAttempt = EventOf<"AttemptFailed" | "AttemptReleased" | "AttemptExtended" | "JobProgressed" | "JobLogged" | "JobPropertySet">;

const ANSWERS_MAX = 10_000;

export class LifeCheck {
  readonly facts: Facts;
  /** The most jobs that waited when a user's was accepted, itself included. */
  admittedAt = 0;
  private readonly findings: Findings;
  private readonly topics = new WeakMap<readonly string[], Map<string, boolean>>();
  private at = 0;

  constructor(findings: Findings, facts: Facts = new Facts()) {
    this.findings = findings;
    this.facts = facts;
  }

  event(event: JobQueueEvent, at: number): void {
    this.at = at;
    switch (event.type) {
      case "JobAccepted": return this.accepted(event);
      case "AttemptStarted": return this.started(event);
      case "AttemptFailed": case "AttemptReleased": return this.requeued(event);
      case "AttemptExtended": case "JobProgressed": case "JobLogged": case "JobPropertySet":
        this.live(event);
        return;
      case "JobEnded": return this.ended(event);
      case "JobStopRequested": return this.stopRequested(event);
      case "JobRemoved": return this.removed(event);
      case "EndedExpired": return this.expired(event.count);
      case "SubmitRefused": case "JobsDue": case "IdsExpired": case "OperationStarted": case "OperationAdvanced": case "OperationEnded": return;
      case "QueueConfigured":
        this.facts.queue(event.queue).config = event.config;
        return;
      case "QueueSuspended": case "QueueResumed":
        this.facts.queue(event.queue).isSuspended = event.type === "QueueSuspended";
        return;
      case "InstancesRanked":
        this.facts.ranked = event.instances;
        return;
      case "InstanceJoined": case "TopicsChanged": case "InstanceDraining": case "InstanceLeft": return this.member(event);
    }
  }

  private accepted({ job: number, id, topic, queue: name, options }: EventOf<"JobAccepted">): void {
    const { facts, findings } = this;
    if (number !== facts.lastJob + 1) findings.add("P2", `job ${number} is accepted after job ${facts.lastJob}`);
    if (facts.byId.has(id)) findings.add("P9", `the id ${id} is accepted a second time while its first job is in the history`);
    facts.lastJob = Math.max(facts.lastJob, number);
    const queue = facts.queue(name);
    const job: JobFacts = { number, id, topic, queue, attempt: 0, run: undefined, isEnded: false, notBefore: options?.notBefore ?? 0, stopRequested: false, isGone: false, creator: options?.creator };
    facts.jobs.set(number, job);
    facts.byId.set(id, job);
    queue.accept(number);
    facts.queued++;
    if (options?.cause === undefined) this.admittedAt = Math.max(this.admittedAt, facts.queued);
  }

  private started({ job: number, attempt, member: memberNumber, pool: index }: EventOf<"AttemptStarted">): void {
    const { facts, findings } = this;
    const job = this.known(number, `attempt ${attempt} starts`);
    if (job === undefined) return;
    if (job.isEnded) findings.add("P2", `attempt ${attempt} of job ${number} starts after the job has ended`);
    if (job.run !== undefined) findings.add("P3", `attempt ${attempt} of job ${number} starts while attempt ${job.attempt} is live`);
    if (attempt !== job.attempt + 1) findings.add("P3", `attempt ${attempt} of job ${number} follows attempt ${job.attempt}`);
    const member = facts.members.get(memberNumber);
    const pool = member?.pools[index];
    if (member === undefined || member.hasLeft) findings.add("P3", `attempt ${attempt} of job ${number} starts on member ${memberNumber}, which is not there`);
    else {
      this.startLimits(job, member, pool, index);
      this.startPlace(job, member);
    }
    this.startOrder(job);
    facts.stop(job);
    job.attempt = attempt;
    if (member !== undefined) facts.start(job, member, pool);
    job.queue.heldUntil = 0;
  }

  private startLimits(job: JobFacts, member: MemberFacts, pool: PoolFacts | undefined, index: number): void {
    const { findings } = this;
    const { queue, number } = job;
    const running = member.running.get(queue) ?? 0;
    const most = queue.parallelOn(member.processors);
    if (pool === undefined) findings.add("P6", `job ${number} starts in pool ${index} of instance ${member.instance}, which it does not offer`);
    else {
      if (pool.used >= pool.slots) findings.add("P6", `job ${number} starts in a pool of instance ${member.instance} whose ${pool.slots} slots are taken`);
      if (!this.takes(pool, job.topic)) findings.add("P6", `job ${number} starts in a pool that does not take topic ${job.topic}`);
    }
    // Another cluster has limits of its own; here only the slots count that it grants.
    if (running >= most && !member.instance.startsWith("@")) findings.add("P6", `job ${number} is the ${running + 1}th of queue ${queue.name} on instance ${member.instance}, which takes ${most}`);
    if (member.isDraining) findings.add("P6", `job ${number} starts on instance ${member.instance}, which drains`);
    if (queue.isSuspended) findings.add("P6", `job ${number} starts although queue ${queue.name} is suspended`);
    if (this.at < job.notBefore) findings.add("P6", `job ${number} starts ${job.notBefore - this.at} ms too early`);
  }

  /** Where a queue says on which instance its jobs run, every start is held against all that could have taken it. */
  private startPlace({ number, topic, queue, creator }: JobFacts, chosen: MemberFacts): void {
    const { placement = "any" } = queue.config;
    if (placement === "any") return;
    const able = [...this.facts.members.values()].filter(({ hasLeft, isDraining, pools }) => !hasLeft && !isDraining && pools.some((pool) => pool.slots > 0 && this.takes(pool, topic)));
    const wanted = placement === "leader" ? able.sort((a, b) => this.facts.rankOf(a) - this.facts.rankOf(b))[0] : able.find(({ instance }) => instance === creator);
    if (wanted !== undefined && wanted !== chosen) this.findings.add("P6", `job ${number} starts on instance ${chosen.instance}, and its queue ${queue.name} wants ${placement}, which is ${wanted.instance}`);
  }

  /** Asked for every start: the answers are kept. */
  private takes(pool: PoolFacts, topic: string): boolean {
    let answers = this.topics.get(pool.topics);
    if (answers === undefined) {
      answers = new Map();
      this.topics.set(pool.topics, answers);
    }
    let takes = answers.get(topic);
    if (takes === undefined) {
      takes = pool.topics.some((pattern) => workerPatternMatches(pattern, topic));
      if (answers.size < ANSWERS_MAX) answers.set(topic, takes);
    }
    return takes;
  }

  private startOrder(job: JobFacts): void {
    const { queue, number } = job;
    if (!queue.isOrdered) return;
    const head = queue.head(this.facts.isOpen);
    if (head !== number) this.findings.add("P5", `job ${number} starts although job ${head} stands before it in the ordered queue ${queue.name}`);
    if (queue.running > 0) this.findings.add("P5", `job ${number} starts while another attempt of the ordered queue ${queue.name} is live`);
    if (this.at < queue.heldUntil) this.findings.add("P5", `job ${number} starts ${queue.heldUntil - this.at} ms before the worker that lost an attempt of queue ${queue.name} has surely let go`);
  }

  private requeued(event: EventOf<"AttemptFailed" | "AttemptReleased">): void {
    const job = this.live(event);
    if (job === undefined) return;
    this.facts.stop(job);
    job.notBefore = event.retryAt;
    if (event.type === "AttemptFailed" && event.kind === "lost") job.queue.heldUntil = this.at + HANDOVER_MS;
  }

  private ended({ job: number, attempt, state, reason }: EventOf<"JobEnded">): void {
    const { facts, findings } = this;
    const job = this.known(number, "it ends");
    if (job === undefined) return;
    if (job.isEnded) findings.add("P2", `job ${number} ends a second time, as ${state}`);
    if (attempt !== job.attempt) findings.add("P4", `job ${number} ends by attempt ${attempt}, and its latest is ${job.attempt}`);
    if (job.run === undefined && state !== "stopped" && state !== "dropped") findings.add("P4", `job ${number} ends as ${state} although no attempt is live`);
    if (state === "stopped" && job.run !== undefined && !job.stopRequested) findings.add("P2", `job ${number} ends as stopped while it runs, and nobody had asked for it`);
    if (job.queue.isOrdered && job.run !== undefined && job.queue.head(facts.isOpen) !== number) {
      findings.add("P5", `job ${number} ends before job ${job.queue.head(facts.isOpen)} of the ordered queue ${job.queue.name}`);
    }
    const isTakenAway = state === "dropped" || reason === TAKEN_AWAY.lost || reason === TAKEN_AWAY.overdue;
    if (job.run !== undefined && isTakenAway) job.queue.heldUntil = this.at + HANDOVER_MS;
    facts.stop(job);
    facts.end(job);
  }

  private stopRequested({ job: number }: EventOf<"JobStopRequested">): void {
    const job = this.known(number, "a stop is asked for");
    if (job?.isEnded === true) this.findings.add("P2", `a stop of job ${number} is recorded after its end`);
    if (job !== undefined) job.stopRequested = true;
  }

  private removed({ job: number }: EventOf<"JobRemoved">): void {
    const job = this.known(number, "it is removed");
    if (job === undefined) return;
    if (!job.isEnded) this.findings.add("P2", `job ${number} is removed although it has not ended`);
    this.facts.stop(job);
    this.facts.forget(job);
  }

  private expired(count: number): void {
    for (let left = count; left > 0; left--) {
      const oldest = this.facts.oldestEnded();
      if (oldest === undefined) return this.findings.add("P2", `${left} ended jobs expire that are not there`);
      this.facts.forget(oldest);
    }
  }

  private member(event: EventOf<"InstanceJoined" | "TopicsChanged" | "InstanceDraining" | "InstanceLeft">): void {
    const { facts, findings } = this;
    if (event.type === "InstanceJoined") {
      if (event.member !== facts.lastMember + 1) findings.add("P3", `member ${event.member} joins after member ${facts.lastMember}`);
      const twin = [...facts.members.values()].find((member) => member.instance === event.instance && !member.hasLeft);
      if (twin !== undefined) findings.add("P3", `instance ${event.instance} joins a second time while member ${twin.number} is there`);
      return facts.join(event);
    }
    const member = facts.members.get(event.member);
    if (member === undefined || member.hasLeft) return findings.add("P3", `${event.type} names member ${event.member}, which is not there`);
    if (event.type === "TopicsChanged") facts.replacePools(member, event.pools);
    else if (event.type === "InstanceDraining") member.isDraining = true;
    else facts.leave(member);
  }

  /** The job whose live attempt the event names; an event of any other attempt must not be there. */
  private live(event: OfAttempt): JobFacts | undefined {
    const { job: number, attempt, type } = event;
    const job = this.known(number, `${type} of attempt ${attempt}`);
    if (job === undefined) return undefined;
    if (job.isEnded) this.findings.add("P2", `${type} of job ${number} is recorded after its end`);
    else if (job.run === undefined || job.attempt !== attempt) {
      const now = job.run === undefined ? "none is live" : `attempt ${job.attempt} is live`;
      this.findings.add("P4", `${type} names attempt ${attempt} of job ${number}, and ${now}`);
    }
    return job;
  }

  private known(number: number, what: string): JobFacts | undefined {
    const job = this.facts.jobs.get(number);
    if (job !== undefined) return job;
    const isGone = number <= this.facts.lastJob;
    this.findings.add("P2", isGone ? `${what}, and job ${number} has ended and left the history` : `${what}, and job ${number} was never accepted`);
    return undefined;
  }
}
