"""Pages are run whole, by ``tests/test_documentation.py``: their commands and files as well."""

collect_ignore_glob = ["tutorials/*", "zh/*", "how-to.md", "faq.md", "design.md", "*.py"]
