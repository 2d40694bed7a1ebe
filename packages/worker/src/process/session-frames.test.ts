// Frames arrive whole however the connection cuts them up.
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { array, assert, asyncProperty, integer, tuple, uint8Array } from "fast-check";
import { expect, test } from "vitest";
import { encodeFrame, frame, readFrames } from "./session-frames.ts";

const frames = array(tuple(integer({ min: 0, max: 9 }), uint8Array({ maxLength: 40 })));

test("what was written is read, in order, whatever the pieces", async () => {
  await assert(
    asyncProperty(frames, integer({ min: 1, max: 17 }), async (written, pieceBytes) => {
      const bytes = Buffer.concat(written.map(([type, data]) => encodeFrame(type, data)));
      const pieces: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        pieces.push(bytes.subarray(at, at + pieceBytes));
      }
      const read: [number, Uint8Array][] = [];
      for await (const { type, data } of readFrames(Readable.from(pieces) as unknown as Socket)) {
        read.push([type, new Uint8Array(data)]);
      }
      expect(read).toEqual(written.map(([type, data]) => [type, new Uint8Array(data)]));
    }),
  );
});

test("a length beyond all reason is an error, not memory", async () => {
  const bytes = encodeFrame(frame.stdout);
  bytes.writeUInt32BE(0xffff_ffff, 1);
  const reading = readFrames(Readable.from([bytes]) as unknown as Socket).next();
  await expect(reading).rejects.toThrow("a frame of 4294967295 bytes");
});
