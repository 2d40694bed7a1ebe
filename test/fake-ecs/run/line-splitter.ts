// Cuts a container's output into log events as the awslogs driver does.

/** The driver's largest event; a longer line becomes several. */
const MAX_EVENT_BYTES = 262_118;

export class LineSplitter {
  readonly #emit: (line: string) => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(emit: (line: string) => void) {
    this.#emit = emit;
  }

  write(chunk: Buffer): void {
    let rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const end = rest.indexOf(10);
      if (end >= 0 && end <= MAX_EVENT_BYTES) {
        this.#line(rest.subarray(0, end));
        rest = rest.subarray(end + 1);
      } else if (rest.length > MAX_EVENT_BYTES) {
        this.#line(rest.subarray(0, MAX_EVENT_BYTES));
        rest = rest.subarray(MAX_EVENT_BYTES);
      } else break;
    }
    this.#rest = Buffer.from(rest);
  }

  /** The last line may lack its end. */
  end(): void {
    this.#line(this.#rest);
    this.#rest = Buffer.alloc(0);
  }

  /** An empty line is no event: CloudWatch takes no empty message, and the driver drops it. */
  #line(bytes: Buffer): void {
    if (bytes.length > 0) this.#emit(bytes.toString("utf8"));
  }
}
