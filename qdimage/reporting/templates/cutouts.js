// The surroundings of a dot in every channel, as one SVG.
(function () {
  var SIDE = 118, GAP = 12, HEAD = 22, FOOT = 24;
  var heads = JSON.parse(document.getElementById("heads-data").textContent);
  var tables = {};

  // 255 colours from black to white through the stops.
  function colours(kind) {
    if (tables[kind]) { return tables[kind]; }
    var stops = heads.maps[kind].map(function (text) {
      return [1, 3, 5].map(function (at) { return parseInt(text.slice(at, at + 2), 16); });
    });
    tables[kind] = Array.from({ length: 255 }, function (_, k) {
      var at = k / 254 * (stops.length - 1), first = Math.min(Math.floor(at), stops.length - 2), share = at - first;
      return stops[first].map(function (value, c) { return Math.round(value + share * (stops[first + 1][c] - value)); });
    });
    return tables[kind];
  }

  function picture(text, side, kind) {
    var bytes = atob(text), canvas = document.createElement("canvas"), map = colours(kind);
    canvas.width = canvas.height = side;
    var context = canvas.getContext("2d"), image = context.createImageData(side, side);
    for (var k = 0; k < bytes.length; k += 1) {
      var shade = bytes.charCodeAt(k), colour = shade ? map[shade - 1] : [200, 205, 210];
      image.data.set([colour[0], colour[1], colour[2], 255], 4 * k);
    }
    context.putImageData(image, 0, 0);
    return canvas.toDataURL();
  }

  function barLength(pixelUm, side) {
    var room = 0.4 * side * pixelUm, decade = Math.pow(10, Math.floor(Math.log10(room)));
    return [5, 2, 1].find(function (each) { return each * decade <= room; }) * decade;
  }

  function cross(svg, element, left) {
    var middle = SIDE / 2, inner = SIDE * 0.14, outer = SIDE * 0.26;
    var d = "M" + (left + middle - outer) + " " + (HEAD + middle) + "h" + (outer - inner) +
      "M" + (left + middle + inner) + " " + (HEAD + middle) + "h" + (outer - inner) +
      "M" + (left + middle) + " " + (HEAD + middle - outer) + "v" + (outer - inner);
    svg.appendChild(element("path", { d: d, stroke: "#fff", "stroke-opacity": 0.75, fill: "none" }));
  }

  // One SVG of all channels, or null where the page holds no picture of the dot.
  window.qdimage.cutouts = function (dot) {
    var head = heads.fields[dot.field], element = window.qdimage.element;
    if (!head || !dot.pictures) { return null; }
    var width = dot.pictures.length * (SIDE + GAP) - GAP, height = HEAD + SIDE + FOOT;
    var svg = element("svg", {
      xmlns: "http://www.w3.org/2000/svg", viewBox: "0 0 " + width + " " + height, width: width, height: height, role: "img",
      "aria-label": dot.title + " in every channel", "font-family": window.qdimage.FONT, "font-size": 12, fill: "#222222",
    });
    dot.pictures.forEach(function (text, k) {
      var channel = head.channels[k], left = k * (SIDE + GAP);
      var name = channel.kind === "pl" ? "PL" : "EL" + (channel.voltage === null ? "" : " " + channel.voltage + " V");
      var group = element("g");
      group.appendChild(element("title", {}, channel.name + ", " + dot.scale[k].join(" to ") + " " + (channel.unit || "photons") + "/px/s"));
      group.appendChild(element("text", { x: left, y: 15, "font-weight": 600 }, name));
      group.appendChild(element("image", {
        href: picture(text, head.side, channel.kind), x: left, y: HEAD, width: SIDE, height: SIDE, preserveAspectRatio: "none", style: "image-rendering: pixelated",
      }));
      cross(group, element, left);
      group.appendChild(element("text", { x: left + SIDE / 2, y: HEAD + SIDE + 17, "text-anchor": "middle" }, dot.words[k]));
      svg.appendChild(group);
    });
    if (head.pixel_um) {
      var bar = barLength(head.pixel_um, head.side), length = bar / head.pixel_um / head.side * SIDE;
      svg.appendChild(element("line", { x1: 7, x2: 7 + length, y1: HEAD + SIDE - 8, y2: HEAD + SIDE - 8, stroke: "#fff", "stroke-width": 2.5 }));
      svg.appendChild(element("text", { x: 7, y: HEAD + SIDE - 13, "font-size": 10.5, fill: "#fff" }, Number(bar.toPrecision(3)) + " \u00b5m"));
    }
    return svg;
  };
  window.qdimage.flagMeaning = heads.flags;
})();
