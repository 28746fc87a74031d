// Puts the parts into the page, if this page's server has the server extension.

import { absent, asker } from "./ask.js";
import { showFormulas } from "./formulas.js";
import { keepFrozen } from "./frozen.js";
import { tellOfEnds } from "./gone.js";
import { keepReadable } from "./readable.js";
import { AgentServers } from "./servers.js";
import { addTutorials } from "./tutorial.js";

export const activate = async (app, services, shared) => {
  keepFrozen(app);
  if (services.latex) showFormulas(services.latex);
  if (services.notebooks) {
    keepReadable(services.notebooks); // also where nothing of ours runs
    tellOfEnds(services.notebooks);
  }
  const names = ["apputils", "coreutils", "services", "ui-components"].map((name) => `@jupyterlab/${name}`);
  const modules = await Promise.all([...names, "@lumino/signaling"].map(shared));
  const lib = Object.assign({}, ...modules);
  const ask = asker(app.serviceManager.serverSettings, lib);
  let tutorials;
  try {
    tutorials = await ask("tutorials");
  } catch (error) {
    if (absent(error)) return;
    throw error;
  }
  if (tutorials.length) addTutorials(app, services, ask, lib, tutorials);
  if (!services.running) return;
  addStyle();
  services.running.add(new AgentServers(ask, lib));
};

const addStyle = () => {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL("style.css", import.meta.url).href;
  document.head.append(link);
};
