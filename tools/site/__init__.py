"""The documentation site: plain Markdown and docs/navigation.toml in, HTML with search out, without a request to anywhere."""
