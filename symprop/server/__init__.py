"""The local page: one types a network or a formula and sees it derived; `symprop serve` opens it.

    browser ──> handler ──> desk ──> processes ──> (fork server ──>) worker ──> questions, networks, formulas

The handler lets in what our own page sends and nothing else; the desk says which computation may run; each one has a
process of its own with limits, so that no input can stop the server. What a page shows is made in the worker, as
finished HTML from templates.
"""
