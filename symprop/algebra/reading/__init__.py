"""How the text of a formula becomes nodes: a case for each kind of syntax; `symprop.algebra.reader` has them all."""
