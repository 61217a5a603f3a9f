"""The kinds of node, by what they do; `symprop.algebra.nodes` has all of them."""
