// The builder: the tree as something to click, type and drag in. It is drawn anew when its shape changes, and whoever
// was in it stays where they were; while somebody types a value, nothing is drawn.
import { element, fill } from "../dom.js";
import { startDragging } from "./drag.js";
import { canLast, drawLeaf, isComplete, numberOf } from "./leaves.js";
import * as trees from "./tree.js";

// Makes `old` like `fresh` but for the element `kept`, which stays untouched in the place of `twin`; false where it can't.
function graft(old, fresh, kept, twin) {
  const path = (element, top) => (element === top ? "" : `${path(element.parentElement, top)}/${element.localName}`);
  if (path(kept, old) !== path(twin, fresh)) return false;
  for (let one = old, other = fresh; one !== kept; ) {
    const next = [...one.children].find((child) => child.contains(kept));
    const nextOther = [...other.children].find((child) => child.contains(twin));
    for (const child of [...one.childNodes]) if (child !== next) child.remove();
    const all = [...other.childNodes], at = all.indexOf(nextOther);
    next.before(...all.slice(0, at));
    next.after(...all.slice(at + 1));
    [one, other] = [next, nextOther];
    if (one === kept) break;
    for (const { name } of [...one.attributes]) if (!other.hasAttribute(name)) one.removeAttribute(name);
    for (const { name, value } of other.attributes) one.setAttribute(name, value);
  }
  return true;
}

// place: the element to fill; vocabulary: what rules can be about; changed: hears of every change
export function makeBuilder(place, vocabulary, json, changed) {
  const { words, limits } = vocabulary;
  const said = element("p", { class: "visually-hidden", role: "status" });
  const board = element("div", { class: "rules" });
  let root = trees.read(json), problems = [], opened = null;
  place.append(board, said);

  // --- what others ask of it
  const builder = {
    vocabulary,
    get root() { return root; },
    say: (text) => (said.textContent = text),
    edited() { // a value: nothing to draw
      clearProblems();
      changed();
    },
    redraw(focus) {
      draw(focus);
      clearProblems();
      changed();
    },
    relationOf(scope) {
      const owner = trees.find(root, scope)?.node;
      return owner && owner.type !== "group" ? vocabulary.relations[owner.relation] : null;
    },
    become(one, fresh, focus) { // another type of rule, in the same place
      const { id } = one;
      for (const name of Object.keys(one)) delete one[name];
      builder.redraw(Object.assign(one, fresh, { id }) && focus);
    },
    drawGroup,
    tools,
    icon,
  };

  function icon(name) {
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    use.setAttribute("href", `${vocabulary.icons}#${name}`);
    svg.setAttribute("class", "icon icon-small");
    svg.setAttribute("aria-hidden", "true");
    svg.append(use);
    return svg;
  }

  // --- drawing
  function draw(focus) {
    const was = board.contains(document.activeElement) ? document.activeElement : null;
    const key = focus ?? was?.dataset.key;
    const fresh = element("div", { class: "rules" }, drawGroup(trees.find(root, root.id)));
    const is = key && fresh.querySelector(`[data-key="${CSS.escape(key)}"]`);
    // Somebody may be typing the first letters of a choice, which the list forgets as soon as it is moved.
    if (!(was?.matches("select") && was.dataset.key === key && was.value === is?.value && graft(board, fresh, was, is))) {
      board.replaceChildren(...fresh.childNodes);
      is?.focus();
    }
    showProblems();
  }

  function drawGroup(here, { head = words.match, tail = words.ofThese, isWhere = false } = {}) {
    const group = here.node, isRoot = group === root;
    const places = [...trees.walk(root)];
    const items = group.rules.map((rule) => places.find((one) => one.node === rule));
    const joint = group.combinator === "AND" ? words.and : words.or;
    return element("div", {
      class: `rule-group depth-${here.depth}${isWhere ? " where" : ""}${group.not ? " negated" : ""}`, "data-id": group.id,
      role: "group", "aria-label": isRoot ? words.all : fill(words.groupName, { number: numberOf(here.path) }),
    },
      element("div", { class: "rule-head" },
        isRoot || isWhere ? null : grip(),
        element("span", {}, isRoot ? words.people : head), combinator(group), element("span", {}, tail), negation(group),
        isRoot || isWhere ? null : tools(here)),
      items.length ? element("ol", { class: "rule-list" }, ...items.map((item, at) => drawItem(item, at ? joint : "")))
        : element("p", { class: "rule-none" }, isRoot ? words.noRules : words.emptyGroup),
      element("div", { class: "rule-foot" }, ...adders(here, isWhere)));
  }

  function drawItem(here, joint) {
    const body = here.node.type === "group" ? drawGroup(here)
      : element("div", {
        class: "rule", "data-id": here.node.id, role: "group",
        "aria-label": fill(words.ruleName, { number: numberOf(here.path) }),
      }, grip(), element("div", { class: "rule-body" }, ...drawLeaf(builder, here)), tools(here));
    return element("li", { "data-item": here.node.id }, joint ? element("span", { class: "rule-joint" }, joint) : null, body);
  }

  const grip = () => element("span", { class: "rule-grip", draggable: "true", title: words.drag, "aria-hidden": "true" }, icon("grip-vertical"));

  function combinator(group) {
    const choice = (value, label) => {
      const radio = element("input", { type: "radio", name: group.id, value, checked: group.combinator === value, "data-key": `${group.id}:${value}` });
      radio.addEventListener("change", () => {
        group.combinator = value;
        builder.redraw();
      });
      return element("label", {}, radio, element("span", {}, label));
    };
    return element("fieldset", { class: "segmented" },
      element("legend", { class: "visually-hidden" }, words.howMany), choice("AND", words.allOf), choice("OR", words.anyOf));
  }

  function negation(group) {
    const box = element("input", { type: "checkbox", checked: group.not, "data-key": `${group.id}:not` });
    box.addEventListener("change", () => {
      group.not = box.checked;
      builder.redraw();
    });
    return element("label", { class: "rule-not", title: words.notHelp }, box, element("span", {}, words.not));
  }

  function adders(here, isWhere) {
    const group = here.node, full = trees.leafCount(root) >= limits.leaves, deepest = here.depth >= limits.depth;
    const add = (name, label, make, disabled) => {
      const button = element("button", { type: "button", class: "button tiny", disabled, "data-key": `${group.id}:${name}` }, icon("plus"), label);
      button.addEventListener("click", () => {
        const fresh = make();
        group.rules.push(fresh);
        builder.redraw(`${(fresh.type === "group" ? fresh.rules[0] : fresh).id}:subject`);
      });
      return button;
    };
    const reason = full ? fill(words.tooMany, { n: limits.leaves }) : deepest ? fill(words.tooDeep, { n: limits.depth }) : "";
    return [
      add("rule", isWhere ? words.addCondition : words.addRule, trees.newTest, full),
      add("group", words.addGroup, () => trees.newGroup([trees.newTest()], group.combinator === "AND" ? "OR" : "AND"), full || deepest),
      reason ? element("span", { class: "rule-limit" }, reason) : null,
    ];
  }

  // --- what can be done with a rule or a group
  function tools(here) {
    const { node: one } = here, number = numberOf(here.path), isGroup = one.type === "group";
    const name = fill(isGroup ? words.groupName : words.ruleName, { number });
    const menu = element("details", { class: "drop rule-menu", "data-menu": one.id, open: opened === one.id },
      element("summary", { class: "icon-button", "aria-label": fill(words.more, { name }), "data-key": `${one.id}:menu` }, icon("ellipsis")),
      element("div", { class: "drop-list" }, ...Object.entries(ACTS).map(([act, [symbol, , isFor = () => true]]) => {
        if (!isFor(here)) return null;
        const label = act === "lasting" && one.held ? words.notLasting : words[act];
        const button = element("button", { type: "button", "data-key": `${one.id}:${act}` }, icon(symbol), label);
        button.addEventListener("click", (event) => {
          event.stopPropagation(); // the page closes menus in which nobody is, and this one is about to be drawn anew
          perform(act, one, menu);
        });
        return button;
      })));
    const remove = element("button", { type: "button", class: "icon-button", "aria-label": fill(words.removeName, { name }), "data-key": `${one.id}:x` }, icon("x"));
    remove.addEventListener("click", () => perform("remove", one));
    return element("div", { class: "rule-tools" }, menu, remove);
  }

  const ACTS = {
    up: ["arrow-up", (one) => trees.shift(root, one.id, -1)],
    down: ["arrow-down", (one) => trees.shift(root, one.id, 1)],
    inside: ["chevron-right", (one) => trees.moveIn(root, one.id, limits.depth)],
    outside: ["chevron-left", (one) => trees.moveOut(root, one.id)],
    lasting: ["hourglass", last, (here) => canLast(builder, here)],
    duplicate: ["copy", duplicate],
    remove: ["trash-2", remove],
  };

  function perform(act, one, menu = null) {
    const moved = ACTS[act][1](one);
    if (!moved) return builder.say(words.cannot);
    const still = trees.find(root, one.id);
    opened = menu?.open && still ? one.id : null;
    builder.redraw(still ? `${one.id}:${menu ? act : still.node.type === "group" ? "AND" : "subject"}` : moved.focus);
    opened = null;
    const number = still && numberOf(still.path);
    builder.say(act === "duplicate" ? words.duplicated : act === "lasting" ? words[one.held ? "lasting" : "notLasting"] : still ? fill(words.moved, { number }) : words.removed);
  }

  function duplicate(one) {
    const { parent } = trees.find(root, one.id);
    const fresh = trees.copyOf(one);
    if (trees.leafCount(root) + trees.leafCount(fresh) > limits.leaves) return false;
    parent.rules.splice(parent.rules.indexOf(one) + 1, 0, fresh);
    return true;
  }

  function last(one) {
    one.held = one.held ? null : { amount: 30, unit: "days" };
    return true;
  }

  function remove(one) {
    const { parent } = trees.find(root, one.id);
    const at = parent.rules.indexOf(one);
    trees.take(root, one.id);
    const next = parent.rules[at] ?? parent.rules[at - 1];
    return { focus: next ? `${next.id}:${next.type === "group" ? "menu" : "subject"}` : `${parent.id}:rule` };
  }

  const KEYS = { ArrowUp: "up", ArrowDown: "down", ArrowRight: "inside", ArrowLeft: "outside" };
  board.addEventListener("keydown", (event) => {
    const act = event.altKey && !event.ctrlKey && !event.metaKey && !event.shiftKey && KEYS[event.key];
    const item = event.target.closest("[data-item]");
    const opens = event.target.matches("select") && (act === "up" || act === "down"); // that is how a list is opened
    if (!act || !item || opens) return;
    event.preventDefault();
    const focused = event.target.closest("[data-key]")?.dataset.key;
    perform(act, trees.find(root, item.dataset.item).node);
    if (focused) board.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  });
  startDragging(board, builder, limits.depth);

  // --- what the server says is wrong, at the rule that it is about
  function clearProblems() {
    problems = [];
    showProblems();
  }

  function showProblems() {
    for (const old of board.querySelectorAll(".rule-problems")) old.remove();
    for (const control of board.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
    for (const { field, message } of problems) {
      const path = field.replace(/^criteria\.?/, "");
      const { node: one, path: own } = trees.placeOfPath(root, path);
      const where = board.querySelector(`[data-id="${one.id}"]`) ?? board.firstElementChild;
      const body = where.querySelector(":scope > .rule-body") ?? where;
      let list = body.querySelector(":scope > .rule-problems");
      if (!list) body.append((list = element("ul", { class: "rule-problems errorlist", id: `${one.id}-problems` })));
      list.append(element("li", {}, message));
      const part = /^\.?(\w+)/.exec(path.slice(own.length))?.[1];
      const control = body.querySelector(`:scope [data-part="${part}"] :is(input, select), :scope [data-part="${part}"]:is(input, select)`);
      control?.setAttribute("aria-invalid", "true");
      control?.setAttribute("aria-describedby", list.id);
    }
  }

  draw();
  return {
    json: () => trees.write(root),
    unfinished: () => [...trees.walk(root)].filter(({ node: one }) => !isComplete(one, builder)).length,
    isEmpty: () => !root.rules.length,
    show(details) {
      problems = details;
      showProblems();
    },
    focusFirstProblem: () => board.querySelector("[aria-invalid], .rule-problems")?.closest("[data-id]")?.querySelector("select, input")?.focus(),
    load(fresh) {
      root = trees.read(fresh);
      builder.redraw();
    },
  };
}
