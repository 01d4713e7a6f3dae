// The table of dots: made from data, sorted, filtered, some rows at a time.
(function () {
  var AT_ONCE = 300;
  var KEPT_WORDS = ["lit", "dark", "measured", "isolated", "flagged", "noted", "accepted", "rejected"];
  var data = JSON.parse(document.getElementById("table-data").textContent);
  var element = document.getElementById("dot-table");
  var input = document.getElementById("filter");
  var more = document.getElementById("more");
  var table = { columns: data.columns, vocabulary: {}, rows: [] };
  var dotColumn = data.columns.findIndex(function (column) { return column[0] === "dot_id"; });
  var order = [];
  var sorted = { column: -1, down: false };
  var nShown = AT_ONCE;

  KEPT_WORDS.forEach(function (word) { table.vocabulary[word] = true; });
  table.rows = data.rows.map(function (cells, k) {
    var values = cells.map(function (cell) { return Array.isArray(cell) ? cell[0] : cell; });
    var texts = cells.map(function (cell) { return cell === null ? "\u2013" : Array.isArray(cell) ? cell[1] : cell; });
    data.words[k].split(" ").forEach(function (word) { if (word) { table.vocabulary[word] = true; } });
    return {
      id: k + 1,
      cells: cells,
      values: values,
      texts: texts,
      words: " " + data.words[k] + " ",
      text: texts.join("\u0001").toLowerCase(),
    };
  });

  function make(name, attributes, text) {
    var made = document.createElement(name);
    Object.keys(attributes || {}).forEach(function (key) { made.setAttribute(key, attributes[key]); });
    if (text !== undefined) { made.textContent = text; }
    return made;
  }

  function makeHead() {
    var line = make("tr");
    data.columns.forEach(function (column, k) {
      var heading = make("th", { scope: "col", "aria-sort": "none", title: column[0] + ": " + column[2] });
      if (column[3]) { heading.className = "num"; }
      var button = make("button", { type: "button" }, column[1]);
      button.addEventListener("click", function () { sortBy(k); });
      heading.appendChild(button);
      line.appendChild(heading);
    });
    element.tHead.appendChild(line);
  }

  function makeRow(row) {
    var line = make("tr", { "data-id": row.id });
    row.cells.forEach(function (cell, k) {
      var look = (data.columns[k][3] ? "num " : "") + (Array.isArray(cell) && cell[2] ? cell[2] : "");
      var made = make("td", look ? { class: look } : {});
      if (k === dotColumn) {
        made.appendChild(make("a", { href: "#dot-" + row.id }, row.texts[k]));
      } else {
        made.textContent = row.texts[k];
      }
      line.appendChild(made);
    });
    return line;
  }

  function draw() {
    var lines = document.createDocumentFragment();
    order.slice(0, nShown).forEach(function (row) { lines.appendChild(makeRow(row)); });
    element.tBodies[0].replaceChildren(lines);
    more.hidden = order.length <= nShown;
    more.textContent = "Show all " + order.length;
    document.getElementById("shown").textContent =
      order.length === table.rows.length ? order.length + " rows" : order.length + " of " + table.rows.length + " rows";
  }

  function update() {
    var trouble = document.getElementById("filter-trouble");
    trouble.textContent = "";
    input.removeAttribute("aria-invalid");
    try {
      order = table.rows.filter(window.qdimage.filter(input.value, table));
    } catch (error) {
      trouble.textContent = error.message;
      input.setAttribute("aria-invalid", "true");
      return;
    }
    if (sorted.column >= 0) {
      order.sort(function (a, b) {
        return window.qdimage.compare(a.values[sorted.column], b.values[sorted.column], sorted.down);
      });
    }
    draw();
  }

  function sortBy(column) {
    sorted = { column: column, down: sorted.column === column && !sorted.down };
    Array.prototype.forEach.call(element.tHead.rows[0].cells, function (heading, k) {
      heading.setAttribute("aria-sort", k !== column ? "none" : sorted.down ? "descending" : "ascending");
    });
    update();
  }

  function narrow() { nShown = AT_ONCE; update(); }

  function addExamples() {
    var keys = data.columns.map(function (column) { return column[0]; });
    var wanted = ["lit", "measured", "isolated and not flagged"];
    if (keys.indexOf("el_g2_0") >= 0 || keys.indexOf("pl_g2_0") >= 0) { wanted.push("g2 < 0.1"); }
    wanted.forEach(function (text) {
      var word = text.split(" ")[0];
      if (word !== "g2" && !table.rows.some(function (row) { return row.words.indexOf(" " + word + " ") >= 0; })) { return; }
      var button = make("button", { type: "button", class: "chip" }, text);
      button.addEventListener("click", function () { input.value = text; narrow(); input.focus(); });
      document.getElementById("examples").appendChild(button);
    });
    document.getElementById("column-names").textContent = keys.join(", ");
  }

  function moveFocus(event) {
    var step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    var line = event.target.closest("tr");
    if (!step || !line || !line.parentNode.closest("tbody")) { return; }
    var other = step > 0 ? line.nextElementSibling : line.previousElementSibling;
    if (other) { event.preventDefault(); other.querySelector("a").focus(); }
  }

  makeHead();
  addExamples();
  input.addEventListener("input", narrow);
  more.addEventListener("click", function () { nShown = Infinity; draw(); });
  element.addEventListener("keydown", moveFocus);
  element.tBodies[0].addEventListener("click", function (event) {
    var line = event.target.closest("tr");
    if (line && !event.target.closest("a") && !String(window.getSelection())) {
      window.location.hash = "dot-" + line.getAttribute("data-id");
    }
  });
  update();
  window.qdimage.make = make;
  window.qdimage.order = function () { return order.map(function (row) { return row.id; }); };
})();
