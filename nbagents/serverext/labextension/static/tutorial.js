// "Agents tutorial": a tile in the launcher and a line in the command palette.

import { agentsIcon } from "./icon.js";

const COMMAND = "nbagents:open-tutorial";

export const addTutorial = (app, { browser, launcher, palette }, ask, lib, { name, title }) => {
  const { contents } = app.serviceManager;

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
  const open = async (folder) => {
    const path = lib.PathExt.join(folder, `${name}.ipynb`);
    if (!(await exists(path))) {
      const content = await ask(`tutorials/${name}`);
      await contents.save(path, { type: "notebook", format: "json", content });
    }
    return app.commands.execute("docmanager:open", { path });
  };

  app.commands.addCommand(COMMAND, {
    label: "Agents tutorial",
    caption: `${title}: two agents that talk, without a key`,
    icon: agentsIcon(lib),
    describedBy: {
      args: { type: "object", properties: { cwd: { type: "string", description: "The folder to put it into" } } },
    },
    execute: async ({ cwd } = {}) => {
      try {
        return await open(cwd ?? browser?.model.path ?? "");
      } catch (error) {
        return lib.showErrorMessage("The tutorial was not opened", error);
      }
    },
  });
  launcher?.add({ command: COMMAND, category: "Agents", rank: 1 });
  palette?.addItem({ command: COMMAND, category: "Agents" });
};
