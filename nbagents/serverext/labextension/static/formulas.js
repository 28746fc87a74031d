// Shows formulas in live outputs, as the page shows them in others.

/** Let `latex`, the page's typesetter, show them where an output says that its text will not change. */
export const showFormulas = (latex) => {
  document.addEventListener("nbagents:formulas", ({ target }) => {
    if (target instanceof HTMLElement && target.isConnected) latex.typeset(target);
  });
};
