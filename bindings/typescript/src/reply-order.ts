/** The order of plain replies: each leaves when it is answered and every earlier one has left. */

/** A request's place in the order. */
export interface Place {
  /** The framed reply, once it is answered. */
  reply: Uint8Array | undefined;
}

/** Places in the order of their requests. */
export class ReplyOrder {
  readonly #places: Place[] = [];
  #held = 0;

  /** Places whose replies have not left. */
  get length(): number {
    return this.#places.length;
  }

  /** Bytes of replies that wait for an earlier one. */
  get held(): number {
    return this.#held;
  }

  /** Takes the next place. */
  take(): Place {
    const place: Place = { reply: undefined };
    this.#places.push(place);
    return place;
  }

  /** Puts a reply at its place, and returns the replies that may leave now. */
  fill(place: Place, reply: Uint8Array): Uint8Array[] {
    place.reply = reply;
    this.#held += reply.length;
    const leaving: Uint8Array[] = [];
    for (const { reply } of this.#places) {
      if (reply === undefined) break;
      this.#held -= reply.length;
      leaving.push(reply);
    }
    this.#places.splice(0, leaving.length);
    return leaving;
  }
}
