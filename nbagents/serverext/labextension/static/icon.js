// Three that talk: the logo of the kernel "Python 3 (agents)", its lines in the colours of the page's theme.

const SVG = `
<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 64 64">
  <path class="jp-icon3" stroke="#616161" stroke-width="4" stroke-linejoin="round" style="fill: none"
    d="M32 17 14 46H50Z"/>
  <path fill="#f37726" d="M20 17a12 12 0 1 1 8.5 11.48L21 31l1.9-6.8A11.96 11.96 0 0 1 20 17Z"/>
  <circle fill="#2f6fde" cx="14" cy="46" r="11"/>
  <circle fill="#17a398" cx="50" cy="46" r="11"/>
  <g fill="#fff"><circle cx="27" cy="17" r="1.9"/><circle cx="32" cy="17" r="1.9"/><circle cx="37" cy="17" r="1.9"/></g>
</svg>`;

const DOT = `
<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16">
  <circle class="jp-icon3" fill="#616161" cx="8" cy="8" r="4"/>
</svg>`;

const made = new Map();

const icon = (LabIcon, name, svgstr) => {
  if (!made.has(name)) made.set(name, new LabIcon({ name: `jupyter-nbagents:${name}`, svgstr }));
  return made.get(name);
};

export const agentsIcon = ({ LabIcon }) => icon(LabIcon, "agents", SVG);
export const agentIcon = ({ LabIcon }) => icon(LabIcon, "agent", DOT);
