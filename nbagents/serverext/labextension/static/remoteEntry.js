// The extension as JupyterLab and Notebook load it: a module federation container, written by hand.
//
// Nothing is built. The page's own modules come from its share scope; ours lie beside this file, and are
// fetched when the page is up, since every page waits for what `get` returns.
(() => {
  const NAME = "jupyter-nbagents";
  const here = document.currentScript.src;
  let scope = {};

  const newer = (one, other) => other.localeCompare(one, "en", { numeric: true });

  /** A module of the page, or an empty one where the page has none of that name. */
  const shared = async (name) => {
    const versions = scope[name] ?? {};
    const newest = Object.keys(versions).sort(newer)[0];
    return newest === undefined ? {} : (await versions[newest].get())();
  };

  /** What a plugin may be given. Notebook has no launcher, and a Running panel on its tree page only. */
  const services = async () => {
    const { PageConfig } = await shared("@jupyterlab/coreutils");
    const page = PageConfig.getOption("notebookPage");
    const wanted = {
      notebooks: ["@jupyterlab/notebook", "INotebookTracker"],
      palette: ["@jupyterlab/apputils", "ICommandPalette"],
      latex: ["@jupyterlab/rendermime", "ILatexTypesetter"],
    };
    if (!page || page === "tree") {
      wanted.running = ["@jupyterlab/running", "IRunningSessionManagers"];
      wanted.browser = ["@jupyterlab/filebrowser", "IDefaultFileBrowser"];
    }
    if (!page) wanted.launcher = ["@jupyterlab/launcher", "ILauncher"];
    const found = Object.entries(wanted).map(async ([key, [name, token]]) => [key, (await shared(name))[token]]);
    return (await Promise.all(found)).filter(([, token]) => token !== undefined);
  };

  const plugin = async () => {
    const tokens = await services();
    return {
      id: `${NAME}:plugin`,
      description: "Agent servers in the Running panel, and a tutorial in the launcher.",
      autoStart: true,
      optional: tokens.map(([, token]) => token),
      activate: (app, ...given) => {
        const named = Object.fromEntries(tokens.map(([key], place) => [key, given[place]]));
        import(new URL("activate.js", here).href)
          .then(({ activate }) => activate(app, named, shared))
          .catch((reason) => console.warn(`${NAME} is not active:`, reason));
      },
    };
  };

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB[NAME] = {
    init: (given) => {
      scope = given;
    },
    get: async () => {
      const made = { __esModule: true, default: await plugin() };
      return () => made;
    },
  };
})();
