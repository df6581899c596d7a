"""Keep pytest to the pages: what Sphinx generates or runs is no test."""

collect_ignore_glob = ["_build/*", "_extensions/*", "conf.py", "gallery/*", "api/generated/*"]
