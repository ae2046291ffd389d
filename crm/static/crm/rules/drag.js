// Dragging a rule or a group by its grip. The menu and the keys do the same for everybody else.
import { find, fits, put } from "./tree.js";

export function startDragging(board, builder, deepest) {
  let dragged = null, goal = null;

  const clear = () => {
    for (const one of board.querySelectorAll(".drop-before, .drop-after, .drop-inside")) {
      one.classList.remove("drop-before", "drop-after", "drop-inside");
    }
    goal = null;
  };

  // Where what is dragged would land: beside the item that is pointed at, or in a group that is empty or pointed past.
  function goalOf(event) {
    const item = event.target.closest("[data-item]"), group = event.target.closest(".rule-group");
    if (item && (!group || group.contains(item))) {
      const { parent } = find(builder.root, item.dataset.item);
      const box = item.getBoundingClientRect();
      const after = event.clientY > box.top + box.height / 2;
      return { element: item, mark: after ? "drop-after" : "drop-before", group: parent.id, at: parent.rules.findIndex((one) => one.id === item.dataset.item) + after };
    }
    if (!group) return null;
    const { node } = find(builder.root, group.dataset.id);
    return { element: group, mark: "drop-inside", group: node.id, at: node.rules.length };
  }

  function isPossible(found) {
    const from = find(builder.root, dragged), to = found && find(builder.root, found.group);
    if (!to || from.scope !== to.scope || !fits(builder.root, from.node, to.node, deepest)) return false;
    return !document.querySelector(`[data-item="${dragged}"]`).contains(found.element) || found.element.dataset.item === dragged;
  }

  board.addEventListener("dragstart", (event) => {
    const item = event.target.closest(".rule-grip")?.closest("[data-item]");
    if (!item) return;
    dragged = item.dataset.item;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "");
    event.dataTransfer.setDragImage(item, 12, 12);
    item.classList.add("dragged");
  });
  board.addEventListener("dragover", (event) => {
    if (!dragged) return;
    const found = goalOf(event);
    clear();
    if (!isPossible(found)) return;
    event.preventDefault();
    goal = found;
    goal.element.classList.add(goal.mark);
  });
  board.addEventListener("drop", (event) => {
    if (!dragged || !goal) return;
    event.preventDefault();
    const { group, at } = goal, id = dragged;
    if (put(builder.root, id, group, at, deepest)) builder.redraw(`${id}:menu`);
  });
  board.addEventListener("dragend", () => {
    clear();
    board.querySelector(".dragged")?.classList.remove("dragged");
    dragged = null;
  });
}
