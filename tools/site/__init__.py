"""Builder of the documentation site, from Markdown and docs/navigation.toml to HTML with search. Makes no request."""
