"""One set of values, several renderings: text for people, JSON and YAML for machines, Markdown for pull requests.

Called by the compositions (`cli`, the demo). Every module takes values of `state/` and returns text or plain data;
nothing here observes, plans or decides, and no rendering says something that another one cannot.
"""
