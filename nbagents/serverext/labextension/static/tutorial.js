// The tutorials: a tile in the launcher for the first, a line in the command palette for each, and the links
// between them.

import { agentsIcon } from "./icon.js";

const COMMAND = "nbagents:open-tutorial";

export const addTutorials = (app, { browser, launcher, palette }, ask, lib, tutorials) => {
  const { contents } = app.serviceManager;
  const [first] = tutorials;
  const names = new Set(tutorials.map(({ name }) => name));
  const titleOf = (name) => tutorials.find((one) => one.name === name)?.title ?? name;

  const exists = async (path) => {
    try {
      await contents.get(path, { content: false });
      return true;
    } catch (error) {
      if (error.response?.status === 404) return false;
      throw error;
    }
  };

  /** Open the reader's copy in a folder; make it first if there is none. */
  const open = async (name, folder) => {
    const path = lib.PathExt.join(folder, `${name}.ipynb`);
    if (!(await exists(path))) {
      const content = await ask(`tutorials/${name}`);
      await contents.save(path, { type: "notebook", format: "json", content });
    }
    return app.commands.execute("docmanager:open", { path });
  };

  /** What a link leads to: the file, if its reader has it, else the reader's copy of the tutorial. */
  const openLink = async (name, folder) => {
    const path = lib.PathExt.join(folder, `${name}.md`);
    if (await exists(path)) return app.commands.execute("docmanager:open", { path });
    return open(name, folder);
  };

  const orSay = (opening) => async (name, folder) => {
    try {
      if (!names.has(name)) throw new Error(`There is no tutorial “${name}”. There are: ${[...names].join(", ")}.`);
      return await opening(name, folder);
    } catch (error) {
      return lib.showErrorMessage("The tutorial was not opened", error);
    }
  };

  app.commands.addCommand(COMMAND, {
    label: ({ name } = {}) => (name ? `Agents tutorial: ${titleOf(name)}` : "Agents tutorial"),
    caption: ({ name } = {}) => (name ? "" : `${first.title}: two agents that talk, without a key`),
    icon: agentsIcon(lib),
    describedBy: {
      args: {
        type: "object",
        properties: {
          cwd: { type: "string", description: "The folder to put it into" },
          name: { type: "string", description: "Which one, else the first" },
        },
      },
    },
    execute: ({ cwd, name } = {}) => orSay(open)(name ?? first.name, cwd ?? browser?.model.path ?? ""),
  });
  launcher?.add({ command: COMMAND, category: "Agents", rank: 1 });
  for (const { name } of tutorials) palette?.addItem({ command: COMMAND, category: "Agents", args: { name } });
  document.addEventListener("click", (event) => follow(event, names, orSay(openLink), lib), { capture: true });
};

/**
 * Open the tutorial that a link of a notebook leads to, where its reader has no such file: JupyterLab lets such a
 * link download it, which is an error page.
 */
const follow = (event, names, open, { PageConfig, PathExt, URLExt }) => {
  const link = event.target instanceof Element ? event.target.closest(".jp-RenderedMarkdown a[href]") : null;
  const files = new URL(URLExt.join(PageConfig.getBaseUrl(), "files/"));
  if (!link || link.origin !== files.origin || !link.pathname.startsWith(files.pathname)) return;
  const path = decodeURIComponent(link.pathname.slice(files.pathname.length));
  const name = PathExt.basename(path, ".md");
  if (!path.endsWith(".md") || !names.has(name)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  void open(name, PathExt.dirname(path));
};
