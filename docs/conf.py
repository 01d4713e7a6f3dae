"""How Sphinx builds the site: ``./qd docs``. Nothing of it is fetched when a page is opened."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

project = "qdimage"
author = "qdimage developers"
copyright = "qdimage developers; BSD-3-Clause"
version = release = "0.1.0"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "mathml",
    "offline",
]
exclude_patterns = ["README.md"]
source_suffix = {".md": "markdown"}
templates_path: list[str] = []

# Markdown: links to headings by the names that GitHub gives them; formulas between dollar signs.
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 4
myst_dmath_double_inline = True
html_math_renderer = "mathml"

# Calls: numpydoc texts, types from the signatures.
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = "qdimage"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_logo = "_static/logo.svg"
html_favicon = "_static/logo.svg"
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "sidebar_hide_name": False,
    "light_css_variables": {
        "color-brand-primary": "#b3261e",
        "color-brand-content": "#a3231b",
        "font-stack": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif",
    },
    "dark_css_variables": {
        "color-brand-primary": "#ff8a75",
        "color-brand-content": "#ff9d8b",
    },
}
highlight_language = "text"
pygments_style = "friendly"
pygments_dark_style = "monokai"
copybutton_exclude = ".linenos, .gp, .go"
