/** What can go wrong in a call, by what the caller should do next. */

/** Root of everything this package throws on purpose. */
export class RpcError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

/** The caller asked for something wrong (address, value, limits): correct it and call again. */
export class CallerMistake extends RpcError {}

/** The server answered that the command failed; the message is the server's. */
export class RemoteError extends RpcError {}

/** What a handler throws to answer an error with this message; other errors reach the client as "internal error" and their name. */
export class CommandFailed extends RpcError {}

/** Bytes from the peer are not what the contract says; asking again changes nothing. */
export class BadBytes extends RpcError {}

/** The server has another contract than we do. */
export class SchemaMismatch extends RpcError {}

/** It could not be done now; the same call may succeed later. */
export class TryAgain extends RpcError {}

/** The reply did not come before the deadline; the command may still be carried out. */
export class TimedOut extends TryAgain {}

/** As many calls as the limits allow are in flight. */
export class WouldBlock extends TryAgain {}

/** We closed the connection. */
export class Closed extends RpcError {}

/** The server closed the connection, died, or cut us off; calls in flight may or may not have been carried out. */
export class Ended extends TryAgain {}
