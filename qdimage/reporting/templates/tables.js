// Sorts any table of class "sortable" by a click on a heading.
(function () {
  function key(row, column) {
    var cell = row.cells[column];
    var value = cell.getAttribute("data-v");
    if (value) { return Number(value); }
    var text = cell.textContent.trim();
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

  function makeSortable(table) {
    var body = table.tBodies[0];
    var headings = Array.prototype.slice.call(table.tHead.rows[0].cells);

    function sort(column) {
      var down = headings[column].getAttribute("aria-sort") === "ascending";
      headings.forEach(function (heading) { heading.setAttribute("aria-sort", "none"); });
      headings[column].setAttribute("aria-sort", down ? "descending" : "ascending");
      var keyed = Array.prototype.map.call(body.rows, function (row) { return [key(row, column), row]; });
      keyed.sort(function (a, b) { return compare(a[0], b[0], down); });
      var all = document.createDocumentFragment();
      keyed.forEach(function (pair) { all.appendChild(pair[1]); });
      body.appendChild(all);
    }

    headings.forEach(function (heading, column) {
      heading.firstElementChild.addEventListener("click", function () { sort(column); });
    });
  }

  window.qdimage.compare = compare;
  Array.prototype.forEach.call(document.querySelectorAll("table.sortable"), makeSortable);
})();
