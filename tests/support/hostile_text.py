"""Text that strangers send to become more than text: on a page, in a log, in a table, on a terminal."""

from __future__ import annotations

HOSTILE = {
    "an image": '<img data-owned src=x onerror="alert(1)">',
    "a script": "</td></script><script data-owned>alert(1)</script>",
    "out of an attribute": "\" data-owned autofocus onfocus=alert(1) x='",
    "out of a comment": "--><svg data-owned onload=alert(1)>",
    "out of a text area": "</textarea></title></style><b data-owned>",
    "an address": "javascript:alert(1)",
    "a template": "{{7*7}}{% raw %}${7*7}#{7*7}%(secret)s",
    "entities": "&lt;b&gt;&#60;i&#62;&amp;",
    "htmx": '<div data-owned hx-get="/settings" hx-trigger="load"></div>',
    "a formula": '=HYPERLINK("http://198.51.100.1/","open")',
    "a line end": "a\r\nFAKE: line",
    "a terminal's command": "\x1b]0;owned\x07\x1b[2J",
    "another direction": "abc\u202egnp.exe",
    "a line of Unicode": "a\u2028b\u2029c\x85d",
    "another script": "ключ 鍵 \N{KEY}",
    "a long word": "x" * 3000,
}
