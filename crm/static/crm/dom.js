// Elements made by script: attributes that are false or null are left out, true is an attribute without a value.

export function element(tag, attributes = {}, ...children) {
  const one = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    one.setAttribute(name, value === true ? "" : value);
  }
  one.append(...children.filter((child) => child !== null && child !== undefined));
  return one;
}

// {name} in words is replaced by what it stands for.
export const fill = (words, values) =>
  words.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
