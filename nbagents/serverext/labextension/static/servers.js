// "Agent servers" in the Running panel: a row for each server, its agents below it.

import { agentIcon, agentsIcon } from "./icon.js";

const EVERY = 5_000; // milliseconds between two looks, while somebody sees the list
const MOST_AGENTS = 50; // rows of agents below one server

const counted = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

const ENDS = {
  jupyter: "ends with this Jupyter server",
  process: "ends with the process that started it",
  user: "runs until it is stopped, or idle for hours",
  service: "ends with its service manager",
};

/** Whether a person sees a list of what is running. */
const seen = () =>
  !document.hidden &&
  [...document.querySelectorAll(".jp-RunningSessions")].some((panel) => panel.offsetParent !== null);

/** A manager as the Running panel wants it. */
export class AgentServers {
  name = "Agent servers";
  supportsMultipleViews = false; // the buttons for two views would leave no room for the name
  shutdownAllLabel = "Shut Down All";

  constructor(ask, lib) {
    this._ask = ask;
    this._lib = lib;
    this._servers = [];
    this._agents = new Map();
    this._stopping = new Set();
    this._looked = -Infinity;
    this._looking = null;
    this.runningChanged = new lib.Signal(this);
    setInterval(() => this._lookIfSeen(), EVERY);
  }

  running() {
    // The panel asks when it is opened, and is not seen yet. What is older than a moment is looked at again.
    if (performance.now() - this._looked > EVERY / 2) setTimeout(() => this._lookIfSeen());
    return this._servers.map((server) => this._item(server));
  }

  refreshRunning() {
    void this._look();
  }

  shutdownLabel = (item) => `Shut down ${item.server?.id ?? "the agent server"}`;

  shutdownAllConfirmationText = () => {
    const mine = this._servers.filter((server) => !server.foreign);
    const calls = mine.reduce((sum, server) => sum + (server.calls ?? 0), 0);
    const ended = calls ? ` ${counted(calls, "running call")} will end.` : "";
    return `This stops ${counted(mine.length, "agent server")} for every notebook that uses them.${ended}`;
  };

  shutdownAll() {
    void this._stop(this._servers.filter((server) => !server.foreign));
  }

  _item(server) {
    const stopping = this._stopping.has(server.id);
    const agents = this._agents.get(server.id) ?? [];
    const item = {
      server,
      className: "nba-AgentServer",
      context: server.id,
      icon: () => agentsIcon(this._lib),
      label: () => server.id,
      detail: () => (stopping ? "stopping…" : about(server)),
      labelTitle: () => described(server),
    };
    if (agents.length) item.children = this._rows(agents);
    if (!server.foreign && !stopping) item.shutdown = () => void this._shutdown(server);
    return item;
  }

  _rows(agents) {
    const names = agents.map((agent) => agent.name);
    const row = (agent) => {
      const full = [agent.workspace, agent.name].filter(Boolean).join("/");
      const twice = names.indexOf(agent.name) !== names.lastIndexOf(agent.name);
      return {
        className: "nba-Agent",
        icon: () => agentIcon(this._lib),
        label: () => (twice ? full : agent.name),
        labelTitle: () => [full, agent.type, agent.model_name].filter(Boolean).join("\n"),
        detail: () => [agent.state, counted(agent.messages ?? 0, "message")].filter(Boolean).join(", "),
      };
    };
    const rows = agents.slice(0, MOST_AGENTS).map(row);
    const more = agents.length - MOST_AGENTS;
    if (more > 0) rows.push({ icon: () => agentIcon(this._lib), label: () => `and ${more} more` });
    return rows;
  }

  async _shutdown(server) {
    if (server.calls) {
      const { Dialog, showDialog } = this._lib;
      const answer = await showDialog({
        title: `Shut down ${server.id}?`,
        body: `${counted(server.calls, "running call")} will end.`,
        buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: "Shut Down" })],
      });
      if (!answer.button.accept) return;
    }
    await this._stop([server]);
  }

  async _stop(servers) {
    const failed = [];
    const stop = async ({ id }) => {
      this._stopping.add(id);
      try {
        await this._ask(`servers/${encodeURIComponent(id)}`, "DELETE");
      } catch (error) {
        if (error.status !== 404) failed.push(`${id}: ${error.message}`);
      } finally {
        this._stopping.delete(id);
      }
    };
    const all = Promise.all(servers.map(stop));
    this.runningChanged.emit();
    await all;
    await this._look(true);
    if (failed.length) await this._lib.showErrorMessage("Not stopped", failed.join("\n"));
  }

  _lookIfSeen() {
    if (seen()) void this._look();
  }

  /** Ask for the servers, and tell the panel; one question at a time. */
  async _look(anew = false) {
    if (anew) await this._looking;
    this._looking ??= this._read().finally(() => {
      this._looking = null;
    });
    await this._looking;
  }

  async _read() {
    this._looked = performance.now();
    try {
      this._servers = (await this._ask("servers")) ?? [];
      const agents = this._servers.map(async ({ id, agents: count, foreign }) => [
        id,
        count && !foreign ? await this._ask(`servers/${encodeURIComponent(id)}/agents`) : [],
      ]);
      const told = (await Promise.allSettled(agents)).filter(({ status }) => status === "fulfilled");
      this._agents = new Map(told.map(({ value }) => value));
    } catch {
      // The server extension is gone, or the Jupyter server: then so is what we knew.
      this._servers = [];
      this._agents.clear();
    }
    // Also if nothing has changed: a list that was not shown yet has not heard of what came before.
    this.runningChanged.emit();
  }
}

const about = (server) => {
  if (server.foreign) return "on another host";
  const parts = [server.state === "ready" ? "" : server.state];
  if (server.questions) parts.push(counted(server.questions, "question"));
  if (server.calls) parts.push(counted(server.calls, "call"));
  parts.push(counted(server.agents ?? 0, "agent"), server.owner);
  return parts.filter(Boolean).join(", ");
};

const described = (server) =>
  [
    `Agent server ${server.id}: ${about(server)}`,
    `Owner ${server.owner}${server.owner in ENDS ? `: ${ENDS[server.owner]}` : ""}`,
    `Process ${server.pid}, nbagents ${server.version}`,
    server.python,
  ]
    .filter(Boolean)
    .join("\n");
