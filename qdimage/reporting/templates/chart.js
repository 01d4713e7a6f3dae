// Draws a chart that Python described as an SVG that can be saved by itself.
(function () {
  var SVG = "http://www.w3.org/2000/svg";
  var FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif";
  var INK = "#222222", GREY = "#6b6b6b", PALE = "#e4e7eb";
  var WIDTH = 540, LEFT = 64, RIGHT = 14, TOP = 30, PLOT = 230, FOOT = 46, BELOW = 54, GAP = 10;
  var nClips = 0;
  var SUPERSCRIPT = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079";

  function element(name, attributes, text) {
    var made = document.createElementNS(SVG, name);
    Object.keys(attributes || {}).forEach(function (key) { made.setAttribute(key, attributes[key]); });
    if (text !== undefined) { made.textContent = text; }
    return made;
  }

  function numbers(packed) {
    if (Array.isArray(packed)) { return packed; }
    return Array.from({ length: packed.n }, function (_, k) { return packed.start + k * packed.step; });
  }

  function power(exponent) {
    return "10" + (exponent < 0 ? "\u207b" : "") + String(Math.abs(exponent)).split("").map(function (d) { return SUPERSCRIPT[d]; }).join("");
  }

  function written(value) {
    var size = Math.abs(value);
    if (value === 0) { return "0"; }
    if (size >= 1e6) { return trimmed(value / 1e6) + "M"; }
    if (size >= 1e4) { return trimmed(value / 1e3) + "k"; }
    return trimmed(value);
  }

  function trimmed(value) { return String(Number(value.toPrecision(6))).replace("-", "\u2212"); }

  function niceStep(span, most) {
    var rough = span / most, decade = Math.pow(10, Math.floor(Math.log10(rough)));
    var step = [1, 2, 5, 10].find(function (each) { return each * decade >= rough * 0.999; });
    return step * decade;
  }

  function linearTicks(low, high, most) {
    var step = niceStep(high - low, most), ticks = [];
    for (var k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k += 1) {
      ticks.push({ value: k * step, text: written(k * step) });
    }
    return ticks;
  }

  function logTicks(low, high) {
    var first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high)), ticks = [];
    var few = Math.log10(high / low) < 1.6;
    for (var e = first; e <= last; e += 1) {
      for (var m = 1; m < 10; m += 1) {
        var value = m * Math.pow(10, e);
        if (value < low * 0.999 || value > high * 1.001) { continue; }
        var named = m === 1 || (few && (m === 2 || m === 5));
        ticks.push({ value: value, text: named ? (e >= 5 || e <= -4 ? (m === 1 ? power(e) : "") : written(value)) : "" });
      }
    }
    return ticks;
  }

  function rangeOf(axis, lists) {
    var low = Infinity, high = -Infinity;
    lists.forEach(function (list) {
      list.forEach(function (value) {
        if (value === null || (axis.log && value <= 0)) { return; }
        low = Math.min(low, value);
        high = Math.max(high, value);
      });
    });
    if (low > high) { low = axis.log ? 0.1 : 0; high = axis.log ? 10 : 1; }
    if (axis.log) {
      low = axis.low > 0 ? axis.low : low / 1.5;
      high = axis.high > 0 ? axis.high : high * 1.5;
    } else {
      var spread = (high - low) || Math.abs(high) || 1;
      low = axis.low !== undefined ? axis.low : low - 0.03 * spread;
      high = axis.high !== undefined ? axis.high : high + 0.05 * spread;
    }
    return [low, high > low ? high : low + 1];
  }

  function scale(range, log, from, to) {
    var low = log ? Math.log(range[0]) : range[0], high = log ? Math.log(range[1]) : range[1];
    return function (value) {
      if (value === null || (log && value <= 0)) { return null; }
      var at = from + (to - from) * ((log ? Math.log(value) : value) - low) / (high - low);
      return Math.round(100 * Math.max(-1e4, Math.min(1e4, at))) / 100;
    };
  }

  function unpacked(marks) {
    return (marks || []).map(function (mark) {
      var ends = {};
      ["x", "y", "low", "high"].forEach(function (name) { if (mark[name]) { ends[name] = numbers(mark[name]); } });
      return Object.assign({}, mark, ends);
    });
  }

  function path(x, y, steps) {
    var parts = [], isOpen = false;
    for (var k = 0; k < x.length; k += 1) {
      if (x[k] === null || y[k] === null) { isOpen = false; continue; }
      if (steps && isOpen) { var middle = (x[k - 1] + x[k]) / 2; parts.push("H" + middle + "V" + y[k] + "H" + x[k]); }
      else { parts.push((isOpen ? "L" : "M") + x[k] + " " + y[k]); }
      isOpen = true;
    }
    return parts.join("");
  }

  var drawers = {
    line: function (group, mark, x, y) { drawLine(group, mark, x, y, false); },
    steps: function (group, mark, x, y) { drawLine(group, mark, x, y, true); },
    points: function (group, mark, x, y) {
      drawBars(group, mark, x, y, mark.x.length > 40 ? 0.8 : 1.6, mark.x.length > 40 ? 0.45 : 1);
      mark.x.forEach(function (value, k) {
        var cx = x(value), cy = y(mark.y[k]);
        if (cx === null || cy === null) { return; }
        group.appendChild(element("circle", { cx: cx, cy: cy, r: mark.width / 2, fill: mark.colour }));
      });
    },
    limits: function (group, mark, x, y) {
      mark.x.forEach(function (value, k) {
        var cx = x(value), cy = y(mark.y[k]), r = mark.width / 2;
        if (cx === null || cy === null) { return; }
        group.appendChild(element("path", {
          d: "M" + (cx - r) + " " + (cy - r) + "h" + 2 * r + "L" + cx + " " + (cy + r) + "Z", fill: "#fff", stroke: mark.colour, "stroke-width": 1.4,
        }));
      });
    },
    level: function (group, mark, x, y, box) {
      var at = y(mark.y[0]);
      if (at === null || at < box.top || at > box.bottom) { return; }
      group.appendChild(element("line", { x1: box.left, x2: box.right, y1: at, y2: at, stroke: mark.colour, "stroke-dasharray": "6 4" }));
      group.appendChild(element("text", { x: box.right - 4, y: at - 4, "text-anchor": "end", "font-size": 11, fill: mark.colour }, mark.name || ""));
    },
    interval: function (group, mark, x, y) { drawBars(group, mark, x, y, mark.width, 1); },
    band: function (group, mark, x, y) {
      var there = path(mark.x.map(x), mark.high.map(y)), back = path(mark.x.map(x).reverse(), mark.low.map(y).reverse());
      group.appendChild(element("path", { d: there + back.replace("M", "L") + "Z", fill: mark.colour, "fill-opacity": 0.2 }));
    },
  };

  function drawLine(group, mark, x, y, steps) {
    var attributes = { d: path(mark.x.map(x), mark.y.map(y), steps), fill: "none", stroke: mark.colour, "stroke-width": mark.width, "stroke-linejoin": "round" };
    if (mark.dashed) { attributes["stroke-dasharray"] = "6 4"; }
    group.appendChild(element("path", attributes));
  }

  function drawBars(group, mark, x, y, width, opacity) {
    if (!mark.low) { return; }
    var parts = mark.x.map(function (value, k) {
      var at = x(value), high = y(mark.high[k]);
      if (at === null || high === null || mark.low[k] === null) { return ""; }
      var low = y(mark.low[k]);
      return "M" + at + " " + high + "V" + (low === null ? 1e4 : low);
    });
    group.appendChild(element("path", { d: parts.join(""), stroke: mark.colour, "stroke-width": width, "stroke-opacity": opacity, fill: "none" }));
  }

  function frame(svg, box, x, y, xTicks, yTicks) {
    xTicks.forEach(function (tick) {
      var at = x(tick.value);
      svg.appendChild(element("line", { x1: at, x2: at, y1: box.bottom, y2: box.bottom + (tick.text ? 5 : 3), stroke: GREY }));
      if (tick.text && box.named) { svg.appendChild(element("text", { x: at, y: box.bottom + 19, "text-anchor": "middle" }, tick.text)); }
    });
    yTicks.forEach(function (tick) {
      var at = y(tick.value);
      if (tick.text) { svg.appendChild(element("line", { x1: box.left, x2: box.right, y1: at, y2: at, stroke: PALE })); }
      svg.appendChild(element("line", { x1: box.left - (tick.text ? 5 : 3), x2: box.left, y1: at, y2: at, stroke: GREY }));
      if (tick.text) { svg.appendChild(element("text", { x: box.left - 8, y: at + 4, "text-anchor": "end" }, tick.text)); }
    });
    svg.appendChild(element("path", { d: "M" + box.left + " " + box.top + "V" + box.bottom + "H" + box.right, fill: "none", stroke: GREY }));
  }

  function clip(svg, box) {
    nClips += 1;
    var id = "clip-" + nClips;
    var area = element("clipPath", { id: id });
    area.appendChild(element("rect", { x: box.left - 1, y: box.top - 4, width: box.right - box.left + 5, height: box.bottom - box.top + 5 }));
    svg.appendChild(area);
    var group = element("g", { "clip-path": "url(#" + id + ")" });
    svg.appendChild(group);
    return group;
  }

  function legend(svg, marks) {
    var at = WIDTH - RIGHT;
    marks.filter(function (mark) { return mark.name && mark.look !== "level"; }).reverse().forEach(function (mark) {
      var text = element("text", { x: at, y: 18, "text-anchor": "end", "font-size": 11.5, fill: INK }, mark.name);
      svg.appendChild(text);
      at -= 5.9 * mark.name.length + 8;
      if (mark.look === "points" || mark.look === "limits") {
        drawers[mark.look](svg, { look: mark.look, x: [0], y: [0], colour: mark.colour, width: Math.max(mark.width, 5) }, function () { return at - 4; }, function () { return 14; });
        at -= 18;
      } else {
        svg.appendChild(element("line", { x1: at - 18, x2: at, y1: 14, y2: 14, stroke: mark.colour, "stroke-width": Math.max(mark.width, 1.4), "stroke-dasharray": mark.dashed ? "6 4" : "none" }));
        at -= 32;
      }
    });
  }

  function values(marks, names) {
    var lists = [];
    marks.forEach(function (mark) { names.forEach(function (name) { if (mark[name] && !(name === "x" && mark.look === "level")) { lists.push(mark[name]); } }); });
    return lists;
  }

  // The chart as an SVG element, with a name that says what it shows.
  window.qdimage.chart = function (chart) {
    var marks = unpacked(chart.marks), below = unpacked(chart.below);
    var extra = below.length ? BELOW + GAP : 0;
    var height = TOP + PLOT + extra + FOOT;
    var svg = element("svg", {
      xmlns: SVG, viewBox: "0 0 " + WIDTH + " " + height, width: WIDTH, height: height, role: "img",
      "aria-label": chart.title + ": " + chart.answer, "font-family": FONT, "font-size": 12, fill: INK,
    });
    var box = { left: LEFT, right: WIDTH - RIGHT, top: TOP, bottom: TOP + PLOT, named: !below.length };
    var xRange = rangeOf(chart.x, values(marks, ["x"])), yRange = rangeOf(chart.y, values(marks, ["y", "low", "high"]));
    var x = scale(xRange, chart.x.log, box.left, box.right), y = scale(yRange, chart.y.log, box.bottom, box.top);
    var xTicks = chart.x.log ? logTicks(xRange[0], xRange[1]) : linearTicks(xRange[0], xRange[1], 7);
    frame(svg, box, x, y, xTicks, chart.y.log ? logTicks(yRange[0], yRange[1]) : linearTicks(yRange[0], yRange[1], 6));
    var group = clip(svg, box);
    marks.forEach(function (mark) { drawers[mark.look](group, mark, x, y, box); });
    legend(svg, marks);
    if (below.length) {
      var under = { left: LEFT, right: WIDTH - RIGHT, top: box.bottom + GAP, bottom: box.bottom + GAP + BELOW, named: true };
      var sigma = scale([-4.4, 4.4], false, under.bottom, under.top);
      frame(svg, under, x, sigma, xTicks, [-2, 0, 2].map(function (value) { return { value: value, text: written(value) }; }));
      var inner = clip(svg, under);
      below.forEach(function (mark) { drawers[mark.look](inner, mark, x, sigma, under); });
      svg.appendChild(element("text", { x: 0, y: 0, transform: "translate(15 " + (under.top + under.bottom) / 2 + ") rotate(-90)", "text-anchor": "middle", "font-size": 11 }, "resid. (\u03c3)"));
    }
    svg.appendChild(element("text", { x: (box.left + box.right) / 2, y: height - 8, "text-anchor": "middle" }, chart.x.label));
    svg.appendChild(element("text", { x: 0, y: 0, transform: "translate(15 " + (box.top + box.bottom) / 2 + ") rotate(-90)", "text-anchor": "middle" }, chart.y.label));
    return svg;
  };
  window.qdimage.element = element;
  window.qdimage.FONT = FONT;
})();
