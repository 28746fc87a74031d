// Tells live outputs that their kernel has ended, and with it what it held. The widgets' own manager tells of a
// restart that was asked for, and not of a kernel that died and was started anew.

const GONE = new Set(["restarting", "autorestarting", "dead", "terminating"]);

/** Tell the live outputs of every notebook of the page, from now on. */
export const tellOfEnds = (notebooks) => {
  notebooks.forEach(follow);
  notebooks.widgetAdded.connect((_, panel) => follow(panel));
};

const follow = (panel) => {
  panel.sessionContext.statusChanged.connect((_, status) => {
    if (!GONE.has(status)) return;
    for (const live of panel.node.querySelectorAll(".nba-live")) live.dispatchEvent(new CustomEvent("nbagents:gone"));
  });
};
