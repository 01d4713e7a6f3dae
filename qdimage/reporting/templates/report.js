(function () {
  "use strict";
  var table = document.getElementById("dot-table");
  var body = table.tBodies[0];
  var headings = Array.prototype.slice.call(table.tHead.rows[0].cells);
  var rows = Array.prototype.slice.call(body.rows);
  var filter = document.getElementById("filter");
  var shown = document.getElementById("shown");

  function key(row, column) {
    var cell = row.cells[column];
    if (cell.hasAttribute("data-v")) { return Number(cell.getAttribute("data-v")); }
    var text = cell.textContent;
    return text === "\u2013" || text === "" ? null : text;
  }

  // Empty cells come last whichever way the column is sorted.
  function compare(a, b, down) {
    if (a === null || b === null) { return (a === null) - (b === null); }
    var order = typeof a === "number" && typeof b === "number"
      ? a - b
      : String(a).localeCompare(String(b), undefined, { numeric: true });
    return down ? -order : order;
  }

  function sort(column) {
    var down = headings[column].getAttribute("aria-sort") === "ascending";
    headings.forEach(function (heading) { heading.setAttribute("aria-sort", "none"); });
    headings[column].setAttribute("aria-sort", down ? "descending" : "ascending");
    var keyed = rows.map(function (row) { return [key(row, column), row]; });
    keyed.sort(function (a, b) { return compare(a[0], b[0], down); });
    rows = keyed.map(function (pair) { return pair[1]; });
    var all = document.createDocumentFragment();
    rows.forEach(function (row) { all.appendChild(row); });
    body.appendChild(all);
  }

  function narrow() {
    var wanted = filter.value.trim().toLowerCase();
    var n = 0;
    rows.forEach(function (row) {
      var match = row.textContent.toLowerCase().indexOf(wanted) >= 0;
      row.hidden = !match;
      n += match ? 1 : 0;
    });
    shown.textContent = n + (n === 1 ? " row" : " rows");
  }

  headings.forEach(function (heading, column) {
    heading.firstElementChild.addEventListener("click", function () { sort(column); });
  });
  filter.addEventListener("input", narrow);
})();
