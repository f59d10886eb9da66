// Typeset the formulas, pour every slide into pages that fit, then start reveal.js.
(function () {
  "use strict";
  const WIDTH = 1280, HEIGHT = 720, PADDING = 24;
  // Continued pages repeat the heading in small, which takes this many pixels.
  const CONTINUED = 48;
  const slides = document.querySelector(".slides");
  let started = false;

  window.MathJax = {
    skipStartupTypeset: true,
    showMathMenu: false,
    messageStyle: "none",
    tex2jax: {
      inlineMath: [["$", "$"], ["\\(", "\\)"]],
      displayMath: [["$$", "$$"], ["\\[", "\\]"]],
      processEscapes: true,
      processEnvironments: true,
      ignoreClass: "verbatim",
    },
    "HTML-CSS": { availableFonts: [], preferredFont: null, webFont: "STIX-Web", imageFont: null, EqnChunk: 1000,
                  linebreaks: { automatic: true, width: "container" } },
    // Firefox does not load fonts beside a file:// page, but sets MathML well by itself.
    MMLorHTML: { prefer: { Firefox: "MML" } },
    AuthorInit: function () {
      // MathJax would ask for a blank font and for TeX fonts, which are not here and not needed.
      const styles = MathJax.Ajax.Styles;
      MathJax.Ajax.Styles = function (rules, callback) {
        for (const key of Object.keys(rules)) {
          if (key.startsWith("@font-face") && /^MathJax_(Blank$|.*-WEB$)/.test(rules[key]["font-family"])) delete rules[key];
        }
        return styles.call(this, rules, callback);
      };
      MathJax.Hub.Register.StartupHook("End", function () {
        MathJax.Hub.Queue(["Typeset", MathJax.Hub, slides], start);
      });
    },
  };
  // Slides without formulas are better than no slides.
  setTimeout(start, 20000);

  // The blocks of a slide; a text block is taken apart into paragraphs.
  function blocksOf(section) {
    const blocks = [];
    for (const block of Array.from(section.children)) {
      if (!block.classList.contains("text")) { blocks.push(block); continue; }
      const parts = Array.from(block.children).filter((part) => part.offsetHeight > 0);
      parts.forEach(function (part, i) {
        const piece = block.cloneNode(false);
        const heading = /^H[1-6]$/.test(part.tagName);
        // A sentence stays with the equation that it leads to.
        const leads = parts[i + 1] && parts[i + 1].querySelector(".MathJax_Display");
        if (heading || leads || (i === parts.length - 1 && block.dataset.keep)) piece.dataset.keep = "1";
        else delete piece.dataset.keep;
        piece.appendChild(part);
        block.before(piece);
        blocks.push(piece);
      });
      block.remove();
    }
    return blocks;
  }

  // Blocks that must stay together: a heading and what follows, an equation and its code.
  function unitsOf(blocks) {
    const units = [];
    let unit = [];
    for (const block of blocks) {
      unit.push(block);
      if (!block.dataset.keep) { units.push(unit); unit = []; }
    }
    if (unit.length) units.push(unit);
    return units;
  }

  const top = (block) => block.getBoundingClientRect().top;
  const bottom = (block) => block.getBoundingClientRect().bottom;

  const level = (heading) => Number(heading.tagName[1]);
  const headings = (blocks) => blocks.flatMap((block) => Array.from(block.querySelectorAll(":scope > h1, :scope > h2, :scope > h3")));
  const onlyChecks = (blocks) => blocks.every((block) => block.classList.contains("checks"));

  // What stands in small on top of a page: the heading that its first block still belongs to.
  function runningHead(before, blocks) {
    const own = headings(blocks.slice(0, 1))[0];
    const above = headings(before).filter((heading) => !own || level(heading) < level(own));
    return above.length && !(own && level(own) < 3) ? above[above.length - 1] : null;
  }

  function pour(section) {
    const room = HEIGHT - 2 * PADDING;
    const pages = [];
    let page = [];
    const units = unitsOf(blocksOf(section)).flatMap(function (unit) {
      const tall = bottom(unit[unit.length - 1]) - top(unit[0]) > room - CONTINUED;
      return tall ? unit.map((block) => [block]) : [unit];
    });
    const isLone = (list) => list.length === 1 && list[0].length === 1 && headings(list[0]).length > 0;
    for (const unit of units) {
      const left = pages.length ? room - CONTINUED : room;
      if (page.length && !isLone(page) && bottom(unit[unit.length - 1]) - top(page[0][0]) > left) {
        // Claims take along what they are about; if that is the whole page, it is set a little smaller instead.
        const along = [];
        if (onlyChecks(unit)) {
          while (page.length && (!along.length || onlyChecks(along[0]))) along.unshift(page.pop());
        }
        if (page.length && !isLone(page)) {
          pages.push(page.flat());
          page = along;
        } else {
          page.push(...along);
        }
      }
      page.push(unit);
    }
    pages.push(page.flat());
    let last = section;
    pages.slice(1).forEach(function (blocks, i) {
      // Turning to this page is the reveal: its first blocks need no step of their own.
      const shown = blocks.findIndex((block) => block.dataset.fragmentIndex !== blocks[0].dataset.fragmentIndex);
      blocks.slice(0, shown < 0 ? blocks.length : shown).forEach((block) => block.classList.remove("fragment"));
      const next = section.cloneNode(false);
      const heading = runningHead(pages.slice(0, i + 1).flat(), blocks);
      if (heading) {
        const again = document.createElement("p");
        again.className = "continued";
        again.append(...Array.from(heading.cloneNode(true).childNodes));
        next.appendChild(again);
      }
      next.classList.remove("opening");
      next.append(...blocks);
      last.after(next);
      last = next;
    });
  }

  // What is too tall or too wide even alone on its page is set smaller, until it fits.
  function fit(section) {
    const blocks = Array.from(section.children).filter((block) => !block.classList.contains("continued"));
    for (let size = 1; size > 0.5; size -= 0.04) {
      blocks.forEach((block) => { block.style.zoom = size < 1 ? size : ""; });
      if (section.offsetHeight <= HEIGHT && section.scrollWidth <= section.clientWidth) return;
    }
  }

  function start() {
    if (started) return;
    started = true;
    slides.querySelectorAll("section.page").forEach(pour);
    slides.querySelectorAll("section.page").forEach(fit);
    document.querySelector(".reveal").classList.remove("measuring");
    Reveal.initialize({
      width: WIDTH, height: HEIGHT, margin: 0.03, center: false, hash: true, controls: true,
      progress: true, slideNumber: "c/t", transition: "none", viewDistance: 2, pdfSeparateFragments: false,
    });
  }
})();
