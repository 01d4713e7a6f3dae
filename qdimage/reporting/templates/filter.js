// Reads what a person writes to see some of the dots: `lit and el_g2_0 < 0.1`.
(function () {
  var TOKEN = /\s*(?:(<=|>=|!=|==|=|<|>|\(|\))|"([^"]*)"|([^\s()<>=!"]+))/y;
  var COMPARE = {
    "<": function (a, b) { return a < b; },
    "<=": function (a, b) { return a <= b; },
    ">": function (a, b) { return a > b; },
    ">=": function (a, b) { return a >= b; },
    "=": function (a, b) { return a === b; },
    "==": function (a, b) { return a === b; },
    "!=": function (a, b) { return a !== b; },
  };

  function tokensOf(text) {
    var found = [], at = 0;
    text = text.trim();
    while (at < text.length) {
      TOKEN.lastIndex = at;
      var match = TOKEN.exec(text);
      if (!match) { throw new Error("found " + text.slice(at) + ", expected a column, a word or a text"); }
      var isText = match[2] !== undefined;
      found.push({ text: match[1] || (isText ? match[2] : match[3]), isText: isText });
      at = TOKEN.lastIndex;
    }
    return found;
  }

  // Columns that a name stands for: its own, or all that end in it, as g2 does for g2_0.
  function columnsNamed(name, table) {
    var wanted = name.toLowerCase();
    var exact = [], close = [];
    table.columns.forEach(function (column, k) {
      var key = column[0].toLowerCase();
      if (key === wanted || column[1].toLowerCase() === wanted) { exact.push(k); }
      if (("_" + key + "_").indexOf("_" + wanted + "_") >= 0) { close.push(k); }
    });
    return exact.length ? exact : close;
  }

  function reader(tokens, table) {
    var at = 0;

    function next() { return at < tokens.length ? tokens[at] : null; }
    function isWord(word) { var t = next(); return t && !t.isText && t.text.toLowerCase() === word; }
    function take() {
      if (at === tokens.length) { throw new Error("found the end, expected a column, a word or a text"); }
      at += 1;
      return tokens[at - 1];
    }

    function either() {
      var left = both();
      while (isWord("or")) { take(); left = any(left, both()); }
      return left;
    }
    function both() {
      var left = one();
      while (next() && !isWord("or") && !isWord(")")) {
        if (isWord("and")) { take(); }
        left = all(left, one());
      }
      return left;
    }
    function one() {
      if (isWord("not")) { take(); var inner = one(); return function (row) { return !inner(row); }; }
      var token = take();
      if (!token.isText && token.text === "(") {
        var within = either();
        if (!isWord(")")) { throw new Error("found no closing bracket"); }
        take();
        return within;
      }
      if (!token.isText && (token.text in COMPARE || token.text === ")")) {
        throw new Error("found " + token.text + ", expected a column, a word or a text");
      }
      var sign = next();
      if (sign && !sign.isText && sign.text in COMPARE) { take(); return compared(token.text, sign.text, take().text); }
      return token.isText ? containing(token.text) : named(token.text);
    }
    function compared(name, sign, value) {
      var columns = columnsNamed(name, table), wanted = Number(value), compare = COMPARE[sign];
      if (!columns.length) { throw new Error("there is no column " + name); }
      var isNumber = value.trim() !== "" && !isNaN(wanted);
      return function (row) {
        return columns.some(function (k) {
          var own = row.values[k];
          if (own === null) { return false; }
          if (typeof own === "number") { return isNumber && compare(own, wanted); }
          return compare(own.toLowerCase(), value.toLowerCase());
        });
      };
    }
    function named(word) {
      var wanted = word.toLowerCase();
      if (table.vocabulary[wanted]) { return function (row) { return row.words.indexOf(" " + wanted + " ") >= 0; }; }
      return containing(word);
    }
    function containing(text) {
      var wanted = text.toLowerCase();
      return function (row) { return row.text.indexOf(wanted) >= 0; };
    }

    return { all: either, rest: next };
  }

  function any(a, b) { return function (row) { return a(row) || b(row); }; }
  function all(a, b) { return function (row) { return a(row) && b(row); }; }

  // Returns what says of a row whether it is kept; throws where the text is no filter.
  window.qdimage.filter = function (text, table) {
    var tokens = tokensOf(text);
    if (!tokens.length) { return function () { return true; }; }
    var read = reader(tokens, table);
    var keep = read.all();
    if (read.rest()) { throw new Error("found " + read.rest().text + ", expected and or or"); }
    return keep;
  };
})();
