/** The link over shared memory, its connection played by the test: when it turns, and when it waits. */

import assert from "node:assert/strict";
import { test } from "node:test";

import type * as link from "../dist/native-link.js";
import type { Addon } from "../dist/native-addon.js";

const place: string = new URL("../../dist/native-link.js", import.meta.url).href;
const { NativeLink } = (await import(place)) as typeof link;

test("a full ring is looked at by one timer at a time, however often it is found full", async (context) => {
  let turns = 0;
  let full = true;
  class NativeConnection {
    turn(): { replies: []; lost: undefined } {
      turns += 1;
      return { replies: [], lost: undefined };
    }
    submit(): number {
      return 1;
    }
    wantsWrite(): boolean {
      return full;
    }
    arm(): void {}
    close(): void {}
  }
  const timers: (() => void)[] = [];
  context.mock.method(globalThis, "setTimeout", (run: () => void) => timers.push(run));
  const events = { reply: () => undefined, lost: () => undefined };
  const native = { NativeConnection } as unknown as Addon;
  const made = new NativeLink(native, { wait: 0 }, events);
  for (let request = 0; request < 10; request += 1) {
    made.submit("Any", new Uint8Array(1));
    await new Promise(setImmediate);
    await new Promise(setImmediate);
  }
  assert.ok(turns >= 10, `${turns} turns`);
  assert.equal(timers.length, 1);
  timers.pop()?.();
  assert.equal(timers.length, 1, "it goes on looking");
  full = false;
  timers.pop()?.();
  assert.equal(timers.length, 0);
  made.close();
});
