/** Contract suites: what every adapter of a port must do. They use vitest; the twins run them here, NATS in test/integration. */

export type { BlobsFixture } from "./blobs-contract.ts";
export { blobsContract } from "./blobs-contract.ts";
export type { CarrierFixture } from "./carrier-contract.ts";
export { carrierContract } from "./carrier-contract.ts";
export type { InboxFixture } from "./inbox-contract.ts";
export { inboxContract } from "./inbox-contract.ts";
export type { JournalFixture } from "./journal-contract.ts";
export { journalContract } from "./journal-contract.ts";
export type { MarksFixture, SnapshotsFixture } from "./keepers-contract.ts";
export { marksContract, snapshotsContract } from "./keepers-contract.ts";
export type { LinkFixture, LinkSide } from "./link-contract.ts";
export { linkContract } from "./link-contract.ts";
export type { WantedFixture } from "./wanted-contract.ts";
export { wantedContract } from "./wanted-contract.ts";
export type { WireFixture } from "./wire-contract.ts";
export { wireContract } from "./wire-contract.ts";
export type { ContractWorld } from "./world.ts";
