//! Offsets of everything in shared memory: the peers' fields where they have them, ours in the bytes they leave alone.
//!
//! Every word has one writer, but for the doorbell's sequence (any client adds to it) and the owner word (claimed by
//! compare-and-swap by a client, freed by the server). The table with the reasons stands in docs/design/ring.md.

/// Bytes before a ring's data.
pub const HEADER_BYTES: usize = 256;
/// u64, producer: bytes published since the start; its low 32 bits are the futex word of peers.
pub const HEAD: usize = 0;
/// u64, producer: the head at which it last jumped to the ring's start; `NEVER_WRAPPED` before the first jump.
pub const WRAP_HEAD: usize = 8;
/// u32, producer (ours): the processor it last published on, plus one; 0 is unknown.
pub const PRODUCER_CPU: usize = 16;
/// u64, consumer: bytes consumed since the start.
pub const TAIL: usize = 64;
/// u32, consumer: 0 awake; 1 asleep in the futex, which is `BELL` in a ring of ours and the low half of `HEAD` in a peer's;
/// 2 (ours) asleep in epoll, to be woken through its FIFO.
pub const CONSUMER_BLOCKED: usize = 72;
/// u32, producer (ours): it waits for room; the consumer then rings the producer's bell after a release.
/// On the consumer's cache line, because the consumer reads it at each release and the producer seldom writes it.
pub const PRODUCER_BLOCKED: usize = 80;
/// u32, producer (ours): rung so many times while the consumer slept; the futex word between our own ends.
/// Peers sleep on `HEAD`, which does not change when the news is room or an eviction.
pub const BELL: usize = 84;
/// u64, creator: bytes in the ring, a power of two.
pub const CAPACITY: usize = 128;
/// u64, creator: capacity - 1.
pub const MASK: usize = 192;
/// u64, creator (ours): `MAGIC`, or 0 in a peer's ring.
pub const RING_MAGIC: usize = 200;
/// u64, client (ours, request ring only): who owns the slot, see `Owner`; 0 is free.
pub const OWNER: usize = 208;
/// u64, server (ours, request ring only): how often the slot changed hands or was condemned.
pub const EPOCH: usize = 216;

/// Bytes of a many-client server's doorbell object.
pub const DOORBELL_BYTES: usize = 128;
/// u32, any client: rung so many times; the futex word.
pub const SEQUENCE: usize = 0;
/// u64, creator (ours): `MAGIC`, or 0 in a peer's doorbell.
pub const DOORBELL_MAGIC: usize = 16;
/// u64, creator (ours): who serves, see `Owner`; with the leaving bit once it ends.
pub const SERVER: usize = 24;
/// u32, creator (ours): number of slots.
pub const SLOTS: usize = 32;
/// u32, server: as `CONSUMER_BLOCKED`.
pub const DOORBELL_BLOCKED: usize = 64;

/// Longest name of a server, bytes: a file name's 255 less the longest ending of its objects.
pub const NAME_BYTES: usize = 255 - "_req_doorbell_new".len();
/// Bytes of a message's length, before its payload.
pub const PREFIX_BYTES: usize = 4;
/// Smallest ring: a prefix and 4 bytes fit its half.
pub const LEAST_CAPACITY: u64 = 16;
/// Largest ring that we create: 1 GiB, sixteen times the largest frame that a peer was measured with.
pub const MOST_CAPACITY: usize = 1 << 30;
/// Most slots of one server: each costs two mappings and a descriptor, and a look at each wake.
pub const MOST_SLOTS: u32 = 1024;
/// What `wrap_head` holds until the producer first wraps.
pub const NEVER_WRAPPED: u64 = u64::MAX;
/// "ppring" and the version of our additions to the layout.
pub const MAGIC: u64 = u64::from_le_bytes(*b"ppring01");
