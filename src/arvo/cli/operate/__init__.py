"""Commands that look at a store and act on it while workers go on: each in a module `..._command(s)`.

What they do is in the modules beside them, as functions of a `Store`; they know nothing of command lines.
"""
