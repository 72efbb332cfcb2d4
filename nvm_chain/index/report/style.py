"""Style sheet of a report: one column, light and dark, for a phone, a desk and paper."""

from typing import Final

_LIGHT: Final = """
--paper: #fff; --ink: #1d2126; --muted: #5d6570; --line: #e3e6ea; --soft: #f6f7f8;
--s0: #2f5d8a; --s1: #cf8a3a; --s2: #5a8d5c; --s3: #94659f; --s4: #b4bac2;
"""
_DARK: Final = """
--paper: #15181b; --ink: #e4e7ea; --muted: #9ba4ae; --line: #2c3238; --soft: #1c2024;
--s0: #79a8d6; --s1: #dda766; --s2: #8cba8d; --s3: #bf97cb; --s4: #5b636c;
"""

STYLE: Final = f"""
:root {{ color-scheme: light dark; {_LIGHT} }}
@media (prefers-color-scheme: dark) {{ :root {{ {_DARK} }} }}
* {{ box-sizing: border-box; }}
body {{
  margin: 0 auto; padding: 2.5rem 1.5rem 3rem; max-width: 52rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere; -webkit-text-size-adjust: 100%; text-size-adjust: 100%;
}}
h1 {{ margin: 0; font-size: 1.6rem; font-weight: 600; letter-spacing: -0.01em; }}
h2 {{ margin: 3rem 0 0.25rem; font-size: 1.1rem; font-weight: 600; }}
h3 {{ margin: 1.75rem 0 0.25rem; font-size: 0.9rem; font-weight: 600; }}
p {{ margin: 0.25rem 0; }}
code {{ font: 0.87em ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }}
bdi {{ display: inline-block; max-width: 100%; overflow: hidden; vertical-align: bottom; }}
.note, .sub, figcaption, footer, .empty {{ color: var(--muted); }}
.note, footer {{ font-size: 0.87rem; }}
.sub + .sub {{ margin-top: 0; }}
.unit, .day {{ white-space: nowrap; }}
.money small {{ font-size: 0.8em; color: var(--muted); }}
.unit {{ color: var(--muted); font-size: 0.87em; }}
.below {{ display: block; color: var(--muted); font-size: 0.87rem; font-weight: 400; }}
.tiles {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: 1px; margin: 1.75rem 1px 0; }}
.tiles > div {{ padding: 0.8rem 1rem; box-shadow: 0 0 0 1px var(--line); }}
.tiles dt {{ color: var(--muted); font-size: 0.87rem; }}
.tiles dd {{ margin: 0; }}
.tiles dd:first-of-type {{ font-size: 1.3rem; line-height: 1.35; font-weight: 500; }}
.tiles dd + dd {{ color: var(--muted); font-size: 0.87rem; }}
.tiles .unit {{ white-space: normal; }}
.tiles .long {{ font-size: 0.85em; }}
figure {{ margin: 1.25rem 0 0; break-inside: avoid; }}
figcaption {{ font-size: 0.87rem; }}
.legend {{ display: flex; flex-wrap: wrap; gap: 0.1rem 1.1rem; margin: 0.2rem 0 0.4rem; padding: 0; list-style: none; font-size: 0.87rem; }}
.legend li {{ display: flex; align-items: baseline; gap: 0.4rem; min-width: 0; }}
.swatch {{ flex: none; width: 0.65rem; height: 0.65rem; border-radius: 1px; }}
.s0 {{ background: var(--s0); }} .s1 {{ background: var(--s1); }} .s2 {{ background: var(--s2); }}
.s3 {{ background: var(--s3); }} .s4 {{ background: var(--s4); }}
svg {{ display: block; width: 100%; height: auto; overflow: visible; }}
svg text {{ font-family: inherit !important; font-variant-numeric: tabular-nums; }}
svg.narrow {{ display: none; }}
table {{ width: 100%; margin-top: 0.6rem; border-collapse: collapse; }}
th, td {{ padding: 0.45rem 0 0.45rem 1.25rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; font-weight: 400; }}
th:first-child, td:first-child {{ padding-left: 0; }}
thead th {{ color: var(--muted); font-size: 0.87rem; vertical-align: bottom; white-space: normal; overflow-wrap: normal; }}
.n {{ text-align: right; overflow-wrap: normal; }}
tbody th {{ min-width: 10rem; }}
.money.long {{ overflow-wrap: anywhere; }}
details {{ margin-top: 0.6rem; }}
summary {{ color: var(--muted); font-size: 0.87rem; cursor: pointer; padding: 0.35rem 0; }}
footer {{ margin-top: 3.5rem; padding-top: 1rem; border-top: 1px solid var(--line); }}
@media screen and (max-width: 48rem) {{
  body {{ padding: 1.5rem 1.25rem 2rem; }}
  h2 {{ margin-top: 2.5rem; }}
  .tiles {{ grid-template-columns: 1fr 1fr; }}
  .tiles > div {{ padding: 0.7rem 0.8rem; }}
  .tiles dd:first-of-type {{ font-size: 1.1rem; }}
  svg.wide {{ display: none; }}
  svg.narrow {{ display: block; }}
  thead {{ position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }}
  table, tbody {{ display: block; }}
  tbody tr {{ display: block; padding: 0.6rem 0; border-bottom: 1px solid var(--line); }}
  tbody th {{ display: block; padding: 0 0 0.15rem; border: 0; font-weight: 500; text-align: left; }}
  tbody td {{ display: flex; justify-content: space-between; gap: 1rem; padding: 0.1rem 0; border: 0; text-align: right; }}
  .n {{ overflow-wrap: anywhere; }}
  tbody td::before {{ content: attr(data-label); flex: none; color: var(--muted); text-align: left; }}
}}
@media print {{
  :root {{ color-scheme: light; {_LIGHT} }}
  @page {{ margin: 16mm 14mm; }}
  body {{ padding: 0; max-width: none; font-size: 10pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }}
  h2, h3, figcaption, .note {{ break-after: avoid; }}
  tr, .tiles > div {{ break-inside: avoid; }}
  thead {{ display: table-header-group; }}
  details::details-content {{ display: block; content-visibility: visible; }}
  th, td {{ padding-top: 0.2rem; padding-bottom: 0.2rem; }}
  h2 {{ margin-top: 2rem; }}
  summary {{ list-style: none; }}
}}
"""
