/* proofplane.h: the C ABI of proofplane's reactor, on which the C++ and Zig runtimes stand.
 *
 * The core carries bytes: a request is a method's number and its packed fields, a reply is a name and packed fields.
 * What every function promises:
 *  - Texts that go in are UTF-8 and end with a NUL unless a length stands beside them; other text is PP_INVALID.
 *    A null pointer where something is needed is PP_INVALID too. A pointer beside a length of 0 may be null.
 *  - Bytes handed in are copied before the function returns; bytes handed to a callback are on loan until it returns.
 *  - A panic of the core never crosses: it comes back as PP_BROKEN.
 *  - Options that are all zero are the defaults.
 *  - Nothing here may be used in a child after fork(): functions of a client, a server or a responder then do nothing and answer
 *    PP_FORKED; spawn instead.
 */
#ifndef PROOFPLANE_H
#define PROOFPLANE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Version of this header; pp_abi_version() tells the library's. They must be equal. */
#define PP_ABI_VERSION 1u
uint32_t pp_abi_version(void);

/* How something ended; negative values do not occur. The comment says what to do. */
typedef enum pp_status {
    PP_OK = 0,
    PP_INVALID = 1,     /* an argument is wrong: correct it */
    PP_IN_USE = 2,      /* a living server has this address: choose another, or stop that one */
    PP_SYSTEM = 3,      /* the operating system refused: the message says what */
    PP_UNREACHABLE = 4, /* no connection came about before the deadline, or none can: the message says why */
    PP_TOO_LARGE = 5,   /* the frame is larger than the connection carries: send less */
    PP_BUSY = 6,        /* too much is unsent or unanswered: let replies come in, then submit again */
    PP_ENDED = 7,       /* the server closed, died or cut us off: connect again */
    PP_BROKEN = 8,      /* the bytes make no sense, or a defect of ours */
    PP_CLOSED = 9,      /* this side closed the client while the call was in flight */
    PP_MISMATCH = 10,   /* the server serves another schema, or has no request ids though they were required */
    PP_FORKED = 11      /* used in a child after fork() */
} pp_status;

/* Where functions that can fail for many reasons leave one; may be null. The message is UTF-8, cut at a character if too long. */
typedef struct pp_error {
    int32_t status; /* a pp_status */
    char message[508];
} pp_error;

/* ---- server ---------------------------------------------------------------------------------------------------------- */

typedef struct pp_server pp_server;
typedef struct pp_responder pp_responder;

/* One method; its place in pp_contract.methods is its number. */
typedef struct pp_method {
    const char *request;  /* "Blake2s" */
    const char *response; /* "Blake2sResponse" */
    uint32_t runs_inline; /* not 0: may run on the reactor's own thread when nothing else is in flight; fast, never blocking */
} pp_method;

typedef struct pp_contract {
    uint8_t schema_hash[32]; /* all zero: none */
    const pp_method *methods;
    size_t method_count;
    const char *error; /* "ErrorResponse" */
} pp_contract;

/* 0 means the default in every field. */
typedef struct pp_server_options {
    uint32_t max_frame;       /* bytes of a frame's body; 64 MiB */
    uint32_t max_in_flight;   /* unanswered requests of one connection before it is no longer read; 1024 */
    size_t max_queued;        /* bytes of queued replies of one connection before it is no longer read; 16 MiB */
    uint32_t max_connections; /* served at once; 1024 */
    uint32_t max_waiting;     /* unanswered requests of all connections before nothing is read; 4096 */
    uint32_t workers;         /* threads that run handlers; as many as processors may be used */
    uint32_t slots;           /* shared memory: clients at once; 8 */
    uint32_t spin_us;         /* shared memory: longest spin before sleeping, microseconds; 20 */
    size_t request_ring;      /* shared memory: bytes of each request ring; 1 MiB */
    size_t response_ring;     /* shared memory: bytes of each reply ring; 1 MiB */
    const uint32_t *peers;    /* user ids that may connect besides our own and root */
    size_t peer_count;
} pp_server_options;

typedef struct pp_stats {
    uint64_t accepted;  /* connections accepted */
    uint64_t open;      /* connections open now */
    uint64_t requests;  /* requests handed out */
    uint64_t replies;   /* replies sent or queued, errors included */
    uint64_t refused;   /* of these, errors made by the reactor */
    uint64_t orphaned;  /* replies whose client was gone */
    uint64_t in_flight; /* requests accepted and not answered now */
} pp_stats;

/* Handles one request. Runs on several threads at once; must not throw or unwind.
 * The responder is the callee's: it must be given to exactly one of pp_responder_reply, _error and _drop, now or later, on any thread. */
typedef void (*pp_handler)(void *context, uint32_t method, const uint8_t *payload, size_t payload_len, pp_responder *responder);

/* Serves at the address ("PATH.sock" or "NAME.shm"); when it returns, clients can connect. options may be null.
 * Null on failure, with the reason in *error. `context` must live until pp_server_stop has returned. */
pp_server *pp_server_start(const char *address, const pp_contract *contract, const pp_server_options *options, pp_handler handler,
                           void *context, pp_error *error);

/* Counters since the start, and gauges, as they stood after the reactor's last turn. */
pp_status pp_server_stats(const pp_server *server, pp_stats *stats);

/* Drains for at most grace_ms milliseconds, ends what is left with errors, unlinks the address, joins every thread, frees the server.
 * No handler runs once it has returned; responders that are still held may be used, and reach nobody.
 * From inside a handler it is PP_INVALID and does nothing (the handler's thread cannot wait for itself). Null is PP_OK.
 * After fork() it is PP_FORKED and leaves everything to the parent. */
pp_status pp_server_stop(pp_server *server, uint32_t grace_ms);

/* Each consumes the responder, whatever it returns, and may be called on any thread, also after the server has stopped. */
/* Answers with the packed fields of the method's response. */
pp_status pp_responder_reply(pp_responder *responder, const uint8_t *payload, size_t payload_len);
/* Answers an error with this message (need not end with a NUL; bytes that are not UTF-8 are replaced). */
pp_status pp_responder_error(pp_responder *responder, const char *message, size_t message_len);
/* Gives up the responder: the reactor answers an error. Null does nothing. */
void pp_responder_drop(pp_responder *responder);

/* ---- client ---------------------------------------------------------------------------------------------------------- */

typedef struct pp_client pp_client;

typedef enum pp_ids {
    PP_IDS_AUTO = 0,   /* ask by Hello, use request ids if the server knows them */
    PP_IDS_NEVER = 1,  /* plain requests, no Hello, no comparison of schemas */
    PP_IDS_REQUIRE = 2 /* ask by Hello, PP_MISMATCH if the server does not know them */
} pp_ids;

/* 0 means the default in every field. */
typedef struct pp_client_options {
    uint32_t deadline_ms;    /* for connecting and Hello together; 5000 */
    uint32_t ids;            /* a pp_ids */
    uint32_t has_slot;       /* not 0: use `slot`; needed with a many-client shared-memory server that is not ours */
    uint32_t slot;           /* shared memory */
    uint32_t child_pid;      /* our own child's process id: connects eagerly while it lives; 0: anybody's server */
    uint32_t max_frame;      /* bytes of a frame's body; 64 MiB */
    uint32_t max_in_flight;  /* unanswered calls, those that nobody waits for included; 1024 */
    uint32_t spin_us;        /* shared memory: longest spin before sleeping, microseconds; 20 */
    size_t max_queued;       /* bytes of unsent requests; 16 MiB */
    uint8_t schema_hash[32]; /* compared with the server's by Hello unless either is all zero */
} pp_client_options;

/* Takes one reply. Runs on the client's own thread, one at a time; must not throw, unwind, or block for long. It may submit.
 * status PP_OK: `name` is the reply's name and `bytes` its packed fields (an error reply is a reply: compare the name).
 * Any other status: no reply will come; `name` is null and `bytes` is the reason, UTF-8. */
typedef void (*pp_reply_handler)(void *context, pp_status status, const char *name, size_t name_len, const uint8_t *bytes,
                                 size_t bytes_len);

/* Connects, retrying while the server is not there yet. options may be null. Null on failure, with the reason in *error. */
pp_client *pp_client_connect(const char *address, const pp_client_options *options, pp_error *error);

/* Not 0 when requests carry ids, so that replies come in the order of completion. */
uint32_t pp_client_uses_ids(const pp_client *client);

/* Calls submitted and not answered, those that nobody waits for included. */
size_t pp_client_in_flight(const pp_client *client);

/* Sends a request: the command's name and its packed fields. May be called on any thread and from inside a reply handler.
 * PP_OK: `handler` will run exactly once, on the client's thread. Anything else: it will not run, and *error (may be null) has the reason. */
pp_status pp_client_submit(pp_client *client, const char *name, const uint8_t *payload, size_t payload_len, pp_reply_handler handler,
                           void *context, pp_error *error);

/* Closes at once: calls in flight end with PP_CLOSED, their handlers run before this returns; then frees the client.
 * No other thread may be inside a function of this client. From inside a reply handler it returns at once, and the rest happens
 * when that handler has returned. Null is PP_OK. After fork() it is PP_FORKED and leaves everything to the parent. */
pp_status pp_client_close(pp_client *client);

#ifdef __cplusplus
}
#endif

#endif /* PROOFPLANE_H */
