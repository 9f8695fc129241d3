"""Commits that are made here: YAML edited by splicing text at node positions, and the messages that carry trailers.

Everything that an edit was not asked to change stays byte-identical. Pure text in, `Revision` out; making git objects
of it and pushing them is an adapter's (`ports.Revisions`).
"""
