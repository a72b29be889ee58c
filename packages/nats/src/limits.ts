/** Every bound of this package, each with its unit. */

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** What the server takes in one message. A commit may fill half of it. */
export const MAX_PAYLOAD_BYTES: number = MIB;
/** The file space given to JetStream by `nats.conf`. The streams together reserve four fifths of it. */
export const FILE_STORE_BYTES: number = 8 * GIB;
export const MEMORY_STORE_BYTES: number = 256 * MIB;

/** A longer log of the embedded server is put aside at its next start. */
export const LOG_BYTES_MAX: number = 16 * MIB;

export const CONNECT_TIMEOUT_MS = 5_000;
/** With two pings missed a server that is cut off is noticed after 6 seconds at the latest, and another one is tried. */
export const PING_INTERVAL_MS = 2_000;
export const RECONNECT_WAIT_MS = 250;

/** How long an append or a question may take. Asking again is cheap, and a leader that was killed never answers. */
export const API_TIMEOUT_MS = 2_000;
/** How long storing may take before its outcome counts as unknown. */
export const STORE_TIMEOUT_MS = 5_000;
/** Creating streams on several servers takes a while. */
export const SETUP_TIMEOUT_MS = 15_000;
/** How often overdue requests are looked for; a time-out is late by at most this. */
export const SWEEP_MS = 20;
/** A sample of the server's clock that took longer says too little. */
export const SAMPLE_ROUND_TRIP_MAX_MS = 250;

/** Reading back: what is asked for ahead, and when a silent consumer is given up. */
export const READ_AHEAD_MESSAGES = 4_096;
export const READ_AHEAD_BYTES: number = 8 * MIB;
export const READ_STALL_MS = 2_000;
export const READ_GIVE_UP_MS = 20_000;
export const CONSUMER_INACTIVE_MS = 30_000;

/** Payloads and snapshots travel in pieces of this size. */
export const PIECE_BYTES: number = 256 * KIB;
export const PIECES_IN_FLIGHT = 8;
/** Subjects listed of one stream; what lies beyond is listed when others are gone. */
export const SUBJECTS_MAX = 1_000_000;
/** A payload that is put from memory, and one that is written from a source. */
export const BLOB_BYTES_MAX: number = 256 * MIB;
export const WRITTEN_BYTES_MAX: number = 1_024 * GIB;
/** How long one piece may take from another cluster: whatever is asked for at a time must fit through a slow link within it. */
export const FAR_PIECE_TIMEOUT_MS = 20_000;
/** Pieces a carrier asks of one other cluster at a time. */
export const FAR_PIECES_IN_FLIGHT = 16;
/** A door that has too much to do is asked again after so long, so often. */
export const FAR_BUSY_WAIT_MS = 250;
export const FAR_BUSY_TRIES = 40;
/** Pieces a door reads at a time: for all other clusters, and for one of them. */
export const DOOR_PIECES_MAX = 64;
export const DOOR_PIECES_PER_PEER_MAX = 32;
/** Principals whose copies of one payload are looked at. */
export const COPIES_MAX = 32;

/** One inbox message; so many of them may wait on one subject. */
export const INBOX_MESSAGE_BYTES_MAX: number = 512 * KIB;
export const INBOX_MESSAGES_PER_SUBJECT_MAX = 100_000;
