// Rules as a tree that can be changed: from JSON and back, where somebody stands in it, and how they move. No document.
//
// Every node has an id and a type: group, test (of a field), rows (of a relation) and sequence (of rows in order).
// A value that is not filled in yet is undefined.

let made = 0;
const node = (type, rest) => ({ id: `rule-${++made}`, type, ...rest });

export const newGroup = (rules = [], combinator = "AND", not = false) => node("group", { combinator, not, rules });
export const newTest = () => node("test", { field: "", operator: "", value: undefined, held: null, seed: "" });
export const newRows = (relation) =>
  node("rows", { relation, where: newGroup(), within: null, measure: null, operator: "gte", value: 1 });
export const newStep = (relation, isFirst) =>
  node("step", { relation, where: newGroup(), within: isFirst ? null : { amount: 7, unit: "days" }, not: false });
export const newSequence = (relation) =>
  node("sequence", { steps: [newStep(relation, true), newStep(relation, false)], same: [] });

// --- JSON
export function read(json) {
  const rules = Array.isArray(json) ? { rules: json } : json ?? {};
  return readGroup({ rules: [], ...rules });
}

const readGroup = (json) =>
  newGroup((json.rules ?? []).map(readNode), json.combinator === "OR" ? "OR" : "AND", Boolean(json.not));
const readWhere = (json) => (json ? readGroup(Array.isArray(json) ? { rules: json } : json) : newGroup());

function readNode(json) {
  if (Array.isArray(json) || json?.rules) return readGroup(Array.isArray(json) ? { rules: json } : json);
  if (json?.sequence) {
    const steps = json.sequence.map((step) =>
      node("step", { relation: step.relation, where: readWhere(step.where), within: step.within ?? null, not: Boolean(step.not) }));
    return node("sequence", { steps, same: json.same ?? [] });
  }
  if (json?.relation) {
    const { relation, within = null, measure = null, operator = "gte", value } = json;
    return node("rows", { relation, where: readWhere(json.where), within, measure, operator, value });
  }
  const { field = "", operator = "", value, for: held = null, seed = "" } = json ?? {};
  return node("test", { field, operator, value, held, seed });
}

export function write(one) {
  switch (one.type) {
    case "group":
      return { combinator: one.combinator, ...(one.not && { not: true }), rules: one.rules.map(write) };
    case "sequence":
      return { sequence: one.steps.map(writeStep), ...(one.same.length && { same: one.same }) };
    case "rows":
      return {
        relation: one.relation, ...writeWhere(one.where), ...(one.within && { within: one.within }),
        ...(one.measure && { measure: one.measure }), operator: one.operator, ...valueOf(one),
      };
    default:
      return {
        field: one.field, operator: one.operator, ...valueOf(one), ...(one.held && { for: one.held }),
        ...(one.seed && { seed: one.seed }),
      };
  }
}

const valueOf = ({ value }) => (value === undefined ? {} : { value });
const writeWhere = (where) => (where.rules.length ? { where: write(where) } : {});
const writeStep = (step) => ({
  relation: step.relation, ...writeWhere(step.where), ...(step.within && { within: step.within }),
  ...(step.not && { not: true }),
});

// --- who is where
export function* walk(one, path = "", parent = null, depth = 1, scope = one.id) {
  yield { node: one, path, parent, depth, scope };
  const at = (name) => (path ? `${path}.${name}` : name);
  if (one.type === "group") {
    for (const [number, rule] of one.rules.entries()) {
      const deeper = rule.type === "group" ? depth + 1 : depth;
      yield* walk(rule, at(`rules[${number}]`), one, deeper, scope);
    }
  } else if (one.type === "sequence") {
    for (const [number, step] of one.steps.entries()) yield* walk(step, at(`sequence[${number}]`), one, depth, scope);
  } else if (one.where) {
    yield* walk(one.where, at("where"), one, depth + 1, one.id);
  }
}

export const find = (root, id) => [...walk(root)].find((place) => place.node.id === id);

// The innermost place that a path of the server leads to: rules[2].where.rules[0].value
export function placeOfPath(root, path) {
  const leadsTo = (place) =>
    place.path === "" || path === place.path || (path.startsWith(place.path) && ".[".includes(path[place.path.length]));
  return [...walk(root)].filter(leadsTo).reduce((deepest, one) => (one.path.length >= deepest.path.length ? one : deepest));
}

export const isLeaf = (one) => one.type !== "group" && one.type !== "step";
export const leafCount = (root) => [...walk(root)].filter(({ node: one }) => isLeaf(one)).length;

function height(one) {
  const own = one.type === "group" ? 1 : 0;
  const below = [...(one.rules ?? []), ...(one.steps ?? []), ...(one.where?.rules.length ? [one.where] : [])];
  return own + Math.max(0, ...below.map(height));
}

// Does the tree stay within the limits when `one` stands in `group`?
export const fits = (root, one, group, deepest) => find(root, group.id).depth + height(one) <= deepest;

// --- moves; each says whether it could be done
export function take(root, id) {
  const { node: one, parent } = find(root, id);
  parent.rules.splice(parent.rules.indexOf(one), 1);
  return one;
}

export function put(root, id, target, position, deepest) {
  const from = find(root, id), to = find(root, target);
  const inside = [...walk(from.node)].some((place) => place.node.id === target);
  if (inside || from.scope !== to.scope || !fits(root, from.node, to.node, deepest)) return false;
  const before = from.parent === to.node && from.parent.rules.indexOf(from.node) < position ? 1 : 0;
  take(root, id);
  to.node.rules.splice(position - before, 0, from.node);
  return true;
}

export function shift(root, id, by) {
  const { node: one, parent } = find(root, id);
  const at = parent.rules.indexOf(one), to = at + by;
  if (to < 0 || to >= parent.rules.length) return false;
  parent.rules.splice(at, 1);
  parent.rules.splice(to, 0, one);
  return true;
}

// Into the group that stands beside it, below before above; where there is none, into a new one of its own.
export function moveIn(root, id, deepest) {
  const { node: one, parent, depth } = find(root, id);
  const at = parent.rules.indexOf(one);
  const below = parent.rules[at + 1], above = parent.rules[at - 1];
  if (below?.type === "group") return put(root, id, below.id, 0, deepest);
  if (above?.type === "group") return put(root, id, above.id, above.rules.length, deepest);
  const level = one.type === "group" ? depth - 1 : depth;
  if (level + 1 + height(one) > deepest) return false;
  parent.rules[at] = newGroup([one], parent.combinator === "AND" ? "OR" : "AND");
  return true;
}

// Out of its group, behind it; a group that is empty then goes.
export function moveOut(root, id) {
  const { node: one, parent } = find(root, id);
  const above = find(root, parent.id);
  if (above.parent?.type !== "group") return false;
  parent.rules.splice(parent.rules.indexOf(one), 1);
  const siblings = above.parent.rules, at = siblings.indexOf(parent);
  siblings.splice(at + 1, 0, one);
  if (!parent.rules.length) siblings.splice(at, 1);
  return true;
}

export function copyOf(one) {
  return one.type === "group" ? readGroup(write(one)) : readNode(write(one));
}
