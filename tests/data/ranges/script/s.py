# /// script
# requires-python = ">=3.11"
# dependencies = ["jinja2<3.2", "click<8.2"]
# [tool.uv]
# constraint-dependencies = ["markupsafe<3.1"]
# ///
