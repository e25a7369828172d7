"""Sphinx settings of the web book; `python -m book` stages the pages and calls Sphinx."""

import re

import vgcourse
from lessons import repository

project = "vgcourse: video generation, hands on"
author = "vgcourse contributors"
copyright = "vgcourse contributors; prose CC BY 4.0, code MIT"
version = release = vgcourse.__version__
language = "en"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
exclude_patterns = ["play", "puppet", "minimax", "gallery"]
nb_execution_mode = "off"  # outputs are those of the committed notebooks
nb_ipywidgets_js = {}  # no widget needs a script: each has a still picture and a link to a live page
myst_enable_extensions = ["dollarmath", "deflist", "colon_fence"]
myst_heading_anchors = 3
myst_links_external_new_tab = False
# What a link to a page shows where it is shared; addresses there must be whole.
ABOUT = "Train a video GAN on your laptop and play with it in your browser: people who walk, wave and dance."
OWNER, NAME = repository().split("/")[-2:]
myst_html_meta = {
    "description": ABOUT,
    "property=og:title": project,
    "property=og:description": ABOUT,
    "property=og:image": f"https://{OWNER}.github.io/{NAME}/_static/card.png",
    "twitter:card": "summary_large_image",
}

# Docstrings are written in Markdown's way: a name between single backticks is code.
default_role = "code"
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_inherit_docstrings = False  # Keras's own are written for another reader
autodoc_typehints = "none"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False  # "Returns: A dict: ..." is a sentence
nitpick_ignore_regex = [("py:.*", ".*")]  # and so are types; links to pages and headings are all checked
add_module_names = False

html_use_index = html_domain_indices = False  # the search finds names
html_theme = "sphinx_book_theme"
html_title = "vgcourse"
html_favicon = "favicon.svg"
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_js_files = [("book.js", {"defer": "defer"}), ("frames.js", {"type": "module"})]
html_copy_source = True  # the download button serves the notebooks
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system is
mathjax_path = "vendor/mathjax/tex-svg.js"
mathjax3_config = {"options": {"enableMenu": False}}  # parts of the menu would come from elsewhere
html_theme_options = {
    "repository_provider": "github",
    "repository_url": repository(),
    "repository_branch": "main",
    "launch_buttons": {"colab_url": "https://colab.research.google.com"},
    "use_download_button": True,
    "navbar_persistent": [],  # the search stands in the side bar
    "use_fullscreen_button": False,
    "home_page_in_toc": True,
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "navigation_with_keys": False,
}


def mend_docstring(app, what, name, obj, options, lines):
    """Escape what docutils takes for its own: |x| is a length, `width, height: ...` are two attributes."""
    lines[:] = [line.replace("|", "\\|") for line in lines]
    lines[:] = [re.sub(r"^:ivar (\w+), (\w+):", r":ivar \1/\2:", line) for line in lines]


def setup(app):
    app.connect("autodoc-process-docstring", mend_docstring)
