// The image of the container that holds a Pod's namespaces: one program that waits, made here, so
// that no registry is needed for it.
import type Docker from "dockerode";
import { Readable } from "node:stream";

export const INFRA_IMAGE = "gantry/pod-infra:1";

const LOAD_ADDRESS = 0x400000n;
const HEADERS_BYTES = 64 + 56;
const X86_64 = 62;
const AARCH64 = 183;

/** `struct sigaction` with SIG_IGN: the kernel then reaps whatever is reparented to us. */
const ignoreAction = Buffer.concat([Buffer.from([1]), Buffer.alloc(31)]);

/** rt_sigaction(SIGCHLD, ignore, NULL, 8); for (;;) pause(); */
const codeX86 = Buffer.concat([
  Buffer.from([0xb8, 13, 0, 0, 0]), // mov eax, 13 (rt_sigaction)
  Buffer.from([0xbf, 17, 0, 0, 0]), // mov edi, 17 (SIGCHLD)
  Buffer.from([0x48, 0x8d, 0x35, 21, 0, 0, 0]), // lea rsi, [rip + 21]: the action below
  Buffer.from([0x31, 0xd2]), // xor edx, edx
  Buffer.from([0x41, 0xba, 8, 0, 0, 0]), // mov r10d, 8
  Buffer.from([0x0f, 0x05]), // syscall
  Buffer.from([0xb8, 34, 0, 0, 0]), // mov eax, 34 (pause)
  Buffer.from([0x0f, 0x05]), // syscall
  Buffer.from([0xeb, 0xf7]), // jmp to mov eax, 34
  Buffer.alloc(2),
  ignoreAction,
]);

const movz = (register: number, value: number): number =>
  (0xd2800000 | (value << 5) | register) >>> 0;
const SVC = 0xd4000001;

/** rt_sigaction(SIGCHLD, ignore, NULL, 8); for (;;) ppoll(NULL, 0, NULL, NULL, 0); */
const codeArm = (): Buffer => {
  const instructions = [
    movz(8, 134), // rt_sigaction
    movz(0, 17), // SIGCHLD
    0x10000161, // adr x1, .+44: the action below
    movz(2, 0),
    movz(3, 8),
    SVC,
    movz(8, 73), // ppoll
    movz(0, 0),
    movz(1, 0),
    movz(2, 0),
    movz(3, 0),
    SVC,
    0x17fffffa, // b to movz x8, 73
  ];
  const code = Buffer.alloc(instructions.length * 4);
  for (const [n, instruction] of instructions.entries()) code.writeUInt32LE(instruction, n * 4);
  return Buffer.concat([code, ignoreAction]);
};

/** An ELF executable with one segment that holds everything. */
const executable = (machine: number, code: Buffer): Buffer => {
  const size = BigInt(HEADERS_BYTES + code.length);
  const head = Buffer.alloc(HEADERS_BYTES);
  head.write("\x7fELF\x02\x01\x01", "latin1");
  head.writeUInt16LE(2, 16); // an executable
  head.writeUInt16LE(machine, 18);
  head.writeUInt32LE(1, 20);
  head.writeBigUInt64LE(LOAD_ADDRESS + BigInt(HEADERS_BYTES), 24); // entry
  head.writeBigUInt64LE(64n, 32); // program headers
  head.writeUInt16LE(64, 52);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(1, 56);
  head.writeUInt32LE(1, 64); // PT_LOAD
  head.writeUInt32LE(5, 68); // readable, executable
  head.writeBigUInt64LE(LOAD_ADDRESS, 80);
  head.writeBigUInt64LE(LOAD_ADDRESS, 88);
  head.writeBigUInt64LE(size, 96);
  head.writeBigUInt64LE(size, 104);
  head.writeBigUInt64LE(0x10000n, 112);
  return Buffer.concat([head, code]);
};

const TAR_BLOCK = 512;

/** A tar archive of one executable file. */
const archive = (name: string, content: Buffer): Buffer => {
  const head = Buffer.alloc(TAR_BLOCK);
  const octal = (value: number, at: number, width: number): void => {
    head.write(`${value.toString(8).padStart(width - 1, "0")}\0`, at, "latin1");
  };
  head.write(name, "latin1");
  octal(0o755, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(content.length, 124, 12);
  octal(0, 136, 12);
  head.write("        0", 148, "latin1");
  head.write("ustar\x0000", 257, "latin1");
  octal(
    head.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  const padding = Buffer.alloc(-content.length & (TAR_BLOCK - 1));
  return Buffer.concat([head, content, padding, Buffer.alloc(2 * TAR_BLOCK)]);
};

/** `null` for an architecture (Go's name for it) that there is no program for. */
export const infraArchive = (architecture: string): Buffer | null => {
  if (architecture === "amd64") return archive("wait", executable(X86_64, codeX86));
  if (architecture === "arm64") return archive("wait", executable(AARCH64, codeArm()));
  return null;
};

/** Makes the image unless the engine has it. */
export const ensureInfraImage = async (docker: Docker): Promise<void> => {
  try {
    await docker.getImage(INFRA_IMAGE).inspect();
    return;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode !== 404) throw error;
  }
  const { Arch } = await docker.version();
  const tar = infraArchive(Arch);
  if (tar === null) {
    throw new Error(`the docker runtime runs on amd64 and arm64 engines; this one is ${Arch}`);
  }
  const [repo, tag] = INFRA_IMAGE.split(":");
  const changes = 'ENTRYPOINT ["/wait"]';
  const progress = await docker.importImage(Readable.from([tar]), { repo, tag, changes });
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(progress, (error) => (error === null ? resolve() : reject(error)));
  });
};
