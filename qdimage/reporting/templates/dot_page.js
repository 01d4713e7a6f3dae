// The page of one dot, made when it is asked for.
(function () {
  var q = window.qdimage, make = q.make;
  var body = document.getElementById("dot-body"), page = document.getElementById("dot");
  var current = 0;

  function saving(svg, name) {
    var button = make("button", { type: "button", class: "save" }, "Save SVG");
    button.addEventListener("click", function () {
      var text = new XMLSerializer().serializeToString(svg);
      var link = make("a", { href: URL.createObjectURL(new Blob([text], { type: "image/svg+xml" })), download: name.replace(/[^\w.-]+/g, "_") + ".svg" });
      link.click();
      window.setTimeout(function () { URL.revokeObjectURL(link.href); }, 1000);
    });
    return button;
  }

  function figureOf(heading, chart, dot) {
    var figure = make("figure", { class: "chart" + (chart.rows ? " wide" : "") });
    var caption = make("figcaption");
    caption.appendChild(make("h2", {}, heading));
    var what = make("p", { class: "what" }, chart.title);
    caption.appendChild(what);
    if (chart.answer) { caption.appendChild(make("p", { class: "answer" }, chart.answer)); }
    (chart.notes || []).forEach(function (note) { caption.appendChild(make("p", { class: "message" }, note)); });
    figure.appendChild(caption);
    if (chart.marks) {
      var svg = q.chart(chart);
      figure.appendChild(svg);
      var foot = make("p", { class: "files" });
      if (chart.source) { foot.appendChild(make("a", { href: chart.source }, "CSV")); foot.appendChild(document.createTextNode(" ")); }
      foot.appendChild(saving(svg, dot.title + " " + heading));
      figure.appendChild(foot);
    }
    if (chart.rows) { figure.appendChild(tableOf(chart)); }
    return figure;
  }

  function tableOf(chart) {
    var box = make("div", { class: "scroll" }), table = make("table"), head = make("tr");
    chart.headings.forEach(function (text) { head.appendChild(make("th", { scope: "col" }, text)); });
    table.appendChild(make("thead")).appendChild(head);
    var rows = table.appendChild(make("tbody"));
    chart.rows.forEach(function (row) {
      var line = rows.appendChild(make("tr"));
      row.forEach(function (text) { line.appendChild(make("td", {}, text)); });
    });
    box.appendChild(table);
    return box;
  }

  function factsOf(dot) {
    var list = make("dl", { class: "facts-grid" });
    dot.facts.forEach(function (fact) {
      var pair = make("div", { title: fact[2] });
      pair.appendChild(make("dt", {}, fact[0]));
      pair.appendChild(make("dd", {}, fact[1]));
      list.appendChild(pair);
    });
    return list;
  }

  function fill(dot) {
    document.getElementById("dot-title").textContent = dot.title;
    document.getElementById("dot-place").textContent = dot.place;
    var parts = document.createDocumentFragment();
    if (dot.facts.length) { parts.appendChild(factsOf(dot)); }
    dot.flags.forEach(function (flag) {
      parts.appendChild(make("p", { class: "message" }, flag + (q.flagMeaning[flag] ? ": " + q.flagMeaning[flag] : "")));
    });
    if (dot.note) { parts.appendChild(make("p", {}, "Note: " + dot.note)); }
    var pictures = q.cutouts(dot);
    if (pictures) {
      var strip = make("figure", { class: "strip" });
      strip.appendChild(pictures);
      var foot = make("p", { class: "files" }, "EL pictures share one scale; beneath, the flux or its upper limit. ");
      foot.appendChild(saving(pictures, dot.title + " pictures"));
      strip.appendChild(foot);
      parts.appendChild(strip);
    }
    var charts = make("div", { class: "charts" });
    dot.sections.forEach(function (section) {
      section[1].forEach(function (chart) { charts.appendChild(figureOf(section[0], chart, dot)); });
    });
    parts.appendChild(charts);
    body.replaceChildren(parts);
  }

  function link(id, other) {
    var element = document.getElementById(id);
    if (other) { element.setAttribute("href", "#dot-" + other); } else { element.removeAttribute("href"); }
  }

  q.openDot = function (name) {
    var match = /^dot-(\d+)$/.exec(name);
    var data = match && document.getElementById("dot-data-" + match[1]);
    if (!data) { return null; }
    current = Number(match[1]);
    fill(JSON.parse(data.textContent));
    var order = q.order(), at = order.indexOf(current);
    link("dot-before", order[at - 1]);
    link("dot-after", at < 0 ? order[0] : order[at + 1]);
    document.getElementById("dot-rank").textContent = at < 0 ? "" : (at + 1) + " of " + order.length;
    return page;
  };

  document.addEventListener("keydown", function (event) {
    var id = { ArrowLeft: "dot-before", ArrowRight: "dot-after" }[event.key];
    if (!id || !page.classList.contains("current") || event.altKey || event.ctrlKey || event.metaKey) { return; }
    if (event.target.closest("input, select, textarea")) { return; }
    var target = document.getElementById(id).getAttribute("href");
    if (target) { event.preventDefault(); window.location.hash = target.slice(1); }
  });
})();
