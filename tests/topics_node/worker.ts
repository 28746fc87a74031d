// A worker in TypeScript: node worker.js AGENT_PROTO ADDRESS TYPE. What it does is in docs/wire.md.
//
// It serves one agent type, subscribes it to the topic "news", and does what it is told, a line of JSON each:
//   {"publish": TOPIC, "text": TEXT}     {"send": "type/key", "text": TEXT}     {"stop": true}
// It prints a line of JSON for each thing that happens.

import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import * as grpc from "@grpc/grpc-js";
import * as loader from "@grpc/proto-loader";

interface Agent { type: string; key: string }
interface Value { type: string; content_type: string; data: Buffer }
interface Failure { type: string; message: string; hint?: string }
interface Post {
  id: number; sender?: Agent; agent?: Agent; topic?: { type: string; source: string };
  body: Value; message_id?: string; recipients?: Agent[]; timeout_ms?: number;
}
interface Outcome { id: number; outcome?: string; done?: Value; error?: Failure; chunk?: Value }
interface Frame {
  seq?: number; ack?: number; kind?: string;
  hello?: { session: string; protocol: number; server_id?: string };
  request?: { id: number; method: string; body: Buffer };
  response?: { id: number; body: Buffer; error?: Failure };
  post?: Post; outcome?: Outcome; withdraw?: { id: number; why: string }; cancel?: { why: string };
}
type Handler = (post: Post, unwanted: AbortSignal) => Promise<Value | undefined>;
interface Waiting<T> { resolve: (value: T) => void; reject: (error: Error) => void }

const PROTOCOL = 1;
const LIMIT = 128 * 1024 * 1024;

/** Where Jupyter keeps what runs, and so the connection files. */
function runtimeFolder(): string {
  const env = process.env;
  if (env.JUPYTER_RUNTIME_DIR) return env.JUPYTER_RUNTIME_DIR;
  if (env.JUPYTER_DATA_DIR) return join(env.JUPYTER_DATA_DIR, "runtime");
  if (process.platform === "darwin") return join(homedir(), "Library", "Jupyter", "runtime");
  return join(env.XDG_DATA_HOME ?? join(homedir(), ".local", "share"), "jupyter", "runtime");
}

/** The token of this user's own server at an address, as its connection file tells it. */
function findToken(address: string): string {
  const named = process.env.NBAGENTS_TOKEN_FILE;
  const folder = join(runtimeFolder(), "nbagents");
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    if (!name.endsWith(".json") || name.startsWith("at-")) continue;
    const known = JSON.parse(readFileSync(join(folder, name), "utf8"));
    if (normal(known.address) === normal(address)) return known.token;
  }
  if (named) return readFileSync(named, "utf8").trim();
  throw new Error(`no server of yours listens at ${address}`);
}

function normal(address: string): string {
  return address.replace(/^localhost:/, "127.0.0.1:");
}

function failed(error: Failure): Error {
  return Object.assign(new Error(error.message + (error.hint ? ` (${error.hint})` : "")), { name: error.type });
}

function text(value: string): Value {
  return { type: "str", content_type: "application/json", data: Buffer.from(JSON.stringify(value)) };
}

/** One session with a host. */
class Worker {
  private readonly stream: grpc.ClientDuplexStream<{ frames: Frame[] }, { frames: Frame[] }>;
  private readonly client: grpc.Client;
  private readonly strings: grpc.MethodDefinition<any, any>;
  private readonly greeted: Promise<void>;
  private readonly replies = new Map<number, Waiting<Value | undefined>>();
  private readonly answers = new Map<number, Waiting<any>>();
  private readonly handling = new Map<number, { work: Promise<void>; unwanted: AbortController }>();
  private numbers = 0;
  private seen = 0;
  private acknowledged = 0;

  constructor(proto: string, address: string, private readonly handler: Handler) {
    const { nbagents } = grpc.loadPackageDefinition(
      loader.loadSync(proto, { keepCase: true, longs: Number, oneofs: true }),
    ) as any;
    // StringMsg and GeneralResponse stand in requests as bytes; this method has the coders of both.
    this.strings = nbagents.v1.RpcAgent.service.get_agent_memory;
    this.client = new nbagents.v1.AgentServer(normal(address), grpc.credentials.createInsecure(), {
      "grpc.enable_http_proxy": 0, // the token goes to the host alone
      "grpc.max_receive_message_length": LIMIT,
      "grpc.max_send_message_length": LIMIT,
    });
    const metadata = new grpc.Metadata();
    metadata.set("authorization", `Bearer ${findToken(address)}`);
    this.stream = (this.client as any).Attach(metadata);
    this.greeted = new Promise((resolve, reject) => {
      const session = `node-${process.pid}-${randomUUID()}`;
      this.stream.on("data", ({ frames }: { frames: Frame[] }) => {
        for (const frame of frames) {
          if (frame.kind === "hello") {
            if (frame.hello?.session === session) resolve();
            else reject(new Error("the host greeted somebody else"));
          } else this.heard(frame);
        }
        // Everything is acknowledged, lest the host keeps it for a replay that this worker never asks for.
        if (this.seen !== this.acknowledged) this.put({});
      });
      this.stream.on("error", (error: Error) => { reject(error); this.over(error); });
      this.stream.on("end", () => this.over(new Error("the host has ended the session")));
      this.stream.write({ frames: [{ hello: { session, protocol: PROTOCOL } }] });
    });
  }

  start(): Promise<void> {
    return this.greeted;
  }

  /** Serve types and subscribe them; an error if any step is refused. */
  async declare(...steps: unknown[][]): Promise<void> {
    const { refused } = await this.ask("declare", JSON.stringify({ steps }));
    for (const error of Object.values(refused)) throw failed(error as Failure);
  }

  send(body: Value, agent: Agent, sender?: Agent): Promise<Value | undefined> {
    return this.post({ agent, body, sender });
  }

  async publish(body: Value, topic: { type: string; source: string }, sender?: Agent): Promise<void> {
    await this.post({ topic, body, sender });
  }

  /** Take nothing more, let handlers end, and leave. */
  async stop(): Promise<void> {
    await this.ask("retire", "{}");
    await Promise.all([...this.handling.values()].map(({ work }) => work));
    this.leave();
  }

  /** Say goodbye; who waits for an outcome is told that there is none. */
  leave(): void {
    this.put({ cancel: { why: "leaving" } });
    this.stream.end();
    this.client.close();
  }

  // ---- frames

  private put(frame: Frame): void {
    this.acknowledged = this.seen;
    this.stream.write({ frames: [{ ...frame, ack: this.seen }] });
  }

  private ask(method: string, value: string): Promise<any> {
    const id = ++this.numbers;
    const body = this.strings.requestSerialize({ value });
    return new Promise((resolve, reject) => {
      this.answers.set(id, { resolve, reject });
      this.put({ request: { id, method, body } });
    });
  }

  private post(post: Omit<Post, "id">): Promise<Value | undefined> {
    const id = ++this.numbers;
    return new Promise((resolve, reject) => {
      this.replies.set(id, { resolve, reject });
      this.put({ post: { ...post, id, message_id: randomUUID(), timeout_ms: 30_000 } });
    });
  }

  private heard(frame: Frame): void {
    if (frame.seq) this.seen = frame.seq;
    if (frame.post) {
      const { post } = frame;
      const unwanted = new AbortController();
      const work = this.handle(post, unwanted.signal).finally(() => this.handling.delete(post.id));
      this.handling.set(post.id, { work, unwanted });
    } else if (frame.outcome) this.ended(frame.outcome);
    else if (frame.response) this.answered(frame.response);
    else if (frame.withdraw) {
      // Its outcome is owed all the same.
      this.handling.get(frame.withdraw.id)?.unwanted.abort(new Error(frame.withdraw.why));
    }
  }

  private async handle(post: Post, unwanted: AbortSignal): Promise<void> {
    const outcome: Outcome = { id: post.id };
    try {
      outcome.done = (await this.handler(post, unwanted)) ?? { type: "", content_type: "", data: Buffer.alloc(0) };
    } catch (error) {
      const { name, message } = error as Error;
      outcome.error = { type: name, message };
    }
    this.put({ outcome });
  }

  private ended(outcome: Outcome): void {
    const waiting = this.replies.get(outcome.id);
    if (!waiting || outcome.outcome === "chunk") return;
    this.replies.delete(outcome.id);
    if (outcome.error) waiting.reject(failed(outcome.error));
    else waiting.resolve(outcome.done?.type ? outcome.done : undefined);
  }

  private answered(response: NonNullable<Frame["response"]>): void {
    const waiting = this.answers.get(response.id);
    this.answers.delete(response.id);
    if (response.error) waiting?.reject(failed(response.error));
    else waiting?.resolve(JSON.parse(this.strings.responseDeserialize(response.body).message));
  }

  private over(error: Error): void {
    for (const waiting of [...this.replies.values(), ...this.answers.values()]) waiting.reject(error);
    this.replies.clear();
    this.answers.clear();
  }
}

function say(what: Record<string, unknown>): void {
  process.stdout.write(JSON.stringify(what) + "\n");
}

async function main(proto: string, address: string, type: string): Promise<void> {
  let turns = 0;
  const name = (agent?: Agent) => (agent ? `${agent.type}/${agent.key}` : "");

  async function handle(post: Post, unwanted: AbortSignal): Promise<Value | undefined> {
    if (post.topic) {
      const { type: topic, source } = post.topic;
      say({ heard: post.body.type, data: post.body.data.toString("base64"), topic: `${topic}/${source}`,
            by: (post.recipients ?? []).map(name), from: name(post.sender) });
      return undefined;
    }
    if (post.body.content_type !== "application/json") return post.body; // as it came
    const message = JSON.parse(post.body.data.toString());
    if (message === "fail") throw new RangeError("node has failed");
    if (message === "leave") worker.leave();
    if (message === "never" || message === "leave") {
      return new Promise((_, reject) => unwanted.addEventListener("abort", () => {
        say({ withdrawn: (unwanted.reason as Error).message });
        reject(unwanted.reason);
      }));
    }
    if (typeof message !== "string") return post.body;
    return text(`${name(post.agent)} heard ${message} from ${name(post.sender)}, turn ${++turns}`);
  }

  const worker = new Worker(proto, address, handle);
  await worker.start();
  await worker.declare(["type", type, false], ["subscribe", randomUUID(), type, "news", false]);
  say({ ready: type });

  const self = { type, key: "node" };
  for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line);
    try {
      if (order.stop) break;
      if (order.publish) {
        await worker.publish(text(order.text), { type: order.publish, source: "node" }, self);
        say({ published: order.publish });
      } else {
        const at = order.send.indexOf("/");
        const to = { type: order.send.slice(0, at), key: order.send.slice(at + 1) };
        const body = order.type
          ? { type: order.type, content_type: "application/json", data: Buffer.from(JSON.stringify(order.fields)) }
          : text(order.text);
        const reply = await worker.send(body, to, self);
        say({ reply: reply ? JSON.parse(reply.data.toString()) : null, type: reply?.type ?? "" });
      }
    } catch (error) {
      const { name: kind, message } = error as Error;
      say({ error: kind, message });
    }
  }
  await worker.stop();
  say({ stopped: type });
  process.exit(0);
}

const [proto = "", address = "", type = ""] = process.argv.slice(2);
main(proto, address, type).catch((error: Error) => {
  process.stderr.write(`${error.stack ?? error}\n`);
  process.exit(1);
});
